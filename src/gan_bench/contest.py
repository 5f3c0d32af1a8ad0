"""`gan-bench benchmark`: several restorers, one set of images, one protocol."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig
from rich.console import Console
from rich.progress import Progress

from gan_bench.benchmark import Result
from gan_bench.config import build, degradation_node, plain, typed_values
from gan_bench.data import Degraded, Given, Images, TestSet, describe, list_images
from gan_bench.errors import GanBenchError, UsageError
from gan_bench.judge import Question, answer
from gan_bench.metrics import Suite, get_protocol
from gan_bench.restorers import SUFFIXES, Restorer, load_restorer

__all__ = ["contest"]

SIDES = ("hr", "gt", "high", "target", "lr", "lq", "low", "input")


def contest(arguments: argparse.Namespace) -> tuple[list[Result], list[tuple[str, str]]]:
    """Judge every restorer.

    Args:
        arguments: of the command line.

    Returns:
        one result per restorer that was judged, in order; label and cause of those that were not.

    Raises:
        UsageError: what all of them need is wrong.
    """
    _check_usage(arguments)
    protocol, names = get_protocol(arguments.protocol), [name.strip() for name in arguments.metrics.split(",")]
    Suite(names, protocol, 1).report()
    entries, failures = _entries(arguments)
    tests = _tests(arguments, [restorer for _, _, restorer in entries])
    results = []
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("judging", total=len(entries) * len(tests))
        for label, spec, restorer in entries:
            try:
                question = Question(label, spec, _fitted(restorer, spec, tests.scale), tests, names, protocol)
                results.append(answer(question, lambda *_: progress.advance(task)))
            except GanBenchError as error:
                failures.append((label, str(error)))
    return results, failures


def _check_usage(arguments: argparse.Namespace) -> None:
    if not arguments.gt and not arguments.lq:
        raise UsageError("--gt DIR or --lq DIR is needed: the images to judge on")
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


def _entries(arguments: argparse.Namespace) -> tuple[list[tuple[str, str, Restorer]], list[tuple[str, str]]]:
    """Label, spec and restorer of each; equal labels get a suffix; what cannot be loaded is a failure."""
    entries, failures, taken = [], [], {}  # type: ignore[var-annotated]
    for word in arguments.restorers:
        label, _, spec = word.rpartition("=") if "=" in word and not Path(word).exists() else ("", "", word)
        path = Path(spec)
        label = label or (path.stem if path.suffix.lower() in SUFFIXES and not path.is_dir() else path.name) or spec
        taken[label] = taken.get(label, 0) + 1
        label = label if taken[label] == 1 else f"{label} ({taken[label]})"
        try:
            entries.append((label, spec, load_restorer(spec, arguments.scale)))
        except GanBenchError as error:
            failures.append((label, str(error)))
    if not entries:
        raise UsageError(failures[0][1])
    return entries, failures


def _tests(arguments: argparse.Namespace, restorers: Sequence[Restorer]) -> TestSet:
    known = next((one.scale for one in restorers if one.scale and one.origin.checkpoint_sha256), None)
    if arguments.degradation:
        degradation = _degradation(arguments, known)
        made_by = build(degradation, key="degradation")
        return Degraded(
            _set_name(arguments.gt),
            _images(arguments.gt, arguments.limit, "--gt"),
            made_by,
            describe(plain(degradation)),
            arguments.seed,
            frozen=True,
        )
    lq = _images(arguments.lq, arguments.limit, "--lq")
    if not arguments.gt:
        reals = _images(arguments.reals, None, "--reals") if arguments.reals else None
        return Given(_set_name(arguments.lq), lq, None, arguments.scale or known or 4, reals)
    gt = _images(arguments.gt, arguments.limit, "--gt")
    tests = Given(_set_name(arguments.gt), lq, gt, None)
    if arguments.scale not in (None, tests.scale):
        raise UsageError(f"--scale {arguments.scale} against {tests.scale}, which the sizes of gt and lq say")
    return tests


def _set_name(root: str) -> str:
    """The folder's name, with its parent's where it only says what side it is."""
    path = Path(root).resolve()
    return (
        f"{path.parent.name}" if path.name.lower() in ("hr", "gt", "target", "high") and path.parent.name else path.name
    )


def _images(root: str, limit: int | None, option: str) -> Images:
    paths = [path for paths in list_images(root, f"{option} ").values() for path in paths]
    return Images(sorted(paths)[:limit], root, num_ch=None)


def _degradation(arguments: argparse.Namespace, known: int | None) -> DictConfig:
    """The degradation's node with its values set, and its scale decided."""
    wanted = arguments.scale or known
    given = typed_values(arguments.set, wanted, "--scale" if arguments.scale else "the run")
    node: DictConfig = degradation_node(arguments.degradation, given, wanted)
    return node


def _fitted(restorer: Restorer, spec: str, scale: int) -> Restorer:
    """The restorer for this scale; what has another cannot be judged here."""
    if restorer.scale in (None, scale):
        return restorer
    if restorer.origin.config is None and restorer.origin.checkpoint_sha256 is None:
        return load_restorer(spec, scale)
    raise UsageError(f"it restores at scale {restorer.scale}, the images have scale {scale}")
