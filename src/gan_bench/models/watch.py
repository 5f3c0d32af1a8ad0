"""Notices where a training stops being finite: noted on the device in each step, read now and then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

__all__ = ["LARGEST", "Trouble", "Watch", "first_not_finite"]

LARGEST = 1e6
"""Of an unweighted loss: what compares images in [0, 1], or logits, is of order 1."""


class Trouble(NamedTuple):
    """The first update that was not sound.

    Attributes:
        step: counted from 0.
        player: whose update it was.
        losses: its unweighted losses that were not sound, with their values.
        layer: the last of the player's layers whose gradient was not finite, as a gradient goes from the last layer to
            the first; None where all were.
    """

    step: int
    player: str
    losses: dict[str, float]
    layer: str | None


class _Update(NamedTuple):
    step: int
    player: str
    losses: Mapping[str, Tensor]
    norms: Tensor
    names: Sequence[str]
    sound: Tensor


class Watch:
    """Keeps a few scalars of each update since it was last read; only reading waits for the device."""

    def __init__(self) -> None:
        self._updates: list[_Update] = []

    def note(
        self, step: int, player: str, losses: Mapping[str, Tensor], norms: Tensor, names: Sequence[str], finite: Tensor
    ) -> None:
        """Keep what an update was made of.

        Args:
            step: counted from 0.
            player: that learns.
            losses: unweighted scalars.
            norms: (P,) of the gradients, one for each parameter that has one.
            names: of those parameters.
            finite: a boolean scalar: whether the gradients are.
        """
        values = torch.stack([loss.detach().float() for loss in losses.values()])
        self._updates.append(_Update(step, player, losses, norms, names, finite & (values.abs() < LARGEST).all()))

    def read(self) -> Trouble | None:
        """The first update since the last reading that was not sound."""
        updates, self._updates = self._updates, []
        if not updates:
            return None
        sound = torch.stack([update.sound for update in updates]).tolist()
        return next((_trouble(update) for update, one in zip(updates, sound, strict=True) if not one), None)


def _trouble(update: _Update) -> Trouble:
    values = {name: float(loss) for name, loss in update.losses.items()}
    bad = [name for name, norm in zip(update.names, update.norms.tolist(), strict=True) if not abs(norm) < float("inf")]
    layer = bad[-1].rpartition(".")[0] if bad else None
    return Trouble(update.step, update.player, {name: v for name, v in values.items() if not abs(v) < LARGEST}, layer)


@contextmanager
def first_not_finite(networks: Mapping[str, nn.Module]) -> Iterator[list[str]]:
    """Name the layers whose output is not finite while networks run inside this context.

    Args:
        networks: by name.

    Yields:
        A list that grows: `generator.body.0.rdb1.conv1`, in the order in which the layers ran.
    """
    found: list[str] = []

    def look(name: str) -> Any:
        def hook(_: nn.Module, __: Any, output: Any) -> None:
            if isinstance(output, Tensor) and not bool(output.isfinite().all()):
                found.append(name)

        return hook

    layers = {
        f"{key}.{name}" if name else key: layer
        for key, network in networks.items()
        for name, layer in network.named_modules()
        if not any(layer.children())
    }
    handles = [layer.register_forward_hook(look(name)) for name, layer in layers.items()]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()
