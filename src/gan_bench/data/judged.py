"""A data set that is only judged: every image is a test image, of a folder or of a Hugging Face data set.

The benchmarks of super-resolution, denoising and deblurring are such sets: small, fixed, and never trained on.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

from torch.utils.data import Dataset

from gan_bench.cells import Split
from gan_bench.data.images import Images, hub_folder, sound
from gan_bench.data.source import Source
from gan_bench.data.testset import Degraded, Given, TestSet
from gan_bench.degradations.base import Degradation
from gan_bench.errors import UsageError
from gan_bench.image import SUFFIXES

__all__ = ["Judged"]

log = logging.getLogger(__name__)

# {} is the scale, and * what tells images apart: their names, joined by "-" as in the usual flat copies of GoPro
FLAT = "*"  # directly in the root
GT: tuple[str, ...] = ("hr", "gt", "gtmod12", "high", "target", "sharp", "original")
LQ: tuple[str, ...] = ("lr_bicubic/x{}", "lrbicx{}", "lr/x{}", "lr", "lq", "low", "input", "blur")
GT += ("*/sharp", "image_srf_{}/*_srf_{}_hr", "*_srf_{}_hr")
LQ += ("*/blur", "image_srf_{}/*_srf_{}_lr", "*_srf_{}_lr")


class Judged(Source):
    """Images to test on, directly in a folder, or in folders below it that are called as is usual.

    gt lies in HR, GT, GTmod12, high, target, sharp or original; lq of its own, which `degradation=given` takes, in
    LR_bicubic/X4 (4 is the scale), LRbicx4, LR/X4, LR, LQ, low, input or blur; letters of any case, the first that is
    there. Images directly in the folder are gt where no such folder is.

    Three sets open as their authors ship them: GoPro, a folder SCENE/sharp and SCENE/blur for each scene, whose images
    are called SCENE-000001; Set5, Set14, BSD100 and Urban100 of SelfExSR, image_SRF_4/img_001_SRF_4_HR.png and _LR.png
    among the results of others, called img_001, at the scale of the run alone; and DIV2K, whose DIV2K_valid_HR has its
    lq beside it, in DIV2K_valid_LR_bicubic/X4.

    Args:
        root: the folder. A broken file is named, and left out.
        hub: in its place a Hugging Face data set, USER/NAME or a folder; its files are kept in the cache.
        hub_config: of the data set; null where it has but one.
        hub_split: of the data set.
        column: of gt images; where gt is false, of lq images.
        lq_column: of lq images, where it has some.
        gt: another name of gt's folder, such as "*/gt" for one in each folder of a scene; with a * behind its last
            slash, of the files in it without their suffixes, "X{}/*_HR", where {} is the scale. False: there is no gt,
            and what lies directly in the root is lq.
        lq: the same of lq; "../lr" lies beside the root.
        paired: false where gt shows other scenes than lq: it is then what metrics of sets compare with.
        images: how many there are. A set of another number is called by it, as `bsd100_20`.
        num_ch: channels of a model for these images, 3 or 1; each image keeps its own.
        wanted: what to put where, for the message where there is no such folder.

    Raises:
        UsageError: no folder, no images in it, or a data set that cannot be loaded.
    """

    def __init__(
        self,
        root: str | None = None,
        hub: str | None = None,
        hub_config: str | None = None,
        hub_split: str = "test",
        column: str = "image",
        lq_column: str | None = None,
        gt: str | bool | None = None,
        lq: str | None = None,
        paired: bool = True,
        images: int | None = None,
        num_ch: int = 3,
        wanted: str = "",
    ) -> None:
        if hub:
            columns = {"lq": column} if gt is False else {"gt": column, **({"lq": lq_column} if lq_column else {})}
            self.root, self.place = hub_folder(hub, hub_config, hub_split, columns), f"dataset.hub={hub}"
            gt, lq = gt if gt is False else "gt", "lq"
        elif root:
            self.root, self.place = Path(root).expanduser(), f"dataset.root={root}"
        else:
            raise UsageError("dataset.root=DIR or dataset.hub=USER/NAME is needed: the images to judge on")
        if not self.root.is_dir():
            raise UsageError(f"{self.place}: no such folder; {wanted or 'name one that holds images'}")
        self.lq_names = (lq,) if lq else (*_usual(LQ, self.root), *_beside(self.root))
        self.lq_names += (FLAT,) if gt is False else ()
        own = bool(_found(self.root, [name for name in self.lq_names if not name.startswith("../")]))
        self.gt_names = () if gt is False else (gt,) if isinstance(gt, str) else _usual(GT, self.root)
        if gt is None and not own and not _found(self.root, self.gt_names):
            self.gt_names = (FLAT,)
        held = bool(_found(self.root, self.gt_names))
        if isinstance(gt, str) and not held:
            raise UsageError(f"{self.place}: no images found in {gt} below it; {wanted or 'see dataset.gt'}")
        if not held and not own:
            looked = f"looked for images in it and in {', '.join(GT[:4])} ... below it"
            raise UsageError(f"{self.place}: no images found; {wanted or looked}")
        self.only_lq, self.expected = not held, images
        self._opened: dict[tuple[Path, ...], Images] = {}
        super().__init__({}, num_ch, paired=paired)  # which images they are, only the scale says

    def crops(self, degradation: Degradation, patches: Sequence[tuple[int, int]], seed: int) -> Dataset[Any]:
        """Raise UsageError: there is nothing to train on."""
        self._refuse("training")

    def tests(
        self,
        split: Split,
        name: str,
        degradation: Degradation,
        described: Mapping[str, Any] | None = None,
        frozen: bool = False,
    ) -> TestSet:
        """All images as a set to judge on, called by their number where others are expected; see `Source.tests`.

        Raises:
            UsageError: another split than test; no lq, or no gt, where it is needed; or sizes that do not match.
        """
        if split != "test":
            self._refuse(split)
        if not degradation.given and not self.paired:
            raise UsageError("dataset.paired=false: its two sides are all there is to it; leave degradation=given")
        scale = degradation.scale
        gt = None if self.only_lq else self._images("gt", self.gt_names, scale, "take another scale")
        if not degradation.given:
            if gt is None:
                raise UsageError(f"{self.place}: it has no ground truth to make lq from; take degradation=given")
            return Degraded(self._called(name, len(gt)), gt, degradation, dict(described or {}), frozen=frozen)
        lq = self._images("lq", self.lq_names, scale, "take a degradation that makes them, not given")
        name = self._called(name, len(lq))
        if gt is None or not self.paired:
            return Given(name, lq, None, scale, gt)
        return Given(name, _named_as(gt, lq), gt, scale)

    def _images(self, side: str, names: Sequence[str], scale: int, way_out: str) -> Images:
        """The images of one side, opened once, however many cells take them."""
        files = _found(self.root, names, scale)
        if not files:
            places = ", ".join(name.replace("{}", str(scale)) for name in names if name != FLAT)
            raise UsageError(
                f"{self.place}: no {side} images of scale {scale}: put them into one of {places} below it, or {way_out}"
            )
        if tuple(files) not in self._opened:
            self._opened[tuple(files)] = self._open(files)
        return self._opened[tuple(files)]

    def _open(self, files: Mapping[Path, str]) -> Images:
        """Those that can be read, under these names, or by their files' where two are alike."""
        folder = next(iter(files)).parent
        by_files = Images(sound(list(files)), folder, num_ch=None)
        if not by_files:
            raise UsageError(f"{self.place}: no readable image in {folder}")
        names = [files[page.path] + page.label for page in by_files.pages]
        return by_files if len(set(names)) < len(names) else Images(by_files.pages, num_ch=None, names=names)

    def _called(self, name: str, count: int) -> str:
        """The set's name; that of a part says so."""
        if self.expected in (None, count):
            return name
        _say_part(self.place, count, name, self.expected)
        return f"{name}_{count}"

    def _refuse(self, what: str) -> NoReturn:
        raise UsageError(
            f"{self.place}: a data set that is only judged has no images for {what}; train on another and add "
            "suite.cells='[{dataset: NAME}]'"
        )


