"""What a file does to an image: JPEG and WebP, written and read in memory, and the rounding to 8-bit levels.

JPEG is libjpeg-turbo's by OpenCV, whose pixels are those of Pillow bit for bit. For batches on a GPU there is a model
of it, `jpeg_model`, which rounds as the codec does: the smooth rounding of differentiable models loses too little.
"""

from __future__ import annotations

import io
from typing import Any, Literal

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gan_bench.degradations.base import Degradation, Draw, Pixels, Size
from gan_bench.degradations.jpeg_model import coded
from gan_bench.degradations.ranges import Range, between, uniform
from gan_bench.errors import UsageError, did_you_mean

__all__ = ["JPEG", "Round", "WebP"]

SUBSAMPLINGS = {
    "4:4:4": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    "4:2:2": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
    "4:2:0": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
}
SHRINK = {"4:4:4": (1, 1), "4:2:2": (1, 2), "4:2:0": (2, 2)}
CODECS = ("auto", "real", "model")
LONGEST = {"JPEG": 65500, "WebP": 16383}
"""Longest side in pixels that the formats' encoders take."""
WEBP_METHOD = 4
"""libwebp's default effort, of 0 to 6."""


class _Codec(Degradation):
    """What draws a whole quality."""

    shrinks = "before"

    def __init__(self, quality: Range, scale: int) -> None:
        super().__init__(scale)
        self.quality = between("quality", quality, 1, 100)

    def draw_one(self, rng: np.random.Generator) -> dict[str, Any]:
        """`{"quality": whole number}`, rounded, halves up."""
        return {"quality": int(uniform(rng, self.quality) + 0.5)}


class JPEG(_Codec):
    """A JPEG file. An image of one channel becomes a gray one.

    Args:
        quality: libjpeg's, 1 to 100, a value or a range; a whole number is drawn from it.
        subsampling: of the colour: 4:4:4, 4:2:2 or 4:2:0.
        codec: `real`, libjpeg wherever the image is; `model`, the model everywhere; `auto`, libjpeg on the CPU, and so
            in every evaluation, and the model on a GPU.
        scale: lq is smaller than gt by this factor; downscaled before the JPEG.
    """

    def __init__(
        self,
        quality: Range,
        subsampling: Literal["4:4:4", "4:2:2", "4:2:0"] = "4:2:0",
        codec: Literal["auto", "real", "model"] = "auto",
        scale: int = 1,
    ) -> None:
        super().__init__(quality, scale)
        if subsampling not in SUBSAMPLINGS:
            raise ValueError(f"subsampling={subsampling}: write one of {', '.join(map(repr, SUBSAMPLINGS))}, quoted")
        if codec not in CODECS:
            raise ValueError(f"codec={codec}: no such codec{did_you_mean(str(codec), CODECS)}")
        self.subsampling, self.codec = subsampling, codec

    def on_pixels(self, pixels: Pixels, drawn: dict[str, Any], lq_size: Size) -> Pixels:
        """(H, W, C) -> (H, W, C) on 8-bit levels, by libjpeg, or by the model where that is asked for.

        Raises:
            UsageError: a side is longer than 65500 pixels.
        """
        if self.codec == "model":
            image = torch.from_numpy(pixels.transpose(2, 0, 1)[None])
            return np.ascontiguousarray(self.on_batch(image, [drawn], lq_size)[0].permute(1, 2, 0).numpy())
        _fits("JPEG", pixels)
        levels = _levels(pixels)
        colored = levels.shape[2] == 3
        settings = [cv2.IMWRITE_JPEG_QUALITY, drawn["quality"]]
        if colored:
            levels = cv2.cvtColor(levels, cv2.COLOR_RGB2BGR)
            settings += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, SUBSAMPLINGS[self.subsampling]]
        _, data = cv2.imencode(".jpg", levels, settings)
        read = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB if colored else cv2.IMREAD_GRAYSCALE)
        assert read is not None  # it was written here
        return _unit(read)

    def on_batch(self, image: Tensor, draw: Draw, lq_size: Size) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W) on 8-bit levels, by the model; by libjpeg, on the CPU, as `codec` says."""
        if self.codec == "model" or (self.codec == "auto" and image.device.type != "cpu"):
            return coded(_rounded(image), [drawn["quality"] for drawn in draw], SHRINK[self.subsampling]) / 255
        return super().on_batch(image, draw, lq_size)


class WebP(_Codec):
    """A lossy WebP file, by libwebp at its default effort.

    The format has no gray images: they pass as RGB and come back as its luma.

    Args:
        quality: libwebp's, 1 to 100, a value or a range; a whole number is drawn from it.
        scale: lq is smaller than gt by this factor; downscaled before the WebP.
    """

    def __init__(self, quality: Range, scale: int = 1) -> None:
        super().__init__(quality, scale)

    def on_pixels(self, pixels: Pixels, drawn: dict[str, Any], lq_size: Size) -> Pixels:
        """(H, W, C) -> (H, W, C) on 8-bit levels.

        Raises:
            UsageError: a side is longer than 16383 pixels.
        """
        _fits("WebP", pixels)
        levels, file = _levels(pixels), io.BytesIO()
        colored = Image.fromarray(levels if levels.shape[2] == 3 else levels[..., 0]).convert("RGB")
        colored.save(file, "WEBP", quality=drawn["quality"], method=WEBP_METHOD)
        read = Image.open(file, formats=("WEBP",))
        return _unit(np.asarray(read.convert("RGB" if levels.shape[2] == 3 else "L")))


class Round(Degradation):
    """Rounding to 8-bit levels, halves up, as a file holds them."""

    shrinks = "before"

    def on_pixels(self, pixels: Pixels, drawn: dict[str, Any], lq_size: Size) -> Pixels:
        """(H, W, C) -> (H, W, C), multiples of 1/255 in [0, 1]."""
        return _unit(_levels(pixels))

    def on_batch(self, image: Tensor, draw: Draw, lq_size: Size) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W), multiples of 1/255 in [0, 1]."""
        return _rounded(image) / 255


def _levels(pixels: Pixels) -> np.ndarray:
    """(H, W, C) float32, clamped to [0, 1] -> uint8, halves up."""
    levels: np.ndarray = np.multiply(pixels, 255, dtype=np.float32)
    levels += 0.5
    np.clip(levels, 0, 255, out=levels)
    return levels.astype(np.uint8)


def _unit(levels: np.ndarray) -> Pixels:
    """uint8 -> float32 in [0, 1], each value correctly rounded, as `image.to_tensor` has them."""
    unit: Pixels = np.divide(levels, np.float32(255), dtype=np.float32)
    return unit


def _rounded(image: Tensor) -> Tensor:
    return image.clamp(0, 1).mul_(255).add_(0.5).floor_()


def _fits(format_: str, pixels: Pixels) -> None:
    height, width = pixels.shape[:2]
    if max(height, width) > LONGEST[format_]:
        raise UsageError(
            f"degradation: {format_} has no images of {width}x{height}, only up to {LONGEST[format_]} pixels a side; "
            "take smaller images"
        )
