"""One line of progress over a whole sweep: a bar on a terminal, a line per validation elsewhere."""

from __future__ import annotations

import resource
import sys
import time
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import ProgressBar
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column

from gan_bench.callbacks.clock import Clock
from gan_bench.callbacks.health import Health
from gan_bench.models import Recipe

__all__ = ["ProgressLine"]


class ProgressLine(ProgressBar):
    """Shows run, stage, step, speed, what data cost, memory, time to come, losses and the last validation.

    Args:
        label: of the run.
        health: whose sentence ends the line of a GAN, and whose evaluation says when there was a validation.
        clock: which knows how long the training waited for data.
        batch: images in a step, over all processes.
        number: of the run in its sweep, from 1.
        count: runs in the sweep.
        each: seconds that a run of the sweep took so far; None where that is not known.
        console: where to draw; standard error by default.
    """

    def __init__(
        self,
        label: str,
        health: Health,
        clock: Clock,
        batch: int,
        number: int = 1,
        count: int = 1,
        each: float | None = None,
        console: Console | None = None,
    ) -> None:
        super().__init__()
        self.label, self.health, self.number, self.count, self.each = label, health, number, count, each
        self.clock, self.batch = clock, batch
        self.console = console or Console(stderr=True)
        self._bar: Progress | None = None
        self._start = (0, 0.0)
        self._numbers: list[str] = []
        self._memory = 0.0

    def disable(self) -> None:
        """Draw nothing: another rank does."""
        self._enabled = False

    def enable(self) -> None:
        """Draw."""
        self._enabled = True

    _enabled = True

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Open the bar."""
        assert isinstance(pl_module, Recipe)
        self._start = (pl_module.step, time.perf_counter())
        if pl_module.step and self._enabled:
            self._print(f"{self.label}: goes on from step {pl_module.step} of {pl_module.steps}")
        if not self._enabled or not self.console.is_terminal:
            return
        head, text = Column(no_wrap=True, min_width=len(self._head())), Column(ratio=1, no_wrap=True)  # text is cut
        self._bar = Progress(
            TextColumn(self._head(), markup=False, table_column=head),
            BarColumn(12, table_column=Column(min_width=12)),
            TimeRemainingColumn(table_column=Column(no_wrap=True, min_width=7)),
            TextColumn("{task.description}", markup=False, table_column=text),
            console=self.console,
            transient=True,
            expand=True,
        )
        self._task = self._bar.add_task("", total=self.count * pl_module.steps, completed=self._done(pl_module))
        self._bar.start()

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        """Move on; the numbers change when new ones were logged, so that no step waits for the device.

        Without a terminal a validation is what there is to tell.
        """
        assert isinstance(pl_module, Recipe)
        judged = self.health.evaluation.judged(pl_module)
        if self._enabled and (judged or (self._bar and pl_module.step % pl_module.log_every == 0)):
            self._numbers, self._memory = self._read(trainer), _memory(pl_module)
        if self._bar:
            self._bar.update(self._task, completed=self._done(pl_module), description=self._text(pl_module))
        elif self._enabled and judged:
            self._print(f"{self._head()}: {self._text(pl_module)}")

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Close the bar; the last word on a GAN stays."""
        self._close()
        if self._enabled and self.health.sentence:
            self._print(f"{self._head()}: {self.health.sentence}")

    def on_exception(self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        """Close the bar, so that the error has a line of its own."""
        self._close()

    def teardown(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Close the bar whatever happened."""
        self._close()

    def _print(self, text: str) -> None:
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def _head(self) -> str:
        return f"[{self.number}/{self.count}] {self.label}" if self.count > 1 else self.label

    def _done(self, module: Recipe) -> int:
        """Steps of the whole sweep, taking its runs to be of equal length."""
        return (self.number - 1) * module.steps + module.step

    def _close(self) -> None:
        if self._bar:
            self._bar.stop()
            self._bar = None

    def _text(self, module: Recipe) -> str:
        first, since = self._start
        speed = (module.step - first) / max(1e-9, time.perf_counter() - since)
        stage = f"{(module.ended or module.stage).name} " if len(module.stages) > 1 else ""
        worked = max(1e-9, self.clock.here)
        costs = [
            f"{(module.step - first) * self.batch / worked:.3g} images/s",
            f"data {self.clock.waited / worked:.0%}",
        ]
        costs.append(f"{self._memory / 1e9:.2g} GB")
        if not self._bar and module.step < module.steps:
            costs.append(self._left((module.steps - module.step) / max(1e-9, speed)))
        return " · ".join([f"{stage}{module.step}/{module.steps}", *costs, *self._numbers])

    def _left(self, seconds: float) -> str:
        """What this run will take, and with it those to come, as long as those before it took."""
        if self.each is None or self.number == self.count:
            return f"{_duration(seconds)} left"
        return f"{_duration(seconds)} left, sweep {_duration(seconds + self.each * (self.count - self.number))}"

    def _read(self, trainer: L.Trainer) -> list[str]:
        """The losses and scores that were logged last, and who wins."""
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items() if _is_shown(name)}
        numbers = [f"{name.removeprefix('train/')} {value:.4g}" for name, value in metrics.items()]
        return numbers + ([self.health.sentence.partition(":")[0]] if self.health.sentence else [])


def _memory(module: Recipe) -> float:
    """The most that was in use, in bytes: on a GPU of its memory, else of this process's."""
    if module.device.type == "cuda":
        return torch.cuda.max_memory_allocated(module.device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _duration(seconds: float) -> str:
    """In words that fit the size."""
    minutes, hours = seconds / 60, seconds / 3600
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{minutes:.0f} min" if minutes < 100 else f"{hours:.0f} h" if hours < 72 else f"{hours / 24:.0f} days"


def _is_shown(name: str) -> bool:
    """The learning rate follows from the step, and of a GAN's health the verdict is enough."""
    unshown = ("train/lr", "train/accuracy", "train/gradient", "val/sharpness", "val/colour")
    return not name.startswith(unshown)
