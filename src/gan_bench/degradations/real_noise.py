"""Noise that was photographed: smooth patches of real low-quality images, less their mean, added to other images.

RealSR: Ji et al., "Real-World Super-Resolution via Kernel Estimation and Noise Injection", CVPRW 2020,
https://openaccess.thecvf.com/content_CVPRW_2020/papers/w31/Ji_Real-World_Super-Resolution_via_Kernel_Estimation_and_Noise_Injection_CVPRW_2020_paper.pdf
Differs: patches may overlap and are mirrored at random; what is larger than a patch gets several of the same image; and
a patch may have to be noise all over, as in GCBD (Chen et al., CVPR 2018), which a twig before the sky is not.
"""

from __future__ import annotations

import functools
import hashlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from gan_bench.chance import generator
from gan_bench.degradations.base import Degradation, Draw, Pixels, Size
from gan_bench.degradations.ranges import Range, between, seed, uniform
from gan_bench.errors import UsageError
from gan_bench.image import SUFFIXES, read

__all__ = ["RealNoise"]

log = logging.getLogger(__name__)

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
MOST = 2048  # patches that are kept, evenly spread over those that were found


class RealNoise(Degradation):
    """Noise of real images, cut from their smooth patches.

    Args:
        root: folder of real images, also in folders below it; a broken file is named and left out.
        patch: side of a patch in pixels.
        stride: pixels from one patch to the next; null: `patch`, so that they do not overlap.
        max_variance: a patch whose gray levels (of 255) vary by this or more is none of noise alone.
        min_mean: nor is one whose mean gray level is this or less.
        uneven: nor is one with a quarter whose variance differs by more than this share of its own; null: all are.
        strength: what the noise is multiplied by, a value or a range.
        scale: 1, 2, 3, 4 or 8; the image is downscaled first.

    Raises:
        ValueError: no such folder, no images in it, or no smooth patch in them.
    """

    shrinks = "before"

    def __init__(
        self,
        root: str,
        patch: int = 32,
        stride: int | None = None,
        max_variance: float = 20.0,
        min_mean: float = 0.0,
        uneven: float | None = None,
        strength: Range = 1.0,
        scale: int = 1,
    ) -> None:
        super().__init__(scale)
        self.strength = between("strength", strength, 0, 10)
        rule = _Rule(
            _whole("patch", patch, 2),
            _whole("stride", patch if stride is None else stride, 1),
            between("max_variance", max_variance, 0)[0],
            between("min_mean", min_mean, 0, 255)[0],
            None if uneven is None else between("uneven", uneven, 0)[0],
        )
        self.patches, self.content = _collected(Path(root).expanduser(), rule)

    def draw_one(self, rng: np.random.Generator) -> dict[str, Any]:
        """`{"patch": number, "strength": factor, "seed": of its place, its turns and those beside it}`."""
        number = int(rng.integers(len(self.patches)))
        return {"patch": number, "strength": uniform(rng, self.strength), "seed": seed(rng)}

    def on_pixels(self, pixels: Pixels, drawn: dict[str, Any], lq_size: Size) -> Pixels:
        """(H, W, C) -> (H, W, C) in [0, 1]."""
        noise = self._noise(drawn, *pixels.shape)
        noise += pixels
        return np.clip(noise, 0, 1, out=noise)

    def on_batch(self, image: Tensor, draw: Draw, lq_size: Size) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W) in [0, 1]."""
        channels, height, width = image.shape[1:]
        noise = np.stack([self._noise(drawn, height, width, channels) for drawn in draw]).transpose(0, 3, 1, 2)
        return torch.from_numpy(noise).to(image).add_(image).clamp_(0, 1)

    def _noise(self, drawn: dict[str, Any], height: int, width: int, channels: int) -> Pixels:
        """(H, W, C) float32 of mean 0, of image levels from 0 to 1; gray noise is the same in all channels."""
        if not 0 <= drawn["patch"] < len(self.patches):
            raise UsageError(
                f"noise patch {drawn['patch']} was drawn and there are {len(self.patches)}: the folder is another one"
            )
        rng, first = generator("noise patches", drawn["seed"]), self.patches[drawn["patch"]]
        beside = [patch.pixels for patch in self.patches if patch.file == first.file]
        side = len(first.pixels)
        rows, columns = -(-height // side), -(-width // side)
        numbers = rng.integers(len(beside), size=rows * columns)
        tiles = [_turned(first.pixels, rng), *(_turned(beside[number], rng) for number in numbers[1:])]
        noise = np.concatenate([np.concatenate(tiles[i * columns : (i + 1) * columns], 1) for i in range(rows)])
        top, left = rng.integers(rows * side - height + 1), rng.integers(columns * side - width + 1)
        noise = noise[top : top + height, left : left + width]
        if noise.shape[2] == 3 and channels == 1:
            noise = (noise @ LUMA)[..., None]
        noise = (noise - noise.mean((0, 1), dtype=np.float64)) * (drawn["strength"] / 255)
        return np.repeat(noise.astype(np.float32), channels // noise.shape[2], axis=2)


class _Patch(NamedTuple):
    """A smooth part of a file."""

    file: int
    pixels: np.ndarray


class _Rule(NamedTuple):
    """What counts as a patch of noise."""

    patch: int
    stride: int
    max_variance: float
    min_mean: float
    uneven: float | None


def _whole(name: str, value: int, least: int) -> int:
    if type(value) is not int or value < least:
        raise ValueError(f"{name}={value}: a whole number of pixels from {least} is needed")
    return value


def _levels(pixels: np.ndarray) -> np.ndarray:
    """(H, W, C) of uint8 or uint16 -> float32 in levels of 255."""
    return pixels.astype(np.float32) * np.float32(255 / np.iinfo(pixels.dtype).max)


def _turned(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A patch less its mean, in levels of 255, mirrored or not on each axis."""
    levels = _levels(pixels)
    down, across = rng.integers(2, size=2) * 2 - 1
    turned: np.ndarray = (levels - levels.mean((0, 1), dtype=np.float64))[::down, ::across]
    return turned


