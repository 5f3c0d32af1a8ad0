"""Restored and scored once more: each number of a result against what comes out today, within what machines differ in.

Direction, unit, digits and tolerance are the metric's own: nothing in the file widens them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gan_bench.benchmark import Result
from gan_bench.benchmark.schema import plain
from gan_bench.benchmark.sums import Check, number
from gan_bench.errors import GanBenchError, UsageError
from gan_bench.judge import Question, score_images
from gan_bench.metrics import Suite, aggregate
from gan_bench.provenance import code_version

__all__ = ["allowed", "rescored"]

DECIBEL = {"image": 0.02, "mean": 0.002}  # of scores restored again, in dB
FLIPS = 1e-3  # squared 8-bit levels: what values that round the other way add to a mean squared error, or take from it
PEAK = 255.0
SHARE = 1e-3  # of scores in other units, relative
OF_AN_IMPLEMENTATION = frozenset({"digest", "margin", "digits", "ranked_from"})  # what other code may say otherwise


@dataclass(frozen=True)
class _Again:
    """What came out: scores by image, those of the set, facts by metric."""

    rows: Mapping[str, Mapping[str, float]]
    scores: Mapping[str, float | None]
    facts: Mapping[str, Mapping[str, Any]]


def rescored(result: Result, posed: Question) -> Iterator[Check]:
    """The facts and the scores of all metrics, those that the file calls unavailable too.

    Args:
        result: read from a file.
        posed: its test set, restorer and protocol; the metrics are the result's.
    """
    asked = dict.fromkeys([*result.what["metrics"], *result.unavailable])
    known = []
    for metric in asked:
        try:
            Suite([metric], posed.protocol, posed.tests.scale)
            known.append(metric)
        except UsageError as error:
            yield Check(2, metric, "cannot be checked", str(error))
    suite = Suite(known, posed.protocol, posed.tests.scale)
    then, now = result.what.get("metric_weights", {}), suite.weights()
    other = {metric for metric in known if then.get(metric) != now.get(metric)}
    later = [metric for metric in other & result.unavailable.keys() if metric not in then]
    yield from (Check(2, metric, "not checked", "n/a then, without its weights; they are here") for metric in later)
    suite = Suite([metric for metric in known if metric not in later], posed.protocol, posed.tests.scale)
    try:
        rows, _ = score_images(posed.restorer, posed.tests, suite, lambda _, restored: suite.collect(restored))
        means, _ = aggregate(rows)
        found = _Again(rows, {**means, **suite.score_sets(posed.tests.reals())}, plain(suite.facts()))
    except (GanBenchError, ValueError) as error:
        yield Check(2, "restored", "does not hold", f"cannot be restored and scored again: {error}")
        return
    yield _facts(result, found)
    for metric in suite.names:
        yield _unavailable(result, metric, suite, found) or _scored(result, metric, found, metric in other)


def _facts(result: Result, found: _Again) -> Check:
    """What the file says of its metrics, against what they say of themselves."""
    same_code, unsure = result.what["code"] == code_version(), []
    compared = [metric for metric in result.scores if metric in found.facts]
    for metric in compared:
        then, now = result.facts[metric], found.facts[metric]
        names = [name for name in {**now, **then} if same_code or name in then or name not in OF_AN_IMPLEMENTATION]
        for name in (name for name in names if then.get(name) != now.get(name)):
            says = f"{metric}.{name}: {then.get(name)} in the file, {now.get(name)} found"
            if same_code or name not in OF_AN_IMPLEMENTATION:
                return Check(2, "facts", "does not hold", says)
            unsure.append(says)
    if unsure:
        return Check(2, "facts", "cannot be checked", f"{unsure[0]}, by other code; take that")
    return Check(2, "facts", "holds", f"direction, unit, digits, margin and digest of {', '.join(compared) or 'none'}")


def _unavailable(result: Result, metric: str, suite: Suite, found: _Again) -> Check | None:
    """What is said where there is no number then, or none now; None where there are both."""
    built = metric in suite.metrics or metric in suite.sets
    if metric not in result.scores:
        if metric in suite.unavailable:
            return Check(2, metric, "holds", f"n/a then and now: {suite.unavailable[metric]}")
        return Check(2, metric, "does not hold", f"n/a in the file, and {number(found.scores.get(metric))} found")
    if metric in suite.unavailable:
        says = suite.unavailable[metric]
        return Check(
            2,
            metric,
            "does not hold" if built else "cannot be checked",
            f"{says}" if not built else f"it has a score, and {says}",
        )
    return None


def _scored(result: Result, metric: str, found: _Again, other_weights: bool) -> Check:
    """A metric's scores now and then: the largest difference of an image, and that of the mean."""
    if other_weights:
        return Check(2, metric, "cannot be checked", "its weights here are others than those that judged")
    facts = found.facts[metric]
    if result.what["code"] != code_version() and result.facts[metric].get("digest", facts["digest"]) != facts["digest"]:
        return Check(2, metric, "cannot be checked", "its implementation here is another than that which judged")
    then = {name: row[metric] for name, row in result.images.items() if metric in row}
    now = {name: _finite(row[metric]) for name, row in found.rows.items() if metric in row}
    if then.keys() != now.keys():
        return Check(2, metric, "does not hold", f"{len(then)} images then and {len(now)} now, of other names")
    odd = [name for name in then if (then[name] is None) != (now[name] is None)]
    if odd:
        says = f"{odd[0]}: {number(then[odd[0]])} then, {number(now[odd[0]])} now"
        return Check(2, metric, "does not hold", says)
    return _compared(metric, facts, then, now, (result.scores[metric], found.scores.get(metric)))


def _compared(
    metric: str,
    facts: Mapping[str, Any],
    then: Mapping[str, float | None],
    now: Mapping[str, float | None],
    means: tuple[float | None, float | None],
) -> Check:
    apart = {name: _apart(value, now[name]) for name, value in then.items()}
    worst = max(apart, key=lambda name: apart[name], default="")
    over = [name for name in apart if apart[name] > allowed(now[name], facts, "image")]
    mean, unit = _apart(*means), f" {facts['unit']}".rstrip()
    good = not over and (means[0] is None) == (means[1] is None) and mean <= allowed(means[1], facts, "mean")
    most = f"differs by at most {apart[worst]:.3g}{unit} in an image ({worst}) and " if worst else "differs "
    says = f"{most}by {mean:.3g}{unit} in the mean" if any(apart.values()) or mean else "equal to the last bit"
    beyond = f"; {len(over)} images beyond the tolerance" if over else ""
    return Check(2, metric, "holds" if good else "does not hold", says + beyond)


def allowed(value: float | None, facts: Mapping[str, Any], of: str) -> float:
    """How far a score may lie from one that another machine computed.

    In dB 0.02 of an image and 0.002 of the mean, and near equality what single 8-bit levels change; else a thousandth,
    and of numbers near zero half of the last digit that is shown.

    Args:
        value: computed here.
        facts: of the metric itself.
        of: `image` or `mean`.
    """
    if facts["unit"] == "dB":
        error = PEAK**2 / 10 ** ((value or 0.0) / 10)  # mean squared, in 8-bit levels
        return max(DECIBEL[of], 10 * math.log10(1 + FLIPS / error))
    return max(SHARE * abs(value or 0.0), 0.5 * 10.0 ** -int(facts["digits"]))


def _apart(one: float | None, other: float | None) -> float:
    return 0.0 if one is None or other is None else abs(one - other)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
