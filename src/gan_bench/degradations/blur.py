"""Blurs by formula: a kernel per sample, made of drawn numbers, with which the image is convolved.

Families of Gaussians and the sinc with their numbers: Real-ESRGAN (Wang et al. 2021, arXiv 2107.10833) and its code;
Gaussians by variances: BSRGAN (Zhang et al. 2021, arXiv 2103.14006). Differs: kernels are drawn from a sample's own
generator, and are as large as they were drawn, not padded to the largest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from torch import Tensor

from gan_bench.degradations import kernels
from gan_bench.degradations.base import Degradation, Draw, Pixels, Size
from gan_bench.degradations.convolution import convolve, convolve_batch
from gan_bench.degradations.ranges import Range, between, odd, probabilities, probability, uniform, which
from gan_bench.errors import did_you_mean

__all__ = ["Blur", "Blurring", "GaussianBlur", "Sinc"]

FAMILIES: dict[str, Callable[..., kernels.Kernel]] = {
    **dict.fromkeys(("iso", "aniso"), kernels.gaussian),
    **dict.fromkeys(("generalized_iso", "generalized_aniso"), kernels.generalized),
    **dict.fromkeys(("plateau_iso", "plateau_aniso"), kernels.plateau),
    "sinc": kernels.sinc,
}
WIDEST = 100.0  # pixels of a sigma or radius: more is a mistyped number
TURN = (-math.pi, math.pi)


class Blurring(Degradation):
    """What convolves each sample by a kernel of its own: `draw_one` draws its numbers, `kernel` makes it.

    Args:
        scale: 1, 2, 3, 4 or 8; the blurred image is downscaled.
        reach: pixels of the largest kernel.
    """

    shrinks = "after"

    def __init__(self, scale: int, reach: int) -> None:
        super().__init__(scale)
        self.reach = reach
        self.margin = -(-(reach // 2) // scale) * scale

    def kernel(self, drawn: dict[str, Any]) -> kernels.Kernel:
        """The (k, k) kernel of a sample's drawn numbers, its sum 1."""
        raise NotImplementedError

    def on_pixels(self, pixels: Pixels, drawn: dict[str, Any], lq_size: Size) -> Pixels:
        """Convolved, not clamped: a sinc overshoots."""
        return convolve(pixels, self.kernel(drawn))

    def on_batch(self, image: Tensor, draw: Draw, lq_size: Size) -> Tensor:
        """Convolved, not clamped."""
        return convolve_batch(image, [self.kernel(drawn) for drawn in draw])


class Blur(Blurring):
    """Real-ESRGAN's blur: a kernel of one of seven families.

    Args:
        size: odd pixels; uniform over the odd numbers of a range.
        sigma: pixels; of both axes, which aniso families draw apart, with an angle from -pi to pi.
        families: probabilities of iso, aniso, generalized_iso, generalized_aniso, plateau_iso, plateau_aniso and sinc,
            which sum to 1; one that is missing has none.
        beta_generalized: exponents; of a range that holds 1, half the draws are below and half above it.
        beta_plateau: as beta_generalized; a range that begins at 1 gives 1 half the time, as the authors' code does.
        scale: 1, 2, 3, 4 or 8; the blurred image is downscaled.
    """

    def __init__(
        self,
        size: Range,
        sigma: Range,
        families: Mapping[str, float],
        beta_generalized: Range = (0.5, 4.0),
        beta_plateau: Range = (1.0, 2.0),
        scale: int = 1,
    ) -> None:
        for name in families:
            if name not in FAMILIES:
                raise ValueError(f"families.{name}: no family of kernels{did_you_mean(str(name), FAMILIES)}")
        self.families = probabilities("families", families)
        self.size, self.sigma = odd("size", size), between("sigma", sigma, 0, WIDEST)
        self.betas = {
            "generalized": between("beta_generalized", beta_generalized, 0.1, 20),
            "plateau": between("beta_plateau", beta_plateau, 0.1, 20),
        }
        super().__init__(scale, self.size[1])

    def draw_one(self, rng: np.random.Generator) -> dict[str, Any]:
        """The numbers of a kernel."""
        drawn: dict[str, Any] = {"family": which(rng, self.families), "size": _odd(rng, self.size)}
        if drawn["family"] == "sinc":
            return {**drawn, "cutoff": uniform(rng, (math.pi / (3 if drawn["size"] < 13 else 5), math.pi))}
        kind, _, shape = drawn["family"].rpartition("_")
        drawn["sigma_x"] = uniform(rng, self.sigma)
        if shape == "aniso":
            drawn |= {"sigma_y": uniform(rng, self.sigma), "angle": uniform(rng, TURN)}
        if kind:
            drawn["beta"] = _beta(rng, self.betas[kind])
        return drawn

    def kernel(self, drawn: dict[str, Any]) -> kernels.Kernel:
        """The (k, k) kernel of a sample's drawn numbers, its sum 1."""
        return FAMILIES[drawn["family"]](**{name: value for name, value in drawn.items() if name != "family"})