def _collected(root: Path, rule: _Rule) -> tuple[list[_Patch], str]:
    """The patches of a folder and their digest; read again only where a file has changed."""
    if not root.is_dir():
        raise ValueError(f"root={root}: no such folder; name one of real images")
    paths = sorted(path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not paths:
        raise ValueError(f"root={root}: no images found; looked for {', '.join(sorted(SUFFIXES))}")
    states = [path.stat() for path in paths]
    files = tuple((path, state.st_mtime_ns, state.st_size) for path, state in zip(paths, states, strict=True))
    patches, digest = _cut(files, rule)
    if not patches:
        said = ", ".join(f"{name}={value}" for name, value in rule._asdict().items())
        raise ValueError(f"root={root}: no smooth patch in {len(paths)} images by {said}; loosen one of these")
    return patches, digest


@functools.lru_cache(maxsize=4)
def _cut(files: tuple[tuple[Path, int, int], ...], rule: _Rule) -> tuple[list[_Patch], str]:
    """At most `MOST` patches of (P, P, C) uint8 or uint16, in the order of the files, and their SHA-256."""
    kept: list[_Patch] = []
    found = (_Patch(i, pixels) for i, (path, _, _) in enumerate(files) for pixels in _smooth(path, rule))
    step = 1
    for number, patch in enumerate(found):
        if number % step == 0:
            kept.append(patch)
        if len(kept) > MOST:
            kept, step = kept[::2], 2 * step
    digest = hashlib.sha256()
    for file, pixels in kept:
        digest.update(f"{file} {pixels.shape} {pixels.dtype}".encode() + pixels.tobytes())
    return kept, digest.hexdigest()


def _smooth(path: Path, rule: _Rule) -> Iterator[np.ndarray]:
    """The patches of one image that hold noise alone."""
    try:
        pixels = read(path).pixels
    except UsageError as error:
        log.warning("%s: left out", error)
        return
    levels = _levels(pixels)
    gray = levels @ LUMA if levels.shape[2] == 3 else levels[..., 0]
    for top in range(0, gray.shape[0] - rule.patch + 1, rule.stride):
        for left in range(0, gray.shape[1] - rule.patch + 1, rule.stride):
            rows, columns = slice(top, top + rule.patch), slice(left, left + rule.patch)
            if _is_noise(gray[rows, columns], rule):
                yield pixels[rows, columns].copy()


def _is_noise(gray: np.ndarray, rule: _Rule) -> bool:
    variance, half = gray.var(dtype=np.float64), len(gray) // 2
    if variance >= rule.max_variance or gray.mean(dtype=np.float64) <= rule.min_mean:
        return False
    quarters = gray[: 2 * half, : 2 * half].reshape(2, half, 2, half).var((1, 3), dtype=np.float64)
    return rule.uneven is None or bool((np.abs(quarters - variance) <= rule.uneven * variance).all())
