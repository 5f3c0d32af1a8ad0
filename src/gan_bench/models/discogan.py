"""DiscoGAN: cross-domain relations without pairs (Kim et al. 2017, https://arxiv.org/abs/1703.05192).

L_G = (0.1 * adversarial + 0.9 * features) * (1 - r) + r * cycle, both directions summed, where r is 0.01 for a while
and 0.5 then (eqs. 3 to 8, and the authors' code, from which features and r are). The discriminators learn in every
third step, the generators in the other two.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from torch import Tensor

from gan_bench.batch import Batch
from gan_bench.errors import UsageError
from gan_bench.models.recipe import Term, want
from gan_bench.models.two_way import TwoWay

__all__ = ["DiscoGAN"]


class DiscoGAN(TwoWay):
    """Two adversaries, the means of what they see of real and generated images, and a reconstruction each way.

    Args:
        discriminator: judges gt images; with `features`, which gives the logits and those of several layers.
        lq_discriminator: the same of lq images.
        adversarial: two-sided criterion on logits, binary cross-entropy in the paper.
        features: criterion on the features of generated and real images.
        cycle: criterion on what comes back, the squared error in the code.
        interval: steps of which the first is the discriminators', 3 in the code.
        recipe: what `TwoWay` takes.

    Raises:
        UsageError: an interval that leaves the generators no step, or discriminators without features.
    """

    terms = ("adversarial", "features", "cycle")
    lq_discriminator: Any  # with `features`, as the other one

    def __init__(self, *, interval: int, **recipe: Any) -> None:
        super().__init__(**recipe)
        if type(interval) is not int or interval < 2:
            raise UsageError(f"model.interval={interval}: a whole number from 2 is needed, for the generators to learn")
        want("discriminator", self.discriminator, "features")
        want("lq_discriminator", self.lq_discriminator, "features")
        self.interval = interval

    def turns(self, step: int) -> tuple[str, ...]:
        """One pair learns in a step; the generators in each, where the discriminators rest."""
        playing = "discriminator" in super().turns(step)
        return ("discriminator",) if playing and step % self.interval == 0 else ("generator",)

    @property
    def logs(self) -> bool:
        """Also the last turn of the discriminators before a step that is logged, which would often miss them."""
        to_come = -(self.step + 1) % self.log_every
        return super().logs or (self.step % self.interval == 0 and to_come < self.interval)

    def generator_terms(self, batch: Batch, fakes: Mapping[str, Tensor]) -> dict[str, Term]:
        """Each loss is the sum of both directions."""
        (lq, gt, _), (restored, degraded) = batch, (fakes["restored"], fakes["degraded"])
        generator, degrader, criteria = self.generator.translate, self.degrader.translate, self.criteria

        @cache
        def judged() -> tuple[Any, Any]:
            """Logits and features of what was generated, which two terms share."""
            return self.discriminator.features(restored), self.lq_discriminator.features(degraded)

        def adversarial() -> Tensor:
            of_gt, of_lq = (criteria["adversarial"].generator(None, logits) for logits, _ in judged())
            loss: Tensor = of_gt + of_lq
            return loss

        def features() -> Tensor:
            (_, of_restored), (_, of_degraded) = judged()
            (_, of_gt), (_, of_lq) = self.discriminator.features(gt), self.lq_discriminator.features(lq)
            loss: Tensor = criteria["features"](of_restored, of_gt) + criteria["features"](of_degraded, of_lq)
            return loss

        def cycle() -> Tensor:
            loss: Tensor = criteria["cycle"](degrader(restored), lq) + criteria["cycle"](generator(degraded), gt)
            return loss

        return {"adversarial": adversarial, "features": features, "cycle": cycle}

    def discriminator_loss(self, batch: Batch, fakes: Mapping[str, Tensor]) -> Tensor:
        """Gt is real and what was restored is not; so with lq and what was degraded."""
        of_gt = self.judged(real=self.discriminator(batch.gt), fake=self.discriminator(fakes["restored"]))
        real, fake = self.lq_discriminator(batch.lq), self.lq_discriminator(fakes["degraded"])
        return of_gt + self.judged(real=real, fake=fake, side="_lq")
