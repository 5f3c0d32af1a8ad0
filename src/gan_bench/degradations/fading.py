"""How a print fades: its contrast sinks, its blacks rise, its colours go over to sepia, unevenly over the sheet.

Wan et al. 2020 (https://arxiv.org/abs/2004.09484) name fading among the defects of old photographs without a model of
it; this one is ours. Sepia keeps black and white and shifts what lies between: red is the luma to the power of
1 - warmth / 2, blue to the power of 1 + warmth. Their two scratched test photographs have a warmth of 0.29 and 0.5.
"""

from __future__ import annotations

from typing import Any, Literal

import cv2
import numpy as np
import torch
from torch import Tensor

from gan_bench.degradations.base import Degradation, Draw, Pixels, Size
from gan_bench.degradations.noise import column
from gan_bench.degradations.ranges import Range, between, seed, uniform

__all__ = ["Fading"]

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # Rec. 601
CELLS = 4  # of the field of uneven fading, along each side


class Fading(Degradation):
    """Faded colours and contrast; an image of one channel has no colour, so its sepia is left out.

    Args:
        contrast: what is left of it; 0.6 leaves the range of 0.2 to 0.8.
        brightness: added to all of the image, of a range of 1.
        sepia: from 0, the image's own colours, to 1, one tone only.
        warmth: of that tone: 0 gray, 0.6 a deep brown.
        uneven: by how much the brightness differs between places.
        scale: 1, 2, 3, 4 or 8.
    """

    shrinks: Literal["before", "after"] | None = "before"

    def __init__(
        self,
        contrast: Range = (0.6, 1.0),
        brightness: Range = (-0.08, 0.08),
        sepia: Range = (0.0, 0.9),
        warmth: Range = (0.05, 0.6),
        uneven: Range = (0.0, 0.06),
        scale: int = 1,
    ) -> None:
        super().__init__(scale)
        self.ranges = {
            "contrast": between("contrast", contrast, 0, 1),
            "brightness": between("brightness", brightness, -1, 1),
            "sepia": between("sepia", sepia, 0, 1),
            "warmth": between("warmth", warmth, 0, 1),
            "uneven": between("uneven", uneven, 0, 1),
        }

    def draw_one(self, rng: np.random.Generator) -> dict[str, Any]:
        """`{"contrast", "brightness", "sepia", "warmth", "uneven", "seed"}`."""
        return {**{name: uniform(rng, ends) for name, ends in self.ranges.items()}, "seed": seed(rng)}

    def on_pixels(self, pixels: Pixels, drawn: dict[str, Any], lq_size: Size) -> Pixels:
        """The faded image, clamped to [0, 1]."""
        if pixels.shape[2] == 3:
            luma = np.clip(pixels @ LUMA, 0, 1)[..., None]
            pixels = pixels + np.float32(drawn["sepia"]) * (luma ** _powers(drawn) - pixels)
        shift = _shift((pixels.shape[0], pixels.shape[1]), drawn)[..., None]
        faded: Pixels = np.clip(np.float32(drawn["contrast"]) * pixels + shift, 0, 1)
        return faded

    def on_batch(self, image: Tensor, draw: Draw, lq_size: Size) -> Tensor:
        """The faded images, clamped to [0, 1], where they are."""
        size = (image.shape[-2], image.shape[-1])
        if image.shape[1] == 3:
            luma = (image * image.new_tensor(LUMA)[:, None, None]).sum(1, keepdim=True).clamp(0, 1)
            powers = torch.from_numpy(np.stack([_powers(drawn) for drawn in draw])).to(image)[..., None, None]
            image = image + column([drawn["sepia"] for drawn in draw], image) * (luma**powers - image)
        shifts = torch.from_numpy(np.stack([_shift(size, drawn) for drawn in draw])).to(image.device)
        return (column([drawn["contrast"] for drawn in draw], image) * image + shifts[:, None]).clamp(0, 1)


def _powers(drawn: dict[str, Any]) -> np.ndarray:
    """(3,): what the luma is raised to in red, green and blue."""
    return np.array([1 - 0.5 * drawn["warmth"], 1, 1 + drawn["warmth"]], np.float32)


def _shift(size: Size, drawn: dict[str, Any]) -> np.ndarray:
    """(H, W) float32: what is added after the contrast is lowered, so that mid gray stays but for brightness."""
    field = np.random.default_rng(drawn["seed"]).uniform(-1, 1, (CELLS, CELLS)).astype(np.float32)
    smooth = cv2.resize(field, size[::-1], interpolation=cv2.INTER_CUBIC)
    level = 0.5 - 0.5 * drawn["contrast"] + drawn["brightness"]
    return np.asarray(np.float32(level) + np.float32(drawn["uneven"]) * smooth, np.float32)
