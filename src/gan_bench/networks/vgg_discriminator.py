"""The VGG-style discriminator of ESRGAN as BasicSR has it (https://arxiv.org/abs/1809.00219); no loss, no sigmoid here.

Differs from BasicSR's code: any training patch that is a multiple of 32 works, the head being sized by `input_size`;
theirs has 128, and 256 by a sixth stage, where ours keeps five. At 128 structure, names and parameters are the same.
"""

from __future__ import annotations

from torch import Tensor, nn

from gan_bench.errors import UsageError

__all__ = ["VGGStyleDiscriminator"]

_WIDTHS = (1, 2, 4, 8, 8)  # of the five stages, in num_feat; each halves the image
_STRIDE = 2 ** len(_WIDTHS)


class VGGStyleDiscriminator(nn.Module):
    """Five stages of a 3x3 and a strided 4x4 convolution, then 100 units, then one logit; 14 499 401 parameters at 128.

    Args:
        num_in_ch: channels of the image.
        num_feat: width of the first stage; the last has eight times as many.
        input_size: height and width of the images it judges, in pixels, a multiple of 32.

    Raises:
        UsageError: `input_size` is no positive multiple of 32.
    """

    def __init__(self, num_in_ch: int = 3, num_feat: int = 64, input_size: int = 128) -> None:
        super().__init__()
        if input_size < _STRIDE or input_size % _STRIDE:
            raise UsageError(
                f"VGGStyleDiscriminator cannot judge images of {input_size} pixels: it needs a multiple of {_STRIDE}"
            )
        self.input_size = input_size
        channels = num_in_ch
        for stage, width in enumerate(num_feat * factor for factor in _WIDTHS):
            self._add_stage(stage, channels, width)
            channels = width
        self.linear1 = nn.Linear(channels * (input_size // _STRIDE) ** 2, 100)
        self.linear2 = nn.Linear(100, 1)
        self.lrelu = nn.LeakyReLU(negative_slope=0.2, inplace=True)

    def forward(self, image: Tensor) -> Tensor:
        """Judge.

        Args:
            image: (B, C, input_size, input_size) in [0, 1].

        Returns:
            (B, 1) logits; above 0 is real.

        Raises:
            ValueError: another height or width.
        """
        height, width = image.shape[-2:]
        if (height, width) != (self.input_size, self.input_size):
            raise ValueError(
                f"VGGStyleDiscriminator was built for {self.input_size} x {self.input_size} pixels and got "
                f"{height} x {width}: set its input_size to the training patch"
            )
        feat = image
        for stage in range(len(_WIDTHS)):
            feat = self._stage(stage, feat)
        logits: Tensor = self.linear2(self.lrelu(self.linear1(feat.flatten(1))))
        return logits

    def _add_stage(self, stage: int, num_in_ch: int, num_out_ch: int) -> None:
        """Register conv{stage}_0, bn{stage}_0, conv{stage}_1, bn{stage}_1; the very first has a bias and no bn."""
        first = stage == 0
        self.add_module(f"conv{stage}_0", nn.Conv2d(num_in_ch, num_out_ch, 3, padding=1, bias=first))
        if not first:
            self.add_module(f"bn{stage}_0", nn.BatchNorm2d(num_out_ch))
        self.add_module(f"conv{stage}_1", nn.Conv2d(num_out_ch, num_out_ch, 4, stride=2, padding=1, bias=False))
        self.add_module(f"bn{stage}_1", nn.BatchNorm2d(num_out_ch))

    def _stage(self, stage: int, feat: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', H/2, W/2)."""
        for part in (0, 1):
            feat = self.get_submodule(f"conv{stage}_{part}")(feat)
            if (stage, part) != (0, 0):
                feat = self.get_submodule(f"bn{stage}_{part}")(feat)
            feat = self.lrelu(feat)
        return feat
