"""`gan-bench leaderboard DIR --wandb`: the board as W&B's tables and charts, its result files as one artifact."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gan_bench.benchmark import Board, Table
from gan_bench.errors import WorkError
from gan_bench.tracking.wandb import Session

__all__ = ["log_board"]

COSTS = ("parameters", "training_seconds")
LONGEST = 80  # characters of a table's name


def log_board(board: Board, folder: Path, project: str) -> str:
    """Send a board: a table `leaderboard/<set>` for each of its tables, a bar chart per metric, and the files.

    Args:
        board: what is sent.
        folder: of the results; W&B's own folder lies in it.
        project: of W&B.

    Returns:
        The line that says how to see it; empty where W&B is disabled.

    Raises:
        WorkError: W&B failed; a warning said why.
    """
    session = Session(folder, project=project, name="leaderboard", job_type="leaderboard")
    for name, table in zip(_names(board.tables), board.tables, strict=True):
        heads, rows = _cells(table)
        session.log_table(f"leaderboard/{name}", heads, rows, plots=_measured(table))
    paths = [result.path for result in board.results if result.path]
    session.log_files("results", "results", {str(path.relative_to(folder)): path.resolve() for path in paths})
    session.finish()
    if session.broken:
        raise WorkError(f"{folder}: its board did not reach Weights & Biases")
    return session.told


def _names(tables: Sequence[Table]) -> list[str]:
    """The set's name where it tells the tables apart, else the whole title."""
    sets = Counter(table.results[0].what["set"] for table in tables)
    return [
        _slug(table.results[0].what["set"] if sets[table.results[0].what["set"]] == 1 else table.title)
        for table in tables
    ]


def _slug(text: str) -> str:
    """For W&B, which takes no name of more than 128 characters, with its own words around it."""
    slug = re.sub(r"[^\w.-]+", "-", text.replace("\u00d7", "x")).strip("-")
    return slug if len(slug) <= LONGEST else f"{slug[: LONGEST - 9]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _measured(table: Table) -> list[str]:
    """The metrics of which there is a number."""
    names = [column.metric for column in table.columns if column.metric]
    return [name for name in names if any(result.scores.get(name) is not None for result in table.results)]


def _cells(table: Table) -> tuple[list[str], list[list[Any]]]:
    """Heads, and rows of unrounded numbers in the order of the board."""
    metrics = [column.metric for column in table.columns if column.metric]
    heads = ["restorer", *metrics, *COSTS, "seed", "selection"]
    rows = []
    for label, result in zip(table.labels, table.results, strict=True):
        costs = [result.cost.get(name) for name in COSTS]
        scores = [result.scores.get(name) for name in metrics]
        rows.append([label, *scores, *costs, result.what["seed"], result.what["selection"]])
    return heads, rows
