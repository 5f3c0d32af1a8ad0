"""`gan-bench verify RESULT`: a result's sums against its images, then its scores against its weights and inputs.

Level 1 is arithmetic on the file. Level 2 makes the test set again, loads the weights, restores and scores. Nothing is
written into the result.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from gan_bench.benchmark import Result, key
from gan_bench.benchmark.result import read
from gan_bench.commands import result_files
from gan_bench.errors import GanBenchError, UsageError

__all__ = ["Check", "Report", "level_1", "level_2", "verify"]

Verdict = Literal["holds", "does not hold", "cannot be checked"]
CODES: dict[Verdict, int] = {"holds": 0, "does not hold": 1, "cannot be checked": 2}
SEVERAL: dict[Verdict, str] = {"holds": "hold", "does not hold": "do not hold"}
SEVERAL |= {"cannot be checked": "cannot be checked"}
SUM = 1e-12  # of a mean computed again, relative where it is above 1
DECIBEL = {"image": 0.02, "mean": 0.002}  # of scores restored again, in dB: below what rounding to 8 bit hides
SHARE = 1e-3  # of scores in other units, relative
NEWER = "newer than this gan-bench reads"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        level: 1 or 2.
        name: of what.
        verdict: whether it holds.
        says: what was found, in words.
    """

    level: int
    name: str
    verdict: Verdict
    says: str


@dataclass
class Report:
    """All checks of one result.

    Attributes:
        file: the result.
        checks: in order.
        left: why level 2 was left out, where it was; empty where it was done or not asked for.
    """

    file: str
    checks: list[Check] = field(default_factory=list)
    left: str = ""

    @property
    def level(self) -> int:
        """The highest that was looked at."""
        return max((check.level for check in self.checks), default=0)

    @property
    def verdict(self) -> Verdict:
        """The worst: what does not hold comes before what cannot be checked."""
        found = {check.verdict for check in self.checks}
        return "does not hold" if "does not hold" in found else max(found, key=lambda one: CODES[one], default="holds")


def verify(arguments: argparse.Namespace) -> int:
    """Check results and say what was found.

    Args:
        arguments: results (files, runs, folders), level, weights, json.

    Returns:
        0 where all hold, 1 where one does not, 2 where one cannot be checked.

    Raises:
        UsageError: no such file or folder, or no result in it.
    """
    paths = result_files(arguments.results)
    if arguments.weights and len(paths) > 1:
        raise UsageError(f"--weights {arguments.weights}: it is one result's; name that one")
    reports = []
    for path in paths:
        reports.append(_report(path, arguments.level, arguments.weights))
        if arguments.json != "-":
            print("\n".join(_lines(reports[-1])), flush=True)
    if len(reports) > 1 and arguments.json != "-":
        counts = [(sum(one.verdict == verdict for one in reports), words) for verdict, words in SEVERAL.items()]
        print(f"{len(reports)} results: " + ", ".join(f"{count} {words}" for count, words in counts if count))
    if arguments.json:
        _write(reports, arguments.json)
    verdicts = {one.verdict for one in reports}
    return 1 if "does not hold" in verdicts else max(CODES[one] for one in verdicts)


def _report(path: Path, level: int | None, weights: str | None) -> Report:
    report = Report(str(path))
    try:
        result = read(path)
    except UsageError as error:
        cause = str(error).removeprefix(f"{path}: ")
        report.checks.append(Check(1, "schema", "cannot be checked" if NEWER in cause else "does not hold", cause))
        return report
    report.checks += level_1(result)
    if level == 1 or report.verdict != "holds":
        return report
    second = list(level_2(result, weights))
    last = second[-1]
    if level is None and last.verdict == "cannot be checked" and last.name in ("inputs", "weights", "protocol"):
        report.left = last.says
    else:
        report.checks += second
    return report


def _lines(report: Report) -> Iterator[str]:
    yield report.file
    width = max(len(one.name) for one in report.checks)
    for one in report.checks:
        yield f"  level {one.level}  {one.name:{width}}  {one.verdict}: {one.says}"
    if report.left:
        yield f"  level 2 left out: {report.left}"
    yield f"  {report.verdict} (level {report.level})"


