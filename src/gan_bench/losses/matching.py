"""How alike two batches are in what a discriminator sees of them on average; no network here.

Feature matching of Salimans et al. 2016 (https://arxiv.org/abs/1606.03498, section 3.1) as DiscoGAN's code has it: on
several layers, and as a mean over a layer's numbers. Differs: over several processes the batch is that of all of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gan_bench.losses.batch_mean import batch_mean

__all__ = ["FeatureMatching"]


class FeatureMatching(nn.Module):
    """The squared difference of the batch's means, averaged over each layer's numbers and summed over the layers."""

    def forward(self, preds: Sequence[Tensor], target: Sequence[Tensor]) -> Tensor:
        """The loss of a batch.

        Args:
            preds: features of generated images, (B, C, H, W) per layer, as many on every process.
            target: features of real images, as many and as large.

        Returns:
            A scalar, at least 0.
        """
        pairs = zip(preds, target, strict=True)
        return torch.stack([(batch_mean(one, 0) - batch_mean(other, 0)).square().mean() for one, other in pairs]).sum()
