"""`gan-bench leaderboard DIR --wandb`: the board as W&B's tables and charts, its page, its files as one artifact."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gan_bench.benchmark import Board, Row, Table, answer
from gan_bench.benchmark.publish import FILES, PAGE
from gan_bench.benchmark.scores import PERCEPTION, fact, foremost, head, why
from gan_bench.benchmark.standing import Standing
from gan_bench.benchmark.statistics import WORDS
from gan_bench.benchmark.words import rank_words, visible
from gan_bench.errors import WorkError
from gan_bench.tracking.wandb import Session

__all__ = ["log_board"]

DISTORTION = "psnr"
VERDICTS = WORDS | {"-": "no verdict", "=": "reference"}
CLAIMS = {"method": "method", "weights": "these weights", "fixed": "fixed"}
OF_A_METRIC = ("mean", "sd", "difference", "low", "high", "verdict")  # no two heads are alike, whatever a metric's name
COSTS = {
    "parameters": "parameters",
    "flops_per_megapixel": "inference.flops_per_megapixel",
    "ms_per_megapixel": "inference.ms_per_megapixel",
    "training_seconds": "training_seconds",
}
DIFFERENCES = ["label", "reference", "metric", "unit", "difference", "low", "high", "verdict", "claim", "images"]
LONGEST, SHORTEST = 60, 30  # characters of a table's name, and of what stands behind it

Cells = tuple[list[str], list[list[Any]]]
"""Heads, and for each row a value or None below each of them."""


def log_board(board: Board, folder: Path, project: str) -> str:
    """Send a board.

    Of each of its tables, by the name of its set, of one over several sets by its title: `leaderboard/<set>`, with all
    rows in their order; a bar chart of each metric, `leaderboard/<set>/<metric>`; `differences/<set>`, a line for each
    interval; and `perception/<set>`, the perception-distortion plane. Then `matrix/<title>`, `answers`, `page`, and the
    artifact `results`.

    Args:
        board: what is sent.
        folder: of the results, and of the files that `write_board` made of them; W&B's own folder lies in it.
        project: of W&B.

    Returns:
        The line that says how to see it; empty where W&B is disabled.

    Raises:
        WorkError: W&B failed; a warning said why.
    """
    session = Session(folder, project=project, name="leaderboard", job_type="leaderboard")
    tables = (*board.tables, *board.overall)
    names = _names(tables)
    for name, table in zip(names, tables, strict=True):
        _log_table(session, name, table)
    for name, matrix in zip(_distinct([matrix.title for matrix in board.matrices]), board.matrices, strict=True):
        session.log_table(f"matrix/{name}", *_matrix(matrix))
    answers = {name: answer(table) for name, table in zip(names, tables, strict=True)}
    session.log_table("answers", *_answers(board, tables, answers))
    session.summarize({f"answer/{name}": sentence for name, sentence in answers.items()})
    _log_files(session, board, folder)
    session.finish()
    if session.broken:
        raise WorkError(f"{folder}: its board did not reach Weights & Biases")
    return session.told


def _log_table(session: Session, name: str, table: Table) -> None:
    session.log_table(f"leaderboard/{name}", *_rows(table))
    for metric in table.metrics:
        scores = zip(_labels(table), _scores(table, metric), strict=True)
        if bars := [[label, score] for label, score in scores if score is not None]:
            key = f"leaderboard/{name}/{_slug(metric, SHORTEST)}"
            session.log_bars(key, ["label", visible(metric)], bars, f"{name}: {head(table.rows, metric)}")
    session.log_table(f"differences/{name}", *_differences(table))
    chosen = next((metric for metric in foremost(table.metrics, PERCEPTION) if len(_plane(table, metric)) > 1), None)
    if chosen:
        titled = f"{name}: {head(table.rows, chosen)} against {head(table.rows, DISTORTION)}"
        session.log_points(f"perception/{name}", [DISTORTION, chosen, "label"], _plane(table, chosen), titled)


def _log_files(session: Session, board: Board, folder: Path) -> None:
    """The page to look at, and all files; those that the next board writes anew are copied."""
    written = {name: folder / name for name in FILES if (folder / name).is_file()}
    if PAGE in written:
        session.log_page("page", written[PAGE])
    paths = [result.path for result in board.results if result.path]
    results = {path.relative_to(folder).as_posix(): path.resolve() for path in paths}
    session.log_files("results", "results", results, changing=written)


def _names(tables: Sequence[Table]) -> list[str]:
    """The set's name where there is one and it tells the tables apart, else the whole title."""
    names = [table.title if table.rows[0].sets else table.rows[0].what["set"] for table in tables]
    sets = Counter(names)
    return _distinct([name if sets[name] == 1 else table.title for name, table in zip(names, tables, strict=True)])


def _distinct(texts: Sequence[str]) -> list[str]:
    """Names for W&B, none twice."""
    names: list[str] = []
    for text in texts:
        name = _slug(text, LONGEST)
        names.append(name if name not in names else f"{name}-{len(names)}")
    return names


def _slug(text: str, longest: int) -> str:
    """For W&B, which takes no name of more than 128 characters, with its own words around it."""
    slug = re.sub(r"[^\w.-]+", "-", text.replace("\u00d7", "x")).strip("-.") or "unnamed"
    return slug if len(slug) <= longest else f"{slug[: longest - 9]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _labels(table: Table) -> list[str]:
    """A name for each row; seeds and selection tell apart what the board tells apart in other columns."""
    alike = Counter(table.labels)
    rows = zip(table.labels, table.rows, strict=True)
    return [label if alike[label] == 1 else " · ".join([label, *_choice(row)]) for label, row in rows]


