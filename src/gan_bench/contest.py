"""`gan-bench benchmark`: several restorers, one set of images or the cells of a suite, one protocol."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from rich.console import Console
from rich.progress import Progress

from gan_bench.benchmark import Result
from gan_bench.config import cells, degradation_node, plain, suite_config, typed_values
from gan_bench.data import TestSet
from gan_bench.errors import GanBenchError, UsageError
from gan_bench.inputs import of_folders
from gan_bench.judge import OnImage, Question, answer
from gan_bench.metrics import Suite, get_protocol
from gan_bench.naming import label_of
from gan_bench.ordering import orders
from gan_bench.restorers import SUFFIXES, Restorer, load_restorer
from gan_bench.suites import metrics_of, stamp
from gan_bench.trials import kept, of_suite, trials

__all__ = ["contest"]

Entry = tuple[str, str, Restorer]  # label, as typed, itself
Failures = list[tuple[str, str]]  # label and cause


@dataclass(frozen=True)
class _Asked:
    """What all are judged on: a test set, how it was made, which suite asks, and the name of its cell there."""

    tests: TestSet
    made_of: dict[str, Any]
    judged_for: dict[str, Any] | None = None
    cell: str = ""


def contest(arguments: argparse.Namespace) -> tuple[list[Result], Failures]:
    """Judge every restorer.

    Args:
        arguments: of the command line.

    Returns:
        one result per set and restorer that was judged, in order; label and cause of those that were not.

    Raises:
        UsageError: what all of them need is wrong.
    """
    suite = suite_config(arguments.suite) if arguments.suite else None
    if suite is None:
        _check_usage(arguments)
    else:
        _take_from(plain(suite.suite), arguments)
    protocol = get_protocol(arguments.protocol or "y")
    names, instead = _metrics(arguments, suite)
    Suite(names, protocol, 1, instead).report()
    entries, failures = _entries(arguments)
    asked = [_of_folders(arguments, entries)] if suite is None else _of_suite(suite)
    entries = _fitting(entries, asked[0].tests.scale, failures)
    posed = [
        (one, Question(label, spec, restorer, one.tests, names, protocol, instead, one.made_of, one.judged_for))
        for one in asked
        for label, spec, restorer in entries
    ]
    return _answers(posed, arguments.out, failures), failures


def _answers(posed: Sequence[tuple[_Asked, Question]], out: str | None, failures: Failures) -> list[Result]:
    """The results, each written as soon as it is there; with the time that is left."""
    results, console, done = [], Console(stderr=True), 0
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("judging", total=sum(len(one.tests) for one, _ in posed))
        for one, question in posed:
            try:
                results.append(_answer(question, out, lambda *_: progress.advance(task)))
            except GanBenchError as error:
                failures.append((f"{question.label} on {one.cell}" if one.cell else question.label, str(error)))
            done += len(one.tests)
            progress.update(task, completed=done)
    return results


def _answer(question: Question, out: str | None, on_image: OnImage) -> Result:
    """A new result, or the one that lies in `--out`, with its crops."""
    return kept(question, Path(out), Path(out) / "panels" / "crops", on_image) if out else answer(question, on_image)


def _of_suite(suite: DictConfig) -> list[_Asked]:
    """The cells of a suite whose data are here; the others are named.

    Raises:
        UsageError: none is.
    """
    found = cells(suite)
    judged, stamped = trials(found), stamp(plain(suite.suite), found)
    if not judged:
        raise UsageError(
            f"--suite {suite.suite.name}: none of its {len(found)} cells can be judged; put the data where the "
            "warnings say, or set GAN_BENCH_DATA to the folder of your data sets"
        )
    return [_Asked(one.tests, one.made_of, of_suite(one, stamped), one.cell.name) for one in judged]


def _of_folders(arguments: argparse.Namespace, entries: Sequence[Entry]) -> _Asked:
    """The images of a command line without a suite."""
    known = next((one.scale for _, _, one in entries if one.scale and one.origin.checkpoint_sha256), None)
    node, scale = None, None
    if arguments.degradation:
        node = plain(_degradation(arguments, known))
    elif not arguments.gt:
        scale = arguments.scale or known or 4
    typed = {name: getattr(arguments, name) for name in ("gt", "lq", "reals", "limit", "seed")}
    tests = of_folders(**typed, degradation=node, scale=scale)
    if arguments.scale not in (None, tests.scale):
        raise UsageError(f"--scale {arguments.scale} against {tests.scale}, which the sizes of gt and lq say")
    return _Asked(tests, {**typed, "degradation": node, "order": orders(node), "scale": tests.scale})


def _metrics(arguments: argparse.Namespace, suite: DictConfig | None) -> tuple[list[str], dict[str, str]]:
    """The names of the metrics that were typed, else the suite's, and what is computed instead of some."""
    if suite is not None and arguments.metrics is None:
        found = metrics_of(plain(suite.suite))
        return list(found["names"]), dict(found["instead"])
    return [name.strip() for name in (arguments.metrics or "psnr,ssim").split(",")], {}


