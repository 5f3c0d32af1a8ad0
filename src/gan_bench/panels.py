"""Pictures to look at: a row of labelled images of one size, written as PNG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from torch.nn.functional import interpolate

from gan_bench.batch import Batch
from gan_bench.image import to_rgb, to_uint8, write_png
from gan_bench.resize import upscale

__all__ = ["panel", "write_panel"]

BAND, GAP = 28, 4
LARGEST = 1024


def write_panel(
    path: Path, batch: Batch, restored: Tensor, scale: int, label: str, below: Mapping[str, Tensor] | None = None
) -> None:
    """Write lq | bicubic | restored | gt of a batch's first image, and perhaps a second row.

    Args:
        path: of the PNG.
        batch: lq and gt; gt may be None.
        restored: (B, C, H, W) in [0, 1].
        scale: gt over lq; at 1 there is no bicubic column.
        label: above the restored image.
        below: images of the second row by their captions, each (B, C, H', W') in [0, 1], all of one size.
    """
    columns = [("lq", interpolate(batch.lq[:1], scale_factor=scale, mode="nearest"))]
    if scale > 1:
        columns.append(("bicubic", upscale(batch.lq[:1], scale)))
    columns.append((label, restored[:1]))
    if batch.gt is not None:
        columns.append(("gt", batch.gt[:1]))
    rows = [columns, *([[(text, image[:1]) for text, image in below.items()]] if below else [])]
    sheets = [panel([(text, to_uint8(to_rgb(image.clamp(0, 1))[0])) for text, image in row]) for row in rows]
    width = max(sheet.shape[1] for sheet in sheets)
    wide = [np.pad(one, ((0, 0), (0, width - one.shape[1]), (0, 0)), constant_values=255) for one in sheets]
    write_png(path, np.concatenate(wide))


def panel(columns: Sequence[tuple[str, np.ndarray]]) -> np.ndarray:
    """A row of images under their labels; the middle of images that are larger than 1024 pixels.

    Args:
        columns: label and (H, W, 3) uint8, all of one size.

    Returns:
        (H + 28, ..., 3) uint8.
    """
    cut = [(text, _middle(pixels)) for text, pixels in columns]
    height, width = cut[0][1].shape[:2]
    sheet = Image.new("RGB", (len(cut) * (width + GAP) - GAP, height + BAND), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=16)
    for number, (text, pixels) in enumerate(cut):
        left = number * (width + GAP)
        draw.text((left + 4, 4), text, fill="black", font=font)
        sheet.paste(Image.fromarray(pixels), (left, BAND))
    return np.asarray(sheet)


def _middle(pixels: np.ndarray) -> np.ndarray:
    top, left = (max(0, (size - LARGEST) // 2) for size in pixels.shape[:2])
    return pixels[top : top + LARGEST, left : left + LARGEST]
