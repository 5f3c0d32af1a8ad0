"""Rows of a board: a method's results on one thing, one for each seed that it was trained with."""

from __future__ import annotations

import hashlib
import math
import statistics
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from gan_bench.benchmark.result import Result
from gan_bench.benchmark.schema import canonical
from gan_bench.benchmark.statistics import SEEDS, interval

__all__ = ["Claim", "Row", "identity", "is_folder", "latest", "methods", "rows_of"]

Claim = Literal["fixed", "weights", "method"]
AGAIN = "is of a method and seed of which a result that was computed later is shown"
OTHERWISE = "has the key of a result that is shown, and other scores: not reproducible"


@dataclass(frozen=True)
class Row:
    """What stands in one line: results that differ in their seed alone, ascending.

    Attributes:
        results: at least one.
    """

    results: tuple[Result, ...]

    @property
    def lead(self) -> Result:
        """The result of the first seed; the others have its label, recipe and inputs."""
        return self.results[0]

    @property
    def what(self) -> dict[str, Any]:
        """Of the lead."""
        return self.lead.what

    @cached_property
    def id(self) -> str:
        """Eight hex digits: no other row changes them."""
        return hashlib.sha256(canonical([self.lead.key, self.lead.scores, self.lead.images]).encode()).hexdigest()[:8]

    @property
    def seeds(self) -> tuple[int, ...]:
        """With which it was trained; none where that is not known or nothing was trained."""
        return tuple(one.what["seed"] for one in self.results if one.what["seed"] is not None)

    @property
    def fixed(self) -> bool:
        """Whether there is nothing in it that another seed could change: it has no weights."""
        return self.what["checkpoint_sha256"] is None

    @property
    def claim(self) -> Claim:
        """Of what the row speaks: what is fixed, these weights, or the method behind them."""
        return "fixed" if self.fixed else "method" if len(self.results) >= SEEDS else "weights"

    def by_seed(self, metric: str) -> list[float | None]:
        """The number of each seed, in their order; None where it has none."""
        return [one.scores.get(metric) for one in self.results]

    def score(self, metric: str) -> float | None:
        """The mean over the seeds; None where one of them has no number."""
        values = self.by_seed(metric)
        known = [value for value in values if value is not None]
        return math.fsum(known) / len(known) if len(known) == len(values) else None

    def spread(self, metric: str) -> float | None:
        """The standard deviation over the seeds, of a method that has a number."""
        if self.claim != "method" or self.score(metric) is None:
            return None
        return statistics.stdev(value or 0.0 for value in self.by_seed(metric))

    def half(self, metric: str) -> float | None:
        """Half of the 95 % t interval of a method's mean over its seeds."""
        if self.spread(metric) is None:
            return None
        around = interval(np.array([self.by_seed(metric)], dtype=np.float64).T)
        return None if around is None else (around[1] - around[0]) / 2

    @property
    def sets(self) -> tuple[int, ...]:
        """How many images of each set, in the order of `images`, where there is more than one set."""
        return ()

    def images(self, metric: str) -> np.ndarray | None:
        """(seeds, images) float64 in the order of the images' names; None where a number is missing."""
        rows = [[one.images[name].get(metric) for name in sorted(one.images)] for one in self.results]
        if not rows[0] or any(value is None for row in rows for value in row):
            return None
        return np.array(rows, dtype=np.float64)

    def cost(self, name: str) -> float | None:
        """The median over the seeds of a number of `cost`; dotted names lie deeper: `inference.ms_per_megapixel`."""
        if name.startswith("inference.ms") and not self.machine:
            return None  # of several machines
        values = [_found(one.cost, name) for one in self.results]
        known = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
        return statistics.median(known) if known else None

    @property
    def machine(self) -> str:
        """On what the speed was measured; empty where it was not, or not in one place."""
        names = ("machine", "stack", "precision")
        found = {" · ".join(str(_found(one.cost, f"inference.{name}")) for name in names) for one in self.results}
        measured = all(_found(one.cost, "inference.ms_per_megapixel") is not None for one in self.results)
        return next(iter(found)) if measured and len(found) == 1 else ""


def rows_of(results: Iterable[Result]) -> list[Row]:
    """The results of one table, each method's seeds together.

    Seeds of a method have its label, its recipe (`what.recipe`, its configuration without the seed), its selection and
    the weights that it started from. Of a seed that is there twice the result that was computed last stands.

    Args:
        results: in any order.
    """
    return methods(latest(results)[0])


def methods(results: Iterable[Result]) -> list[Row]:
    """As `rows_of`, of results that `latest` has let stand.

    Args:
        results: of one table, each method's seed once.
    """
    found = defaultdict(list)
    for result in results:
        found[_method(result)].append(result)
    return [Row(tuple(sorted(group, key=lambda one: one.what["seed"] or 0))) for group in found.values()]


def latest(results: Iterable[Result]) -> tuple[list[Result], list[tuple[Result, str]]]:
    """Of each method's seed the result that was computed last, and the others, each with the reason.

    Args:
        results: of one table, in any order.
    """
    seeds = defaultdict(list)
    for result in results:
        seeds[_method(result), result.what["seed"]].append(result)
    kept, others = [], []
    for group in seeds.values():
        *older, last = sorted(group, key=_age) if len(group) > 1 else group
        kept.append(last)
        others += [(one, AGAIN if one.key != last.key else OTHERWISE) for one in older]
    return kept, others


def _age(result: Result) -> tuple[str, str, str]:
    return str(result.provenance.get("date", "")), result.key, canonical(result.images)


def identity(result: Result) -> str:
    """Of which method a result is, on whatever it was judged: one text for all its seeds, where a recipe tells them.

    Of a folder of restored images, which is another one for each set, the label alone says it.
    """
    what = result.what
    if is_folder(result):
        return canonical([what["label"]])
    if _is_alone(result):
        return canonical([what["label"], what["checkpoint_sha256"] or what["restorer"]])
    return canonical([what["label"], what["recipe"], what["selection"], (what["budget"] or {}).get("start_from")])


def is_folder(result: Result) -> bool:
    """Whether images were judged that another program had restored: their digest stands for weights that none knows."""
    return _is_alone(result) and result.what["checkpoint_sha256"] is not None and result.cost.get("parameters") is None


def _is_alone(result: Result) -> bool:
    return result.what.get("recipe") is None or result.what["seed"] is None


def _method(result: Result) -> str:
    """Results of one table with equal texts are seeds of one row."""
    scored = [result.scores, result.images] if _is_alone(result) else []
    return canonical([identity(result), *scored])


def _found(node: Any, name: str) -> Any:
    for part in name.split("."):
        node = node.get(part) if isinstance(node, dict) else None
    return node
