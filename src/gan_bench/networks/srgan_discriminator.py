"""The discriminator of SRGAN by its paper (https://arxiv.org/abs/1609.04802, figure 4); no loss, no sigmoid here.

Differs from the paper: the sigmoid is in the loss, which takes logits; any training patch works. The authors published
no state dict; names are the field's usual ones.
"""

from __future__ import annotations

from torch import Tensor, nn

from gan_bench.errors import UsageError

__all__ = ["SRGANDiscriminator"]

_LAYERS = ((1, 1), (1, 2), (2, 1), (2, 2), (4, 1), (4, 2), (8, 1), (8, 2))  # width in num_feat, stride


class SRGANDiscriminator(nn.Module):
    """Eight 3x3 convolutions, every second of stride 2, then 1024 units, then one logit; 23 565 505 parameters at 96.

    A fully connected layer has a fixed number of inputs, so the network is built for one size: the convolutions halve
    it four times, rounding up, and `linear1` takes what is left, at 96 a map of 6x6 with 512 channels.

    Args:
        num_in_ch: channels of the image.
        num_feat: width of the first convolution; the last has eight times as many.
        input_size: height and width of the images it judges, in pixels, from 1.

    Raises:
        UsageError: `input_size` below 1.
    """

    def __init__(self, num_in_ch: int = 3, num_feat: int = 64, input_size: int = 96) -> None:
        super().__init__()
        if input_size < 1:
            raise UsageError(f"SRGANDiscriminator cannot judge images of {input_size} pixels: set input_size from 1")
        self.input_size = input_size
        layers: list[nn.Module] = []
        channels, side = num_in_ch, input_size
        for number, (width, stride) in enumerate(_LAYERS):
            layers.append(nn.Conv2d(channels, num_feat * width, 3, stride=stride, padding=1))
            layers += [nn.BatchNorm2d(num_feat * width)] if number else []
            layers.append(nn.LeakyReLU(negative_slope=0.2, inplace=True))
            channels, side = num_feat * width, -(-side // stride)
        self.body = nn.Sequential(*layers)
        self.linear1 = nn.Linear(channels * side**2, 1024)
        self.lrelu = nn.LeakyReLU(negative_slope=0.2, inplace=True)
        self.linear2 = nn.Linear(1024, 1)

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
                f"SRGANDiscriminator was built for {self.input_size} x {self.input_size} pixels and got "
                f"{height} x {width}: set its input_size to the training patch"
            )
        logits: Tensor = self.linear2(self.lrelu(self.linear1(self.body(image).flatten(1))))
        return logits
