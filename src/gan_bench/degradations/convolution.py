"""One kernel on one image as fast as this CPU can, and a kernel per sample on a batch; both exact to 1e-5.

True convolution, as the physics of a blur has it: the kernel is a point's image. Borders are mirrored without repeating
the edge ("reflect-101"), however small the image is. On the CPU one of three ways is taken, by a model of their cost
measured with OpenCV 5 and SciPy 1.17 on an AVX2 core: two one-dimensional passes where the kernel allows that, its
non-zero elements one by one where they are few, else a Fourier transform. (Sums of separable kernels, from a singular
value decomposition, win for less than 1 in 100 of Real-ESRGAN's kernels.)
"""

from __future__ import annotations

import cv2
import numpy as np
import scipy.fft
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import conv2d

from gan_bench.degradations.base import Pixels

__all__ = ["convolve", "convolve_batch", "direct", "fourier", "separable", "simplified"]

Kernel = NDArray[np.float64]
"""(rows, columns), both odd."""
Strip = tuple[int, int, Kernel]
"""First row, first column, and elements of a part of a kernel."""

NEGLIGIBLE = 5e-7  # of a kernel's mass: an eighth of a thousandth of an 8-bit level
AREA = 129  # elements up to which OpenCV's filter2D sums directly, skipping zeros; above, its own DFT is slow
TILE = 176  # pixels of a transform; one channel's arrays are below 128 KiB, above which each is mapped anew
BORDER = cv2.BORDER_REFLECT_101


def convolve(pixels: Pixels, kernel: Kernel) -> Pixels:
    """Convolve each channel of an image.

    Args:
        pixels: (H, W, C) float32.
        kernel: (rows, columns), both odd; its sum should be about 1, as it decides what is negligible.

    Returns:
        (H, W, C), or (H, W) where C is 1; the argument itself where the kernel is a single pixel.
    """
    kernel = simplified(kernel)
    if kernel.size == 1 and abs(kernel[0, 0] - 1) < NEGLIGIBLE:
        return pixels
    factors = _factors(kernel)
    if factors is not None:
        return separable(pixels, *factors)
    return direct(pixels, kernel) if _direct_is_faster(pixels, kernel) else fourier(pixels, kernel)


def separable(pixels: Pixels, column: Kernel, row: Kernel) -> Pixels:
    """Convolve by a kernel that is the outer product of two vectors."""
    return cv2.sepFilter2D(pixels, -1, row[::-1].copy(), column[::-1].copy(), borderType=BORDER)


def direct(pixels: Pixels, kernel: Kernel) -> Pixels:
    """Convolve by a sum over the kernel's non-zero elements, in parts that are small enough for OpenCV to do so."""
    if kernel.size <= AREA:
        return cv2.filter2D(pixels, -1, kernel[::-1, ::-1].copy(), borderType=BORDER)
    height, width = pixels.shape[:2]
    padded = _padded(pixels, kernel)
    total = None
    for top, left, part in _strips(kernel[::-1, ::-1]):
        under = padded[top : top + height + part.shape[0] - 1, left : left + width + part.shape[1] - 1]
        # the part's first element meets the pixel itself: of what is kept nothing depends on this border
        done = cv2.filter2D(under, -1, part, anchor=(0, 0), borderType=cv2.BORDER_REPLICATE)[:height, :width]
        total = done.copy() if total is None else cv2.add(total, done, dst=total)
    assert total is not None
    return total


def fourier(pixels: Pixels, kernel: Kernel) -> Pixels:
    """Convolve by a product of spectra, in float32; tile by tile and channel by channel."""
    tiles = [_tile(length, reach) for length, reach in zip(pixels.shape, kernel.shape, strict=False)]
    (high, rows), (wide, columns) = tiles
    transfer = scipy.fft.fft(scipy.fft.rfft(kernel.astype(np.float32), columns, axis=1), rows, axis=0)
    padded, blurred = np.atleast_3d(_padded(pixels, kernel)), np.empty_like(pixels)
    for top in range(0, pixels.shape[0], high):
        for left in range(0, pixels.shape[1], wide):
            for channel in range(pixels.shape[2]):
                spectrum = scipy.fft.rfft2(padded[top : top + rows, left : left + columns, channel], (rows, columns))
                spectrum *= transfer
                done = scipy.fft.irfft2(spectrum, (rows, columns), overwrite_x=True)
                into = blurred[top : top + high, left : left + wide, channel]
                # what comes before has wrapped round
                into[:] = done[kernel.shape[0] - 1 :, kernel.shape[1] - 1 :][: into.shape[0], : into.shape[1]]
    return blurred


