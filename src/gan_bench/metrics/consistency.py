"""How much of what was given is kept: the restored image, degraded again, beside lq; what differs was invented.

Known as LR-PSNR from super-resolution (Lugmayr et al. 2020, https://arxiv.org/abs/2006.14200, section 5), where the
operator is bicubic. Here it is whatever made lq, with the same draw: the same kernel, the same noise, the same JPEG.
"""

from __future__ import annotations

from torch import Tensor

from gan_bench.metrics.fidelity import PSNR
from gan_bench.metrics.protocol import get_protocol

__all__ = ["Consistency"]


class Consistency(PSNR):
    """PSNR of the image degraded again against lq, over all channels of 8-bit images and without a border.

    Infinite where they are equal, as for gt itself. Where lq was given nobody knows the operator: there is no score.
    """

    name = "consistency"
    needs_gt = False
    needs_operator = True
    margin = None

    def __init__(self) -> None:
        super().__init__(get_protocol("rgb"), scale=1)

    def score(self, restored: Tensor, gt: Tensor | None, lq: Tensor | None) -> Tensor:
        """Scores a batch.

        Args:
            restored: (B, C, h, w) in [0, 1], degraded again.
            gt: not looked at.
            lq: (B, C, h, w) in [0, 1].

        Returns:
            (B,) float64, in dB.

        Raises:
            ValueError: lq is missing.
        """
        if lq is None:
            raise ValueError(f"{self.name} needs lq")
        return super().score(restored, lq, None)
