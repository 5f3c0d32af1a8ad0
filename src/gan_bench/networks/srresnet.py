"""SRResNet, the generator of SRGAN by its paper (https://arxiv.org/abs/1609.04802, figure 4); no training here.

Differs from the paper: images are in [0, 1] at both ends, where its output is in [-1, 1]; scales 1, 2, 3, 8 beside 4.
As published, nothing of the input is added to the output: the network repaints the image. What the field often calls
by the same name, without batch norm and with a skip, is `msrresnet`. The authors published no state dict: names are
the field's usual ones. The paper names no initialisation: it is PyTorch's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from gan_bench.networks.blocks import check_scale, conv3x3, count_numbers, ends, has_names, shuffled_scale

__all__ = ["ResidualBlockBN", "SRResNet"]

_STAGES: dict[int, tuple[int, ...]] = {1: (), 2: (2,), 3: (3,), 4: (2, 2), 8: (2, 2, 2)}


class SRResNet(nn.Module):
    """Residual blocks with batch norm at the input's size, then pixel shuffles; 1 549 462 parameters at scale 4.

    Args:
        num_in_ch: channels of the input.
        num_out_ch: channels of the output.
        num_feat: width of every layer.
        num_block: residual blocks.
        scale: 1, 2, 3, 4 or 8.

    Raises:
        UsageError: another scale.
    """

    def __init__(
        self, num_in_ch: int = 3, num_out_ch: int = 3, num_feat: int = 64, num_block: int = 16, scale: int = 4
    ) -> None:
        super().__init__()
        check_scale("SRResNet", scale, tuple(_STAGES))
        self.scale = scale
        self.conv_first = nn.Conv2d(num_in_ch, num_feat, kernel_size=9, padding=4)
        self.prelu = nn.PReLU()
        self.body = nn.Sequential(*(ResidualBlockBN(num_feat) for _ in range(num_block)))
        self.conv_body = conv3x3(num_feat, num_feat)
        self.bn_body = nn.BatchNorm2d(num_feat)
        self.upsampling = nn.Sequential(*(_upsampling(num_feat, factor) for factor in _STAGES[scale]))
        self.conv_last = nn.Conv2d(num_feat, num_out_ch, kernel_size=9, padding=4)

    def forward(self, lq: Tensor) -> Tensor:
        """Restore.

        Args:
            lq: (B, C, H, W) in [0, 1].

        Returns:
            (B, C, scale * H, scale * W), near [0, 1] and not clipped.
        """
        feat = self.prelu(self.conv_first(lq))
        feat = feat + self.bn_body(self.conv_body(self.body(feat)))
        restored: Tensor = self.conv_last(self.upsampling(feat))
        return restored

    @classmethod
    def arguments(cls, state: Mapping[str, Tensor]) -> dict[str, Any] | None:
        """The constructor's arguments that a state dict tells; None if it is another network's."""
        num_block, stages = count_numbers(state, "body"), count_numbers(state, "upsampling")
        if stages > 3 or not has_names(state, lambda: cls(num_block=num_block, scale=2**stages)):
            return None
        return {**ends(state), "num_block": num_block, "scale": shuffled_scale(state, stages, "upsampling.0.0")}


class ResidualBlockBN(nn.Module):
    """x + bn2(conv2(prelu(bn1(conv1(x))))); the slope of the PReLU is one number for all channels.

    Args:
        num_feat: channels in and out.
    """

    def __init__(self, num_feat: int = 64) -> None:
        super().__init__()
        self.conv1 = conv3x3(num_feat, num_feat)
        self.bn1 = nn.BatchNorm2d(num_feat)
        self.prelu = nn.PReLU()
        self.conv2 = conv3x3(num_feat, num_feat)
        self.bn2 = nn.BatchNorm2d(num_feat)

    def forward(self, feat: Tensor) -> Tensor:
        """Refine features of (B, num_feat, H, W), unbounded."""
        residual: Tensor = self.bn2(self.conv2(self.prelu(self.bn1(self.conv1(feat)))))
        return feat + residual


def _upsampling(num_feat: int, factor: int) -> nn.Sequential:
    """(B, num_feat, H, W) to (B, num_feat, factor * H, factor * W)."""
    return nn.Sequential(conv3x3(num_feat, num_feat * factor**2), nn.PixelShuffle(factor), nn.PReLU())
