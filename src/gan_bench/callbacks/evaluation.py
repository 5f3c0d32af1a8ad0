"""Validation during training: every so many steps, and where a stage ends, the generator is judged."""

from __future__ import annotations

import csv
import io
from functools import cached_property
from itertools import islice
from math import fsum
from pathlib import Path
from typing import Any

import lightning as L
import torch
from torch import Tensor

from gan_bench.batch import Batch
from gan_bench.data import TestSet
from gan_bench.files import write_atomically
from gan_bench.image import to_rgb
from gan_bench.judge import score_images
from gan_bench.metrics import Suite, aggregate
from gan_bench.models import Recipe
from gan_bench.panels import LARGEST, write_panel
from gan_bench.processes import from_first, gathered, together
from gan_bench.restorers import NetworkRestorer, Origin

__all__ = ["Evaluation", "colour_drift", "sharpness"]

TYPICAL = 16  # gt images that show what they look like, where none belongs to an lq


class Evaluation(L.Callback):
    """Scores the validation images, a share in each process, logs `val/<metric>`, keeps the curve, writes panels.

    It does so every so many steps, at the end of each stage, and at the end.

    Args:
        tests: the validation images.
        suite: the metrics.
        folder: of the run: `validation.csv` holds the curve, `panels/` the first image at each validation.
        num_in_ch: channels that the generator takes.
        label: of the model.
        every: steps.
    """

    def __init__(self, tests: TestSet, suite: Suite, folder: Path, num_in_ch: int, label: str, every: int) -> None:
        self.tests, self.suite, self.folder, self.num_in_ch, self.label = tests, suite, folder, num_in_ch, label
        self.every = every
        self.curve: list[dict[str, float]] = []

    def judged(self, module: Recipe) -> bool:
        """Whether the model was judged as it is now."""
        return bool(self.curve) and self.curve[-1]["step"] == module.step

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """A training that goes on may have been stopped before it was judged."""
        self.on_train_batch_end(trainer, pl_module)

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        """Judge where it is time, where a stage ended, and at the end; log."""
        assert isinstance(pl_module, Recipe)
        step = pl_module.step
        if not step or self.judged(pl_module) or not (step % self.every == 0 or pl_module.ended):
            return
        pl_module.check()
        self._validate(trainer, pl_module)
        scores = {f"val/{name}": value for name, value in self.curve[-1].items() if name != "step"}
        trainer.callback_metrics.update({name: torch.tensor(value) for name, value in scores.items()})
        for logger in trainer.loggers:
            logger.log_metrics(scores, step)

    def _validate(self, trainer: L.Trainer, module: Recipe) -> None:
        """Judge with all processes, keep the row in each."""
        with torch.compiler.set_stance("force_eager"):  # images of all sizes: each would be compiled
            self.curve.append({"step": module.step, **self._judge(module)})
        together(lambda: self._write_curve() if trainer.is_global_zero else None)

    def _judge(self, module: Recipe) -> dict[str, float]:
        """Means of the metrics over the images, and how sharp and how true in colour they are."""
        from_first(module.product.buffers())
        restorer = NetworkRestorer(module.product, self.tests.scale, self.num_in_ch, Origin(model=self.label))
        first, own = self.tests.names[0], list[dict[str, float]]()

        def look(batch: Batch, restored: Tensor) -> None:
            gt = self._reals if batch.gt is None else [batch.gt]
            own.append({"sharpness": sharpness(restored, *gt), "colour": colour_drift(restored, *gt)})
            if batch.name[0] == first:
                self._write_panel(module, batch, restored)

        means, _ = aggregate(score_images(restorer, self.tests, self.suite, look, shared=True)[0])
        looks = [row for part in gathered(own) for row in part]
        means |= {name: fsum(one[name] for one in looks) / len(looks) for name in looks[0]}  # exact in any order
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
        write_atomically(self.folder / "validation.csv", text.getvalue().encode())

    def state_dict(self) -> dict[str, Any]:
        """The curve so far."""
        return {"curve": self.curve}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with the curve."""
        self.curve[:] = state_dict["curve"]  # the list itself is followed by others


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
