"""Degradations that change the size: MATLAB's bicubic, none at all, and the resizes of blind chains.

Super-resolution's classical lq is MATLAB's `imresize(gt, 1/s)` of the 8-bit gt; `gan_bench.resize` does it. Blind
chains resize by OpenCV, or by torch on a GPU: area, bilinear and bicubic (a = -0.75), without antialiasing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from gan_bench.degradations.base import Degradation, Draw, Pixels, Size
from gan_bench.degradations.ranges import Range, between, decided, probabilities, uniform, which
from gan_bench.errors import UsageError
from gan_bench.image import to_tensor, to_uint8
from gan_bench.resize import downscale, imresize, imresize_uint8

__all__ = ["Bicubic", "Identity", "Resize", "ToSize"]

MODES = {
    "area": cv2.INTER_AREA,
    "bilinear": cv2.INTER_LINEAR,
    "bicubic": cv2.INTER_CUBIC,
    "nearest": cv2.INTER_NEAREST,
    "matlab_bicubic": None,
    "matlab_bilinear": None,
}
BLIND = ("area", "bilinear", "bicubic")


class Bicubic(Degradation):
    """Bicubic downscaling with antialiasing, a = -0.5.

    In training it is one float operation per batch. At evaluation it is MATLAB's 8-bit mode (rows first, rounded
    between the passes, replicated edges), so that the lq of Set5 or BSD100 is the published file bit for bit.

    Args:
        scale: 1, 2, 3, 4 or 8.
    """

    def __init__(self, scale: int = 4) -> None:
        super().__init__(scale)

    def apply(self, image: Tensor, draw: Draw) -> Tensor:
        """(B, C, H, W) in [0, 1] -> (B, C, H/s, W/s), clamped to [0, 1]; nothing is drawn."""
        return downscale(image, self.scale).clamp(0, 1)

    def apply_8bit(self, image: Tensor, draw: Draw) -> Tensor:
        """The published lq files' arithmetic: (B, C, H, W) in [0, 1] -> (B, C, H/s, W/s) on 8-bit levels."""
        return torch.stack([to_tensor(imresize_uint8(to_uint8(one), 1 / self.scale)) for one in image.cpu()])


class Identity(Degradation):
    """Nothing is done to the image.

    Args:
        scale: 1; another value only declares the scale of lq and gt that are given as pairs.
    """

    def apply(self, image: Tensor, draw: Draw) -> Tensor:
        """The image itself; refused where the scale says that lq must be given.

        Raises:
            UsageError: `scale` is not 1.
        """
        if self.scale != 1:
            raise UsageError(
                f"degradation=identity: at scale {self.scale} it degrades nothing, lq images must be given as pairs; "
                "take degradation=bicubic to make them"
            )
        return image

    def on_pixels(self, pixels: Pixels, drawn: dict[str, Any], lq_size: Size) -> Pixels:
        """The image itself."""
        return pixels

    def on_batch(self, image: Tensor, draw: Draw, lq_size: Size) -> Tensor:
        """The images themselves."""
        return image


class _Resizing(Degradation):
    """What resizes by a drawn mode."""

    modes: tuple[str, ...]

    def _size(self, current: Size, drawn: dict[str, Any], lq_size: Size) -> Size:
        raise NotImplementedError

    def on_pixels(self, pixels: Pixels, drawn: dict[str, Any], lq_size: Size) -> Pixels:
        """Resized, not clamped: bicubic overshoots."""
        height, width = pixels.shape[:2]
        size = self._size((height, width), drawn, lq_size)
        if size == (height, width):
            return pixels
        mode = MODES[drawn["mode"]]
        if mode is not None:
            return cv2.resize(pixels, size[::-1], interpolation=mode)
        image = torch.from_numpy(pixels.transpose(2, 0, 1))
        return np.ascontiguousarray(_matlab(image, size, drawn["mode"]).numpy().transpose(1, 2, 0))

    def on_batch(self, image: Tensor, draw: Draw, lq_size: Size) -> Tensor:
        """Resized, not clamped; all samples of a batch by the first one's draw, which they share."""
        size = self._size((image.shape[-2], image.shape[-1]), draw[0], lq_size)
        mode = draw[0]["mode"]
        if size == tuple(image.shape[-2:]):
            return image
        if MODES[mode] is None:
            return _matlab(image, size, mode)
        if mode == "area":  # torch's own weighs pixels that are covered in part as whole ones
            return _area(image.shape[-2], size[0], image) @ image @ _area(image.shape[-1], size[1], image).T
        return interpolate(image, size, mode=mode, **({} if mode == "nearest" else {"align_corners": False}))


