"""Whether two results may be compared, as a function that refuses and says why; and the comparison itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gan_bench.benchmark.result import Result, inputs
from gan_bench.benchmark.rows import Row
from gan_bench.benchmark.schema import canonical
from gan_bench.benchmark.statistics import Difference, difference
from gan_bench.errors import UsageError

__all__ = ["NotComparableError", "allowance", "compare", "measured_by", "obstacle", "setting"]

NOTHING = "nothing"


class NotComparableError(UsageError):
    """Two results do not answer the same question."""


def setting(result: Result) -> str:
    """What all results of one table share, as one text: cell, inputs and protocol, to the last pixel."""
    words = [result.what[name] for name in ("set", "degradation", "scale", "protocol")]
    return canonical([*words, inputs(result.what), result.names_sha256])


def allowance(budget: Mapping[str, Any]) -> tuple[Any, ...]:
    """What trainings that compare had in equal measure: so many steps, or minutes of one machine, and the same start.

    Args:
        budget: of a result that was trained here.

    Returns:
        what is counted, how much of it, on what machine where that matters, or "", the budget's name, the digest of the
        weights that it started from or "".
    """
    minutes = budget.get("max_time")
    length = ("steps", budget["steps"], "") if minutes is None else ("minutes", minutes, budget.get("machine") or "")
    return (*length, budget["name"], budget.get("start_from") or "")


def obstacle(one: Result, other: Result, metric: str) -> str:
    """The first thing in which two results differ and must not; empty where they compare.

    They must have been judged on the same cell (set, degradation with all its values, scale), on the same pixels under
    the same names, by one protocol, and by one implementation of the metric with the same weights and facts.

    Args:
        one: a result.
        other: another.
        metric: by which they are to be compared.

    Returns:
        `protocol.border 4 against 0`.
    """
    for name, left, right in _differences(_question(one, metric), _question(other, metric), ""):
        return f"{name} {left} against {right}"
    return ""


def measured_by(result: Result, metric: str) -> str:
    """All by which a metric's number was computed, as one text: results of one setting with equal texts compare."""
    return canonical(_metric(result, metric))


def compare(one: Row, other: Row, metric: str) -> Difference:
    """One row's numbers minus another's, with the interval of that difference.

    Raises:
        NotComparableError: the first obstacle, or a number that is missing.
    """
    for left in one.results:
        for right in other.results:
            if why := obstacle(left, right, metric):
                raise NotComparableError(f"not comparable: {why}")
    sides = [row.images(metric) for row in (one, other)]
    for row, images in zip((one, other), sides, strict=True):
        if images is None:
            label = row.what["label"]
            raise NotComparableError(f"not comparable: {label} has no number of each image for {metric}")
    left_images, right_images = sides
    assert left_images is not None
    assert right_images is not None
    return difference(left_images, right_images, one.fixed, other.fixed)


def _question(result: Result, metric: str) -> dict[str, Any]:
    """All that must be equal, from the outside to the inside."""
    cell = {name: result.what[name] for name in ("set", "degradation", "scale", "protocol")}
    return {**cell, "inputs": inputs(result.what)[:16], "images": _images(result), "metric": _metric(result, metric)}


def _metric(result: Result, metric: str) -> dict[str, Any]:
    what = result.what
    of_a_set = metric in result.scores and not any(metric in row for row in result.images.values())
    facts = result.facts.get(metric, {})
    return {
        **{name: facts.get(name) for name in ("digest", "higher_is_better", "unit", "margin")},
        "weights": _short(what.get("metric_weights", {}).get(metric)),
        "reals": _short(what.get("reals_sha256")) if of_a_set else None,
    }


def _images(result: Result) -> str:
    return f"{len(result.images)} ({result.names_sha256[:8]})"


def _short(digest: str | None) -> str | None:
    return digest and digest[:16]


def _differences(one: Any, other: Any, place: str) -> Iterator[tuple[str, str, str]]:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        names = [*one, *(name for name in other if name not in one)]
        for name in sorted(names, key=lambda name: name != "name"):  # what it is called says most
            yield from _differences(one.get(name), other.get(name), f"{place}.{name}" if place else str(name))
    elif canonical(one) != canonical(other):
        yield place, _spelled(one), _spelled(other)


def _spelled(value: Any) -> str:
    text = NOTHING if value is None else value if isinstance(value, str) else canonical(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
