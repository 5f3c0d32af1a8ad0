"""What lies between a file and an image of a data set: the page of a TIFF, the half of a pair, window, white, size.

`gan_bench.image` gives a file's own numbers; here a data set's settings turn them into its images.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from gan_bench.errors import UsageError
from gan_bench.image import pages, read

__all__ = ["Page", "View", "pages_of"]

PARTS = ("left", "right")


class Page(NamedTuple):
    """One image of a file.

    Attributes:
        path: the file.
        number: of its page, from 0.
        of: how many pages the file has.
    """

    path: Path
    number: int = 0
    of: int = 1

    @property
    def label(self) -> str:
        """What its name has after the file's: `_003` of several pages, nothing of a single one."""
        return f"_{self.number:03}" if self.of > 1 else ""


class View(NamedTuple):
    """How a data set sees its files.

    Attributes:
        part: `left` or `right`, that half of every picture; None, all of it.
        peak: what counts as white: a number as it is stored; `file`, the largest number in the file, all its pages
            together; None, the largest that its 8 or 16 bits can hold.
        window: width of the range of stored numbers that is shown, from black to white; what lies outside is clipped.
            It takes the place of `peak`.
        level: the number in the window's middle (DICOM PS3.3 C.11.2.1.3, LINEAR_EXACT).
        size: pixels to which the shorter side is brought, by bicubic, or by area where it shrinks; None: as it is.
    """

    part: str | None = None
    peak: float | str | None = None
    window: float | None = None
    level: float | None = None
    size: int | None = None

    def checked(self) -> View:
        """Itself.

        Raises:
            UsageError: a value that means nothing.
        """
        if self.part not in (None, *PARTS):
            raise UsageError(f"dataset.part={self.part}: left, right or null")
        if not (self.peak in (None, "file") or _is_number(self.peak, above=0)):
            raise UsageError(f"dataset.peak={self.peak}: a number above 0, file or null")
        if (self.window is None) != (self.level is None):
            raise UsageError("dataset.window and dataset.level: one says nothing without the other; set both")
        if self.window is not None and not (_is_number(self.window, above=0) and _is_number(self.level)):
            raise UsageError(
                f"dataset.window={self.window} dataset.level={self.level}: a width above 0 and a number are needed"
            )
        if self.size is not None and (type(self.size) is not int or self.size < 1):
            raise UsageError(f"dataset.resize={self.size}: a whole number of pixels, or null")
        return self

    @property
    def other(self) -> View:
        """The same of the other half."""
        return self._replace(part=PARTS[self.part == PARTS[0]])

    def of(self, pixels: np.ndarray, path: Path) -> np.ndarray:
        """(H, W, C) uint8 or uint16 as stored -> as the data set has it; with a peak or a window always uint16.

        Raises:
            UsageError: a picture too narrow to be halved, or a number above the peak.
        """
        if self.part is not None:
            half = pixels.shape[1] // 2
            if not half:
                raise UsageError(f"{path}: one pixel wide, it has no {self.part} half; set dataset.part=null")
            pixels = pixels[:, :half] if self.part == "left" else pixels[:, -half:]
        return self._resized(np.ascontiguousarray(self._graded(pixels, path)))

    def _graded(self, pixels: np.ndarray, path: Path) -> np.ndarray:
        """Stored numbers to 16 bits, where window or peak say how."""
        if self.window is not None and self.level is not None:
            shown = (pixels.astype(np.float64) - (self.level - self.window / 2)) / self.window
            return np.rint(np.clip(shown, 0, 1) * 65535).astype(np.uint16)
        if self.peak is None:
            return pixels
        peak = float(_largest(path) if self.peak == "file" else self.peak)
        if pixels.max() > peak:
            raise UsageError(
                f"{path}: {pixels.max()} is above dataset.peak={self.peak}, which counts as white; raise it"
            )
        return np.rint(pixels * (65535 / peak)).astype(np.uint16)

    def _resized(self, pixels: np.ndarray) -> np.ndarray:
        """The shorter side at `size` pixels, the other in proportion."""
        height, width = pixels.shape[:2]
        if self.size is None or self.size == min(height, width):
            return pixels
        factor = self.size / min(height, width)
        size = max(self.size, round(width * factor)), max(self.size, round(height * factor))
        way = cv2.INTER_CUBIC if factor > 1 else cv2.INTER_AREA
        return np.ascontiguousarray(np.atleast_3d(cv2.resize(pixels, size, interpolation=way)))


def pages_of(path: str | Path) -> list[Page]:
    """Every image of a file.

    Raises:
        UsageError: as `gan_bench.image.pages` does.
    """
    numbers = pages(path)
    return [Page(Path(path), number, len(numbers)) for number in numbers]


def _is_number(value: object, above: float = float("-inf")) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and above < value < float("inf")


@lru_cache(maxsize=4096)
def _largest(path: Path) -> int:
    """The largest number in a file; of a black one 1."""
    return max(1, *(int(read(path, page).pixels.max()) for page in pages(path)))
