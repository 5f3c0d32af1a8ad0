"""The one place where the rooms meet: from a configuration to data, model, trainer, evaluation and result."""

from __future__ import annotations

import json
import logging
import math
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
import torch
from omegaconf import DictConfig
from torch import Tensor

from gan_bench.batch import Batch
from gan_bench.benchmark import Result
from gan_bench.callbacks import AtomicCheckpointIO, Checkpoints, Evaluation, ProgressLine, save_generator
from gan_bench.config import build, plain
from gan_bench.data import Degraded, Source
from gan_bench.data.datamodule import DataModule
from gan_bench.degradations import Degradation
from gan_bench.errors import UsageError, WorkError
from gan_bench.files import write_atomically
from gan_bench.judge import Question, evaluate
from gan_bench.metrics import Suite, get_protocol
from gan_bench.models import Recipe
from gan_bench.panels import write_panel
from gan_bench.restorers import Restorer, trained
from gan_bench.runfolder import claimed, is_main_process

__all__ = ["Place", "run"]

log = logging.getLogger(__name__)

MONITOR = "psnr"


@dataclass(frozen=True)
class Place:
    """Where a run lies, and its number in a sweep.

    Attributes:
        folder: of the run.
        number: from 1.
        count: runs in the sweep.
    """

    folder: Path
    number: int = 1
    count: int = 1


def run(cfg: DictConfig, place: Place) -> list[Result]:
    """Train where there is something to train, go on where a run was broken off, and judge.

    Args:
        cfg: the composed configuration, checked.
        place: of the run.

    Returns:
        one result per test set; of a complete run, those it has.

    Raises:
        GanBenchError: one line that names the thing, the cause and the way out.
    """
    config = plain(cfg)
    with claimed(place.folder, config), _quiet():
        degradation: Degradation = build(cfg.degradation, key="degradation")
        if _needs_training(config):
            _check_patch(config, degradation.scale)
            restorer = _trained(cfg, config, degradation, place)
        else:
            restorer = build(cfg.model, key="model")
        return _judge(cfg, config, restorer, degradation, place) if is_main_process() else []


def _needs_training(config: dict[str, Any]) -> bool:
    return "generator" in config["model"]


def _trained(cfg: DictConfig, config: dict[str, Any], degradation: Degradation, place: Place) -> Restorer:
    weights = place.folder / "generator.safetensors"
    if not weights.exists():
        model: Recipe = _seeded(cfg, config)
        source: Source = build(cfg.dataset, key="dataset")
        _train(model, source, degradation, cfg, config, place)
    return trained(place.folder)


def _seeded(cfg: DictConfig, config: dict[str, Any]) -> Recipe:
    """The model, its weights drawn from the run's seed alone."""
    torch.manual_seed(config["seed"])
    model = build(cfg.model, key="model", steps=config["budget"]["steps"], seed=config["seed"])
    assert isinstance(model, Recipe)
    return model


def _train(
    model: Recipe, source: Source, degradation: Degradation, cfg: DictConfig, config: dict[str, Any], place: Place
) -> None:
    steps, every = config["budget"]["steps"], min(config["budget"]["val_every"], config["budget"]["steps"])
    folder, label = place.folder, config["model"]["name"]
    suite = Suite(config["metrics"]["names"], get_protocol(config["metrics"]["protocol"]), degradation.scale)
    tests = Degraded("validation", source.validation, degradation, {})
    checkpoints = Checkpoints(folder / "checkpoints", f"val/{MONITOR}")
    data = DataModule(
        images=source.train,
        degradation=degradation,
        batch=_budget(config, "batch"),
        patches=[(stage.first, stage.patch or _budget(config, "patch")) for stage in model.stages],
        steps_per_epoch=every,
        seed=config["seed"],
        workers=_workers(config),
    )
    trainer = build(
        {**config["trainer"], "precision": _precision(config)},
        key="trainer",
        max_epochs=math.ceil(steps / every),
        callbacks=[
            Evaluation(tests, suite, folder, config["model"]["generator"].get("num_in_ch", 3), label),
            ProgressLine(label, place.number, place.count),
            checkpoints,
        ],
        logger=_logger(cfg, folder),
        plugins=[AtomicCheckpointIO()],
        default_root_dir=folder,
        use_distributed_sampler=False,
        limit_val_batches=0,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
        enable_model_summary=False,
    )
    _fit(trainer, model, data, folder / "checkpoints" / "last.ckpt")
    if trainer.is_global_zero:
        facts = {"seconds": checkpoints.seconds, "steps": model.step, "best": checkpoints.best}
        write_atomically(folder / "training.json", (json.dumps(facts, indent=1, sort_keys=True) + "\n").encode())
        save_generator(model.generator, folder / "generator.safetensors")


