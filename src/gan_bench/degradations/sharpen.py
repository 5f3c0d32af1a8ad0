"""Unsharp masking with a threshold, as Real-ESRGAN sharpens what it degrades and what it trains towards.

Wang et al. 2021, arXiv 2107.10833, section 3.4. Differs from the authors' code: two passes along the axes instead of a
dense 51x51 kernel, which is the same to 1e-6, but for pixels whose detail lies on the threshold to float precision.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from gan_bench.degradations.base import Degradation, Draw, Pixels, Size
from gan_bench.degradations.convolution import convolve_batch
from gan_bench.degradations.ranges import between, odd
from gan_bench.errors import UsageError

__all__ = ["Sharpen"]

BORDER = cv2.BORDER_REFLECT_101


class Sharpen(Degradation):
    """Adds detail, which is the image without its blur, where there is more of it than a threshold.

    Args:
        size: of the Gaussian kernel, odd pixels.
        sigma: of the Gaussian in pixels; 0 is OpenCV's rule 0.3 ((size - 1) / 2 - 1) + 0.8.
        weight: by which detail is multiplied before it is added.
        threshold: detail above it is sharpened, in 8-bit levels; the mask's edge is softened by the same Gaussian.
        scale: 1, 2, 3, 4 or 8; it is the downscaled image that is sharpened.
    """

    shrinks = "before"

    def __init__(
        self, size: int = 51, sigma: float = 0, weight: float = 0.5, threshold: float = 10, scale: int = 1
    ) -> None:
        super().__init__(scale)
        self.size = int(_single("size", odd("size", size)))
        self.sigma = _single("sigma", between("sigma", sigma, 0, 100))
        self.weight = _single("weight", between("weight", weight, 0, 100))
        self.threshold = _single("threshold", between("threshold", threshold, 0, 255))
        self.reach = self.size
        self.margin = self.size // 2 * scale  # it is lq pixels that are blurred
        self.gaussian = cv2.getGaussianKernel(self.size, self.sigma, cv2.CV_64F)

    @torch.no_grad()
    def __call__(self, image: Tensor) -> Tensor:
        """Sharpen a target where it is, in float32 under any precision.

        Args:
            image: (B, C, H, W) in [0, 1]; half the kernel is smaller than H and W, beyond which it is mirrored.

        Returns:
            the same.

        Raises:
            UsageError: a smaller image.
        """
        height, width = image.shape[-2:]
        if min(height, width) <= self.size // 2:
            raise UsageError(
                f"sharpen: its kernel of {self.size} pixels needs images of more than {self.size // 2}, not "
                f"{width}x{height}; take a larger budget.patch"
            )
        sharpen = self._one_by_one if image.device.type == "cpu" else self.on_batch
        with torch.autocast(image.device.type, enabled=False):
            return sharpen(image.float(), [{}] * len(image), (height, width)).clamp(0, 1)

    def on_pixels(self, pixels: Pixels, drawn: dict[str, Any], lq_size: Size) -> Pixels:
        """(H, W, C) in [0, 1] -> the same size, in [0, 1].

        OpenCV is twice as fast down columns as along rows, where it does not use a kernel's symmetry: so the image is
        turned for one of the passes, and what stands between the two blurs is done while it is.
        """
        pixels = pixels[:, :, 0] if pixels.shape[2] == 1 else pixels
        turned = cv2.transpose(pixels)
        blurred = self._down(cv2.transpose(self._down(pixels)))
        detail = np.subtract(turned, blurred, out=blurred)
        _, mask = cv2.threshold(np.abs(detail), self.threshold / 255, 1, cv2.THRESH_BINARY)
        soft = self._down(cv2.transpose(self._down(mask)))
        detail *= self.weight
        detail += turned
        np.clip(detail, 0, 1, out=detail)
        detail -= turned
        sharpened: Pixels = cv2.transpose(detail)
        sharpened *= soft
        sharpened += pixels
        return sharpened

    def on_batch(self, image: Tensor, draw: Draw, lq_size: Size) -> Tensor:
        """(B, C, H, W) in [0, 1] -> the same size, in [0, 1]."""
        detail = image - self._blurred(image)
        soft = self._blurred((detail.abs() * 255 > self.threshold).to(image.dtype))
        sharp = (image + self.weight * detail).clamp(0, 1)
        return image + soft * (sharp - image)

    def _blurred(self, image: Tensor) -> Tensor:
        column = [np.asarray(self.gaussian, np.float64)] * len(image)
        return convolve_batch(convolve_batch(image, column), [kernel.T for kernel in column])

    def _down(self, pixels: Pixels) -> Pixels:
        return cv2.sepFilter2D(pixels, -1, np.ones((1, 1)), self.gaussian, borderType=BORDER)


def _single(name: str, ends: tuple[float, float]) -> float:
    if ends[0] != ends[1]:
        raise ValueError(f"{name}={list(ends)}: one number is needed, nothing is drawn here")
    return ends[0]
