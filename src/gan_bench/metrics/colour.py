"""How far colours were shifted: CIE 1976 differences of images without their texture.

L*a*b* of sRGB under D65: IEC 61966-2-1 and CIE 15; white and thresholds as
http://www.brucelindbloom.com/index.html?Eqn_XYZ_to_Lab.html gives them. A difference of 2.3 is just noticeable (Mahy,
Van Eycken, Oosterlinck 1994).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor

from gan_bench.image import to_rgb, to_uint8
from gan_bench.metrics.fidelity import ImageMetric

__all__ = ["ColourShift", "colour_shift", "lab"]

BLOCK: Final = 16  # pixels on a side
TO_XYZ: Final = np.array(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]]
)
WHITE: Final = np.array([0.95047, 1.0, 1.08883])  # D65, 2 degrees
KNEE: Final = 0.008856


class ColourShift(ImageMetric):
    """Mean CIE 1976 difference of restored and gt, both averaged over blocks of 16x16 pixels; 0 at best.

    Texture and sharpness do not count, a cast or faded colours do. Images are seen as 8-bit files hold them, gray ones
    by their lightness.
    """

    name = "colour_shift"
    higher_is_better = False
    needs_gt = True
    digits = 3

    def score(self, restored: Tensor, gt: Tensor | None, lq: Tensor | None) -> Tensor:
        """(B, C, H, W) in [0, 1] and gt of the same size -> (B,) float64.

        Raises:
            ValueError: gt is missing, or has another size.
        """
        if gt is None:
            raise ValueError(f"{self.name} needs ground truth")
        pairs = zip(restored, gt, strict=True)
        return torch.tensor([colour_shift(*map(_levels, pair)) for pair in pairs], dtype=torch.float64)


def colour_shift(restored: np.ndarray, gt: np.ndarray) -> float:
    """The mean difference over all blocks; those at the right and bottom may be smaller.

    Args:
        restored: (H, W, 3) sRGB on 0..255.
        gt: as restored.

    Raises:
        ValueError: the sizes differ.
    """
    if restored.shape != gt.shape:
        raise ValueError(f"two images of one size are compared, not {restored.shape} and {gt.shape}")
    apart = lab(_blocks(restored)) - lab(_blocks(gt))
    return float(np.sqrt((apart**2).sum(axis=-1)).mean())


def lab(levels: np.ndarray) -> np.ndarray:
    """(..., 3) sRGB on 0..255 -> (..., 3) L*, a*, b* float64."""
    encoded = levels / 255
    linear = np.where(encoded > 0.04045, ((encoded + 0.055) / 1.055) ** 2.4, encoded / 12.92)
    share = linear @ TO_XYZ.T / WHITE
    x, y, z = np.moveaxis(np.where(share > KNEE, np.cbrt(share), 7.787 * share + 16 / 116), -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def _blocks(pixels: np.ndarray) -> np.ndarray:
    """(H, W, 3) -> the mean of each block, (ceil(H / 16), ceil(W / 16), 3) float64."""
    sums = pixels.astype(np.float64)
    for axis in (0, 1):
        sums = np.add.reduceat(sums, np.arange(0, sums.shape[axis], BLOCK), axis=axis)
    sides = [np.minimum(BLOCK, size - np.arange(0, size, BLOCK)) for size in pixels.shape[:2]]
    means: np.ndarray = sums / np.multiply.outer(*sides)[..., None]
    return means


def _levels(image: Tensor) -> np.ndarray:
    return to_uint8(to_rgb(image))
