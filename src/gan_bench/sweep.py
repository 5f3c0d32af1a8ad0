"""Hydra's side of training: compose, name the run, run it; or many of them, with the board at the end."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass, field
from pathlib import Path

os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # before Hydra is imported: errors come as exceptions, not as text

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from gan_bench.config import check, conf_dir, default_config, plain, register_experiments, run_name
from gan_bench.errors import GanBenchError, UsageError, WorkError

__all__ = ["hydra_main", "train"]


@dataclass
class _Session:
    """What one call has done: a sweep's runs share this process, or tell nothing."""

    done: list[Path] = field(default_factory=list)
    failed: list[GanBenchError] = field(default_factory=list)
    runs: Path | None = None  # the folder of a sweep's runs


def hydra_main(argv: Sequence[str]) -> int:
    """Compose and run what the overrides say; Hydra's own errors become one line.

    Args:
        argv: overrides and Hydra's flags.

    Returns:
        0.

    Raises:
        GanBenchError: what went wrong.
    """
    from gan_bench import cli

    _perform(argv, sys.argv[0] if sys.argv[0].endswith(".py") else cli.__file__)
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
        session = _perform(overrides, "train.py")
    finally:
        sys.argv = typed
    if not session.done:
        raise UsageError(f"{' '.join(overrides)}: nothing was trained")
    return session.runs or session.done[0]


def _perform(argv: Sequence[str], script: str) -> _Session:
    """One call of Hydra, and for a sweep the board behind it."""
    session = _Session()
    sys.argv = [script, *_readable(argv)]
    register_experiments()

    def job(cfg: DictConfig) -> None:
        _job(cfg, session)

    try:
        hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="train")(job)()
    except (HydraException, OmegaConfBaseException, YAMLError) as error:
        raise UsageError(_one_line(error)) from None
    if session.runs and session.done:
        from gan_bench.commands import show_board

        show_board(session.runs)
    if session.failed and session.runs:
        raise WorkError(f"{len(session.failed)} of the sweep's runs failed, the first: {session.failed[0]}")
    if session.failed:
        raise session.failed[0]
    return session


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


def _job(cfg: DictConfig, session: _Session) -> None:
    """One run; errors are kept for the end: Hydra would add a line of its own, and stop a sweep at the first."""
    sweeping = HydraConfig.get().mode == RunMode.MULTIRUN
    try:
        check(cfg, provided={"model": ("steps", "seed")})
        _check_shadowed(cfg)
        if sweeping:
            session.runs = Path(cfg.paths.runs)
            _check_processes(cfg)
        folder = _folder(cfg)
        _run(cfg, folder, sweeping)
        session.done.append(folder)
    except GanBenchError as error:
        session.failed.append(error)
        if sweeping:
            print(f"error: {' '.join(HydraConfig.get().overrides.task)}: {error}", file=sys.stderr)


def _check_processes(cfg: DictConfig) -> None:
    """Refuse several processes in a sweep: Lightning starts the others by the same words, so by the whole sweep."""
    if "ddp" in str(cfg.trainer.get("strategy")):
        raise UsageError(f"trainer={cfg.trainer.name}: a sweep runs in one process; give its runs one by one")


def _check_shadowed(cfg: DictConfig) -> None:
    """Refuse a value of the budget that was typed and would do nothing, because the budget has one for this model."""
    name = cfg.model.name
    for word in HydraConfig.get().overrides.task:
        key = word.partition("=")[0].lstrip("+").removeprefix("budget.")
        for place in (f"budget.{name}.x{cfg.degradation.scale}.{key}", f"budget.{name}.{key}"):
            own = OmegaConf.select(cfg, place) if word.lstrip("+").startswith("budget.") else None
            if own is not None:
                raise UsageError(f"budget.{key} does nothing for {name}: this budget has {place}={own}; set that")


def _run(cfg: DictConfig, folder: Path, sweeping: bool) -> None:
    from gan_bench.commands import show_results
    from gan_bench.run import Place, run

    number, count = (HydraConfig.get().job.num + 1, _runs_in_sweep()) if sweeping else (1, 1)
    results = run(cfg, Place(folder, number, count, _study()))
    if results and not sweeping:
        show_results(folder, results)


def _study() -> str | None:
    """What the run belongs to: its experiment, or else the words that a sweep sweeps over."""
    experiment = HydraConfig.get().runtime.choices.get("experiment")
    swept = [str(override.input_line) for override in _overrides() if override.is_sweep_override()]
    return experiment or " ".join(swept) or None


def _folder(cfg: DictConfig) -> Path:
    """hydra.run.dir where it was given, else the run's name below paths.runs."""
    hydra_config = HydraConfig.get()
    given = hydra_config.run.dir
    if hydra_config.mode != RunMode.MULTIRUN and given != ".":
        return Path(given)
    choices = {str(group): str(choice) for group, choice in hydra_config.runtime.choices.items() if choice is not None}
    choices.pop("perceptual", None)  # the name does not spell it: what train.yaml does not choose adds a hash
    default = default_config(choices, cfg.seed, cfg.degradation.get("scale"))
    return Path(cfg.paths.runs) / run_name(plain(cfg), default)


def _runs_in_sweep() -> int:
    """How many runs the sweep has: the product of the choices of its parameters."""
    counts = {}
    for override in _overrides():
        sweeps = override.is_sweep_override()
        counts[override.get_key_element()] = len(list(override.sweep_iterator())) if sweeps else 1
    total = 1
    for count in counts.values():
        total *= count
    return total


def _overrides() -> list[Override]:
    """The sweep parameters of an experiment, then what was typed."""
    params = HydraConfig.get().sweeper.get("params") or {}
    words = [f"{key}={value}" for key, value in params.items()]
    words += [word for word in sys.argv[1:] if "=" in word and not word.startswith("-")]
    return OverridesParser.create().parse_overrides(words)


def _one_line(error: Exception) -> str:
    """Hydra's message without its second thoughts, but with the words to choose from."""
    text = str(error).partition("Config search path:")[0]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    kept = [
        line for line in lines if not line.startswith(("full_key:", "object_type=", "reference_type=", "Set the env"))
    ]
    return " ".join(kept)
