"""A data set with two sides of its own: lq and gt in two folders, or next to each other in one picture.

As the data of pix2pix (https://arxiv.org/abs/1611.07004) and CycleGAN (https://arxiv.org/abs/1703.10593) are laid out,
and the lq and gt folders of super-resolution. Under `degradation=given` lq is what the data say; any other degradation
makes it from gt.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path

from gan_bench.cells import SPLITS
from gan_bench.data.images import Images, list_images, sound
from gan_bench.data.pages import Page, View, pages_of
from gan_bench.data.source import Source
from gan_bench.data.splits import by_page, complete_splits
from gan_bench.errors import UsageError

__all__ = ["Pairs"]


class Pairs(Source):
    """Images of two sides, split as gt's folders say (train, validation, test) or by the hash of its stems.

    Args:
        lq: folder of the one side.
        gt: folder of the other. Files belong together by their paths below the two, or by their stems; an lq may have
            the scale behind its stem, `0001x4.png`.
        root: in the place of both, a folder of pictures that show the two sides next to each other.
        part: `left` or `right`: which half of such a picture is gt. Of an odd width the middle column is neither's.
        paired: false where the sides show different scenes: each is split by itself, and nothing is compared with gt.
        num_ch: channels of a training image, 3 or 1.
        limit: train on this many pairs only; of an unpaired set, on this many images of each side.
        unpaired: train on the lq of one half of the pairs and the gt of the other.
        resize: pixels to which the shorter side of a training image is brought before it is cropped, at scale 1.
        turns: whether training crops are turned by quarters.
        peak: what counts as white, as in `Folder`.
        window: width of the range of stored numbers that is shown, instead of all up to `peak`.
        level: the number in its middle.
        wanted: what to put where, for the message where there is no such folder.

    Raises:
        UsageError: no such folders, an empty side, files without a partner, or too few to split.
    """

    def __init__(
        self,
        lq: str | None = None,
        gt: str | None = None,
        root: str | None = None,
        part: str = "left",
        paired: bool = True,
        num_ch: int = 3,
        limit: int | None = None,
        unpaired: bool = False,
        resize: int | None = None,
        turns: bool = True,
        peak: float | str | None = None,
        window: float | None = None,
        level: float | None = None,
        wanted: str = "",
    ) -> None:
        _check_places(lq, gt, root, part, paired)
        if peak == "file" and not root:
            raise UsageError("dataset.peak=file: it would scale lq and gt apart; write the number that counts as white")
        view = View(part if root else None, peak, window, level, resize).checked()
        gt_side = _Side(root or str(gt), "dataset.root=" if root else "dataset.gt=", view, wanted)
        lq_side = gt_side if root else _Side(str(lq), "dataset.lq=", view, wanted)
        partner = _partners(lq_side, gt_side) if paired else None
        files = gt_side.split(partner)
        gt_images = {split: gt_side.images(files[split], split, num_ch) for split in SPLITS}
        gt_images["train"] = gt_images["train"].subset(limit)
        if partner is not None:
            other = view.other if root else view
            lq_images = {split: _beside(images, partner, other) for split, images in gt_images.items()}
        else:
            files = lq_side.split()
            lq_images = {split: lq_side.images(files[split], split, num_ch, judged_ch=num_ch) for split in SPLITS}
            lq_images["train"] = lq_images["train"].subset(limit)
        super().__init__(gt_images, num_ch, lq_images, paired, unpaired, turns)


class _Side:
    """One folder: its sound files by split."""

    def __init__(self, root: str, option: str, view: View, wanted: str) -> None:
        self.root, self.option, self.view = root, option, view
        self.files = list_images(root, option, wanted)

    @property
    def all(self) -> list[Path]:
        """Every file, sound or not."""
        return [path for paths in self.files.values() for path in paths]

    def split(self, among: Container[Path] | None = None) -> dict[str, list[Path | Page]]:
        """The files by split, or their pages: those among some, else those that can be read."""
        given = {
            split: [path for path in paths if path in among] if among is not None else sound(paths)
            for split, paths in self.files.items()
        }
        return complete_splits(by_page(given, self.root, self.option), self.root, self.option)

    def images(self, files: list[Path | Page], split: str, num_ch: int, judged_ch: int | None = None) -> Images:
        """Training images have the set's channels and size, those that are judged their own."""
        if split == "train":
            return Images(files, self.root, num_ch, self.view)
        return Images(files, self.root, judged_ch, self.view._replace(size=None))


