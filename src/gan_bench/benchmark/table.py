"""What a table is made of, and how scores become its cells; which results stand in it is decided elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from gan_bench.benchmark.result import Result
from gan_bench.benchmark.rows import Row
from gan_bench.benchmark.scores import higher, rank_by, text_of, why
from gan_bench.benchmark.standing import Standing, standing

__all__ = ["Cell", "Column", "Table", "score_cells"]


class Cell(NamedTuple):
    """What is shown of one value.

    Attributes:
        text: of the cell.
        best: of its column (all ties are).
        note: from 1 into the table's notes; 0 for none.
        own: judged on what it was trained on.
        spread: half of the 95 % interval over three seeds or more, as text; empty where there is none.
    """

    text: str
    best: bool = False
    note: int = 0
    own: bool = False
    spread: str = ""


@dataclass(frozen=True)
class Column:
    """One column, a cell for each row; `metric` is empty where it is no metric."""

    head: str
    cells: tuple[Cell, ...]
    metric: str = ""


@dataclass(frozen=True)
class Table:
    """Rows that stand together.

    Attributes:
        title: what tells this table from the others.
        rows: best first.
        labels: of the rows.
        columns: a cell for each row.
        notes: to which the cells refer.
        head: what its rows are.
        metrics: of the columns.
        chief: the metric by which the rows stand in their order; empty where they stand in another.
        apart: by metric and by a row's id, why its number does not compare with those of most rows.
        standings: what `standing` found, so that it is asked once.
    """

    title: str
    rows: tuple[Row, ...]
    labels: tuple[str, ...]
    columns: tuple[Column, ...]
    notes: tuple[str, ...]
    head: str = "restorer"
    metrics: tuple[str, ...] = ()
    chief: str = ""
    apart: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    standings: dict[str, Standing | None] = field(default_factory=dict, compare=False, repr=False)

    @property
    def results(self) -> tuple[Result, ...]:
        """Of all rows."""
        return tuple(result for row in self.rows for result in row.results)

    def standing(self, metric: str) -> Standing | None:
        """How the rows stand to each other by a metric of images; None where fewer than two compare."""
        if metric not in self.standings:
            self.standings[metric] = standing(self.rows, metric, self.apart.get(metric, {}))
        return self.standings[metric]


def score_cells(
    metric: str,
    rows: Sequence[Row | None],
    notes: Sequence[str],
    own: Sequence[bool] = (),
    apart: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Cell, ...]:
    """A metric's cells; what looks equal at the digits shown is equal, so that ties are all marked.

    Args:
        metric: its name.
        rows: None for what was not judged.
        notes: of the table; they hold the reason of each number that is missing or does not rank.
        own: whether a row was trained on what it is judged on here.
        apart: by a row's id, the note that says why its number does not compare with the others.
    """
    there = [row for row in rows if row]
    ranking = [value for row in there if row.id not in apart and (value := rank_by(row, metric)) is not None]
    best = (max if higher(there, metric) else min)(ranking) if len(ranking) > 1 else None
    shown = "" if best is None else text_of(there, metric, best)

    def cell(row: Row | None, at_home: bool) -> Cell:
        value, reason = (row.score(metric), why(row, metric) or apart.get(row.id, "")) if row else (None, "")
        number = notes.index(reason) + 1 if reason else 0
        if row is None or value is None:
            return Cell("n/a" if reason else "–", note=number)
        text, spread = text_of(there, metric, value), row.half(metric)
        around = "" if spread is None else f"±{text_of(there, metric, spread)}"
        return Cell(text, best=text == shown and not number, note=number, own=at_home, spread=around)

    return tuple(map(cell, rows, own or [False] * len(rows)))
