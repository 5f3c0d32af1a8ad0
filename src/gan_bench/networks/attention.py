"""SAGAN's self-attention over the positions of a feature map (https://arxiv.org/abs/1805.08318, section 3); a part.

As the paper has it: f, g and h to an eighth of the channels, v back. Differs from the authors' code: h is not half the
channels, keys and values are not pooled, there is no spectral norm. PyTorch's default initialisation. The square matrix
of all pairs of positions is not stored where torch has a kernel that goes without, as on CPUs and NVIDIA's GPUs.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["SelfAttention"]

_REDUCTION = 8


class SelfAttention(nn.Module):
    """Adds to each position what it draws from all others, times `gamma`, which starts at 0.

    Args:
        num_feat: channels in and out; below 8 the inner ones are 1.
    """

    def __init__(self, num_feat: int) -> None:
        super().__init__()
        inner = max(1, num_feat // _REDUCTION)
        self.query = nn.Conv2d(num_feat, inner, 1, bias=False)  # g of the paper
        self.key = nn.Conv2d(num_feat, inner, 1, bias=False)  # f
        self.value = nn.Conv2d(num_feat, inner, 1, bias=False)  # h
        self.back = nn.Conv2d(inner, num_feat, 1, bias=False)  # v
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, feat: Tensor) -> Tensor:
        """Refine features of (B, num_feat, H, W), unbounded."""
        query, key, value = (_positions(conv(feat)) for conv in (self.query, self.key, self.value))
        drawn = F.scaled_dot_product_attention(query, key, value, scale=1.0)
        attended: Tensor = self.back(drawn.transpose(2, 3).reshape(len(feat), -1, *feat.shape[-2:]))
        return self.gamma * attended + feat


def _positions(feat: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, 1, H * W, C), one head; the kernels want the channels side by side."""
    return feat.flatten(2).transpose(1, 2).contiguous()[:, None]
