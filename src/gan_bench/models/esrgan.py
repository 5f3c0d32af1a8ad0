"""ESRGAN: enhanced super-resolution with a relativistic adversary (Wang et al. 2018, https://arxiv.org/abs/1809.00219).

First the PSNR stage (pixel loss alone), then L_G = perceptual + lambda * adversarial + eta * pixel (eq. 3). Unlike the
authors' code both stages are one training, the discriminator's two terms are one backward pass, and the means of the
relativistic loss are those of the batch over all processes.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from gan_bench.batch import Batch
from gan_bench.models.recipe import Recipe, Term

__all__ = ["ESRGAN"]


class ESRGAN(Recipe):
    """Perceptual, pixel and relativistic adversarial losses; the generator is RRDBNet.

    Args:
        pixel: criterion, L1 in the paper.
        perceptual: criterion on features, None to do without.
        adversarial: two-sided criterion on logits, relativistic.
        recipe: what `Recipe` takes.
    """

    terms = ("perceptual", "adversarial", "pixel")

    def generator_terms(self, batch: Batch, fakes: Mapping[str, Tensor]) -> dict[str, Term]:
        """Eq. 3: the generator wants its images judged more real than the real ones."""
        restored = fakes["restored"]
        return {
            "perceptual": lambda: self.criteria["perceptual"](restored, batch.gt),
            "adversarial": lambda: self.criteria["adversarial"].generator(
                self._judged_real(batch.gt), self.discriminator(restored)
            ),
            "pixel": lambda: self.criteria["pixel"](restored, batch.gt),
        }

    def discriminator_loss(self, batch: Batch, fakes: Mapping[str, Tensor]) -> Tensor:
        """Eq. 1: real images more realistic than restored ones on average, and the reverse."""
        return self.judged(real=self.discriminator(batch.gt), fake=self.discriminator(fakes["restored"]))

    @torch.no_grad()
    def _judged_real(self, gt: Tensor) -> Tensor:
        """D(real), which the generator cannot change."""
        logits: Tensor = self.discriminator(gt)
        return logits
