"""The endless stream of training samples, indexed by position: every choice is a function of (seed, position).

Position p is the p-th sample since the start of training, over all ranks. Pass p // n goes once through the n images in
an order of its own; crop, flip and rotation come from a generator keyed by the position. So order, workers, ranks and
restarts change nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch.utils.data import Dataset, Sampler

from gan_bench.batch import Pair, Sample
from gan_bench.chance import generator, seed_of
from gan_bench.data.images import Images
from gan_bench.errors import UsageError
from gan_bench.image import to_tensor

__all__ = ["Crops", "PairedCrops", "PositionSampler", "UnpairedCrops"]

Patches = Sequence[tuple[int, int]]
"""`(first position, patch in pixels)`, ascending; the patch may grow with the stages."""


class PositionSampler(Sampler[int]):
    """The positions that one rank takes in a training of `steps` batches.

    A step takes `batch` consecutive positions, and rank r of R its r-th part of them: one rank with batch 8 and two
    with 4 see the same samples.

    Args:
        steps: batches of the whole training, which is also its length, wherever it begins.
        batch: samples per step over all ranks.
        rank: this process.
        ranks: number of processes; divides `batch`.
        first: step at which it begins: those done where a training goes on.
    """

    def __init__(self, steps: int, batch: int, rank: int = 0, ranks: int = 1, first: int = 0) -> None:
        if batch % ranks:
            raise UsageError(
                f"budget.batch={batch} does not divide among {ranks} processes; take a multiple of {ranks}"
            )
        self.steps, self.batch, self.share, self.rank, self.first = steps, batch, batch // ranks, rank, first

    def __len__(self) -> int:
        return self.steps * self.share

    def __iter__(self) -> Iterator[int]:
        for step in range(self.first, self.steps):
            first = step * self.batch + self.rank * self.share
            yield from range(first, first + self.share)


class Crops(Dataset[Sample]):
    """Random crops, mirrored and turned by quarters, one for each position.

    Args:
        images: what to crop from.
        patches: in gt pixels.
        seed: of the run.
        margin: pixels of the image around the patch that come with it on each side, mirrored beyond the image's border.
        turns: whether crops are turned.
        scale: gt over these images, 1 where they are gt.
    """

    def __init__(
        self, images: Images, patches: Patches, seed: int, margin: int = 0, turns: bool = True, scale: int = 1
    ) -> None:
        self.images, self.patches, self.seed, self.margin = images, patches, seed, margin
        self.turns, self.scale = turns, scale

    def __getitem__(self, position: int) -> Sample:
        index, patch = _index(self.images, self.seed, position), _patch(self.patches, position)
        pixels = self.images[index]
        _check_size(self.images.paths[index], pixels.shape, patch, self.scale)
        rng = generator("crop", self.seed, position)
        cut = _drawn(pixels.shape, patch // self.scale, rng, self.turns)
        return Sample(to_tensor(cut.of(pixels, self.margin)), self.images.names[index], position)


class PairedCrops(Dataset[Pair]):
    """Crops of lq and gt that show the same: where they lie is drawn on the lq's grid.

    Args:
        lq: the one side.
        gt: the other, in the same order; each image is `scale` times as large as its lq.
        patches: in gt pixels.
        seed: of the run.
        scale: gt over lq.
        turns: whether crops are turned.
    """

    def __init__(self, lq: Images, gt: Images, patches: Patches, seed: int, scale: int, turns: bool = True) -> None:
        self.lq, self.gt, self.patches, self.seed, self.scale, self.turns = lq, gt, patches, seed, scale, turns

    def __getitem__(self, position: int) -> Pair:
        index, patch = _index(self.gt, self.seed, position), _patch(self.patches, position)
        lq, gt = self.lq[index], self.gt[index]
        (height, width), (high, wide) = lq.shape[:2], gt.shape[:2]
        if (high // self.scale, wide // self.scale) != (height, width):  # as gt is cropped where it is judged
            raise UsageError(
                f"{self.gt.paths[index]}: gt {wide}x{high} does not fit lq {width}x{height} at scale {self.scale}; set "
                "degradation.scale to what it is, or bring both to one size"
            )
        _check_size(self.lq.paths[index], lq.shape, patch, self.scale)
        cut = _drawn(lq.shape, patch // self.scale, generator("crop", self.seed, position), self.turns)
        large = cut.enlarged(self.scale)
        return Pair(to_tensor(cut.of(lq)), to_tensor(large.of(gt)), self.gt.names[index], position)


class UnpairedCrops(Dataset[Pair]):
    """Crops of two sides that know nothing of each other.

    Args:
        image: crops of what is lq, or becomes it.
        gt: images of the other side.
        patches: of gt, in its pixels.
        seed: of the run.
        turns: whether crops of gt are turned.
    """

    def __init__(self, image: Crops, gt: Images, patches: Patches, seed: int, turns: bool = True) -> None:
        self.image, self.gt = image, Crops(gt, patches, seed_of("the other side", seed), turns=turns)

    def __getitem__(self, position: int) -> Pair:
        image = self.image[position]
        return Pair(image.image, self.gt[position].image, image.name, position)


class _Cut(NamedTuple):
    """A square of an image, how often it is turned, and whether it is mirrored then."""

    top: int
    left: int
    side: int
    turns: int
    mirrored: bool

    def enlarged(self, scale: int) -> _Cut:
        """The same square of an image `scale` times as large."""
        return self._replace(top=self.top * scale, left=self.left * scale, side=self.side * scale)

    def of(self, pixels: np.ndarray, margin: int = 0) -> np.ndarray:
        """(H, W, C) -> that square with `margin` pixels around it, turned and mirrored."""
        height, width = pixels.shape[:2]
        rows, columns = (
            _mirrored(first, self.side, margin, size) for first, size in ((self.top, height), (self.left, width))
        )
        crop = np.rot90(pixels[rows][:, columns], self.turns)
        return np.ascontiguousarray(crop[:, ::-1] if self.mirrored else crop)


def _drawn(shape: Sequence[int], side: int, rng: np.random.Generator, turned: bool) -> _Cut:
    top, left = (int(rng.integers(size - side + 1)) for size in shape[:2])
    turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))
    return _Cut(top, left, side, turns if turned else 0, mirrored)


def _index(images: Images, seed: int, position: int) -> int:
    turn, slot = divmod(position, len(images))
    return int(_order(seed, turn, len(images))[slot])


def _patch(patches: Patches, position: int) -> int:
    return next(size for first, size in reversed(patches) if position >= first)


def _check_size(path: Path, shape: Sequence[int], patch: int, scale: int) -> None:
    """Raise UsageError where an image is smaller than a crop of it; `budget.patch` counts the pixels of gt."""
    (height, width), side = shape[:2], patch // scale
    if min(height, width) < side:
        raise UsageError(
            f"{path}: {width}x{height} is smaller than the patch of {side} pixels; "
            f"remove it or set budget.patch to {min(height, width) * scale} or less"
        )


def _mirrored(first: int, patch: int, margin: int, size: int) -> slice | np.ndarray:
    """Where a patch and its margin lie on an axis; positions beyond the image are mirrored at its border pixels."""
    start, stop = first - margin, first + patch + margin
    if start >= 0 and stop <= size:
        return slice(start, stop)
    positions = np.arange(start, stop) % max(1, 2 * size - 2)
    folded: np.ndarray = np.minimum(positions, abs(2 * size - 2 - positions))
    return folded


@lru_cache(maxsize=4)
def _order(seed: int, turn: int, count: int) -> np.ndarray:
    return generator("order", seed, turn).permutation(count)
