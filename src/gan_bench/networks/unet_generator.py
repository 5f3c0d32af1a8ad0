"""pix2pix's U-Net, a generator (https://arxiv.org/abs/1611.07004, sections 3.2 and 6.1.1); no training here.

Names and order of the state dict are those of `unet_256` in pytorch-CycleGAN-and-pix2pix, whose weights load. Differs
from that code: dropout stands where the paper's CD512-CD512-CD512 has it, in the three innermost layers of the decoder,
there in the second to fourth (a dropout has no names). As in the paper, and there unless told otherwise, dropout is the
noise and batch norm takes the statistics of its batch at test time too. Any size is padded, where theirs wants
multiples of 256. `attention` is no part of either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from gan_bench.errors import UsageError
from gan_bench.networks.attention import SelfAttention
from gan_bench.networks.blocks import BatchStatisticsNorm2d, NoiseDropout, draw_normal_, has_names
from gan_bench.networks.image_to_image import ImageToImage

__all__ = ["UNetGenerator"]

_WIDEST = 8  # in num_feat
_NOISY = 3  # layers of the decoder


class UNetGenerator(ImageToImage):
    """Halvings down to one pixel of 256, doublings with skips; 54 413 955 parameters.

    Args:
        num_in_ch: channels of the input.
        num_out_ch: channels of the output.
        num_feat: width of the first level; each next one has twice as many, up to eight times.
        num_block: halvings, from 2; inside, sides are multiples of 2^num_block pixels.
        dropout: share that is dropped in the three innermost layers of the decoder, of which there are no more than
            num_block - 1; 0 for none, and then the network is not `noisy`.
        attention: level of the encoder behind which a `SelfAttention` stands, from 1 to num_block - 1; there sides are
            1 / 2^attention of the image's. It sees the whole image; None for none.
        init_std: draws weights from N(0, init_std^2) and those of batch norms from N(1, init_std^2), with biases 0;
            None for PyTorch's default. The attention has PyTorch's in any case.
        scale: any whole factor from 1; at 1 the image is not enlarged.

    Raises:
        UsageError: `num_block`, `attention`, `dropout` or `scale` out of these bounds.
    """

    whole_image = True

    def __init__(
        self,
        num_in_ch: int = 3,
        num_out_ch: int = 3,
        num_feat: int = 64,
        num_block: int = 8,
        dropout: float = 0.5,
        attention: int | None = None,
        init_std: float | None = 0.02,
        scale: int = 1,
    ) -> None:
        if num_block < 2:
            raise UsageError(f"UNetGenerator cannot have num_block={num_block}: it takes whole numbers from 2")
        if attention is not None and not 1 <= attention < num_block:
            raise UsageError(f"UNetGenerator has no level {attention} for attention: it has 1 to {num_block - 1}")
        super().__init__(scale, multiple=2**num_block, dropout=dropout)
        widths = [num_feat * min(2**number, _WIDEST) for number in range(num_block)]
        level = None
        for number in range(num_block - 1, 0, -1):
            outer = widths[number - 1]
            noisy = number >= num_block - _NOISY
            level = _Level(outer, widths[number], outer, level, dropout if noisy else 0.0)
        self.model = _Level(num_in_ch, num_feat, num_out_ch, level, outermost=True)
        if init_std is not None:
            draw_normal_(self.model, init_std)
        self.attention = nn.ModuleDict()  # by its level, which the names so tell
        if attention is not None:
            self.attention[str(attention)] = SelfAttention(widths[attention - 1])

    def _translate(self, image: Tensor) -> Tensor:
        levels = [module for module in self.model.modules() if isinstance(module, _Level)]
        feat, skips = 2 * image - 1, []
        for number, level in enumerate(levels, 1):
            feat = level.enter(feat)
            if str(number) in self.attention:
                feat = self.attention[str(number)](feat)
            skips.append(feat)
        feat = skips.pop()
        for level in reversed(levels):
            feat = level.leave(feat)
            if skips:
                feat = torch.cat((skips.pop(), feat), dim=1)
        return (feat + 1) / 2

    @classmethod
    def arguments(cls, state: Mapping[str, Tensor]) -> dict[str, Any] | None:
        """The constructor's arguments that a state dict tells; None if another network's.

        It tells neither `scale` nor `dropout`, which stays the default.
        """
        num_block = sum(name.startswith("model.") and value.ndim == 4 for name, value in state.items()) // 2
        if num_block < 2 or "model.model.1.model.1.weight" not in state:
            return None
        attention = next((level for level in range(1, num_block) if f"attention.{level}.gamma" in state), None)
        if not has_names(state, lambda: cls(num_block=num_block, attention=attention)):
            return None
        num_feat, num_in_ch = state["model.model.0.weight"].shape[:2]
        num_out_ch = state["model.model.3.weight"].shape[1]
        sizes = {"num_in_ch": num_in_ch, "num_out_ch": num_out_ch, "num_feat": num_feat}
        return {**sizes, "num_block": num_block, "attention": attention}


class _Level(nn.Module):
    """A halving, the levels inside it, and a doubling, under the published names.

    The network walks through the levels by itself: attention then needs no place among the names.
    """

    def __init__(
        self,
        num_in_ch: int,
        width: int,
        num_out_ch: int,
        inside: _Level | None,
        dropout: float = 0.0,
        outermost: bool = False,
    ) -> None:
        super().__init__()
        down: list[nn.Module] = [nn.Conv2d(num_in_ch, width, kernel_size=4, stride=2, padding=1, bias=False)]
        joined = width if inside is None else 2 * width
        up = [nn.ReLU(inplace=True), nn.ConvTranspose2d(joined, num_out_ch, 4, 2, 1, bias=outermost)]
        if outermost:
            up += [nn.Tanh()]
        else:
            down = [nn.LeakyReLU(negative_slope=0.2, inplace=True), *down]
            down += [] if inside is None else [BatchStatisticsNorm2d(width)]
            up += [BatchStatisticsNorm2d(num_out_ch)]
            up += [NoiseDropout(dropout)] if dropout else []
        self.model = nn.Sequential(*down, *([] if inside is None else [inside]), *up)
        self.downs, self.ups = len(down), len(up)

    def enter(self, feat: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, width, H / 2, W / 2); changes `feat`, so that a skip carries it behind its LeakyReLU.

        As in the published code. The ReLU to come makes the same of it as of `feat`: it is the paper's network.
        """
        inside: Tensor = self.model[: self.downs](feat)
        return inside

    def leave(self, feat: Tensor) -> Tensor:
        """What came from inside, behind its skip, to twice the size and the channels outside; changes `feat`."""
        outside: Tensor = self.model[-self.ups :](feat)
        return outside
