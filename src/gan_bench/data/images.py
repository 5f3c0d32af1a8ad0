"""Where images come from: files found and listed by Hugging Face `datasets`, decoded by `gan_bench.image`, split.

The only importer of `datasets`. Files are listed undecoded (`Image(decode=False)`), so that 16 bit stays 16 bit and a
broken file is named. Each page of a TIFF is an image.
"""

from __future__ import annotations

import glob
import logging
import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import numpy as np

from gan_bench.data.pages import Page, View, pages_of
from gan_bench.data.splits import by_page, complete_splits, rank
from gan_bench.errors import UsageError
from gan_bench.image import SUFFIXES, read, verify

__all__ = ["Folder", "Images", "Source", "list_images"]

log = logging.getLogger(__name__)

CACHE_BYTES = 1 << 30
FOLDERS = {"train": "training", "validation": "valid val dev", "test": "testing eval evaluation"}
WORDS = {word: split for split, words in FOLDERS.items() for word in (split, *words.split())}


class Source(Protocol):
    """What a data set gives: three lists of images, no scene in two of them."""

    num_ch: int
    train: Images
    validation: Images
    test: Images


class Images(Sequence[np.ndarray]):
    """Images of one split, decoded when asked for; small sets stay decoded in memory.

    Args:
        paths: files, each with all of its pages, or single pages; in the order of their names.
        root: names are unique stems; where two stems are equal, paths below this folder without their suffix. A page
            of several has its number behind it, `brain_003`.
        num_ch: 3 stacks one-channel images, 1 refuses colour, None leaves each image as its file has it.
        view: the part of each picture, and what counts as white.

    Attributes:
        pages: the images, where they are stored.
        paths: the file of each.
        names: of each.
    """

    def __init__(
        self,
        paths: Iterable[str | Path | Page],
        root: str | Path = ".",
        num_ch: int | None = 3,
        view: View = View(),  # noqa: B008 - it never changes
    ) -> None:
        found = [page for path in paths for page in ([path] if isinstance(path, Page) else pages_of(path))]
        self.pages = sorted(found)
        self.paths = [page.path for page in self.pages]
        self.names = _names(self.pages, Path(root))
        self.view = view
        self.num_ch = num_ch
        self._cache: dict[int, np.ndarray] = {}
        self._cached_bytes = 0
        self._warned_of_alpha = False

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> np.ndarray:  # type: ignore[override]
        """(H, W, C) uint8 or uint16; C is `num_ch`."""
        if index in self._cache:
            return self._cache[index]
        pixels = self._decode(self.pages[index])
        if self._cached_bytes + pixels.nbytes <= CACHE_BYTES:
            self._cache[index] = pixels
            self._cached_bytes += pixels.nbytes
        return pixels

    def _decode(self, page: Page) -> np.ndarray:
        path, picture = page.path, read(page.path, page.number)
        if picture.alpha is not None and not self._warned_of_alpha:
            self._warned_of_alpha = True
            log.warning("%s: its alpha channel is dropped, as in every file of this set that has one", path)
        pixels = self.view.of(picture.pixels, path)
        if self.num_ch == 3 and pixels.shape[2] == 1:
            return np.repeat(pixels, 3, axis=2)
        if self.num_ch == 1 and pixels.shape[2] == 3:
            raise UsageError(f"{path}: a colour image in a one-channel data set; set dataset.num_ch=3")
        return pixels

    def subset(self, count: int | None) -> Images:
        """The first `count` images by the hash of their names: a smaller set is part of every larger one.

        Raises:
            UsageError: there are fewer.
        """
        if count is None:
            return self
        if count > len(self):
            raise UsageError(f"dataset.limit={count}: there are only {len(self)} images to train on")
        chosen = sorted(sorted(range(len(self)), key=lambda i: rank(self.names[i]))[:count])
        smaller = Images([self.pages[i] for i in chosen], num_ch=self.num_ch, view=self.view)
        smaller.names = tuple(self.names[i] for i in chosen)
        return smaller


