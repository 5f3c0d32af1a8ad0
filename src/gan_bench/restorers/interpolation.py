"""The baselines that need no training: bicubic upsampling, which at scale 1 is the input itself."""

from __future__ import annotations

from torch import Tensor

from gan_bench.batch import Batch
from gan_bench.resize import upscale
from gan_bench.restorers.base import Origin

__all__ = ["Bicubic"]


class Bicubic:
    """MATLAB's `imresize(lq, scale)`, the row that every super-resolution table begins with.

    Args:
        scale: gt over lq.
    """

    def __init__(self, scale: int = 4) -> None:
        self.scale = scale
        self.origin = Origin(model="bicubic", parameters=0)

    def restore(self, batch: Batch) -> Tensor:
        """(B, C, h, w) -> (B, C, h*s, w*s) in [0, 1]; one channel stays one."""
        return upscale(batch.lq, self.scale).clamp(0, 1)
