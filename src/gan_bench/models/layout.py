"""How a network's images lie in memory: channel by channel, or pixel by pixel, by what was measured to be faster."""

from __future__ import annotations

from torch import nn

__all__ = ["prefers_channels_last"]


def prefers_channels_last(network: nn.Module, reduced: bool) -> bool:
    """Whether a network is faster where the channels of a pixel lie beside each other.

    Convolutions are; an instance norm in float32, which walks through each channel alone, takes away more than they
    give (docs/performance.md).

    Args:
        network: of any kind.
        reduced: whether it computes in bfloat16 or half precision.
    """
    kinds = {type(module) for module in network.modules()}
    return nn.Conv2d in kinds and (reduced or nn.InstanceNorm2d not in kinds)