class Folder:
    """Any tree of images, split as its folders say (train, validation or val, test) or by the hash of the stem.

    Args:
        root: the tree. A broken file is named, and left out.
        num_ch: channels of a training image, 3 or 1.
        limit: train on this many images only.
        part: `left` or `right`: that half of each picture, of which two stand side by side; null: all of it.
        peak: what counts as white: a number as it is stored; `file`: the largest number of each file, all its pages
            together; null: the largest that 8 or 16 bits can hold.
        wanted: what to put where, for the message where there is no such folder.

    Raises:
        UsageError: no folder, no images, or too few to split.
    """

    def __init__(
        self,
        root: str,
        num_ch: int = 3,
        limit: int | None = None,
        part: str | None = None,
        peak: float | str | None = None,
        wanted: str = "",
    ) -> None:
        self.num_ch, view = num_ch, View(part, peak).checked()
        given = {split: _whole(paths) for split, paths in list_images(root, wanted=wanted).items()}
        splits = complete_splits(by_page(given, root), root)
        self.train = Images(splits["train"], root, num_ch, view).subset(_positive(limit))
        self.validation = Images(splits["validation"], root, None, view)
        self.test = Images(splits["test"], root, None, view)


def list_images(root: str | Path, option: str = "dataset.root=", wanted: str = "") -> dict[str, list[Path]]:
    """The image files below a folder, listed by `datasets`; every one is in a split.

    `datasets` would take splits from file names too, and leave out all others: a `test.png` would hide its neighbours.
    So it lists all as one, and the topmost folder with a split's name decides (`val`, `DIV2K_train_HR`), else train.

    Args:
        root: the folder.
        option: what stood before it on the command line, for messages.
        wanted: what to do where there is no such folder.

    Raises:
        UsageError: the folder does not exist, holds no image, or cannot be listed.
    """
    import datasets

    folder = Path(root).expanduser()
    if not folder.is_dir():
        raise UsageError(f"{option}{root}: no such folder; {wanted or 'name one that holds images'}")
    nothing = UsageError(f"{option}{root}: no images found; looked for {', '.join(sorted(SUFFIXES))}")
    datasets.disable_progress_bars()
    try:
        found = datasets.load_dataset(
            "imagefolder",
            data_dir=glob.escape(str(folder.resolve())),
            data_files="**",
            split="train",
            drop_labels=True,
            drop_metadata=True,
        )
    except (datasets.exceptions.DatasetNotFoundError, FileNotFoundError, ValueError):
        raise nothing from None  # ValueError: files, and no image among them
    except datasets.exceptions.DatasetGenerationError as error:
        cause = " ".join(str(error.__cause__).split())
        raise UsageError(f"{option}{root}: cannot be listed ({cause}); are all file names UTF-8?") from None
    listed: dict[str, list[Path]] = {}
    for row in found.cast_column("image", datasets.Image(decode=False)):
        path = Path(row["image"]["path"])
        if path.suffix.lower() in SUFFIXES:
            listed.setdefault(_split(path.relative_to(folder.resolve())), []).append(path)
    if not listed:
        raise nothing
    return listed


def _split(path: Path) -> str:
    words = (word for folder in path.parts[:-1] for word in re.split("[^a-z]+", folder.lower()))
    return next((WORDS[word] for word in words if word in WORDS), "train")


def _whole(paths: list[Path]) -> list[Path]:
    """The files that can be read; the others are named."""
    with ThreadPoolExecutor() as pool:
        causes = list(pool.map(_defect, paths))
    broken = [cause for cause in causes if cause]
    for cause in broken:
        log.warning("%s: left out", cause)
    if broken:
        log.warning("%d of %d files are broken and left out", len(broken), len(paths))
    return [path for path, cause in zip(paths, causes, strict=True) if not cause]


def _defect(path: Path) -> str | None:
    try:
        verify(path.read_bytes(), str(path))
    except UsageError as error:
        return str(error)
    except OSError as error:
        return f"{path}: cannot be read ({error.strerror})"
    return None


def _names(pages: Sequence[Page], root: Path) -> tuple[str, ...]:
    """Stems, else paths below the root, without their suffixes where that tells them apart."""
    base = root.expanduser().resolve()
    below = [page.path.relative_to(base) if page.path.is_relative_to(base) else page.path for page in pages]
    names: tuple[str, ...] = ()
    stems = [path.stem for path in below]
    for files in (stems, [path.with_suffix("").as_posix() for path in below], [path.as_posix() for path in below]):
        names = tuple(file + page.label for file, page in zip(files, pages, strict=True))
        if len(set(names)) == len(names):
            break
    return names


def _positive(limit: int | None) -> int | None:
    if limit is not None and limit < 1:
        raise UsageError(f"dataset.limit={limit}: at least one image is needed to train on")
    return limit
