"""How many steps fit into the minutes of a budget: measured beside the run, with its trainer, data and precision."""

from __future__ import annotations

import copy
import json
import logging
import math
import statistics
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Checkpoint, ProgressBar

from gan_bench.files import write_atomically
from gan_bench.models import Recipe
from gan_bench.processes import gathered
from gan_bench.restorers import STEPS, read_facts
from gan_bench.restorers.cost import machine_of
from gan_bench.started import is_main_process
from gan_bench.training import data_of, fit, ready, seeded
from gan_bench.work import Place, Work

__all__ = ["paced"]

log = logging.getLogger(__name__)

WARM_UP = {"cpu": 3, "cuda": 10}
HELD_READY = 2  # batches that a process which loads data has ready: until they are used up no step waits for one
BLOCK = 10  # steps: one of them is logged, and who learns in which step repeats
FEWEST, MOST = 3, 15  # blocks
PATIENCE = 3.0  # seconds that a stage is measured, and as many for each minute; for the fewest blocks it is longer


def paced(model: Recipe, work: Work) -> Recipe:
    """The model as it is or, where the budget gives minutes, made anew with the steps that fit into them.

    Their number is measured once and kept in the run's folder, so that a run that goes on has the same. Nothing random
    is left otherwise than it was: all that the run draws comes from generators that are seeded behind this.

    Args:
        model: with the budget's own number of steps.
        work: whose model it is.

    Raises:
        UsageError: a training that cannot be.
        WorkError: it does not fit into memory.
    """
    minutes = work.config["budget"].get("max_time")
    if minutes is None:
        return model
    path = work.place.folder / STEPS
    known = read_facts(path)
    if not known:
        known = gathered(_measured(work, minutes))[0]
        if is_main_process():
            write_atomically(path, (json.dumps(known, indent=1, sort_keys=True) + "\n").encode())
            paces = " and ".join(f"{1e3 * pace:.3g} ms ({name})" for name, pace in known["seconds_per_step"].items())
            log.info("budget.max_time=%g: %d steps, of %s each", minutes, known["steps"], paces)
    return seeded(work, steps=known["steps"])


def _measured(work: Work, minutes: float) -> dict[str, Any]:
    """The number of steps, by stage how long one takes, and on what machine."""
    if is_main_process():
        log.info("budget.max_time=%g: measuring how long a step takes", minutes)
    with TemporaryDirectory() as folder:
        scratch = _scratch(work, Path(folder))
        found = [_pace(scratch, number, PATIENCE * max(1.0, minutes)) for number in range(len(_shares(work)))]
    paces = {name: pace for name, pace, _ in found}
    mean = sum(share * pace for share, pace in zip(_shares(work), paces.values(), strict=True))
    steps = max(len(paces), int(60 * minutes / mean))
    return {"steps": steps, "seconds_per_step": paces, "machine": found[0][2]}


def _shares(work: Work) -> list[float]:
    """Of the stages that have one."""
    return [stage["fraction"] for stage in work.config["model"]["stages"] if stage["fraction"]]


def _scratch(work: Work, folder: Path) -> Work:
    """The same work elsewhere, from weights that are drawn and never move: no pace depends on them, none diverges."""
    config = copy.deepcopy(work.config)
    config["model"]["start_from"] = None
    for stage in config["model"]["stages"]:
        stage["lr"] = 0.0
    return replace(work, config=config, place=Place(folder), logger=False)


def _pace(work: Work, number: int, patience: float) -> tuple[str, float, str]:
    """The name of one of the stages, the seconds that a step takes in it, and the machine."""
    pilot = _Pilot(HELD_READY * work.workers, patience)
    model = seeded(work, steps=math.ceil((pilot.longest + 1) / min(_shares(work))))
    stage = model.stages[number]
    model.step = stage.first  # as if the stages before had been walked
    trainer = ready(model, work, [pilot])
    fit(trainer, model, data_of(model, work), work)
    machine = machine_of(trainer.strategy.root_device)
    return stage.name, pilot.pace, machine if trainer.world_size == 1 else f"{trainer.world_size} x {machine}"


class _Pilot(ProgressBar, Checkpoint):
    """Takes the time of blocks of steps, then ends the training; stands for Lightning's own bar and checkpoints.

    Args:
        settling: further steps to warm up.
        patience: seconds.
    """

    def __init__(self, settling: int, patience: float) -> None:
        super().__init__()
        self.settling, self.patience = settling, patience
        self._warm_up, self._block, self._first = settling, 1, 0
        self._before, self._marks = 0.0, list[float]()

    @property
    def longest(self) -> int:
        """The most steps that it can take."""
        return max(WARM_UP.values()) + self.settling + BLOCK * MOST

    @property
    def pace(self) -> float:
        """Seconds of a step: the median over the blocks."""
        blocks = [end - begin for begin, end in zip(self._marks, self._marks[1:], strict=False)]
        return statistics.median(blocks) / self._block

    def disable(self) -> None:
        """Nothing is drawn."""

    def enable(self) -> None:
        """Nothing is drawn."""

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Begin; like `Stopping`, keep Lightning from asking in each step whether rank 0 got a signal."""
        assert isinstance(pl_module, Recipe)
        self._first = pl_module.step
        self._warm_up = self.settling + WARM_UP["cuda" if pl_module.device.type == "cuda" else "cpu"]
        trainer.fit_loop.epoch_loop._broadcast_sigterm_tensor = lambda: None  # type: ignore[method-assign]

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        """Note the time after each block; all processes end after the same one."""
        assert isinstance(pl_module, Recipe)
        done = pl_module.step - self._first - self._warm_up
        if done == -1:
            self._before = _now(pl_module.device)
        elif done == 0:
            self._marks.append(_now(pl_module.device))
            most = int(self.patience / FEWEST / max(1e-9, self._marks[0] - self._before))
            self._block = trainer.strategy.broadcast(max(1, min(BLOCK, most)))
        elif done > 0 and done % self._block == 0:
            self._marks.append(_now(pl_module.device))
            blocks, spent = len(self._marks) - 1, self._marks[-1] - self._marks[0]
            enough = blocks >= MOST or (blocks >= FEWEST and spent >= self.patience)
            trainer.should_stop = trainer.strategy.broadcast(enough)


def _now(device: torch.device) -> float:
    """The time at which all is done that was asked for."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
