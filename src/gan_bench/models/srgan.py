"""SRGAN: photo-realistic super-resolution by an adversary (Ledig et al. 2017, https://arxiv.org/abs/1609.04802).

First SRResNet on pixels alone, then L_G = content + 1e-3 * adversarial (eq. 3), where content is the distance of VGG
features (eq. 5) or of pixels (eq. 4). Unlike the authors' two trainings this is one, and images are in [0, 1], where
their gt is in [-1, 1].
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from gan_bench.batch import Batch
from gan_bench.models.recipe import Recipe, Term

__all__ = ["SRGAN"]


class SRGAN(Recipe):
    """Content, on features or on pixels, and the original adversarial loss; the generator is SRResNet.

    Args:
        pixel: criterion, MSE in the paper.
        perceptual: criterion on features, None to do without.
        adversarial: two-sided criterion on logits, binary cross-entropy in the paper.
        recipe: what `Recipe` takes.
    """

    terms = ("perceptual", "adversarial", "pixel")

    def generator_terms(self, batch: Batch, fakes: Mapping[str, Tensor]) -> dict[str, Term]:
        """Eqs. 3 to 6: near to gt in features or in pixels, and taken for real: -log D(G(lq))."""
        restored = fakes["restored"]
        return {
            "perceptual": lambda: self.criteria["perceptual"](restored, batch.gt),
            "adversarial": lambda: self.criteria["adversarial"].generator(None, self.discriminator(restored)),
            "pixel": lambda: self.criteria["pixel"](restored, batch.gt),
        }

    def discriminator_loss(self, batch: Batch, fakes: Mapping[str, Tensor]) -> Tensor:
        """Eq. 2: gt is real, what was restored is not."""
        return self.judged(real=self.discriminator(batch.gt), fake=self.discriminator(fakes["restored"]))
