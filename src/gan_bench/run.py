"""The one place where the rooms meet: from a configuration to data, model, trainer, evaluation and result."""

from __future__ import annotations

import copy
import json
import logging
import math
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
import torch
from omegaconf import DictConfig

from gan_bench.benchmark import Result
from gan_bench.callbacks import AtomicCheckpointIO, Checkpoints, Evaluation, Health, ProgressLine, save_generator
from gan_bench.config import build, cells, plain
from gan_bench.data import Degraded, Source, TestSet
from gan_bench.data.datamodule import DataModule
from gan_bench.degradations import Degradation
from gan_bench.errors import UsageError, WorkError
from gan_bench.files import write_atomically
from gan_bench.judge import Question
from gan_bench.metrics import Protocol, Suite, get_protocol
from gan_bench.models import Recipe
from gan_bench.restorers import Restorer, trained
from gan_bench.runfolder import claimed, is_main_process
from gan_bench.starting import check_start, weights_to_start_from
from gan_bench.tracking import Tracker, followed, log_results
from gan_bench.trials import Trial, judge, trials

__all__ = ["Place", "run"]

log = logging.getLogger(__name__)

MONITOR = "psnr"  # chooses the best checkpoint, where it is among the metrics


@dataclass(frozen=True)
class Place:
    """Where a run lies, and its number in a sweep.

    Attributes:
        folder: of the run.
        number: from 1.
        count: runs in the sweep.
        study: what it belongs to: an experiment, or what a sweep sweeps over.
    """

    folder: Path
    number: int = 1
    count: int = 1
    study: str | None = None


@dataclass(frozen=True)
class _Work:
    """What a run's steps share."""

    config: dict[str, Any]
    place: Place
    degradation: Degradation
    source: Source
    logger: Any

    @property
    def label(self) -> str:
        """The model's name, or what the choice of a perceptual loss makes of it, where it can have one."""
        model = self.config["model"]
        label = self.config["perceptual"].get("label") if "perceptual" in model else None
        return str(label or model["name"])

    @property
    def spec(self) -> str:
        """The run's name; of a model that is nothing but its class, its own: then it is one restorer in all runs."""
        model = self.config["model"]
        return str(model["name"] if model.keys() <= {"_target_", "name", "scale"} else self.place.folder.name)

    @property
    def protocol(self) -> Protocol:
        return get_protocol(self.config["metrics"]["protocol"])

    @property
    def metrics(self) -> list[str]:
        return list(self.config["metrics"]["names"])

    @property
    def instead(self) -> dict[str, str]:
        return dict(self.config["metrics"].get("instead") or {})


def run(cfg: DictConfig, place: Place) -> list[Result]:
    """Train where there is something to train, go on where a run was broken off, and judge.

    Args:
        cfg: the composed configuration, checked.
        place: of the run.

    Returns:
        one result per test set, the run's own first; of a complete run, those it has.

    Raises:
        GanBenchError: one line that names the thing, the cause and the way out.
    """
    config, logger = plain(cfg), _logger(cfg, place.folder)
    with claimed(place.folder, config), _quiet(), followed(logger, place.folder, place.study, config):
        degradation: Degradation = build(cfg.degradation, key="degradation")
        weights = place.folder / "generator.safetensors"
        learns = "generator" in config["model"]
        check_start(config["model"], place.folder)
        model = _seeded(cfg, config, place.folder, degradation.scale) if learns and not weights.exists() else None
        work = _Work(config, place, degradation, build(cfg.dataset, key="dataset"), logger)
        asked: list[Trial] = []
        if is_main_process():  # what will be missing at the end is known at the start
            Suite(work.metrics, work.protocol, degradation.scale, work.instead).report()
            asked = trials(cells(cfg), work.source)
        if model:
            _train(model, work)
        if not is_main_process():
            return []
        results = _judge(trained(place.folder) if learns else build(cfg.model, key="model"), asked, work)
        log_results(logger, results, place.folder / "panels")
        return list(results.values())


def _seeded(cfg: DictConfig, config: dict[str, Any], folder: Path, scale: int) -> Recipe:
    """The model, its weights drawn from the run's seed alone."""
    patch = _budget(config, "patch")
    if patch % scale:
        nearest = patch - patch % scale or scale
        raise UsageError(f"budget.patch={patch} is no multiple of the scale {scale}; take {nearest}")
    if (config["model"].get("perceptual") or {}).get("weights") == "random":
        raise UsageError("perceptual.weights=random teaches nothing: a training takes imagenet, or perceptual=none")
    torch.manual_seed(config["seed"])
    start = weights_to_start_from(config["model"], folder)
    model = build(cfg.model, key="model", steps=config["budget"]["steps"], seed=config["seed"], start_from=start)
    assert isinstance(model, Recipe)
    if model.not_loaded and is_main_process():
        few, count = ", ".join(model.not_loaded[:3]), len(model.not_loaded)
        log.warning("model.start_from: not loaded: %s%s", few, f" and {count - 3} more" if count > 3 else "")
    return model


