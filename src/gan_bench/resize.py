"""The one resampler: images to other sizes by MATLAB's conventions, in batched, differentiable torch.

https://www.mathworks.com/help/images/ref/imresize.html; Keys 1981, a = -0.5, https://doi.org/10.1109/TASSP.1981.1163711.
A kernel is stretched by 1 / scale when shrinking; the weights of each output pixel sum to one. MATLAB before R2014
replicated edges and rounded 8-bit images after each pass: that is how the LR files of Set5 and BSD100 were made.
On one axis a resize is a banded matrix, multiplied in blocks, so that large images do not pay for its zeros.
"""

from __future__ import annotations

import functools
import math
from typing import Final, Literal, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

__all__ = ["Edge", "Kernel", "downscale", "imresize", "imresize_uint8", "upscale"]

Kernel = Literal["bicubic", "bilinear", "box", "area"]
Edge = Literal["replicate", "mirror"]
Pixels = TypeVar("Pixels", np.ndarray, Tensor)

RADIUS: Final[dict[str, float]] = {"bicubic": 2.0, "bilinear": 1.0, "box": 0.5, "area": 0.5}
DENSE: Final = 256  # up to this many pixels in and out one dense product is the fastest
BLOCK: Final = 64  # pixels of the longer side that one product handles above it


class _Band(NamedTuple):
    """A block of output pixels: `matrix` (outputs, stop - start) acts on the inputs from start to stop."""

    start: int
    stop: int
    matrix: Tensor


def imresize(
    image: Tensor,
    size: tuple[int, int] | None = None,
    scale: float | None = None,
    kernel: Kernel = "bicubic",
    antialias: bool = True,
    edge: Edge = "replicate",
) -> Tensor:
    """Resizes rows, then columns; neither rounded nor clamped: bicubic overshoots.

    Computed in float64 for float64, else in float32, whatever autocast says; torch's matmul precision applies.

    Args:
        image: (B, C, H, W) or (C, H, W), floating point, of any range.
        size: (H', W'); each axis then has its own scale H' / H and W' / W.
        scale: size factor of both axes, in place of size: H' = ceil(scale * H).
        kernel: bicubic, bilinear and box are MATLAB's; area weighs each input pixel by the share of it that the output
            pixel covers (OpenCV's INTER_AREA when shrinking, bilinear when enlarging).
        antialias: stretch the kernel when shrinking.
        edge: what lies beyond the image: its last pixel repeated, or the image mirrored (MATLAB since R2014).

    Returns:
        (B, C, H', W') or (C, H', W'), with the dtype and device of image.

    Raises:
        ValueError: not one of size and scale, an empty size, or no floating point.
    """
    if not image.is_floating_point() or image.ndim not in (3, 4):
        raise ValueError(f"imresize takes a float (B, C, H, W) or (C, H, W), not {image.dtype} {tuple(image.shape)}")
    rows, columns = _axes(image.shape[-2], image.shape[-1], size, scale)
    work = image if image.dtype == torch.float64 else image.float()
    with torch.autocast(image.device.type, enabled=False):  # bf16 would cost 8-bit images half a level
        for dim, (count, target, factor) in ((-2, rows), (-1, columns)):
            work = _pass(work, dim, _bands(count, target, factor, kernel, antialias, edge, work.dtype, work.device))
    return work.to(image.dtype)


def imresize_uint8(image: Pixels, scale: float) -> Pixels:
    """MATLAB's bicubic resize of 8-bit images before R2014: rounded and clipped after each pass, edges replicated.

    An array or tensor (H, W, C) or (H, W) becomes one of the same kind, (ceil(scale * H), ceil(scale * W), ...).

    Raises:
        ValueError: image is not uint8.
    """
    pixels = torch.from_numpy(np.ascontiguousarray(image)) if isinstance(image, np.ndarray) else image
    if pixels.dtype != torch.uint8 or pixels.ndim not in (2, 3):
        raise ValueError(f"imresize_uint8 takes (H, W, C) or (H, W) uint8, not {tuple(pixels.shape)} {pixels.dtype}")
    planes = (pixels[..., None] if pixels.ndim == 2 else pixels).permute(2, 0, 1).double()
    for dim, (count, target, factor) in zip(
        (-2, -1), _axes(pixels.shape[0], pixels.shape[1], None, scale), strict=True
    ):
        bands = _bands(count, target, factor, "bicubic", True, "replicate", planes.dtype, planes.device)
        planes = _pass(planes, dim, bands).add_(0.5).floor_().clamp_(0, 255)
    result = planes.permute(1, 2, 0).to(torch.uint8).reshape(*planes.shape[1:], *pixels.shape[2:]).contiguous()
    return result.numpy() if isinstance(image, np.ndarray) else result


