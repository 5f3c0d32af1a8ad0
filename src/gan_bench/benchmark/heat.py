"""Methods by degradations: what each method of one budget scored under each degradation that it was judged under."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from gan_bench.benchmark.comparison import allowance
from gan_bench.benchmark.scores import fact, higher
from gan_bench.benchmark.table import Table
from gan_bench.benchmark.words import cell_name, visible

__all__ = ["heat"]


def heat(tables: Sequence[Table], names: Sequence[str]) -> list[dict[str, Any]]:
    """Methods by degradations: of each set, protocol and budget that was judged under several degradations."""
    groups = defaultdict(list)
    for number, table in enumerate(tables):
        groups[_frame(table)].append(number)
    return [_heat_of([(tables[i], names[i]) for i in group]) for group in groups.values() if len(group) > 1]


def _frame(table: Table) -> tuple[str, ...]:
    what = table.rows[0].what
    budget = next((row.what["budget"] for row in table.rows if row.what["budget"]), None)
    parts = (what["set"], what["protocol"]["name"], table.chief, *(allowance(budget) if budget else ()))
    return tuple(map(str, parts))


def _heat_of(group: Sequence[tuple[Table, str]]) -> dict[str, Any]:
    tables = [table for table, _ in group]
    first = tables[0]
    labels = list(dict.fromkeys(label for table in tables for label in _once(table.labels)))
    what, chief = first.rows[0].what, first.chief
    columns = [" · ".join(cell_name(table.rows[0].what).split(" · ")[1:]) for table in tables]
    same = Counter(columns)
    heads = [name if same[name] == 1 else f"{name} ({i})" for i, name in enumerate(columns, 1)]
    return {
        "title": visible(f"{what['set']} · {chief} of each method under each degradation"),
        "metric": visible(chief),
        "unit": visible(str(fact(first.rows, chief).get("unit", ""))),
        "digits": fact(first.rows, chief).get("digits", 4),
        "higher": higher(first.rows, chief),
        "columns": [{"name": head, "table": name} for head, (_, name) in zip(heads, group, strict=True)],
        "rows": [{"label": label, "cells": [_heat_cell(table, label) for table in tables]} for label in labels],
    }


def _once(labels: Sequence[str]) -> list[str]:
    return [label for label, times in Counter(labels).items() if times == 1]


def _heat_cell(table: Table, label: str) -> dict[str, Any]:
    if label not in table.labels:
        return {"value": None, "difference": None, "row": None}
    place, chief = table.labels.index(label), table.standing(table.chief)
    row, difference = table.rows[place], None
    if row.id in table.apart.get(table.chief, {}):
        return {"value": None, "difference": None, "row": row.id}
    if chief is not None and chief.reference is not None and place in chief.numbers:
        difference, _, _ = chief.between(chief.numbers[place], chief.reference)
    return {"value": row.score(table.chief), "difference": difference, "row": row.id}
