"""Small crops of a few images of a test set, for the leaderboard's page: where detail is, alike for all restorers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from gan_bench.batch import Batch
from gan_bench.files import in_a_name, write_atomically
from gan_bench.image import encode_webp, to_rgb, to_uint8

__all__ = ["MOST", "SIDE", "Crops", "shown", "window"]

MOST = 4  # images of a test set
SIDE = 128  # pixels of gt
Part = tuple[slice, slice]


@dataclass(frozen=True)
class Crops:
    """The crops of one result.

    Attributes:
        folder: in which they lie; made if missing.
        key: of the result: names the restored ones.
        inputs: 16 hex of what was restored: names those of lq and gt, which all results of these images share.
        names: of the images in the set's order.
        scale: gt over lq.
    """

    folder: Path
    key: str
    inputs: str
    names: Sequence[str]
    scale: int

    def missing(self) -> list[int]:
        """Places in the set of the images that are shown and of which there is no restored crop yet."""
        return [index for index in shown(len(self.names)) if not self._path(self.key, self.names[index]).is_file()]

    def keep(self, batch: Batch, restored: Tensor) -> None:
        """Write the crops of a batch's first image, if it is one of those that are shown.

        Args:
            batch: lq (B, C, h, w) and gt (B, C, h*s, w*s) or None, in [0, 1].
            restored: (B, C, h*s, w*s), clamped to [0, 1].

        Raises:
            WorkError: they cannot be written.
        """
        name = batch.name[0]
        if name not in {self.names[index] for index in shown(len(self.names))}:
            return
        scale, lq, output = self.scale, _pixels(batch.lq), _pixels(restored)
        gt = None if batch.gt is None else _pixels(batch.gt)
        if output.shape[:2] != (lq.shape[0] * scale, lq.shape[1] * scale):  # of a folder, where no gt says the size
            return
        part = window(lq, 1, scale) if gt is None else window(gt, scale, scale)
        enlarged = lq[_divided(part, scale)].repeat(scale, axis=0).repeat(scale, axis=1)
        shared = {"_lq": enlarged} if gt is None else {"_lq": enlarged, "_gt": gt[part]}
        for side, pixels in shared.items():
            path = self._path(self.inputs, name, side)
            if not path.is_file():
                write_atomically(path, encode_webp(pixels))
        write_atomically(self._path(self.key, name), encode_webp(output[part]))

    def _path(self, begin: str, name: str, side: str = "") -> Path:
        return self.folder / f"{begin}_{in_a_name(name)}{side}.webp"


def shown(count: int) -> list[int]:
    """Which of so many images are shown: at most four, evenly spaced."""
    return sorted({(2 * place + 1) * count // (2 * min(MOST, count)) for place in range(min(MOST, count))})


def window(pixels: np.ndarray, step: int, scale: int) -> Part:
    """The part of an image with the most detail: differences of neighbouring pixels, summed; of equals the first.

    Args:
        pixels: (H, W, 3) uint8 of gt, or of lq where there is no gt.
        step: the window begins and ends at multiples of it: the scale in gt, 1 in lq.
        scale: gt over lq.

    Returns:
        Its rows and columns in gt.
    """
    per = scale // step  # gt pixels to one of these
    height, width = (min(SIDE // scale * step, size - size % step) for size in pixels.shape[:2])
    gray = pixels.astype(np.int64).sum(axis=2)
    detail = np.zeros_like(gray)
    detail[:, 1:] += np.abs(np.diff(gray, axis=1))
    detail[1:] += np.abs(np.diff(gray, axis=0))
    sums = np.pad(detail, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    inside = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
    best = inside[::step, ::step]
    top, left = (int(place) * step for place in np.unravel_index(best.argmax(), best.shape))
    return slice(top * per, (top + height) * per), slice(left * per, (left + width) * per)


def _divided(part: Part, scale: int) -> Part:
    """The same part of lq."""
    rows, columns = (slice(one.start // scale, one.stop // scale) for one in part)
    return rows, columns


def _pixels(image: Tensor) -> np.ndarray:
    return to_uint8(to_rgb(image[0].clamp(0, 1)))
