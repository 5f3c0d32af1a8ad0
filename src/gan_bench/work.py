"""What the steps of a run share: its configuration, read; where it lies; what it was built with."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from gan_bench.data import Source
from gan_bench.degradations import Degradation
from gan_bench.errors import UsageError, did_you_mean
from gan_bench.metrics import Protocol, get_protocol
from gan_bench.naming import label_of

__all__ = ["Place", "Work"]

PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")  # weights are float32, and so is what is judged


@dataclass(frozen=True)
class Place:
    """Where a run lies, and its number in a sweep.

    Attributes:
        folder: of the run.
        number: from 1.
        count: runs in the sweep.
        study: what it belongs to: an experiment, or what a sweep sweeps over.
        each: seconds that its other runs took in the mean; None where none is known.
    """

    folder: Path
    number: int = 1
    count: int = 1
    study: str | None = None
    each: float | None = None


@dataclass(frozen=True)
class Work:
    """A run at work.

    Attributes:
        config: resolved, as plain containers.
        place: of the run.
        degradation: of its training.
        source: its data set.
        logger: a tracker, a logger of Lightning's, or False.
    """

    config: dict[str, Any]
    place: Place
    degradation: Degradation
    source: Source
    logger: Any

    @property
    def label(self) -> str:
        """The model's name, or what the choice of a perceptual loss makes of it, where it can have one."""
        return label_of(self.config)

    @property
    def spec(self) -> str:
        """The run's name; of a model that is nothing but its class, its own: then it is one restorer in all runs."""
        model = self.config["model"]
        return str(model["name"] if model.keys() <= {"_target_", "name", "scale"} else self.place.folder.name)

    @property
    def protocol(self) -> Protocol:
        """How it is judged."""
        return get_protocol(self.config["metrics"]["protocol"])

    @property
    def metrics(self) -> list[str]:
        """By which it is judged."""
        return list(self.config["metrics"]["names"])

    @property
    def instead(self) -> dict[str, str]:
        """What is computed in the place of a metric that is unavailable."""
        return dict(self.config["metrics"].get("instead") or {})

    @property
    def workers(self) -> int:
        """Processes that decode and crop."""
        if self.config["workers"] is not None:
            return int(self.config["workers"])
        return min(8, os.cpu_count() or 1) if self._on_gpu else 0

    @property
    def precision(self) -> str:
        """bf16-mixed on a GPU and float32 on a CPU, where the trainer's yaml leaves it open.

        Raises:
            UsageError: another than these, or half precision with a scaler.
        """
        precision = str(self.config["trainer"].get("precision") or ("bf16-mixed" if self._on_gpu else "32-true"))
        if precision not in PRECISIONS:
            raise UsageError(f"trainer.precision: no {precision!r}{did_you_mean(precision, PRECISIONS)}")
        return precision

    @property
    def _on_gpu(self) -> bool:
        return self.config["trainer"].get("accelerator") in ("auto", "gpu", "cuda") and torch.cuda.is_available()

    def budget(self, key: str) -> Any:
        """A value of the budget: that for this model at this scale, for this model, or for all."""
        budget = self.config["budget"]
        of_model = budget.get(self.config["model"]["name"]) or {}
        of_scale = of_model.get(f"x{self.config['degradation']['scale']}") or {}
        return next(group[key] for group in (of_scale, of_model, budget) if key in group)
