"""From a file of weights to the state dicts in it: weights alone are read, code is never run; it knows no network."""

from __future__ import annotations

import pickletools
import re
import warnings
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from gan_bench.errors import UsageError

__all__ = ["SUFFIXES", "read_states"]

SUFFIXES = (".pth", ".pt", ".ckpt", ".safetensors")
# Under which word a file keeps its state dict, the preferred first.
_WRAPPED = ("params_ema", "params-ema", "params", "state_dict", "model_state_dict", "model", "generator", "net")
_LIGHTNING = ("averaged.", "generator.")  # our own checkpoints: the average of the generator, the generator


def read_states(path: Path) -> list[dict[str, Any]]:
    """The state dicts that a file may mean, the likeliest first.

    In a Lightning checkpoint they are the averaged generator, the generator, and the whole.

    Args:
        path: a .pth, .pt, .ckpt or .safetensors file.

    Returns:
        at least one, each with at least one tensor, on the CPU; what else a file keeps among them stays.

    Raises:
        UsageError: no such file, a damaged one, one that holds code, or one without weights.
    """
    content = _read(path)
    if isinstance(content, Mapping):
        content = next((content[word] for word in _WRAPPED if isinstance(content.get(word), Mapping)), content)
    if not isinstance(content, Mapping) or not any(isinstance(value, Tensor) for value in content.values()):
        raise UsageError(f"{path}: not a file of weights; it holds {_told(content)}")
    state = {str(name): value for name, value in content.items()}
    if all(name.startswith("module.") for name in state):
        state = _without(state, "module.")
    return [part for prefix in _LIGHTNING if (part := _without(state, prefix))] + [state]


def _without(state: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """What has a prefix, without it."""
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


def _read(path: Path) -> Any:
    if not path.is_file():
        raise UsageError(f"{path}: no such file")
    if not path.stat().st_size:
        raise UsageError(f"{path}: not a file of weights; it is empty")
    try:
        if path.suffix.lower() == ".safetensors":
            return load_file(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle, zip and safetensors each have their own for a damaged file
        if code := _code(path, error):
            raise UsageError(f"{path}: holds code, which is never run; save its state dict alone ({code})") from None
        raise UsageError(f"{path}: not a whole file of weights ({_cause(error)}); fetch or copy it again") from None


def _code(path: Path, error: Exception) -> str:
    """What a refused file would call or make, empty where it is merely damaged; nothing of it is run."""
    if named := re.search(r"GLOBAL ([\w.]+)", str(error)):
        return named[1]
    if "TorchScript" in str(error):
        return "TorchScript"
    if isinstance(error, UnpicklingError):
        with suppress(ValueError, IndexError):  # where it is no pickle at all
            for operation, argument, _ in pickletools.genops(path.read_bytes()):
                if operation.name in ("GLOBAL", "INST", "STACK_GLOBAL"):
                    return str(argument).replace(" ", ".") if argument else "objects of a class"
    return ""


def _cause(error: Exception) -> str:
    """Torch's own words without its advice."""
    text = " ".join(str(error).split())
    text = re.split(r"\. | Check the ", text.partition("WeightsUnpickler error: ")[2] or text)[0]
    return text[:160] if " " in text else type(error).__name__


def _told(content: Any) -> str:
    """What there is instead, in a word or two."""
    if isinstance(content, Mapping):
        return f"no tensor, but {', '.join(map(str, list(content)[:4]))}" if content else "nothing"
    return f"a {type(content).__name__}"
