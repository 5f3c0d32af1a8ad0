"""What PSNR and SSIM are computed on: every fact that turns two images into two arrays to compare.

`y` is the convention of the super-resolution papers since Timofte et al. 2013: MATLAB's rgb2ycbcr
(https://www.mathworks.com/help/images/ref/rgb2ycbcr.html, ITU-R BT.601), luma rounded to 8 bit, a border as wide as
the scale cut off. With it bicubic x4 scores 28.419 dB on Set5; luma left unrounded gives 0.013 dB more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from torch import Tensor

from gan_bench.errors import UsageError, did_you_mean
from gan_bench.image import to_rgb, to_uint8

__all__ = ["PEAK", "PROTOCOLS", "SSIM_K1", "SSIM_K2", "SSIM_SIGMA", "SSIM_WINDOW", "Protocol", "get_protocol"]

PEAK: Final = 255.0
LUMA_WEIGHTS: Final = (65.481, 128.553, 24.966)  # per 255 levels of R, G, B
LUMA_OFFSET: Final = 16
SSIM_WINDOW: Final = 11  # pixels
SSIM_SIGMA: Final = 1.5  # pixels
SSIM_K1: Final = 0.01
SSIM_K2: Final = 0.03


@dataclass(frozen=True)
class Protocol:
    """One way of comparing images.

    Attributes:
        name: what results and leaderboards call it.
        colour: `y` compares rounded luma, `rgb` all three channels.
        border: pixels cut off on every side; `scale` is as many as the scale, none at scale 1.
    """

    name: str
    colour: Literal["y", "rgb"]
    border: Literal["scale"] | int

    def prepare(self, restored: Tensor, gt: Tensor, scale: int) -> tuple[np.ndarray, np.ndarray]:
        """Two images to two arrays of 8-bit values.

        A one-channel gt is compared by its own values: luma is for colour. A three-channel restored is then reduced to
        its mean before it is rounded; a one-channel restored is stacked for a three-channel gt.

        Args:
            restored: (C, H, W); clamped to [0, 1].
            gt: (C, H, W) in [0, 1].
            scale: of the task, at least 1.

        Returns:
            restored and gt, each (C', H', W') float64 whole numbers on 0..255.

        Raises:
            UsageError: the sizes differ, or the border leaves nothing.
            ValueError: NaN among the values, or neither one nor three channels.
        """
        for image in (restored, gt):
            if image.ndim != 3 or image.shape[0] not in (1, 3):
                raise ValueError(f"an image is (C, H, W) with 1 or 3 channels, not {tuple(image.shape)}")
        if restored.shape[-2:] != gt.shape[-2:]:
            raise UsageError(f"restored is {_size(restored)} and ground truth {_size(gt)} (HxW): they must be equal")
        if gt.shape[0] == 1:
            restored = restored.clamp(0, 1).mean(0, keepdim=True)
        cut = self.pixels_cut(scale)
        if min(gt.shape[-2:]) <= 2 * cut:
            raise UsageError(f"an image of {_size(gt)} (HxW) has nothing left inside a border of {cut} pixels")
        return self._levels(to_rgb(restored) if gt.shape[0] == 3 else restored, cut), self._levels(gt, cut)

    def pixels_cut(self, scale: int) -> int:
        """The border in pixels at a scale."""
        if self.border != "scale":
            return self.border
        return scale if scale > 1 else 0

    def describe(self) -> dict[str, Any]:
        """Every fact that a score depends on, JSON-able."""
        luma = {"weights_rgb_per_255": list(LUMA_WEIGHTS), "offset": LUMA_OFFSET, "rounding": "to integer, half up"}
        window = {"window": SSIM_WINDOW, "gaussian_sigma": SSIM_SIGMA, "k1": SSIM_K1, "k2": SSIM_K2, "region": "valid"}
        return {
            "name": self.name,
            "colour": self.colour,
            "luma": luma if self.colour == "y" else None,
            "border": "scale, 0 at scale 1" if self.border == "scale" else self.border,
            "input_rounding": "clamped to [0, 1], to 8 bit, half up",
            "one_channel_gt": "own values; three restored channels reduced to their mean before rounding",
            "peak": PEAK,
            "psnr": {"squared_error": "mean over all channels"},
            "ssim": window | {"channels": "mean"},
        }

    def _levels(self, image: Tensor, cut: int) -> np.ndarray:
        pixels = to_uint8(image)
        pixels = pixels[cut : pixels.shape[0] - cut, cut : pixels.shape[1] - cut]
        if self.colour == "y" and pixels.shape[2] == 3:
            pixels = _luma(pixels)
        return np.ascontiguousarray(pixels.transpose(2, 0, 1), dtype=np.float64)


PROTOCOLS: Final[dict[str, Protocol]] = {
    "y": Protocol("y", colour="y", border="scale"),
    "rgb": Protocol("rgb", colour="rgb", border=0),
}


def get_protocol(name: str) -> Protocol:
    """The protocol of that name.

    Raises:
        UsageError: there is none; names the nearest.
    """
    if name not in PROTOCOLS:
        raise UsageError(f"no protocol {name!r}{did_you_mean(name, PROTOCOLS)}")
    return PROTOCOLS[name]


def _luma(pixels: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 -> (H, W, 1) float64 whole numbers on 16..235."""
    # In thousandths the sum is a whole number, so a tie is a tie whatever the order of additions.
    thousandths = pixels.astype(np.float64) @ np.round(1000 * np.array(LUMA_WEIGHTS))
    return np.floor(thousandths / 255_000 + (LUMA_OFFSET + 0.5))[..., None]


def _size(image: Tensor) -> str:
    return f"{image.shape[-2]}x{image.shape[-1]}"
