"""Blur kernels as float64 arrays that sum to one: the formulas of blind chains, a disk, a random camera path.

Gaussian families and sinc: Real-ESRGAN (Wang et al. 2021, arXiv 2107.10833, section 3.2); the grid is counted in pixels
from the middle one, x to the right, y down. Motion: the random camera path of Boracchi and Foi, "Modeling the
performance of image restoration from motion blur", IEEE TIP 2012. Differs: a path of constant speed in 256 steps, whose
perturbations are scaled by the step, so that their number does not change what a strength means.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import j1

__all__ = ["Kernel", "disk", "disk_size", "gaussian", "generalized", "motion", "motion_size", "plateau", "sinc"]

Kernel = NDArray[np.float64]
"""(k, k), k odd; its sum is 1."""

SHARPEST = 1e-3  # pixels; a Gaussian this narrow is one pixel, exactly, as is one of sigma 0
STEPS = 256


def gaussian(size: int, sigma_x: float, sigma_y: float | None = None, angle: float = 0.0, shift: float = 0.0) -> Kernel:
    """Samples of a Gaussian density.

    Args:
        size: odd number of pixels.
        sigma_x: standard deviation along the first axis in pixels; 0 is the limit, a single pixel.
        sigma_y: of the second axis; by default the same.
        angle: of the first axis in radians, from x towards y.
        shift: pixels by which both axes of the density are moved towards the first row and column.
    """
    return _normalised(np.exp(-0.5 * _distance(size, sigma_x, sigma_y, angle, shift)))


def generalized(
    size: int, sigma_x: float, sigma_y: float | None = None, angle: float = 0.0, beta: float = 1.0
) -> Kernel:
    """exp(-q^beta / 2) with the Gaussian's q = x' S^-1 x; heavier tails for a beta below 1, a flatter top above."""
    return _normalised(np.exp(-0.5 * _distance(size, sigma_x, sigma_y, angle) ** beta))


def plateau(size: int, sigma_x: float, sigma_y: float | None = None, angle: float = 0.0, beta: float = 1.0) -> Kernel:
    """1 / (1 + q^beta) with the Gaussian's q = x' S^-1 x."""
    return _normalised(1 / (1 + _distance(size, sigma_x, sigma_y, angle) ** beta))


def sinc(size: int, cutoff: float) -> Kernel:
    """The circular low-pass filter w J1(w r) / (2 pi r), which rings.

    Args:
        size: odd number of pixels.
        cutoff: w in radians per pixel; pi lets nearly everything pass.
    """
    x, y = _grid(size)
    radius = np.hypot(x, y)
    radius[size // 2, size // 2] = 1
    kernel = cutoff * j1(cutoff * radius) / (2 * math.pi * radius)
    kernel[size // 2, size // 2] = cutoff**2 / (4 * math.pi)
    return _normalised(kernel)


def disk(radius: float) -> Kernel:
    """What a lens out of focus makes of a point: a disk; a pixel at its edge has the share that lies inside.

    Args:
        radius: in pixels, from 0; up to 0.5 the disk is one pixel.

    Returns:
        (k, k) with k = disk_size(radius).
    """
    half, radius = disk_size(radius) // 2, max(radius, 0.5)
    quarter = _quarter_disk(radius, np.append(0, np.arange(half + 1) + 0.5))
    kernel = np.zeros((2 * half + 1, 2 * half + 1))
    for part in (kernel, kernel[::-1], kernel[:, ::-1], kernel[::-1, ::-1]):
        part[half:, half:] += quarter
    return _normalised(kernel)


def disk_size(radius: float) -> int:
    """Pixels across which a disk reaches."""
    return 2 * math.ceil(radius + 0.5) - 1


def motion(length: float, tremor: float, pull: float, jolts: float, seed: int) -> Kernel:
    """A camera's shake during one exposure: a random path, drawn with bilinear weights, its mass in the middle.

    The path has constant speed. Its direction is deflected by a Gaussian tremor, by a pull back to where it began, and,
    rarely, by a jolt that about reverses it.

    Args:
        length: of the path in pixels.
        tremor: standard deviation of the deflection that a whole exposure adds up to, in units of the speed; 0 is a
            straight line.
        pull: strength of the pull, in units of the speed where the camera is a whole length away.
        jolts: how many are expected.
        seed: of everything random.

    Returns:
        (k, k) with k = motion_size(length): no path of this length needs more.
    """
    path = _path(tremor, pull, jolts, np.random.default_rng(seed)) * length
    path -= path.mean()
    half = motion_size(length) // 2
    kernel = np.zeros((2 * half + 1, 2 * half + 1))
    column, row = np.floor(path.real), np.floor(path.imag)
    right, down = path.real - column, path.imag - row
    for dy, y in ((0, 1 - down), (1, down)):
        for dx, x in ((0, 1 - right), (1, right)):
            np.add.at(kernel, (row.astype(int) + half + dy, column.astype(int) + half + dx), y * x)
    return _normalised(kernel)


def motion_size(length: float) -> int:
    """Pixels of a motion kernel: no point of a path is farther than half its length from the path's mean."""
    return 2 * (math.ceil(length / 2) + 1) + 1


