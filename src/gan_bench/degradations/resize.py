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

from gan_bench.degradations.base import Degradation, Draw, Pixels, Size, check_finite
from gan_bench.degradations.ranges import Range, between, decided, probabilities, uniform, which
from gan_bench.errors import UsageError
from gan_bench.image import to_tensor, to_uint8
from gan_bench.resize import imresize, imresize_uint8

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
        return self.on_batch(image.float(), draw, self._check(image, draw)).clamp(0, 1)

    def apply_8bit(self, image: Tensor, draw: Draw) -> Tensor:
        """The published lq files' arithmetic: (B, C, H, W) in [0, 1] -> (B, C, H/s, W/s) on 8-bit levels."""
        check_finite(image)
        return torch.stack([to_tensor(imresize_uint8(to_uint8(one), 1 / self.scale)) for one in image.cpu()])

    def on_pixels(self, pixels: Pixels, drawn: dict[str, Any], lq_size: Size) -> Pixels:
        """(H, W, C) -> the lq size, clamped to [0, 1]."""
        resized: Pixels = np.clip(_matlab_pixels(pixels, lq_size, "matlab_bicubic"), 0, 1)
        return resized

    def on_batch(self, image: Tensor, draw: Draw, lq_size: Size) -> Tensor:
        """(B, C, H, W) -> the lq size, clamped to [0, 1]."""
        return imresize(image, size=lq_size).clamp(0, 1)


class Identity(Degradation):
    """Nothing is done to the image.

    Args:
        scale: 1.
    """

    def apply(self, image: Tensor, draw: Draw) -> Tensor:
        """The image itself.

        Raises:
            UsageError: `scale` is not 1.
        """
        if self.scale != 1:
            raise UsageError(
                f"degradation=identity: at scale {self.scale} it makes no lq; degradation=given takes that of pairs, "
                "degradation=bicubic makes it"
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
    clip: bool

    def _size(self, current: Size, drawn: dict[str, Any], lq_size: Size) -> Size:
        raise NotImplementedError

    def on_pixels(self, pixels: Pixels, drawn: dict[str, Any], lq_size: Size) -> Pixels:
        """Resized, by OpenCV or as MATLAB does."""
        height, width = pixels.shape[:2]
        size = self._size((height, width), drawn, lq_size)
        if size == (height, width):
            return pixels
        mode = MODES[drawn["mode"]]
        if mode is None:
            resized = _matlab_pixels(pixels, size, drawn["mode"])
        else:
            resized = cv2.resize(pixels, size[::-1], interpolation=mode)
        return np.clip(resized, 0, 1) if self.clip else resized

    def on_batch(self, image: Tensor, draw: Draw, lq_size: Size) -> Tensor:
        """Resized; all samples must come to one size."""
        current = (image.shape[-2], image.shape[-1])
        sizes = [self._size(current, drawn, lq_size) for drawn in draw]
        if len(set(sizes)) > 1:
            raise ValueError(
                f"sizes {sorted(set(sizes))} in one batch: draw with a shared generator, or degrade singly"
            )
        if len({one["mode"] for one in draw}) == 1:
            resized = self._resized(image, sizes[0], draw[0]["mode"])
        else:
            resized = torch.cat([self._resized(image[i : i + 1], sizes[0], one["mode"]) for i, one in enumerate(draw)])
        return resized.clamp(0, 1) if self.clip else resized

    def _resized(self, image: Tensor, size: Size, mode: str) -> Tensor:
        if size == tuple(image.shape[-2:]):
            return image
        if MODES[mode] is None:
            return _matlab(image, size, mode)
        if mode == "nearest":
            rows, columns = (
                _nearest(count, target, image) for count, target in zip(image.shape[-2:], size, strict=True)
            )
            return image.index_select(-2, rows).index_select(-1, columns)
        if mode == "area":  # torch's own weighs pixels that are covered in part as whole ones
            return _area(image.shape[-2], size[0], image) @ image @ _area(image.shape[-1], size[1], image).T
        return interpolate(image, size, mode=mode, align_corners=False)


class Resize(_Resizing):
    """A resize to a drawn size, by a drawn mode; both are decisions that a batch may share.

    Args:
        weights: probabilities of `up`, `down` and `keep`.
        up: factors above 1, or by which to divide where `divide`.
        down: factors below 1.
        modes: of which one is drawn: area, bilinear, bicubic, nearest, matlab_bicubic, matlab_bilinear.
        of: what a factor multiplies: the size at hand, or `lq`, the size that the degradation ends with.
        divide: the range is of divisors: a size is divided by what is drawn from it.
        clip: to [0, 1], where bicubic overshoots.
    """

    varies = True

    def __init__(
        self,
        weights: Mapping[str, float],
        up: Range | None = None,
        down: Range | None = None,
        modes: Sequence[str] = BLIND,
        of: Literal["image", "lq"] = "image",
        divide: bool = False,
        clip: bool = False,
    ) -> None:
        self.weights = probabilities("weights", weights)
        if self.weights.keys() - {"up", "down", "keep"}:
            raise ValueError(f"weights: {', '.join(weights)}: only up, down and keep have probabilities")
        if of not in ("image", "lq"):
            raise ValueError(f"of={of}: image or lq")
        if not isinstance(divide, bool):
            raise ValueError(f"divide={divide}: true or false")
        larger, smaller = ((0.01, 1.0), (1.0, 64.0)) if divide else ((1.0, 64.0), (0.01, 1.0))
        if of == "lq":  # an image that is smaller than the lq may grow to less than it
            larger = smaller = (0.01, 64.0)
        self.ranges = {"keep": (1.0, 1.0)}
        for name, factors, ends in (("up", up, larger), ("down", down, smaller)):
            if factors is None and self.weights.get(name):
                raise ValueError(f"{name}={factors}: a factor or a range of them is needed")
            self.ranges[name] = between(name, 1.0 if factors is None else factors, *ends)
        self.modes, self.of, self.divide, self.clip = _modes(modes), of, divide, clip

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
        clip: to [0, 1], where bicubic overshoots.
    """

    def __init__(self, modes: Sequence[str] = BLIND, clip: bool = False) -> None:
        self.modes, self.clip = _modes(modes), clip

    def draw(self, rngs: Sequence[np.random.Generator], shared: np.random.Generator | None = None) -> Draw:
        """`{"mode": name}`."""
        return [{"mode": mode} for mode in decided(rngs, shared, lambda rng: _mode(rng, self.modes))]

    def _size(self, current: Size, drawn: dict[str, Any], lq_size: Size) -> Size:
        return lq_size


def _modes(modes: Sequence[str]) -> tuple[str, ...]:
    names = (modes,) if isinstance(modes, str) else tuple(modes or ())
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


def _nearest(count: int, target: int, like: Tensor) -> Tensor:
    """Which pixel OpenCV takes: in float64, where torch's own nearest rounds in float32."""
    places = (torch.arange(target, dtype=torch.float64, device=like.device) * (1 / (target / count))).floor()
    return places.long().clamp(max=count - 1)


def _matlab_pixels(pixels: Pixels, size: Size, mode: str) -> Pixels:
    image = torch.from_numpy(pixels.transpose(2, 0, 1))
    return np.ascontiguousarray(_matlab(image, size, mode).numpy().transpose(1, 2, 0))


def _matlab(image: Tensor, size: Size, mode: str) -> Tensor:
    return imresize(image, size=size, kernel="bicubic" if mode == "matlab_bicubic" else "bilinear")
