"""DiscoGAN's generator and discriminator (https://arxiv.org/abs/1703.05192, section 3.1); no training here.

Names and order of the state dicts are those of the authors' model.py (SKTBrain/DiscoGAN), the generator's without
`extra_layers`. Differs from that code: batch norm takes its running statistics in evaluation, where theirs never leaves
training mode and so normalises by the batch of 64 that is tested (a batch is one image here); the discriminator gives
logits; images other than 64x64 are padded, or judged in several places. PyTorch's default initialisation, as there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from gan_bench.errors import UsageError
from gan_bench.networks.blocks import has_names
from gan_bench.networks.image_to_image import ImageToImage

__all__ = ["DiscoGANDiscriminator", "DiscoGANGenerator"]

_SLOPE = 0.2


class DiscoGANGenerator(ImageToImage):
    """Halvings and doublings without skips; 5 513 856 parameters.

    Args:
        num_in_ch: channels of the input.
        num_out_ch: channels of the output.
        num_feat: width of the first convolution; each next one has twice as many.
        num_block: halvings, from 1; inside, sides are multiples of 2^num_block pixels.
        scale: any whole factor from 1; at 1 the image is not enlarged.

    Raises:
        UsageError: `num_block` or `scale` below 1.
    """

    def __init__(
        self, num_in_ch: int = 3, num_out_ch: int = 3, num_feat: int = 64, num_block: int = 4, scale: int = 1
    ) -> None:
        if num_block < 1:
            raise UsageError(f"DiscoGANGenerator cannot have num_block={num_block}: it takes whole numbers from 1")
        multiple = 2**num_block  # and twice of it at least, as in training no batch norm can take a single number
        super().__init__(scale, multiple, smallest=2 * multiple)
        widths = [num_feat * 2**number for number in range(num_block)]
        layers = [_halving(num_in_ch, num_feat), _lrelu()]
        for width in widths[:-1]:
            layers += [_halving(width, 2 * width), nn.BatchNorm2d(2 * width), _lrelu()]
        for width in reversed(widths[:-1]):
            layers += [_doubling(2 * width, width), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
        self.main = nn.Sequential(*layers, _doubling(num_feat, num_out_ch), nn.Sigmoid())

    def _translate(self, image: Tensor) -> Tensor:
        translated: Tensor = self.main(image)
        return translated

    @classmethod
    def arguments(cls, state: Mapping[str, Tensor]) -> dict[str, Any] | None:
        """The constructor's arguments that a state dict tells, which are all but `scale`; None if another network's."""
        num_block = sum(name.startswith("main.") and value.ndim == 4 for name, value in state.items()) // 2
        if not num_block or not has_names(state, lambda: cls(num_block=num_block)):
            return None
        num_feat, num_in_ch = state["main.0.weight"].shape[:2]
        num_out_ch = state[f"main.{6 * num_block - 4}.weight"].shape[1]
        return {"num_in_ch": num_in_ch, "num_out_ch": num_out_ch, "num_feat": num_feat, "num_block": num_block}


class DiscoGANDiscriminator(nn.Module):
    """Halvings and a last convolution to logits, one for 64x64 pixels; 2 765 568 parameters.

    Args:
        num_in_ch: channels of the image.
        num_feat: width of the first convolution; each next one has twice as many.
        num_block: halvings, from 2.

    Raises:
        UsageError: `num_block` below 2.
    """

    def __init__(self, num_in_ch: int = 3, num_feat: int = 64, num_block: int = 4) -> None:
        super().__init__()
        if num_block < 2:
            raise UsageError(f"DiscoGANDiscriminator cannot have num_block={num_block}: it takes whole numbers from 2")
        self.num_block, self.smallest = num_block, 4 * 2**num_block
        self.conv1 = _halving(num_in_ch, num_feat)
        for number in range(2, num_block + 1):
            width = num_feat * 2 ** (number - 1)
            self.add_module(f"conv{number}", _halving(width // 2, width))
            self.add_module(f"bn{number}", nn.BatchNorm2d(width))
        self.add_module(f"conv{num_block + 1}", nn.Conv2d(width, 1, kernel_size=4, bias=False))

    def forward(self, image: Tensor) -> Tensor:
        """Judge.

        Args:
            image: (B, C, H, W) in [0, 1], of at least 4 * 2^num_block pixels on each side.

        Returns:
            (B, 1, h, w) logits, where h is H // 2^num_block - 3; above 0 is real.

        Raises:
            ValueError: a smaller image.
        """
        return self.features(image)[0]

    def features(self, image: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Judge, and tell by what.

        Args:
            image: as for `forward`.

        Returns:
            the logits; what the second to the last LeakyReLU give, (B, 2^(n-1) * num_feat, H // 2^n, W // 2^n) at
            the n-th.

        Raises:
            ValueError: a smaller image.
        """
        self._check(image)
        feat, seen = F.leaky_relu(self.conv1(image), _SLOPE), []
        for number in range(2, self.num_block + 1):
            conv, norm = self.get_submodule(f"conv{number}"), self.get_submodule(f"bn{number}")
            feat = F.leaky_relu(norm(conv(feat)), _SLOPE)
            seen.append(feat)
        return self.get_submodule(f"conv{self.num_block + 1}")(feat), seen

    def _check(self, image: Tensor) -> None:
        """Refuse an image from which nothing would be left."""
        height, width = image.shape[-2:]
        if min(height, width) < self.smallest:
            raise ValueError(
                f"DiscoGANDiscriminator needs images of at least {self.smallest} x {self.smallest} pixels and got "
                f"{height} x {width}: take a larger training patch or a smaller num_block"
            )


def _halving(num_in_ch: int, num_out_ch: int) -> nn.Module:
    return nn.Conv2d(num_in_ch, num_out_ch, kernel_size=4, stride=2, padding=1, bias=False)


def _doubling(num_in_ch: int, num_out_ch: int) -> nn.Module:
    return nn.ConvTranspose2d(num_in_ch, num_out_ch, kernel_size=4, stride=2, padding=1, bias=False)


def _lrelu() -> nn.Module:
    return nn.LeakyReLU(_SLOPE, inplace=True)
