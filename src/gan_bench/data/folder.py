"""A data set that is a folder: all of its images are gt, from which lq is made."""

from __future__ import annotations

from gan_bench.data.images import Images, list_images, sound
from gan_bench.data.pages import View
from gan_bench.data.source import Source
from gan_bench.data.splits import by_page, complete_splits

__all__ = ["Folder"]


class Folder(Source):
    """Any tree of images, split as its folders say (train, validation or val, test) or by the hash of the stem.

    Args:
        root: the tree. A broken file is named, and left out.
        num_ch: channels of a training image, 3 or 1.
        limit: train on this many images only.
        part: `left` or `right`: that half of each picture, of which two stand side by side; null: all of it.
        peak: what counts as white: a number as it is stored; `file`: the largest number of each file, all its pages
            together; null: the largest that 8 or 16 bits can hold.
        window: width of the range of stored numbers that is shown, instead of all up to `peak`.
        level: the number in its middle.
        unpaired: train on the lq of one half of the images and the gt of the other.
        turns: whether training crops are turned by quarters.
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
        window: float | None = None,
        level: float | None = None,
        unpaired: bool = False,
        turns: bool = True,
        wanted: str = "",
    ) -> None:
        view = View(part, peak, window, level).checked()
        given = {split: sound(paths) for split, paths in list_images(root, wanted=wanted).items()}
        splits = complete_splits(by_page(given, root), root)
        gt = {split: Images(splits[split], root, None, view) for split in splits}
        gt["train"] = Images(splits["train"], root, num_ch, view).subset(limit)
        super().__init__(gt, num_ch, unpaired=unpaired, turns=turns)
