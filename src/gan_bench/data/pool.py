"""A pool of training pairs that mixes what was degraded together (Real-ESRGAN, https://arxiv.org/abs/2107.10833).

Where a batch shares the draws of its degradation, its samples are alike; the pool gives back pairs of many batches.
Differs from the authors' code: it exchanges random places instead of shuffling all of itself, which comes to the same;
its size rounds itself up to a multiple of the batch; and it is part of a checkpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gan_bench.batch import Batch
from gan_bench.chance import generator
from gan_bench.errors import UsageError

__all__ = ["PairPool"]


class PairPool:
    """Fills with the first batches, which pass through; then each batch is exchanged for as many random pairs.

    Args:
        size: pairs to hold, rounded up to a multiple of the batch; kept in 8 bit, on the device of the batches.
        seed: of the run.
        rank: of the process, whose pool this is.

    Raises:
        UsageError: the size is no whole number above 0.
    """

    def __init__(self, size: int, seed: int, rank: int = 0) -> None:
        if type(size) is not int or size < 1:
            raise UsageError(f"pool={size}: a whole number of training pairs is needed, or null for none")
        self.size, self.seed, self.rank = size, seed, rank
        self.pairs: list[tuple[Tensor, Tensor, str]] = []

    def exchange(self, batch: Batch, step: int) -> Batch:
        """Give a batch, get one of the same size; pairs of another size than the batch's are forgotten.

        Args:
            batch: (B, C, h, w) and (B, C, H, W) in [0, 1].
            step: keys the choice.
        """
        count, device = len(batch.gt), batch.gt.device
        given = [(_packed(lq), _packed(gt), name) for lq, gt, name in zip(*batch, strict=True)]
        if self.pairs and self.pairs[0][1].shape != batch.gt.shape[1:]:
            self.pairs = []
        if len(self.pairs) < -(-self.size // count) * count:
            self.pairs += given
            return batch
        places = generator("pool", self.seed, step, self.rank).choice(len(self.pairs), count, replace=False).tolist()
        lq, gt, names = zip(*[self.pairs[place] for place in places], strict=True)
        for place, pair in zip(places, given, strict=True):
            self.pairs[place] = pair
        return Batch(_unpacked(lq).to(device), _unpacked(gt).to(device), names)

    def state_dict(self) -> dict[str, Any]:
        """The pairs, on the CPU."""
        return {"pairs": [(lq.cpu(), gt.cpu(), name) for lq, gt, name in self.pairs]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on with these pairs."""
        self.pairs = list(state["pairs"])


def _packed(image: Tensor) -> Tensor:
    return (image * 255).round().clamp(0, 255).byte()


def _unpacked(images: Sequence[Tensor]) -> Tensor:
    """(B, C, H, W) in [0, 1]; a pool that was loaded may lie on the CPU in part."""
    return torch.stack([image.to(images[0].device) for image in images]).float() / 255
