"""A run folder as a restorer: the generator that its config describes, with the weights that its training left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from gan_bench.config import build, read_yaml
from gan_bench.errors import UsageError
from gan_bench.restorers.base import Origin
from gan_bench.restorers.network import NetworkRestorer
from gan_bench.restorers.states import SUFFIXES, read_states
from gan_bench.weights import sha256

__all__ = ["START", "STEPS", "is_run", "read_facts", "run_of", "trained"]

START = "start_from.json"  # in a run's folder: the file that it started from, and its digest
STEPS = "steps.json"  # there: how many steps fitted into the minutes of its budget, and how long one took
WHOLE = ("generator", "last", "best")  # files of weights that a whole training left


def is_run(path: Path) -> bool:
    """Whether a path is the folder of a complete run, or a file of weights in one."""
    folder = run_of(path)
    return folder is not None and (folder / "generator.safetensors").is_file()


def run_of(path: Path) -> Path | None:
    """The folder of the run, complete or not, that a path is or a file of weights lies in; None if neither."""
    inside = path.suffix.lower() in SUFFIXES and not path.is_dir()
    folders = (path.parent, path.parent.parent) if inside else (path,)
    return next((folder for folder in folders if _has_config(folder, inside)), None)


def _has_config(folder: Path, inside: bool) -> bool:
    """Whether a run's config is there; beside a file of weights that of another program may lie."""
    path = folder / "config.yaml"
    return path.is_file() and (not inside or "_target_: gan_bench." in path.read_text(errors="replace"))


def trained(path: str | Path) -> NetworkRestorer:
    """Load a run: its generator, or that of a file in it such as `checkpoints/best.ckpt` where this one is named.

    Only `config.yaml`, the weights, and two files of facts about the training are read. Where a checkpoint holds the
    average of the generator, it is taken. `degrader.safetensors` of a GAN of two directions degrades, at gt's size.

    Raises:
        UsageError: not a complete run, or weights that do not fit its config.
    """
    path = Path(path)
    folder = run_of(path)
    if folder is None or not is_run(path):
        raise UsageError(f"{path}: not a complete run; it needs config.yaml and generator.safetensors")
    config = read_yaml(folder / "config.yaml")
    weights = folder / "generator.safetensors" if path == folder else path
    way = "degrader" if weights.stem == "degrader" else "generator"
    network = build(config["model"][way], key=f"model.{way}")
    _load(network, weights)
    origin = Origin(
        model=config["model"]["name"],
        checkpoint_sha256=sha256(weights),
        budget=_budget(config, folder, weights.stem),
        seed=config["seed"],
        selection="last" if weights.stem == "generator" else weights.stem,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        training_seconds=read_facts(folder / "training.json").get("seconds") if weights.stem in WHOLE else None,
        config=config,
        weights=weights,
    )
    scale = config["degradation"]["scale"] if way == "generator" else 1
    return NetworkRestorer.placed(network, scale, config["model"][way].get("num_in_ch", 3), origin)


def _load(network: torch.nn.Module, weights: Path) -> None:
    try:
        states, names = read_states(weights), network.state_dict().keys()
        network.load_state_dict(next((state for state in states if state.keys() == names), states[0]))
    except Exception as error:  # pickle, zip and safetensors each have their own for a damaged file
        cause = " ".join(str(error).removeprefix(f"{weights}: ").split())[:200] or type(error).__name__
        way_out = "train the run again" if weights.stem in WHOLE else "it is not this run's"
        raise UsageError(f"{weights}: cannot be loaded ({cause}); {way_out}") from None


def _budget(config: dict[str, Any], folder: Path, stem: str) -> dict[str, Any]:
    """What went into a file of weights: a stage's has the steps until its end; and what the training started from.

    Where the budget gave minutes, a whole training has those too, beside the steps that it took and the machine.
    """
    budget = {key: config["budget"].get(key) for key in ("name", "steps", "batch", "patch")}
    if (minutes := config["budget"].get("max_time")) is not None:
        budget |= {"max_time": minutes, **_by_the_clock(folder)}
    share = 0.0
    for number, stage in enumerate(config["model"].get("stages", ()), 1):
        share += stage["fraction"]
        if stem == (stage.get("name") or f"stage{number}"):
            budget["steps"] = round(budget["steps"] * share)
            budget = {name: value for name, value in budget.items() if name not in ("max_time", "machine")}
            break
    budget |= {key: value for key, value in read_facts(folder / "training.json").items() if key == "batch"}
    start = read_facts(folder / START)
    return {**budget, "start_from": start["sha256"]} if start else budget


def _by_the_clock(folder: Path) -> dict[str, Any]:
    """How many steps a training of so many minutes had, and on what machine: elsewhere they are other minutes."""
    facts = read_facts(folder / STEPS)
    if not isinstance(facts.get("steps"), int):
        raise UsageError(f"{folder / STEPS}: missing, or without steps; copy it beside the run's config.yaml")
    return {name: facts[name] for name in ("steps", "machine") if name in facts}


def read_facts(path: Path) -> dict[str, Any]:
    """What a file of facts in a run's folder says; nothing where there is none.

    Raises:
        UsageError: it is damaged.
    """
    try:
        facts: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    except ValueError as error:
        raise UsageError(f"{path}: damaged ({error}); remove it to go on without what it says") from None
    return facts
