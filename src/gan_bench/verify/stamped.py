"""The stamp of a result's suite, made again from the suite's own file and, of a run, from the run's configuration."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from gan_bench.benchmark import Result
from gan_bench.benchmark.sums import Check
from gan_bench.cells import Cell
from gan_bench.config import cells, plain, suite_config
from gan_bench.data import TestSet, describe
from gan_bench.errors import UsageError
from gan_bench.judge import Question
from gan_bench.suites import stamp
from gan_bench.trials import Trial, of_suite
from gan_bench.verify.difference import difference

__all__ = ["stamp_check"]


def stamp_check(result: Result, posed: Question) -> Check:
    """Whether the suite of that name and version has this cell, in this role, and that digest.

    Args:
        result: read from a file, with a suite.
        posed: its test set and restorer.
    """
    stated, config = result.what["suite"], posed.restorer.origin.config
    name = stated["name"]
    try:
        version, alone, stamped = _cells_of(name)
    except UsageError as error:
        return Check(2, "suite", "cannot be checked", str(error))
    if stated.get("version") != version:
        return Check(
            2, "suite", "cannot be checked", f"version {stated.get('version')} then, {version} here; take its code"
        )
    found = _stamp_of(posed.tests, alone, stamped)
    if config and found != stated:  # a run's own data set and degradation stand in for those of their names
        of_run = suite_config(name)
        of_run.dataset, of_run.degradation = config["dataset"], config["degradation"]
        own = cells(of_run)
        found = _stamp_of(posed.tests, own, stamp(plain(of_run.suite), own)) or found
    if found is None:
        return Check(2, "suite", "does not hold", f"{name} has no such cell")
    odd = difference({"suite": stated}, {"suite": found})
    says = odd or f"{name}, version {version}, role {stated.get('role')}"
    return Check(2, "suite", "does not hold" if odd else "holds", says)


@functools.cache
def _cells_of(name: str) -> tuple[int, list[Cell], dict[str, Any] | None]:
    """Version, cells and stamp of a suite of conf/suite."""
    config = suite_config(name)
    found = cells(config)
    return config.suite.version, found, stamp(plain(config.suite), found)


def _stamp_of(tests: TestSet, found: Sequence[Cell], stamped: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What the result of a test set says of a suite; None where that has no such cell."""
    for cell in found:
        given = str(cell.degradation["_target_"]).endswith(".AsGiven")
        same = tests.degradation == (None if given else describe(cell.degradation))
        if cell.role and same and tests.name in (cell.set, f"{cell.set}_{len(tests)}"):
            return of_suite(Trial(cell, tests), stamped)
    return None