def _write(reports: Sequence[Report], place: str) -> None:
    from gan_bench.files import write_atomically

    told = [{**asdict(one), "level": one.level, "verdict": one.verdict} for one in reports]
    text = json.dumps(told, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    if place == "-":
        sys.stdout.write(text)
    else:
        write_atomically(Path(place), text.encode())


def _check(level: int, name: str, good: bool, says: str) -> Check:
    return Check(level, name, "holds" if good else "does not hold", says)


# Level 1 ----------------------------------------------------------------------------------------------------


def level_1(result: Result) -> Iterator[Check]:
    """What the file says of itself: its schema, its name, its images, and each sum.

    Args:
        result: read from a file.
    """
    assert result.path is not None
    yield Check(1, "schema", "holds", "a complete result")
    wanted, named = key(result.what), result.path.stem.rpartition("_")[2]
    says = f"the file is named by its key {wanted}" if wanted == named else f"the file is {named}, its key is {wanted}"
    yield _check(1, "key", wanted == named, says)
    yield _images(result)
    for metric, stored in result.scores.items():
        yield _mean(result, metric, stored)
    for metric in result.n_inf:
        if metric not in result.scores:
            yield _check(1, metric, result.n_inf[metric] == 0, f"{result.n_inf[metric]} infinite scores, and no mean")


def _images(result: Result) -> Check:
    """Whether there are images, with distinct names and with scores of the same metrics."""
    if not result.images:
        return _check(1, "images", False, "there are none")
    if twice := _twice(result.path):
        return _check(1, "images", False, f"{twice!r} stands in the file twice")
    first, rows = next(iter(result.images.values())), result.images.items()
    odd = next((name for name, row in rows if row.keys() != first.keys() or not name.strip()), None)
    if odd is not None:
        return _check(
            1, "images", False, f"{odd!r} has scores of {', '.join(result.images[odd]) or 'nothing'}, others not"
        )
    lost = sorted(set(result.what["metrics"]) - result.scores.keys() - result.unavailable.keys())
    lost += sorted(first.keys() - result.scores.keys())
    if lost:
        return _check(1, "images", False, f"{lost[0]} has neither a score of the set nor a reason why it has none")
    return _check(
        1, "images", True, f"{len(rows)} of distinct names, each with {', '.join(first) or 'no score of its own'}"
    )


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
    if not rows:
        return _check(1, metric, True, f"{_number(stored)}, a number of the whole set: level 2 computes it again")
    values, n_inf = [value for value in rows if value is not None], result.n_inf.get(metric, 0)
    empty = len(rows) - len(values)
    if n_inf > empty:
        return _check(1, metric, False, f"{n_inf} infinite scores are counted, and {empty} images have no number")
    if empty:
        good = stored is None
        says = f"no mean, as {empty} of {len(rows)} images have no number, {n_inf} of them infinite"
        return _check(1, metric, good, says if good else f"{_number(stored)}, though {empty} images have no number")
    mean = math.fsum(values) / len(values)
    good = stored is not None and abs(stored - mean) <= SUM * max(1.0, abs(mean))
    if good:
        return _check(1, metric, True, f"{_number(stored)} is the mean of its {len(values)} images")
    return _check(1, metric, False, f"{_number(stored)} is stored, and the mean of the images is {_number(mean)}")


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.10g}"


# Level 2 ----------------------------------------------------------------------------------------------------


def level_2(result: Result, weights: str | None = None) -> Iterator[Check]:
    """The scores once more: equal inputs, equal weights, and what comes out of them.

    Args:
        result: read from a file.
        weights: where they are, if not where the result says.
    """
    try:
        tests = _tests(result)
    except GanBenchError as error:
        yield Check(2, "inputs", "cannot be checked", str(error))
        return
    try:
        differing = _differing(result, tests)
    except GanBenchError as error:  # a file that went, or changed its size
        yield Check(2, "inputs", "does not hold", str(error))
        return
    says = (
        f"{', '.join(differing)}: not what was judged" if differing else f"equal to the last bit, {len(tests)} images"
    )
    yield _check(2, "inputs", not differing, says)
    try:
        restorer = _restorer(result, weights)
    except GanBenchError as error:
        yield Check(2, "weights", "cannot be checked", str(error))
        return
    stored, found = result.what["checkpoint_sha256"], restorer.origin.checkpoint_sha256
    says = f"sha256 {str(found)[:16]}..." if stored else "none: nothing was learnt"
    yield _check(2, "weights", stored == found, says if stored == found else f"{says}, not {str(stored)[:16]}...")
    if differing or stored != found:
        return
    yield from _scores(result, restorer, tests)


