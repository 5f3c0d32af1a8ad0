"""Distances between pixels that torch does not have; each is the mean over all elements."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["Charbonnier", "SignedL1"]


class Charbonnier(nn.Module):
    """A smooth L1: mean(sqrt((preds - target)^2 + eps^2)) (LapSRN, eq. 2, https://arxiv.org/abs/1704.03915).

    LapSRN sums over pixels and divides by the batch; as a mean a weight means the same at every patch size. Here eps is
    squared under the root, as in the paper; BasicSR adds its eps as it is, so its 1e-12 is 1e-6 here.

    Args:
        eps: the distance, in units of the [0, 1] range, below which the loss is nearly quadratic.
    """

    def __init__(self, eps: float = 1e-3) -> None:
        super().__init__()
        self.eps = eps

    def forward(self, preds: Tensor, target: Tensor) -> Tensor:
        """The loss of a batch.

        Args:
            preds: (B, C, H, W) in [0, 1].
            target: (B, C, H, W) in [0, 1].

        Returns:
            A scalar, at least eps.
        """
        return torch.sqrt((preds - target).square() + self.eps**2).mean()


class SignedL1(nn.Module):
    """The mean absolute difference on [-1, 1], where pix2pix and CycleGAN weigh it: twice that on [0, 1]."""

    def forward(self, preds: Tensor, target: Tensor) -> Tensor:
        """The loss of a batch.

        Args:
            preds: (B, C, H, W) in [0, 1].
            target: (B, C, H, W) in [0, 1].

        Returns:
            A scalar, at most 2.
        """
        return 2 * (preds - target).abs().mean()
