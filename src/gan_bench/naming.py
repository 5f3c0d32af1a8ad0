"""What a run is called, and what tells two runs apart: functions of resolved configs alone."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from gan_bench.check import leaves
from gan_bench.ordering import orders

__all__ = ["differences", "fingerprint", "label_of", "recipe", "run_name"]

# Root keys that say where and how a model is computed, or on what it is judged, never what the model is.
UNNAMED = frozenset(
    {"trainer", "channels_last", "compile", "workers", "save_every", "logger", "paths", "allow", "suite", "hydra"}
)
ORDERED = frozenset({"steps", "weights", "families"})


def fingerprint(config: Mapping[str, Any]) -> str:
    """Eight hex digits that change with any value that can change a result.

    Args:
        config: a resolved config; those root keys that name nothing (UNNAMED) do not count, nor does the order of keys,
            but where a degradation takes or draws one thing after the other (ORDERED).

    Returns:
        The head of a SHA-256 over canonical JSON.
    """
    return hashlib.sha256(_canonical(_named(config)).encode()).hexdigest()[:8]


def recipe(config: Mapping[str, Any]) -> str:
    """16 hex digits over all that a training is made of but its seed: equal ones are seeds of one method.

    Args:
        config: a resolved config; the metrics of its end do not count, those of validation choose the best checkpoint.
    """
    counted = {name: value for name, value in _named(config).items() if name not in ("seed", "metrics")}
    metrics = config.get("metrics") or {}
    counted["watched"] = [metrics.get(name) for name in ("validation", "protocol")]
    return hashlib.sha256(_canonical(counted).encode()).hexdigest()[:16]


def run_name(config: Mapping[str, Any], default: Mapping[str, Any]) -> str:
    """The name of the run's folder: two runs that could differ in a result never share one.

    Args:
        config: the run's resolved config.
        default: `default_config` with the same choices, seed and scale.

    Returns:
        `<model>_<dataset>_<degradation>_x<scale>_<budget>_s<seed>`, and `_<fingerprint>` where another value differs.
    """
    model, dataset, degradation, budget = (
        _safe(config[group]["name"]) for group in ("model", "dataset", "degradation", "budget")
    )
    scale = config["degradation"].get("scale", 1)
    name = f"{model}_{dataset}_{degradation}_x{scale}_{budget}_s{config['seed']}"
    return f"{name}_{fingerprint(config)}" if differences(default, config) else name


def label_of(config: Mapping[str, Any]) -> str:
    """What a run is called on a board: its model's name, or what the choice of a perceptual loss makes of it.

    Args:
        config: resolved.
    """
    model = config["model"]
    label = (config.get("perceptual") or {}).get("label") if "perceptual" in model else None
    return str(label or model["name"])


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What tells two resolved configs apart, as far as it can change a result (see `fingerprint`).

    Args:
        old: one config.
        new: the other.

    Returns:
        Lines such as `model.generator.num_feat: 32 against 64`, in the order of the keys.
    """
    before, after = dict(leaves(_named(old))), dict(leaves(_named(new)))
    return [
        f"{key}: {before.get(key, 'nothing')} against {after.get(key, 'nothing')}"
        for key in dict.fromkeys([*before, *after])
        if key not in before or key not in after or _canonical(before[key]) != _canonical(after[key])
    ]


def _named(config: Mapping[str, Any]) -> dict[str, Any]:
    named = {name: value for name, value in config.items() if name not in UNNAMED}
    budget = named.get("budget")
    if isinstance(budget, Mapping) and budget.get("max_time") is None:  # as a budget that has no such key
        named["budget"] = {name: value for name, value in budget.items() if name != "max_time"}
    degradation = named.get("degradation")
    if isinstance(degradation, Mapping):
        found = {place: keys for place, keys in orders(degradation).items() if place.rpartition(".")[2] in ORDERED}
        named |= {f"degradation{place}: order": ", ".join(keys) for place, keys in found.items()}
    return named


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]", "-", str(name))
