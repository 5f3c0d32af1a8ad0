"""On what a model is judged at its end: the cells of its run as test sets, and one result for each."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torch import Tensor

from gan_bench.batch import Batch
from gan_bench.benchmark import Result, key
from gan_bench.cells import Cell
from gan_bench.config import build
from gan_bench.data import Source, TestSet, describe
from gan_bench.errors import GanBenchError
from gan_bench.judge import Question, evaluate
from gan_bench.panels import write_panel

__all__ = ["Trial", "judge", "trials"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trial:
    """A cell with its images.

    Attributes:
        cell: what was asked for.
        tests: what it became.
    """

    cell: Cell
    tests: TestSet


def trials(cells: Sequence[Cell], source: Source) -> list[Trial]:
    """The test sets of a run; one whose data are missing, or that cannot be made at this scale, is named and left out.

    The run's own is never left out.

    Args:
        cells: the run's own, then those of its suite.
        source: the run's own data set.

    Raises:
        UsageError: a degradation refuses its values, or the run's own set cannot be made.
    """
    sources = {_spelled(cells[0]): source}
    found = []
    for cell in cells:
        made_by = build(cell.degradation, key=cell.place or "degradation")
        try:
            if _spelled(cell) not in sources:
                sources[_spelled(cell)] = build(cell.dataset, key=f"{cell.place}.dataset")
            described = describe(cell.degradation)
            tests = sources[_spelled(cell)].tests(cell.split, cell.set, made_by, described, frozen=True)
            if cell.place:  # better to know before the training than after it
                tests[0]
        except GanBenchError as error:
            if not cell.place:
                raise
            log.warning("%s (%s) is left out: %s", cell.place, cell.name, error)
            continue
        found.append(Trial(cell, tests))
    return found


def judge(asked: Sequence[Trial], question: Callable[[TestSet], Question], folder: Path) -> dict[str, Result]:
    """One result per trial, with a panel for each image; a trial that fails, but for the first, is named and left out.

    Args:
        asked: the run's own trial first.
        question: about a test set.
        folder: of the run: `results/` and `panels/` lie in it.

    Returns:
        The results by their cells' names, which begin the names of their panels; equal ones once.

    Raises:
        GanBenchError: the run's own images cannot be judged.
    """
    results: dict[str, Result] = {}
    for trial in asked:
        posed = question(trial.tests)
        keep = partial(_keep, folder / "panels", trial, posed.label)
        try:
            result = evaluate(posed, folder / "results", keep)
        except GanBenchError as error:
            if not trial.cell.place:
                raise
            log.warning("%s (%s) is left out: %s", trial.cell.place, trial.cell.name, error)
            continue
        if key(result.what) not in {key(other.what) for other in results.values()}:
            results[trial.cell.name] = result
    return results


def _keep(folder: Path, trial: Trial, label: str, batch: Batch, restored: Tensor) -> None:
    name = re.sub(r"[^\w.-]", "-", batch.name[0])
    write_panel(folder / f"{trial.cell.name}_{name}.png", batch, restored, trial.tests.scale, label)


def _spelled(cell: Cell) -> str:
    return json.dumps(cell.dataset, sort_keys=True, default=str)
