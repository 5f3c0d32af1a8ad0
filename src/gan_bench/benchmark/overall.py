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
from gan_bench.benchmark.result import Result
from gan_bench.benchmark.rows import Claim, Row, identity, is_folder
from gan_bench.benchmark.schema import canonical
from gan_bench.benchmark.scores import head, rank_by
from gan_bench.benchmark.table import Column, Table, best_first, score_cells, standing_columns, varying
from gan_bench.benchmark.words import budget_words, labels, listed, plural, seed_words, visible

__all__ = ["Across", "overall"]

RANK = "rank"  # the role in its suite of a set that ranks
Ranked = Mapping[int, list[Row]]
"""One method's rows that rank, by the place of their table."""


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
    each set, and its seeds, in it (see `statistics`). Nothing is averaged over a set that is missing: of the sets the
    largest part is taken that two methods share, and notes name the others, and the methods that lack one of these.
    Where a set was judged on inputs of two kinds, nothing is said; of two versions of a suite the newer is named.

    Args:
        tables: of a board, each of one set.
    """
    groups = defaultdict(list)
    for table in tables:
        stands = table.standing(table.chief)
        if stands is not None and stands.ranks:
            for suite in _suites(table):
                groups[suite, _frame(table)].append(table)
    found = {}
    for (suite, _), group in sorted(groups.items(), key=lambda item: _age(item[0][0])):
        methods = _methods(group) if _is_one_each(group) else []
        if sets := _shared(methods):
            found[tuple(id(group[i]) for i in sets)] = (suite, group, methods, sets)
    order = sorted(found.values(), key=lambda one: tables.index(one[1][0]))
    names = _names([(suite, group[0].rows[0].what, _budget(group[0])) for suite, group, *_ in order])
    made = (_table(name, *one[1:]) for name, one in zip(names, order, strict=True))
    return tuple(table for table in made if len(table.rows) > 1)


def _suites(table: Table) -> set[tuple[str, Any, Any]]:
    """Name, version and digest of those in which the table's cell ranks."""
    suites = [result.what.get("suite") or {} for result in table.results]
    return {(one["name"], one.get("version"), one.get("sha256")) for one in suites if one.get("role") == RANK}


def _age(suite: tuple[str, Any, Any]) -> tuple[Any, ...]:
    name, version, sha256 = suite
    number = version if isinstance(version, int) else -1
    return name, number, str(version), str(sha256)


def _frame(table: Table) -> str:
    """What the tables of all sets have in common."""
    what, budget = table.rows[0].what, _budget(table)
    given = [what[name] for name in ("degradation", "scale", "protocol")]
    return canonical([*given, allowance(budget) if budget else None, table.chief])


def _budget(table: Table) -> Mapping[str, Any] | None:
    return next((row.what["budget"] for row in table.rows if row.what["budget"]), None)


def _is_one_each(group: Sequence[Table]) -> bool:
    """Whether there are several sets, each on inputs of one kind."""
    sets = {table.rows[0].what["set"] for table in group}
    return 1 < len(sets) == len(group)