@lru_cache
def _say_part(place: str, count: int, name: str, expected: int | None) -> None:
    """Once in a process."""
    log.info("%s: %d images, %s has %s: it is judged as %s_%d", place, count, name, expected, name, count)


def _usual(names: Sequence[str], root: Path) -> tuple[str, ...]:
    """These names; beside images that lie in the root itself no folders of other names are looked through."""
    loose = bool(_files(root))
    return tuple(name for name in names if not (loose and ("*/" in name or "/*" in name)))


def _beside(root: Path) -> tuple[str, ...]:
    """Where lq of DIV2K_valid_HR lies: in DIV2K_valid_LR_bicubic/X4."""
    name = root.absolute().name
    stem = re.sub("_hr$", "", name, flags=re.IGNORECASE)
    return () if stem == name else (f"../{stem}_lr_bicubic/x{{}}",)


def _found(root: Path, names: Iterable[str], scale: int | None = None) -> dict[Path, str]:
    """The image files of the first of these names that has any, each with its own; without a scale, those of any."""
    return next((files for name in names if (files := _held(root, name, scale))), {})


def _held(root: Path, name: str, scale: int | None) -> dict[Path, str]:
    """The image files of one name, in the order of their paths, by what its stars stand for."""
    if name.startswith("../"):
        return _held(root.absolute().parent, name.removeprefix("../"), scale)
    *above, last = name.split("/") if "*" in name.rpartition("/")[2] else (*name.split("/"), FLAT)
    folders: list[tuple[Path, tuple[str, ...]]] = [(root, ())]
    for part in above:
        folders = [
            (below, (*stars, *fit.groups()))
            for folder, stars in folders
            for below in _children(folder)
            if (fit := _pattern(part, scale).fullmatch(below.name))
        ]
    held: dict[tuple[str, ...], dict[Path, str]] = {}  # of folders whose names differ in case alone, the first
    for folder, stars in folders:
        fits = ((file, _pattern(last, scale).fullmatch(file.stem)) for file in _files(folder))
        if files := {file: "-".join((*stars, *fit.groups())) for file, fit in fits if fit}:
            held.setdefault(stars, files)
    return {file: called for files in held.values() for file, called in files.items()}


def _pattern(part: str, scale: int | None) -> re.Pattern[str]:
    kind = re.escape(part).replace(r"\{\}", str(scale or r"\d+")).replace(r"\*", "(.+)")
    return re.compile(kind, re.IGNORECASE)


def _children(folder: Path) -> list[Path]:
    return sorted(one for one in folder.iterdir() if one.is_dir())


def _files(folder: Path) -> list[Path]:
    """The image files directly in a folder."""
    files = (one for one in folder.iterdir() if one.suffix.lower() in SUFFIXES and not one.name.startswith("."))
    return sorted(one for one in files if one.is_file())


def _named_as(gt: Images, lq: Images) -> Images:
    """Lq under gt's names, where it has a scale behind them, `babyx4`."""
    names = [re.sub(r"x\d+$", "", name) for name in lq.names]
    if set(lq.names) != set(gt.names) == set(names):
        return Images(lq.pages, num_ch=lq.num_ch, view=lq.view, names=names)
    return lq
