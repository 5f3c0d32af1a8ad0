"""The lq images of a test set as PNG files in the cache: each is made once, then read; nothing here degrades.

A file's place says all that its pixels depend on: the set, the degradation and its parameters, the seed, the code that
degrades, the image's name and its gt pixels. Not the versions of the libraries: a set that was made stays as it is.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import logging
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

import gan_bench
from gan_bench.degradations.base import Degradation
from gan_bench.errors import UsageError, WorkError
from gan_bench.image import decode, to_tensor, to_uint8, write_png
from gan_bench.ordering import orders
from gan_bench.weights import cache_folder

__all__ = ["Frozen"]

log = logging.getLogger(__name__)

HEX = 8  # digits of a SHA-256 in a name


class Frozen:
    """The folder of one test set's lq images.

    Args:
        name: of the set.
        described: name and parameters of the degradation.
        made_by: the degradation.
        seed: of the set.
    """

    def __init__(self, name: str, described: Mapping[str, Any], made_by: Degradation, seed: int) -> None:
        self.scale = scale = made_by.scale
        operators = [_operator(part) for part in made_by.parts()]
        what = [described, orders(described), operators, scale, seed, _code()]
        key = json.dumps(what, sort_keys=True, default=str)
        folder = f"{_safe(name)}_{_safe(described['name'])}_x{scale}_{_digest(key.encode())}"
        self.folder = cache_folder() / "lq" / folder

    def lq(self, name: str, gt: Tensor, make: Callable[[], Tensor]) -> Tensor:
        """The lq image of a gt image: read where it was made before, else made and written.

        Args:
            name: of the image.
            gt: (1, C, H, W) in [0, 1].
            make: degrades it: (1, C, H/s, W/s) on 8-bit levels.

        Returns:
            (1, C, H/s, W/s) on 8-bit levels, equal whether it was made or read.
        """
        pixels = np.ascontiguousarray(gt.numpy())
        digest = _digest(f"{name}\0{pixels.shape}\0".encode() + pixels.tobytes())
        stem = f"{_safe(name)}_{digest}"
        known = next((one for path in self.folder.glob(f"{stem}_*.png") if (one := _read(path)) is not None), None)
        if known is None:
            known = to_uint8(make()[0])
            _write(self.folder / f"{stem}_{_of_pixels(known)}.png", known)
        return to_tensor(known).unsqueeze(0)


def _read(path: Path) -> np.ndarray | None:
    """The pixels of a whole file, which its name vouches for; None for another, which is then made anew."""
    try:
        pixels = decode(path.read_bytes(), str(path)).pixels
    except OSError:
        return None
    except UsageError as error:
        log.warning("%s; it is made anew", error)
        return None
    if _of_pixels(pixels) != path.stem.rpartition("_")[2]:
        log.warning("%s: not the pixels that were written; they are made anew", path)
        return None
    return pixels


def _of_pixels(pixels: np.ndarray) -> str:
    return _digest(f"{pixels.shape}{pixels.dtype}".encode() + pixels.tobytes())


def _operator(part: Degradation) -> str:
    """What decides an operator's work beyond its arguments: its class, its files, its code where that is not ours."""
    kind = type(part)
    source = "" if kind.__module__.startswith("gan_bench.") else _source(kind)
    return f"{kind.__module__}.{kind.__qualname__} {part.content} {source}"


def _source(kind: type) -> str:
    try:
        return _digest(Path(inspect.getfile(kind)).read_bytes())
    except (TypeError, OSError):  # typed into a notebook
        return ""


def _write(path: Path, pixels: np.ndarray) -> None:
    try:
        write_png(path, pixels)
    except WorkError as error:
        _warn(path.parent.parent, getattr(error.__cause__, "strerror", None) or str(error))


@lru_cache
def _warn(folder: Path, cause: str) -> None:
    """Once in a process."""
    log.warning(
        "%s: lq images cannot be kept there (%s); set GAN_BENCH_CACHE, or each evaluation makes them", folder, cause
    )


@lru_cache
def _code() -> str:
    """Over the source files on which the pixels of an lq image depend."""
    root, digest = Path(gan_bench.__file__).parent, hashlib.sha256()
    others = [root / name for name in ("resize.py", "chance.py", "image.py")]
    for path in [*sorted((root / "degradations").rglob("*.py")), *others]:
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:HEX]


def _safe(name: str) -> str:
    return re.sub(r"[^\w.-]", "-", name)[:60]
