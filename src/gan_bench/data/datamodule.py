"""The training data: a stream of crops, degraded in one batch on the device they are trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import lightning as L
import torch
from torch.utils.data import DataLoader

from gan_bench.batch import Batch, Sample
from gan_bench.chance import generator
from gan_bench.data.images import Images
from gan_bench.data.sampler import Crops, PositionSampler
from gan_bench.degradations.base import Degradation

__all__ = ["DataModule"]


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
    ) -> None:
        super().__init__()
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
        return Batch(_inner(lq, margin // scale), _inner(batch.image, margin), tuple(batch.name))


def _inner(image: torch.Tensor, border: int) -> torch.Tensor:
    """(B, C, H, W) without the border on each side."""
    height, width = image.shape[-2:]
    return image[..., border : height - border, border : width - border].contiguous()