def _take_from(suite: Mapping[str, Any], arguments: argparse.Namespace) -> None:
    """Fill in what the suite says, and refuse what it does not leave open."""
    options = ("gt", "lq", "reals", "degradation", "set", "limit", "seed")
    if told := [f"--{name}" for name in options if getattr(arguments, name)]:
        raise UsageError(f"--suite {suite['name']} says what is judged; leave out {' and '.join(told)}")
    for name in ("scale", "protocol"):
        if getattr(arguments, name) not in (None, suite[name]):
            raise UsageError(
                f"--{name} {getattr(arguments, name)}: suite {suite['name']} has {suite[name]}; leave out --{name}"
            )
        setattr(arguments, name, suite[name])


def _check_usage(arguments: argparse.Namespace) -> None:
    if not arguments.gt and not arguments.lq:
        raise UsageError("--gt DIR, --lq DIR or --suite NAME is needed: the images to judge on")
    if arguments.gt and not arguments.lq and not arguments.degradation:
        raise UsageError("--gt alone leaves nothing to restore; add --lq DIR or --degradation NAME")
    if arguments.degradation and (arguments.lq or not arguments.gt):
        raise UsageError("--degradation makes lq from --gt; it cannot stand beside --lq")
    if arguments.reals and arguments.gt:
        raise UsageError("--reals stands in for gt; leave it out where there is --gt")
    if arguments.set and not arguments.degradation:
        raise UsageError("--set gives values of a degradation; add --degradation NAME")
    for name in ("limit", "scale"):
        value = getattr(arguments, name)
        if value is not None and value < 1:
            raise UsageError(f"--{name} {value}: a whole number from 1 is needed")


def _entries(arguments: argparse.Namespace) -> tuple[list[Entry], Failures]:
    """Label, spec and restorer of each; what cannot be loaded is a failure."""
    entries: list[Entry] = []
    failures: Failures = []
    for word in arguments.restorers:
        label, _, spec = word.rpartition("=") if "=" in word and not Path(word).exists() else ("", "", word)
        path = Path(spec)
        name = (path.stem if path.suffix.lower() in SUFFIXES and not path.is_dir() else path.name) or spec
        try:
            restorer = load_restorer(spec, arguments.scale)
        except GanBenchError as error:
            failures.append((label or name, str(error)))
            continue
        config = restorer.origin.config
        entries.append((label or (label_of(config) if config else name), spec, restorer))
    if not entries:
        raise UsageError(failures[0][1])
    return _told_apart(entries), failures


def _told_apart(entries: Sequence[Entry]) -> list[Entry]:
    """Equal labels with a number, but for runs: of those the board knows what are seeds of one method."""
    taken: Counter[str] = Counter()
    told = []
    for label, spec, restorer in entries:
        taken[label] += 1
        number = taken[label] if restorer.origin.config is None else 1
        told.append((label if number == 1 else f"{label} ({number})", spec, restorer))
    return told


def _degradation(arguments: argparse.Namespace, known: int | None) -> DictConfig:
    """The degradation's node with its values set, and its scale decided."""
    wanted = arguments.scale or known
    given = typed_values(arguments.set, wanted, "--scale" if arguments.scale else "the run")
    node: DictConfig = degradation_node(arguments.degradation, given, wanted)
    return node


def _fitting(entries: Sequence[Entry], scale: int, failures: Failures) -> list[Entry]:
    """The restorers for this scale; what has another cannot be judged here, and is a failure."""
    fitting = []
    for label, spec, restorer in entries:
        try:
            fitting.append((label, spec, _fitted(restorer, spec, scale)))
        except GanBenchError as error:
            failures.append((label, str(error)))
    return fitting


def _fitted(restorer: Restorer, spec: str, scale: int) -> Restorer:
    if restorer.scale in (None, scale):
        return restorer
    if restorer.origin.config is None and restorer.origin.checkpoint_sha256 is None:
        return load_restorer(spec, scale)
    raise UsageError(f"it restores at scale {restorer.scale}, the images have scale {scale}")
