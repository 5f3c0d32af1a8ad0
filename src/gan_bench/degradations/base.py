"""What a degradation is: chance drawn apart from its application, so that every lq image can be replayed.

On the CPU an operator works image by image on (H, W, C) arrays, where OpenCV is at its fastest and a blind chain may
give every image a size of its own; on a GPU it works on the batch. Both follow the same drawn numbers.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import cv2
import numpy as np
import torch
from torch import Tensor

from gan_bench.errors import UsageError
from gan_bench.resize import downscale

__all__ = ["SCALES", "Degradation", "Draw", "Pixels", "Size", "check_finite"]

Draw = list[dict[str, Any]]
"""One dictionary of plain, JSON-able numbers per sample; noise is one seed per sample."""
Pixels = np.ndarray
"""(H, W, C) float32, C-contiguous; nominally in [0, 1]."""
Size = tuple[int, int]
"""(height, width) in pixels."""

SCALES = (1, 2, 3, 4, 8)


class Degradation:
    """A map from gt to lq images; it has no state, and works where its image is.

    A new operator needs `draw_one` (or `draw`) and `on_pixels`; `on_batch` makes it fast on a GPU.

    Args:
        scale: 1, 2, 3, 4 or 8; an operator that keeps the size and stands alone is joined by a bicubic downscaling.

    Attributes:
        scale: lq is smaller than gt by this factor.
        shrinks: for an operator that keeps the size: whether the downscaling comes before or after it, where it stands
            alone at a scale above 1; None for what sees to the size itself.
        reach: largest kernel in pixels; an image to degrade is at least as large.
        margin: gt pixels around a training patch that are degraded with it and then cut off, so that no border of the
            lq is made up; a multiple of the scale.
        content: digest of what a file gave it, beyond its arguments.
        varies: whether the size of what it returns is drawn.
        given: whether it makes nothing and takes the lq that a data set has.
        granularity: `batch` where a training's batch shares the draws of whether, which and how large.
    """

    scale: int = 1
    shrinks: Literal["before", "after"] | None = None
    reach: int = 1
    margin: int = 0
    content: str = ""
    varies: bool = False
    given: bool = False
    granularity: Literal["sample", "batch"] = "sample"

    def __init__(self, scale: int = 1) -> None:
        if type(scale) is not int or scale not in SCALES:
            raise UsageError(f"degradation.scale: {scale} is not one of {', '.join(map(str, SCALES))}")
        self.scale = scale

    def draw(self, rngs: Sequence[np.random.Generator], shared: np.random.Generator | None = None) -> Draw:
        """Draw one set of parameters per sample, from that sample's own generator; no image is looked at.

        Args:
            rngs: a generator per sample.
            shared: where given, whether, which and how large is drawn from it, once for the batch.
        """
        return [self.draw_one(rng) for rng in rngs]

    def draw_one(self, rng: np.random.Generator) -> dict[str, Any]:
        """What one sample draws, where all of it is the sample's own."""
        return {}

    def on_pixels(self, pixels: Pixels, drawn: dict[str, Any], lq_size: Size) -> Pixels:
        """Degrade one image on the CPU; the argument is not written to.

        Args:
            pixels: (H, W, C) float32.
            drawn: the sample's dictionary from `draw`.
            lq_size: what the whole degradation must end with.

        Returns:
            (H', W', C), or (H', W') where C is 1; float32, clamped where the published operator clamps.
        """
        raise NotImplementedError

    def on_batch(self, image: Tensor, draw: Draw, lq_size: Size) -> Tensor:
        """Degrade a batch where it is: (B, C, H, W) -> (B, C, H', W'); by default image by image, on the CPU."""
        return self._one_by_one(image.cpu(), draw, lq_size).to(image.device)

    def parts(self) -> Iterator[Degradation]:
        """This degradation, and all that it is made of."""
        yield self

    def apply(self, image: Tensor, draw: Draw) -> Tensor:
        """Degrade a batch with drawn parameters; only this sees the device.

        Args:
            image: (B, C, H, W) in [0, 1]; H and W are multiples of `scale`.
            draw: B dictionaries from `draw`.

        Returns:
            (B, C, H/s, W/s) float32 in [0, 1].

        Raises:
            UsageError: the image is smaller than the largest kernel or no multiple of the scale, or the degradation
                ends at another size.
        """
        lq_size = self._check(image, draw)
        image = image.float()
        if self.shrinks == "before" and self.scale > 1:
            image = downscale(image, self.scale).clamp(0, 1)
        lq = (self._one_by_one if image.device.type == "cpu" else self._batched)(image, draw, lq_size)
        if self.shrinks == "after" and self.scale > 1:
            lq = downscale(lq, self.scale)
        if tuple(lq.shape[-2:]) != lq_size:
            raise UsageError(
                f"degradation: {image.shape[-1]}x{image.shape[-2]} became {lq.shape[-1]}x{lq.shape[-2]}, not "
                f"{lq_size[1]}x{lq_size[0]}; a step must shrink to the lq size, and none after it resize"
            )
        return lq.clamp(0, 1)

    def apply_8bit(self, image: Tensor, draw: Draw) -> Tensor:
        """The lq images of an evaluation: `apply` on the CPU, rounded to 8 bit, as a file would hold them.

        Raises:
            UsageError: as `apply` does; NaN or infinity in the image.
        """
        check_finite(image)
        return torch.floor(self.apply(image.cpu(), draw).clamp(0, 1) * 255 + 0.5) / 255

    def _check(self, image: Tensor, draw: Draw) -> Size:
        """The lq size of an image that can be degraded."""
        height, width = image.shape[-2:]
        if len(draw) != len(image):
            raise ValueError(f"{len(image)} images and {len(draw)} draws: one for each is needed")
        if height % self.scale or width % self.scale:
            raise UsageError(f"degradation: an image of {width}x{height} is no multiple of the scale {self.scale}")
        shrunk = self.scale if self.shrinks == "before" else 1
        if min(height, width) // shrunk < self.reach:
            widest = [part for part in self.parts() if part.reach == self.reach][-1]  # a chain, then its step
            raise UsageError(
                f"degradation: {type(widest).__name__}'s kernels of up to {self.reach} pixels are larger than an image "
                f"of {width // shrunk}x{height // shrunk}; take larger images (in training budget.patch) or less of it"
            )
        return height // self.scale, width // self.scale

    def _batched(self, image: Tensor, draw: Draw, lq_size: Size) -> Tensor:
        """On the device: all samples together, or one after another where each has a size of its own."""
        if not self.varies or self.granularity == "batch":
            return self.on_batch(image, draw, lq_size)
        pairs = zip(image.unsqueeze(1), draw, strict=True)
        return torch.cat([self.on_batch(one, [drawn], lq_size) for one, drawn in pairs])

    def _one_by_one(self, image: Tensor, draw: Draw, lq_size: Size) -> Tensor:
        """Every sample by itself, on as many threads as torch has."""

        def work(one: Tensor, drawn: dict[str, Any]) -> Pixels:
            pixels = np.ascontiguousarray(one.permute(1, 2, 0).numpy())
            return np.atleast_3d(self.on_pixels(pixels, drawn, lq_size)).transpose(2, 0, 1)

        threads = min(torch.get_num_threads(), len(image))
        mapped: Callable[..., Any] = map if threads < 2 else _pool(threads).map
        return torch.from_numpy(np.stack(list(mapped(work, image.detach(), draw))))


def check_finite(image: Tensor) -> None:
    """Raise UsageError where an image holds NaN or infinity."""
    if not image.isfinite().all():
        raise UsageError("degradation: NaN or infinity in the image; its file is damaged")


@functools.lru_cache(maxsize=4)
def _pool(threads: int) -> ThreadPoolExecutor:
    cv2.setNumThreads(1)  # for the whole process: samples are what is shared out
    return ThreadPoolExecutor(threads)
