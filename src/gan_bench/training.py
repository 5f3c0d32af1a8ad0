"""From a run's configuration to a trained generator: model, data and trainer meet here; nothing is judged."""

from __future__ import annotations

import copy
import json
import logging

import lightning as L
import torch
from torch import nn

from gan_bench.callbacks import (
    CheckpointFiles,
    Checkpoints,
    Clock,
    Evaluation,
    Health,
    ProgressLine,
    Stopping,
    drop_unfinished,
    resumable,
    save_generator,
)
from gan_bench.config import build
from gan_bench.data import PositionSampler
from gan_bench.data.datamodule import DataModule
from gan_bench.errors import UsageError, WorkError, out_of_memory
from gan_bench.files import write_atomically
from gan_bench.metrics import Suite
from gan_bench.models import Recipe
from gan_bench.started import is_main_process
from gan_bench.starting import weights_to_start_from
from gan_bench.tracking import Tracker
from gan_bench.work import Work

__all__ = ["data_of", "fit", "ready", "seeded", "train", "trainer_of"]

log = logging.getLogger(__name__)

MONITOR = "psnr"  # chooses the best checkpoint, where it is among the metrics


def seeded(work: Work, learns: bool = True, steps: int | None = None) -> Recipe:
    """The model, its weights drawn from the run's seed alone, or those that it is to start from.

    Args:
        work: whose model it is.
        learns: whether it is to learn, or its speed is to be measured.
        steps: that it is to take; the budget's where None.

    Raises:
        UsageError: it cannot be built, or would learn nothing, or not from these data.
    """
    if learns and (work.config["model"].get("perceptual") or {}).get("weights") == "random":
        raise UsageError("perceptual.weights=random teaches nothing: a training takes imagenet, or perceptual=none")
    config, patch, scale = work.config, work.budget("patch"), work.degradation.scale
    if patch % scale:
        nearest = patch - patch % scale or scale
        raise UsageError(f"budget.patch={patch} is no multiple of the scale {scale}; take {nearest}")
    torch.manual_seed(config["seed"])
    given = {"steps": config["budget"]["steps"] if steps is None else steps, "seed": config["seed"]}
    given |= {key: config[key] for key in ("accumulate", "channels_last", "compile")}
    start = weights_to_start_from(config["model"], work.place.folder)
    model = build(config["model"], key="model", start_from=start, **given)
    assert isinstance(model, Recipe)
    if learns:
        _check_data(model, work)
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
    if is_main_process():
        drop_unfinished(folder / "checkpoints")
    clock, evaluation = Clock(), _evaluation(work, model.steps)
    checkpoints = _checkpoints(work, evaluation, clock)
    health = Health(evaluation)
    place = work.place
    bar = ProgressLine(work.label, health, clock, work.budget("batch"), place.number, place.count, place.each)
    tracker = [work.logger] if isinstance(work.logger, Tracker) else []
    for one in tracker:
        one.follow(evaluation.curve)
    callbacks = [clock, *tracker, Stopping(checkpoints), evaluation, health, bar, checkpoints]
    trainer = ready(model, work, callbacks)
    data = data_of(model, work)
    fit(trainer, model, data, work)
    if model.step < model.steps:
        raise WorkError(f"training ended at step {model.step} of {model.steps}; the same command goes on with it")
    if trainer.is_global_zero:
        facts = {"seconds": clock.seconds, "steps": model.step, "best": checkpoints.best}
        facts |= {"health": health.sentence} if health.sentence else {}
        if len(data.batches) > 1:  # a result must not claim a budget that it did not have
            facts["batch"] = ", then ".join(f"{batch} from step {first}" for first, batch in data.batches)
        write_atomically(folder / "training.json", (json.dumps(facts, indent=1, sort_keys=True) + "\n").encode())
        for name, network in reversed(model.products.items()):  # the generator last: it says that the run is complete
            save_generator(network, folder / f"{name}.safetensors")


def ready(model: Recipe, work: Work, callbacks: list[L.Callback]) -> L.Trainer:
    """The trainer of a training that can be.

    Raises:
        UsageError: the discriminator cannot judge such patches, or the batch cannot be shared.
    """
    trainer = trainer_of(model, work, callbacks)
    _rehearse(model, work, trainer.world_size)
    return trainer


def fit(trainer: L.Trainer, model: Recipe, data: DataModule, work: Work) -> None:
    """Train, or go on, with errors in one line.

    Raises:
        UsageError: what a process that loads data says.
        WorkError: memory or disk do not suffice.
    """
    start = resumable(work.place.folder / "checkpoints")
    try:
        trainer.fit(model, data, ckpt_path=str(start) if start else None, weights_only=True)
    except SystemExit as left:
        if isinstance(left.__context__, KeyboardInterrupt):  # what Lightning makes of Ctrl-C
            raise KeyboardInterrupt from None
        raise  # submitit has requeued the job
    except UsageError as error:
        raise UsageError(_said(error)) from None
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        raise WorkError(_too_large(model, work)) from None
    except OSError as error:
        if error.filename:
            raise
        cause = error.strerror or error
        raise WorkError(
            f"{work.place.folder}: cannot be written ({cause}); make room, then give the same command"
        ) from None


