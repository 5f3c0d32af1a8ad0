"""One table over the sets of a suite, each counting alike, of the methods that were judged on all of them."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from gan_bench.benchmark.comparison import allowance
from gan_bench.benchmark.conditions import differing
from gan_bench.benchmark.parties import apart
from gan_bench.benchmark.result import Result
from gan_bench.benchmark.rows import Claim, Row, identity
from gan_bench.benchmark.schema import canonical
from gan_bench.benchmark.scores import head
from gan_bench.benchmark.table import Column, Table, best_first, score_cells, standing_columns, varying
from gan_bench.benchmark.words import budget_words, labels, listed, plural, seed_words, visible

__all__ = ["Across", "overall"]

RANK = "rank"  # the role in its suite of a set that ranks


@dataclass(frozen=True)
class Across(Row):
    """A method on several sets, with the same seeds and weights on each; its number is the mean of the sets' means.

    Attributes:
        results: of all sets.
        parts: the method's row on each set.
    """

    parts: tuple[Row, ...]

    @cached_property
    def id(self) -> str:
        """Those of the parts."""
        return "-".join(part.id for part in self.parts)

    @property
    def seeds(self) -> tuple[int, ...]:
        """Of each part."""
        return self.parts[0].seeds

    @property
    def claim(self) -> Claim:
        """Of each part."""
        return self.parts[0].claim

    @property
    def sets(self) -> tuple[int, ...]:
        """How many images each part has."""
        return tuple(len(part.lead.images) for part in self.parts)

    def by_seed(self, metric: str) -> list[float | None]:
        """The mean over the sets, of each seed; None where it has no number on one."""
        sides = zip(*(part.by_seed(metric) for part in self.parts), strict=True)
        return [_mean([value for value in side if value is not None], len(side)) for side in sides]

    def images(self, metric: str) -> np.ndarray | None:
        """(seeds, images of all sets) float64, set after set; None where a number is missing."""
        found = [images for part in self.parts if (images := part.images(metric)) is not None]
        return np.hstack(found) if len(found) == len(self.parts) else None


def _mean(known: Sequence[float], asked: int) -> float | None:
    return math.fsum(known) / asked if len(known) == asked else None


def overall(tables: Sequence[Table]) -> tuple[Table, ...]:
    """One table for each suite, degradation, protocol and budget in which two sets or more rank by one metric.

    Sets are fixed and not drawn: a method's number is the mean of its means on them, and its interval has the images of
    each set, and its seeds, in it (see `statistics`). Nothing is averaged over a set that is missing: notes name the
    methods that were not judged on all. Where a set was judged on inputs of two kinds, nothing is said.

    Args:
        tables: of a board, each of one set.
    """
    groups = defaultdict(list)
    for table in tables:
        stands = table.standing(table.chief)
        if stands is not None and stands.ranks:
            for suite in _suites(table):
                groups[suite, _frame(table)].append(table)
    found = [(suite, group) for (suite, _), group in groups.items() if _has_sets(group)]
    made = [_table(name, group) for name, (_, group) in zip(_names(found), found, strict=True)]
    return tuple(table for table in made if len(table.rows) > 1)


def _suites(table: Table) -> list[tuple[str, Any, str]]:
    """Name, version and digest of those in which the table's cell ranks."""
    suites = [result.what.get("suite") or {} for result in table.results]
    return sorted({(one["name"], one["version"], one["sha256"]) for one in suites if one.get("role") == RANK}, key=str)


def _frame(table: Table) -> str:
    """What the tables of all sets have in common."""
    what, budget = table.rows[0].what, _budget(table)
    given = [what[name] for name in ("degradation", "scale", "protocol")]
    return canonical([*given, allowance(budget) if budget else None, table.chief])


def _budget(table: Table) -> Mapping[str, Any] | None:
    return next((row.what["budget"] for row in table.rows if row.what["budget"]), None)


def _has_sets(group: Sequence[Table]) -> bool:
    sets = Counter(table.rows[0].what["set"] for table in group)
    return len(sets) > 1 and max(sets.values()) == 1


def _names(found: Sequence[tuple[tuple[str, Any, str], Sequence[Table]]]) -> list[str]:
    """`suite sr_x4, version 1 · bicubic ×4 · protocol y · budget standard (...)`, with what tells equal ones apart."""
    names = []
    for (suite, version, _), group in found:
        what = group[0].rows[0].what
        degradation = (what["degradation"] or {"name": "given inputs"})["name"]
        words = [f"suite {suite}, version {version}", f"{degradation} ×{what['scale']}"]
        names.append(" · ".join([*words, f"protocol {what['protocol']['name']}", budget_words(_budget(group[0]))]))
    for name in {name for name in names if names.count(name) > 1}:
        places = [place for place, other in enumerate(names) if other == name]
        for part in ("degradation", "protocol"):
            told = differing([found[place][1][0].rows[0].what[part] or {} for place in places])
            for place, words in zip(places, told, strict=True):
                names[place] += "".join(f", {word}" for word in words)
    return names


def _table(name: str, group: Sequence[Table]) -> Table:
    metric, sets = group[0].chief, [visible(table.rows[0].what["set"]) for table in group]
    rows, lacking = _rows(group, sets)
    told = apart(rows, metric)
    rows = best_first(rows, metric, told)
    notes = (*dict.fromkeys(told.values()), *(visible(f"{why}: {listed(who)}") for why, who in lacking.items()))
    images = plural(sum(rows[0].sets) if rows else 0, "image")
    title = visible(" · ".join([name, f"mean of {', '.join(sets)}", images, head(rows, metric)]))
    ranking = {metric: told} if told else {}
    table = Table(title, tuple(rows), labels(rows), (), notes, metrics=(metric,), chief=metric, apart=ranking)
    ranks, differences = standing_columns(rows, table.standing(metric))
    seeds = varying("seed", [seed_words(row.seeds) for row in rows])
    parts = [Column(name, score_cells(metric, [row.parts[i] for row in rows], notes)) for i, name in enumerate(sets)]
    mean = Column("mean", score_cells(metric, rows, notes, apart=told), metric)
    return replace(table, columns=(*ranks, *seeds, *parts, mean, *differences))


def _rows(group: Sequence[Table], sets: Sequence[str]) -> tuple[list[Across], dict[str, list[str]]]:
    """The methods that rank on all sets; and by the reason the labels of the others."""
    methods: dict[str, dict[int, Row]] = defaultdict(dict)
    for i, table in enumerate(group):
        stands = table.standing(table.chief)
        assert stands is not None
        for row in (table.rows[place] for place in stands.places):
            methods[identity(row.lead)][i] = row
    rows, lacking = [], defaultdict(list)
    for found in methods.values():
        missing = [name for i, name in enumerate(sets) if i not in found]
        parts = [] if missing else _of_equal_weights([found[i] for i in range(len(sets))])
        if parts:
            rows.append(Across(tuple(one for part in parts for one in part.results), tuple(parts)))
        else:
            why = f"no ranked number on {', '.join(missing)}" if missing else "judged with other weights on each set"
            lacking[why].append(visible(next(iter(found.values())).what["label"]))
    return rows, lacking


def _of_equal_weights(parts: Sequence[Row]) -> list[Row]:
    """The rows with those seeds whose weights were judged on all sets; nothing where there are none."""
    weights = set.intersection(*({_weights(one) for one in part.results} for part in parts))
    left = [tuple(one for one in part.results if _weights(one) in weights) for part in parts]
    return [*map(Row, left)] if weights else []


def _weights(result: Result) -> tuple[int | None, str | None]:
    return result.what["seed"], result.what["checkpoint_sha256"]
