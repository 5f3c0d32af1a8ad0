"""From a run's configuration to a trained generator: model, data and trainer meet here; nothing is judged."""

from __future__ import annotations

import copy
import json
import logging
import math

import lightning as L
import torch
from torch import nn

from gan_bench.callbacks import AtomicCheckpointIO, Checkpoints, Evaluation, Health, ProgressLine, save_generator
from gan_bench.config import build
from gan_bench.data.datamodule import DataModule
from gan_bench.errors import UsageError, WorkError
from gan_bench.files import write_atomically
from gan_bench.metrics import Suite
from gan_bench.models import Recipe
from gan_bench.runfolder import is_main_process
from gan_bench.starting import weights_to_start_from
from gan_bench.tracking import Tracker
from gan_bench.work import Work

__all__ = ["seeded", "train"]

log = logging.getLogger(__name__)

MONITOR = "psnr"  # chooses the best checkpoint, where it is among the metrics


def seeded(work: Work) -> Recipe:
    """The model, its weights drawn from the run's seed alone, or those that it is to start from.

    Raises:
        UsageError: it cannot be built, or would learn nothing.
    """
    config, patch, scale = work.config, work.budget("patch"), work.degradation.scale
    if patch % scale:
        nearest = patch - patch % scale or scale
        raise UsageError(f"budget.patch={patch} is no multiple of the scale {scale}; take {nearest}")
    if (config["model"].get("perceptual") or {}).get("weights") == "random":
        raise UsageError("perceptual.weights=random teaches nothing: a training takes imagenet, or perceptual=none")
    torch.manual_seed(config["seed"])
    given = {"steps": config["budget"]["steps"], "seed": config["seed"]}
    start = weights_to_start_from(config["model"], work.place.folder)
    model = build(config["model"], key="model", start_from=start, **given)
    assert isinstance(model, Recipe)
    if model.not_loaded and is_main_process():
        few, count = ", ".join(model.not_loaded[:3]), len(model.not_loaded)
        log.warning("model.start_from: not loaded: %s%s", few, f" and {count - 3} more" if count > 3 else "")
    return model


def train(model: Recipe, work: Work) -> None:
    """Walk the recipe, or go on with it, and leave the generator and the facts of its training.

    Raises:
        UsageError: the discriminator cannot judge such patches, or nothing can be validated.
        WorkError: it ended before its last step.
    """
    folder = work.place.folder
    _check_data(model, work)
    suite = _validation(work)
    monitor = MONITOR if MONITOR in suite.metrics else next(iter(suite.metrics), None)
    rises = monitor is None or suite.metrics[monitor].higher_is_better
    tests = work.source.tests("validation", "validation", work.degradation)
    channels = work.config["model"]["generator"].get("num_in_ch", 3)
    checkpoints = Checkpoints(folder / "checkpoints", f"val/{monitor}" if monitor else None, rises)
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
    except UsageError as error:
        raise UsageError(_said(error)) from None
    if model.step < model.steps:
        raise WorkError(f"training ended at step {model.step} of {model.steps}; the same command goes on with it")
    if trainer.is_global_zero:
        facts = {"seconds": checkpoints.seconds, "steps": model.step, "best": checkpoints.best}
        facts |= {"health": health.sentence} if health.sentence else {}
        write_atomically(folder / "training.json", (json.dumps(facts, indent=1, sort_keys=True) + "\n").encode())
        for name, network in reversed(model.products.items()):  # the generator last: it says that the run is complete
            save_generator(network, folder / f"{name}.safetensors")


def _said(error: UsageError) -> str:
    """The line of an error, without the traceback that torch puts around that of a process which loads data."""
    return str(error).strip().splitlines()[-1].removeprefix(f"{UsageError.__module__}.{UsageError.__name__}: ")


def _check_data(model: Recipe, work: Work) -> None:
    """Refuse to compare an lq with the gt of another scene."""
    if model.pairs and (work.source.unpaired or not work.source.paired):
        why = "unpaired=true" if work.source.paired else "paired=false"
        raise UsageError(
            f"dataset.{why}: {work.label} learns from an lq and its own gt; take pairs, or a model that does without, "
            "as cyclegan or discogan"
        )


def _rehearse(model: Recipe, work: Work, processes: int) -> None:
    """Let copies of the discriminators see a batch: what they cannot judge is known at the start, not in mid-way."""
    batch, patch = (work.budget(key) for key in ("batch", "patch"))
    sizes = {stage.patch or patch for stage in model.stages if stage.weights.get("adversarial")}
    channels = work.source.num_ch * (2 if model.conditional else 1)
    playing = model.players().get("discriminator")
    for judge in playing if isinstance(playing, nn.ModuleList) else [playing] if playing is not None else []:
        for size in sizes:
            try:
                copy.deepcopy(judge)(torch.zeros(min(2, batch // processes), channels, size, size))
            except (ValueError, RuntimeError) as error:
                cannot = f"the discriminator cannot judge {batch // processes} patches of {size} pixels in each process"
                raise UsageError(f"budget.batch={batch}, budget.patch={patch}: {cannot}: {error}") from None


def _validation(work: Work) -> Suite:
    """The cheap metrics that training is watched by; without gt none that needs it, and so perhaps none."""
    names = work.config["metrics"].get("validation") or work.metrics
    suite = Suite(names, work.protocol, work.degradation.scale)
    if not work.source.paired:
        free = [name for name, metric in suite.metrics.items() if not metric.needs_gt]
        return Suite(free, work.protocol, work.degradation.scale)
    if not suite.metrics:
        raise UsageError(f"metrics.validation: {', '.join(names)} cannot be computed here; add psnr")
    return suite


def _trainer(model: Recipe, work: Work, callbacks: list[L.Callback]) -> L.Trainer:
    """Lightning's trainer, with what is ours to decide: an epoch is the steps between two validations."""
    config, folder = work.config, work.place.folder
    tracker = [work.logger] if isinstance(work.logger, Tracker) else []
    trainer: L.Trainer = build(
        {**config["trainer"], "precision": work.precision},
        key="trainer",
        max_epochs=math.ceil(config["budget"]["steps"] / work.epoch),
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


def _data(model: Recipe, work: Work) -> DataModule:
    patch = work.budget("patch")
    return DataModule(
        source=work.source,
        degradation=work.degradation,
        batch=work.budget("batch"),
        patches=[(stage.first, stage.patch or patch) for stage in model.stages],
        steps_per_epoch=work.epoch,
        seed=work.config["seed"],
        workers=work.workers,
        pool=work.config["pool"],
    )
