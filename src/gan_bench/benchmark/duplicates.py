"""Which of several results of one thing is shown: copies count once, and the fuller one outdoes what lacks metrics."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from gan_bench.benchmark.result import Result, key
from gan_bench.benchmark.schema import canonical

__all__ = ["once"]


def once(results: Sequence[Result]) -> tuple[list[Result], list[tuple[Path, str]]]:
    """What is shown, and what is not.

    Args:
        results: in any order.

    Returns:
        The results without copies and without what a fuller one outdoes; the files of the others, each with the reason.
    """
    kept: dict[tuple[str, str], Result] = {}
    left_out = []
    for result in results:
        identity = (result.key, canonical([result.scores, result.images]))
        if kept.setdefault(identity, result) is not result:
            left_out.append((_file(result), "is a copy of a result that is shown"))
    peers = defaultdict(list)
    for result in kept.values():
        peers[key(result.what | {"metrics": [], "metric_weights": {}, "reals_sha256": None})].append(result)
    outdone = [one for group in peers.values() for one in group if any(_outdoes(other, one) for other in group)]
    left_out += [(_file(one), "lacks metrics that a result of the same, which is shown, has") for one in outdone]
    return [result for result in kept.values() if all(result is not one for one in outdone)], left_out


def _outdoes(full: Result, partial: Result) -> bool:
    """Whether the same was asked of both, and `full` could compute all that `partial` could and more.

    A stand-in counts for what it stood in for: that is among the unavailable of its result.
    """
    asked = {*partial.what["metrics"], *partial.unavailable}
    alike = set(full.what["metrics"]) <= asked and len(full.what["metrics"]) == len(partial.what["metrics"])
    reals = {full.what.get("reals_sha256"), partial.what.get("reals_sha256")} - {None}
    return alike and len(reals) < 2 and full.unavailable.keys() < partial.unavailable.keys()


def _file(result: Result) -> Path:
    return result.path or Path("-")
