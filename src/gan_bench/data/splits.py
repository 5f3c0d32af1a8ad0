"""Which images are to train on, to validate and to test: what folders do not say is taken by the hash of the file stem.

All pages of a file, which show neighbouring slices of one thing, are in one split, unless there are too few files.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from gan_bench.cells import SPLITS
from gan_bench.data.pages import Page, pages_of
from gan_bench.errors import UsageError

__all__ = ["by_page", "complete_splits", "rank"]

log = logging.getLogger(__name__)

Entry = TypeVar("Entry", Path, Page, Path | Page)


def complete_splits(
    given: Mapping[str, Sequence[Entry]], root: str | Path = ".", option: str = "dataset.root="
) -> dict[str, list[Entry]]:
    """All three splits: what is given stays, what is missing is taken from train, a tenth each, at least one.

    Files are taken by the hash of their stems, pages of a file as runs of neighbours.

    Raises:
        UsageError: too few images, or none to train on.
    """
    if any(given.values()) and not given.get("train"):
        only = ", ".join(sorted(given))
        raise UsageError(f"{option}{root}: nothing to train on, only {only}; put images into a folder named train")
    rest = sorted(given.get("train", []), key=_place)
    share = max(1, round(len(rest) / 10)) if len(rest) > 1 else 0
    splits: dict[str, list[Entry]] = {}
    for split in SPLITS[1:]:
        if given.get(split):
            splits[split] = list(given[split])
            continue
        splits[split], rest = rest[:share], rest[share:]
    splits["train"] = rest
    empty = [split for split in SPLITS if not splits[split]]
    if empty:
        raise UsageError(f"{option}{root}: too few images for training, validation and test; at least 3 are needed")
    return splits


def by_page(
    given: Mapping[str, list[Path]], root: str, option: str = "dataset.root="
) -> Mapping[str, Sequence[Path | Page]]:
    """Training files page by page, where they are too few to give one to each split that is missing."""
    files = given.get("train", [])
    if len(files) > sum(not given.get(split) for split in SPLITS[1:]):
        return given
    pages = [page for path in files for page in pages_of(path)]
    if len(pages) > len(files):
        log.warning(
            "%s%s: %d file of many pages, so its pages are split, in runs; neighbouring slices are alike, three files "
            "would give honest scores",
            option,
            root,
            len(files),
        )
    return {**given, "train": pages}


def rank(name: str) -> str:
    """A key by which names are sorted: the same order on every machine, unrelated to the names' own."""
    return hashlib.sha256(name.encode()).hexdigest()


def _place(entry: Path | Page) -> tuple[str, int]:
    """Where a file or a page stands in the row from which missing splits are taken."""
    return (rank(entry.path.stem), entry.number) if isinstance(entry, Page) else (rank(entry.stem), 0)
