"""Hydra's side of training: compose, name the run, run it; or many of them, with the board at the end.

It is long because Hydra has no other door: its launchers, its callback and its overrides are all met here. What is not
Hydra's about the jobs of a sweep is in `jobs`.
"""

from __future__ import annotations

import io
import logging
import math
import os
import signal
import statistics
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any, ClassVar

os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # before Hydra is imported: errors come as exceptions, not as text
os.environ.setdefault(
    "TORCH_CPP_LOG_LEVEL", "ERROR"
)  # before torch is: DDP's advice on what we ask for, in each process

import hydra
from hydra import compose, initialize_config_dir
from hydra._internal.utils import get_args_parser
from hydra.conf import HydraConf
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from gan_bench.config import check, conf_dir, default_config, mistyped, plain, register_experiments, run_name
from gan_bench.errors import GanBenchError, Stopped, UsageError, WorkError
from gan_bench.jobs import INTERRUPTED, Ledger, Outcome, heard_with_number, take_gpu
from gan_bench.started import check_started, is_alone, is_main_process

__all__ = ["SweepStart", "composed", "hydra_main", "train"]

log = logging.getLogger(__name__)

PATIENCE = 2.0  # seconds for which others wait for the main process to tell: torchrun ends all with the first that ends
BASIC = "basic"  # Hydra's launcher that runs the jobs in this process, one after the other


@dataclass
class _Call:
    """One call of Hydra: what it has done, and what its jobs in other processes must know of it."""

    argv: list[str]
    name: str = field(default_factory=lambda: f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}")
    done: list[Path] = field(default_factory=list)
    failed: list[GanBenchError] = field(default_factory=list)
    took: list[float] = field(default_factory=list)  # seconds of each run that was trained in this process
    runs: Path | None = None  # the folder of a sweep's runs

    def ledger(self, config: HydraConf) -> Ledger:
        """Where the jobs of the sweep say what became of them."""
        return Ledger(Path(config.sweep.dir) / self.name)


def hydra_main(argv: Sequence[str]) -> int:
    """Compose and run what the overrides say; Hydra's own errors become one line.

    Args:
        argv: overrides and Hydra's flags.

    Returns:
        0; the code of an error where another process of the same training tells it.

    Raises:
        GanBenchError: what went wrong.
    """
    from gan_bench import cli

    try:
        _perform(argv, sys.argv[0] if sys.argv[0].endswith(".py") else cli.__file__)
    except GanBenchError as error:
        if _tells():
            raise
        return error.exit_code
    return 0


def train(*overrides: str) -> Path:
    """Train and judge, as `gan-bench train` does and with its output, from Python.

    Args:
        overrides: `"model=srcnn"`, `"budget=smoke"`, and Hydra's flags.

    Returns:
        The run's folder, for `gan_bench.load` and `gan-bench benchmark`; of a sweep, the folder of its runs.

    Raises:
        GanBenchError: what the command line would tell in one line.
    """
    from gan_bench import cli

    cli.show_warnings()
    typed = sys.argv
    try:
        call = _perform(overrides, "train.py")
    finally:
        sys.argv = typed
    if not call.done:
        raise UsageError(f"{' '.join(overrides)}: nothing was trained")
    return call.runs or call.done[0]


class SweepStart(Callback):
    """Hears from Hydra that a sweep begins, in the process that waits for its jobs; conf/train.yaml names it."""

    heard: ClassVar[list[DictConfig]] = []

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Keep Hydra's configuration; say where jobs speak that are not heard; leave Ctrl-C to those that are."""
        self.heard.append(config)
        launcher = _launcher(config.hydra)
        if launcher.startswith("submitit"):
            log.info("what the jobs of this sweep say is in %s", Path(config.hydra.launcher.submitit_folder).parent)
        elif launcher != BASIC and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, _once)


def _once(number: int, _: FrameType | None) -> None:
    """The first Ctrl-C is for the jobs, which hear it too, and save; a second one ends this process."""
    signal.signal(number, signal.default_int_handler)


