"""Degradations that only change the size: MATLAB's bicubic, and none at all.

Super-resolution's classical lq is MATLAB's `imresize(gt, 1/s)` of the 8-bit gt; `gan_bench.resize` does it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gan_bench.degradations.base import Degradation, Draw
from gan_bench.errors import UsageError
from gan_bench.image import to_tensor, to_uint8
from gan_bench.resize import downscale, imresize_uint8

__all__ = ["Bicubic", "Identity"]

SCALES = (1, 2, 3, 4, 8)


class Bicubic(Degradation):
    """Bicubic downscaling with antialiasing, a = -0.5.

    In training it is one float operation per batch. At evaluation it is MATLAB's 8-bit mode (rows first, rounded
    between the passes, replicated edges), so that the lq of Set5 or BSD100 is the published file bit for bit.

    Args:
        scale: 1, 2, 3, 4 or 8.
    """

    def __init__(self, scale: int = 4) -> None:
        if scale not in SCALES:
            raise UsageError(f"degradation.scale: {scale} is not one of {', '.join(map(str, SCALES))}")
        self.scale = scale

    def apply(self, image: Tensor, draw: Draw) -> Tensor:
        """(B, C, H, W) in [0, 1] -> (B, C, H/s, W/s), clamped to [0, 1]; nothing is drawn."""
        return downscale(image, self.scale).clamp(0, 1)

    def apply_8bit(self, image: Tensor, draw: Draw) -> Tensor:
        """The published lq files' arithmetic: (B, C, H, W) in [0, 1] -> (B, C, H/s, W/s) on 8-bit levels."""
        return torch.stack([to_tensor(imresize_uint8(to_uint8(one), 1 / self.scale)) for one in image.cpu()])


class Identity(Degradation):
    """Nothing is done to the image.

    Args:
        scale: 1; another value only declares the scale of lq and gt that are given as pairs.
    """

    def __init__(self, scale: int = 1) -> None:
        if scale not in SCALES:
            raise UsageError(f"degradation.scale: {scale} is not one of {', '.join(map(str, SCALES))}")
        self.scale = scale

    def apply(self, image: Tensor, draw: Draw) -> Tensor:
        """The image itself; refused where the scale says that lq must be given.

        Raises:
            UsageError: `scale` is not 1.
        """
        if self.scale != 1:
            raise UsageError(
                f"degradation=identity: at scale {self.scale} it degrades nothing, lq images must be given as pairs; "
                "take degradation=bicubic to make them"
            )
        return image