def downscale(image: Tensor, factor: int) -> Tensor:
    """Antialiased bicubic by 1 / factor: (B, C, H, W) or (C, H, W) -> (..., H / factor, W / factor), not clamped.

    Raises:
        ValueError: a side is not a multiple of factor.
    """
    height, width = image.shape[-2:]
    if factor < 1 or height % factor or width % factor:
        raise ValueError(f"{height}x{width} (HxW) is not a multiple of {factor}: crop it first")
    return imresize(image, size=(height // factor, width // factor))


def upscale(image: Tensor, factor: int) -> Tensor:
    """Bicubic by factor: (B, C, H, W) or (C, H, W) -> (..., H * factor, W * factor), not clamped."""
    return imresize(image, size=(image.shape[-2] * factor, image.shape[-1] * factor))


def _axes(
    height: int, width: int, size: tuple[int, int] | None, scale: float | None
) -> tuple[tuple[int, int, float], tuple[int, int, float]]:
    """(pixels in, pixels out, scale) of rows and columns."""
    if scale is not None and size is None:
        target, factors = (math.ceil(scale * height), math.ceil(scale * width)), (scale, scale)
    elif size is not None and scale is None:
        target, factors = size, (size[0] / max(height, 1), size[1] / max(width, 1))
    else:
        raise ValueError("imresize takes either size or scale")
    if min(*target, height, width) < 1:
        raise ValueError(f"cannot resize {height}x{width} to {target[0]}x{target[1]} (HxW)")
    return (height, target[0], factors[0]), (width, target[1], factors[1])


def _pass(image: Tensor, dim: int, bands: tuple[_Band, ...]) -> Tensor:
    """One axis: -2 is multiplied from the left, -1 from the right."""
    if dim == -1:
        parts = [image[..., start:stop] @ matrix.T for start, stop, matrix in bands]
    else:
        parts = [matrix @ image[..., start:stop, :] for start, stop, matrix in bands]
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim)


@functools.lru_cache(maxsize=64)
def _bands(
    count: int,
    target: int,
    scale: float,
    kernel: Kernel,
    antialias: bool,
    edge: Edge,
    dtype: torch.dtype,
    device: torch.device,
) -> tuple[_Band, ...]:
    """The matrix (target, count) of one axis, cut into blocks of rows that see few columns."""
    index, weight = _taps(count, target, scale, kernel, antialias, edge)
    rows = target if max(count, target) <= DENSE else max(1, BLOCK * target // max(count, target))
    bands: list[_Band] = []
    with torch.inference_mode(False):  # what is cached under inference must serve training too
        for first in range(0, target, rows):
            block = index[first : first + rows]
            start, stop = int(block.min()), int(block.max()) + 1
            matrix = np.zeros((len(block), stop - start))
            np.add.at(matrix, (np.arange(len(block))[:, None], block - start), weight[first : first + rows])
            bands.append(_Band(start, stop, torch.from_numpy(matrix).to(device, dtype)))
    return tuple(bands)


def _taps(
    count: int, target: int, scale: float, kernel: Kernel, antialias: bool, edge: Edge
) -> tuple[np.ndarray, np.ndarray]:
    """Input positions and float64 weights, both (target, taps), of every output pixel."""
    if kernel not in RADIUS or edge not in ("replicate", "mirror"):
        raise ValueError(f"no kernel {kernel!r} with edge {edge!r}; kernels: {', '.join(RADIUS)}")
    stretch = min(scale, 1.0) if antialias else 1.0
    radius = RADIUS[kernel] / stretch + (0.5 if kernel == "area" else 0.0)
    centre = np.arange(1, target + 1) / scale + 0.5 * (1 - 1 / scale)  # MATLAB counts from 1: its ties are ours
    index = np.floor(centre - radius)[:, None].astype(np.int64) + np.arange(math.ceil(2 * radius) + 2)
    weight = _weigh(kernel, centre[:, None] - index, stretch)
    weight /= weight.sum(1, keepdims=True)
    used = np.any(weight != 0, axis=0)
    return _fold(index[:, used] - 1, count, edge), weight[:, used]


def _fold(index: np.ndarray, count: int, edge: Edge) -> np.ndarray:
    """Positions beyond the image -> positions inside it."""
    if edge == "mirror":
        index = index % (2 * count)
        index = np.minimum(index, 2 * count - 1 - index)
    inside: np.ndarray = np.clip(index, 0, count - 1)
    return inside


def _weigh(kernel: Kernel, distance: np.ndarray, stretch: float) -> np.ndarray:
    """The kernel, not yet normalised, at distances in input pixels."""
    x = distance * stretch
    if kernel == "box":
        return np.where((x >= -0.5) & (x < 0.5), 1.0, 0.0)
    x = np.abs(x)
    if kernel == "area":  # the part of an input pixel that [-0.5, 0.5] / stretch covers
        return np.where(x < 0.5 + 0.5 * stretch, np.minimum((0.5 - x) / stretch + 0.5, 1.0), 0.0)
    if kernel == "bilinear":
        return np.where(x < 1, 1 - x, 0.0)
    near, far = (1.5 * x - 2.5) * x**2 + 1, ((2.5 - 0.5 * x) * x - 4) * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))
