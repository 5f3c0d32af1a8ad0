"""What stands in one table, in which order and with which marks: a pure function of results; how it looks is elsewhere.

A table holds results of equal inputs, degradation, scale, protocol and budget, and never others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from gan_bench.benchmark.duplicates import once
from gan_bench.benchmark.result import Result, key
from gan_bench.benchmark.schema import canonical
from gan_bench.benchmark.words import count, duration, labels, note, titles, visible

__all__ = ["Board", "Cell", "Column", "Table", "board"]

PRIMARY = "psnr"


class Cell(NamedTuple):
    """What is shown of one value: `best` of its column (all ties are), `note` from 1 into the table's notes, 0 none."""

    text: str
    best: bool = False
    note: int = 0


@dataclass(frozen=True)
class Column:
    """One column, a cell for each row; `metric` is empty where it is no metric."""

    head: str
    cells: tuple[Cell, ...]
    metric: str = ""


@dataclass(frozen=True)
class Table:
    """Results that may be ranked together, best first; the title says what tells this table from the others."""

    title: str
    results: tuple[Result, ...]
    labels: tuple[str, ...]
    columns: tuple[Column, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Board:
    """All tables, every result once, and what was left out: (reason, files)."""

    tables: tuple[Table, ...]
    results: tuple[Result, ...]
    left_out: tuple[tuple[str, tuple[Path, ...]], ...]


def board(results: Iterable[Result], left_out: Iterable[tuple[Path, str]] = ()) -> Board:
    """Group results into tables, rank each and note what is missing; the order of the arguments does not matter.

    Args:
        results: from `find`, or made; copies of one result count once.
        left_out: files that could not be read, each with its reason.

    Returns:
        One table per set, inputs, degradation, scale, protocol and budget (name and steps: a budget may give each
        model its own batch and patch); what was not trained here stands in every budget's table.
    """
    kept, copies = once(sorted(results, key=_place))
    settings = defaultdict(list)
    for result in kept:
        settings[_setting(result)].append(result)
    pieces = [piece for group in settings.values() for piece in _by_budget(group)]
    names = titles([next((r for r in piece if r.what["budget"]), piece[0]) for piece in pieces])
    reasons = defaultdict(list)
    for path, reason in sorted([*left_out, *copies]):
        reasons[reason].append(path)
    tables = tuple(_table(name, piece) for name, piece in zip(names, pieces, strict=True))
    return Board(tables, tuple(kept), tuple((reason, tuple(paths)) for reason, paths in sorted(reasons.items())))


def _place(result: Result) -> tuple[Any, ...]:
    """Where a result stands before any ranking."""
    what = result.what
    degradation, budget = what["degradation"] or {"name": ""}, what["budget"] or {"steps": -1, "name": ""}
    setting = (what["set"], degradation["name"], what["scale"], what["protocol"]["name"], _setting(result))
    row = (budget["steps"], budget["name"], what["label"], key(what), canonical(result.scores), str(result.path))
    return setting + row


def _setting(result: Result) -> str:
    return canonical([result.what[name] for name in ("set", "lq_sha256", "degradation", "scale", "protocol")])


def _by_budget(group: Sequence[Result]) -> list[list[Result]]:
    """One list per budget; what was not trained here stands in each, or alone."""
    budgets = defaultdict(list)
    for result in group:
        if budget := result.what["budget"]:
            budgets[budget["steps"], budget["name"]].append(result)
    others = [result for result in group if not result.what["budget"]]
    return [trained + others for trained in budgets.values()] or [others]


def _table(title: str, results: Sequence[Result]) -> Table:
    metrics = _metrics(results)
    ranked = _ranked(results, metrics)
    lacks = (text for result in ranked for name in metrics if (text := note(result, name)))
    notes = tuple(dict.fromkeys([*lacks, *_of_several_weights(ranked, metrics)]))
    columns = [
        *_varying("seed", ranked),
        *(_scores(name, ranked, notes) for name in metrics),
        *_measured("params", [count(result.cost.get("parameters")) for result in ranked]),
        *_measured("training", [duration(result.cost.get("training_seconds")) for result in ranked]),
        *_varying("selection", ranked),
    ]
    return Table(title, tuple(ranked), labels(ranked), tuple(columns), notes)


def _metrics(results: Sequence[Result]) -> list[str]:
    """All metrics with a score or a reason, in the order in which they were asked for."""
    places: dict[str, int] = {}
    for result in results:
        for place, name in enumerate(result.what["metrics"]):
            if name in result.scores or name in result.unavailable:
                places[name] = min(place, places.get(name, place))
    return sorted(places, key=lambda name: (places[name], name))


def _of_several_weights(results: Sequence[Result], metrics: Sequence[str]) -> list[str]:
    """A warning for each metric that is not of the same weights in all rows."""
    used = {name: {result.what.get("metric_weights", {}).get(name) for result in results} - {None} for name in metrics}
    return [f"{visible(name)}: rows of different weights do not compare" for name in metrics if len(used[name]) > 1]


def _ranked(results: Sequence[Result], metrics: Sequence[str]) -> list[Result]:
    """Best first by PSNR, or else by the first metric that anyone has; no number, last; ties by label."""
    valued = [name for name in metrics if any(result.scores.get(name) is not None for result in results)]
    primary = PRIMARY if PRIMARY in valued else (valued or [""])[0]

    def order(result: Result) -> tuple[Any, ...]:
        score = result.scores.get(primary)
        seed = result.what["seed"]
        ties = (result.what["label"], -1 if seed is None else seed)
        return (score is None, 0 if score is None else -score if _higher(results, primary) else score, *ties)

    return sorted(results, key=order)


def _scores(metric: str, ranked: Sequence[Result], notes: Sequence[str]) -> Column:
    """A metric's column; what looks equal at the digits shown is equal, so that ties are all marked."""
    values = [value for result in ranked if (value := result.scores.get(metric)) is not None]
    higher = _higher(ranked, metric)
    best = _text(ranked, metric, max(values) if higher else min(values)) if len(values) > 1 else ""

    def cell(result: Result) -> Cell:
        value, why = result.scores.get(metric), note(result, metric)
        if value is None:
            return Cell("n/a", note=notes.index(why) + 1) if why else Cell("–")
        text = _text(ranked, metric, value)
        return Cell(text, best=text == best)

    return Column(_head(ranked, metric), tuple(cell(result) for result in ranked), metric)


def _head(results: Sequence[Result], metric: str) -> str:
    """`psnr dB ↑`; the bare name where nobody could compute it."""
    facts = _fact(results, metric)
    arrow = ("↑" if facts["higher_is_better"] else "↓") if facts else ""
    return visible(" ".join(filter(None, (metric, facts.get("unit"), arrow))))


def _fact(results: Sequence[Result], metric: str) -> dict[str, Any]:
    return next((result.facts[metric] for result in results if metric in result.facts), {})


def _higher(results: Sequence[Result], metric: str) -> bool:
    return bool(_fact(results, metric).get("higher_is_better", True))


def _text(results: Sequence[Result], metric: str, value: float) -> str:
    return f"{value:.{_fact(results, metric).get('digits', 4)}f}"


def _varying(name: str, ranked: Sequence[Result]) -> list[Column]:
    """A column of what was chosen, where it was not chosen alike."""
    values = [result.what[name] for result in ranked]
    if len({value for value in values if value is not None}) < 2:
        return []
    return [Column(name, tuple(Cell("–" if value is None else visible(str(value))) for value in values))]


def _measured(head: str, texts: Sequence[str]) -> list[Column]:
    return [Column(head, tuple(map(Cell, texts)))] if set(texts) != {"–"} else []
