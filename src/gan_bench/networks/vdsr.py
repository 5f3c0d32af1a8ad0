"""VDSR, twenty convolutions that correct a bicubic enlargement (https://arxiv.org/abs/1511.04587); no training here.

Differs from the paper: RGB by default, where it restores Y alone (`num_in_ch=num_out_ch=1` gives its network).
Differs from twtygqyy/pytorch-vdsr: biases, as in the paper; that code's state dict, without them, does not load.
The authors published no state dict for torch; names are the field's usual ones. Initialised by He et al., as the
paper says: N(0, sqrt(2 / fan_in)), biases 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from gan_bench.errors import UsageError
from gan_bench.networks.blocks import conv3x3, count_numbers, ends, has_names, scaled_kaiming_
from gan_bench.resize import upscale

__all__ = ["VDSR"]


class VDSR(nn.Module):
    """A residual on the bicubic input, at the output's size; 668 227 parameters in RGB, 665 921 on one channel.

    Args:
        num_in_ch: channels of the input.
        num_out_ch: channels of the output; the skip wants as many as `num_in_ch`.
        num_feat: width of every layer.
        num_block: convolutions between the first and the last; the paper's 20 layers have 18.
        scale: any whole factor from 1; at 1 the image is not enlarged.

    Raises:
        UsageError: a scale below 1, or channels that the skip cannot add.
    """

    def __init__(
        self, num_in_ch: int = 3, num_out_ch: int = 3, num_feat: int = 64, num_block: int = 18, scale: int = 4
    ) -> None:
        super().__init__()
        if scale < 1:
            raise UsageError(f"VDSR cannot do scale {scale}: it has the whole numbers from 1")
        if num_in_ch != num_out_ch:
            raise UsageError(f"VDSR adds its input to its output: {num_in_ch} and {num_out_ch} channels differ")
        self.scale = scale
        self.conv_first = conv3x3(num_in_ch, num_feat)
        self.body = nn.ModuleList(conv3x3(num_feat, num_feat) for _ in range(num_block))
        self.conv_last = conv3x3(num_feat, num_out_ch)
        self.relu = nn.ReLU(inplace=True)
        scaled_kaiming_((module for module in self.modules() if isinstance(module, nn.Conv2d)), 1.0)

    def forward(self, lq: Tensor) -> Tensor:
        """Restore.

        Args:
            lq: (B, C, H, W) in [0, 1].

        Returns:
            (B, C, scale * H, scale * W), near [0, 1] and not clipped.
        """
        enlarged = upscale(lq, self.scale) if self.scale > 1 else lq
        feat = self.relu(self.conv_first(enlarged))
        for conv in self.body:
            feat = self.relu(conv(feat))
        residual: Tensor = self.conv_last(feat)
        return enlarged + residual

    @classmethod
    def arguments(cls, state: Mapping[str, Tensor]) -> dict[str, Any] | None:
        """The constructor's arguments that a state dict tells, which are all but `scale`; None if another network's."""
        num_block = count_numbers(state, "body")
        if not has_names(state, lambda: cls(num_block=num_block)):
            return None
        return {**ends(state), "num_block": num_block}
