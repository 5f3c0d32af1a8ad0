"""Nothing lost: the last state and the one before, the best by validation, the generator at each stage's end."""

from __future__ import annotations

import logging
import os
import shutil
import time
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import lightning as L
import torch
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO
from safetensors.torch import save
from torch import nn

from gan_bench.callbacks.clock import Clock
from gan_bench.callbacks.evaluation import Evaluation
from gan_bench.errors import WorkError, out_of_memory
from gan_bench.files import replacing, write_atomically
from gan_bench.models import Recipe
from gan_bench.processes import together
from gan_bench.started import is_main_process

__all__ = ["CheckpointFiles", "Checkpoints", "drop_unfinished", "resumable", "save_generator"]

log = logging.getLogger(__name__)

NEW, LAST, PREVIOUS, BEST = "new.ckpt", "last.ckpt", "previous.ckpt", "best.ckpt"


class Checkpoints(Checkpoint):
    """Saves after each validation, now and then by the clock, and when it is told to.

    Args:
        folder: for the checkpoints and the stages' files.
        evaluation: whose curve says when there was a validation, and what it found.
        clock: which runs on when all is saved.
        monitor: the metric that chooses the best; None keeps no best.
        higher_is_better: its direction.
        save_every: minutes; 0 saves after each step.

    Attributes:
        best: value and step of the best validation.
        asked: whether a save is wanted after the step at hand.
    """

    def __init__(
        self,
        folder: Path,
        evaluation: Evaluation,
        clock: Clock,
        monitor: str | None,
        higher_is_better: bool = True,
        save_every: float = 10,
    ) -> None:
        self.folder, self.evaluation, self.clock = folder, evaluation, clock
        self.monitor, self.sign, self.save_every = monitor, 1 if higher_is_better else -1, save_every
        self.best: dict[str, float] = {}
        self.asked = False
        self._saved, self._weighed = time.monotonic(), 0

    @property
    def due(self) -> bool:
        """Whether the last save lies far enough back."""
        return time.monotonic() - self._saved >= 60 * self.save_every

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """What was to follow the step of a checkpoint may have been broken off with it."""
        assert isinstance(pl_module, Recipe)
        self._saved = time.monotonic()
        self._keep_stage(trainer, pl_module)
        if self.evaluation.judged(pl_module) and self._weighed != pl_module.step:
            self.save(trainer, pl_module)
        self.clock.go()

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        """Keep a stage's generator; save what is worth it, but for the end, which Lightning has to note first."""
        assert isinstance(pl_module, Recipe)
        self._keep_stage(trainer, pl_module)
        if pl_module.step < pl_module.steps and (self.asked or self.evaluation.judged(pl_module)):
            self.save(trainer, pl_module)
        self.clock.go()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Save the end."""
        assert isinstance(pl_module, Recipe)
        self.save(trainer, pl_module)

    def save(self, trainer: L.Trainer, module: Recipe) -> None:
        """Bring all there is to the disk; all processes call for it together.

        Raises:
            WorkError: the training is not sound any more, or the disk is full; what was saved before stays.
        """
        module.check()
        judged = self.evaluation.judged(module)
        self._weighed = module.step if judged else self._weighed
        value = self.evaluation.curve[-1].get(self.monitor) if self.monitor and judged else None
        best = value is not None and (not self.best or self.sign * (value - self.best["value"]) > 0)
        if value is not None and best:
            self.best = {"value": value, "step": float(module.step)}
        trainer.save_checkpoint(self.folder / NEW)
        together(lambda: self._complete(trainer, best))
        self.asked, self._saved = False, time.monotonic()

    def _complete(self, trainer: L.Trainer, best: bool) -> None:
        """The process that wrote tells what failed, so that no other one waits for it."""
        files = trainer.strategy.checkpoint_io
        if isinstance(files, CheckpointFiles) and files.failed:
            raise files.failed
        if trainer.is_global_zero:
            _rotate(self.folder, best)

    def _keep_stage(self, trainer: L.Trainer, module: Recipe) -> None:
        if module.ended and len(module.stages) > 1:
            path, product = self.folder / f"{module.ended.name}.safetensors", module.product
            together(lambda: save_generator(product, path) if trainer.is_global_zero else None)

    def state_dict(self) -> dict[str, Any]:
        """The best so far, and the step of the last validation that was weighed for it."""
        return {"best": self.best, "weighed": self._weighed}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from there."""
        self.best, self._weighed = dict(state_dict["best"]), state_dict["weighed"]


