"""PSNR and SSIM of prepared arrays, and the interface of every metric that gives one number per image.

SSIM: Wang, Bovik, Sheikh, Simoncelli 2004, https://ece.uwaterloo.ca/~z70wang/publications/ssim.html. As in the authors'
code only windows that lie inside the image count; unlike it no image is shrunk first. The five Gaussian means of the
paper follow from four: with s = x + y and d = x - y the mixed moment is the difference of two squares.
"""

from __future__ import annotations

import abc
import math
from typing import Final

import cv2
import numpy as np
import torch
from torch import Tensor

from gan_bench.metrics.protocol import PEAK, SSIM_K1, SSIM_K2, SSIM_SIGMA, SSIM_WINDOW, Protocol

__all__ = ["PSNR", "SSIM", "ImageMetric", "psnr", "ssim"]

STRIP: Final = 64  # rows of windows


class ImageMetric(abc.ABC):
    """One number per image.

    Attributes:
        name: key in results.
        higher_is_better: direction of the leaderboard.
        needs_gt: without ground truth the metric is unavailable.
        unit: shown behind the number, may be empty.
        digits: shown behind the decimal point.
        weights: SHA-256 of what was learnt or fitted; empty for a formula.
        version: of the implementation; raised where the same images get another number.
        margin: the difference within which two methods count as equal; None where none is stated.
        needs_operator: it compares with lq what the known degradation makes of the restored image; see `Consistency`.
    """

    name: str
    higher_is_better: bool
    needs_gt: bool
    unit: str = ""
    digits: int = 4
    weights: str = ""
    version: str = "1"
    margin: float | None = None
    needs_operator: bool = False

    @abc.abstractmethod
    def score(self, restored: Tensor, gt: Tensor | None, lq: Tensor | None) -> Tensor:
        """Scores a batch.

        Args:
            restored: (B, C, H, W) in [0, 1].
            gt: (B, C, H, W) in [0, 1], where there is ground truth.
            lq: (B, C, H/s, W/s) in [0, 1], where the metric may look at the input.

        Returns:
            (B,) float64 on the CPU; NaN where the metric is not defined for the image.

        Raises:
            ValueError: gt is needed and missing.
        """


class _Fidelity(ImageMetric):
    """A full-reference metric under a protocol."""

    needs_gt = True

    def __init__(self, protocol: Protocol, scale: int) -> None:
        self.protocol = protocol
        self.scale = scale

    def score(self, restored: Tensor, gt: Tensor | None, lq: Tensor | None) -> Tensor:
        if gt is None:
            raise ValueError(f"{self.name} needs ground truth")
        pairs = (self.protocol.prepare(*images, self.scale) for images in zip(restored, gt, strict=True))
        return torch.tensor([self._measure(a, b) for a, b in pairs], dtype=torch.float64)

    @staticmethod
    @abc.abstractmethod
    def _measure(a: np.ndarray, b: np.ndarray) -> float: ...


class PSNR(_Fidelity):
    """Peak signal-to-noise ratio under a protocol; infinite for identical images."""

    name = "psnr"
    higher_is_better = True
    unit = "dB"
    digits = 2
    margin: float | None = 0.05

    @staticmethod
    def _measure(a: np.ndarray, b: np.ndarray) -> float:
        return psnr(a, b)


class SSIM(_Fidelity):
    """Structural similarity under a protocol, 1 for identical images."""

    name = "ssim"
    higher_is_better = True
    margin = 0.002

    @staticmethod
    def _measure(a: np.ndarray, b: np.ndarray) -> float:
        return ssim(a, b)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """10 log10(255² / MSE) in dB, the squared error averaged over all channels.

    Args:
        a: (C, H, W) on 0..255.
        b: as a.

    Returns:
        dB; infinity where the arrays are equal.

    Raises:
        ValueError: the shapes differ.
    """
    _check_shapes(a, b)
    flat_a, flat_b = (np.ascontiguousarray(x, np.float64).ravel() for x in (a, b))
    mean = float(cv2.norm(flat_a, flat_b, cv2.NORM_L2SQR)) / flat_a.size
    return 10 * math.log10(PEAK**2 / mean) if mean > 0 else math.inf


def ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Mean structural similarity over all whole 11x11 windows (Gaussian, sigma 1.5) and all channels.

    Args:
        a: (C, H, W) on 0..255.
        b: as a.

    Raises:
        ValueError: the shapes differ, or a side is under 11 pixels.
    """
    _check_shapes(a, b)
    if min(a.shape[-2:]) < SSIM_WINDOW:
        raise ValueError(f"SSIM needs at least 11x11 pixels, not {a.shape[-2]}x{a.shape[-1]}")
    return float(np.mean([_ssim_plane(x, y) for x, y in zip(a, b, strict=True)]))


def _ssim_plane(x: np.ndarray, y: np.ndarray) -> float:
    """One channel, strip by strip: twice as fast, because what lies between the steps stays in the cache."""
    height, width = x.shape[0] - SSIM_WINDOW + 1, x.shape[1] - SSIM_WINDOW + 1
    spans = (slice(top, min(top + STRIP, height) + SSIM_WINDOW - 1) for top in range(0, height, STRIP))
    return float(math.fsum(_ssim_map(x[span], y[span]).sum() for span in spans) / (height * width))


def _ssim_map(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(H, W) twice -> (H - 10, W - 10)."""
    c1, c2 = (SSIM_K1 * PEAK) ** 2, (SSIM_K2 * PEAK) ** 2
    total, gap = np.add(x, y, dtype=np.float64), np.subtract(x, y, dtype=np.float64)
    total_mean2, gap_mean2 = _blur(total) ** 2, _blur(gap) ** 2
    total_var, gap_var = _blur(total * total) - total_mean2, _blur(gap * gap) - gap_mean2
    # Of the formula's four factors each is half a sum or half a difference of these.
    luminance: np.ndarray = (total_mean2 - gap_mean2 + 2 * c1) / (total_mean2 + gap_mean2 + 2 * c1)
    luminance *= (total_var - gap_var + 2 * c2) / (total_var + gap_var + 2 * c2)
    return luminance


def _blur(plane: np.ndarray) -> np.ndarray:
    """Gaussian mean of each window that lies inside the plane."""
    window = cv2.getGaussianKernel(SSIM_WINDOW, SSIM_SIGMA, cv2.CV_64F)
    reach = SSIM_WINDOW // 2
    blurred: np.ndarray = cv2.sepFilter2D(plane, cv2.CV_64F, window, window)
    return blurred[reach:-reach, reach:-reach]


def _check_shapes(a: np.ndarray, b: np.ndarray) -> None:
    if a.shape != b.shape or a.ndim != 3:
        raise ValueError(f"two arrays of one shape (C, H, W) are compared, not {a.shape} and {b.shape}")
