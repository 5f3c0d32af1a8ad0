"""What a training starts from: a run or a file of weights, whose digest stays in the run's folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from gan_bench.callbacks import resumable
from gan_bench.errors import UsageError
from gan_bench.files import write_atomically
from gan_bench.restorers import START, is_run, read_facts, read_states
from gan_bench.started import is_main_process
from gan_bench.weights import sha256

__all__ = ["check_start", "weights_to_start_from"]


def weights_to_start_from(model: Mapping[str, Any], folder: Path) -> dict[str, Any] | None:
    """The state dict that `start_from` names, unless the run goes on from a checkpoint of its own.

    Args:
        model: the configuration of the model.
        folder: of the run, where file and digest are noted.

    Raises:
        UsageError: no such weights.
    """
    if model.get("start_from") is None or resumable(folder / "checkpoints"):
        return None
    path = _file(model)
    if path.name != Path(str(model["start_from"])).name and not is_run(path.parent):
        raise UsageError(f"model.start_from={path.parent}: not a complete run; it has no generator.safetensors")
    state = {name: value for name, value in read_states(path)[0].items() if isinstance(value, Tensor)}
    if is_main_process():
        facts = {"file": str(path), "sha256": sha256(path)}
        write_atomically(folder / START, (json.dumps(facts, indent=1) + "\n").encode())
    return state


def check_start(model: Mapping[str, Any], folder: Path) -> None:
    """Refuse to call equal what started from other weights behind the same name.

    Args:
        model: the configuration of the model.
        folder: of the run.

    Raises:
        UsageError: the file has changed since, or what was noted of it is damaged.
    """
    facts = read_facts(folder / START)
    if not facts or not (path := _file(model)).is_file():
        return
    if facts["sha256"] != sha256(path):
        raise UsageError(
            f"{folder}: it started from other weights than {path} now holds; choose another place with "
            "hydra.run.dir=DIR or remove it"
        )


def _file(model: Mapping[str, Any]) -> Path:
    """The weights of a run, or the file itself."""
    path = Path(str(model["start_from"])).expanduser()
    return path / "generator.safetensors" if path.is_dir() else path
