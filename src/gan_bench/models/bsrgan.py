"""BSRGAN: blind super-resolution by a random order of degradations (Zhang et al. 2021, https://arxiv.org/abs/2103.14006).

First BSRNet, L1 alone, then L_G = pixel + perceptual + lambda * adversarial. What sets the method apart is its
degradation, which is data, not model. Unlike the authors' code both stages are one training.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from gan_bench.batch import Batch
from gan_bench.models.recipe import Recipe, Term

__all__ = ["BSRGAN"]


class BSRGAN(Recipe):
    """L1, features and a least-squares adversary, all towards the plain gt; the generator is RRDBNet.

    Args:
        pixel: criterion, L1 in the paper.
        perceptual: criterion on features of five layers, None to do without.
        adversarial: two-sided criterion on a map of logits, least squares in the authors' code.
        recipe: what `Recipe` takes.
    """

    terms = ("pixel", "perceptual", "adversarial")

    def generator_terms(self, batch: Batch, fakes: Mapping[str, Tensor]) -> dict[str, Term]:
        """Near to gt in pixels and features, and taken for real in every patch."""
        restored = fakes["restored"]
        return {
            "pixel": lambda: self.criteria["pixel"](restored, batch.gt),
            "perceptual": lambda: self.criteria["perceptual"](restored, batch.gt),
            "adversarial": lambda: self.criteria["adversarial"].generator(None, self.discriminator(restored)),
        }

    def discriminator_loss(self, batch: Batch, fakes: Mapping[str, Tensor]) -> Tensor:
        """Gt is real, what was restored is not."""
        return self.judged(real=self.discriminator(batch.gt), fake=self.discriminator(fakes["restored"]))
