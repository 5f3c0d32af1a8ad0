"""Training without an adversary: L_G = sum of weighted pixel criteria; SRCNN, MSRResNet, RRDB's PSNR stage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from gan_bench.batch import Batch
from gan_bench.models.recipe import Recipe, Term

__all__ = ["Regression"]


class Regression(Recipe):
    """L_G = pixel(restored, gt).

    Args:
        pixel: the criterion.
        recipe: what `Recipe` takes.
    """

    __forwards_to__ = Recipe
    terms = ("pixel",)

    def __init__(self, pixel: nn.Module, **recipe: Any) -> None:
        super().__init__(criteria={"pixel": pixel}, **recipe)

    def generator_terms(self, batch: Batch, fakes: Mapping[str, Tensor]) -> dict[str, Term]:
        """Pixel alone."""
        return {"pixel": lambda: self.criteria["pixel"](fakes["restored"], batch.gt)}
