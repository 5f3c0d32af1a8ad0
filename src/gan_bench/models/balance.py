"""How even the game between a generator and its discriminator is: noted on the device, read now and then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

__all__ = ["Balance"]


class Balance:
    """Numbers of some steps, and their means since they were last read; noting them waits for no device.

    The names are `accuracy_real` and `accuracy_fake`, shares in [0, 1] of the images (or positions) that the
    discriminator takes for what they are, with `_lq` behind them for a discriminator of lq images; and
    `gradient_generator` and `gradient_discriminator`, norms over all parameters.

    Attributes:
        latest: what was noted last, by name.
    """

    def __init__(self) -> None:
        self.latest: dict[str, Tensor] = {}
        self._noted: dict[str, list[Tensor]] = {}

    def note(self, **numbers: Tensor) -> None:
        """Keep scalars of this step."""
        for name, number in numbers.items():
            self.latest[name] = number.detach()
            self._noted.setdefault(name, []).append(number.detach())

    def state(self) -> dict[str, list[float]]:
        """All that was noted since the last reading, for a checkpoint."""
        return {name: [float(number) for number in numbers] for name, numbers in self._noted.items()}

    def restore(self, state: Mapping[str, Sequence[float]]) -> None:
        """Go on with what was noted."""
        self._noted = {name: [torch.tensor(number) for number in numbers] for name, numbers in state.items()}

    def read(self) -> dict[str, float]:
        """The means since the last reading, of what was a number; empty where nothing was noted."""
        on_cpu = {name: [number.float().cpu() for number in numbers] for name, numbers in self._noted.items()}
        means = {name: float(torch.stack(numbers).nanmean()) for name, numbers in on_cpu.items()}
        self._noted.clear()
        self.latest = {}
        return means
