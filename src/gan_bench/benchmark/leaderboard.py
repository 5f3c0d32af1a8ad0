"""What stands in one table, in which order and with which marks: a pure function of results; how it looks is elsewhere.

A table holds results of equal inputs, degradation, scale, protocol and budget; beside them what was not trained here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gan_bench.benchmark.comparison import allowance, setting
from gan_bench.benchmark.duplicates import once
from gan_bench.benchmark.matrix import matrices
from gan_bench.benchmark.overall import overall
from gan_bench.benchmark.parties import apart as parted
from gan_bench.benchmark.parties import elsewhere
from gan_bench.benchmark.result import Result, inputs
from gan_bench.benchmark.rows import Row, latest, methods
from gan_bench.benchmark.schema import canonical
from gan_bench.benchmark.scores import head, metrics_of, notes_of, primary
from gan_bench.benchmark.table import Cell, Column, Table, best_first, score_cells, standing_columns, varying
from gan_bench.benchmark.words import count, duration, labels, seed_words, titles, visible

__all__ = ["Board", "board"]


@dataclass(frozen=True)
class Board:
    """All tables, every result once, what was left out as (reason, files), the cross matrices, tables over sets."""

    tables: tuple[Table, ...]
    results: tuple[Result, ...]
    left_out: tuple[tuple[str, tuple[Path, ...]], ...]
    matrices: tuple[Table, ...] = ()
    overall: tuple[Table, ...] = ()


def board(results: Iterable[Result], left_out: Iterable[tuple[Path, str]] = ()) -> Board:
    """Group results into tables, rank each and note what is missing; the order of the arguments does not matter.

    Args:
        results: from `find`, or made; copies of one result count once.
        left_out: files that could not be read, each with its reason.

    Returns:
        One table per set, inputs, degradation, scale, protocol and budget (name, steps or minutes, and what weights the
        training started from: a budget may give each model its own batch and patch); what was not trained here stands
        in every budget's table. The seeds of one method are one row.
    """
    kept, copies = once(sorted(results, key=_place))
    settings = defaultdict(list)
    for result in kept:
        settings[setting(result)].append(result)
    pieces = [piece for group in settings.values() for piece in _by_budget(group)]
    sorted_out = [latest(piece) for piece in pieces]
    older = {id(one): (one.path or Path("-"), why) for _, others in sorted_out for one, why in others}
    names = titles([next((r for r in piece if r.what["budget"]), piece[0]) for piece in pieces])
    reasons = defaultdict(list)
    for path, reason in sorted([*left_out, *copies, *older.values()]):
        reasons[reason].append(path)
    others = _other_inputs(kept)
    pairs = zip(names, sorted_out, strict=True)
    tables = tuple(_table(name, methods(newest), others) for name, (newest, _) in pairs)
    told = tuple((reason, tuple(paths)) for reason, paths in sorted(reasons.items()))
    return Board(tables, tuple(kept), told, matrices(kept), overall(tables))


def _place(result: Result) -> tuple[Any, ...]:
    """Where a result stands before any ranking."""
    what = result.what
    degradation, budget = what["degradation"] or {"name": ""}, what["budget"]
    called = (what["set"], degradation["name"], what["scale"], what["protocol"]["name"], setting(result))
    row = (allowance(budget) if budget else (), what["label"], result.key, canonical(result.scores))
    return (*called, *row, canonical(what), str(result.path))


def _by_budget(group: Sequence[Result]) -> list[list[Result]]:
    """One list per budget; what was not trained here stands in each, or alone."""
    budgets = defaultdict(list)
    for result in group:
        if budget := result.what["budget"]:
            budgets[allowance(budget)].append(result)
    others = [result for result in group if not result.what["budget"]]
    return [trained + others for trained in budgets.values()] or [others]


def _other_inputs(results: Sequence[Result]) -> dict[str, set[str]]:
    """The digests of all inputs that are called the same: set, degradation, scale, protocol, number of images."""
    digests = defaultdict(set)
    for result in results:
        digests[_called(result)].add(inputs(result.what))
    return digests


def _called(result: Result) -> str:
    words = [result.what[name] for name in ("set", "degradation", "scale", "protocol")]
    return canonical([*words, len(result.images)])


def _of_other_inputs(rows: Sequence[Row], others: Mapping[str, set[str]]) -> list[str]:
    """A warning where the same set under the same degradation came out otherwise elsewhere."""
    own = inputs(rows[0].what)
    odd = sorted({digest[:8] for row in rows for digest in others[_called(row.lead)] - {own}})
    if not odd:
        return []
    cause = "another machine, version, seed, or other images"
    return [visible(f"inputs {own[:8]} are not {', '.join(odd)} of the same name ({cause}): their rows do not compare")]


def _contradictions(rows: Sequence[Row]) -> list[str]:
    """A warning for results of one key, so of one restorer on the same images, with other scores."""
    keys = Counter(result.key for row in rows for result in row.results)
    odd = {result.key: row.what["label"] for row in rows for result in row.results if keys[result.key] > 1}
    return [
        visible(f"{odd[key]}: {keys[key]} results of one key, {key}, differ: not reproducible; see gan-bench verify")
        for key in odd
    ]


def _table(title: str, rows: Sequence[Row], others: Mapping[str, set[str]]) -> Table:
    metrics = metrics_of(rows)
    strangers = elsewhere(rows)
    apart = {name: told for name in metrics if (told := {**parted(rows, name), **strangers})}
    chief = primary(rows, metrics)
    ranked = best_first(rows, chief, apart.get(chief, {}))
    notes = list(dict.fromkeys(notes_of(ranked, metrics) + [why for told in apart.values() for why in told.values()]))
    notes += [*_contradictions(ranked), *_of_other_inputs(ranked, others)]
    table = Table(
        title, tuple(ranked), labels(ranked), (), tuple(notes), metrics=tuple(metrics), chief=chief, apart=apart
    )
    ranks, differences = standing_columns(ranked, table.standing(chief))
    scores = [
        Column(head(ranked, name), score_cells(name, ranked, notes, apart=apart.get(name, {})), name)
        for name in metrics
    ]
    columns = [
        *ranks,
        *varying("seed", [seed_words(row.seeds) for row in ranked]),
        *scores,
        *differences,
        *_measured("params", [count(row.cost("parameters")) for row in ranked]),
        *_measured("training", [duration(row.cost("training_seconds")) for row in ranked]),
        *varying("selection", [visible(row.what["selection"] or "–") for row in ranked]),
    ]
    return replace(table, columns=tuple(columns))


def _measured(head: str, texts: Sequence[str]) -> list[Column]:
    return [Column(head, tuple(map(Cell, texts)))] if set(texts) != {"–"} else []
