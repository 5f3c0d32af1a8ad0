"""What a result file says of itself: its name, its images, and each mean as the sum that it is; nothing is restored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from gan_bench.benchmark.result import Result, key, mean_of

__all__ = ["SETS", "Check", "Verdict", "level_1", "number"]

Verdict = Literal["holds", "not checked", "does not hold", "cannot be checked"]
SETS: Final = frozenset({"fid", "kid"})  # metrics whose mean is of no image: one number of a whole set


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        level: 1 or 2.
        name: of what.
        verdict: whether it holds; `not checked` says what nobody looked at, and why, and fails nothing.
        says: what was found, in words.
    """

    level: int
    name: str
    verdict: Verdict
    says: str


def level_1(result: Result) -> Iterator[Check]:
    """Its schema, its name, its images, and each sum.

    Args:
        result: read from a file.
    """
    assert result.path is not None
    yield _check("schema", True, "a complete result")
    wanted, named = key(result.what), result.path.stem.rpartition("_")[2]
    says = f"the file is named by its key {wanted}" if wanted == named else f"the file is {named}, its key is {wanted}"
    yield _check("key", wanted == named, says)
    yield _images(result)
    for metric, stored in result.scores.items():
        yield _mean(result, metric, stored)
    for metric in result.n_inf:
        if metric not in result.scores:
            yield _check(metric, result.n_inf[metric] == 0, f"{result.n_inf[metric]} infinite scores, and no mean")


def number(value: float | None) -> str:
    """To ten digits; `none` for what is no number."""
    return "none" if value is None else f"{value:.10g}"


def _images(result: Result) -> Check:
    """Whether there are images, with distinct names and with scores of the same metrics."""
    if not result.images:
        return _check("images", False, "there are none")
    if twice := _twice(result.path):
        return _check("images", False, f"{twice!r} stands in the file twice")
    rows = result.images
    if any(not name.strip() for name in rows):
        return _check("images", False, "one has no name")
    every = dict.fromkeys(metric for row in rows.values() for metric in row)
    gap = next(((name, metric) for name, row in rows.items() for metric in every if metric not in row), None)
    if gap:
        return _check("images", False, f"{gap[0]!r} has no {gap[1]}, which others have")
    lost = sorted(set(result.what["metrics"]) - result.scores.keys() - result.unavailable.keys())
    lost += sorted(every.keys() - result.scores.keys())
    if lost:
        return _check("images", False, f"{lost[0]} has neither a score of the set nor a reason why it has none")
    return _check("images", True, f"{len(rows)} of distinct names, each with {', '.join(every) or 'no score'}")


def _twice(path: Path | None) -> str | None:
    """A name that a mapping in the file has twice; JSON takes the last."""
    found: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in items]
        found.extend(name for name in names if names.count(name) > 1) if len(set(names)) < len(names) else None
        return dict(items)

    if path is not None:
        json.loads(path.read_text("utf-8"), object_pairs_hook=pairs)
    return found[0] if found else None


def _mean(result: Result, metric: str, stored: float | None) -> Check:
    """A stored mean against that of the images; a metric of sets has none."""
    rows = [row[metric] for row in result.images.values() if metric in row]
    if not rows and metric in SETS:
        return _check(metric, True, f"{number(stored)}, a number of the whole set: level 2 computes it again")
    if not rows:
        return _check(metric, False, f"{number(stored)} is stored, and no image has a score to be the mean of")
    (mean, same), images, n_inf = mean_of(result, metric), len(result.images), result.n_inf.get(metric, 0)
    empty = images - len(rows) + rows.count(None)
    if n_inf > empty:
        return _check(metric, False, f"{n_inf} infinite scores are counted, and {empty} images have no number")
    if mean is None:
        says = f"no mean, as {empty} of {images} images have no number, {n_inf} of them infinite"
        return _check(metric, same, says if same else f"{number(stored)}, though {empty} images have no number")
    says = f"{number(stored)} is the mean of its {images} images"
    odd = f"{number(stored)} is stored, and the mean of the images is {number(mean)}"
    return _check(metric, same, says if same else odd)


def _check(name: str, good: bool, says: str) -> Check:
    return Check(1, name, "holds" if good else "does not hold", says)