def _choice(row: Row) -> list[str]:
    seeds, selection = ", ".join(map(str, row.seeds)), row.what["selection"]
    return [f"seed {seeds}"] * bool(seeds) + [visible(selection)] * bool(selection)


def _scores(table: Table, metric: str) -> list[float | None]:
    """Of the rows, the unrounded numbers that compare with each other."""
    apart = table.apart.get(metric, {})
    return [None if row.id in apart else row.score(metric) for row in table.rows]


def _plane(table: Table, metric: str) -> list[list[Any]]:
    """PSNR, a metric of perception and the label of each row that has both numbers."""
    points = zip(_scores(table, DISTORTION), _scores(table, metric), _labels(table), strict=True)
    return [list(point) for point in points if None not in point]


# Tables -------------------------------------------------------------------------------------------------------------


def _rows(table: Table) -> Cells:
    """The board's rows in its order, with unrounded numbers."""
    of_metrics = [f"{visible(metric)} {part}" for metric in table.metrics for part in OF_A_METRIC]
    heads = ["label", "claim", "seeds", "rank", "rank_low", "rank_high", *of_metrics]
    heads += [*COSTS, "machine", "selection", "note"]
    return heads, [[label, *_row(table, place)] for place, label in enumerate(_labels(table))]


def _row(table: Table, place: int) -> list[Any]:
    """All behind the label."""
    row = table.rows[place]
    scores = [value for metric in table.metrics for value in _metric(table, metric, place)]
    costs = [row.cost(name) for name in COSTS.values()]
    named = [CLAIMS[row.claim], ", ".join(map(str, row.seeds)) or None]
    about = [visible(row.machine) or None, row.what["selection"] and visible(row.what["selection"])]
    return [*named, *_rank(table.standing(table.chief), place), *scores, *costs, *about, _note(table, row)]


def _rank(stands: Standing | None, place: int) -> list[Any]:
    """`1–3`, 1, 3."""
    if stands is None or not stands.ranks or place not in stands.numbers:
        return [None, None, None]
    rank = stands.ranks[stands.numbers[place]]
    return [rank_words(rank), *rank]


def _metric(table: Table, metric: str, place: int) -> list[Any]:
    """What stands below the heads `OF_A_METRIC`."""
    row, stands = table.rows[place], table.standing(metric)
    against: list[Any] = [None] * 4
    if stands is not None and place in stands.numbers:
        against = _against(stands, stands.numbers[place])
    return [row.score(metric), row.spread(metric), *against]


def _against(stands: Standing, number: int) -> list[Any]:
    """Difference to the reference, both ends of its 95 % interval, and the verdict."""
    if stands.reference is None:
        return [None, None, None, None]
    mean, half, letter = stands.between(number, stands.reference)
    if number == stands.reference:
        return [None, None, None, VERDICTS[letter]]
    low, high = (None, None) if math.isnan(half) else (mean - half, mean + half)
    return [mean, low, high, VERDICTS[letter]]


def _note(table: Table, row: Row) -> str | None:
    """Why numbers are missing, or do not compare or rank."""
    told = (why(row, metric) or table.apart.get(metric, {}).get(row.id) for metric in table.metrics)
    return "; ".join(filter(None, told)) or None


def _differences(table: Table) -> Cells:
    """One line for each row and metric, for a plot of intervals; none where there is no reference."""
    found = ((metric, stands) for metric in table.metrics if (stands := table.standing(metric)))
    return DIFFERENCES, [line for metric, stands in found for line in _lines(table, metric, stands)]


def _lines(table: Table, metric: str, stands: Standing) -> list[list[Any]]:
    """Best first; the reference itself has none."""
    reference = stands.reference
    if reference is None:
        return []
    labels, unit = _labels(table), fact(table.rows, metric).get("unit")
    named = [labels[stands.places[reference]], visible(metric), visible(unit) if unit else None]
    others = [number for number in stands.order if number != reference]
    claims = [CLAIMS[str(stands.pairs.claim[number, reference])] for number in others]
    return [
        [labels[stands.places[number]], *named, *_against(stands, number), claim, stands.images]
        for number, claim in zip(others, claims, strict=True)
    ]


def _matrix(matrix: Table) -> Cells:
    """Numbers as the board shows them; `own` names the columns that a row was trained on."""
    heads = [matrix.head, *(column.head for column in matrix.columns), "own"]
    rows = []
    for place, label in enumerate(matrix.labels):
        cells = {column.head: column.cells[place] for column in matrix.columns}
        own = ", ".join(name for name, cell in cells.items() if cell.own) or None
        rows.append([label, *(_number(cell.text) for cell in cells.values()), own])
    return heads, rows


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:  # a dash, or n/a
        return None


def _answers(board: Board, tables: Sequence[Table], answers: dict[str, str]) -> Cells:
    """What each table says in a sentence, and what is to be said of it."""
    rows: list[list[Any]] = [
        [name, table.title, sentence, "\n".join(table.notes) or None]
        for (name, sentence), table in zip(answers.items(), tables, strict=True)
    ]
    rows += [["matrix", matrix.title, None, "\n".join(matrix.notes) or None] for matrix in board.matrices]
    left_out = [[None, f"left out: {len(paths)}", None, visible(reason)] for reason, paths in board.left_out]
    return ["table", "title", "answer", "notes"], rows + left_out
