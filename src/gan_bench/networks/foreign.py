"""A foreign network behind the interface of a generator of ours: any size, any batch, its own names in the state dict.

It knows spandrel's descriptors by what they say and imports nothing of it.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Foreign"]

_SINGLE = frozenset({"DRUNet", "IPT", "FDnCNN"})  # what spandrel puts around them takes one image at a time
_PREFIX = "network."


class Foreign(nn.Module):
    """A network as spandrel's descriptor says that it is to be called; gradients flow, the output is not clipped.

    Args:
        network: spandrel's.
        descriptor: of a network of the same kind and sizes.

    Attributes:
        scale: output over input.
        num_in_ch: channels of the input.
    """

    def __init__(self, network: nn.Module, descriptor: Any) -> None:
        super().__init__()
        self.network = network
        self.scale, self.num_in_ch = int(descriptor.scale), int(descriptor.input_channels)
        self._size, self._call = descriptor.size_requirements, descriptor._call_fn
        self._single = bool({descriptor.architecture.id, *descriptor.tags} & _SINGLE)
        self.register_state_dict_post_hook(_without_prefix)  # type: ignore[no-untyped-call]
        self.register_load_state_dict_pre_hook(_with_prefix)  # type: ignore[no-untyped-call]

    def forward(self, lq: Tensor) -> Tensor:
        """Restore.

        Args:
            lq: (B, C, H, W) in [0, 1], of any size.

        Returns:
            (B, C, scale * H, scale * W), near [0, 1] and not clipped.
        """
        height, width = lq.shape[-2:]
        right, bottom = self._size.get_padding(width, height)
        padded = _padded(lq.clone(), bottom, right)  # some change their input in place
        parts = padded[:, None] if self._single else (padded,)
        restored = torch.cat([self._call(self.network, part) for part in parts])
        return restored[..., : self.scale * height, : self.scale * width]


def _padded(image: Tensor, bottom: int, right: int) -> Tensor:
    """Mirrored as far as the image reaches, its last row and column repeated beyond."""
    height, width = image.shape[-2:]
    mirrored = (0, min(right, width - 1), 0, min(bottom, height - 1))
    if any(mirrored):
        image = F.pad(image, mirrored, mode="reflect")
    repeated = (0, right - mirrored[1], 0, bottom - mirrored[3])
    return F.pad(image, repeated, mode="replicate") if any(repeated) else image


def _without_prefix(_module: nn.Module, state: dict[str, Any], prefix: str, _metadata: Any) -> None:
    """Saved under the network's own names."""
    for name in [name for name in state if name.startswith(prefix + _PREFIX)]:
        state[prefix + name.removeprefix(prefix + _PREFIX)] = state.pop(name)


def _with_prefix(_module: nn.Module, state: dict[str, Any], prefix: str, *_: Any) -> None:
    """Loaded from them."""
    for name in [name for name in state if name.startswith(prefix)]:
        state[prefix + _PREFIX + name.removeprefix(prefix)] = state.pop(name)
