"""Starting from weights of another training: what has the same name and shape is taken, the rest is named."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from gan_bench.errors import UsageError

__all__ = ["load_what_fits"]


def load_what_fits(network: nn.Module, state: Mapping[str, Tensor]) -> list[str]:
    """Load a state dict into a network as far as names and shapes agree.

    Args:
        network: changed in place.
        state: of a network that may be of another scale or size.

    Returns:
        what was not loaded, a line for each tensor of either side: its name and why.

    Raises:
        UsageError: nothing fits.
    """
    own = network.state_dict()
    fits = {name: tensor for name, tensor in state.items() if name in own and tensor.shape == own[name].shape}
    if not fits:
        raise UsageError(
            f"model.start_from: none of its {len(state)} tensors fits {type(network).__name__}; "
            "take weights of the same architecture"
        )
    network.load_state_dict(fits, strict=False)
    left = [f"{name} ({_why(name, own, state)})" for name in own if name not in fits]
    return left + [f"{name} (not in the model)" for name in state if name not in own]


def _why(name: str, own: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> str:
    """Why a tensor of the network was not loaded."""
    return f"{_shape(state[name])} against {_shape(own[name])}" if name in state else "not in the file"


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "scalar"
