"""On what a model is judged at its end: the cells of its run as test sets, and one result for each."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from gan_bench.batch import Batch
from gan_bench.benchmark import Result, key
from gan_bench.benchmark.result import inputs
from gan_bench.cells import Cell
from gan_bench.config import build
from gan_bench.crops import Crops
from gan_bench.data import Source, TestSet, describe
from gan_bench.errors import GanBenchError
from gan_bench.files import in_a_name
from gan_bench.judge import OnImage, Question, evaluate
from gan_bench.ordering import orders
from gan_bench.panels import write_panel
from gan_bench.suites import FEWEST

__all__ = ["Trial", "judge", "kept", "of_suite", "trials"]

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

    @property
    def made_of(self) -> dict[str, Any]:
        """What the result keeps, so that the test set can be made again."""
        cell = self.cell
        made_of = {name: getattr(cell, name) for name in ("dataset", "degradation", "split", "set")}
        return {**made_of, "order": orders(cell.degradation), "seed": 0, "frozen": True}


def trials(cells: Sequence[Cell], source: Source | None = None) -> list[Trial]:
    """The test sets of a run; one whose data are missing, or that cannot be made at this scale, is named and left out.

    The run's own is never left out.

    Args:
        cells: the run's own, then those of its suite.
        source: the run's own data set; without one, all cells are a suite's.

    Raises:
        UsageError: a degradation refuses its values, or the run's own set cannot be made.
    """
    sources: dict[str, Source | GanBenchError] = {_spelled(cells[0]): source} if source else {}
    found: list[Trial] = []
    left_out: dict[str, list[str]] = {}
    for cell in cells:
        made_by = build(cell.degradation, key=cell.place or "degradation")
        try:
            tests = _source(cell, sources).tests(cell.split, cell.set, made_by, describe(cell.degradation), frozen=True)
            if cell.place:  # better to know before the training than after it
                tests[0]
        except GanBenchError as error:
            if not cell.place:
                raise
            left_out.setdefault(str(error), []).append(f"{cell.place} ({cell.name})")
            continue
        found.append(Trial(cell, tests))
    for cause, names in left_out.items():
        log.warning("%s %s left out: %s", ", ".join(names), "is" if len(names) == 1 else "are", cause)
    return found


def _source(cell: Cell, sources: dict[str, Source | GanBenchError]) -> Source:
    """The data set of a cell, built once, also where that fails."""
    spelled = _spelled(cell)
    if spelled not in sources:
        try:
            sources[spelled] = build(cell.dataset, key=f"{cell.place}.dataset")
        except GanBenchError as error:
            sources[spelled] = error
    source = sources[spelled]
    if isinstance(source, GanBenchError):
        raise source
    return source


def judge(
    asked: Sequence[Trial],
    question: Callable[[TestSet], Question],
    folder: Path,
    suite: Mapping[str, Any] | None = None,
) -> dict[str, Result]:
    """One result per trial, with a panel for each image; a trial that fails, but for the first, is named and left out.

    Args:
        asked: the run's own trial first.
        question: about a test set.
        folder: of the run: `results/` and `panels/` lie in it.
        suite: the stamp of the suite whose cells have a role.

    Returns:
        The results by their cells' names, which begin the names of their panels; equal ones once.

    Raises:
        GanBenchError: the run's own images cannot be judged.
    """
    results: dict[str, Result] = {}
    for trial in asked:
        posed = replace(question(trial.tests), made_of=trial.made_of, judged_for=of_suite(trial, suite))
        keep = partial(_keep, folder / "panels", trial, posed.label)
        try:
            result = kept(posed, folder / "results", folder / "panels" / "crops", keep)
        except GanBenchError as error:
            if not trial.cell.place:
                raise
            log.warning("%s (%s) is left out: %s", trial.cell.place, trial.cell.name, error)
            continue
        if key(result.what) not in {key(other.what) for other in results.values()}:
            results[trial.cell.name] = result
    return results


def kept(question: Question, folder: Path, crops: Path, on_image: OnImage | None = None) -> Result:
    """The result of a question in a folder, found or made, and its crops, those that are missing.

    Args:
        question: to be answered.
        folder: of results.
        crops: the folder of crops.
        on_image: called with each pair that is restored for the result.
    """
    what, tests = question.what, question.tests
    cuts = Crops(crops, key(what), inputs(what)[:16], tests.names, tests.scale)

    def keep(batch: Batch, restored: Tensor) -> None:
        cuts.keep(batch, restored)
        if on_image:
            on_image(batch, restored)

    result = evaluate(question, folder, keep)
    for index in cuts.missing():  # of a result that was there already
        cuts.keep(tests[index], question.restorer.restore(tests[index]))
    return result


def of_suite(trial: Trial, suite: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What a result says of its suite and of the role that it has there: too few images never rank."""
    role = trial.cell.role
    if not suite or not role:
        return None
    return {**suite, "role": role if len(trial.tests) >= FEWEST else "smoke"}


def _keep(folder: Path, trial: Trial, label: str, batch: Batch, restored: Tensor) -> None:
    name = in_a_name(batch.name[0])
    write_panel(folder / f"{trial.cell.name}_{name}.png", batch, restored, trial.tests.scale, label)


def _spelled(cell: Cell) -> str:
    return json.dumps(cell.dataset, sort_keys=True, default=str)