class CheckpointFiles(TorchCheckpointIO):
    """Writes checkpoints whole or not at all, and reads the newest that is sound.

    Attributes:
        failed: why the last one could not be written; it is raised by `Checkpoints`, in all processes.
    """

    failed: WorkError | None = None

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """Save so that `path` is whole at every moment; no copy of it is made in memory."""
        self.failed = None
        try:
            with replacing(Path(path)) as file:
                _save(checkpoint, file)
        except WorkError as error:
            self.failed = error

    def load_checkpoint(self, path: Any, map_location: Any = "cpu", weights_only: bool | None = None) -> dict[str, Any]:
        """Load `path` or, where it is missing or damaged, the one before, or the best; damaged ones are set aside.

        Raises:
            WorkError: none is sound, or another version wrote it.
        """
        folder, damaged = Path(path).parent, dict[Path, str]()
        for candidate in _newest_first(folder):
            if cause := _damage(candidate):
                damaged[candidate] = cause
                continue
            try:
                loaded: dict[str, Any] = super().load_checkpoint(candidate, map_location, weights_only)
            except Exception as error:  # whatever torch makes of bytes that are not what it wrote
                if out_of_memory(error):
                    raise
                damaged[candidate] = " ".join(str(error).split())[:80] or type(error).__name__
                continue
            if is_main_process():
                _set_aside(damaged, candidate)
            if "computed" not in loaded:
                raise WorkError(f"{candidate}: written by another version of gan-bench; remove {folder} to start anew")
            return loaded
        causes = ", ".join(f"{file.name}: {cause}" for file, cause in damaged.items())
        raise WorkError(f"{folder}: no checkpoint in it is whole ({causes}); remove the folder to start anew")


def _save(checkpoint: dict[str, Any], file: BinaryIO) -> None:
    try:
        torch.save(checkpoint, file)
    except RuntimeError as error:  # torch's own, raised behind the system's
        if isinstance(error.__context__, OSError):
            raise error.__context__ from None
        raise


def resumable(folder: Path) -> Path | None:
    """What a training goes on from, to be given to `CheckpointFiles`; None where there is nothing.

    Args:
        folder: of the checkpoints.
    """
    return folder / LAST if _newest_first(folder) else None


def drop_unfinished(folder: Path) -> None:
    """Remove a checkpoint that was not yet the last; ask only where nobody else writes."""
    if (folder / LAST).exists():
        (folder / NEW).unlink(missing_ok=True)


def save_generator(generator: nn.Module, path: Path) -> None:
    """Write a generator's weights as safetensors: no date, no path, so equal weights are equal bytes."""
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in generator.state_dict().items()}
    write_atomically(path, save(state))


def _rotate(folder: Path, best: bool) -> None:
    """New becomes last, and last previous; at every moment one of them is there. The best is the same file again."""
    if best:
        _link(folder / NEW, folder / BEST)
    with suppress(FileNotFoundError):
        (folder / LAST).replace(folder / PREVIOUS)
    (folder / NEW).replace(folder / LAST)


def _link(path: Path, name: Path) -> None:
    """Give a file a second name, or where the disk knows no such thing a copy."""
    temporary = name.with_name(f".{name.name}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        os.link(path, temporary)
    except OSError:
        try:
            shutil.copyfile(path, temporary)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise WorkError(f"{name}: cannot be written ({error.strerror}); make room") from error
    temporary.replace(name)


def _damage(path: Path) -> str | None:
    """What is wrong with a checkpoint's bytes: torch itself does not look at their check sums."""
    try:
        with zipfile.ZipFile(path) as archive:
            bad = archive.testzip()
    except (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        return " ".join(str(error).split()) or type(error).__name__
    return f"wrong check sum of {bad}" if bad else None


def _newest_first(folder: Path) -> list[Path]:
    """What there is to go on from; a new one counts where a kill came after the last had become the previous."""
    names = (LAST, PREVIOUS, BEST) if (folder / LAST).exists() else (NEW, PREVIOUS, BEST)
    return [folder / name for name in names if (folder / name).exists()]


def _set_aside(damaged: Mapping[Path, str], sound: Path) -> None:
    """By the process that the user started; the others come to the same end by themselves."""
    for path, cause in damaged.items():
        aside = path.with_name(f"{path.name}.damaged")
        with suppress(FileNotFoundError):
            path.replace(aside)
        log.warning("%s is damaged (%s) and now is %s; goes on from %s", path, cause, aside.name, sound.name)
