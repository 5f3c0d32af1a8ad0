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

GT = ("hr", "gt", "gtmod12", "high", "target", "sharp", "original")
LQ = ("lr_bicubic/x{}", "lrbicx{}", "lr/x{}", "lr", "lq", "low", "input", "blur")  # {}: the scale


class Judged(Source):
    """Images to test on, directly in a folder, or in folders below it that are called as is usual.

    gt lies in HR, GT, GTmod12, high, target, sharp or original; lq of its own, which `degradation=given` takes, in
    LR_bicubic/X4 (4 is the scale), LRbicx4, LR/X4, LR, LQ, low, input or blur; letters of any case, the first that is
    there. Images directly in the folder are gt where no such folder is.

    Args:
        root: the folder. A broken file is named, and left out.
        hub: in its place a Hugging Face data set, USER/NAME or a folder; its files are kept in the cache.
        hub_config: of the data set; null where it has but one.
        hub_split: of the data set.
        column: of gt images; where gt is false, of lq images.
        lq_column: of lq images, where it has some.
        gt: another name of gt's folder; false: there is no gt, and what lies directly in the root is lq.
        lq: another name of lq's folder.
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
        self.lq_names, self.expected = (lq,) if lq else LQ, images
        sides = {} if gt is False else self._gt((gt,) if isinstance(gt, str) else GT)
        if isinstance(gt, str) and not sides:
            raise UsageError(f"{self.place}: no images found in {gt} below it; {wanted or 'see dataset.gt'}")
        self.only_lq = not sides and (gt is False or self._folder(self.lq_names) is not None)
        if not sides and not self.only_lq:
            looked = f"looked for images in it and in {', '.join(GT[:4])} ... below it"
            raise UsageError(f"{self.place}: no images found; {wanted or looked}")
        super().__init__(sides, num_ch, paired=paired)

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
        gt, scale = self.gt.get("test"), degradation.scale
        if not degradation.given and not self.paired:
            raise UsageError("dataset.paired=false: its two sides are all there is to it; leave degradation=given")
        if not degradation.given:
            if gt is None:
                raise UsageError(f"{self.place}: it has no ground truth to make lq from; take degradation=given")
            return Degraded(self._called(name, len(gt)), gt, degradation, dict(described or {}), frozen=frozen)
        lq = self._given_lq(scale)
        name = self._called(name, len(lq))
        if gt is None or not self.paired:
            return Given(name, lq, None, scale, gt)
        return Given(name, _named_as(gt, lq), gt, scale)

    def _gt(self, names: Sequence[str]) -> dict[str, Images]:
        """The one split, of the folder of gt, else of the images that lie directly in the root where no lq is."""
        folder = self._folder(names)
        if folder is None and names is GT and self._folder(self.lq_names) is None and _files(self.root):
            folder = self.root
        return {} if folder is None else {"test": self._images(folder)}

    def _given_lq(self, scale: int) -> Images:
        folder = self._folder(self.lq_names, scale) or (self.root if self.only_lq else None)
        if folder is None:
            names = ", ".join(name.replace("{}", str(scale)) for name in self.lq_names)
            raise UsageError(
                f"{self.place}: degradation=given, and no lq images of scale {scale}: put them into one of {names} "
                "below it, or take a degradation that makes them"
            )
        return self._images(folder)

    def _folder(self, names: Iterable[str], scale: int | None = None) -> Path | None:
        """The first of these folders that holds images; without a scale, those of any."""
        for name in names:
            found = [self.root]
            for part in name.split("/"):
                kind = re.escape(part).replace(r"\{\}", str(scale or r"\d"))
                found = [one for folder in found for one in _children(folder) if re.fullmatch(kind, one.name, re.I)]
            if holding := [folder for folder in found if _files(folder)]:
                return holding[0]
        return None

    def _images(self, folder: Path) -> Images:
        files = sound(_files(folder))
        if not files:
            raise UsageError(f"{self.place}: no readable image in {folder}")
        return Images(files, folder, num_ch=None)

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
