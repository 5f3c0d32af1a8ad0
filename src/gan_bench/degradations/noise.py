"""Gaussian noise, added to an image or multiplied with it; a sample's noise is one seed and its deviation.

Additive as Real-ESRGAN has it (Wang et al. 2021, arXiv 2107.10833), correlated noise and speckle as BSRGAN (Zhang et
al. 2021, arXiv 2103.14006). Results are clipped to [0, 1] and not rounded. Differs: on the CPU the random numbers are
those of `sampling`, equal on every machine; on a GPU they are torch's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from gan_bench.degradations.base import Degradation, Draw, Pixels, Size
from gan_bench.degradations.ranges import Range, between, probability, seed, uniform, which
from gan_bench.degradations.sampling import normal

__all__ = ["GaussianNoise", "Speckle", "column", "generator_of", "in_all_channels"]


class _Normal(Degradation):
    """What has normal noise of a drawn standard deviation, in all channels alike with some probability."""

    shrinks = "before"

    def __init__(self, sigma: Range, gray: float, scale: int) -> None:
        super().__init__(scale)
        self.sigma, self.gray = between("sigma", sigma, 0, 255), probability("gray", gray)

    def draw_one(self, rng: np.random.Generator) -> dict[str, Any]:
        """`{"sigma": of 255, "gray": bool, "seed": number}`."""
        return {"sigma": uniform(rng, self.sigma), "gray": bool(rng.random() < self.gray), "seed": seed(rng)}


class GaussianNoise(_Normal):
    """Additive Gaussian noise.

    Args:
        sigma: standard deviation in 8-bit levels (of 255), a value or a range.
        gray: probability of one noise for all channels.
        correlated: probability of noise with a covariance between the channels, which is drawn as BSRGAN draws it;
            its standard deviations lie below the upper end of `sigma`. An image of one channel gets plain noise of
            the channels' mean variance.
        scale: lq is smaller than gt by this factor; downscaled before the noise.
    """

    def __init__(self, sigma: Range, gray: float = 0.0, correlated: float = 0.0, scale: int = 1) -> None:
        super().__init__(sigma, gray, scale)
        self.correlated = probability("correlated", correlated)
        if self.gray + self.correlated > 1 + 1e-9:
            raise ValueError(f"correlated={correlated}: with gray={gray} above 1; they are kinds of one noise")

    def draw_one(self, rng: np.random.Generator) -> dict[str, Any]:
        """As speckle's; where correlated, `covariance` (3x3, in squared 8-bit levels) instead of sigma and gray."""
        weights = {"gray": self.gray, "correlated": self.correlated, "color": max(0.0, 1 - self.gray - self.correlated)}
        kind = which(rng, weights)
        if kind == "correlated":
            return {"covariance": _covariance(rng, self.sigma[1]), "seed": seed(rng)}
        return {"sigma": uniform(rng, self.sigma), "gray": kind == "gray", "seed": seed(rng)}

    def on_pixels(self, pixels: Pixels, drawn: dict[str, Any], lq_size: Size) -> Pixels:
        """(H, W, C) -> (H, W, C) in [0, 1]; the same bits on every machine."""
        noise = _noise(pixels, drawn)
        noise += pixels
        return np.clip(noise, 0, 1, out=noise)

    def on_batch(self, image: Tensor, draw: Draw, lq_size: Size) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W) in [0, 1], by the device's generator."""
        return _noise_batch(image, draw).add_(image).clamp_(0, 1)


class Speckle(_Normal):
    """Multiplicative Gaussian noise: `image + image * noise`.

    Args:
        sigma: standard deviation in 8-bit levels where the image is white, a value or a range.
        gray: probability of one noise for all channels.
        scale: lq is smaller than gt by this factor; downscaled before the noise.
    """

    def __init__(self, sigma: Range, gray: float = 0.0, scale: int = 1) -> None:
        super().__init__(sigma, gray, scale)

    def on_pixels(self, pixels: Pixels, drawn: dict[str, Any], lq_size: Size) -> Pixels:
        """(H, W, C) -> (H, W, C) in [0, 1]; the same bits on every machine."""
        noise = _noise(pixels, drawn)
        noise *= pixels
        noise += pixels
        return np.clip(noise, 0, 1, out=noise)

    def on_batch(self, image: Tensor, draw: Draw, lq_size: Size) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W) in [0, 1], by the device's generator."""
        return _noise_batch(image, draw).mul_(image).add_(image).clamp_(0, 1)