def _tile(length: int, reach: int) -> tuple[int, int]:
    """Pixels that a tile yields along one axis, and those that are transformed for it."""
    count = -(-length // max(TILE - reach + 1, reach))
    tile = -(-length // count)
    return tile, scipy.fft.next_fast_len(tile + reach - 1, real=True)


def convolve_batch(image: Tensor, kernels: list[Kernel]) -> Tensor:
    """Convolve each sample by its own kernel, where the batch is.

    Args:
        image: (B, C, H, W) float32.
        kernels: B kernels with odd sides, which may differ.
    """
    batch, channels = image.shape[:2]
    high, wide = max(kernel.shape[0] for kernel in kernels), max(kernel.shape[1] for kernel in kernels)
    stack = np.stack([_widened(kernel, high, wide)[::-1, ::-1] for kernel in kernels]).astype(np.float32)
    weight = torch.from_numpy(stack).to(image.device)[:, None].repeat_interleave(channels, 0)
    padded = image.index_select(2, _mirrored(image.shape[2], high // 2, image))
    padded = padded.index_select(3, _mirrored(image.shape[3], wide // 2, image))
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
        blurred = conv2d(padded.reshape(1, batch * channels, *padded.shape[2:]), weight, groups=batch * channels)
    return blurred.reshape(image.shape)


def simplified(kernel: Kernel) -> Kernel:
    """The kernel without its negligible elements, cut symmetrically to what is left."""
    sizes = np.abs(kernel)
    ordered = np.sort(sizes, axis=None)
    first = int(np.searchsorted(np.cumsum(ordered), NEGLIGIBLE))  # all below this one together are negligible
    kept = np.where(sizes >= ordered[min(first, ordered.size - 1)], kernel, 0)
    rows, columns = np.nonzero(kept)
    down, right = kernel.shape[0] // 2, kernel.shape[1] // 2
    high, wide = int(np.abs(rows - down).max()), int(np.abs(columns - right).max())
    return kept[down - high : down + high + 1, right - wide : right + wide + 1]


def _factors(kernel: Kernel) -> tuple[Kernel, Kernel] | None:
    """Column and row whose outer product is the kernel, where it is of rank one."""
    i, j = np.unravel_index(np.argmax(np.abs(kernel)), kernel.shape)
    column, row = kernel[:, j], kernel[i] / kernel[i, j]
    return (column, row) if np.abs(np.outer(column, row) - kernel).sum() < 2 * NEGLIGIBLE else None


def _strips(kernel: Kernel) -> list[Strip]:
    """Parts of few rows, each cut to its non-zero columns and within OpenCV's area."""
    groups: list[tuple[int, int, int, int]] = []  # top, bottom, left, right
    for row in range(kernel.shape[0]):
        columns = np.flatnonzero(kernel[row])
        if not columns.size:
            continue
        top, left, right = row, int(columns[0]), int(columns[-1]) + 1
        if groups:
            wider = (groups[-1][0], row + 1, min(groups[-1][2], left), max(groups[-1][3], right))
            if (wider[1] - wider[0]) * (wider[3] - wider[2]) <= AREA:
                groups[-1] = wider
                continue
        groups.append((top, row + 1, left, right))
    return [  # one row may be longer than the area allows
        (top, start, kernel[top:bottom, start : min(right, start + AREA)].copy())
        for top, bottom, left, right in groups
        for start in range(left, right, AREA)
    ]


def _direct_is_faster(pixels: Pixels, kernel: Kernel) -> bool:
    """By nanoseconds per number of the image, and per call."""
    parts = -(-kernel.size // AREA)
    one_by_one = (0.2 + 0.05 * np.count_nonzero(kernel) + 0.5 * (parts > 1) * parts) * pixels.size + 2e4 * parts
    grown = 1.0
    for length, reach in zip(pixels.shape, kernel.shape, strict=False):
        tile, transformed = _tile(length, reach)
        grown *= transformed / tile
    return bool(one_by_one < 10 * grown * pixels.size + 1e5)


def _padded(pixels: Pixels, kernel: Kernel) -> Pixels:
    high, wide = kernel.shape[0] // 2, kernel.shape[1] // 2
    return cv2.copyMakeBorder(pixels, high, high, wide, wide, BORDER)


def _widened(kernel: Kernel, high: int, wide: int) -> Kernel:
    rows, columns = (high - kernel.shape[0]) // 2, (wide - kernel.shape[1]) // 2
    return np.pad(kernel, [(rows, rows), (columns, columns)])


def _mirrored(length: int, margin: int, image: Tensor) -> Tensor:
    """Where the pixels of a padded axis come from, also where the margin is longer than the axis."""
    period = max(2 * length - 2, 1)
    places = torch.arange(-margin, length + margin, device=image.device) % period
    return torch.minimum(places, period - places)