class GaussianBlur(Blurring):
    """A Gaussian blur, isotropic or with two axes.

    Args:
        sigma: pixels, where `variance` is not given.
        size: odd pixels; uniform over the odd numbers of a range; null: what holds 3 sigma on each side.
        anisotropic: probability of two sigmas and an angle, from 0 to pi, instead of one sigma.
        variance: square pixels; sigmas are the roots of variances that are uniform in this range.
        shift: pixels to the right and down by which what is seen is moved, so that a nearest downscaling by s, which
            takes the first of s pixels, sees their middle: (s - 1) / 2.
        scale: 1, 2, 3, 4 or 8; the blurred image is downscaled.
    """

    def __init__(
        self,
        sigma: Range | None = None,
        size: Range | None = None,
        anisotropic: float = 0.0,
        variance: Range | None = None,
        shift: float = 0.0,
        scale: int = 1,
    ) -> None:
        self.shift = between("shift", shift, 0, 8)[0]
        if (sigma is None) == (variance is None):
            raise ValueError(f"sigma={sigma}: either sigma or variance is needed, and the other null")
        self.sigma = None if sigma is None else between("sigma", sigma, 0, WIDEST)
        self.variance = None if variance is None else between("variance", variance, 0, WIDEST**2)
        self.size = None if size is None else odd("size", size)
        self.anisotropic = probability("anisotropic", anisotropic)
        widest = self.sigma[1] if self.sigma else math.sqrt(self.variance[1] if self.variance else 0)
        super().__init__(scale, self.size[1] if self.size else _holding(widest))

    def draw_one(self, rng: np.random.Generator) -> dict[str, Any]:
        """The numbers of a kernel."""
        drawn: dict[str, Any] = {"sigma_x": self._sigma(rng)}
        if rng.random() < self.anisotropic:
            drawn |= {"sigma_y": self._sigma(rng), "angle": uniform(rng, (0.0, math.pi))}
        widest = max(drawn["sigma_x"], drawn.get("sigma_y", 0))
        return {"size": _odd(rng, self.size) if self.size else _holding(widest), **drawn}

    def _sigma(self, rng: np.random.Generator) -> float:
        if self.sigma:
            return uniform(rng, self.sigma)
        return round(math.sqrt(uniform(rng, self.variance or (0.0, 0.0))), 6)

    def kernel(self, drawn: dict[str, Any]) -> kernels.Kernel:
        """The (k, k) kernel of a sample's drawn numbers, its sum 1."""
        return kernels.gaussian(**drawn, shift=self.shift)


class Sinc(Blurring):
    """A circular low-pass filter, which rings around edges as sharpened and recompressed images do.

    Args:
        size: odd pixels; uniform over the odd numbers of a range.
        cutoff: radians per pixel, up to pi.
        scale: 1, 2, 3, 4 or 8; the filtered image is downscaled.
    """

    def __init__(self, size: Range, cutoff: Range, scale: int = 1) -> None:
        self.size, self.cutoff = odd("size", size), between("cutoff", cutoff, 0.01, 3.15)
        super().__init__(scale, self.size[1])

    def draw_one(self, rng: np.random.Generator) -> dict[str, Any]:
        """The numbers of a kernel."""
        return {"size": _odd(rng, self.size), "cutoff": uniform(rng, self.cutoff)}

    def kernel(self, drawn: dict[str, Any]) -> kernels.Kernel:
        """The (k, k) kernel of a sample's drawn numbers, its sum 1."""
        return kernels.sinc(**drawn)


def _odd(rng: np.random.Generator, ends: tuple[int, int]) -> int:
    """One of the odd numbers of a range."""
    return ends[0] + 2 * int(rng.integers((ends[1] - ends[0]) // 2 + 1))


def _beta(rng: np.random.Generator, ends: tuple[float, float]) -> float:
    """Half the time from the part of the range below 1, half from the part above."""
    low, high = ends
    if not low <= 1 <= high or low == high:
        return uniform(rng, ends)
    return uniform(rng, (low, 1.0) if rng.random() < 0.5 else (1.0, high))


def _holding(sigma: float) -> int:
    return 2 * math.ceil(3 * sigma) + 1
