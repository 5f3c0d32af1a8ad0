"""RRDBNet, the generator of ESRGAN, BSRGAN and Real-ESRGAN (https://arxiv.org/abs/1809.00219); no training here.

Differs from the authors' code: at scales 1 and 2, which begin with a pixel-unshuffle, an input of any size is padded
and the output cropped, where theirs demands a multiple of 4 or 2. Names and order of the state dict are BasicSR's:
official weights load here, and weights made here open in spandrel where `num_grow_ch` is 32.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_bench.networks.blocks import (
    check_scale,
    conv3x3,
    count_numbers,
    ends,
    has_names,
    pad_to_multiple,
    scaled_kaiming_,
)

__all__ = ["RRDB", "RRDBNet", "ResidualDenseBlock"]

_RESIDUAL_SCALE = 0.2
_UNSHUFFLE = {1: 4, 2: 2, 4: 1}


class RRDBNet(nn.Module):
    """Residual-in-residual dense blocks, then two nearest-neighbour doublings; 16 697 987 parameters at scale 4.

    The body always enlarges by 4: scales 2 and 1 first fold the image by 2 and 4 into its channels.

    Args:
        num_in_ch: channels of the input, before any unshuffle.
        num_out_ch: channels of the output.
        scale: 1, 2 or 4.
        num_feat: width of the trunk.
        num_block: RRDBs; 23 as published, 6 in Real-ESRGAN's anime model.
        num_grow_ch: growth of the dense blocks; spandrel reads 32 only.

    Raises:
        UsageError: another scale.
    """

    def __init__(
        self,
        num_in_ch: int = 3,
        num_out_ch: int = 3,
        scale: int = 4,
        num_feat: int = 64,
        num_block: int = 23,
        num_grow_ch: int = 32,
    ) -> None:
        super().__init__()
        check_scale("RRDBNet", scale, tuple(_UNSHUFFLE))
        self.scale = scale
        self.unshuffle = _UNSHUFFLE[scale]
        self.conv_first = conv3x3(num_in_ch * self.unshuffle**2, num_feat)
        self.body = nn.Sequential(*(RRDB(num_feat, num_grow_ch) for _ in range(num_block)))
        self.conv_body = conv3x3(num_feat, num_feat)
        self.conv_up1 = conv3x3(num_feat, num_feat)
        self.conv_up2 = conv3x3(num_feat, num_feat)
        self.conv_hr = conv3x3(num_feat, num_feat)
        self.conv_last = conv3x3(num_feat, num_out_ch)
        self.lrelu = nn.LeakyReLU(negative_slope=0.2, inplace=True)

    def forward(self, lq: Tensor) -> Tensor:
        """Restore.

        Args:
            lq: (B, C, H, W) in [0, 1], of any size.

        Returns:
            (B, C, scale * H, scale * W), near [0, 1] and not clipped.
        """
        height, width = lq.shape[-2:]
        folded = F.pixel_unshuffle(pad_to_multiple(lq, self.unshuffle), self.unshuffle)
        feat = self.conv_first(folded)
        feat = feat + self.conv_body(self.body(feat))
        for conv_up in (self.conv_up1, self.conv_up2):
            feat = self.lrelu(conv_up(F.interpolate(feat, scale_factor=2, mode="nearest")))
        restored: Tensor = self.conv_last(self.lrelu(self.conv_hr(feat)))
        return restored[..., : self.scale * height, : self.scale * width]

    @classmethod
    def arguments(cls, state: Mapping[str, Tensor]) -> dict[str, Any] | None:
        """The constructor's arguments that a state dict tells; None if it is another network's.

        An input of 4 or 16 times the output's channels is taken for a folded one, of scale 2 or 1.
        """
        num_block = count_numbers(state, "body")
        if "body.0.rdb1.conv1.weight" not in state or not has_names(state, lambda: cls(num_block=num_block)):
            return None
        told = ends(state)
        folded, num_out_ch = told["num_in_ch"], told["num_out_ch"]
        scale = next((one for one, fold in _UNSHUFFLE.items() if folded == num_out_ch * fold**2), 4)
        return {
            **told,
            "num_in_ch": folded // _UNSHUFFLE[scale] ** 2,
            "scale": scale,
            "num_block": num_block,
            "num_grow_ch": state["body.0.rdb1.conv1.weight"].shape[0],
        }


class RRDB(nn.Module):
    """Three dense blocks and a scaled skip around them.

    Args:
        num_feat: channels in and out.
        num_grow_ch: growth of each dense block.
    """

    def __init__(self, num_feat: int, num_grow_ch: int = 32) -> None:
        super().__init__()
        self.rdb1 = ResidualDenseBlock(num_feat, num_grow_ch)
        self.rdb2 = ResidualDenseBlock(num_feat, num_grow_ch)
        self.rdb3 = ResidualDenseBlock(num_feat, num_grow_ch)

    def forward(self, feat: Tensor) -> Tensor:
        """Refine features of (B, num_feat, H, W), unbounded."""
        residual: Tensor = self.rdb3(self.rdb2(self.rdb1(feat)))
        return feat + _RESIDUAL_SCALE * residual


class ResidualDenseBlock(nn.Module):
    """Five convolutions, each of which sees all before it, and a scaled skip; initialised at a tenth of Kaiming's size.

    Args:
        num_feat: channels in and out.
        num_grow_ch: channels that each of the first four adds.
    """

    def __init__(self, num_feat: int = 64, num_grow_ch: int = 32) -> None:
        super().__init__()
        self.conv1 = conv3x3(num_feat, num_grow_ch)
        self.conv2 = conv3x3(num_feat + num_grow_ch, num_grow_ch)
        self.conv3 = conv3x3(num_feat + 2 * num_grow_ch, num_grow_ch)
        self.conv4 = conv3x3(num_feat + 3 * num_grow_ch, num_grow_ch)
        self.conv5 = conv3x3(num_feat + 4 * num_grow_ch, num_feat)
        self.lrelu = nn.LeakyReLU(negative_slope=0.2, inplace=True)
        scaled_kaiming_((self.conv1, self.conv2, self.conv3, self.conv4, self.conv5), 0.1)

    def forward(self, feat: Tensor) -> Tensor:
        """Refine features of (B, num_feat, H, W), unbounded."""
        seen = [feat]
        for conv in (self.conv1, self.conv2, self.conv3, self.conv4):
            seen.append(self.lrelu(conv(torch.cat(seen, dim=1))))
        residual: Tensor = self.conv5(torch.cat(seen, dim=1))
        return feat + _RESIDUAL_SCALE * residual