def _tells() -> bool:
    """Whether this process of a training is to tell of the error that ends it."""
    distributed = sys.modules.get("torch.distributed")
    if distributed and distributed.is_available() and distributed.is_initialized():
        from gan_bench.processes import tells

        return tells(PATIENCE)
    if not is_main_process():
        time.sleep(PATIENCE)
    return is_main_process()


def _launcher(config: HydraConf) -> str:
    return str(config.runtime.choices["hydra/launcher"])


def _perform(argv: Sequence[str], script: str) -> _Call:
    """One call of Hydra, and for a sweep the board behind it."""
    sys.argv = [script, *_readable(argv)]
    register_experiments()
    call = _Call(list(sys.argv))
    SweepStart.heard.clear()

    def job(cfg: DictConfig) -> None:
        _job(cfg, call)

    try:
        lost = _launched(job)
        for config in SweepStart.heard:
            _end(call, config, lost)
    finally:
        for config in SweepStart.heard:
            call.ledger(config.hydra).remove()
    if call.failed:
        raise call.failed[0]
    return call


def _launched(job: Callable[[DictConfig], None]) -> Exception | None:
    """Let Hydra run the job, or the jobs; what a launcher says that lost some of them."""
    listening = signal.getsignal(signal.SIGINT)
    try:
        hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="train")(job)()
    except (HydraException, OmegaConfBaseException, YAMLError) as error:
        hint = "; joblib and submitit come with: pip install 'gan-bench[sweep]'"
        raise UsageError(_one_line(error) + (hint if "find 'hydra/launcher/" in str(error) else "")) from None
    except Exception as error:  # of the launcher: jobs that are elsewhere raise nothing here
        if all(_launcher(config.hydra) == BASIC for config in SweepStart.heard):
            raise
        return error
    finally:
        if SweepStart.heard and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, listening)
    return None


def _end(call: _Call, config: DictConfig, lost: Exception | None) -> None:
    """The board of a sweep, and what failed, by what its jobs left on the disk.

    Raises:
        Stopped: the user stopped it.
        WorkError: some of its runs failed.
    """
    from gan_bench.commands import show_board

    launcher, outcomes = _launcher(config.hydra), call.ledger(config.hydra).read()
    call.runs, call.done = Path(str(config.paths.runs)), [Path(one.folder) for one in outcomes if one.folder]
    if call.done:
        show_board(call.runs)
    unheard = launcher.startswith("submitit")
    failed = []
    for one in outcomes:
        if not one.folder:
            failed.append(f"{one.words}: {one.error or 'ended without a word, as if killed'}")
            if unheard or not one.error:
                print(f"error: {failed[-1]}", file=sys.stderr)
    failed += ["not begun"] * (_count(_overrides(config.hydra)) - len(outcomes))
    if any(one.code == INTERRUPTED for one in outcomes):
        told = f"interrupted, with {len(call.done)} of the sweep's runs complete"
        raise Stopped(f"{told}; the same command goes on with the others", INTERRUPTED)
    if failed:
        told = f"{len(failed)} of the sweep's runs failed, the first: {failed[0]}"
        raise WorkError(told if lost is None else f"{told}; hydra/launcher={launcher}: {_one_line(lost)}")


def _readable(argv: Sequence[str]) -> list[str]:
    """The words as Hydra's parser takes them: -m before the overrides; what it cannot read becomes one line."""
    sweeping = [word for word in argv if word in ("-m", "--multirun")]
    words = [*sweeping, *(word for word in argv if word not in sweeping)]
    with redirect_stderr(io.StringIO()) as told:
        try:
            get_args_parser().parse_args(words)
        except SystemExit:
            raise UsageError(told.getvalue().strip().splitlines()[-1].rpartition("error: ")[2]) from None
    return words


def _job(cfg: DictConfig, call: _Call) -> None:
    """One run; errors are kept for the end: Hydra would add a line of its own, and stop a sweep at the first."""
    config = HydraConfig.get()
    if config.mode != RunMode.MULTIRUN:
        try:
            call.done.append(_run(cfg, call))
        except GanBenchError as error:
            call.failed.append(error)
    elif _launcher(config) == BASIC:
        _noted(cfg, call, _tried)
    else:
        _job_elsewhere(cfg, call)


