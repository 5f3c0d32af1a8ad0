"""A board as files beside its results: Markdown, spreadsheets, and a page that asks nothing of the network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gan_bench.benchmark.document import document
from gan_bench.benchmark.leaderboard import Board
from gan_bench.benchmark.page import render
from gan_bench.benchmark.render import render_markdown
from gan_bench.benchmark.spreadsheet import render_csv, render_images_csv
from gan_bench.files import write_atomically

__all__ = ["FILES", "PAGE", "write_board"]

FILES = ("leaderboard.html", "leaderboard.md", "leaderboard.csv", "leaderboard_images.csv")
PAGE, MARKDOWN, RESULTS, IMAGES = FILES


def write_board(folder: Path, board: Board) -> list[Path]:
    """Write leaderboard.html, .md and .csv, and leaderboard_images.csv; equal results give equal bytes.

    Args:
        folder: of the results; made if missing.
        board: of them.

    Returns:
        The files, the page first.

    Raises:
        WorkError: a file cannot be written; the old one is then still there.
    """
    texts: dict[str, Callable[[], str]] = {
        PAGE: lambda: render(document(board, folder)),
        MARKDOWN: lambda: render_markdown(board, folder),
        RESULTS: lambda: render_csv(board),
        IMAGES: lambda: render_images_csv(board),
    }
    for name, text in texts.items():
        write_atomically(folder / name, text().encode())
    return [folder / name for name in texts]