def _tests(result: Result) -> Any:
    from gan_bench.inputs import again

    inputs = result.provenance.get("inputs")
    if not isinstance(inputs, Mapping):
        raise UsageError("the result does not say how its test set was made; judge it again to have it said")
    try:
        return again(inputs)
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"provenance.inputs is damaged ({type(error).__name__}: {error}); judge it again") from None


def _differing(result: Result, tests: Any) -> list[str]:
    """Which digests of the inputs are others than the result's."""
    wanted = [name for name in ("lq_sha256", "gt_sha256", "reals_sha256") if result.what.get(name)]
    return [name for name in wanted if getattr(tests, name) != result.what[name]]


def _restorer(result: Result, weights: str | None) -> Any:
    from gan_bench.restorers import load_restorer

    assert result.path is not None
    what, kept = result.what, result.provenance.get("weights")
    if weights or what["checkpoint_sha256"] is None:
        return load_restorer(weights or what["restorer"], what["scale"])
    places = [result.path.parent / kept, Path(kept)] if kept else [Path(what["restorer"])]
    for place in places:
        if place.exists():
            return load_restorer(str(place), what["scale"])
    raise UsageError(f"{kept or what['restorer']}: the weights are not here; name them by --weights FILE")


def _scores(result: Result, restorer: Any, tests: Any) -> Iterator[Check]:
    """Restored and scored once more, metric by metric."""
    from gan_bench.judge import score_images
    from gan_bench.metrics import Suite, aggregate, get_protocol

    what = result.what
    protocol = get_protocol(what["protocol"]["name"])
    if protocol.describe() != what["protocol"]:
        yield Check(2, "protocol", "cannot be checked", f"{protocol.name} meant something else then; take its code")
        return
    suite = Suite(list(result.scores), protocol, what["scale"])
    try:
        rows, _ = score_images(restorer, tests, suite, lambda _, restored: suite.collect(restored))
        scores, _ = aggregate(rows)
        scores |= suite.score_sets(tests.reals())
    except (GanBenchError, ValueError) as error:
        yield Check(2, "restored", "does not hold", f"cannot be restored and scored again: {error}")
        return
    then, now = what.get("metric_weights", {}), suite.weights()
    for metric in result.scores:
        if metric in suite.unavailable:
            yield Check(2, metric, "cannot be checked", suite.unavailable[metric])
        elif then.get(metric) != now.get(metric):
            yield Check(2, metric, "cannot be checked", "its weights here are others than those that judged")
        else:
            yield _compared(result, metric, rows, scores.get(metric))


def _compared(result: Result, metric: str, rows: Mapping[str, Mapping[str, float]], score: float | None) -> Check:
    """A metric's scores now and then: the largest difference of an image, and that of the mean."""
    decibel = result.facts[metric]["unit"] == "dB"
    then = {name: row[metric] for name, row in result.images.items() if metric in row}
    now = {name: row[metric] if math.isfinite(row[metric]) else None for name, row in rows.items() if metric in row}
    if then.keys() != now.keys():
        return _check(2, metric, False, f"{len(then)} images then and {len(now)} now, of other names")
    odd = [name for name in then if (then[name] is None) != (now[name] is None)]
    if odd:
        return _check(2, metric, False, f"{odd[0]}: {_number(then[odd[0]])} then, {_number(now[odd[0]])} now")
    apart = {name: _apart(value, now[name]) for name, value in then.items()}
    worst = max(apart, key=lambda name: apart[name], default="")
    over = [name for name in apart if apart[name] > _allowed(then[name], decibel, "image")]
    mean, stored = _apart(result.scores[metric], score), result.scores[metric]
    good = not over and (stored is None) == (score is None) and mean <= _allowed(stored, decibel, "mean")
    unit = f" {result.facts[metric]['unit']}".rstrip()
    most = f"differs by at most {apart[worst]:.3g}{unit} in an image ({worst}) and " if worst else "differs "
    says = f"{most}by {mean:.3g}{unit} in the mean" if any(apart.values()) or mean else "equal to the last bit"
    return _check(2, metric, good, says + (f"; {len(over)} images beyond the tolerance" if over else ""))


def _apart(one: float | None, other: float | None) -> float:
    return 0.0 if one is None or other is None else abs(one - other)


def _allowed(value: float | None, decibel: bool, of: str) -> float:
    return DECIBEL[of] if decibel else SHARE * abs(value or 0.0) + 1e-9
