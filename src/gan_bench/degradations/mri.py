"""Magnetic resonance: k-space lines left out and the noise of a magnitude, simulated from magnitude images.

The mask is the random one of fastMRI (Zbontar et al. 2018, https://arxiv.org/abs/1811.08839): whole columns of k-space,
those in the centre always, the others by chance, so that N / acceleration of N columns remain on average. The noise is
that of the magnitude of a complex signal (Gudbjartsson & Patz 1995, https://doi.org/10.1002/mrm.1910340618). Differs
from a scanner, and from fastMRI's raw data: one coil of equal sensitivity everywhere, and no phase.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from scipy import fft
from torch import Tensor

from gan_bench.degradations.base import Degradation, Draw, Pixels, Size
from gan_bench.degradations.noise import column, generator_of
from gan_bench.degradations.ranges import Range, between, seed, uniform
from gan_bench.degradations.sampling import normal

__all__ = ["RicianNoise", "Undersample"]


class Undersample(Degradation):
    """Columns of k-space left out: the magnitude of the zero-filled inverse transform, each channel by itself.

    Args:
        acceleration: all columns over those that are kept on average; 1 keeps all.
        centre: share of the columns, around the lowest frequency, that are always kept; at least one column is.
        scale: 1, 2, 3, 4 or 8.
    """

    shrinks: Literal["before", "after"] | None = "before"

    def __init__(self, acceleration: Range = 4, centre: Range = 0.08, scale: int = 1) -> None:
        super().__init__(scale)
        self.acceleration, self.centre = between("acceleration", acceleration, 1, 1000), between("centre", centre, 0, 1)
        if self.centre[1] * self.acceleration[1] > 1:
            raise ValueError(
                f"centre={centre}: more columns than an acceleration of {self.acceleration[1]:g} keeps in all; "
                f"write at most {1 / self.acceleration[1]:.3g}"
            )

    def draw_one(self, rng: np.random.Generator) -> dict[str, Any]:
        """`{"acceleration", "centre", "seed"}`; the seed is that of the mask."""
        return {"acceleration": uniform(rng, self.acceleration), "centre": uniform(rng, self.centre), "seed": seed(rng)}

    def on_pixels(self, pixels: Pixels, drawn: dict[str, Any], lq_size: Size) -> Pixels:
        """The aliased magnitude, from 0, not clamped above; what is below 0 counts as 0.

        All rows of a column share its fate, so transforms along the rows suffice: those along the columns cancel out.
        """
        kspace = fft.fft(np.maximum(pixels, 0), axis=1)
        kspace *= _mask(pixels.shape[1], drawn)[:, None]
        return np.asarray(np.abs(fft.ifft(kspace, axis=1)), np.float32)

    def on_batch(self, image: Tensor, draw: Draw, lq_size: Size) -> Tensor:
        """As `on_pixels`, with the same masks, where the images are."""
        masks = torch.from_numpy(np.stack([_mask(image.shape[-1], drawn) for drawn in draw])).to(image.device)
        kspace = torch.fft.fft(image.clamp(min=0)) * masks[:, None, None]
        magnitude: Tensor = torch.fft.ifft(kspace).abs()
        return magnitude


class RicianNoise(Degradation):
    """The noise of a magnitude: of a signal with Gaussian noise in its real and in its imaginary part.

    Args:
        sigma: standard deviation in each part, in 8-bit levels.
        scale: 1, 2, 3, 4 or 8.
    """

    shrinks: Literal["before", "after"] | None = "before"

    def __init__(self, sigma: Range = (0, 15), scale: int = 1) -> None:
        super().__init__(scale)
        self.sigma = between("sigma", sigma, 0, 255)

    def draw_one(self, rng: np.random.Generator) -> dict[str, Any]:
        """`{"sigma", "seed"}`."""
        return {"sigma": uniform(rng, self.sigma), "seed": seed(rng)}

    def on_pixels(self, pixels: Pixels, drawn: dict[str, Any], lq_size: Size) -> Pixels:
        """The noisy magnitude, from 0, not clamped above."""
        parts = normal(drawn["seed"], (2, *pixels.shape)) * np.float32(drawn["sigma"] / 255)
        return np.asarray(np.hypot(pixels + parts[0], parts[1]), np.float32)

    def on_batch(self, image: Tensor, draw: Draw, lq_size: Size) -> Tensor:
        """As `on_pixels`; the noise is of equal distribution, made where the images are from the same seeds."""
        parts = torch.empty(len(image), 2, *image.shape[1:], device=image.device)
        for part, drawn in zip(parts, draw, strict=True):
            part.normal_(generator=generator_of(drawn, image))
        parts *= column([drawn["sigma"] / 255 for drawn in draw], image)[..., None]
        return torch.hypot(image + parts[:, 0], parts[:, 1])


def _mask(columns: int, drawn: dict[str, Any]) -> np.ndarray:
    """(columns,) of 0 and 1, float32, the lowest frequency first, as an FFT has it."""
    always = max(1, round(columns * drawn["centre"]))
    others = (columns / drawn["acceleration"] - always) / max(1, columns - always)
    kept = np.random.default_rng(drawn["seed"]).random(columns) < others
    first = (columns - always + 1) // 2
    kept[first : first + always] = True
    return np.asarray(np.fft.ifftshift(kept), np.float32)
