"""pix2pix: image-to-image translation with a conditional adversary (Isola et al. 2017, https://arxiv.org/abs/1611.07004).

L = L_cGAN(G, D) + lambda * L1(G) (eq. 4), where D sees lq beside what it judges (eq. 1). Without L1 it is the paper's
cGAN. The noise z is dropout alone, in the generator. D learns first in a step, as in the authors' code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from gan_bench.batch import Batch
from gan_bench.models.recipe import Recipe, Term, want

__all__ = ["Pix2Pix"]


class Pix2Pix(Recipe):
    """An adversary that knows lq, and L1.

    Args:
        generator: lq -> gt; with `enlarge`, (B, C, h, w) -> (B, C, H, W), and `translate`, which keeps the size.
        discriminator: takes lq, enlarged to gt's size, and an image, one behind the other: (B, 2C, H, W).
        pixel: criterion, L1 in the paper; None for the cGAN.
        adversarial: two-sided criterion on a map of logits, binary cross-entropy in the paper.
        recipe: what `Recipe` takes.

    Raises:
        UsageError: a generator that cannot do so.
    """

    terms = ("pixel", "adversarial")
    conditional = True
    generator: Any  # a module with `enlarge` and `translate`

    def __init__(self, **recipe: Any) -> None:
        super().__init__(**recipe)
        want("generator", self.generator, "enlarge", "translate")
        want("discriminator", self.discriminator)

    def turns(self, step: int) -> tuple[str, ...]:
        """The discriminator first."""
        return tuple(reversed(super().turns(step)))

    def seen(self, batch: Batch) -> Batch:
        """With lq at gt's size."""
        return batch._replace(lq=self.generator.enlarge(batch.lq))

    def fakes(self, batch: Batch) -> dict[str, Tensor]:
        """One way."""
        return {"restored": self.generator.translate(batch.lq)}

    def generator_terms(self, batch: Batch, fakes: Mapping[str, Tensor]) -> dict[str, Term]:
        """Near to gt, and with lq taken for a real pair."""
        restored = fakes["restored"]
        return {
            "pixel": lambda: self.criteria["pixel"](restored, batch.gt),
            "adversarial": lambda: self.criteria["adversarial"].generator(None, self._logits(batch, restored)),
        }

    def discriminator_loss(self, batch: Batch, fakes: Mapping[str, Tensor]) -> Tensor:
        """Lq with gt is real, lq with what was made of it is not."""
        return self.judged(real=self._logits(batch, batch.gt), fake=self._logits(batch, fakes["restored"]))

    def _logits(self, batch: Batch, image: Tensor) -> Tensor:
        logits: Tensor = self.discriminator(torch.cat([batch.lq, image], dim=1))
        return logits