def _grid(size: int, shift: float = 0.0) -> tuple[Kernel, Kernel]:
    places = np.arange(size, dtype=np.float64) - size // 2 + shift
    x, y = np.meshgrid(places, places)
    return x, y


def _distance(size: int, sigma_x: float, sigma_y: float | None, angle: float, shift: float = 0.0) -> Kernel:
    """The square x' S^-1 x, where S has the two variances along the turned axes."""
    x, y = _grid(size, shift)
    cos, sin = math.cos(angle), math.sin(angle)
    first = (cos * x + sin * y) / max(sigma_x, SHARPEST)
    second = (cos * y - sin * x) / max(sigma_x if sigma_y is None else sigma_y, SHARPEST)
    return first**2 + second**2


def _normalised(kernel: Kernel) -> Kernel:
    normalised: Kernel = kernel / kernel.sum()
    return normalised


def _quarter_disk(radius: float, edges: NDArray[np.float64]) -> Kernel:
    """Areas of a disk's first quadrant within the cells between edges, which begin at its centre."""
    left, right = edges[:-1], edges[1:]
    bottom, top = left[:, None], right[:, None]
    above = np.clip(np.sqrt(np.maximum(radius**2 - top**2, 0)), left, right)  # up to here a cell's column is full
    ends = np.clip(np.sqrt(np.maximum(radius**2 - bottom**2, 0)), left, right)

    def area(x: Kernel) -> Kernel:
        """Under the circle, from its centre to x."""
        x = np.minimum(x, radius)
        height = np.sqrt(np.maximum(radius**2 - x**2, 0))  # the two squares round differently: below 0 for some radii
        under: Kernel = (x * height + radius**2 * np.arcsin(x / radius)) / 2
        return under

    areas: Kernel = (above - left) * (top - bottom) + area(ends) - area(above) - bottom * (ends - above)
    return areas


def _path(tremor: float, pull: float, jolts: float, rng: np.random.Generator) -> NDArray[np.complex128]:
    """STEPS places in the complex plane along a path of length 1."""
    step = 1 / STEPS
    shakes = tremor * math.sqrt(step) * (rng.standard_normal(STEPS) + 1j * rng.standard_normal(STEPS))
    turns = np.where(rng.random(STEPS) < jolts * step, -np.exp(1j * (rng.random(STEPS) - 0.5)), 1)
    place, speed, places = 0j, complex(np.exp(2j * math.pi * rng.random())), []
    for shake, turn in zip(shakes.tolist(), turns.tolist(), strict=True):
        speed = speed * turn + shake - pull * step * place
        speed /= abs(speed)
        place += speed * step
        places.append(place)
    return np.array(places)
