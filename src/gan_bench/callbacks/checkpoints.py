"""Nothing lost: the last state, the best by validation, the generator at each stage's end; whole files or none."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO
from safetensors.torch import save
from torch import nn

from gan_bench.files import write_atomically
from gan_bench.models import Recipe

__all__ = ["AtomicCheckpointIO", "Checkpoints", "save_generator"]


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes under a temporary name, flushes to disk, and renames: a kill in mid-write leaves the old file."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """Save so that `path` is whole at every moment."""
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        write_atomically(Path(path), buffer.getbuffer())


class Checkpoints(Checkpoint):
    """Saves at the end of each epoch, after validation.

    Args:
        folder: for last.ckpt, best.ckpt and stage files.
        monitor: the validation metric that chooses the best, a logged name; None keeps no best.
        higher_is_better: its direction.
    """

    def __init__(self, folder: Path, monitor: str | None, higher_is_better: bool = True) -> None:
        self.folder, self.monitor, self.sign = folder, monitor, 1 if higher_is_better else -1
        self.best: dict[str, float] = {}
        self.seconds = 0.0
        self._since = time.perf_counter()

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start the clock: validation does not count."""
        self._since = time.perf_counter()

    def on_train_batch_start(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        """Start the clock anew where a stage's end was validated just now."""
        assert isinstance(pl_module, Recipe)
        if pl_module.ended:
            self._since = time.perf_counter()

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        """Keep the generator where a stage ends."""
        assert isinstance(pl_module, Recipe)
        self.seconds, self._since = self.seconds + time.perf_counter() - self._since, time.perf_counter()
        if pl_module.ended and len(pl_module.stages) > 1 and trainer.is_global_zero:
            save_generator(pl_module.product, self.folder / f"{pl_module.ended.name}.safetensors")

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Save best first, then last, so that last knows what is best."""
        assert isinstance(pl_module, Recipe)
        value = trainer.callback_metrics.get(self.monitor) if self.monitor else None
        if value is not None and (not self.best or self.sign * (float(value) - self.best["value"]) > 0):
            self.best = {"value": float(value), "step": float(pl_module.step)}
            trainer.save_checkpoint(self.folder / "best.ckpt")
        trainer.save_checkpoint(self.folder / "last.ckpt")

    def state_dict(self) -> dict[str, Any]:
        """The best so far, and the seconds trained."""
        return {"best": self.best, "seconds": self.seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from there."""
        self.best, self.seconds = dict(state_dict["best"]), state_dict["seconds"]


def save_generator(generator: nn.Module, path: Path) -> None:
    """Write a generator's weights as safetensors: no date, no path, so equal weights are equal bytes."""
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in generator.state_dict().items()}
    write_atomically(path, save(state))
