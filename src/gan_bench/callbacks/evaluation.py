"""Validation during training: an epoch and a stage end with the generator being judged; models know no metric."""

from __future__ import annotations

import csv
import io
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import lightning as L
import torch
from torch import Tensor

from gan_bench.batch import Batch
from gan_bench.data import TestSet
from gan_bench.errors import WorkError
from gan_bench.image import to_rgb
from gan_bench.judge import score_images
from gan_bench.metrics import Suite, aggregate
from gan_bench.models import Recipe
from gan_bench.panels import LARGEST, write_panel
from gan_bench.restorers import NetworkRestorer, Origin

__all__ = ["Evaluation", "colour_drift", "sharpness"]

TYPICAL = 16  # gt images that show what they look like, where none belongs to an lq


class Evaluation(L.Callback):
    """Scores the validation images on rank 0, logs `val/<metric>`, keeps the curve, writes panels.

    It does so at the end of each epoch and of each stage.

    Args:
        tests: the validation images.
        suite: the metrics.
        folder: of the run: `validation.csv` holds the curve, `panels/` the first image at each validation.
        num_in_ch: channels that the generator takes.
        label: of the model.
    """

    def __init__(self, tests: TestSet, suite: Suite, folder: Path, num_in_ch: int, label: str) -> None:
        self.tests, self.suite, self.folder, self.num_in_ch, self.label = tests, suite, folder, num_in_ch, label
        self.curve: list[dict[str, float]] = []

    def on_train_batch_start(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        """What a stage left is worth a row and a panel, wherever it ended."""
        assert isinstance(pl_module, Recipe)
        if pl_module.ended:
            self._validate(trainer, pl_module)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Judge, and log; only here, so that what Lightning holds is always the last."""
        assert isinstance(pl_module, Recipe)
        self._validate(trainer, pl_module)
        scores = {name: value for name, value in self.curve[-1].items() if name != "step"}
        pl_module.log_dict({f"val/{name}": value for name, value in scores.items()})

    def _validate(self, trainer: L.Trainer, module: Recipe) -> None:
        """Judge on rank 0, tell every rank, keep the row; once at a step."""
        if self.curve and self.curve[-1]["step"] == module.step:
            return
        for name, product in module.products.items():
            if not all(parameter.isfinite().all() for parameter in product.parameters()):
                raise WorkError(
                    f"training diverged: at step {module.step} the {name}'s weights are not finite; lower the learning "
                    "rate (model.stages.N.lr) in a new run, as this one's last checkpoint lies before it"
                )
        scores = trainer.strategy.broadcast(self._judge(module) if trainer.is_global_zero else {})
        self.curve.append({"step": module.step, **scores})
        if trainer.is_global_zero:
            self._write_curve()

    def _judge(self, module: Recipe) -> dict[str, float]:
        """Means of the metrics over the images, and how sharp and how true in colour they are."""
        restorer = NetworkRestorer(module.product, self.tests.scale, self.num_in_ch, Origin(model=self.label))
        first, looks = self.tests.names[0], list[dict[str, float]]()

        def look(batch: Batch, restored: Tensor) -> None:
            gt = self._reals if batch.gt is None else [batch.gt]
            looks.append({"sharpness": sharpness(restored, *gt), "colour": colour_drift(restored, *gt)})
            if batch.name[0] == first:
                self._write_panel(module, batch, restored)

        means, _ = aggregate(score_images(restorer, self.tests, self.suite, look)[0])
        means |= {name: sum(one[name] for one in looks) / len(looks) for name in looks[0]}
        return {name: value for name, value in means.items() if value is not None}

    @cached_property
    def _reals(self) -> list[Tensor]:
        """What gt images look like, where none belongs to an lq."""
        return [to_rgb(real) if self.num_in_ch == 3 else real for real in islice(self.tests.reals(), TYPICAL)]

    def _write_panel(self, module: Recipe, batch: Batch, restored: Tensor) -> None:
        """What was made of the first image, and what else the model has to show."""
        gt = batch.gt if batch.gt is not None else self._reals[0]
        lq, gt = (to_rgb(one) if self.num_in_ch == 3 else one for one in (batch.lq, gt))
        lq, gt = lq[..., : LARGEST // self.tests.scale, : LARGEST // self.tests.scale], gt[..., :LARGEST, :LARGEST]
        seen = Batch(lq, gt, batch.name)
        below = module.views(seen)
        path = self.folder / "panels" / f"validation_{module.step:07d}.png"
        label = f"{self.label}, step {module.step}"
        write_panel(path, batch, restored, self.tests.scale, label, {"gt": seen.gt, **below} if below else {})

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


def sharpness(restored: Tensor, *gt: Tensor) -> float:
    """Mean absolute difference of neighbouring pixels, over that of gt: 1 is as sharp as gt, or as noisy.

    Args:
        restored: (B, C, H, W) in [0, 1].
        gt: the same; or several images of any sizes, which stand for it together.
    """
    return float(_detail(restored) / torch.stack([_detail(one) for one in gt]).mean().clamp(min=1e-8))


def colour_drift(restored: Tensor, *gt: Tensor) -> float:
    """Mean absolute difference of the channels' means, in 8-bit levels: 0 is no cast.

    Args:
        restored: (B, C, H, W) in [0, 1].
        gt: the same; or several images of any sizes, which stand for it together.
    """
    typical = torch.stack([one.mean(dim=(2, 3)) for one in gt]).mean(dim=0)
    return float((restored.mean(dim=(2, 3)) - typical).abs().mean() * 255)


def _detail(image: Tensor) -> Tensor:
    """The mean of both directions, on the mean of the channels."""
    gray = image.mean(dim=1)
    return (gray.diff(dim=1).abs().mean() + gray.diff(dim=2).abs().mean()) / 2
