"""Contact sheets: blocks of pictures with text under each that wraps within its width, drawn as one picture."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

__all__ = ["LARGEST", "Block", "Tile", "contact_sheet", "fitted", "tile_size", "wrapped"]

LARGEST = 320  # pixels of a picture's longer side
NARROWEST = 264  # pixels of a column: text stays readable under small pictures
WIDEST = 1680  # pixels of a sheet
GAP, MARGIN = 16, 20
TITLE, TEXT, HEAD = 14, 13, 20  # font sizes
LINE = 1.35  # of the font's size


class Tile(NamedTuple):
    """A picture and what is said about it.

    Attributes:
        pixels: (H, W, 1 or 3) uint8, of at most 320 pixels a side.
        title: its own line below it.
        parts: what follows, joined by dots; a part is only broken where it is longer than a line.
    """

    pixels: np.ndarray
    title: str
    parts: Sequence[str] = ()


class Block(NamedTuple):
    """Tiles that belong together, under a heading.

    Attributes:
        title: what is common to them, in parts that are joined by dots.
        tiles: at least one.
    """

    title: Sequence[str]
    tiles: Sequence[Tile]


def contact_sheet(blocks: Sequence[Block]) -> np.ndarray:
    """All blocks below each other on white; equal input gives equal pixels.

    Returns:
        (H, W, 3) uint8.
    """
    parts = [_block(block) for block in blocks]
    width = max(part.width for part in parts) + 2 * MARGIN
    sheet = Image.new("RGB", (width, sum(part.height + GAP for part in parts) - GAP + 2 * MARGIN), "white")
    top = MARGIN
    for part in parts:
        sheet.paste(part, (MARGIN, top))
        top += part.height + GAP
    return np.asarray(sheet)


def tile_size(gt: tuple[int, int], lq: tuple[int, int]) -> tuple[int, int]:
    """The common size at which gt and lq are shown: whole multiples of their pixels wherever that fits.

    Args:
        gt: (height, width) in pixels.
        lq: the same of the lq image.

    Returns:
        (height, width), at most 320 each.
    """
    shown = gt if max(gt) <= LARGEST else lq
    if max(shown) <= LARGEST:
        factor = LARGEST // max(shown)
        return shown[0] * factor, shown[1] * factor
    height, width = (max(1, round(size * LARGEST / max(gt))) for size in gt)
    return height, width


def fitted(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A picture at another size: enlarged by nearest, so that its pixels are seen; shrunk by area.

    Args:
        pixels: (H, W, 1 or 3) uint8.
        size: (height, width).

    Returns:
        (height, width, 3) uint8.
    """
    grows = size[0] * size[1] >= pixels.shape[0] * pixels.shape[1]
    rgb = np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))
    return cv2.resize(rgb, size[::-1], interpolation=cv2.INTER_NEAREST if grows else cv2.INTER_AREA)


def wrapped(parts: Sequence[str], width: float, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> list[str]:
    """Parts joined by dots, in lines of at most `width` pixels; nothing is left out.

    A part that does not fit into a line is broken between words, a word that does not between letters.
    """
    lines = [""]
    for part in parts:
        joined = f"{lines[-1]} · {part}" if lines[-1] else part
        if font.getlength(joined) <= width:
            lines[-1] = joined
        else:
            lines += _broken(part, width, font)
    return [line for line in lines if line]


def _broken(part: str, width: float, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> Iterator[str]:
    line = ""
    for word in re.split(r"\s+(?![\d-])", part.strip()):  # a number stays with the word before it
        rest, joined = word, f"{line} {word}" if line else word
        if font.getlength(joined) <= width:
            line = joined
            continue
        yield line
        while font.getlength(rest) > width and len(rest) > 1:
            end = next(n for n in range(len(rest) - 1, 0, -1) if n == 1 or font.getlength(rest[:n]) <= width)
            yield rest[:end]
            rest = rest[end:]
        line = rest
    yield line


def _block(block: Block) -> Image.Image:
    cell = max(NARROWEST, max(tile.pixels.shape[1] for tile in block.tiles))
    tiles = [_tile(tile, cell) for tile in block.tiles]
    most = max(1, (WIDEST - 2 * MARGIN + GAP) // (cell + GAP))
    columns = -(-len(tiles) // -(-len(tiles) // most))  # rows as full as each other
    rows = [tiles[start : start + columns] for start in range(0, len(tiles), columns)]
    width = columns * (cell + GAP) - GAP
    head = _text([(HEAD, line) for line in wrapped(block.title, width, _font(HEAD))], width)
    heights = [max(tile.height for tile in row) for row in rows]
    sheet = Image.new("RGB", (width, head.height + sum(heights) + GAP * len(rows)), "white")
    sheet.paste(head, (0, 0))
    top = head.height + GAP // 2
    for row, height in zip(rows, heights, strict=True):
        for column, tile in enumerate(row):
            sheet.paste(tile, (column * (cell + GAP), top))
        top += height + GAP
    return sheet


def _tile(tile: Tile, cell: int) -> Image.Image:
    lines = [(TITLE, line) for line in wrapped([tile.title], cell, _font(TITLE))]
    text = _text(lines + [(TEXT, line) for line in wrapped(tile.parts, cell, _font(TEXT))], cell)
    height = tile.pixels.shape[0]
    sheet = Image.new("RGB", (cell, height + GAP // 4 + text.height), "white")
    sheet.paste(Image.fromarray(np.broadcast_to(tile.pixels, (*tile.pixels.shape[:2], 3))), (0, 0))
    sheet.paste(text, (0, height + GAP // 4))
    return sheet


def _text(lines: Sequence[tuple[int, str]], width: int) -> Image.Image:
    """Lines of (font size, text); what is of the text's own size is gray."""
    sheet = Image.new("RGB", (width, sum(round(size * LINE) for size, _ in lines)), "white")
    draw, top = ImageDraw.Draw(sheet), 0
    for size, line in lines:
        draw.text((0, top), line, fill="#404040" if size == TEXT else "black", font=_font(size))
        top += round(size * LINE)
    return sheet


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)
