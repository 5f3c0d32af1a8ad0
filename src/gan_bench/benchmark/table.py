"""What a table is made of, and how scores become its cells; which results stand in it is decided elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from gan_bench.benchmark.result import Result
from gan_bench.benchmark.words import note, unranked, visible

__all__ = ["Cell", "Column", "Table", "fact", "head", "higher", "metrics_of", "notes_of", "primary", "rank_by"]
__all__ += ["score_cells"]

PRIMARY = "psnr"


class Cell(NamedTuple):
    """What is shown of one value.

    Attributes:
        text: of the cell.
        best: of its column (all ties are).
        note: from 1 into the table's notes; 0 for none.
        own: judged on what it was trained on.
    """

    text: str
    best: bool = False
    note: int = 0
    own: bool = False


@dataclass(frozen=True)
class Column:
    """One column, a cell for each row; `metric` is empty where it is no metric."""

    head: str
    cells: tuple[Cell, ...]
    metric: str = ""


@dataclass(frozen=True)
class Table:
    """Results that stand together; the title says what tells this table from the others, `head` what its rows are."""

    title: str
    results: tuple[Result, ...]
    labels: tuple[str, ...]
    columns: tuple[Column, ...]
    notes: tuple[str, ...]
    head: str = "restorer"


def metrics_of(results: Sequence[Result]) -> list[str]:
    """All metrics with a score or a reason, in the order in which they were asked for."""
    places: dict[str, int] = {}
    for result in results:
        for place, name in enumerate(result.what["metrics"]):
            if name in result.scores or name in result.unavailable:
                places[name] = min(place, places.get(name, place))
    return sorted(places, key=lambda name: (places[name], name))


def primary(results: Sequence[Result], metrics: Sequence[str]) -> str:
    """PSNR, or else the first metric that ranks anyone, or that anyone has; empty where nobody has any."""
    valued = [name for name in metrics if any(result.scores.get(name) is not None for result in results)]
    ranking = [name for name in valued if any(rank_by(result, name) is not None for result in results)]
    return PRIMARY if PRIMARY in ranking else (ranking or valued or [""])[0]


def rank_by(result: Result, metric: str) -> float | None:
    """A result's number, None where it has none or where it is of too few images to rank."""
    return None if unranked(result, metric) else result.scores.get(metric)


def notes_of(results: Sequence[Result], metrics: Sequence[str]) -> list[str]:
    """What is to be said of missing numbers and of those that do not rank, each once."""
    texts = (text for result in results for name in metrics if (text := _note(result, name)))
    return list(dict.fromkeys(texts))


def score_cells(
    metric: str,
    results: Sequence[Result | None],
    notes: Sequence[str],
    own: Sequence[bool] = (),
    ranks: bool = True,
) -> tuple[Cell, ...]:
    """A metric's cells; what looks equal at the digits shown is equal, so that ties are all marked.

    Args:
        metric: its name.
        results: one per row, None for what was not judged.
        notes: of the table; they hold the reason of each number that is missing or does not rank.
        own: whether a row was trained on what it is judged on here.
        ranks: whether the rows compare, so that one may be the best.
    """
    there = [result for result in results if result]
    values = [value for result in there if (value := rank_by(result, metric)) is not None]
    best = (max if higher(there, metric) else min)(values) if ranks and len(values) > 1 else None
    shown = "" if best is None else _text(there, metric, best)

    def cell(result: Result | None, at_home: bool) -> Cell:
        value, why = (result.scores.get(metric), _note(result, metric)) if result else (None, "")
        number = notes.index(why) + 1 if why else 0
        if value is None:
            return Cell("n/a" if why else "–", note=number)
        text = _text(there, metric, value)
        return Cell(text, best=text == shown and not number, note=number, own=at_home)

    return tuple(map(cell, results, own or [False] * len(results)))


def head(results: Sequence[Result], metric: str) -> str:
    """`psnr dB ↑`; the bare name where nobody could compute it."""
    facts = fact(results, metric)
    arrow = ("↑" if facts["higher_is_better"] else "↓") if facts else ""
    return visible(" ".join(filter(None, (metric, facts.get("unit"), arrow))))


def fact(results: Sequence[Result], metric: str) -> dict[str, Any]:
    """A metric's facts from any result that has them."""
    return next((result.facts[metric] for result in results if metric in result.facts), {})


def higher(results: Sequence[Result], metric: str) -> bool:
    """Whether more of it is better."""
    return bool(fact(results, metric).get("higher_is_better", True))


def _note(result: Result, metric: str) -> str:
    return note(result, metric) or unranked(result, metric)


def _text(results: Sequence[Result], metric: str, value: float) -> str:
    return f"{value:.{fact(results, metric).get('digits', 4)}f}"
