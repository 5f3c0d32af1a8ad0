"""What several networks are made of: checks of scale and names, ESRGAN's initialisation, padding, reading of weights.

From the structures of https://arxiv.org/abs/1809.00219 (ESRGAN); nothing here is a network of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_bench.errors import UsageError

__all__ = [
    "check_scale",
    "conv3x3",
    "count_numbers",
    "ends",
    "has_names",
    "pad_to_multiple",
    "scaled_kaiming_",
    "shuffled_scale",
]


def check_scale(network: str, scale: int, known: Sequence[int]) -> None:
    """Refuse a scale that the network was not built for.

    Args:
        network: its name, for the message.
        scale: what was asked for.
        known: what it has, two or more, in the order in which they are to be named.

    Raises:
        UsageError: `scale` is none of them.
    """
    if scale not in known:
        words = ", ".join(str(one) for one in known[:-1])
        raise UsageError(f"{network} cannot do scale {scale}: it has {words} and {known[-1]}")


def count_numbers(state: Mapping[str, Tensor], prefix: str) -> int:
    """How many numbers follow a prefix in the names of a state dict: `body.0.`, `body.1.` are two.

    Args:
        state: a state dict.
        prefix: as in `body`.
    """
    return len({name.split(".")[prefix.count(".") + 1] for name in state if name.startswith(f"{prefix}.")})


def ends(state: Mapping[str, Tensor]) -> dict[str, int]:
    """Channels and width as `conv_first` and `conv_last` of a state dict tell them.

    Returns:
        num_in_ch, num_out_ch and num_feat.
    """
    num_feat, num_in_ch = state["conv_first.weight"].shape[:2]
    return {"num_in_ch": num_in_ch, "num_out_ch": state["conv_last.weight"].shape[0], "num_feat": num_feat}


def shuffled_scale(state: Mapping[str, Tensor], stages: int, first: str) -> int:
    """The scale of a network's pixel shuffles: each doubles, but for a single one that triples.

    Args:
        state: a state dict.
        stages: how many shuffles there are.
        first: the name of the convolution before the first of them.
    """
    triples = stages == 1 and state[f"{first}.weight"].shape[0] == 9 * state[f"{first}.weight"].shape[1]
    return 3 if triples else 2**stages


def has_names(state: Mapping[str, Tensor], make: Callable[[], nn.Module]) -> bool:
    """Whether a state dict has the names of a network, no fewer and no more; shapes are not looked at.

    Args:
        state: a state dict.
        make: the network; it takes no memory.
    """
    with torch.device("meta"):
        return make().state_dict().keys() == state.keys()


def conv3x3(num_in_ch: int, num_out_ch: int) -> nn.Conv2d:
    """A 3x3 convolution that keeps height and width, padded with zeros, with bias."""
    return nn.Conv2d(num_in_ch, num_out_ch, kernel_size=3, padding=1)


def scaled_kaiming_(convs: Iterable[nn.Conv2d], factor: float) -> None:
    """Draw weights from N(0, (factor * sqrt(2 / fan_in))^2) and set biases to 0, in place.

    Args:
        convs: the convolutions to initialise.
        factor: below 1 it makes a residual branch start near the identity; ESRGAN's is 0.1.
    """
    for conv in convs:
        nn.init.kaiming_normal_(conv.weight)
        conv.weight.data.mul_(factor)
        if conv.bias is not None:
            nn.init.zeros_(conv.bias)


def pad_to_multiple(image: Tensor, factor: int) -> Tensor:
    """Pad at the right and bottom until both sides are multiples of `factor`.

    Args:
        image: (B, C, H, W).
        factor: in pixels; 1 pads nothing.

    Returns:
        (B, C, H', W') by reflection, or by replication where a side is too short to be reflected.
    """
    height, width = image.shape[-2:]
    bottom, right = -height % factor, -width % factor
    if not bottom and not right:
        return image
    mode = "reflect" if bottom < height and right < width else "replicate"
    return F.pad(image, (0, right, 0, bottom), mode=mode)