def _train(model: Recipe, work: _Work) -> None:
    """Walk the recipe, and leave the generator and the facts of its training."""
    folder = work.place.folder
    suite = _validation(work)
    monitor = MONITOR if MONITOR in suite.metrics else next(iter(suite.metrics))
    rises = suite.metrics[monitor].higher_is_better
    tests = Degraded("validation", work.source.validation, work.degradation, {})
    channels = work.config["model"]["generator"].get("num_in_ch", 3)
    checkpoints = Checkpoints(folder / "checkpoints", f"val/{monitor}", rises)
    evaluation = Evaluation(tests, suite, folder, channels, work.label)
    health = Health(evaluation)
    bar = ProgressLine(work.label, health, work.place.number, work.place.count)
    trainer = _trainer(model, work, [evaluation, health, bar, checkpoints])
    last = folder / "checkpoints" / "last.ckpt"
    _rehearse(model, work, trainer.world_size)
    try:
        trainer.fit(model, _data(model, work), ckpt_path=str(last) if last.exists() else None, weights_only=True)
    except SystemExit:  # what Lightning makes of Ctrl-C
        raise KeyboardInterrupt from None
    if model.step < model.steps:
        raise WorkError(f"training ended at step {model.step} of {model.steps}; the same command goes on with it")
    if trainer.is_global_zero:
        facts = {"seconds": checkpoints.seconds, "steps": model.step, "best": checkpoints.best}
        facts |= {"health": health.sentence} if health.sentence else {}
        write_atomically(folder / "training.json", (json.dumps(facts, indent=1, sort_keys=True) + "\n").encode())
        save_generator(model.product, folder / "generator.safetensors")


def _rehearse(model: Recipe, work: _Work, processes: int) -> None:
    """Let a copy of the discriminator see a batch: what it cannot judge is known before the pixel stage, not after."""
    if model.discriminator is None:
        return
    channels = work.config["model"]["discriminator"].get("num_in_ch", 3)
    batch, patch = (_budget(work.config, key) for key in ("batch", "patch"))
    for size in {stage.patch or patch for stage in model.stages if stage.weights.get("adversarial")}:
        try:
            copy.deepcopy(model.discriminator)(torch.zeros(min(2, batch // processes), channels, size, size))
        except (ValueError, RuntimeError) as error:
            cannot = f"the discriminator cannot judge {batch // processes} patches of {size} pixels in each process"
            raise UsageError(f"budget.batch={batch}, budget.patch={patch}: {cannot}: {error}") from None


def _validation(work: _Work) -> Suite:
    """The cheap metrics that training is watched by."""
    names = work.config["metrics"].get("validation") or work.metrics
    suite = Suite(names, work.protocol, work.degradation.scale)
    if not suite.metrics:
        raise UsageError(f"metrics.validation: {', '.join(names)} cannot be computed here; add psnr")
    return suite


def _trainer(model: Recipe, work: _Work, callbacks: list[L.Callback]) -> L.Trainer:
    """Lightning's trainer, with what is ours to decide: an epoch is the steps between two validations."""
    config, folder = work.config, work.place.folder
    tracker = [work.logger] if isinstance(work.logger, Tracker) else []
    trainer: L.Trainer = build(
        {**config["trainer"], "precision": _precision(config)},
        key="trainer",
        max_epochs=math.ceil(config["budget"]["steps"] / _epoch(config)),
        callbacks=[*callbacks, *tracker],
        logger=False if tracker else work.logger,
        plugins=[AtomicCheckpointIO()],
        default_root_dir=folder,
        use_distributed_sampler=False,
        limit_val_batches=0,
        num_sanity_val_steps=0,
        log_every_n_steps=model.log_every,
        enable_model_summary=False,
    )
    return trainer


def _data(model: Recipe, work: _Work) -> DataModule:
    patch = _budget(work.config, "patch")
    return DataModule(
        images=work.source.train,
        degradation=work.degradation,
        batch=_budget(work.config, "batch"),
        patches=[(stage.first, stage.patch or patch) for stage in model.stages],
        steps_per_epoch=_epoch(work.config),
        seed=work.config["seed"],
        workers=_workers(work.config),
        pool=work.config["pool"],
    )


def _judge(restorer: Restorer, asked: Sequence[Trial], work: _Work) -> dict[str, Result]:
    """One result for each of the run's test sets."""
    folder = work.place.folder

    def question(tests: TestSet) -> Question:
        return Question(work.label, work.spec, restorer, tests, work.metrics, work.protocol, work.instead)

    return judge(asked, question, folder)


def _epoch(config: dict[str, Any]) -> int:
    """Steps between two validations."""
    return min(int(config["budget"]["val_every"]), int(config["budget"]["steps"]))


def _budget(config: dict[str, Any], key: str) -> Any:
    """A value of the budget: that for this model at this scale, for this model, or for all."""
    budget = config["budget"]
    of_model = budget.get(config["model"]["name"]) or {}
    of_scale = of_model.get(f"x{config['degradation']['scale']}") or {}
    return next(group[key] for group in (of_scale, of_model, budget) if key in group)


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


@contextmanager
def _quiet() -> Iterator[None]:
    """Lightning's remarks on choices that are ours are not for the user."""
    lightning = logging.getLogger("lightning.pytorch")
    level = lightning.level
    lightning.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
            yield
    finally:
        lightning.setLevel(level)
