"""Where images come from: files found and listed by Hugging Face `datasets`, decoded by `gan_bench.image`.

The only importer of `datasets`. Files are listed undecoded (`Image(decode=False)`), so that 16 bit stays 16 bit and a
broken file is named. Each page of a TIFF is an image.
"""

from __future__ import annotations

import glob
import hashlib
import io
import json
import logging
import re
import shutil
import uuid
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from gan_bench.data.pages import Page, View, pages_of
from gan_bench.data.splits import rank
from gan_bench.errors import UsageError, did_you_mean, one_line
from gan_bench.files import write_atomically
from gan_bench.image import SUFFIXES, read, verify
from gan_bench.weights import cache_folder

__all__ = ["Images", "hub_folder", "list_images", "sound"]

log = logging.getLogger(__name__)

CACHE_BYTES = 1 << 30
FOLDERS = {
    "train": "training traina trainb",
    "validation": "valid val dev vala valb",
    "test": "testing eval evaluation testa testb",
}
WORDS = {word: split for split, words in FOLDERS.items() for word in (split, *words.split())}


class Images(Sequence[np.ndarray]):
    """Images of one split, decoded when asked for; small sets stay decoded in memory.

    Args:
        paths: files, each with all of its pages, or single pages; in the order of their names.
        root: names are unique stems; where two stems are equal, paths below this folder without their suffix. A page
            of several has its number behind it, `brain_003`.
        num_ch: 3 stacks one-channel images, 1 refuses colour, None leaves each image as its file has it.
        view: the part of each picture, and what counts as white.
        names: of the images, in the order of the paths, which is then kept; for the side of a pair that takes the
            names of the other.

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
        names: Sequence[str] | None = None,
    ) -> None:
        found = [page for path in paths for page in ([path] if isinstance(path, Page) else pages_of(path))]
        self.pages = sorted(found) if names is None else found
        self.paths = [page.path for page in self.pages]
        self.names = _names(self.pages, Path(root)) if names is None else tuple(names)
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

    def only(self, indices: Iterable[int]) -> Images:
        """Some of the images, under the names that they have here."""
        chosen = list(indices)
        names = [self.names[i] for i in chosen]
        return Images([self.pages[i] for i in chosen], num_ch=self.num_ch, view=self.view, names=names)

    def unresized(self) -> Images:
        """The same images, of the size that they are stored in."""
        if self.view.size is None:
            return self
        return Images(self.pages, num_ch=self.num_ch, view=self.view._replace(size=None), names=self.names)

    def subset(self, count: int | None) -> Images:
        """The first `count` images by the hash of their names: a smaller set is part of every larger one.

        Raises:
            UsageError: there are fewer, or none is wanted.
        """
        if count is None:
            return self
        if count < 1:
            raise UsageError(f"dataset.limit={count}: at least one image is needed to train on")
        if count > len(self):
            raise UsageError(f"dataset.limit={count}: there are only {len(self)} images to train on")
        return self.only(sorted(self._by_hash()[:count]))

    def halves(self) -> tuple[list[int], list[int]]:
        """Two halves of the files, by the hash of their stems; of a single file's pages, the first and the second.

        Returns:
            Indices of the one, and of the other.

        Raises:
            UsageError: a single image has no halves.
        """
        files = sorted(set(self.paths), key=lambda path: (rank(path.stem), path))
        place = {path: number for number, path in enumerate(files)}
        sides = [place[path] % 2 if len(files) > 1 else 2 * i // len(self) for i, path in enumerate(self.paths)]
        if len(set(sides)) < 2:
            raise UsageError("dataset.unpaired=true: two training images are needed, one for each side")
        return [i for i, side in enumerate(sides) if not side], [i for i, side in enumerate(sides) if side]

    def _by_hash(self) -> list[int]:
        return sorted(range(len(self)), key=lambda i: rank(self.names[i]))


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


def hub_folder(name: str, config: str | None, split: str, columns: Mapping[str, str]) -> Path:
    """A Hugging Face data set as a folder in the cache, its files with the bytes that it has; loaded once.

    Args:
        name: USER/NAME on the hub, or a folder in one of the layouts that `datasets` reads.
        config: of the data set; None where it has but one.
        split: of the data set.
        columns: by the name of a folder in it, a column of images.

    Returns:
        The folder.

    Raises:
        UsageError: it cannot be loaded, or has no such column of images.
    """
    asked = json.dumps([name, config, split, dict(columns), _stand(Path(name).expanduser())], sort_keys=True)
    stem = re.sub(r"[^\w.-]+", "-", name).strip("-.")[-60:]
    folder = cache_folder() / "hub" / f"{stem}_{hashlib.sha256(asked.encode()).hexdigest()[:8]}"
    if folder.is_dir():
        return folder
    rows = _rows(name, config, split, columns)
    unfinished = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        for side, column in columns.items():
            _unpack(rows[column], unfinished / side, f"dataset.hub={name}: {column}")
        try:
            unfinished.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was faster
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def _stand(folder: Path) -> list[Any]:
    """What tells a folder's files from those of another time; nothing of what is no folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    return [[str(path), path.stat().st_size, path.stat().st_mtime_ns] for path in files]


def _rows(name: str, config: str | None, split: str, columns: Mapping[str, str]) -> Any:
    """The rows of a data set, its images undecoded."""
    import datasets

    place = f"dataset.hub={name}"
    datasets.disable_progress_bars()
    folder = Path(name).expanduser()
    try:
        rows = datasets.load_dataset(str(folder.resolve()) if folder.is_dir() else name, config, split=split)
    except ConnectionError as error:
        way_out = "load it once where there is a network, or put its images into a folder and set dataset.root=DIR"
        raise UsageError(f"{place}: cannot be reached ({one_line(error, 200)}); {way_out}") from None
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        way_out = "see dataset.hub_config and dataset.hub_split"
        raise UsageError(f"{place}: cannot be loaded ({one_line(error, 200)}); {way_out}") from None
    for column in columns.values():
        if column not in rows.features:
            raise UsageError(f"{place}: no column {column!r}{did_you_mean(column, rows.features)}")
        if not isinstance(rows.features[column], datasets.Image):
            raise UsageError(
                f"{place}: column {column!r} holds no images but {rows.features[column]}; such a copy only names the "
                "files of an archive: unpack that into a folder and set dataset.root=DIR"
            )
        rows = rows.cast_column(column, datasets.Image(decode=False))
    return rows


def _unpack(cells: Iterable[Mapping[str, Any]], folder: Path, place: str) -> None:
    """A column's files into a folder, under their own names where these tell them apart, else by their numbers."""
    cells = list(cells)
    stems = [Path(cell["path"] or "").stem for cell in cells]
    own = len(set(stems)) == len(stems) and all(stems)
    for number, cell in enumerate(cells):
        data = cell["bytes"] if cell["bytes"] is not None else Path(cell["path"]).read_bytes()
        verify(data, f"{place}[{number}]")
        with Image.open(io.BytesIO(data)) as image:
            suffix = {"JPEG": ".jpg", "TIFF": ".tif"}.get(str(image.format), f".{str(image.format).lower()}")
        write_atomically(folder / f"{stems[number] if own else f'{number:05}'}{suffix}", data)


def _split(path: Path) -> str:
    words = (word for folder in path.parts[:-1] for word in re.split("[^a-z]+", folder.lower()))
    return next((WORDS[word] for word in words if word in WORDS), "train")


def sound(paths: Sequence[Path]) -> list[Path]:
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
