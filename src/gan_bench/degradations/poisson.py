"""Poisson noise, as strong as few photons make it; a sample's noise is one seed and its strength.

As Real-ESRGAN's code has it (Wang et al. 2021, arXiv 2107.10833); clipped to [0, 1], not rounded. Differs: on the CPU
the random numbers are those of `sampling`, equal on every machine; on a GPU they are torch's.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from gan_bench.degradations.base import Degradation, Draw, Pixels, Size
from gan_bench.degradations.noise import column, generator_of, in_all_channels
from gan_bench.degradations.ranges import Range, between, probability, seed, uniform
from gan_bench.degradations.sampling import poisson

__all__ = ["PoissonNoise"]

LUMA = (0.2989, 0.587, 0.114)
"""BT.601 as torchvision's `rgb_to_grayscale` writes it; they sum to 0.9999."""


class PoissonNoise(Degradation):
    """Shot noise of as many photons as the image has distinct 8-bit levels, rounded up to a power of two.

    With x the image rounded to 8 bit and v that power of two, `strength * (Poisson(x * v) / v - x)` is added to the
    image itself.

    Args:
        strength: factor of the noise, a value or a range.
        gray: probability of one noise for all channels, whose x is the luma.
        scale: lq is smaller than gt by this factor; downscaled before the noise.
    """

    shrinks = "before"

    def __init__(self, strength: Range, gray: float = 0.0, scale: int = 1) -> None:
        super().__init__(scale)
        self.strength, self.gray = between("strength", strength, 0, 100), probability("gray", gray)

    def draw_one(self, rng: np.random.Generator) -> dict[str, Any]:
        """`{"strength": number, "gray": bool, "seed": number}`."""
        return {"strength": uniform(rng, self.strength), "gray": bool(rng.random() < self.gray), "seed": seed(rng)}

    def on_pixels(self, pixels: Pixels, drawn: dict[str, Any], lq_size: Size) -> Pixels:
        """(H, W, C) -> (H, W, C) in [0, 1]; the same bits on every machine."""
        gray = drawn["gray"] and pixels.shape[2] == 3
        levels = _levels(_luma(pixels) if gray else pixels)
        values = 1 << (_distinct(levels) - 1).bit_length()
        noise: Pixels = np.multiply(poisson(drawn["seed"], levels, values), np.float32(drawn["strength"] / values))
        noise -= cv2.LUT(levels, (np.arange(256) * (drawn["strength"] / 255)).astype(np.float32)).reshape(noise.shape)
        noise = in_all_channels(noise) if gray else noise
        noise += pixels
        np.clip(noise, 0, 1, out=noise)
        return noise

    def on_batch(self, image: Tensor, draw: Draw, lq_size: Size) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W) in [0, 1], by the device's generator."""
        gray = [drawn["gray"] and image.shape[1] == 3 for drawn in draw]
        source = torch.where(column(gray, image).bool(), _luma_batch(image), image) if any(gray) else image
        levels = source.mul(255).round_().clamp_(0, 255)
        values = _values(levels)
        rate, noise = levels / 255 * values, torch.empty_like(image)
        for index, drawn in enumerate(draw):
            channels = slice(1) if gray[index] else slice(None)
            noise[index] = torch.poisson(rate[index, channels], generator=generator_of(drawn, image))
        strength = column([drawn["strength"] for drawn in draw], image)
        return noise.sub_(rate).mul_(strength / values).add_(image).clamp_(0, 1)


def _luma(pixels: Pixels) -> np.ndarray:
    red, green, blue = (weight * pixels[..., channel] for channel, weight in enumerate(LUMA))
    return red + green + blue


def _luma_batch(image: Tensor) -> Tensor:
    red, green, blue = (weight * image[:, channel, None] for channel, weight in enumerate(LUMA))
    return red + green + blue


def _levels(pixels: np.ndarray) -> np.ndarray:
    levels: np.ndarray = np.multiply(pixels, 255, dtype=np.float32)
    np.rint(levels, out=levels)
    np.clip(levels, 0, 255, out=levels)
    return levels.astype(np.uint8)


def _distinct(levels: np.ndarray) -> int:
    return int(np.count_nonzero(cv2.calcHist([levels.reshape(1, -1)], [0], None, [256], [0, 256])))


def _values(levels: Tensor) -> Tensor:
    """(B, C, H, W) whole levels -> (B, 1, 1, 1) the next power of two of how many there are; waits for no device."""
    batch = len(levels)
    present = torch.zeros(batch, 256, dtype=torch.bool, device=levels.device)
    distinct = present.scatter_(1, levels.reshape(batch, -1).long(), True).sum(1, keepdim=True)
    powers = 2 ** torch.arange(8, device=levels.device)
    return torch.pow(2, (distinct > powers).sum(1)).to(levels.dtype).reshape(-1, 1, 1, 1)
