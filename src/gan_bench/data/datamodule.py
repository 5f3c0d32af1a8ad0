"""The training data: a stream of crops, degraded in one batch on the device they are trained on."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import lightning as L
import torch
from torch import distributed
from torch.utils.data import DataLoader

from gan_bench.batch import Batch, Sample
from gan_bench.chance import generator
from gan_bench.data.images import Images
from gan_bench.data.pool import PairPool
from gan_bench.data.sampler import Crops, PositionSampler
from gan_bench.degradations.base import Degradation

__all__ = ["DataModule"]

log = logging.getLogger(__name__)


class DataModule(L.LightningDataModule):
    """Crops of `images`, degraded; everything random is a function of (seed, position).

    Args:
        images: to train on.
        degradation: makes lq from gt.
        batch: samples per step over all processes.
        patches: `(first step, patch in gt pixels)` for each stage, ascending.
        steps_per_epoch: batches between two validations.
        seed: of the run.
        workers: processes that decode and crop; 0 does it in this one.
        pool: training pairs that each process mixes batches by, see `PairPool`; None for none.
    """

    def __init__(
        self,
        images: Images,
        degradation: Degradation,
        batch: int,
        patches: Sequence[tuple[int, int]],
        steps_per_epoch: int,
        seed: int,
        workers: int = 0,
        pool: int | None = None,
    ) -> None:
        super().__init__()
        self.pool = None if pool is None else PairPool(pool, seed)
        self.degradation, self.seed, self.batch, self.workers = degradation, seed, batch, workers
        self.steps_per_epoch = steps_per_epoch
        self.crops = Crops(images, [(step * batch, patch) for step, patch in patches], seed, degradation.margin)

    def train_dataloader(self) -> DataLoader[Sample]:
        """Batches of `Sample`; the sampler's epoch decides where the stream goes on."""
        ranks, rank = (self.trainer.world_size, self.trainer.global_rank) if self.trainer else (1, 0)
        return DataLoader(
            self.crops,
            batch_size=self.batch // ranks,
            sampler=PositionSampler(self.steps_per_epoch, self.batch, rank, ranks),
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
            pin_memory=self.trainer is not None and self.trainer.strategy.root_device.type == "cuda",
        )

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Degrade on the device; Lightning calls this outside of autocast.

        Args:
            batch: a collated `Sample`.
            dataloader_idx: not used.

        Returns:
            a `Batch`, (B, C, P/s, P/s) and (B, C, P, P).
        """
        if not isinstance(batch, Sample):
            return batch
        positions = torch.as_tensor(batch.position).tolist()
        rngs = [generator("degradation", self.seed, position) for position in positions]
        shared = None
        if self.degradation.granularity == "batch":  # one step, one generator, on whatever rank
            shared = generator("degradation of a batch", self.seed, positions[0] // self.batch)
        lq = self.degradation.apply(batch.image, self.degradation.draw(rngs, shared))
        margin, scale = self.degradation.margin, self.degradation.scale
        made = Batch(_inner(lq, margin // scale), _inner(batch.image, margin), tuple(batch.name))
        return self.pool.exchange(made, positions[0] // self.batch) if self.pool else made

    def setup(self, stage: str) -> None:
        """Each process has a pool of its own."""
        if self.pool and self.trainer:
            self.pool.rank = self.trainer.global_rank

    def state_dict(self) -> dict[str, Any]:
        """The pools of all processes, which all of them call for together."""
        if not self.pool:
            return {}
        pools = [self.pool.state_dict()]
        if distributed.is_available() and distributed.is_initialized():
            pools *= distributed.get_world_size()
            distributed.all_gather_object(pools, self.pool.state_dict())
        return {"pools": pools}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with this process's pool; where there were more or fewer processes it fills anew."""
        pools, ranks = state_dict["pools"], self.trainer.world_size if self.trainer else 1
        if self.pool and len(pools) == ranks:
            self.pool.load_state_dict(pools[self.pool.rank])
        elif self.pool and not self.pool.rank:
            log.warning(
                "the pool of training pairs fills anew: there were %d processes, now there are %d", len(pools), ranks
            )


def _inner(image: torch.Tensor, border: int) -> torch.Tensor:
    """(B, C, H, W) without the border on each side."""
    height, width = image.shape[-2:]
    return image[..., border : height - border, border : width - border].contiguous()
