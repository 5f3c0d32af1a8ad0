"""No degradation of ours: lq is what a data set has, from two folders or from pictures with both sides."""

from __future__ import annotations

from torch import Tensor

from gan_bench.degradations.base import Degradation, Draw
from gan_bench.errors import UsageError

__all__ = ["AsGiven"]


class AsGiven(Degradation):
    """Leaves the lq of a training pair as it is, and cannot make any.

    Args:
        scale: gt over lq, in the data.
    """

    given = True

    def apply(self, image: Tensor, draw: Draw) -> Tensor:
        """The lq itself, (B, C, H, W) in [0, 1]."""
        return image

    def apply_8bit(self, image: Tensor, draw: Draw) -> Tensor:
        """Raise UsageError: there is nothing to make lq from gt with."""
        raise UsageError("degradation=given makes no lq images: it stands for those that a data set has")
