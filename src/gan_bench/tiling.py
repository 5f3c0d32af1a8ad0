"""Large images through small windows: what a network cannot take at once, it takes in blended pieces.

Windows share `overlap` pixels. The outer part of a shared strip, `guard` pixels, where a window lacks its surroundings,
has no weight; across the rest a raised cosine fades from one window to the next.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["tiled"]


def tiled(
    function: Callable[[Tensor], Tensor],
    image: Tensor,
    scale: int,
    tile: int,
    overlap: int,
    progress: Callable[[int, int], None] | None = None,
    guard: int | None = None,
) -> Tensor:
    """Applies function window by window, without gradients, and blends the results on the CPU.

    Equal to function(image) where the image fits in one window, and where an output pixel depends on no input farther
    than guard pixels away; else the seams are faded.

    Args:
        function: (B, C, h, w) -> (B, C', h * scale, w * scale).
        image: (B, C, H, W).
        scale: how much larger function's output is.
        tile: side of a window in pixels of image; along a shorter side of the image the window is that side.
        overlap: pixels of image that neighbouring windows share, less than a window; the last ones share more.
        progress: called as progress(done, total) after each window.
        guard: pixels of image along a window's inner sides that have no weight, at most half the overlap, which leaves
            nothing to fade; a quarter of it by default.

    Returns:
        (B, C', H * scale, W * scale) float on the CPU.

    Raises:
        ValueError: tile, overlap or guard out of range, or function returns another size.
    """
    guard = overlap // 4 if guard is None else guard
    if not 0 <= overlap < tile:
        raise ValueError(f"overlap must be at least 0 and less than a tile of {tile} pixels, not {overlap}")
    if not 0 <= guard <= overlap // 2:
        raise ValueError(f"guard must be between 0 and half the overlap of {overlap} pixels, not {guard}")
    height, width = image.shape[-2:]
    rows, columns = _starts(height, tile, overlap), _starts(width, tile, overlap)
    row_weights = _weights(rows, height, tile, overlap, guard, scale)
    column_weights = _weights(columns, width, tile, overlap, guard, scale)
    windows = [(row, column) for row in range(len(rows)) for column in range(len(columns))]
    result: Tensor | None = None
    for done, (row, column) in enumerate(windows, start=1):
        top, left = rows[row], columns[column]
        piece = _apply(function, image[..., top : top + tile, left : left + tile], scale)
        if len(windows) > 1:
            piece = piece * row_weights[row][:, None] * column_weights[column]
        if result is None:
            result = piece if len(windows) == 1 else piece.new_zeros(*piece.shape[:2], height * scale, width * scale)
        if len(windows) > 1:
            y, x = top * scale, left * scale
            result[..., y : y + piece.shape[-2], x : x + piece.shape[-1]] += piece
        if progress:
            progress(done, len(windows))
    assert result is not None
    return result


def _apply(function: Callable[[Tensor], Tensor], window: Tensor, scale: int) -> Tensor:
    with torch.no_grad():
        piece = function(window)
    expected = (window.shape[-2] * scale, window.shape[-1] * scale)
    if piece.shape[-2:] != expected:
        raise ValueError(f"a window became {tuple(piece.shape[-2:])}, not {expected}: wrong scale {scale}?")
    piece = piece.detach().cpu()
    return piece if piece.dtype == torch.float64 else piece.float()  # half precision would not add up to one


def _starts(length: int, tile: int, overlap: int) -> list[int]:
    """First pixels of the windows; the last is moved inward, so that all have one size."""
    if length <= tile:
        return [0]
    stride = tile - overlap
    return [*range(0, length - tile, stride), length - tile]


def _weights(starts: list[int], length: int, tile: int, overlap: int, guard: int, scale: int) -> list[Tensor]:
    """Each window's share of every output pixel along one axis: (min(tile, length) * scale,), together one."""
    size = min(tile, length)
    steps = (overlap - 2 * guard) * scale
    fade = 0.5 - 0.5 * torch.cos(torch.pi * (torch.arange(steps, dtype=torch.float64) + 0.5) / max(steps, 1))
    rise = torch.cat([torch.zeros(guard * scale, dtype=torch.float64), fade])
    shares = []
    for start in starts:
        share = torch.ones(size * scale, dtype=torch.float64)
        if start > 0:
            share[: len(rise)] *= rise
        if start + size < length:
            share[len(share) - len(rise) :] *= rise.flip(0)
        shares.append(share)
    total = torch.zeros(length * scale, dtype=torch.float64)
    for start, share in zip(starts, shares, strict=True):
        total[start * scale : (start + size) * scale] += share
    spans = [total[start * scale : (start + size) * scale] for start in starts]
    return [(share / span).float() for share, span in zip(shares, spans, strict=True)]
