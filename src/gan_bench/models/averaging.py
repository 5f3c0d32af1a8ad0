"""The exponential moving average of a generator's weights, which is judged in its place; the discriminator has none.

As BasicSR averages: from the first weights on, decay * average + (1 - decay) * weights after each step. Differs:
buffers, such as batch norm's statistics, are the generator's latest, where that code leaves them as they were at first.
"""

from __future__ import annotations

import copy

import torch
from torch import nn

__all__ = ["average", "follow"]


def average(network: nn.Module) -> nn.Module:
    """A copy of a network, equal to it now, that learns nothing by itself."""
    return copy.deepcopy(network).requires_grad_(False)


@torch.no_grad()
def follow(averaged: nn.Module, network: nn.Module, decay: float) -> None:
    """Move the average by one step.

    Args:
        averaged: changed in place.
        network: what it follows.
        decay: share of the average that stays, in [0, 1).
    """
    torch._foreach_lerp_(list(averaged.parameters()), list(network.parameters()), 1 - decay)
    for kept, new in zip(averaged.buffers(), network.buffers(), strict=True):
        kept.copy_(new)
