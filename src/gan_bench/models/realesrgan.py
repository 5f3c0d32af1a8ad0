"""Real-ESRGAN: blind super-resolution trained on synthetic degradation (Wang et al. 2021, https://arxiv.org/abs/2107.10833).

First Real-ESRNet, L1 alone, then L_G = pixel + perceptual + 0.1 * adversarial against a U-Net that judges every pixel.
Both learn towards a sharpened gt, while the discriminator is shown the plain one (section 3.4 and the authors'
configuration). The degradation is data, not model. Unlike the authors' code both stages are one training.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from gan_bench.batch import Batch
from gan_bench.models.recipe import Recipe, Term

__all__ = ["RealESRGAN", "RealESRNet"]

Sharpen = Callable[[Tensor], Tensor]


class RealESRNet(Recipe):
    """The PSNR-oriented model: pixels against the sharpened gt.

    Args:
        pixel: criterion, L1 in the paper.
        sharpen: makes the target from gt, (B, C, H, W) in [0, 1] -> the same; None for the plain gt.
        recipe: what `Recipe` takes.
    """

    terms = ("pixel",)

    def __init__(self, *, sharpen: Sharpen | None, **recipe: Any) -> None:
        super().__init__(**recipe)
        self.sharpen = sharpen

    def generator_terms(self, batch: Batch, fakes: Mapping[str, Tensor]) -> dict[str, Term]:
        """L1 to the sharpened gt."""
        target = self.sharpen(batch.gt) if self.sharpen else batch.gt
        return {"pixel": lambda: self.criteria["pixel"](fakes["restored"], target)}


class RealESRGAN(Recipe):
    """Pixel and perceptual losses against the sharpened gt, and an adversary that knows the plain one.

    Args:
        pixel: criterion, L1 in the paper.
        perceptual: criterion on features of five layers, None to do without.
        adversarial: two-sided criterion on a map of logits, binary cross-entropy in the paper.
        sharpen: makes the target from gt, (B, C, H, W) in [0, 1] -> the same; None for the plain gt.
        recipe: what `Recipe` takes.
    """

    terms = ("pixel", "perceptual", "adversarial")

    def __init__(self, *, sharpen: Sharpen | None, **recipe: Any) -> None:
        super().__init__(**recipe)
        self.sharpen = sharpen

    def generator_terms(self, batch: Batch, fakes: Mapping[str, Tensor]) -> dict[str, Term]:
        """Near to the sharpened gt in pixels and features, and taken for real at every pixel."""
        restored = fakes["restored"]
        target = self.sharpen(batch.gt) if self.sharpen else batch.gt
        return {
            "pixel": lambda: self.criteria["pixel"](restored, target),
            "perceptual": lambda: self.criteria["perceptual"](restored, target),
            "adversarial": lambda: self.criteria["adversarial"].generator(None, self.discriminator(restored)),
        }

    def discriminator_loss(self, batch: Batch, fakes: Mapping[str, Tensor]) -> Tensor:
        """The plain gt is real, so that over-sharpening is told from sharpness."""
        return self.judged(real=self.discriminator(batch.gt), fake=self.discriminator(fakes["restored"]))
