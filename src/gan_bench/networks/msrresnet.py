"""MSRResNet, BasicSR's SRResNet without batch normalisation (https://arxiv.org/abs/1609.04802); no training here.

Differs from the paper: no BN, 3x3 first and last convolutions, LeakyReLU 0.1, and a bilinear skip of the input.
Differs from BasicSR's code: scales 1 and 8 beside 2, 3 and 4. Scale 1 has no upsampling stage and a plain skip;
scale 8 is three stages of 2, `upconv1` to `upconv3`, as 4 is two. Names and order of the state dict are BasicSR's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from gan_bench.errors import UsageError
from gan_bench.networks.blocks import (
    check_scale,
    conv3x3,
    count_numbers,
    ends,
    has_names,
    scaled_kaiming_,
    shuffled_scale,
)

__all__ = ["MSRResNet", "ResidualBlockNoBN"]

_STAGES: dict[int, tuple[int, ...]] = {1: (), 2: (2,), 3: (3,), 4: (2, 2), 8: (2, 2, 2)}


class MSRResNet(nn.Module):
    """Residual blocks at the input's size, then pixel shuffles; 1 517 571 parameters at scale 4, as published.

    Args:
        num_in_ch: channels of the input.
        num_out_ch: channels of the output; the skip wants as many as `num_in_ch`.
        num_feat: width of every layer.
        num_block: residual blocks.
        scale: 1, 2, 3, 4 or 8.

    Raises:
        UsageError: another scale, or channels that the skip cannot add.
    """

    def __init__(
        self, num_in_ch: int = 3, num_out_ch: int = 3, num_feat: int = 64, num_block: int = 16, scale: int = 4
    ) -> None:
        super().__init__()
        check_scale("MSRResNet", scale, tuple(_STAGES))
        if num_in_ch != num_out_ch:
            raise UsageError(f"MSRResNet adds its input to its output: {num_in_ch} and {num_out_ch} channels differ")
        self.scale = scale
        stages = _STAGES[scale]
        self.conv_first = conv3x3(num_in_ch, num_feat)
        self.body = nn.Sequential(*(ResidualBlockNoBN(num_feat) for _ in range(num_block)))
        upconvs = [conv3x3(num_feat, num_feat * factor**2) for factor in stages]
        for number, upconv in enumerate(upconvs, start=1):
            self.add_module(f"upconv{number}", upconv)
        if stages:
            self.pixel_shuffle = nn.PixelShuffle(stages[0])
        self.conv_hr = conv3x3(num_feat, num_feat)
        self.conv_last = conv3x3(num_feat, num_out_ch)
        self.lrelu = nn.LeakyReLU(negative_slope=0.1, inplace=True)
        scaled_kaiming_((self.conv_first, *upconvs, self.conv_hr, self.conv_last), 0.1)

    def forward(self, lq: Tensor) -> Tensor:
        """Restore.

        Args:
            lq: (B, C, H, W) in [0, 1].

        Returns:
            (B, C, scale * H, scale * W), near [0, 1] and not clipped.
        """
        feat = self.body(self.lrelu(self.conv_first(lq)))
        for number in range(1, len(_STAGES[self.scale]) + 1):
            feat = self.lrelu(self.pixel_shuffle(self.get_submodule(f"upconv{number}")(feat)))
        residual: Tensor = self.conv_last(self.lrelu(self.conv_hr(feat)))
        return residual + self._skip(lq)

    @classmethod
    def arguments(cls, state: Mapping[str, Tensor]) -> dict[str, Any] | None:
        """The constructor's arguments that a state dict tells; None if it is another network's."""
        num_block, stages = count_numbers(state, "body"), sum(f"upconv{one}.weight" in state for one in (1, 2, 3))
        if not has_names(state, lambda: cls(num_block=num_block, scale=2**stages)):
            return None
        return {**ends(state), "num_block": num_block, "scale": shuffled_scale(state, stages, "upconv1")}

    def _skip(self, lq: Tensor) -> Tensor:
        """The input at the output's size."""
        if self.scale == 1:
            return lq
        return F.interpolate(lq, scale_factor=self.scale, mode="bilinear", align_corners=False)


class ResidualBlockNoBN(nn.Module):
    """x + conv2(relu(conv1(x))), both convolutions initialised at a tenth of Kaiming's size.

    Args:
        num_feat: channels in and out.
    """

    def __init__(self, num_feat: int = 64) -> None:
        super().__init__()
        self.conv1 = conv3x3(num_feat, num_feat)
        self.conv2 = conv3x3(num_feat, num_feat)
        self.relu = nn.ReLU(inplace=True)
        scaled_kaiming_((self.conv1, self.conv2), 0.1)

    def forward(self, feat: Tensor) -> Tensor:
        """Refine features of (B, num_feat, H, W), unbounded."""
        residual: Tensor = self.conv2(self.relu(self.conv1(feat)))
        return feat + residual
