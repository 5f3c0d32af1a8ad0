"""What stands in one table, in which order and with which marks: a pure function of results; how it looks is elsewhere.

A table holds results of equal inputs, degradation, scale, protocol and budget, and never others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan_bench.benchmark.duplicates import once
from gan_bench.benchmark.matrix import matrices
from gan_bench.benchmark.result import Result, inputs, key
from gan_bench.benchmark.schema import canonical
from gan_bench.benchmark.table import (
    Cell,
    Column,
    Table,
    head,
    higher,
    metrics_of,
    notes_of,
    primary,
    rank_by,
    score_cells,
)
from gan_bench.benchmark.words import count, duration, labels, titles, visible

__all__ = ["Board", "board"]


@dataclass(frozen=True)
class Board:
    """All tables, the cross matrices, every result once, and what was left out: (reason, files)."""

    tables: tuple[Table, ...]
    results: tuple[Result, ...]
    left_out: tuple[tuple[str, tuple[Path, ...]], ...]
    matrices: tuple[Table, ...] = ()


def board(results: Iterable[Result], left_out: Iterable[tuple[Path, str]] = ()) -> Board:
    """Group results into tables, rank each and note what is missing; the order of the arguments does not matter.

    Args:
        results: from `find`, or made; copies of one result count once.
        left_out: files that could not be read, each with its reason.

    Returns:
        One table per set, inputs, degradation, scale, protocol and budget (name, steps, and what weights the training
        started from: a budget may give each model its own batch and patch); what was not trained here stands in every
        budget's table.
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
    others = _other_inputs(kept)
    tables = tuple(_table(name, piece, others) for name, piece in zip(names, pieces, strict=True))
    told = tuple((reason, tuple(paths)) for reason, paths in sorted(reasons.items()))
    return Board(tables, tuple(kept), told, matrices(kept))


def _place(result: Result) -> tuple[Any, ...]:
    """Where a result stands before any ranking."""
    what = result.what
    degradation, budget = what["degradation"] or {"name": ""}, what["budget"] or {"steps": -1, "name": ""}
    setting = (what["set"], degradation["name"], what["scale"], what["protocol"]["name"], _setting(result))
    row = (budget["steps"], budget["name"], what["label"], key(what), canonical(result.scores))
    return (*setting, *row, canonical(what), str(result.path))


def _setting(result: Result) -> str:
    words = [result.what[name] for name in ("set", "degradation", "scale", "protocol")]
    return canonical([*words, inputs(result.what)])


def _by_budget(group: Sequence[Result]) -> list[list[Result]]:
    """One list per budget; what was not trained here stands in each, or alone."""
    budgets = defaultdict(list)
    for result in group:
        if budget := result.what["budget"]:
            budgets[budget["steps"], budget["name"], budget.get("start_from")].append(result)
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


def _of_other_inputs(results: Sequence[Result], others: Mapping[str, set[str]]) -> list[str]:
    """A warning where the same set under the same degradation came out otherwise elsewhere."""
    own = inputs(results[0].what)
    odd = sorted({digest[:8] for result in results for digest in others[_called(result)] - {own}})
    if not odd:
        return []
    cause = "another machine, version, seed, or other images"
    return [visible(f"inputs {own[:8]} are not {', '.join(odd)} of the same name ({cause}): their rows do not compare")]


def _table(title: str, results: Sequence[Result], others: Mapping[str, set[str]]) -> Table:
    metrics = metrics_of(results)
    mixed = _of_other_reals(results, metrics)
    ranked = _ranked(results, [name for name in metrics if name not in mixed])
    notes = (
        *notes_of(ranked, metrics),
        *_of_several_weights(ranked, metrics),
        *mixed.values(),
        *_of_other_inputs(ranked, others),
    )
    columns = [
        *_varying("seed", ranked),
        *(
            Column(head(ranked, name), score_cells(name, ranked, notes, ranks=name not in mixed), name)
            for name in metrics
        ),
        *_measured("params", [count(result.cost.get("parameters")) for result in ranked]),
        *_measured("training", [duration(result.cost.get("training_seconds")) for result in ranked]),
        *_varying("selection", ranked),
    ]
    return Table(title, tuple(ranked), labels(ranked), tuple(columns), notes)


def _of_several_weights(results: Sequence[Result], metrics: Sequence[str]) -> list[str]:
    """A warning for each metric that is not of the same weights in all rows."""
    used = {name: {result.what.get("metric_weights", {}).get(name) for result in results} - {None} for name in metrics}
    return [f"{visible(name)}: rows of different weights do not compare" for name in metrics if len(used[name]) > 1]


def _of_other_reals(results: Sequence[Result], metrics: Sequence[str]) -> dict[str, str]:
    """A warning for each metric of sets where not all rows were compared with the same real images."""
    if len({result.what.get("reals_sha256") for result in results} - {None}) < 2:
        return {}
    of_images = {name for result in results for row in result.images.values() for name in row}
    sets = [name for name in metrics if name not in of_images and any(name in result.scores for result in results)]
    return {name: f"{visible(name)}: rows of different real images do not compare" for name in sets}


def _ranked(results: Sequence[Result], metrics: Sequence[str]) -> list[Result]:
    """Best first by the primary metric; no number, or one of too few images, last; ties by label."""
    metric = primary(results, metrics)
    sign = -1 if higher(results, metric) else 1

    def order(result: Result) -> tuple[Any, ...]:
        score = rank_by(result, metric)
        seed = result.what["seed"]
        ties = (result.what["label"], -1 if seed is None else seed)
        return (score is None, 0 if score is None else sign * score, *ties)

    return sorted(results, key=order)


def _varying(name: str, ranked: Sequence[Result]) -> list[Column]:
    """A column of what was chosen, where it was not chosen alike."""
    values = [result.what[name] for result in ranked]
    if len({value for value in values if value is not None}) < 2:
        return []
    return [Column(name, tuple(Cell("–" if value is None else visible(str(value))) for value in values))]


def _measured(head: str, texts: Sequence[str]) -> list[Column]:
    return [Column(head, tuple(map(Cell, texts)))] if set(texts) != {"–"} else []
