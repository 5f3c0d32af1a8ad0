"""What a table is made of, and how scores become its cells; which results stand in it is decided elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from gan_bench.benchmark.result import Result
from gan_bench.benchmark.rows import Row
from gan_bench.benchmark.scores import fact, higher, rank_by, text_of, why
from gan_bench.benchmark.standing import Standing, against_reference, standing
from gan_bench.benchmark.words import rank_words, visible

__all__ = ["Cell", "Column", "Table", "best_first", "score_cells", "standing_columns", "varying"]

AnyRow = TypeVar("AnyRow", bound=Row)


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


def best_first(rows: Iterable[AnyRow], metric: str, apart: Mapping[str, str]) -> list[AnyRow]:
    """Rows in order; without a number, or with one that does not compare, last; ties by label.

    Args:
        rows: of one table.
        metric: by which they stand.
        apart: by their ids, rows whose numbers do not compare with the others.
    """
    there = list(rows)
    sign = -1 if higher(there, metric) else 1

    def order(row: Row) -> tuple[Any, ...]:
        score = None if row.id in apart else rank_by(row, metric)
        return (score is None, 0 if score is None else sign * score, row.what["label"], row.seeds, row.id)

    return sorted(there, key=order)


def standing_columns(rows: Sequence[Row], stands: Standing | None) -> tuple[list[Column], list[Column]]:
    """Ranks as intervals, and differences to the reference; nothing where no verdict can be given.

    Args:
        rows: of a table, in its order.
        stands: how they stand to each other.
    """
    if stands is None or not stands.ranks:
        return [], []
    numbers = [stands.numbers.get(place) for place in range(len(rows))]
    ranks = [Cell("–" if number is None else rank_words(stands.ranks[number])) for number in numbers]
    columns = [Column("rank", tuple(ranks))]
    if stands.reference is None:
        return columns, []
    label = visible(rows[stands.places[stands.reference]].what["label"])
    digits = fact(rows, stands.metric).get("digits", 4)
    words = ["–" if number is None else against_reference(stands, number, digits) for number in numbers]
    return columns, [Column(f"against {label}", tuple(map(Cell, words)))]


def varying(name: str, texts: Sequence[str]) -> list[Column]:
    """A column of what was chosen, where it was not chosen alike.

    Args:
        name: its head.
        texts: of the rows; a dash for none.
    """
    return [Column(name, tuple(map(Cell, texts)))] if len(set(texts) - {"–"}) > 1 else []


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
