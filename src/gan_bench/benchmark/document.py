"""A board as the plain document that its page shows: what is shown is computed here, the page computes nothing."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gan_bench.benchmark.account import account
from gan_bench.benchmark.allotment import fill_crops, fill_values, rows_that_fit
from gan_bench.benchmark.answer import answer
from gan_bench.benchmark.heat import heat
from gan_bench.benchmark.leaderboard import Board
from gan_bench.benchmark.quoted import quoted
from gan_bench.benchmark.rows import Row
from gan_bench.benchmark.scores import fact, higher, why
from gan_bench.benchmark.standing import Standing
from gan_bench.benchmark.statistics import interval
from gan_bench.benchmark.table import Cell, Table
from gan_bench.benchmark.words import cell_name, plural, seen_from, visible

__all__ = ["document"]

BELOW = 50  # rows without a rank that are named
LEADING = 50  # rows of a table over sets
PAIRED = 40  # leading rows of a table whose differences to each other are told
INFERENCE = ("flops_per_megapixel", "ms_per_megapixel", "peak_bytes")
FILES = 3  # of those left out for one reason


def document(board: Board, folder: Path) -> dict[str, Any]:
    """All that a page shows.

    Args:
        board: of the results below a folder.
        folder: that folder; the crops that lie in `panels/crops/` beside the results are taken in.

    Returns:
        plain JSON types; see `page.render`.
    """
    names, most = _names(board.tables), rows_that_fit([len(table.rows) for table in board.tables])
    tables = [_table(table, name, folder, most) for table, name in zip(board.tables, names, strict=True)]
    told = [fill_values(board.tables, tables), fill_crops(board.tables, tables)]
    return {
        "counts": {"results": len(board.results), "tables": len(board.tables)},
        "code": sorted({visible(result.what["code"]) for result in board.results}),
        "newest": max((str(result.provenance.get("date", ""))[:10] for result in board.results), default=""),
        "tables": tables,
        "heat": heat(board.tables, names),
        "overall": [_overall(table) for table in board.overall],
        "matrices": [_matrix(matrix) for matrix in board.matrices],
        "left_out": [
            {
                "reason": visible(reason),
                "count": len(paths),
                "files": [seen_from(path, folder) for path in paths[:FILES]],
            }
            for reason, paths in board.left_out
        ],
        "fits": " ".join(told),
    }


def _names(tables: Sequence[Table]) -> list[str]:
    """A word for each that can stand in an address, none twice."""
    found: list[str] = []
    for table in tables:
        what = table.rows[0].what
        budget = next((row.what["budget"]["name"] for row in table.rows if row.what["budget"]), "")
        degradation = (what["degradation"] or {"name": "given"})["name"]
        words = [what["set"], degradation, f"x{what['scale']}", what["protocol"]["name"], budget]
        name = re.sub(r"[^\w.]+", "-", "-".join(filter(None, words))).strip("-").lower()
        numbered = (name if n == 1 else f"{name}-{n}" for n in itertools.count(1))
        found.append(next(one for one in numbered if one not in found))
    return found


def _table(table: Table, name: str, folder: Path, most: int) -> dict[str, Any]:
    lead, chief = table.rows[0], table.standing(table.chief)
    reference = _reference(table, chief)
    shown = [place for place, row in enumerate(table.rows) if place < most or row.id == reference]
    more = (
        [f"{plural(len(table.rows) - len(shown), 'more row')}: see leaderboard.csv"] if table.rows[len(shown) :] else []
    )
    return {
        "id": name,
        "title": table.title,
        "name": cell_name(lead.what),
        "answer": answer(table),
        "protocol": list(_flat(lead.what["protocol"], "")),
        "images": [visible(image) for image in sorted(lead.lead.images)],
        "notes": [*table.notes, *more],
        "metrics": [_metric(table, metric) for metric in table.metrics],
        "reference": reference,
        "rows": [_row(table, place, chief, folder) for place in shown],
        "pairs": {metric: told for metric in table.metrics if (told := _pairs(table, metric, shown))},
        "per_image": {},
        "crops": [],
        "quoted": quoted(lead.what),
        "below": _below(table, chief),
    }


def _reference(table: Table, chief: Standing | None) -> str | None:
    return None if chief is None or chief.reference is None else table.rows[chief.places[chief.reference]].id


def _metric(table: Table, metric: str) -> dict[str, Any]:
    facts, stands = fact(table.rows, metric), table.standing(metric)
    return {
        "name": visible(metric),
        "unit": visible(str(facts.get("unit", ""))),
        "higher": higher(table.rows, metric),
        "digits": facts.get("digits", 4),
        "margin": facts.get("margin"),
        "primary": metric == table.chief,
        "resolvable": stands.resolvable[1] if stands and stands.resolvable and not stands.silent else None,
        "note": f"an interval and no verdict: {stands.silent}" if stands and stands.silent else "",
    }


def _row(table: Table, place: int, chief: Standing | None, folder: Path) -> dict[str, Any]:
    row = table.rows[place]
    number = chief.numbers.get(place) if chief is not None and chief.ranks else None
    return {
        "id": row.id,
        "label": table.labels[place],
        "claim": row.claim,
        "seeds": list(row.seeds),
        "rank": None if chief is None or number is None else list(chief.ranks[number]),
        "band": None if chief is None or number is None else chief.bands[number],
        "why": _unranked(table, place, chief),
        "scores": {visible(metric): _score(table, row, metric) for metric in table.metrics},
        "cost": {
            **{name: row.cost(name) for name in ("parameters", "training_seconds")},
            **{name: row.cost(f"inference.{name}") for name in INFERENCE},
            "machine": visible(row.machine),
        },
        "images_shown": False,
        **account(row, folder),
    }


def _unranked(table: Table, place: int, chief: Standing | None) -> str:
    """Why a row has no rank; empty where it has one, or where nobody has."""
    row, metric = table.rows[place], table.chief
    if told := table.apart.get(metric, {}).get(row.id) or why(row, metric):
        return told
    if row.score(metric) is None:
        return f"{visible(metric)}: not asked for"
    if chief is None or place in chief.numbers:
        return ""
    if row.images(metric) is None:
        return f"{visible(metric)}: no number of each image"
    return "the table is longer than what is compared row by row"


def _below(table: Table, chief: Standing | None) -> list[dict[str, str]]:
    """The rows that are not ranked; of many the first, and how many more."""
    told = ((label, _unranked(table, place, chief)) for place, label in enumerate(table.labels))
    below = [{"label": label, "why": why} for label, why in told if why]
    if len(below) <= BELOW:
        return below
    return [*below[:BELOW], {"label": plural(len(below) - BELOW, "more row"), "why": "see leaderboard.csv"}]


def _score(table: Table, row: Row, metric: str) -> dict[str, Any]:
    values = [result.scores.get(metric) for result in row.results]
    images = row.images(metric)
    around = interval(images) if images is not None and row.claim == "method" else None
    told = why(row, metric) or table.apart.get(metric, {}).get(row.id, "")
    low, high = around or (None, None)
    return {"mean": row.score(metric), "seeds": values, "low": low, "high": high, "note": told}


def _pairs(table: Table, metric: str, rows: Sequence[int]) -> dict[str, Any] | None:
    """Of the leading rows among those that are shown, and of the reference."""
    stands = table.standing(metric)
    if stands is None:
        return None
    there = set(rows)
    shown = [number for number, place in enumerate(stands.places) if place in there][:PAIRED]
    shown += [stands.reference] if stands.reference is not None and stands.reference not in shown else []
    some, digits = np.ix_(shown, shown), fact(table.rows, metric).get("digits", 4) + 2
    half = stands.pairs.half[some]
    return {
        "rows": [table.rows[stands.places[number]].id for number in shown],
        "difference": np.round(stands.pairs.mean[some], digits).tolist(),
        "half": [[None if np.isnan(one) else round(float(one), digits) for one in line] for line in half],
        "verdict": ["".join(line) for line in stands.verdicts[some]],
    }


def _flat(node: Any, place: str) -> Iterator[list[str]]:
    if isinstance(node, Mapping):
        for name, inner in node.items():
            yield from _flat(inner, f"{place}.{name}" if place else str(name))
    else:
        yield [visible(place), visible(str(node))]


def _overall(table: Table) -> dict[str, Any]:
    """The leading rows, and what the table says."""
    grid, left = _matrix(table), len(table.rows) - LEADING
    more = [f"{plural(left, 'more row')}: see leaderboard.md"] if left > 0 else []
    return {**grid, "rows": grid["rows"][:LEADING], "notes": [*grid["notes"], *more], "answer": answer(table)}


def _matrix(matrix: Table) -> dict[str, Any]:
    cells = list(zip(*(column.cells for column in matrix.columns), strict=True))
    return {
        "title": matrix.title,
        "head": matrix.head,
        "columns": [column.head for column in matrix.columns],
        "rows": [
            {"label": label, "cells": [_cell(cell) for cell in line]}
            for label, line in zip(matrix.labels, cells, strict=True)
        ],
        "notes": list(matrix.notes),
    }


def _cell(cell: Cell) -> dict[str, Any]:
    return {"text": cell.text, "best": cell.best, "own": cell.own, "note": cell.note}
