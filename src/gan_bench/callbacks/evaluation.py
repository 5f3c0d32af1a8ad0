"""Validation during training: each epoch ends with the generator being judged; models know no metric."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import lightning as L
from torch import Tensor

from gan_bench.batch import Batch
from gan_bench.data import TestSet
from gan_bench.judge import score_images
from gan_bench.metrics import Suite, aggregate
from gan_bench.models import Recipe
from gan_bench.panels import write_panel
from gan_bench.restorers import NetworkRestorer, Origin

__all__ = ["Evaluation"]


class Evaluation(L.Callback):
    """Scores the validation images on rank 0, logs `val/<metric>`, keeps the curve, writes panels.

    Args:
        tests: the validation images.
        suite: the metrics.
        folder: of the run: `validation.csv` holds the curve, `panels/` the first image at each epoch.
        num_in_ch: channels that the generator takes.
        label: of the model.
    """

    def __init__(self, tests: TestSet, suite: Suite, folder: Path, num_in_ch: int, label: str) -> None:
        self.tests, self.suite, self.folder, self.num_in_ch, self.label = tests, suite, folder, num_in_ch, label
        self.curve: list[dict[str, float]] = []

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Judge, and tell every rank."""
        assert isinstance(pl_module, Recipe)
        scores = trainer.strategy.broadcast(self._judge(pl_module) if trainer.is_global_zero else {})
        self.curve.append({"step": pl_module.step, **scores})
        pl_module.log_dict({f"val/{name}": value for name, value in scores.items()})
        if trainer.is_global_zero:
            self._write_curve()

    def _judge(self, module: Recipe) -> dict[str, float]:
        restorer = NetworkRestorer(module.generator, self.tests.scale, self.num_in_ch, Origin(model=self.label))
        first = self.tests.names[0]

        def keep(batch: Batch, restored: Tensor) -> None:
            if batch.name[0] == first:
                path = self.folder / "panels" / f"validation_{module.step:07d}.png"
                write_panel(path, batch, restored, self.tests.scale, f"{self.label}, step {module.step}")

        means, _ = aggregate(score_images(restorer, self.tests, self.suite, keep)[0])
        return {name: value for name, value in means.items() if value is not None}

    def _write_curve(self) -> None:
        text = io.StringIO()
        names = dict.fromkeys(name for row in self.curve for name in row)  # a metric may be undefined at first
        writer = csv.DictWriter(text, list(names), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.curve)
        (self.folder / "validation.csv").write_text(text.getvalue())

    def state_dict(self) -> dict[str, Any]:
        """The curve so far."""
        return {"curve": self.curve}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with the curve."""
        self.curve = list(state_dict["curve"])
