"""What libjpeg does to pixels, in batched torch, without making a file: for a training on a GPU.

ITU-T T.81 with the tables of its annex K, JFIF's colours, libjpeg's quality and its "fancy" chroma upsampling. Every
value that libjpeg rounds is rounded here. What differs is its integer arithmetic, so that here and there a value falls
to the other side: by up to 0.8 levels on average. Up to quality 95 its PSNR to the image is the codec's to 0.1 dB.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pad

__all__ = ["coded"]

LUMA = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
CHROMA = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99, *(99,) * 32,
)  # fmt: skip
TO_YCC = ((0.299, 0.587, 0.114), (-0.168735892, -0.331264108, 0.5), (0.5, -0.418687589, -0.081312411))
TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136286, -0.714136286), (1.0, 1.772, 0.0))


def coded(levels: Tensor, quality: Sequence[int], shrink: tuple[int, int]) -> Tensor:
    """A batch as it comes out of JPEG files.

    Args:
        levels: (B, 1 or 3, H, W), whole numbers from 0 to 255, float32.
        quality: libjpeg's, B whole numbers from 1 to 100.
        shrink: of the chroma, rows and columns: (2, 2) is 4:2:0.

    Returns:
        (B, 1 or 3, H, W), whole numbers from 0 to 255.
    """
    height, width = levels.shape[-2:]
    if levels.shape[1] == 1:
        return _plane(levels, _table(LUMA, quality, levels))[..., :height, :width]
    grown = [-side % (8 * factor) for side, factor in zip((height, width), shrink, strict=True)]
    ycc = _turned(pad(levels, (0, grown[1], 0, grown[0]), mode="replicate"), TO_YCC).round_()
    luma = _plane(ycc[:, :1], _table(LUMA, quality, levels))
    small = (avg_pool2d(ycc[:, 1:], shrink) + 128).round_()
    chroma = _plane(small, _table(CHROMA, quality, levels)) - 128
    if shrink != (1, 1):
        chroma = interpolate(chroma, scale_factor=tuple(map(float, shrink)), mode="bilinear").round_()
    rgb = _turned(torch.cat([luma, chroma], 1), TO_RGB)
    return rgb.round_().clamp_(0, 255)[..., :height, :width]


def _plane(plane: Tensor, table: Tensor) -> Tensor:
    """(B, C, H, W) through 8x8 blocks quantized by (B, 1, 1, 8, 1, 8); padded sides stay."""
    height, width = plane.shape[-2:]
    plane = pad(plane, (0, -width % 8, 0, -height % 8), mode="replicate") - 128
    blocks = plane.reshape(*plane.shape[:2], plane.shape[2] // 8, 8, plane.shape[3] // 8, 8)
    cosine = _cosine(plane)
    spectrum = torch.einsum("uy,bcryqx,vx->bcruqv", cosine, blocks, cosine)
    spectrum = (spectrum / table).round_() * table
    pixels = torch.einsum("uy,bcruqv,vx->bcryqx", cosine, spectrum, cosine)
    return (pixels.flatten(-2).flatten(-3, -2) + 128).round_().clamp_(0, 255)[..., :height, :width]


def _cosine(like: Tensor) -> Tensor:
    """(8, 8) orthonormal DCT-II: frequency by place."""
    places = torch.arange(8, dtype=torch.float64)
    matrix = torch.cos((2 * places + 1) * places[:, None] * (np.pi / 16)) / 2
    matrix[0] /= np.sqrt(2)
    return matrix.to(like)


def _table(base: Sequence[int], quality: Sequence[int], like: Tensor) -> Tensor:
    """(B, 1, 1, 8, 1, 8): libjpeg's scaling of a table of annex K, by which quality 50 is that table."""
    percent = np.array([5000 // one if one < 50 else 200 - 2 * one for one in quality])
    scaled = np.clip((np.array(base) * percent[:, None] + 50) // 100, 1, 255)
    return torch.from_numpy(scaled).to(like).reshape(-1, 1, 1, 8, 1, 8)


def _turned(image: Tensor, matrix: Sequence[Sequence[float]]) -> Tensor:
    return torch.einsum("ij,bjhw->bihw", torch.tensor(matrix).to(image), image)
