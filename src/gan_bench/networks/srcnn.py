"""SRCNN, three convolutions on a bicubic enlargement (https://arxiv.org/abs/1501.00092, section 3); no training here.

Differs from the authors' code: RGB by default, where they restore Y alone (`num_in_ch=num_out_ch=1` gives their
network); replicated borders, where they train without padding and mmagic pads zeros; PyTorch's default
initialisation, as mmagic's, because the paper's N(0, 0.001) needs 8e8 back-propagations; MATLAB's bicubic inside.
There is no skip: the network repaints the whole image, as published. Names are mmagic's: conv1, conv2, conv3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from gan_bench.errors import UsageError
from gan_bench.networks.blocks import has_names
from gan_bench.resize import upscale

__all__ = ["SRCNN"]


class SRCNN(nn.Module):
    """Patch extraction, non-linear mapping, reconstruction; 20 099 parameters in RGB, 8 129 on one channel.

    Args:
        num_in_ch: channels of the input.
        num_out_ch: channels of the output.
        num_feat: width of the first layer, n1.
        num_map: width of the second layer, n2.
        scale: any whole factor from 1; at 1 the image is not enlarged.
        kernels: the three kernel sizes, odd, in pixels; the paper's base is 9-1-5, its best 9-5-5.

    Raises:
        UsageError: a scale below 1, or kernels that are not three odd numbers.
    """

    def __init__(
        self,
        num_in_ch: int = 3,
        num_out_ch: int = 3,
        num_feat: int = 64,
        num_map: int = 32,
        scale: int = 4,
        kernels: Sequence[int] = (9, 1, 5),
    ) -> None:
        super().__init__()
        if scale < 1:
            raise UsageError(f"SRCNN cannot do scale {scale}: it has the whole numbers from 1")
        if len(kernels) != 3 or any(size % 2 == 0 for size in kernels):
            raise UsageError(f"SRCNN cannot use the kernels {list(kernels)}: it takes three odd sizes, as in [9, 1, 5]")
        self.scale = scale
        self.conv1 = _same_conv(num_in_ch, num_feat, kernels[0])
        self.conv2 = _same_conv(num_feat, num_map, kernels[1])
        self.conv3 = _same_conv(num_map, num_out_ch, kernels[2])

    def forward(self, lq: Tensor) -> Tensor:
        """Restore.

        Args:
            lq: (B, C, H, W) in [0, 1].

        Returns:
            (B, C, scale * H, scale * W), near [0, 1] and not clipped.
        """
        enlarged = upscale(lq, self.scale) if self.scale > 1 else lq
        patches = F.relu(self.conv1(enlarged))
        restored: Tensor = self.conv3(F.relu(self.conv2(patches)))
        return restored

    @classmethod
    def arguments(cls, state: Mapping[str, Tensor]) -> dict[str, Any] | None:
        """The constructor's arguments that a state dict tells, which are all but `scale`; None if another network's."""
        if not has_names(state, cls):
            return None
        shapes = [state[f"conv{number}.weight"].shape for number in (1, 2, 3)]
        return {
            "num_in_ch": shapes[0][1],
            "num_out_ch": shapes[2][0],
            "num_feat": shapes[0][0],
            "num_map": shapes[1][0],
            "kernels": [shape[3] for shape in shapes],
        }


def _same_conv(num_in_ch: int, num_out_ch: int, kernel: int) -> nn.Conv2d:
    """A convolution that keeps height and width by replicating the border."""
    return nn.Conv2d(num_in_ch, num_out_ch, kernel, padding=kernel // 2, padding_mode="replicate")
