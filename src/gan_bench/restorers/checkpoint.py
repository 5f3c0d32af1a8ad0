"""A file of weights from anywhere as a restorer: a network of ours, told by its state dict, else one of spandrel's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from gan_bench import networks
from gan_bench.errors import UsageError
from gan_bench.networks.spandrel import opened
from gan_bench.restorers.base import Origin
from gan_bench.restorers.network import NetworkRestorer
from gan_bench.restorers.states import read_states
from gan_bench.weights import sha256

__all__ = ["checkpoint"]


def checkpoint(path: Path, scale: int | None = None) -> NetworkRestorer:
    """Load a file of weights, in float32 on the CPU.

    Args:
        path: a .pth, .pt, .ckpt or .safetensors file.
        scale: for a network whose weights do not tell it.

    Raises:
        UsageError: no sound file of weights, a network that nobody knows, weights that do not fit it, a scale that is
            needed, or spandrel is missing; one line that begins with the file.
    """
    for state in read_states(path):
        try:
            found = _own(state, scale) or _foreign(state)
        except UsageError as error:
            raise UsageError(f"{path}: {error}") from None
        if found:
            return _restorer(path, *found)
    raise UsageError(f"{path}: neither a network of gan-bench nor one that spandrel knows")


def _own(state: Mapping[str, Any], scale: int | None) -> tuple[nn.Module, int, int] | None:
    """The network of ours whose names the state dict has, its scale and the channels that it takes."""
    tensors = {name: value for name, value in state.items() if isinstance(value, Tensor)}
    for kind in (getattr(networks, name) for name in networks.__all__):
        if not hasattr(kind, "arguments"):
            continue
        try:
            if (told := kind.arguments(tensors)) is None:
                continue
            if "scale" not in told and scale is None:
                raise UsageError(f"the weights of {kind.__name__} do not tell its scale; add --scale N")
            arguments = {"scale": scale, **told}
            network = kind(**arguments)
            network.load_state_dict(tensors)
        except (RuntimeError, LookupError, ValueError, ArithmeticError) as error:
            cause = " ".join(str(error).split())[:200]
            raise UsageError(f"has the names of {kind.__name__} and does not fit it ({cause})") from None
        return network, arguments["scale"], arguments["num_in_ch"]
    return None


def _foreign(state: Mapping[str, Any]) -> tuple[nn.Module, int, int] | None:
    """The network of spandrel's, its scale and the channels that it takes."""
    network = opened(state)
    return (network, network.scale, network.num_in_ch) if network else None


def _restorer(path: Path, network: nn.Module, scale: int, num_in_ch: int) -> NetworkRestorer:
    parameters = sum(parameter.numel() for parameter in network.parameters())
    origin = Origin(model=path.stem, checkpoint_sha256=sha256(path), parameters=parameters, weights=path)
    return NetworkRestorer.placed(network, scale, num_in_ch, origin)