def _methods(group: Sequence[Table]) -> list[Ranked]:
    """Of each method its rows that rank, by the place of their table."""
    methods: dict[str, dict[int, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for i, table in enumerate(group):
        apart = table.apart.get(table.chief, {})
        for row in table.rows:
            if row.id not in apart and rank_by(row, table.chief) is not None and row.images(table.chief) is not None:
                methods[identity(row.lead)][i].append(row)
    return list(methods.values())


def _shared(methods: Sequence[Ranked]) -> tuple[int, ...]:
    """The largest part of the sets on all of which two methods were judged, of equal ones that of more methods."""
    parts = Counter(frozenset(found) for found in methods)
    whole = {part: sum(times for other, times in parts.items() if part <= other) for part in parts}
    chosen = [part for part, times in whole.items() if times > 1 and len(part) > 1]
    return tuple(sorted(max(chosen, key=lambda part: (len(part), whole[part], sorted(part)), default=())))


def _names(found: Sequence[tuple[tuple[str, Any, Any], Mapping[str, Any], Mapping[str, Any] | None]]) -> list[str]:
    """`suite sr_x4, version 1 · bicubic ×4 · protocol y · budget standard (...)`, with what tells equal ones apart."""
    names = []
    for (suite, version, _), what, budget in found:
        degradation = (what["degradation"] or {"name": "given inputs"})["name"]
        words = [f"suite {suite}, version {version}", f"{degradation} ×{what['scale']}"]
        names.append(" · ".join([*words, f"protocol {what['protocol']['name']}", budget_words(budget)]))
    for name in {name for name in names if names.count(name) > 1}:
        places = [place for place, other in enumerate(names) if other == name]
        told = [differing([found[place][1][part] or {} for place in places]) for part in ("degradation", "protocol")]
        suites = {found[place][0] for place in places}
        for n, place in enumerate(places):
            digest = [str(found[place][0][2])[:8]] if len(suites) > 1 else []
            names[place] = ", ".join([name, *(word for words in told for word in words[n]), *digest])
    return names


def _table(name: str, group: Sequence[Table], methods: Sequence[Ranked], sets: Sequence[int]) -> Table:
    metric, called = group[0].chief, [visible(table.rows[0].what["set"]) for table in group]
    rows, lacking = _rows(methods, sets, called)
    rows = best_first(rows, metric, {})
    others = [called[i] for i in range(len(group)) if i not in sets]
    notes = [f"left out: {', '.join(others)}, on which fewer than two of these were judged"] if others else []
    notes += [visible(f"{why}: {listed(who)}") for why, who in lacking.items()]
    images = plural(sum(rows[0].sets) if rows else 0, "image")
    title = visible(" · ".join([name, f"mean of {', '.join(called[i] for i in sets)}", images, head(rows, metric)]))
    table = Table(title, tuple(rows), labels(rows), (), tuple(notes), metrics=(metric,), chief=metric)
    ranks, differences = standing_columns(rows, table.standing(metric))
    seeds = varying("seed", [seed_words(row.seeds) for row in rows])
    parts = [Column(called[i], score_cells(metric, [row.parts[n] for row in rows], notes)) for n, i in enumerate(sets)]
    mean = Column("mean", score_cells(metric, rows, notes), metric)
    return replace(table, columns=(*ranks, *seeds, *parts, mean, *differences))


def _rows(
    methods: Sequence[Ranked], sets: Sequence[int], called: Sequence[str]
) -> tuple[list[Across], dict[str, list[str]]]:
    """The methods that rank on all sets; and by the reason the labels of the others."""
    rows, lacking = [], defaultdict(list)
    for found in methods:
        parts, why = [], ""
        if missing := [called[i] for i in sets if i not in found]:
            why = f"no ranked number on {', '.join(missing)}"
        elif twice := [called[i] for i in sets if len(found[i]) > 1]:
            why = f"several results of the same weights on {', '.join(twice)}"
        elif not (parts := _of_equal_weights([found[i][0] for i in sets])):
            why = "judged with other weights on each set"
        if parts:
            rows.append(Across(tuple(one for part in parts for one in part.results), tuple(parts)))
        elif any(i in found for i in sets):
            lacking[why].append(visible(next(iter(found.values()))[0].what["label"]))
    return rows, lacking


def _of_equal_weights(parts: Sequence[Row]) -> list[Row]:
    """The rows with those seeds whose weights were judged on all sets; nothing where there are none."""
    weights = set.intersection(*({_weights(one) for one in part.results} for part in parts))
    left = [tuple(one for one in part.results if _weights(one) in weights) for part in parts]
    return [*map(Row, left)] if weights else []


def _weights(result: Result) -> tuple[int | None, str | None]:
    """Of images that another program restored there are none to tell apart."""
    return result.what["seed"], None if is_folder(result) else result.what["checkpoint_sha256"]
