"""What lies on an old photograph: scratches and creases, specks of dust and fibres, painted, not cut from scans.

Bright marks show the paper below a torn emulsion, dark ones are dirt. Sizes are shares of the image's shorter side, so
that a patch and a large photograph look alike. The kinds of defect are those of Wan et al. 2020, "Bringing Old Photos
Back to Life", https://arxiv.org/abs/2004.09484, who blend in collected textures and masks; the shapes here are ours.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from gan_bench.degradations.base import Degradation, Draw, Pixels, Size
from gan_bench.degradations.marks import Canvas, path, visibility, widths
from gan_bench.degradations.ranges import Range, between, probability, seed, uniform

__all__ = ["Dust", "Scratches"]

BRIGHT, DARK = 0.94, 0.06  # paper and dirt are neither white nor black


class _Marks(Degradation):
    """Covers parts of an image with paper and dirt; subclasses paint."""

    shrinks: Literal["before", "after"] | None = "before"
    count: tuple[int, int]
    dark: float
    ranges: Mapping[str, tuple[float, float]]

    def draw_one(self, rng: np.random.Generator) -> dict[str, Any]:
        """`count`, of which the first `dark` are dark, a number for each range, and the `seed` of the shapes."""
        count = _whole(rng, self.count)
        drawn = {name: uniform(rng, ends) for name, ends in self.ranges.items()}
        return {"count": count, "dark": int(rng.binomial(count, self.dark)), **drawn, "seed": seed(rng)}

    def _paint(self, canvas: Canvas, drawn: dict[str, Any], rng: np.random.Generator) -> None:
        raise NotImplementedError

    def _blend(self, size: Size, drawn: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Two (H, W) float32: what is kept of the image, and what is added to it."""
        canvas = Canvas(size)
        self._paint(canvas, drawn, np.random.default_rng(drawn["seed"]))
        bright, dark = (canvas.covered(layer) for layer in (canvas.bright, canvas.dark))
        return (1 - bright) * (1 - dark), BRIGHT * bright * (1 - dark) + DARK * dark

    def on_pixels(self, pixels: Pixels, drawn: dict[str, Any], lq_size: Size) -> Pixels:
        """The image below the marks; it keeps its range."""
        kept, added = self._blend((pixels.shape[0], pixels.shape[1]), drawn)
        covered: Pixels = pixels * kept[..., None] + added[..., None]
        return covered

    def on_batch(self, image: Tensor, draw: Draw, lq_size: Size) -> Tensor:
        """As `on_pixels`; the marks are painted on the CPU, the images stay where they are."""
        size = (image.shape[-2], image.shape[-1])
        blends = torch.from_numpy(np.stack([self._blend(size, drawn) for drawn in draw])).to(image.device)
        return image * blends[:, :1] + blends[:, 1:]