def _too_large(model: Recipe, work: Work) -> str:
    """What to lower."""
    batch, patch = (work.budget(key) for key in ("batch", "patch"))
    lower = [f"budget.batch={batch}", f"budget.patch={model.stage.patch or patch}"]
    lower += [] if model.accumulate >= batch else [f"or cut the batch with accumulate={2 * model.accumulate}"]
    lower += ["or take trainer.precision=bf16-mixed"] if work.precision == "32-true" else []
    return f"not enough memory for step {model.step + 1} of {model.steps}: lower {', '.join(lower)}"


def _evaluation(work: Work, steps: int) -> Evaluation:
    tests = work.source.tests("validation", "validation", work.degradation)
    channels = work.config["model"]["generator"].get("num_in_ch", 3)
    every, budget = int(work.config["budget"]["val_every"]), int(work.config["budget"]["steps"])
    if steps != budget:  # measured: it is judged as often as it would be in the steps of the budget
        every = max(1, round(every * steps / budget))
    return Evaluation(tests, _validation(work), work.place.folder, channels, work.label, every)


def _checkpoints(work: Work, evaluation: Evaluation, clock: Clock) -> Checkpoints:
    metrics = evaluation.suite.metrics
    monitor = MONITOR if MONITOR in metrics else next(iter(metrics), None)
    rises = monitor is None or metrics[monitor].higher_is_better
    every = work.config["save_every"]
    if not (isinstance(every, int | float) and every >= 0):
        raise UsageError(f"save_every={every}: minutes are needed, 0 saves after each step")
    return Checkpoints(work.place.folder / "checkpoints", evaluation, clock, monitor, rises, every)


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
    PositionSampler(model.steps, batch, 0, processes)  # which says what does not divide
    if (share := batch // processes) % model.accumulate:
        raise UsageError(
            f"accumulate={model.accumulate} does not divide the {share} images of a process; see budget.batch"
        )
    together = share // model.accumulate
    sizes = {stage.patch or patch for stage in model.stages if stage.weights.get("adversarial")}
    channels = work.source.num_ch * (2 if model.conditional else 1)
    playing = model.players().get("discriminator")
    for judge in playing if isinstance(playing, nn.ModuleList) else [playing] if playing is not None else []:
        for size in sizes:
            try:
                copy.deepcopy(judge)(torch.zeros(min(2, together), channels, size, size))
            except (ValueError, RuntimeError) as error:
                cannot = f"the discriminator cannot judge {together} patches of {size} pixels at a time"
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


def trainer_of(model: Recipe, work: Work, callbacks: list[L.Callback]) -> L.Trainer:
    """Lightning's trainer, with what is ours to decide: the whole training is one epoch, and a step is a batch.

    Args:
        model: to be trained.
        work: whose trainer is built.
        callbacks: what accompanies it.
    """
    config, folder = work.config, work.place.folder
    trainer: L.Trainer = build(
        {**config["trainer"], "precision": work.precision},
        key="trainer",
        max_epochs=1,
        callbacks=callbacks,
        logger=False if isinstance(work.logger, Tracker) else work.logger,
        plugins=[CheckpointFiles()],
        default_root_dir=folder,
        use_distributed_sampler=False,
        limit_val_batches=0,
        num_sanity_val_steps=0,
        log_every_n_steps=model.log_every,
        enable_model_summary=False,
    )
    _check_count(trainer)
    return trainer


def _check_count(trainer: L.Trainer) -> None:
    """Refuse other numbers of devices and nodes than torchrun or SLURM started processes for."""
    environment = getattr(trainer.strategy, "cluster_environment", None)
    if environment is not None and environment.creates_processes_externally:
        try:
            environment.validate_settings(trainer.num_devices, trainer.num_nodes)
        except ValueError as error:
            raise UsageError(f"trainer: {' '.join(str(error).split())}") from None


def data_of(model: Recipe, work: Work) -> DataModule:
    """The stream of training batches.

    Args:
        model: whose stages say how large the patches are.
        work: whose data they are.
    """
    patch = work.budget("patch")
    return DataModule(
        source=work.source,
        degradation=work.degradation,
        batch=work.budget("batch"),
        patches=[(stage.first, stage.patch or patch) for stage in model.stages],
        steps=model.steps,
        seed=work.config["seed"],
        workers=work.workers,
        pool=work.config["pool"],
    )
