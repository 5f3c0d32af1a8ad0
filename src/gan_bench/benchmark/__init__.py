"""Results as files, and leaderboards as a pure function of such files.

No torch: a board is made where nothing was trained.
"""

from gan_bench.benchmark.conditions import names_of
from gan_bench.benchmark.leaderboard import Board, board
from gan_bench.benchmark.render import render_csv, render_markdown, render_rich, write_board
from gan_bench.benchmark.result import SCHEMA, Result, find, key, read, record
from gan_bench.benchmark.table import Cell, Column, Table

__all__ = [
    "SCHEMA",
    "Board",
    "Cell",
    "Column",
    "Result",
    "Table",
    "board",
    "find",
    "key",
    "names_of",
    "read",
    "record",
    "render_csv",
    "render_markdown",
    "render_rich",
    "write_board",
]
