"""How long a training has worked, and how much of that it waited for data; validation and saving do not count."""

from __future__ import annotations

import time
from typing import Any

import lightning as L

__all__ = ["Clock"]


class Clock(L.Callback):
    """Runs while batches are fetched, degraded and learnt from. It is the first of the callbacks; the last calls `go`.

    Attributes:
        seconds: of the whole training, also before it was broken off.
        waited: of those since this process began, how many passed before a batch was there.
        here: seconds since this process began.
    """

    def __init__(self) -> None:
        self.seconds = self.waited = self.here = 0.0
        self._since = time.perf_counter()

    def go(self) -> None:
        """Run on, when all is done that does not count."""
        self._since = time.perf_counter()

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Begin."""
        self.go()

    def on_train_batch_start(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        """A batch is there."""
        self.waited += self._passed()

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        """A step is done; the clock stands until `go`."""
        self._passed()

    def _passed(self) -> float:
        now = time.perf_counter()
        passed, self._since = now - self._since, now
        self.seconds, self.here = self.seconds + passed, self.here + passed
        return passed

    def state_dict(self) -> dict[str, float]:
        """The seconds trained."""
        return {"seconds": self.seconds}

    def load_state_dict(self, state_dict: dict[str, float]) -> None:
        """Go on from there."""
        self.seconds = state_dict["seconds"]
