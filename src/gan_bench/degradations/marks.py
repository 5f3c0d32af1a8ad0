"""The geometry of marks on a photograph: wandering paths, and a canvas finer than the image on which they are painted.

Coordinates are continuous, x before y, (0, 0) the upper left corner of the image. Numbers come from the given generator
alone, so that equal seeds paint equal marks.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from gan_bench.degradations.base import Size

__all__ = ["Canvas", "path", "visibility", "widths"]

SHIFT = 4  # fractional bits of the coordinates that OpenCV takes


class Canvas:
    """Two coverages on a grid finer than the image's, in 8 bit.

    Args:
        size: (height, width) of the image in pixels.

    Attributes:
        short: the image's shorter side in pixels.
        bright: coverage by what is brighter than most images.
        dark: coverage by what is darker; it lies above the bright.
    """

    def __init__(self, size: Size) -> None:
        self.height, self.width = size
        self.short = min(size)
        self.finer = 4 if max(size) <= 1024 else 2
        self.bright, self.dark = (np.zeros([side * self.finer for side in size], np.uint8) for _ in range(2))
        self._left: np.ndarray | float = 1.0

    def point(self, rng: np.random.Generator) -> np.ndarray:
        """(x, y) anywhere in the image."""
        return rng.random(2) * (self.width, self.height)

    def line(self, layer: np.ndarray, points: np.ndarray, widths: np.ndarray, opacities: np.ndarray) -> None:
        """A polyline whose segments have widths (pixels of the image) and opacities of their own.

        What is thinner than what can be painted is fainter instead, so that light and shade come out right.
        """
        wide = widths * self.finer
        thick = np.maximum(1, 2 * np.ceil((wide - 1) / 2))  # with fractional ends, OpenCV paints 2 as 3, 4 as 5 points
        painted = np.where(thick > 1, thick + 1, 1)
        levels = np.rint(255 * opacities * np.minimum(1, wide / painted))
        fixed = self._fixed(points).tolist()
        ends = zip(fixed, fixed[1:], levels.tolist(), thick.astype(int).tolist(), strict=False)
        for start, stop, level, thickness in ends:
            cv2.line(layer, start, stop, level, thickness, cv2.LINE_8, SHIFT)

    def specks(
        self, layers: list[np.ndarray], rng: np.random.Generator, radii: np.ndarray, opacities: np.ndarray
    ) -> None:
        """Polygons of seven uneven corners anywhere; what is smaller than a point of the grid is fainter instead.

        Args:
            layers: for each speck, `bright` or `dark`.
            rng: where places and shapes come from.
            radii: in pixels of the image, one for each speck.
            opacities: likewise.
        """
        count, point = len(radii), 0.5 / self.finer
        least = 2 * point / math.sqrt(math.pi)  # a disk as large as a point of the grid
        angles = np.linspace(0, 2 * math.pi, 7, endpoint=False)
        shapes = np.stack([np.cos(angles), np.sin(angles)], 1) * rng.uniform(0.5, 1.2, (count, 7, 1))
        middles = rng.random((count, 1, 2)) * (self.width, self.height)
        inner = np.maximum(radii, least) - point  # OpenCV paints the points on the outline too
        corners = self._fixed(middles + shapes * inner[:, None, None])
        levels = np.rint(255 * opacities * np.minimum(1, (radii / least) ** 2)).tolist()
        for layer, polygon, level in zip(layers, corners, levels, strict=True):
            cv2.fillConvexPoly(layer, polygon, level, cv2.LINE_8, SHIFT)

    def tear(self, rng: np.random.Generator, strength: float) -> None:
        """Break up all that is painted by grain of half a percent of the shorter side; strength from 0 to 1."""
        rows, columns = (max(1, min(side, side * 200 // self.short)) for side in (self.height, self.width))
        grain = rng.random((rows, columns), dtype=np.float32)
        self._left = 1 - strength * cv2.resize(grain, (self.width, self.height), interpolation=cv2.INTER_LINEAR)

    def covered(self, layer: np.ndarray) -> np.ndarray:
        """(H, W) float32 in [0, 1]."""
        shrunk = cv2.resize(layer, (self.width, self.height), interpolation=cv2.INTER_AREA)
        return np.asarray(shrunk * np.float32(1 / 255) * self._left, np.float32)

    def _fixed(self, points: np.ndarray) -> np.ndarray:
        return np.rint((points * self.finer - 0.5) * (1 << SHIFT)).astype(np.int32)


def path(
    rng: np.random.Generator,
    middle: np.ndarray,
    heading: float,
    length: float,
    roughness: float = 0.0,
    bend: float = 0.2,
) -> np.ndarray:
    """A line that wanders.

    Args:
        rng: where its chance comes from.
        middle: (x, y) about which it lies.
        heading: radians from the vertical.
        length: in the unit of the coordinates.
        roughness: 0 smooth, 1 jagged.
        bend: standard deviation of the turn from one end to the other, in radians.

    Returns:
        (33, 2) points.
    """
    steps = 32
    turns = heading + rng.normal(0, bend) * np.linspace(-0.5, 0.5, steps) + roughness * rng.normal(0, 0.6, steps)
    turns += 0.5 * bend * _wave(rng, steps)
    offsets = np.cumsum(np.stack([np.sin(turns), np.cos(turns)], 1), 0) * (length / steps)
    points = np.concatenate([np.zeros((1, 2)), offsets])
    centred: np.ndarray = points - points[steps // 2] + middle
    return centred


def widths(rng: np.random.Generator, count: int, roughness: float = 0.0) -> np.ndarray:
    """(count,) shares of the largest width: thin at the ends; at roughness 1 from a third to all of it at random."""
    taper = np.sqrt(np.sin(np.linspace(0, math.pi, count)))
    return taper * (1 - roughness * rng.uniform(0, 0.65, count))


def visibility(rng: np.random.Generator, count: int) -> np.ndarray:
    """(count,) shares of the largest opacity: it comes and goes along a line, and is seldom all."""
    return np.clip(0.6 + 0.5 * _wave(rng, count), 0.1, 1)


def _wave(rng: np.random.Generator, count: int) -> np.ndarray:
    """(count,) of about -1 to 1: two slow oscillations of drawn phase and period."""
    place = np.linspace(0, 2 * math.pi, count)
    waves = [np.sin(place * rng.uniform(0.5, 3) + rng.uniform(0, 2 * math.pi)) for _ in range(2)]
    wave: np.ndarray = (waves[0] + waves[1]) / 1.6
    return wave
