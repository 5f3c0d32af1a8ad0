"""Results as files, and leaderboards as a pure function of such files.

No torch: a board is made where nothing was trained.
"""

from gan_bench.benchmark.answer import answer
from gan_bench.benchmark.comparison import NotComparableError, compare, obstacle
from gan_bench.benchmark.conditions import names_of
from gan_bench.benchmark.contrast import contrast, contrasts
from gan_bench.benchmark.leaderboard import Board, board
from gan_bench.benchmark.publish import write_board
from gan_bench.benchmark.render import render_markdown, render_rich
from gan_bench.benchmark.result import SCHEMA, Result, find, key, read, record
from gan_bench.benchmark.rows import Row, rows_of
from gan_bench.benchmark.spreadsheet import render_csv, render_images_csv
from gan_bench.benchmark.table import Cell, Column, Table

__all__ = [
    "SCHEMA",
    "Board",
    "Cell",
    "Column",
    "NotComparableError",
    "Result",
    "Row",
    "Table",
    "answer",
    "board",
    "compare",
    "contrast",
    "contrasts",
    "find",
    "key",
    "names_of",
    "obstacle",
    "read",
    "record",
    "render_csv",
    "render_images_csv",
    "render_markdown",
    "render_rich",
    "rows_of",
    "write_board",
]