def in_all_channels(noise: np.ndarray) -> np.ndarray:
    """One noise for three channels: (H, W) or (H, W, 1) -> (H, W, 3)."""
    return cv2.cvtColor(noise, cv2.COLOR_GRAY2RGB)


def column(numbers: Sequence[float], like: Tensor) -> Tensor:
    """A number per sample: B of them -> (B, 1, 1, 1), of the type and on the device of `like`."""
    return torch.tensor(numbers, dtype=like.dtype, device=like.device).reshape(-1, 1, 1, 1)


def generator_of(drawn: dict[str, Any], like: Tensor) -> torch.Generator:
    """The sample's own generator, on the device of `like`."""
    return torch.Generator(like.device).manual_seed(drawn["seed"])


def _noise(pixels: Pixels, drawn: dict[str, Any]) -> Pixels:
    """(H, W, C) float32 normal noise, of image levels from 0 to 1."""
    height, width, channels = pixels.shape
    if "covariance" in drawn:
        factor = _factor(drawn["covariance"], channels)
        planes = normal(drawn["seed"], (channels, height, width))
        for d in reversed(range(channels)):  # the last first: each is made of those before it
            planes[d] *= factor[d, d]
            for c in range(d):
                planes[d] += factor[d, c] * planes[c]
        merged: Pixels = cv2.merge(list(planes)).reshape(pixels.shape)
        return merged
    noise = normal(drawn["seed"], (height, width, 1 if drawn["gray"] else channels))
    noise *= np.float32(drawn["sigma"] / 255)
    return in_all_channels(noise) if drawn["gray"] and channels == 3 else noise


def _noise_batch(image: Tensor, draw: Draw) -> Tensor:
    """(B, C, H, W) normal noise, of image levels from 0 to 1."""
    noise = torch.empty_like(image)
    for one, drawn in zip(noise, draw, strict=True):
        generator = generator_of(drawn, image)
        if drawn.get("gray"):
            one[1:] = one[:1].normal_(generator=generator)
        else:
            one.normal_(generator=generator)
        if "covariance" in drawn:
            factor = torch.from_numpy(_factor(drawn["covariance"], len(one))).to(one)
            one[:] = torch.einsum("dc,chw->dhw", factor, one)
    return noise.mul_(column([drawn.get("sigma", 255) / 255 for drawn in draw], image))


def _covariance(rng: np.random.Generator, peak: float) -> list[list[float]]:
    """|U^T D U| times the squared peak: D of three uniform numbers, U an orthonormal basis of a uniform matrix.

    The absolute value of every entry keeps it a covariance: the 2x2 minors stay, the determinant does not fall.
    """
    spread, basis = rng.random(3), np.linalg.svd(rng.random((3, 3)))[0]
    covariance = np.abs(basis.T @ np.diag(spread) @ basis) * peak**2
    return [[round(float(value), 6) for value in row] for row in (covariance + covariance.T) / 2]


def _factor(covariance: list[list[float]], channels: int) -> np.ndarray:
    """(C, C) float32, lower triangular: its product with its transpose is the covariance, in image levels squared."""
    size = len(covariance)
    if channels != size:
        mean = math.fsum(covariance[i][i] for i in range(size)) / size
        return np.diag([math.sqrt(mean) / 255] * channels).astype(np.float32)
    factor = [[0.0] * size for _ in covariance]
    for i in range(size):  # Cholesky by hand: LAPACK's last bits differ between machines
        for j in range(i + 1):
            rest = covariance[i][j] - math.fsum(factor[i][k] * factor[j][k] for k in range(j))
            above = factor[j][j]
            factor[i][j] = math.sqrt(max(rest, 0.0)) if i == j else rest / above if above > 1e-3 else 0.0
    return (np.array(factor) / 255).astype(np.float32)
