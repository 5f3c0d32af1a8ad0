"""What can be judged: anything with `restore(batch)`; and the facts that a result keeps about it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from gan_bench.batch import Batch

__all__ = ["Origin", "Restorer"]


@dataclass(frozen=True)
class Origin:
    """Where a restorer comes from, as its results say it.

    Attributes:
        model: its name.
        checkpoint_sha256: of the weights' file, None without weights.
        budget: name, steps, batch, patch of its training, max_time and machine where its minutes counted, and
            start_from, the SHA-256 of the weights that it started from, where it did; None for what gan-bench did not
            train.
        seed: of its training.
        selection: `last`, `best`, or the stem of another file of weights in the run, as `pixel`.
        parameters: number of the generator's.
        training_seconds: wall time, without validation.
        config: the run's resolved configuration.
        weights: the file of weights, or the folder of restored images.
    """

    model: str
    checkpoint_sha256: str | None = None
    budget: dict[str, Any] | None = None
    seed: int | None = None
    selection: str | None = None
    parameters: int | None = None
    training_seconds: float | None = None
    config: dict[str, Any] | None = None
    weights: Path | None = None


class Restorer(Protocol):
    """The one thing that an evaluation asks for."""

    @property
    def scale(self) -> int | None:
        """Gt over lq; None where it follows from the images."""

    @property
    def origin(self) -> Origin:
        """Where it comes from."""

    def restore(self, batch: Batch) -> Tensor:
        """Restore `batch.lq`; gt is not looked at.

        Returns:
            (B, C, H, W) in [0, 1].
        """
        ...
