"""ESRGAN: enhanced super-resolution with a relativistic adversary (Wang et al. 2018, https://arxiv.org/abs/1809.00219).

First the PSNR stage (pixel loss alone), then L_G = perceptual + lambda * adversarial + eta * pixel (eq. 3). Unlike the
authors' code both stages are one training, and the discriminator's two terms are one backward pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from gan_bench.batch import Batch
from gan_bench.models.recipe import Recipe, Term

__all__ = ["ESRGAN"]


class ESRGAN(Recipe):
    """Perceptual, pixel and relativistic adversarial losses.

    Args:
        generator: RRDB.
        discriminator: (B, C, P, P) -> logits.
        pixel: criterion, L1 in the paper.
        perceptual: criterion on features, None to do without.
        adversarial: two-sided criterion on logits.
        recipe: what `Recipe` takes.
    """

    __forwards_to__ = Recipe
    terms = ("perceptual", "adversarial", "pixel")

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        pixel: nn.Module,
        perceptual: nn.Module | None,
        adversarial: nn.Module,
        **recipe: Any,
    ) -> None:
        criteria = {"perceptual": perceptual, "adversarial": adversarial, "pixel": pixel}
        super().__init__(generator=generator, discriminator=discriminator, criteria=criteria, **recipe)

    def generator_terms(self, batch: Batch, fakes: Mapping[str, Tensor]) -> dict[str, Term]:
        """Eq. 3: the generator wants its images judged more real than the real ones."""
        restored = fakes["restored"]
        return {
            "perceptual": lambda: self.criteria["perceptual"](restored, batch.gt),
            "adversarial": lambda: self.criteria["adversarial"].generator(
                *self._logits(batch.gt, restored, frozen=True)
            ),
            "pixel": lambda: self.criteria["pixel"](restored, batch.gt),
        }

    def discriminator_loss(self, batch: Batch, fakes: Mapping[str, Tensor]) -> Tensor:
        """Eq. 1: real images more realistic than restored ones on average, and the reverse."""
        loss: Tensor = self.criteria["adversarial"].discriminator(*self._logits(batch.gt, fakes["restored"]))
        return loss

    def _logits(self, real: Tensor, fake: Tensor, frozen: bool = False) -> tuple[Tensor, Tensor]:
        """D(real) and D(fake), as separate forwards; D(real) without a graph where D does not learn."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not frozen):
            judged_real = self.discriminator(real)
        return judged_real, self.discriminator(fake)
