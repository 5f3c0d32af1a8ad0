"""How even the game between a generator and its discriminator is: noted on the device, read now and then."""

from __future__ import annotations

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

    def read(self) -> dict[str, float]:
        """The means since the last reading; empty where nothing was noted."""
        means = {name: float(torch.stack(numbers).float().mean()) for name, numbers in self._noted.items()}
        self._noted.clear()
        self.latest = {}
        return means
