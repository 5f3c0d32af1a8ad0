"""Training without an adversary: L_G = pixel(restored, gt); SRCNN, VDSR, SRResNet, RRDB's PSNR stage."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from gan_bench.batch import Batch
from gan_bench.models.recipe import Recipe, Term

__all__ = ["Regression"]


class Regression(Recipe):
    """One criterion on pixels.

    Args:
        pixel: the criterion.
        recipe: what `Recipe` takes.
    """

    terms = ("pixel",)

    def generator_terms(self, batch: Batch, fakes: Mapping[str, Tensor]) -> dict[str, Term]:
        """Pixel alone."""
        return {"pixel": lambda: self.criteria["pixel"](fakes["restored"], batch.gt)}
