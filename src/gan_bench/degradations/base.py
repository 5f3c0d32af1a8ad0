"""What a degradation is: chance drawn apart from its application, so that every lq image can be replayed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["Degradation", "Draw"]

Draw = list[dict[str, Any]]
"""One dictionary of plain, JSON-able numbers per sample; noise is one seed per sample."""


class Degradation:
    """A map from gt to lq images; it has no state, and works where its image is.

    Attributes:
        scale: lq is smaller than gt by this factor.
    """

    scale: int = 1

    def draw(self, rngs: Sequence[np.random.Generator]) -> Draw:
        """Draw one set of parameters per sample, from that sample's own generator; no image is looked at."""
        return [{} for _ in rngs]

    def apply(self, image: Tensor, draw: Draw) -> Tensor:
        """Degrade a batch with drawn parameters; only this sees the device.

        Args:
            image: (B, C, H, W) in [0, 1]; H and W are multiples of `scale`.
            draw: B dictionaries from `draw`.

        Returns:
            (B, C, H/s, W/s); not necessarily clamped.
        """
        raise NotImplementedError

    def apply_8bit(self, image: Tensor, draw: Draw) -> Tensor:
        """The lq images of an evaluation: `apply`, clamped and rounded to 8 bit, as a file would hold them."""
        return torch.floor(self.apply(image, draw).clamp(0, 1) * 255 + 0.5) / 255
