"""A run folder as a restorer: the generator that its config describes, with the weights that its training left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from gan_bench.config import build, read_yaml
from gan_bench.errors import UsageError
from gan_bench.restorers.base import Origin
from gan_bench.restorers.network import NetworkRestorer
from gan_bench.weights import sha256

__all__ = ["is_run", "trained"]


def is_run(path: Path) -> bool:
    """Whether a path is a run folder, or a checkpoint inside one."""
    folder = path.parent.parent if path.suffix == ".ckpt" else path
    return (folder / "config.yaml").is_file() and (folder / "generator.safetensors").is_file()


def trained(path: str | Path) -> NetworkRestorer:
    """Load a run: the last step's generator, or that of `RUN/checkpoints/best.ckpt` where this file is named.

    Only `config.yaml`, the weights and, for the training time, `training.json` are read.

    Raises:
        UsageError: not a complete run, or weights that do not fit its config.
    """
    path = Path(path)
    folder = path.parent.parent if path.suffix == ".ckpt" else path
    if not is_run(path):
        raise UsageError(f"{path}: not a complete run; it needs config.yaml and generator.safetensors")
    config = read_yaml(folder / "config.yaml")
    weights = path if path.suffix == ".ckpt" else folder / "generator.safetensors"
    network = build(config["model"]["generator"])
    _load(network, weights)
    origin = Origin(
        model=config["model"]["name"],
        checkpoint_sha256=sha256(weights),
        budget={key: config["budget"].get(key) for key in ("name", "steps", "batch", "patch")},
        seed=config["seed"],
        selection="best" if path.suffix == ".ckpt" and path.stem == "best" else "last",
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        training_seconds=_training_seconds(folder),
        config=config,
    )
    scale = config["degradation"]["scale"]
    return NetworkRestorer(network.eval(), scale, config["model"]["generator"].get("num_in_ch", 3), origin)


def _load(network: torch.nn.Module, weights: Path) -> None:
    try:
        if weights.suffix == ".ckpt":
            state = torch.load(weights, map_location="cpu", weights_only=True)["state_dict"]
            state = {
                key.removeprefix("generator."): value for key, value in state.items() if key.startswith("generator.")
            }
        else:
            state = load_file(weights)
        network.load_state_dict(state)
    except Exception as error:  # pickle, zip and safetensors each have their own for a damaged file
        cause = " ".join(str(error).split())[:200] or type(error).__name__
        raise UsageError(f"{weights}: cannot be loaded ({cause}); train the run again") from None


def _training_seconds(folder: Path) -> float | None:
    path = folder / "training.json"
    try:
        facts: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    except ValueError as error:
        raise UsageError(f"{path}: damaged ({error}); remove it to go on without the training time") from None
    return facts.get("seconds")
