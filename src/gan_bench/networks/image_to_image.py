"""The base of generators whose output is as large as their input, behind a bicubic enlargement; no layers of its own.

Networks that were published for translation between images of one size so restore at any whole scale: MATLAB's bicubic
makes the size, as in front of VDSR (https://arxiv.org/abs/1511.04587), and the network repaints the result.
"""

from __future__ import annotations

from torch import Tensor, nn

from gan_bench.errors import UsageError
from gan_bench.networks.blocks import pad_to_multiple
from gan_bench.resize import upscale

__all__ = ["ImageToImage"]


class ImageToImage(nn.Module):
    """Enlarges, pads, hands over to `_translate` of the subclass, crops.

    Args:
        scale: any whole factor from 1; at 1 the image is not enlarged.
        multiple: pixels of which both sides of what `_translate` gets are multiples.
        smallest: pixels that these sides have at least, a multiple of `multiple`.
        dropout: share of what dropout drops, where the subclass has some; 0 is none.

    Attributes:
        scale: output over input.
        multiple: as given.
        smallest: as given.
        whole_image: whether an output pixel depends on the whole image, by statistics or attention, also in evaluation:
            then it must not be run in tiles.
        noisy: whether dropout is noise, in evaluation too, where torch's generator of the CPU decides it.

    Raises:
        UsageError: a scale below 1, or a dropout that is not in [0, 1).
    """

    whole_image: bool = False
    noisy: bool = False

    def __init__(self, scale: int, multiple: int, smallest: int = 1, dropout: float = 0.0) -> None:
        super().__init__()
        name = type(self).__name__
        if scale < 1:
            raise UsageError(f"{name} cannot do scale {scale}: it has the whole numbers from 1")
        if not 0 <= dropout < 1:
            raise UsageError(f"{name} cannot drop a share of {dropout}: dropout takes 0 and up to, but not, 1")
        self.scale, self.multiple, self.smallest = scale, multiple, smallest
        self.noisy = dropout > 0

    def forward(self, lq: Tensor) -> Tensor:
        """Restore.

        Args:
            lq: (B, C, H, W) in [0, 1], of any size.

        Returns:
            (B, C, scale * H, scale * W) in [0, 1].
        """
        return self.translate(self.enlarge(lq))

    def enlarge(self, lq: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, scale * H, scale * W) in [0, 1] by MATLAB's bicubic; at scale 1 `lq` itself."""
        return upscale(lq, self.scale).clamp(0, 1) if self.scale > 1 else lq

    def translate(self, image: Tensor) -> Tensor:
        """(B, C, H, W) in [0, 1], of any size, to (B, C, H, W) in [0, 1]; padded by reflection inside."""
        height, width = image.shape[-2:]
        translated = self._translate(pad_to_multiple(image, self.multiple, self.smallest))
        return translated[..., :height, :width]

    def _translate(self, image: Tensor) -> Tensor:
        """The same for sides that are multiples of `multiple`, from `smallest`."""
        raise NotImplementedError
