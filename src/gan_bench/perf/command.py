"""`gan-bench perf`: which measurement the words ask for, and where its numbers go; nothing is measured here."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from gan_bench.errors import UsageError
from gan_bench.files import write_atomically
from gan_bench.perf import degradation as of_degradation
from gan_bench.perf import metrics as of_metrics
from gan_bench.perf import training as of_training

__all__ = ["perf"]

OF_A_DEGRADATION = {"patch": 256, "batch": 16, "rounds": 6, "threads": 1}
OF_METRICS = {"rounds": 20, "threads": 1}
OF_A_TRAINING = {"rounds": 5, "threads": None}


def perf(arguments: argparse.Namespace) -> int:
    """Measure, print tables, and write JSON where that is asked for.

    Returns:
        0.

    Raises:
        UsageError: what is asked for cannot be.
        WorkError: it did not fit into memory.
    """
    room, check, defaults = _asked_for(arguments)
    check(arguments)
    _check_usage(arguments, defaults)
    document = room.measure(arguments)
    room.show(document, Console())
    if arguments.json:
        write_atomically(Path(arguments.json), (json.dumps(document, indent=1, sort_keys=True) + "\n").encode())
    return 0


def _asked_for(arguments: argparse.Namespace) -> tuple[Any, Callable[[argparse.Namespace], None], dict[str, Any]]:
    """What measures it, what else it refuses, and what is taken for words that were left out."""
    if arguments.metrics:
        return of_metrics, _check_metrics, OF_METRICS
    if arguments.degradation:
        return of_degradation, _check_degradation, OF_A_DEGRADATION
    return of_training, _check_training, OF_A_TRAINING


def _check_usage(arguments: argparse.Namespace, defaults: dict[str, Any]) -> None:
    """Refuse numbers that cannot be; fill in what was left out."""
    if arguments.json and Path(arguments.json).is_dir():
        raise UsageError(f"--json {arguments.json}: a folder; name a file")
    for name, default in defaults.items():
        if getattr(arguments, name) is None:
            setattr(arguments, name, default)
        if (value := getattr(arguments, name)) is not None and value < 1:
            raise UsageError(f"--{name} {value}: a whole number from 1 is needed")


def _check_metrics(arguments: argparse.Namespace) -> None:
    others = ("degradation", "set", "scale", "patch", "batch")
    words = arguments.overrides + [f"--{name}" for name in others if getattr(arguments, name) not in (None, [])]
    if words:
        raise UsageError(f"perf: --metrics goes without {words[0]}; leave one of them out")


def _check_degradation(arguments: argparse.Namespace) -> None:
    if words := arguments.overrides:
        raise UsageError(f"perf: {words[0]} is of a training, --degradation without one; leave one of them out")


def _check_training(arguments: argparse.Namespace) -> None:
    words = arguments.overrides
    if bad := [word for word in words if "=" not in word]:
        raise UsageError(f"perf: {bad[0]}: KEY=VALUE is needed, as model=esrgan")
    if not any(word.startswith(("model=", "experiment=")) for word in words):
        raise UsageError(
            "perf: nothing to measure; name a training, as model=esrgan trainer=cpu, --degradation NAME, or --metrics"
        )
    for name, key in {"patch": "budget.patch", "batch": "budget.batch", "scale": "degradation.scale"}.items():
        if (value := getattr(arguments, name)) is not None:
            raise UsageError(f"--{name} goes with --degradation; of a training it is {key}={value}")
    if arguments.set:
        raise UsageError(f"--set goes with --degradation; of a training it is degradation.{arguments.set[0]}")
