"""CycleGAN's generator of residual blocks (https://arxiv.org/abs/1703.10593, section 4 and appendix); no training here.

Names and order of the state dict are those of `resnet_9blocks` in pytorch-CycleGAN-and-pix2pix, whose weights load, as
do its oldest, which hold running statistics of instance norms that nothing uses. Differs from that code: any size is
padded, where theirs wants multiples of 4; batch norm takes the statistics of its batch, and dropout is noise, at test
time too, as pix2pix has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from gan_bench.errors import UsageError, did_you_mean
from gan_bench.networks.blocks import BatchStatisticsNorm2d, NoiseDropout, draw_normal_, has_names
from gan_bench.networks.image_to_image import ImageToImage

__all__ = ["ResNetGenerator"]

_NORMS = ("instance", "batch")
_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


class ResNetGenerator(ImageToImage):
    """c7s1-64, d128, d256, nine R256, u128, u64, c7s1-3; 11 378 179 parameters, 7 837 699 with six blocks.

    Borders are reflected around the 7x7 convolutions and in the blocks.

    Args:
        num_in_ch: channels of the input.
        num_out_ch: channels of the output.
        num_feat: width at full size; the blocks have four times as many.
        num_block: residual blocks, from 1; the papers have 9, and 6 for images of 128 pixels.
        norm: `instance`, without parameters, or `batch`, behind whose convolutions there are no biases.
        dropout: share that is dropped in each block; 0.5 where that code has some; 0 for none, and then the network is
            not `noisy`.
        init_std: draws weights from N(0, init_std^2) and those of batch norms from N(1, init_std^2), with biases 0;
            None for PyTorch's default.
        scale: any whole factor from 1; at 1 the image is not enlarged.

    Raises:
        UsageError: another norm, or `num_block`, `dropout` or `scale` out of these bounds.
    """

    whole_image = True

    def __init__(
        self,
        num_in_ch: int = 3,
        num_out_ch: int = 3,
        num_feat: int = 64,
        num_block: int = 9,
        norm: str = "instance",
        dropout: float = 0.0,
        init_std: float | None = 0.02,
        scale: int = 1,
    ) -> None:
        if num_block < 1:
            raise UsageError(f"ResNetGenerator cannot have num_block={num_block}: it takes whole numbers from 1")
        if norm not in _NORMS:
            raise UsageError(f"ResNetGenerator has no norm {norm!r}{did_you_mean(norm, _NORMS)}")
        # At a quarter of 8 pixels a block can still reflect one.
        super().__init__(scale, multiple=4, smallest=8, dropout=dropout)
        bias = norm == "instance"
        layers = [nn.ReflectionPad2d(3), nn.Conv2d(num_in_ch, num_feat, 7, bias=bias), *_behind(norm, num_feat)]
        for width in (num_feat, 2 * num_feat):
            layers += [nn.Conv2d(width, 2 * width, 3, stride=2, padding=1, bias=bias), *_behind(norm, 2 * width)]
        layers += [_Block(4 * num_feat, norm, dropout) for _ in range(num_block)]
        for width in (2 * num_feat, num_feat):
            doubling = nn.ConvTranspose2d(2 * width, width, 3, stride=2, padding=1, output_padding=1, bias=bias)
            layers += [doubling, *_behind(norm, width)]
        self.model = nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(num_feat, num_out_ch, 7), nn.Tanh())
        if init_std is not None:
            draw_normal_(self, init_std)
        if norm == "instance":
            self.register_load_state_dict_pre_hook(_without_statistics)  # type: ignore[no-untyped-call]

    def _translate(self, image: Tensor) -> Tensor:
        signed: Tensor = self.model(2 * image - 1)
        return (signed + 1) / 2

    @classmethod
    def arguments(cls, state: Mapping[str, Tensor]) -> dict[str, Any] | None:
        """The constructor's arguments that a state dict tells; None if another network's.

        It tells that there is dropout, not how much: then that code's 0.5. It does not tell `scale`.
        """
        num_block = len({name.split(".")[1] for name in state if ".conv_block." in name})
        last = f"model.{17 + num_block}.weight"
        if not num_block or "model.1.weight" not in state or last not in state:
            return None
        norm = "batch" if "model.2.weight" in state else "instance"
        dropout = 0.0 if "model.10.conv_block.5.weight" in state else 0.5
        told: dict[str, Any] = {"num_block": num_block, "norm": norm, "dropout": dropout}
        names = state if norm == "batch" else {name: state[name] for name in state if not name.endswith(_STATISTICS)}
        if not has_names(names, lambda: cls(**told)):
            return None
        num_feat, num_in_ch = state["model.1.weight"].shape[:2]
        return {"num_in_ch": num_in_ch, "num_out_ch": state[last].shape[0], "num_feat": num_feat, **told}


class _Block(nn.Module):
    """Two convolutions, dropout between them where there is some, and a skip around them."""

    def __init__(self, num_feat: int, norm: str, dropout: float) -> None:
        super().__init__()
        bias = norm == "instance"
        self.conv_block = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(num_feat, num_feat, 3, bias=bias),
            *_behind(norm, num_feat),
            *([NoiseDropout(dropout)] if dropout else []),
            nn.ReflectionPad2d(1),
            nn.Conv2d(num_feat, num_feat, 3, bias=bias),
            _norm(norm, num_feat),
        )

    def forward(self, feat: Tensor) -> Tensor:
        """Refine features of (B, num_feat, H, W), unbounded."""
        residual: Tensor = self.conv_block(feat)
        return feat + residual


def _norm(norm: str, channels: int) -> nn.Module:
    return nn.InstanceNorm2d(channels) if norm == "instance" else BatchStatisticsNorm2d(channels)


def _behind(norm: str, channels: int) -> tuple[nn.Module, nn.Module]:
    """What stands behind a convolution."""
    return _norm(norm, channels), nn.ReLU(inplace=True)


def _without_statistics(_module: nn.Module, state: dict[str, Any], prefix: str, *_: Any) -> None:
    """Loaded without the running statistics of instance norms, which PyTorch before 0.4 saved."""
    for name in [name for name in state if name.startswith(prefix) and name.endswith(_STATISTICS)]:
        del state[name]