class Scratches(_Marks):
    """Thin lines that bend, taper and come and go; rough ones are the creases of a folded print.

    Args:
        count: lines per image.
        width: of a line where it is widest, as a share of the shorter side; those of an image have half to all of it.
        length: of a line, as a share of the shorter side; likewise.
        opacity: of a line where it is most visible.
        tilt: degrees from the vertical, up to 90; the lines of an image have any angle up to it, to both sides.
        roughness: 0 a smooth line, 1 a jagged crease with torn edges and branches.
        dark: probability that a line is dirt instead of paper.
        scale: 1, 2, 3, 4 or 8.
    """

    def __init__(
        self,
        count: Range = (0, 8),
        width: Range = (0.001, 0.004),
        length: Range = (0.1, 1.2),
        opacity: Range = (0.3, 0.9),
        tilt: Range = (0, 20),
        roughness: Range = 0.0,
        dark: float = 0.2,
        scale: int = 1,
    ) -> None:
        super().__init__(scale)
        self.count, self.dark = _counts("count", count), probability("dark", dark)
        self.ranges = {
            "width": between("width", width, 0, 1),
            "length": between("length", length, 0, 10),
            "opacity": between("opacity", opacity, 0, 1),
            "tilt": between("tilt", tilt, 0, 90),
            "roughness": between("roughness", roughness, 0, 1),
        }

    def _paint(self, canvas: Canvas, drawn: dict[str, Any], rng: np.random.Generator) -> None:
        rough, tilt = drawn["roughness"], math.radians(drawn["tilt"])
        for number in range(drawn["count"]):
            layer = canvas.dark if number < drawn["dark"] else canvas.bright
            width, length = (drawn[name] * canvas.short * rng.uniform(0.5, 1) for name in ("width", "length"))
            heading = tilt * rng.uniform(-1, 1) + math.pi * rng.integers(2)
            line = path(rng, canvas.point(rng), heading, length, rough)
            visible = drawn["opacity"] * np.maximum(visibility(rng, len(line)), rough)
            canvas.line(layer, line, width * widths(rng, len(line), rough), visible)
            for _ in range(rng.binomial(3, 0.5 * rough)):
                turned = heading + rng.choice([-1, 1]) * rng.uniform(0.3, 1.2)
                branch = path(rng, np.zeros(2), turned, length * rng.uniform(0.1, 0.4), rough)
                branch += line[rng.integers(len(line))] - branch[0]
                thinner = 0.7 * width * np.linspace(1, 0.1, len(branch))
                canvas.line(layer, branch, thinner, np.full(len(branch), visible.mean()))
        if rough:
            canvas.tear(rng, 0.6 * rough)


class Dust(_Marks):
    """Specks, most of them tiny, and short curled fibres.

    Args:
        count: specks per image.
        radius: of the largest speck of an image, as a share of the shorter side; half of them have less than a quarter.
        opacity: of the most visible marks of an image.
        fibres: per image; half a radius wide and 5 to 30 radii long.
        dark: probability that a speck is dark instead of bright; fibres share it.
        scale: 1, 2, 3, 4 or 8.
    """

    def __init__(
        self,
        count: Range = (0, 150),
        radius: Range = (0.002, 0.006),
        opacity: Range = (0.4, 1.0),
        fibres: Range = (0, 4),
        dark: float = 0.3,
        scale: int = 1,
    ) -> None:
        super().__init__(scale)
        self.count, self.fibres = _counts("count", count), _counts("fibres", fibres)
        self.dark = probability("dark", dark)
        self.ranges = {"radius": between("radius", radius, 0, 1), "opacity": between("opacity", opacity, 0, 1)}

    def draw_one(self, rng: np.random.Generator) -> dict[str, Any]:
        """As scratches', with `fibres`, of which `dark_fibres` are dark."""
        fibres = _whole(rng, self.fibres)
        return {**super().draw_one(rng), "fibres": fibres, "dark_fibres": int(rng.binomial(fibres, self.dark))}

    def _paint(self, canvas: Canvas, drawn: dict[str, Any], rng: np.random.Generator) -> None:
        largest, count = drawn["radius"] * canvas.short, drawn["count"]
        radii, visible = largest * rng.power(0.5, count), drawn["opacity"] * rng.uniform(0.4, 1, count)
        layers = [canvas.dark] * drawn["dark"] + [canvas.bright] * (count - drawn["dark"])
        canvas.specks(layers, rng, radii, visible)
        for number in range(drawn["fibres"]):
            layer = canvas.dark if number < drawn["dark_fibres"] else canvas.bright
            heading, length = rng.uniform(0, 2 * math.pi), largest * rng.uniform(5, 30)
            fibre = path(rng, canvas.point(rng), heading, length, bend=3.0)
            opacities = drawn["opacity"] * visibility(rng, len(fibre))
            canvas.line(layer, fibre, np.full(len(fibre), 0.5 * largest), opacities)


def _counts(name: str, value: Range) -> tuple[int, int]:
    low, high = between(name, value, 0, 100_000)
    if low % 1 or high % 1:
        raise ValueError(f"{name}={value}: whole numbers are needed")
    return int(low), int(high)


def _whole(rng: np.random.Generator, ends: tuple[int, int]) -> int:
    """A whole number from low to high, both included."""
    return int(rng.integers(ends[0], ends[1] + 1))
