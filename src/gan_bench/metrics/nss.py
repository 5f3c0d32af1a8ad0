"""Natural scene statistics: the 36 numbers by which NIQE describes each block of an image; no model, no distance here.

Mittal, Soundararajan, Bovik 2013, https://doi.org/10.1109/LSP.2012.2227726, and the authors' MATLAB code: gray in whole
levels, blocks of 96x96 at full size and of 48x48 at half size, 18 numbers of each. Differs from it only by `EXCESS`.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import torch
from scipy.special import gammaln

from gan_bench.resize import imresize

__all__ = ["BLOCK", "FEATURES", "block_features"]

BLOCK: Final = 96  # pixels
FEATURES: Final = 36
WINDOW: Final = 7  # pixels
# A saturated area has no statistics but rounding noise. That the window's sum misses one by as much as that of a window
# in float32 does, as pyiqa's, gives such areas a fixed deviation instead, and pyiqa's scores on every machine.
EXCESS: Final = 1.135e-8
NEIGHBOURS: Final = ((0, 1), (1, 0), (1, 1), (1, -1))
LUMA: Final = (0.299, 0.587, 0.114)
SHAPES: Final = np.arange(200, 10_001) / 1000  # of the generalised Gaussian, the authors' grid


def block_features(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of every whole block.

    Args:
        pixels: (H, W, 1 or 3) uint8.

    Returns:
        features (N, 36), NaN in those of a flat block, and sharpness (N,): the mean local deviation in levels.
    """
    gray = _gray(pixels)
    rows, columns = (side // BLOCK for side in gray.shape)
    if not rows * columns:
        return np.empty((0, FEATURES)), np.empty(0)
    gray = gray[: rows * BLOCK, : columns * BLOCK]
    normalised, deviation = _normalise(gray)
    half = imresize(torch.from_numpy(gray)[None], scale=0.5, edge="mirror")[0].numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        features = [_features(_blocks(normalised, BLOCK)), _features(_blocks(_normalise(half)[0], BLOCK // 2))]
    return np.concatenate(features, 1), _blocks(deviation, BLOCK).mean((1, 2))


def _gray(pixels: np.ndarray) -> np.ndarray:
    """(H, W, 1 or 3) uint8 -> (H, W) whole levels; in float32, as pyiqa does: ties are then rounded alike."""
    if pixels.shape[2] == 1:
        return pixels[..., 0].astype(np.float64)
    levels = pixels.astype(np.float32) / np.float32(255)
    parts = [levels[..., channel] * np.float32(weight) for channel, weight in enumerate(LUMA)]
    return np.rint(sum(parts) * np.float32(255)).astype(np.float64)


def _normalise(gray: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(H, W) -> the plane without its local mean, over its local deviation; and that deviation."""
    window = cv2.getGaussianKernel(WINDOW, WINDOW / 6, cv2.CV_64F) * (1 + EXCESS) ** 0.5

    def blur(plane: np.ndarray) -> np.ndarray:
        return cv2.sepFilter2D(plane, cv2.CV_64F, window, window, borderType=cv2.BORDER_REPLICATE)

    mean = blur(gray)
    deviation = np.sqrt(np.abs(blur(gray * gray) - mean * mean))
    return (gray - mean) / (deviation + 1), deviation


def _blocks(plane: np.ndarray, size: int) -> np.ndarray:
    """(H, W) -> (N, size, size)."""
    rows, columns = plane.shape[0] // size, plane.shape[1] // size
    return plane.reshape(rows, size, columns, size).swapaxes(1, 2).reshape(-1, size, size)


def _features(blocks: np.ndarray) -> np.ndarray:
    """(N, S, S) -> (N, 18): shape and width of the values, then of the products with each of four neighbours."""
    shape, left, right = _asymmetric(blocks)
    features = [shape, (left + right) / 2]
    for shift in NEIGHBOURS:
        shape, left, right = _asymmetric(blocks * np.roll(blocks, shift, (1, 2)))
        features += [shape, (right - left) * np.exp(gammaln(2 / shape) - gammaln(1 / shape)), left, right]
    return np.stack(features, 1)


def _asymmetric(blocks: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(N, S, S) -> shape and the widths left and right of an asymmetric generalised Gaussian, by its moments."""
    values = blocks.reshape(len(blocks), -1)
    left, right = (_rms(values, side) for side in (values < 0, values > 0))
    ratio = left / right
    moments = np.abs(values).mean(1) ** 2 / (values * values).mean(1)
    moments *= (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    shape = _shape(moments)
    width = np.exp((gammaln(1 / shape) - gammaln(3 / shape)) / 2)
    return shape, left * width, right * width


def _rms(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    root: np.ndarray = np.sqrt((values * values * where).sum(1) / where.sum(1))
    return root


def _shape(moments: np.ndarray) -> np.ndarray:
    """The shape whose moment ratio is nearest; NaN for NaN."""
    table = np.exp(2 * gammaln(2 / SHAPES) - gammaln(1 / SHAPES) - gammaln(3 / SHAPES))
    place = np.searchsorted(table, moments).clip(1, len(table) - 1)
    place -= moments - table[place - 1] <= table[place] - moments
    shape: np.ndarray = np.where(np.isnan(moments), np.nan, SHAPES[place])
    return shape
