"""`gan-bench verify RESULT`: which results are looked at, how far, and how that is said; nothing is written into them.

Level 1 is arithmetic on the file. Level 2 makes the test set again, loads the weights, restores and scores.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from gan_bench.benchmark.result import read
from gan_bench.benchmark.schema import plain
from gan_bench.benchmark.sums import Check, Verdict, level_1
from gan_bench.benchmark.words import visible
from gan_bench.commands import give_json, result_files
from gan_bench.errors import UsageError

__all__ = ["Report", "verify"]

CODES: dict[Verdict, int] = {"holds": 0, "not checked": 0, "does not hold": 1, "cannot be checked": 2}
SEVERAL: dict[Verdict, str] = {"holds": "hold", "does not hold": "do not hold"}
SEVERAL |= {"cannot be checked": "cannot be checked"}
NEWER, UNREAD = "newer than this gan-bench reads", "cannot be read"
ABSENT = ("inputs", "weights", "protocol")  # what level 2 needs and this machine may lack


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
        worst: tuple[Verdict, ...] = ("does not hold", "cannot be checked")
        return next((verdict for verdict in worst if verdict in found), "holds")


def verify(arguments: argparse.Namespace) -> int:
    """Check results and say what was found.

    Args:
        arguments: results (files, runs, folders), level, weights, json.

    Returns:
        0 where all hold, 1 where one does not, 2 where one cannot be checked.

    Raises:
        UsageError: no such file or folder, no result in it, or no such weights.
    """
    paths = result_files(arguments.results)
    if arguments.weights and len(paths) > 1:
        raise UsageError(f"--weights {arguments.weights}: it is one result's; name that one")
    if arguments.weights and not Path(arguments.weights).exists():
        raise UsageError(
            f"--weights {arguments.weights}: no such file; name the weights that were judged, or leave it out"
        )
    reports = []
    for path in paths:
        reports.append(_report(path, arguments.level, arguments.weights))
        if arguments.json != "-":
            print("\n".join(map(_printable, _lines(reports[-1]))), flush=True)
    if len(reports) > 1 and arguments.json != "-":
        counts = [(sum(one.verdict == verdict for one in reports), words) for verdict, words in SEVERAL.items()]
        print(f"{len(reports)} results: " + ", ".join(f"{count} {words}" for count, words in counts if count))
    if arguments.json:
        told = [{**asdict(one), "level": one.level, "verdict": one.verdict} for one in reports]
        give_json(plain(told), arguments.json)
    verdicts = {one.verdict for one in reports}
    return 1 if "does not hold" in verdicts else max(CODES[one] for one in verdicts)


def _report(path: Path, level: int | None, weights: str | None) -> Report:
    report = Report(str(path))
    try:
        result = read(path)
    except UsageError as error:
        cause = str(error).removeprefix(f"{path}: ")
        unknown = NEWER in cause or cause.startswith(UNREAD)
        report.checks.append(Check(1, "schema", "cannot be checked" if unknown else "does not hold", cause))
        return report
    report.checks += level_1(result)
    if level == 1 or report.verdict != "holds":
        return report
    from gan_bench.verify.rebuilt import level_2

    second = list(level_2(result, weights))
    odd = [one for one in second if one.verdict not in ("holds", "not checked")]
    if level is None and odd and {(one.verdict, one.name in ABSENT) for one in odd} == {("cannot be checked", True)}:
        report.left = odd[-1].says
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


def _printable(line: str) -> str:
    """What a file says can neither move a terminal's cursor nor stop the output."""
    return visible(line, "\ufffd")
