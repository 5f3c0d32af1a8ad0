"""Single values of a config that no target checks: what is counted, where it lies, how long a training is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from gan_bench.check import leaves
from gan_bench.errors import UsageError

__all__ = ["check_values", "said_elsewhere"]

COUNTED = frozenset({"steps", "batch", "patch", "val_every"})  # in a budget, also in its parts of one model
MOST = 2**63 - 1  # torch's seeds
CHANNELS = (1, 3, None)
ENDS = {"max_steps": "steps", "max_time": "max_time"}  # of Lightning's trainer, in the budget


def check_values(config: Mapping[str, Any]) -> None:
    """Raise at the first value that would end a run in mid-way, or let it lie where nobody looks for it.

    Args:
        config: resolved, with keys that are known to mean something; what it lacks is not asked for.

    Raises:
        UsageError: one line: the dotted key with its value, and what is needed.
    """
    for key, least in {"seed": 0, "workers": 0}.items():
        if key in config and not (key == "workers" and config[key] is None):
            _check_count(key, config[key], least)
    for key, value in leaves(config.get("budget") or {}, "budget"):
        if key.rpartition(".")[2] in COUNTED:
            _check_count(key, value, 1)
    _check_minutes(_node(config, "budget").get("max_time"))
    _check_places(_node(config, "paths"), _node(config, "dataset"))
    _check_metrics(_node(config, "metrics"))
    channels = _node(config, "dataset").get("num_ch")
    if channels not in CHANNELS:
        raise UsageError(f"dataset.num_ch={channels}: 3 channels or 1 are needed")
    for key in _node(config, "trainer"):
        if told := said_elsewhere(f"trainer.{key}"):
            raise UsageError(told)


def said_elsewhere(key: str) -> str | None:
    """The line for a key of Lightning's trainer whose work the budget does.

    Args:
        key: dotted.

    Returns:
        None for another key.
    """
    group, _, name = key.rpartition(".")
    if group != "trainer" or name not in ENDS:
        return None
    return f"{key}: how long a training is, budget.{ENDS[name]} says; set that"


def _node(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    node = config.get(name)
    return node if isinstance(node, Mapping) else {}


def _check_count(key: str, value: Any, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= MOST:
        raise UsageError(
            f"{key}={value}: a whole number from {least}{' to 2^63 - 1' if key == 'seed' else ''} is needed"
        )


def _check_minutes(minutes: Any) -> None:
    number = isinstance(minutes, int | float) and not isinstance(minutes, bool) and 0 < minutes < math.inf
    if minutes is not None and not number:
        raise UsageError(f"budget.max_time={minutes}: minutes of training are needed, as 10, or null for budget.steps")


def _check_places(paths: Mapping[str, Any], dataset: Mapping[str, Any]) -> None:
    """Refuse folders that have no name, or one that was read as a number."""
    places = {f"dataset.{key}": dataset.get(key) for key in ("root", "lq", "gt")}
    places = {key: value for key, value in places.items() if value is not None and not isinstance(value, bool)}
    if "runs" in paths:
        places["paths.runs"] = paths["runs"]
    for key, value in places.items():
        if not isinstance(value, str):
            raise UsageError(
                f"{key}={value}: a folder is needed; write ./ before a name that reads as a number, true or null"
            )
        if not value.strip():
            raise UsageError(f"{key}: a folder is needed, not an empty name; {key}=. is the one at hand")


def _check_metrics(metrics: Mapping[str, Any]) -> None:
    names, validation, instead = (metrics.get(key) for key in ("names", "validation", "instead"))
    if "names" in metrics and not (names and isinstance(names, list)):
        raise UsageError(f"metrics.names={names}: a list of at least one is needed, e.g. metrics.names=[psnr]")
    if validation is not None and not isinstance(validation, list):
        raise UsageError(f"metrics.validation={validation}: a list is needed, e.g. metrics.validation=[psnr]")
    if instead is not None and not isinstance(instead, Mapping):
        raise UsageError("metrics.instead: a mapping is needed, e.g. metrics.instead={niqe: niqe_photos}")
