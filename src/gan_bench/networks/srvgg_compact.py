"""SRVGGNetCompact, Real-ESRGAN's small generator (https://github.com/xinntao/Real-ESRGAN); no training here.

There is no paper; the structure is that of the published models `realesr-general-x4v3` and `realesr-animevideov3`.
Differs from the authors' code: `num_block` is their `num_conv`, `scale` their `upscale`. Names of the state dict are
theirs: official weights load here, and weights made here with `prelu` open in spandrel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isqrt
from typing import Any, Final

import torch.nn.functional as F
from torch import Tensor, nn

from gan_bench.errors import UsageError, did_you_mean
from gan_bench.networks.blocks import conv3x3, count_numbers, has_names

__all__ = ["SRVGGNetCompact"]

_ACTIVATIONS: Final[dict[str, Callable[[int], nn.Module]]] = {
    "prelu": lambda num_feat: nn.PReLU(num_feat),
    "relu": lambda _: nn.ReLU(inplace=True),
    "leakyrelu": lambda _: nn.LeakyReLU(negative_slope=0.1, inplace=True),
}


class SRVGGNetCompact(nn.Module):
    """Plain convolutions at the input's size, one pixel shuffle, a nearest-neighbour skip; 621 424 parameters at x4.

    Args:
        num_in_ch: channels of the input.
        num_out_ch: channels of the output; the skip wants as many as `num_in_ch`.
        num_feat: width of every layer.
        num_block: convolutions between the first and the last; 16 in animevideov3, 32 in general-x4v3 (1 213 296
            parameters).
        scale: any whole factor from 1.
        activation: `prelu`, one slope for each channel, as published; `relu`; `leakyrelu`, of slope 0.1.

    Raises:
        UsageError: a scale below 1, channels that the skip cannot add, or another activation.
    """

    def __init__(
        self,
        num_in_ch: int = 3,
        num_out_ch: int = 3,
        num_feat: int = 64,
        num_block: int = 16,
        scale: int = 4,
        activation: str = "prelu",
    ) -> None:
        super().__init__()
        if scale < 1:
            raise UsageError(f"SRVGGNetCompact cannot do scale {scale}: it has the whole numbers from 1")
        if num_in_ch != num_out_ch:
            raise UsageError(
                f"SRVGGNetCompact adds its input to its output: {num_in_ch} and {num_out_ch} channels differ"
            )
        if activation not in _ACTIVATIONS:
            hint = did_you_mean(activation, _ACTIVATIONS)
            raise UsageError(f"SRVGGNetCompact has no activation {activation!r}{hint}")
        self.scale = scale
        self.body = nn.ModuleList()
        for channels in (num_in_ch, *[num_feat] * num_block):
            self.body += [conv3x3(channels, num_feat), _ACTIVATIONS[activation](num_feat)]
        self.body.append(conv3x3(num_feat, num_out_ch * scale**2))
        self.upsampler = nn.PixelShuffle(scale)

    def forward(self, lq: Tensor) -> Tensor:
        """Restore.

        Args:
            lq: (B, C, H, W) in [0, 1].

        Returns:
            (B, C, scale * H, scale * W), near [0, 1] and not clipped.
        """
        feat = lq
        for layer in self.body:
            feat = layer(feat)
        residual: Tensor = self.upsampler(feat)
        return residual + F.interpolate(lq, scale_factor=self.scale, mode="nearest")

    @classmethod
    def arguments(cls, state: Mapping[str, Tensor]) -> dict[str, Any] | None:
        """The constructor's arguments that a state dict tells; None if it is another network's.

        Other activations than `prelu` leave no trace, so that their networks are not known again.
        """
        last = count_numbers(state, "body") - 1
        if last < 2 or last % 2 or not has_names(state, lambda: cls(num_block=last // 2 - 1)):
            return None
        num_feat, num_in_ch = state["body.0.weight"].shape[:2]
        return {
            "num_in_ch": num_in_ch,
            "num_out_ch": num_in_ch,
            "num_feat": num_feat,
            "num_block": last // 2 - 1,
            "scale": isqrt(state[f"body.{last}.weight"].shape[0] // num_in_ch),
        }
