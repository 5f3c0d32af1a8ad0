"""A training as the command line asks for it, ready to be measured: at its adversarial stage, in a folder that goes."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Checkpoint, ProgressBar
from torch import nn

from gan_bench.config import build, plain
from gan_bench.errors import UsageError, WorkError, out_of_memory
from gan_bench.models import Recipe
from gan_bench.perf.place import reference
from gan_bench.started import is_alone
from gan_bench.sweep import composed
from gan_bench.training import data_of, seeded, trainer_of
from gan_bench.work import Place, Work

__all__ = ["Training", "fit", "laid_out", "plain_loop", "prepared"]


class _Nothing(ProgressBar, Checkpoint):
    """Stands where Lightning would put a bar and checkpoints of its own."""

    def disable(self) -> None:
        """Nothing is drawn."""

    def enable(self) -> None:
        """Nothing is drawn."""


@dataclass(frozen=True)
class Training:
    """A model and what it is trained with.

    Attributes:
        work: configuration, data and degradation.
        model: which stands at the first step of the stage that is measured.
        stretched: steps of the budget that was too short for the measurement; None where it was not.
    """

    work: Work
    model: Recipe
    stretched: int | None


@contextmanager
def prepared(overrides: Sequence[str], steps: int) -> Iterator[Training]:
    """Build a training as `gan-bench train` would, perceptual losses of random weights allowed.

    The stages before the first adversarial one are skipped by the recipe's own clock: its step is set to that stage's
    first, as if the others had been walked. A budget that is too short is stretched.

    Args:
        overrides: Hydra's.
        steps: that will be taken.

    Raises:
        UsageError: it cannot be built, learns nothing, or is one of several processes.
    """
    cfg = composed(overrides)
    config = plain(cfg)
    if "generator" not in config["model"]:
        raise UsageError(f"model={config['model']['name']}: it learns nothing, so it has no step to measure")
    if not is_alone(config["trainer"]):
        raise UsageError(f"trainer={config['trainer']['name']}: perf measures one process; take auto, cpu or gpu")
    degradation, source = (build(cfg[key], key=key) for key in ("degradation", "dataset"))
    before, budget = int(config["budget"]["steps"]), config["budget"]
    config["model"]["start_from"] = None  # weights change no speed
    budget["steps"] = max(before, math.ceil((steps + 1) / _stage_of(config["model"])["fraction"]))
    with TemporaryDirectory() as folder:
        logger = build(cfg.logger, key="logger", save_dir=folder) if config["logger"]["name"] == "csv" else False
        work = Work(config, Place(Path(folder)), degradation, source, logger or False)
        model = seeded(work, learns=False)
        stage = next((one for one in model.stages if one.weights.get("adversarial")), model.stages[0])
        model.step = stage.first
        yield Training(work, model, before if budget["steps"] > before else None)


def _stage_of(model: dict[str, Any]) -> dict[str, Any]:
    """The first stage with an adversary, else the first of all."""
    stages: list[dict[str, Any]] = model["stages"]
    return next((stage for stage in stages if stage["weights"].get("adversarial")), stages[0])


def fit(training: Training, callbacks: list[L.Callback], profiler: Any = None) -> None:
    """Let Lightning train, with the trainer and the data that a training has, until a callback stops it.

    Raises:
        WorkError: it did not fit into memory.
    """
    levels = {name: logging.getLogger(name).level for name in ("lightning.pytorch", "lightning.fabric")}
    for name in levels:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
            trainer: Any = trainer_of(training.model, training.work, [*callbacks, _Nothing()])
            trainer.profiler = profiler or trainer.profiler
            trainer.fit(training.model, data_of(training.model, training.work))
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        raise WorkError("not enough memory: lower budget.batch or budget.patch, or cut by accumulate=2") from None
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def laid_out(model: Recipe) -> list[str]:
    """The networks whose images lie pixel by pixel in memory, by their weights."""
    modules = {name: one for name, one in model.criteria.items() if isinstance(one, nn.Module)}
    return [name for name, one in {**dict(model.named_children()), **modules}.items() if _is_channels_last(one)]


def _is_channels_last(network: nn.Module) -> bool:
    """Whether a kernel of more than one channel and pixel says so; others lie both ways."""
    kernels = [one for one in network.parameters() if one.ndim == 4 and one.shape[1] > 1 and one[0, 0].numel() > 1]
    return any(not one.is_contiguous() for one in kernels)


def plain_loop(model: Recipe, **switches: Any) -> Any:
    """The plain loop with copies of a model's networks; None where there is none for such a model, or none at all."""
    module = reference("plain_loop.py")
    try:
        return module and module["PlainLoop"](model, **switches)
    except NotImplementedError as error:
        logging.getLogger("gan_bench").warning("there is no plain loop for %s; only gan-bench is measured", error)
        return None
