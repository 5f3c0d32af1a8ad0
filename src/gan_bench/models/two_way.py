"""What GANs of two directions share: two generators, two discriminators, and pictures of both ways; no equation here.

`generator` goes from lq to gt, `degrader` from gt to lq. Both work at gt's size: at a scale above 1 lq is its bicubic
enlargement, for losses and discriminators too.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from gan_bench.batch import Batch
from gan_bench.models.recipe import Recipe, want

__all__ = ["TwoWay"]


class TwoWay(Recipe):
    """Both generators learn with one optimizer, both discriminators with another.

    Args:
        generator: lq -> gt; with `enlarge`, (B, C, h, w) -> (B, C, H, W), and `translate`, which keeps the size.
        degrader: gt -> lq at gt's size, with `translate`.
        discriminator: judges gt images.
        lq_discriminator: judges lq images, at gt's size.
        recipe: what `Recipe` takes.

    Raises:
        UsageError: a generator that cannot do so.
    """

    pairs = False
    generator: Any  # a module with `enlarge` and `translate`

    def __init__(self, *, degrader: nn.Module, lq_discriminator: nn.Module, **recipe: Any) -> None:
        super().__init__(**recipe)
        want("generator", self.generator, "enlarge", "translate")
        want("degrader", degrader, "translate")
        want("discriminator", self.discriminator)
        want("lq_discriminator", lq_discriminator)
        self.degrader: Any = degrader
        self.lq_discriminator = lq_discriminator

    def players(self) -> dict[str, nn.Module]:
        """Two pairs."""
        return {
            "generator": nn.ModuleList([self.generator, self.degrader]),
            "discriminator": nn.ModuleList([self.discriminator, self.lq_discriminator]),
        }

    @property
    def products(self) -> dict[str, nn.Module]:
        """Both directions."""
        return {**super().products, "degrader": self.degrader}

    def seen(self, batch: Batch) -> Batch:
        """With lq at gt's size."""
        return batch._replace(lq=self.generator.enlarge(batch.lq))

    def fakes(self, batch: Batch) -> dict[str, Tensor]:
        """Each way once; what comes back is a loss's own."""
        return {"restored": self.generator.translate(batch.lq), "degraded": self.degrader.translate(batch.gt)}

    @torch.no_grad()
    def views(self, batch: Batch) -> dict[str, Tensor]:
        """There and back, from both sides."""
        generator: Any = self.product
        degrader, training = self.degrader, self.training
        self.eval()
        lq, gt = generator.enlarge(batch.lq.to(self.device)), batch.gt.to(self.device)
        degraded = degrader.translate(gt)
        back = {
            "degraded": degraded,
            "gt again": generator.translate(degraded),
            "lq again": _as_large(degrader.translate(generator.translate(lq)), gt),
        }
        self.train(training)
        return {caption: image.float().cpu() for caption, image in back.items()}


def _as_large(image: Tensor, other: Tensor) -> Tensor:
    """Cropped, or white added, at the right and bottom, to the size of another: unpaired images have any."""
    height, width = (wanted - given for wanted, given in zip(other.shape[2:], image.shape[2:], strict=True))
    return pad(image, (0, width, 0, height), value=1.0)