class Resize(_Resizing):
    """A resize to a drawn size, by a drawn mode; both are decisions that a batch may share.

    Args:
        weights: probabilities of `up`, `down` and `keep`.
        up: factors above 1, or by which to divide where `divide`.
        down: factors below 1.
        modes: of which one is drawn: area, bilinear, bicubic, nearest, matlab_bicubic, matlab_bilinear.
        of: what a factor multiplies: the size at hand, or `lq`, the size that the degradation ends with.
        divide: the range is of divisors: a size is divided by what is drawn from it.
    """

    varies = True

    def __init__(
        self,
        weights: Mapping[str, float],
        up: Range = (1.0, 1.5),
        down: Range = (0.15, 1.0),
        modes: Sequence[str] = BLIND,
        of: Literal["image", "lq"] = "image",
        divide: bool = False,
    ) -> None:
        self.weights = probabilities("weights", weights)
        if self.weights.keys() - {"up", "down", "keep"}:
            raise ValueError(f"weights: {', '.join(weights)}: only up, down and keep have probabilities")
        if of not in ("image", "lq"):
            raise ValueError(f"of={of}: image or lq")
        self.ranges = {"up": between("up", up, 0.01, 64), "down": between("down", down, 0.01, 64), "keep": (1.0, 1.0)}
        self.modes, self.of, self.divide = _modes(modes), of, divide

    def draw(self, rngs: Sequence[np.random.Generator], shared: np.random.Generator | None = None) -> Draw:
        """`{"factor": number, "mode": name}`."""

        def one(rng: np.random.Generator) -> dict[str, Any]:
            drawn = uniform(rng, self.ranges[which(rng, self.weights)])
            return {"factor": round(1 / drawn, 6) if self.divide else drawn, "mode": _mode(rng, self.modes)}

        return [dict(drawn) for drawn in decided(rngs, shared, one)]

    def _size(self, current: Size, drawn: dict[str, Any], lq_size: Size) -> Size:
        height, width = lq_size if self.of == "lq" else current
        return max(1, int(height * drawn["factor"])), max(1, int(width * drawn["factor"]))


class ToSize(_Resizing):
    """A resize to the lq size, whatever the size at hand, by a drawn mode.

    Args:
        modes: as of `Resize`.
    """

    def __init__(self, modes: Sequence[str] = BLIND) -> None:
        self.modes = _modes(modes)

    def draw(self, rngs: Sequence[np.random.Generator], shared: np.random.Generator | None = None) -> Draw:
        """`{"mode": name}`."""
        return [{"mode": mode} for mode in decided(rngs, shared, lambda rng: _mode(rng, self.modes))]

    def _size(self, current: Size, drawn: dict[str, Any], lq_size: Size) -> Size:
        return lq_size


def _modes(modes: Sequence[str]) -> tuple[str, ...]:
    names = (modes,) if isinstance(modes, str) else tuple(modes)
    for name in names:
        if name not in MODES:
            raise ValueError(f"modes: no resize {name!r}; there are {', '.join(MODES)}")
    if not names:
        raise ValueError(f"modes: at least one of {', '.join(MODES)} is needed")
    return names


def _mode(rng: np.random.Generator, modes: tuple[str, ...]) -> str:
    return modes[int(rng.integers(len(modes)))]


def _area(count: int, target: int, like: Tensor) -> Tensor:
    """(target, count): each output pixel is the mean of the input that it covers, shrinking or enlarging."""
    edges = torch.arange(target + 1, dtype=torch.float64, device=like.device) * (count / target)
    starts = torch.arange(count, dtype=torch.float64, device=like.device)
    covered = torch.minimum(edges[1:, None], starts + 1) - torch.maximum(edges[:-1, None], starts)
    return (covered.clamp(min=0) * (target / count)).to(like.dtype)


def _matlab(image: Tensor, size: Size, mode: str) -> Tensor:
    return imresize(image, size=size, kernel="bicubic" if mode == "matlab_bicubic" else "bilinear")