def _check_places(lq: str | None, gt: str | None, root: str | None, part: str | None, paired: bool) -> None:
    if root is not None and (lq is not None or gt is not None):
        raise UsageError("dataset.root holds both sides; leave out dataset.lq and dataset.gt, or it")
    if root is not None and part is None:
        raise UsageError("dataset.part=null: say which half of a picture is gt, left or right")
    if root is not None and not paired:
        raise UsageError("dataset.paired=false: sides that do not belong together lie in dataset.lq and dataset.gt")
    if lq is not None and gt is not None and Path(lq).expanduser().resolve() == Path(gt).expanduser().resolve():
        raise UsageError(f"dataset.lq={lq}: the same folder as dataset.gt; the two sides lie apart")
    if root is None and (lq is None or gt is None):
        missing = "dataset.gt" if lq is not None else "dataset.lq"
        raise UsageError(
            f"{missing}: a folder is needed: dataset.lq=DIR dataset.gt=DIR"
            + (", or dataset.root=DIR for pictures with both sides next to each other" if paired else "")
        )


def _partners(lq: _Side, gt: _Side) -> dict[Path, Path]:
    """By each gt file its lq file, where both are sound."""
    if lq is gt:
        return {path: path for path in sound(gt.all)}
    pairs = _matched(lq, gt)
    whole = set(sound([*pairs, *pairs.values()]))
    return {one: other for one, other in pairs.items() if one in whole and other in whole}


def _matched(lq: _Side, gt: _Side) -> dict[Path, Path]:
    """By their paths below the two folders, else by their stems, else by stems with a scale behind the lq's.

    Raises:
        UsageError: files without a partner.
    """
    tried = []
    for name_of_lq, name_of_gt in ((_below, _below), (_stem, _stem), (_stem_without_scale, _stem)):
        lq_by = {name_of_lq(path, lq.root): path for path in lq.all}
        gt_by = {name_of_gt(path, gt.root): path for path in gt.all}
        lonely = sorted(lq_by.keys() ^ gt_by.keys())
        if not lonely and (len(lq_by), len(gt_by)) == (len(lq.all), len(gt.all)):
            return {path: lq_by[name] for name, path in gt_by.items()}
        tried += [(lonely, "lq" if lonely[0] in lq_by else "gt")] if lonely else []
    raise UsageError(
        f"{lq.option}{lq.root} has {len(lq.all)} images and {gt.option}{gt.root} {len(gt.all)}, which do not pair: "
        f"{_cause(tried)}; match the names, or take dataset=unpaired"
    )


def _cause(tried: Sequence[tuple[list[str], str]]) -> str:
    """The files without a partner by the names that leave the fewest, and the side of the first."""
    if not tried:
        return "some differ by their suffix alone"
    lonely, side = min(tried, key=lambda one: len(one[0]))
    return f"{lonely[0]!r} of {side} has no partner of its name ({len(lonely)} such)"


def _below(path: Path, root: str) -> str:
    return path.relative_to(Path(root).expanduser().resolve()).with_suffix("").as_posix()


def _stem(path: Path, _: str) -> str:
    return path.stem


def _stem_without_scale(path: Path, _: str) -> str:
    return re.sub(r"x\d+$", "", path.stem)


def _beside(gt: Images, partner: Mapping[Path, Path], view: View) -> Images:
    """The lq images of gt images, under their names and in their order."""
    lq = {ours: theirs for path in dict.fromkeys(gt.paths) for ours, theirs in _pages(path, partner[path])}
    pages = [lq[page] for page in gt.pages]
    return Images(pages, num_ch=gt.num_ch, view=view._replace(size=gt.view.size), names=gt.names)


def _pages(gt: Path, lq: Path) -> Iterator[tuple[Page, Page]]:
    ours, theirs = pages_of(gt), pages_of(lq)
    if len(ours) != len(theirs):
        raise UsageError(f"{lq}: it has {len(theirs)} pages, and {gt} {len(ours)}; match them")
    return zip(ours, theirs, strict=True)
