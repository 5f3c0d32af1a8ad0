"""A board for the terminal and for Markdown; decides nothing, escapes everything."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from gan_bench.benchmark.answer import answer
from gan_bench.benchmark.leaderboard import Board
from gan_bench.benchmark.table import Cell, Column, Table
from gan_bench.benchmark.words import plural, seen_from, visible

__all__ = ["render_markdown", "render_rich"]

_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_LEGEND = "best of its column, ties all marked · ↑ higher is better · ↓ lower is better · – not measured"
_EMPTY = "No results yet: a training run, or gan-bench benchmark, writes one."
_SPREAD = "score ± half of its 95 % interval over seeds"
_RANK = "rank: between which places, by Holm's method at 5 % · against: difference ± half of its 95 % interval, "
_RANK += "▲ better ▼ worse ≈ equivalent ? unresolved"
_OWN = "[n] judged on what it was trained on · (name) not trained"
_LABEL_WIDTHS = (12, 32)  # characters: a longer label goes on in the next line


def render_rich(board: Board) -> list[RenderableType]:
    """The board for a terminal of any width, in the order of printing."""
    parts: list[RenderableType] = [_Fitted(table) for table in _all(board)]
    parts.append(Text(f"* {_legend(board)}" if board.tables else _EMPTY, style="dim"))
    parts += [Text(line, style="yellow") for line in _left_out(board)]
    return parts


def render_markdown(board: Board, folder: Path | None = None) -> str:
    """The board as GitHub's Markdown, one section per table.

    Args:
        board: what is shown.
        folder: from which files that were left out are seen.
    """
    lines = ["# Leaderboard", ""]
    for table in _all(board):
        heads = [table.head, *(column.head for column in table.columns)]
        lines += [f"## {_escaped(table.title)}", "", _pipes(map(_escaped, heads))]
        lines += [_pipes([":--", *("--:" for _ in table.columns)])]
        rows = zip(table.labels, *(column.cells for column in table.columns), strict=True)
        lines += [_pipes([_escaped(label), *map(_markdown_cell, cells)]) for label, *cells in rows]
        lines += [f"\n{_mark(n)} {_escaped(text)}" for n, text in enumerate(table.notes, 1)] + [""]
        lines += [_escaped(answer(table)), ""] if table.metrics else []
    lines += [f"**Bold**: {_escaped(_legend(board))}." if board.tables else _EMPTY]
    lines += [f"\n{_escaped(line)}" for line in _left_out(board, folder)]
    return "\n".join(lines) + "\n"


class _Fitted:
    """One table with title and notes; columns that do not fit beside each other go on below, under the labels again."""

    def __init__(self, table: Table) -> None:
        self.table = table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        table = self.table
        label_width = self._label_width(options.max_width)
        yield Text(table.title, style="bold")
        for number, columns in enumerate(_blocks(table.columns, options.max_width - label_width)):
            yield from [Text()] * (number > 0)
            yield _grid(table, columns, label_width)
        for number, text in enumerate(table.notes, 1):
            yield Text(f"{_mark(number)} {text}", style="dim")
        if table.metrics:
            yield Text(answer(table), style="italic")
        yield Text()

    def _label_width(self, width: int) -> int:
        """As wide as the longest label, but narrower, down to a limit, where then all columns fit."""
        longest = max(map(cell_len, (self.table.head, *self.table.labels)))
        left = width - sum(_width(column) + 2 for column in self.table.columns)
        return min(longest, left if left >= _LABEL_WIDTHS[0] else _LABEL_WIDTHS[1], width // 2)


def _blocks(columns: Sequence[Column], width: int) -> list[list[Column]]:
    """The columns in groups, none wider than `width` (but for a single column that is)."""
    blocks: list[list[Column]] = [[]]
    left = width
    for column in columns:
        left -= (needed := _width(column) + 2)
        if left < 0 and blocks[-1]:
            blocks.append([])
            left = width - needed
        blocks[-1].append(column)
    return blocks


def _width(column: Column) -> int:
    return max(map(cell_len, (column.head, *_terminal_texts(column))))


def _grid(table: Table, columns: Sequence[Column], label_width: int) -> Grid:
    grid = Grid(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 0, 0, 1), pad_edge=False)
    grid.add_column(Text(table.head, style="bold"), width=label_width, overflow="fold")
    for column in columns:
        grid.add_column(Text(column.head, style="bold"), justify="right", overflow="fold")
    styles = [["bold green" if cell.best else "" for cell in column.cells] for column in columns]
    cells = [list(map(Text, _terminal_texts(c), s)) for c, s in zip(columns, styles, strict=True)]
    for row in zip(map(Text, table.labels), *cells, strict=True):
        grid.add_row(*row)
    return grid


def _terminal_texts(column: Column) -> list[str]:
    """The cells' texts, each with a place for a mark where any has one, so that the digits stay aligned."""
    place = " " * any(cell.best or cell.note for cell in column.cells)
    beside = " " * any(cell.own for cell in column.cells)
    marks = ["*" if cell.best else _mark(cell.note) or place for cell in column.cells]
    widest = max((len(cell.spread) for cell in column.cells), default=0)
    around = [f" {cell.spread:<{widest}}" if widest else "" for cell in column.cells]
    texts = [f"[{cell.text}]" if cell.own else cell.text for cell in column.cells]
    ends = ["" if cell.own else beside for cell in column.cells]
    return ["".join(parts) for parts in zip(texts, marks, ends, around, strict=True)]


def _mark(note: int) -> str:
    return str(note).translate(_SUPERSCRIPT) if note else ""


def _all(board: Board) -> tuple[Table, ...]:
    return (*board.tables, *board.overall, *board.matrices)


def _legend(board: Board) -> str:
    heads = {column.head for table in board.tables for column in table.columns}
    spread = any(cell.spread for table in board.tables for column in table.columns for cell in column.cells)
    parts = [_LEGEND, _SPREAD * spread, _RANK * ("rank" in heads), _OWN * bool(board.matrices)]
    return " · ".join(filter(None, parts))


def _left_out(board: Board, folder: Path | None = None) -> list[str]:
    """How many files were left out, and one line per reason."""
    if not board.left_out:
        return []
    number = sum(len(paths) for _, paths in board.left_out)
    lines = [f"{plural(number, 'file')} left out:"]
    for reason, paths in board.left_out:
        more = f" and {plural(len(paths) - 1, 'more file')}" if len(paths) > 1 else ""
        first = seen_from(paths[0], folder) if folder else str(paths[0])
        lines.append(visible(f"- {first}{more}: {reason}"))
    return lines


def _markdown_cell(cell: Cell) -> str:
    text = _escaped(f"[{cell.text}]" if cell.own else cell.text) + _mark(cell.note)
    return (f"**{text}**" if cell.best else text) + (f" {cell.spread}" if cell.spread else "")


def _pipes(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    """Markdown that shows just this text: no table, tag, link or emphasis comes out of it."""
    text = visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = text.replace("://", "&#58;//").replace("www.", "www&#46;").replace("@", "&#64;")  # which become links
    return re.sub(r"[\\|`*\[\]~$]|(?<![^\W_])_|_(?![^\W_])", r"\\\g<0>", text)
