"""The one place where the rooms meet: from a configuration to a training, its evaluation and its results."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from gan_bench.benchmark import Result
from gan_bench.config import build, cells, plain
from gan_bench.data import TestSet
from gan_bench.judge import Question
from gan_bench.metrics import Suite
from gan_bench.pilot import paced
from gan_bench.restorers import Restorer, trained
from gan_bench.runfolder import claimed
from gan_bench.started import is_main_process
from gan_bench.starting import check_start
from gan_bench.suites import stamp
from gan_bench.tracking import followed, log_results
from gan_bench.training import seeded, train
from gan_bench.trials import Trial, judge, trials
from gan_bench.work import Place, Work

__all__ = ["Place", "run"]


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
    learns = "generator" in config["model"]
    with claimed(place.folder, config, waits=not learns), _quiet(), followed(logger, place.folder, place.study, config):
        check_start(config["model"], place.folder)
        degradation, source = (build(cfg[key], key=key) for key in ("degradation", "dataset"))
        work = Work(config, place, degradation, source, logger)
        model = seeded(work) if learns and not (place.folder / "generator.safetensors").exists() else None
        asked: list[Trial] = []
        suite: dict[str, Any] | None = None
        if is_main_process():  # what will be missing at the end is known at the start
            Suite(work.metrics, work.protocol, degradation.scale, work.instead).report()
            asked, suite = trials(found := cells(cfg), work.source), stamp(config["suite"], found)
        if model:
            train(paced(model, work), work)
        if not is_main_process():
            return []
        results = _judge(trained(place.folder) if learns else build(cfg.model, key="model"), asked, work, suite)
        log_results(logger, results, place.folder / "panels")
        return list(results.values())


def _judge(restorer: Restorer, asked: Sequence[Trial], work: Work, suite: dict[str, Any] | None) -> dict[str, Result]:
    """One result for each of the run's test sets."""
    folder = work.place.folder

    def question(tests: TestSet) -> Question:
        return Question(work.label, work.spec, restorer, tests, work.metrics, work.protocol, work.instead)

    return judge(asked, question, folder, suite)


def _logger(cfg: DictConfig, folder: Path) -> Any:
    given = {"save_dir": str(folder), "name": "log"} if "save_dir" in cfg.logger else {}
    return build(cfg.logger, key="logger", **given) or False


@contextmanager
def _quiet() -> Iterator[None]:
    """Lightning's remarks on choices that are ours are not for the user."""
    told = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [one.level for one in told]
    for one in told:
        one.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
            yield
    finally:
        for one, level in zip(told, levels, strict=True):
            one.setLevel(level)
