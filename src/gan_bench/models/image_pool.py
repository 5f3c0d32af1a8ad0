"""A history of generated images for a discriminator (Shrivastava et al. 2017, https://arxiv.org/abs/1612.07828).

As CycleGAN uses it: until it is full, an image is kept and judged; then, with even odds, it is judged, or takes the
place of a random older one that is judged instead. Differs from the authors' code: the odds are keyed by the step, so
that a training that goes on draws the same; and the images are part of a checkpoint.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gan_bench.chance import generator
from gan_bench.errors import UsageError

__all__ = ["ImagePool"]


class ImagePool:
    """Holds generated images, on their device.

    Args:
        size: images to hold; 0 holds none.
        key: what its draws are keyed by, beside the step: a name, the run's seed.

    Attributes:
        images: those held, each (C, H, W).

    Raises:
        UsageError: the size is no whole number from 0.
    """

    def __init__(self, size: int, *key: str | int) -> None:
        if type(size) is not int or size < 0:
            raise UsageError(f"model.buffer={size}: a whole number of images is needed, 0 for none")
        self.size, self.key = size, key
        self.images: list[Tensor] = []

    def exchange(self, images: Tensor, step: int, rank: int = 0) -> Tensor:
        """Give generated images, get as many, new or old; images of another size than the given are forgotten.

        Args:
            images: (B, C, H, W), detached.
            step: keys the draws.
            rank: of the process, which keys them too.
        """
        rng = generator("image pool", *self.key, step, rank)
        if self.images and self.images[0].shape != images.shape[1:]:
            self.images = []
        judged = []
        for image in images:
            if len(self.images) < self.size:
                self.images.append(image.clone())
            elif self.size and rng.random() < 0.5:
                place = int(rng.integers(self.size))
                image, self.images[place] = self.images[place].to(image), image.clone()
            judged.append(image)
        return torch.stack(judged)

    def state(self) -> list[Tensor]:
        """The images, on the CPU."""
        return [image.cpu() for image in self.images]

    def restore(self, state: Sequence[Tensor]) -> None:
        """Go on with these images."""
        self.images = list(state)
