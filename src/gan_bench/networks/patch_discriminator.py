"""PatchGAN, the discriminator of pix2pix (https://arxiv.org/abs/1611.07004) and CycleGAN; no loss, no sigmoid here.

Names and order of the state dict are those of pytorch-CycleGAN-and-pix2pix, whatever the norm. Differs from that code:
`spectral`, which is BSRGAN's in KAIR, on every convolution, the first and the last included (KAIR pads by 2, not by 1);
`none` keeps the biases. RealSR's discriminator is this one with `batch`. PyTorch's default initialisation, unless
`init_std` asks for that of the papers.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.utils import spectral_norm

from gan_bench.errors import UsageError, did_you_mean
from gan_bench.networks.blocks import draw_normal_

__all__ = ["PatchDiscriminator"]

_NORMS = ("batch", "instance", "spectral", "none")
_WIDEST = 8  # in num_feat


class PatchDiscriminator(nn.Module):
    """4x4 convolutions to a map of logits, one for each overlapping patch of 70x70 pixels; 2 764 737 parameters.

    With `norm="batch"` and six channels, as in pix2pix, 2 768 705.

    Args:
        num_in_ch: channels of the image.
        num_feat: width of the first convolution; each next one has twice as many, up to eight times.
        num_block: convolutions of stride 2, from 1; two of stride 1 follow. 1, 2, 3 look at 16, 34, 70 pixels.
        norm: `batch` (and no biases there) or `instance` (without parameters) behind all convolutions but the first
            and the last; `spectral`, which divides every weight by its largest singular value; or `none`.
        init_std: draws weights from N(0, init_std^2) and those of a batch norm from N(1, init_std^2), with biases 0;
            0.02 in the papers.
        signed: maps the image to [-1, 1] first, as the papers' discriminators are shown it; the zeros around it are
            then gray, where they are black without.
        num_cond_ch: channels of a condition, such as lq, that come before those of the image.

    Raises:
        UsageError: `num_block` below 1, or another norm.
    """

    def __init__(
        self,
        num_in_ch: int = 3,
        num_feat: int = 64,
        num_block: int = 3,
        norm: str = "instance",
        init_std: float | None = None,
        signed: bool = False,
        num_cond_ch: int = 0,
    ) -> None:
        super().__init__()
        if num_block < 1:
            raise UsageError(f"PatchDiscriminator cannot have num_block={num_block}: it takes whole numbers from 1")
        if norm not in _NORMS:
            raise UsageError(f"PatchDiscriminator has no norm {norm!r}{did_you_mean(norm, _NORMS)}")
        self.smallest = 3 * 2**num_block
        self.signed = signed
        channels = num_feat
        layers = [_conv(num_cond_ch + num_in_ch, channels, 2, norm), _lrelu()]
        for number in range(1, num_block + 1):
            width = num_feat * min(2**number, _WIDEST)
            stride = 2 if number < num_block else 1
            layers += [_conv(channels, width, stride, norm, bias=norm != "batch"), _norm(norm, width), _lrelu()]
            channels = width
        self.model = nn.Sequential(*layers, _conv(channels, 1, 1, norm))
        if init_std is not None:
            draw_normal_(self, init_std)

    def forward(self, image: Tensor) -> Tensor:
        """Judge each patch.

        Args:
            image: (B, C, H, W) in [0, 1], behind its condition, of at least 3 * 2^num_block pixels on each side.

        Returns:
            (B, 1, h, w) logits, where h is H // 2^num_block - 2; above 0 is real.

        Raises:
            ValueError: a smaller image.
        """
        height, width = image.shape[-2:]
        if min(height, width) < self.smallest:
            raise ValueError(
                f"PatchDiscriminator needs images of at least {self.smallest} x {self.smallest} pixels and got "
                f"{height} x {width}: take a larger training patch or a smaller num_block"
            )
        logits: Tensor = self.model(2 * image - 1 if self.signed else image)
        return logits


def _conv(num_in_ch: int, num_out_ch: int, stride: int, norm: str, bias: bool = True) -> nn.Module:
    conv = nn.Conv2d(num_in_ch, num_out_ch, kernel_size=4, stride=stride, padding=1, bias=bias)
    return spectral_norm(conv) if norm == "spectral" else conv


def _norm(norm: str, channels: int) -> nn.Module:
    """What stands behind a convolution; an identity keeps the numbers in the names."""
    if norm == "batch":
        return nn.BatchNorm2d(channels)
    return nn.InstanceNorm2d(channels) if norm == "instance" else nn.Identity()


def _lrelu() -> nn.Module:
    return nn.LeakyReLU(negative_slope=0.2, inplace=True)
