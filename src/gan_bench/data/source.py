"""What a data set gives: three lists of images, from which training takes crops and judging takes pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch.utils.data import Dataset

from gan_bench.cells import Split
from gan_bench.data.images import Images
from gan_bench.data.sampler import Crops, PairedCrops, UnpairedCrops
from gan_bench.data.testset import Degraded, Given, TestSet
from gan_bench.degradations.base import Degradation
from gan_bench.errors import UsageError

__all__ = ["Source"]


class Source:
    """Images to train on, to validate by and to test on; no scene is in two of them.

    Args:
        gt: by split (train, validation, test), images as they should be.
        num_ch: channels of a training image.
        lq: by split, images that are lq already, which `degradation=given` takes; None where there are none.
        paired: whether `lq` shows the scenes of gt, under the same names and in the same order.
        unpaired: train on the lq of one half of the images and the gt of the other half, so that no scene is seen from
            both sides; what is judged stays as it is.
        turns: whether training crops are turned by quarters; they are mirrored in any case.
    """

    def __init__(
        self,
        gt: Mapping[str, Images],
        num_ch: int = 3,
        lq: Mapping[str, Images] | None = None,
        paired: bool = True,
        unpaired: bool = False,
        turns: bool = True,
    ) -> None:
        self.gt, self.lq, self.num_ch = gt, lq, num_ch
        self.paired, self.unpaired, self.turns = paired, unpaired, turns

    def crops(self, degradation: Degradation, patches: Sequence[tuple[int, int]], seed: int) -> Dataset[Any]:
        """The endless stream of training samples.

        Args:
            degradation: what makes lq, or takes it as given.
            patches: `(first position, patch in gt pixels)`, ascending.
            seed: of the run.

        Raises:
            UsageError: this data set has no lq of its own, or nothing else.
        """
        lq, scale, gt = self._given(degradation, "train"), degradation.scale, self.gt["train"]
        if lq is not None and scale > 1 and gt.view.size:
            raise UsageError(
                f"dataset.resize={gt.view.size}: it brings lq and gt to one size, at scale {scale} they have two"
            )
        if lq is None and not self.unpaired:
            return Crops(gt, patches, seed, degradation.margin, self.turns)
        if lq is not None and self.paired and not self.unpaired:
            return PairedCrops(lq, gt, patches, seed, scale, self.turns)
        first, second = gt.halves() if self.paired else (range(len(lq or gt)), range(len(gt)))
        image = Crops((lq or gt).only(first), patches, seed, degradation.margin, self.turns, scale if lq else 1)
        return UnpairedCrops(image, gt.only(second), patches, seed, self.turns)

    def tests(
        self,
        split: Split,
        name: str,
        degradation: Degradation,
        described: Mapping[str, Any] | None = None,
        frozen: bool = False,
    ) -> TestSet:
        """One split as a set to judge on.

        Args:
            split: which.
            name: of the set.
            degradation: what makes lq, or takes it as given.
            described: name and parameters of the degradation, for the result.
            frozen: lq images that are made are kept in the cache.

        Raises:
            UsageError: this data set has no lq of its own, or nothing else; or sizes that do not match.
        """
        gt, lq = self.gt[split].unresized(), self._given(degradation, split)
        if lq is None:
            return Degraded(name, gt, degradation, dict(described or {}), frozen=frozen)
        lq, scale = lq.unresized(), degradation.scale
        return Given(name, lq, gt, scale) if self.paired else Given(name, lq, None, scale, gt)

    def _given(self, degradation: Degradation, split: str) -> Images | None:
        """The lq of a split, None where it is made."""
        if degradation.given and self.lq is None:
            raise UsageError(
                "degradation=given: this data set has no lq images of its own; take dataset=pairs or dataset=unpaired, "
                "or a degradation that makes them"
            )
        if not degradation.given and not self.paired:
            raise UsageError("dataset.paired=false: its two sides are all there is to it; leave degradation=given")
        return self.lq[split] if degradation.given and self.lq else None
