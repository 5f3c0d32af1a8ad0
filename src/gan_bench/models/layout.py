"""How a network's images lie in memory: channel by channel, or pixel by pixel, by what was measured to be faster."""

from __future__ import annotations

from torch import nn

__all__ = ["prefers_channels_last"]


def prefers_channels_last(network: nn.Module, reduced: bool) -> bool:
    """Whether a network is faster where the channels of a pixel lie beside each other.

    Convolutions are. In float32 the statistics of single images, which walk through each channel alone, take away more
    than those give (docs/performance.md).

    Args:
        network: of any kind; what takes statistics of an image in evaluation too says `whole_image`.
        reduced: whether it computes in bfloat16 or half precision.
    """
    kinds = {type(module) for module in network.modules()}
    alone = nn.InstanceNorm2d in kinds or getattr(network, "whole_image", False)
    return nn.Conv2d in kinds and (reduced or not alone)
