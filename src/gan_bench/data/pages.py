"""What lies between a file and an image of a data set: the page of a TIFF, the half of a pair, what counts as white.

`gan_bench.image` gives a file's own numbers; here a data set's settings turn them into its images.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

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
    """

    part: str | None = None
    peak: float | str | None = None

    def checked(self) -> View:
        """Itself.

        Raises:
            UsageError: a part or a peak that is none.
        """
        if self.part not in (None, *PARTS):
            raise UsageError(f"dataset.part={self.part}: left, right or null")
        number = isinstance(self.peak, int | float) and not isinstance(self.peak, bool)
        if not (self.peak in (None, "file") or (number and 0 < float(self.peak or 0) < float("inf"))):
            raise UsageError(f"dataset.peak={self.peak}: a number above 0, file or null")
        return self

    def of(self, pixels: np.ndarray, path: Path) -> np.ndarray:
        """(H, W, C) uint8 or uint16 as stored -> as the data set has it; with a peak always uint16.

        Raises:
            UsageError: a picture too narrow to be halved, or a number above the peak.
        """
        if self.part is not None:
            half = pixels.shape[1] // 2
            if not half:
                raise UsageError(f"{path}: one pixel wide, it has no {self.part} half; set dataset.part=null")
            pixels = pixels[:, :half] if self.part == "left" else pixels[:, -half:]
        if self.peak is None:
            return np.ascontiguousarray(pixels)
        peak = float(_largest(path) if self.peak == "file" else self.peak)
        if pixels.max() > peak:
            raise UsageError(
                f"{path}: {pixels.max()} is above dataset.peak={self.peak}, which counts as white; raise it"
            )
        return np.rint(pixels * (65535 / peak)).astype(np.uint16)


def pages_of(path: str | Path) -> list[Page]:
    """Every image of a file.

    Raises:
        UsageError: as `gan_bench.image.pages` does.
    """
    numbers = pages(path)
    return [Page(Path(path), number, len(numbers)) for number in numbers]


@lru_cache(maxsize=4096)
def _largest(path: Path) -> int:
    """The largest number in a file; of a black one 1."""
    return max(1, *(int(read(path, page).pixels.max()) for page in pages(path)))
