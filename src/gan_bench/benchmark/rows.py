"""Rows of a board: a method's results on one thing, one for each seed that it was trained with."""

from __future__ import annotations

import hashlib
import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from gan_bench.benchmark.result import Result
from gan_bench.benchmark.schema import canonical

__all__ = ["SEEDS_OF_A_METHOD", "Claim", "Row", "rows_of"]

Claim = Literal["fixed", "weights", "method"]
SEEDS_OF_A_METHOD = 3  # under it a row speaks of these weights, not of the method


@dataclass(frozen=True)
class Row:
    """What stands in one line: results that differ in their seed alone, ascending.

    Attributes:
        results: at least one.
    """

    results: tuple[Result, ...]

    @property
    def lead(self) -> Result:
        """The result of the first seed; in all but weights and scores the others are as it is."""
        return self.results[0]

    @property
    def what(self) -> dict[str, Any]:
        """Of the lead."""
        return self.lead.what

    @cached_property
    def id(self) -> str:
        """Eight hex digits: no other row changes them."""
        return hashlib.sha256(canonical([self.lead.key, self.lead.scores]).encode()).hexdigest()[:8]

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
        return "fixed" if self.fixed else "method" if len(self.results) >= SEEDS_OF_A_METHOD else "weights"

    def score(self, metric: str) -> float | None:
        """The mean over the seeds; None where one of them has no number."""
        values = [one.scores.get(metric) for one in self.results]
        known = [value for value in values if value is not None]
        return math.fsum(known) / len(known) if len(known) == len(values) else None

    def spread(self, metric: str) -> float | None:
        """The standard deviation over the seeds, of a method that has a number."""
        if self.claim != "method" or self.score(metric) is None:
            return None
        return statistics.stdev(one.scores[metric] or 0.0 for one in self.results)

    def images(self, metric: str) -> np.ndarray | None:
        """(seeds, images) float64 in the order of the images' names; None where a number is missing."""
        names = sorted(self.lead.images)
        rows = [[one.images.get(name, {}).get(metric) for name in names] for one in self.results]
        if not names or any(value is None for row in rows for value in row):
            return None
        return np.array(rows, dtype=np.float64)

    def cost(self, name: str) -> float | None:
        """The median over the seeds of a number of `cost`; dotted names lie deeper: `inference.ms_per_megapixel`."""
        values = [_found(one.cost, name) for one in self.results]
        known = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
        return statistics.median(known) if known else None

    @property
    def machine(self) -> str:
        """On what the speed was measured; empty where it was not, or not in one place."""
        names = ("machine", "stack", "precision")
        found = {" · ".join(str(_found(one.cost, f"inference.{name}")) for name in names) for one in self.results}
        measured = self.cost("inference.ms_per_megapixel") is not None
        return next(iter(found)) if measured and len(found) == 1 else ""


def rows_of(results: Iterable[Result]) -> list[Row]:
    """The results of one table, each method's seeds together.

    Seeds of a method have its label, its recipe (`what.recipe`, its configuration without the seed) and its selection.
    Where a seed is there twice, as after a change of the code, those of one version stand together, or else each alone.

    Args:
        results: in any order.
    """
    methods = defaultdict(list)
    for result in results:
        methods[_method(result)].append(result)
    return [Row(tuple(group)) for alike in methods.values() for group in _by_seed(alike)]


def _method(result: Result) -> str:
    what = result.what
    if what.get("recipe") is None or what["seed"] is None:
        return canonical([result.key, result.scores])
    return canonical([what["label"], what["recipe"], what["selection"], (what["budget"] or {}).get("start_from")])


def _by_seed(results: Sequence[Result]) -> list[list[Result]]:
    ordered = sorted(results, key=lambda one: (one.what["seed"] or 0, one.key, canonical(one.scores)))
    if _distinct(ordered):
        return [ordered]
    versions = defaultdict(list)
    for result in ordered:
        versions[result.what["code"]].append(result)
    return [
        group
        for version in versions.values()
        for group in ([version] if _distinct(version) else [[result] for result in version])
    ]


def _distinct(results: Sequence[Result]) -> bool:
    return max(Counter(one.what["seed"] for one in results).values()) == 1


def _found(node: Any, name: str) -> Any:
    for part in name.split("."):
        node = node.get(part) if isinstance(node, dict) else None
    return node