def _fit(trainer: L.Trainer, model: Recipe, data: DataModule, last: Path) -> None:
    try:
        trainer.fit(model, data, ckpt_path=str(last) if last.exists() else None, weights_only=True)
    except SystemExit:  # what Lightning makes of Ctrl-C
        raise KeyboardInterrupt from None
    if model.step < model.steps:
        raise WorkError(f"training ended at step {model.step} of {model.steps}; the same command goes on with it")


def _judge(
    cfg: DictConfig, config: dict[str, Any], restorer: Restorer, degradation: Degradation, place: Place
) -> list[Result]:
    source: Source = build(cfg.dataset, key="dataset")
    name = config["dataset"]["name"]
    parameters = {key: value for key, value in config["degradation"].items() if key not in ("name", "_target_")}
    described = {"name": config["degradation"]["name"], "parameters": parameters}
    tests = Degraded(name, source.test, degradation, described)
    label = config["model"]["name"]
    question = Question(
        label,
        place.folder.name,
        restorer,
        tests,
        config["metrics"]["names"],
        get_protocol(config["metrics"]["protocol"]),
    )

    def keep(batch: Batch, restored: Tensor) -> None:
        safe = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in batch.name[0])
        write_panel(place.folder / "panels" / f"{name}_{safe}.png", batch, restored, tests.scale, label)

    return [evaluate(question, place.folder / "results", keep)]


def _budget(config: dict[str, Any], key: str) -> Any:
    """A value of the budget: that for this model at this scale, for this model, or for all."""
    budget = config["budget"]
    of_model = budget.get(config["model"]["name"]) or {}
    of_scale = of_model.get(f"x{config['degradation']['scale']}") or {}
    return next(group[key] for group in (of_scale, of_model, budget) if key in group)


def _check_patch(config: dict[str, Any], scale: int) -> None:
    patch = _budget(config, "patch")
    if patch % scale:
        raise UsageError(
            f"budget.patch={patch} is no multiple of the scale {scale}; take {patch - patch % scale or scale}"
        )


def _workers(config: dict[str, Any]) -> int:
    if config["workers"] is not None:
        return int(config["workers"])
    return min(8, os.cpu_count() or 1) if _on_gpu(config) else 0


def _precision(config: dict[str, Any]) -> str:
    """bf16-mixed on a GPU and float32 on a CPU, where the trainer's yaml leaves it open."""
    return config["trainer"].get("precision") or ("bf16-mixed" if _on_gpu(config) else "32-true")


def _on_gpu(config: dict[str, Any]) -> bool:
    return config["trainer"].get("accelerator") in ("auto", "gpu", "cuda") and torch.cuda.is_available()


def _logger(cfg: DictConfig, folder: Path) -> Any:
    given = {"save_dir": str(folder), "name": "log"} if "save_dir" in cfg.logger else {}
    return build(cfg.logger, key="logger", **given) or False


class _quiet:  # noqa: N801
    """Lightning's remarks on choices that are ours are not for the user; Python's warnings stay off the bar."""

    def __enter__(self) -> None:
        self._level = logging.getLogger("lightning.pytorch").level
        logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
        self._warnings = warnings.catch_warnings()
        self._warnings.__enter__()
        warnings.filterwarnings("ignore", module="lightning")

    def __exit__(self, *exception: object) -> None:
        logging.getLogger("lightning.pytorch").setLevel(self._level)
        self._warnings.__exit__(None, None, None)