def _job_elsewhere(cfg: DictConfig, call: _Call) -> None:
    """A job in another process, perhaps on another machine, which this one knows nothing of but what it was given."""
    from gan_bench import cli

    config = HydraConfig.get()
    sys.argv = list(call.argv)
    with heard_with_number(config.job.num + 1, _count(_overrides(config))):
        cli.show_warnings()
        if _launcher(config) == "joblib":
            take_gpu(config.job.num)
        if is_main_process():
            _noted(cfg, call, _tried_elsewhere)
        else:  # of a job of several: what it raises ends the others too
            _run(cfg, call)


def _noted(cfg: DictConfig, call: _Call, trial: Callable[[DictConfig, Outcome, _Call], Outcome]) -> None:
    """A job whose end is noted, and its beginning: who is killed notes nothing."""
    config = HydraConfig.get()
    ledger = call.ledger(config)
    outcome = Outcome(config.job.num, " ".join(config.overrides.task))
    if ledger.interrupted():
        ledger.write(replace(outcome, error="not begun", code=INTERRUPTED))
        return
    ledger.write(outcome)
    ledger.write(trial(cfg, outcome, call))


def _tried(cfg: DictConfig, outcome: Outcome, call: _Call) -> Outcome:
    """A run of a sweep, whose error is told at once; the others go on."""
    try:
        return replace(outcome, folder=str(_run(cfg, call)))
    except GanBenchError as error:
        print(f"error: {outcome.words}: {error}", file=sys.stderr)
        return replace(outcome, error=str(error), code=error.exit_code)


def _tried_elsewhere(cfg: DictConfig, outcome: Outcome, call: _Call) -> Outcome:
    """The same where nobody sees what is raised: a launcher would lose the other jobs with this one."""
    try:
        return _tried(cfg, outcome, call)
    except Stopped as stopped:
        if not stopped.exit_code:
            sys.exit(0)  # requeued: it must leave no result
        print(stopped, file=sys.stderr)
        return replace(outcome, error=str(stopped), code=stopped.exit_code)
    except KeyboardInterrupt:
        return replace(outcome, error="interrupted", code=INTERRUPTED)
    except Exception as error:
        traceback.print_exc()
        return replace(outcome, error=f"{type(error).__name__}: {_one_line(error)}", code=1)


def _check_processes(cfg: DictConfig) -> None:
    """Refuse several processes in a sweep: Lightning starts the others by the same words, so by the whole sweep."""
    if _launcher(HydraConfig.get()) != "submitit_slurm" and not is_alone(plain(cfg.trainer)):
        raise UsageError(
            f"trainer={cfg.trainer.name}: the runs of a sweep have one process each, but for "
            "hydra/launcher=submitit_slurm; give them one by one"
        )


def _check_shadowed(cfg: DictConfig, words: Iterable[str]) -> None:
    """Refuse a value of the budget that was typed and would do nothing, because the budget has one for this model."""
    name = cfg.model.name
    for word in words:
        key = word.partition("=")[0].lstrip("+").removeprefix("budget.")
        for place in (f"budget.{name}.x{cfg.degradation.scale}.{key}", f"budget.{name}.{key}"):
            own = OmegaConf.select(cfg, place) if word.lstrip("+").startswith("budget.") else None
            if own is not None:
                raise UsageError(f"budget.{key} does nothing for {name}: this budget has {place}={own}; set that")


def _run(cfg: DictConfig, call: _Call) -> Path:
    """Check what was composed, train and judge.

    Returns:
        the folder of the run.
    """
    config = HydraConfig.get()
    _check(cfg, config.overrides.task)
    from gan_bench.commands import show_results
    from gan_bench.run import Place, run

    if "generator" not in cfg.model:  # it learns nothing, so it is the same under every seed
        cfg.seed = 0
    folder = _folder(cfg)
    if config.mode != RunMode.MULTIRUN:
        if results := run(cfg, Place(folder, study=_study())):
            show_results(folder, results)
        return folder
    _check_processes(cfg)
    each = statistics.fmean(call.took) if call.took else None
    place = Place(folder, config.job.num + 1, _count(_overrides(config)), _study(), each)
    trains, since = not (folder / "generator.safetensors").exists(), time.monotonic()
    with _typed_alone(config):
        run(cfg, place)
    if trains and (folder / "generator.safetensors").exists():
        call.took.append(time.monotonic() - since)
    return folder


