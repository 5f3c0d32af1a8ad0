"""The training data: a stream of crops, degraded in one batch on the device they are trained on."""

from __future__ import annotations

import logging
import signal
from collections.abc import Sequence
from typing import Any

import lightning as L
import torch
from torch.utils.data import DataLoader

from gan_bench.batch import Batch, Pair, Sample
from gan_bench.chance import generator
from gan_bench.data.pool import PairPool
from gan_bench.data.sampler import PositionSampler
from gan_bench.data.source import Source
from gan_bench.degradations.base import Degradation
from gan_bench.processes import gathered, own
from gan_bench.started import is_main_process

__all__ = ["DataModule"]

log = logging.getLogger(__name__)


class DataModule(L.LightningDataModule):
    """Crops of a data set, degraded; everything random is a function of (seed, position).

    Args:
        source: the data set.
        degradation: makes lq from gt, or leaves it as it is given.
        batch: samples per step over all processes.
        patches: `(first step, patch in gt pixels)` for each stage, ascending.
        steps: batches of the whole training.
        seed: of the run.
        workers: processes that decode and crop; 0 does it in this one.
        pool: training pairs that each process mixes batches by, see `PairPool`; None for none.

    Attributes:
        batches: `(first step, batch)`; more than one where the training went on with another.
    """

    def __init__(
        self,
        source: Source,
        degradation: Degradation,
        batch: int,
        patches: Sequence[tuple[int, int]],
        steps: int,
        seed: int,
        workers: int = 0,
        pool: int | None = None,
    ) -> None:
        super().__init__()
        self.pool = None if pool is None else PairPool(pool, seed)
        self.degradation, self.seed, self.batch, self.workers = degradation, seed, batch, workers
        self.steps = steps
        self.batches = [(0, batch)]
        self.crops = source.crops(degradation, [(step * batch, patch) for step, patch in patches], seed)

    def train_dataloader(self) -> DataLoader[Sample | Pair]:
        """Batches of `Sample` or `Pair`, from the step on that the model stands at."""
        ranks, rank = (self.trainer.world_size, self.trainer.global_rank) if self.trainer else (1, 0)
        first: Any = self.trainer.lightning_module.step if self.trainer else 0
        return DataLoader(
            self.crops,
            batch_size=self.batch // ranks,
            sampler=PositionSampler(self.steps, self.batch, rank, ranks, first),
            num_workers=self.workers,
            worker_init_fn=_leave_signals_to_the_main_process,
            pin_memory=self.trainer is not None and self.trainer.strategy.root_device.type == "cuda",
        )

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Images go to the device; positions stay: to ask the device for them would be to wait for it in each step."""
        if not isinstance(batch, Sample | Pair):
            return super().transfer_batch_to_device(batch, device, dataloader_idx)
        image = batch.image.to(device, non_blocking=True)
        if isinstance(batch, Sample):
            return batch._replace(image=image)
        return batch._replace(image=image, gt=batch.gt.to(device, non_blocking=True))

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Degrade on the device; Lightning calls this outside of autocast.

        Args:
            batch: a collated `Sample` or `Pair`.
            dataloader_idx: not used.

        Returns:
            a `Batch`, (B, C, P/s, P/s) and (B, C, P, P).
        """
        if not isinstance(batch, Sample | Pair):
            return batch
        positions = torch.as_tensor(batch.position).tolist()
        rngs = [generator("degradation", self.seed, position) for position in positions]
        shared = None
        if self.degradation.granularity == "batch":  # one step, one generator, on whatever rank
            shared = generator("degradation of a batch", self.seed, positions[0] // self.batch)
        lq = self.degradation.apply(batch.image, self.degradation.draw(rngs, shared))
        margin, scale = self.degradation.margin, self.degradation.scale
        gt = batch.gt if isinstance(batch, Pair) else _inner(batch.image, margin)
        made = Batch(_inner(lq, margin // scale), gt, tuple(batch.name))
        return self.pool.exchange(made, positions[0] // self.batch) if self.pool else made

    def setup(self, stage: str) -> None:
        """Each process has a pool of its own."""
        if self.pool and self.trainer:
            self.pool.rank = self.trainer.global_rank

    def state_dict(self) -> dict[str, Any]:
        """The batches so far, and the pools of all processes, which all of them call for together."""
        pools = {"pools": gathered(self.pool.state_dict())} if self.pool else {}
        return {"batches": self.batches, **pools}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with this process's pool; where there were more or fewer processes it fills anew."""
        self._go_on([(int(first), int(batch)) for first, batch in state_dict["batches"]])
        if self.pool:
            processes = self.trainer.world_size if self.trainer else 1
            state = own(state_dict["pools"], self.pool.rank, processes, "the pool of training pairs")
            if state:
                self.pool.load_state_dict(state)

    def _go_on(self, batches: list[tuple[int, int]]) -> None:
        """Take over which batches there were from which steps on; another one now is said."""
        self.batches, before = batches, batches[-1][1]
        if before == self.batch:
            return
        model: Any = self.trainer.lightning_module if self.trainer else None
        self.batches.append((model.step if model else 0, self.batch))
        if is_main_process():
            log.warning(
                "goes on with batch %d, before %d: the result is no longer that of an undisturbed run",
                self.batch,
                before,
            )


def _leave_signals_to_the_main_process(_: int) -> None:
    """Ctrl-C in a terminal, or a cluster's signal, reaches all processes; a step that is finished needs its data."""
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
        signal.signal(one, signal.SIG_IGN)


def _inner(image: torch.Tensor, border: int) -> torch.Tensor:
    """(B, C, H, W) without the border on each side."""
    height, width = image.shape[-2:]
    return image[..., border : height - border, border : width - border].contiguous()
