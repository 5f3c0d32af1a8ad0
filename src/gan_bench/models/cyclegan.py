"""CycleGAN: translation without pairs (Zhu et al. 2017, https://arxiv.org/abs/1703.10593).

L = L_GAN(G, D_gt) + L_GAN(F, D_lq) + lambda * L_cyc(G, F) (eq. 3), and an identity loss (section 5.2), which their Lua
code leaves out and their PyTorch code has. A discriminator judges a history of generated images. lq and gt of a batch
need not show the same, and no loss compares them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from gan_bench.batch import Batch
from gan_bench.models.image_pool import ImagePool
from gan_bench.models.recipe import Term
from gan_bench.models.two_way import TwoWay
from gan_bench.processes import gathered, own

__all__ = ["CycleGAN"]


class CycleGAN(TwoWay):
    """Two adversaries, a cycle each way, and images of the target side that are to stay what they are.

    Args:
        adversarial: two-sided criterion on a map of logits, least squares in the paper.
        cycle: criterion on what comes back, L1 in the paper.
        identity: criterion on what a generator makes of its own target side, L1; None to do without.
        buffer: generated images that each discriminator's history holds, 50 in the paper.
        recipe: what `TwoWay` takes.
    """

    terms = ("adversarial", "cycle", "identity")

    def __init__(self, *, buffer: int, **recipe: Any) -> None:
        super().__init__(**recipe)
        self.pools = {name: ImagePool(buffer, name, self.seed) for name in ("restored", "degraded")}

    def generator_terms(self, batch: Batch, fakes: Mapping[str, Tensor]) -> dict[str, Term]:
        """Each loss is the sum of both directions."""
        (lq, gt, _), (restored, degraded) = batch, (fakes["restored"], fakes["degraded"])
        generator, degrader, criteria = self.generator.translate, self.degrader.translate, self.criteria
        return {
            "adversarial": lambda: (
                criteria["adversarial"].generator(None, self.discriminator(restored))
                + criteria["adversarial"].generator(None, self.lq_discriminator(degraded))
            ),
            "cycle": lambda: criteria["cycle"](degrader(restored), lq) + criteria["cycle"](generator(degraded), gt),
            "identity": lambda: criteria["identity"](generator(gt), gt) + criteria["identity"](degrader(lq), lq),
        }

    def discriminator_loss(self, batch: Batch, fakes: Mapping[str, Tensor]) -> Tensor:
        """Gt is real and something restored is not, now or earlier; so with lq and something degraded."""
        restored, degraded = (
            pool.exchange(fakes[name], self.part, self.global_rank) for name, pool in self.pools.items()
        )
        of_gt = self.judged(real=self.discriminator(batch.gt), fake=self.discriminator(restored))
        real, fake = self.lq_discriminator(batch.lq), self.lq_discriminator(degraded)
        return of_gt + self.judged(real=real, fake=fake, side="_lq")

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the histories of all processes."""
        super().on_save_checkpoint(checkpoint)
        checkpoint["image_pools"] = gathered({name: pool.state() for name, pool in self.pools.items()})

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on with them; where there were more or fewer processes they fill anew."""
        super().on_load_checkpoint(checkpoint)
        processes = self.trainer.world_size
        states = own(checkpoint["image_pools"], self.global_rank, processes, "the buffer of generated images")
        for name, state in (states or {}).items():
            self.pools[name].restore(state)