@contextmanager
def _typed_alone(config: HydraConf) -> Iterator[None]:
    """Let the command line be that which makes this one run of a sweep again: its results keep it."""
    words = sorted(config.overrides.task, key=lambda word: not word.startswith("experiment="))  # as one would type it
    words += [word for word in config.overrides.hydra if word.startswith("hydra.searchpath")]
    typed, sys.argv = sys.argv, [sys.argv[0], *words]
    try:
        yield
    finally:
        sys.argv = typed


def composed(overrides: Sequence[str]) -> DictConfig:
    """The configuration that the overrides of one training mean, checked as that is; nothing is run.

    Args:
        overrides: `KEY=VALUE`.

    Raises:
        UsageError: they cannot be composed, mean nothing, or mean a sweep.
    """
    register_experiments()
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            cfg = compose("train", list(overrides), return_hydra_config=True)
    except (HydraException, OmegaConfBaseException, YAMLError) as error:
        raise UsageError(_one_line(error)) from None
    if cfg.hydra.mode == RunMode.MULTIRUN or cfg.hydra.sweeper.get("params"):
        raise UsageError(f"{' '.join(overrides)}: a sweep; give the words of one of its runs")
    with open_dict(cfg):
        del cfg["hydra"]
    _check(cfg, overrides)
    return cfg


def _check(cfg: DictConfig, words: Iterable[str]) -> None:
    """Refuse what means nothing, or does nothing, or does not fit the processes that were started."""
    check(cfg, provided={"model": ("steps", "seed")})
    _check_shadowed(cfg, words)
    check_started(plain(cfg.trainer))


def _study() -> str | None:
    """What the run belongs to: its experiment, or else the words that a sweep sweeps over."""
    experiment = HydraConfig.get().runtime.choices.get("experiment")
    swept = [str(override.input_line) for override in _overrides(HydraConfig.get()) if override.is_sweep_override()]
    return experiment or " ".join(swept) or None


def _folder(cfg: DictConfig) -> Path:
    """hydra.run.dir where it was given, else the run's name below paths.runs."""
    hydra_config = HydraConfig.get()
    given = hydra_config.run.dir
    if not given:
        raise UsageError("hydra.run.dir: a folder is needed, not an empty name")
    if hydra_config.mode != RunMode.MULTIRUN and given != ".":
        return Path(given)
    choices = {str(group): str(choice) for group, choice in hydra_config.runtime.choices.items() if choice is not None}
    choices.pop("perceptual", None)  # the name does not spell it: what train.yaml does not choose adds a hash
    default = default_config(choices, cfg.seed, cfg.degradation.get("scale"))
    return Path(cfg.paths.runs) / run_name(plain(cfg), default)


def _count(overrides: Iterable[Override]) -> int:
    """How many runs a sweep has: the product of the choices of its parameters."""
    counts = {}
    for override in overrides:
        sweeps = override.is_sweep_override()
        counts[override.get_key_element()] = len(list(override.sweep_iterator())) if sweeps else 1
    return math.prod(counts.values())


def _overrides(config: HydraConf) -> list[Override]:
    """The sweep parameters of an experiment, then what was typed."""
    params = config.sweeper.get("params") or {}
    words = [f"{key}={value}" for key, value in params.items()]
    words += [word for word in sys.argv[1:] if "=" in word and not word.startswith("-")]
    return OverridesParser.create().parse_overrides(words)


def _one_line(error: Exception) -> str:
    """Hydra's message without its second thoughts, but with what was probably meant."""
    if meant := mistyped(str(error)):
        return meant
    text = str(error).partition("Config search path:")[0]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    kept = [
        line for line in lines if not line.startswith(("full_key:", "object_type=", "reference_type=", "Set the env"))
    ]
    return " ".join(kept)
