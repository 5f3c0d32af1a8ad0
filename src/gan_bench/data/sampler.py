"""The endless stream of training samples, indexed by position: every choice is a function of (seed, position).

Position p is the p-th sample since the start of training, over all ranks. Pass p // n goes once through the n images in
an order of its own; crop, flip and rotation come from a generator keyed by the position. So order, workers, ranks and
restarts change nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from torch.utils.data import Dataset, Sampler

from gan_bench.batch import Sample
from gan_bench.chance import generator
from gan_bench.data.images import Images
from gan_bench.errors import UsageError
from gan_bench.image import to_tensor

__all__ = ["Crops", "PositionSampler"]


class PositionSampler(Sampler[int]):
    """The positions that one rank takes in one epoch of `steps` batches.

    A step takes `batch` consecutive positions, and rank r of R its r-th part of them: one rank with batch 8 and two
    with 4 see the same samples. Lightning calls `set_epoch`, also after a restart.

    Args:
        steps: batches per epoch.
        batch: samples per step over all ranks.
        rank: this process.
        ranks: number of processes; divides `batch`.
    """

    def __init__(self, steps: int, batch: int, rank: int = 0, ranks: int = 1) -> None:
        if batch % ranks:
            raise UsageError(
                f"budget.batch={batch} does not divide among {ranks} processes; take a multiple of {ranks}"
            )
        self.steps, self.batch, self.share, self.rank = steps, batch, batch // ranks, rank
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Start the next iteration at batch `epoch * steps`."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.steps * self.share

    def __iter__(self) -> Iterator[int]:
        for step in range(self.epoch * self.steps, (self.epoch + 1) * self.steps):
            first = step * self.batch + self.rank * self.share
            yield from range(first, first + self.share)


class Crops(Dataset[Sample]):
    """Random crops, flipped and rotated by quarter turns, one for each position.

    Args:
        images: what to crop from.
        patches: `(first position, patch in gt pixels)`, ascending; the patch may grow with the stages.
        seed: of the run.
        margin: pixels of the image around the patch that come with it on each side, mirrored beyond the image's border.
    """

    def __init__(self, images: Images, patches: Sequence[tuple[int, int]], seed: int, margin: int = 0) -> None:
        self.images, self.patches, self.seed, self.margin = images, patches, seed, margin

    def __getitem__(self, position: int) -> Sample:
        turn, slot = divmod(position, len(self.images))
        index = int(_order(self.seed, turn, len(self.images))[slot])
        patch = next(size for first, size in reversed(self.patches) if position >= first)
        crop = self._crop(index, patch, generator("crop", self.seed, position))
        return Sample(to_tensor(crop), self.images.names[index], position)

    def _crop(self, index: int, patch: int, rng: np.random.Generator) -> np.ndarray:
        pixels = self.images[index]
        height, width = pixels.shape[:2]
        if min(height, width) < patch:
            raise UsageError(
                f"{self.images.paths[index]}: {width}x{height} is smaller than the patch of {patch} pixels; "
                f"remove it or set budget.patch to {min(height, width)} or less"
            )
        top, left = rng.integers(height - patch + 1), rng.integers(width - patch + 1)
        turns, mirrored = int(rng.integers(4)), rng.integers(2)
        rows, columns = (_mirrored(first, patch, self.margin, size) for first, size in ((top, height), (left, width)))
        crop = np.rot90(pixels[rows][:, columns], turns)
        return np.ascontiguousarray(crop[:, ::-1] if mirrored else crop)


def _mirrored(first: int, patch: int, margin: int, size: int) -> slice | np.ndarray:
    """Where a patch and its margin lie on an axis; positions beyond the image are mirrored at its border pixels."""
    start, stop = first - margin, first + patch + margin
    if start >= 0 and stop <= size:
        return slice(start, stop)
    positions = np.arange(start, stop) % max(1, 2 * size - 2)
    folded: np.ndarray = np.minimum(positions, abs(2 * size - 2 - positions))
    return folded


@lru_cache(maxsize=2)
def _order(seed: int, turn: int, count: int) -> np.ndarray:
    return generator("order", seed, turn).permutation(count)
