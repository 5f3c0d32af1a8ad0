"""One evaluation as one immutable JSON file: its key, how it is written, read and found; nothing is compared here.

A file holds no NaN and no infinity: such a number is null, and `n_inf` counts the infinite ones (PSNR of equal images).
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Real
from pathlib import Path
from typing import Any

from gan_bench.benchmark.schema import GROUPS, SCHEMA, canonical, check, check_document, plain
from gan_bench.errors import UsageError, WorkError
from gan_bench.files import write_new

__all__ = ["SCHEMA", "Result", "find", "inputs", "key", "mean_of", "read", "record", "take"]

_KEYED = ("label", "checkpoint_sha256", "set", "lq_sha256", "degradation", "scale", "protocol", "selection", "code")
_SUM = 1e-12  # of a mean, relative above 1: JSON keeps all digits, and 1000 numbers added in any order differ by less
_NAMED = re.compile(r"_[0-9a-f]{16}\.json$")


@dataclass(frozen=True, kw_only=True)
class Result:
    """What was judged, and how it came out. Constructing one makes it plain JSON and checks it.

    Attributes:
        what: label, restorer (spec as typed, or run name), model, set, degradation ({name, parameters}, or None where
            lq was given), scale, protocol ({name, facts}), metrics (names asked for), metric_weights (SHA-256 by
            metric, of those that were available; may be absent), budget ({name, steps, batch, patch, max_time and
            machine where its minutes counted, and start_from where it did}, or None for what was not trained here),
            seed, selection (last, best, the stem of another file in a run, or None), checkpoint_sha256 (or None),
            lq_sha256, gt_sha256 (where lq was given beside gt; may be absent or None), reals_sha256 (of the images that
            a metric of sets compared with; may be absent or None), code (version), trained_on ({dataset, degradation,
            None where lq was given, and limit and unpaired where there were such}, or None for what was not trained
            here), suite ({name, version, sha256, role} of the suite that it was judged for, or None) and recipe (16 hex
            digits over the training's configuration without its seed, or None); these three may be absent, and are no
            part of the key.
        scores: metric -> mean over the images, or the number of the whole set, which no image then has; None where it
            is not finite; without those that were unavailable.
        n_inf: metric -> number of images whose score is infinite; counted from `images` where not given.
        images: file stem -> metric -> score or None.
        unavailable: metric -> why it could not be computed.
        facts: metric -> {higher_is_better, unit, digits, and ranked_from, the number of images under which it does not
            rank, where it has one, and reals, of how many that was compared with, digest of implementation and weights,
            margin within which two methods count as equal}, so that a board needs no metric code.
        cost: seconds (of the evaluation), parameters, training_seconds, and inference (ms_per_megapixel of output,
            flops_per_megapixel, peak_bytes, machine, stack, precision, or None).
        provenance: config, command, machine, versions, date, code, commit, inputs (how the test set was made).
        path: the file it was read from; no part of the file, nor of equality.

    Raises:
        ValueError: something is missing or has the wrong type.
    """

    what: dict[str, Any]
    scores: dict[str, float | None]
    n_inf: dict[str, int] = field(default_factory=dict)
    images: dict[str, dict[str, float | None]]
    unavailable: dict[str, str] = field(default_factory=dict)
    facts: dict[str, dict[str, Any]]
    cost: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    path: Path | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        groups = {name: getattr(self, name) for name in GROUPS}
        wrong = [name for name, group in groups.items() if not isinstance(group, Mapping)]
        if wrong or not all(isinstance(row, Mapping) for row in self.images.values()):
            raise ValueError(f"{(wrong or ['images'])[0]} is not a mapping, or not one of mappings")
        groups["n_inf"] = {**_infinite(self.images), **self.n_inf}
        groups = plain(groups)
        check(groups)
        for name, group in groups.items():
            object.__setattr__(self, name, group)

    @cached_property
    def key(self) -> str:
        """See `key`."""
        return key(self.what)

    @cached_property
    def names_sha256(self) -> str:
        """The digest of its images' names."""
        return hashlib.sha256(canonical(sorted(self.images)).encode()).hexdigest()

    def write(self, folder: Path) -> Path:
        """Write it, whole or not at all, as `<set>_<key>.json`; an equal result that is already there is left alone.

        Args:
            folder: made if missing.

        Returns:
            The file.

        Raises:
            WorkError: it cannot be written, or the file is there with other scores.
        """
        name = re.sub(r"[^\w.-]+", "-", self.what["set"])[:40].strip(".-") or "set"
        path = folder / f"{name}_{self.key}.json"
        document = {"schema": SCHEMA} | {group: getattr(self, group) for group in GROUPS}
        text = json.dumps(document, allow_nan=False, sort_keys=True, indent=1, ensure_ascii=False)
        if not write_new(path, (text + "\n").encode()):
            _want_same(path, self)
        return path


def key(what: Mapping[str, Any]) -> str:
    """16 hex digits over all that the scores depend on: weights (without any: the restorer), inputs, protocol, code."""
    parts = {name: what[name] for name in _KEYED} | {"schema": SCHEMA, "metrics": sorted(what["metrics"])}
    parts |= {name: what[name] for name in ("gt_sha256", "reals_sha256") if what.get(name)}
    parts["metric_weights"] = what.get("metric_weights", {})  # so what was n/a is asked again once it is there
    if what["checkpoint_sha256"] is None:
        parts["restorer"] = what["restorer"]
    return hashlib.sha256(canonical(plain(parts)).encode()).hexdigest()[:16]


def inputs(what: Mapping[str, Any]) -> str:
    """The digest of what was restored and, where that was given, of what it was compared with."""
    lq, gt = what["lq_sha256"], what.get("gt_sha256")
    return hashlib.sha256(f"{lq}{gt}".encode()).hexdigest() if gt else str(lq)


def mean_of(result: Result, metric: str) -> tuple[float | None, bool]:
    """The mean of a score over the images, and whether the stored one is that.

    Args:
        result: at least one of its images has the metric.
        metric: one of its scores.

    Returns:
        the mean, None where an image has no number and there may be none; and True where they are equal but for the
        rounding of float64.
    """
    stored, values = result.scores[metric], [row.get(metric) for row in result.images.values()]
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None, stored is None
    mean = math.fsum(known) / len(known)
    return mean, stored is not None and abs(stored - mean) <= _SUM * max(1.0, abs(mean))


def read(path: Path) -> Result:
    """Read one result file strictly.

    Raises:
        UsageError: it is no complete result of a known schema; one line that names file and cause.
    """
    try:
        return _load(path)
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from error


def take(path: Path) -> Result:
    """Read one result file that is to stand for a new evaluation.

    Raises:
        UsageError: it is no complete result, or its means are not those of its images.
    """
    try:
        return _sound(path)
    except ValueError as error:
        raise UsageError(f"{path}: {error}; remove the file to judge again") from error


def find(folder: Path) -> tuple[list[Result], list[tuple[Path, str]]]:
    """Read the results below a folder; hidden folders are not entered.

    In the folder itself and in those named `results` every *.json is asked to be one; elsewhere, as where `--out` was a
    folder of another name, what is named as one, by a key of 16 digits.

    Args:
        folder: a root of runs, a run, its `results`, or whatever `--out` named.

    Returns:
        The results, each with its `path`, in the order of the paths; and the files left out, each with the reason: what
        is no result, or one whose means are not those of its images, or a folder that cannot be read.

    Raises:
        UsageError: there is no such folder.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; name a folder of runs, a run, or a folder of results")
    paths, left_out = _files(folder)
    found = []
    for path in paths:
        try:
            found.append(_sound(path))
        except ValueError as error:
            left_out.append((path, str(error)))
    return found, left_out


def record(result: Result) -> dict[str, Any]:
    """The flat object that `benchmark --json` prints: no finite mean is null, an unavailable metric is absent."""
    what = result.what
    return {
        "schema": SCHEMA,
        **{name: what[name] for name in ("restorer", "label", "scale", "lq_sha256")},
        "protocol": what["protocol"]["name"],
        "degradation": what["degradation"]["name"] if what["degradation"] else None,
        **{name: getattr(result, name) for name in ("scores", "n_inf", "images", "unavailable")},
        "seconds": result.cost.get("seconds"),
    }


def _infinite(images: Mapping[str, Mapping[str, Any]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for row in images.values():
        for metric, value in row.items():
            if isinstance(value, Real) and value in (math.inf, -math.inf):  # no whole number overflows
                counts[metric] += 1
    return counts


def _want_same(path: Path, result: Result) -> None:
    try:
        old = _load(path)
    except ValueError as error:
        raise WorkError(f"{path}: {error}; remove the file to write this result again") from error
    if (old.scores, old.images) != (result.scores, result.images):
        cause = "holds another result under the same key"
        raise WorkError(f"{path}: {cause}; results are not overwritten: remove it or choose another folder")


def _files(folder: Path) -> tuple[list[Path], list[tuple[Path, str]]]:
    """The files that are asked, and the folders that cannot be read, each with the reason."""
    paths, closed = [], []

    def keep(error: OSError) -> None:
        closed.append((Path(error.filename), f"cannot be read ({error.strerror})"))

    for root, folders, names in os.walk(folder, onerror=keep):
        folders[:] = [name for name in folders if not name.startswith(".")]
        here = Path(root)
        all_of_them = here == folder or here.name == "results"
        found = [name for name in names if name.endswith(".json") and not name.startswith(".")]
        paths += [here / name for name in found if all_of_them or _NAMED.search(name)]
    return sorted(paths), closed


def _sound(path: Path) -> Result:
    """As `_load`, of a result whose means are those of its images."""
    result = _load(path)
    _check_means(result)
    return result


def _load(path: Path) -> Result:
    """The result in a file; a ValueError says what is wrong with it, without the file's name."""
    try:
        document = json.loads(path.read_bytes().decode("utf-8"), parse_constant=_no_constant)
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from error
    except RecursionError as error:
        raise ValueError("is nested too deeply") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"is no complete JSON: half-written or damaged ({error})") from error
    check_document(document)
    return Result(**{name: document[name] for name in GROUPS}, path=path)


def _check_means(result: Result) -> None:
    """Raise ValueError where a mean is not that of the images; a metric of sets has none to be the mean of."""
    for metric in result.scores:
        if any(metric in row for row in result.images.values()) and not mean_of(result, metric)[1]:
            raise ValueError(f"scores.{metric} is not the mean of its images")


def _no_constant(literal: str) -> None:
    raise ValueError(f"holds {literal}, which is not JSON")
