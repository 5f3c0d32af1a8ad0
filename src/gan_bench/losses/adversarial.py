"""What a generator and a discriminator want of each other, as scalars of the discriminator's logits; no network here.

One class per formulation, two methods per class; the paper's link stands in each class. The labels are 1 (real) and
0 (fake). Differs from the common code: no `gan_type` strings and no `is_disc` flags, and bfloat16 or half logits are
widened to float32 before any mean.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_bench.batch import widened
from gan_bench.losses.batch_mean import batch_mean

__all__ = ["Adversarial", "Hinge", "LeastSquares", "RelativisticAverage", "Vanilla"]


class Adversarial(nn.Module, ABC):
    """The interface of all formulations.

    Logits are unbounded and of any shape, (B, 1) from a discriminator with a head or (B, 1, h, w) from one that
    judges patches; each loss is the mean over all elements, so its weight does not depend on the patch size.

    Attributes:
        needs_real: whether `generator` reads the logits of real images; if not, it may be given None for them.
        threshold: the logit above which an image is taken for real.

    Args:
        discriminator_weight: factor on the discriminator's loss. 1 gives both terms weight 1, as in SRGAN and
            Real-ESRGAN; Pix2Pix and CycleGAN take 0.5.
    """

    needs_real: ClassVar[bool] = False
    threshold: ClassVar[float] = 0.0

    def __init__(self, discriminator_weight: float = 1.0) -> None:
        super().__init__()
        self.discriminator_weight = discriminator_weight

    @abstractmethod
    def generator(self, real: Tensor | None, fake: Tensor) -> Tensor:
        """The generator's adversarial loss, a scalar, unweighted.

        Args:
            real: logits of real images, or None where `needs_real` is False.
            fake: logits of generated images, with their graph.
        """

    @abstractmethod
    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """The discriminator's loss, a scalar, times `discriminator_weight`.

        Args:
            real: logits of real images.
            fake: logits of generated images that were detached from the generator.
        """

    def accuracy(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """How often the discriminator is right: shares in [0, 1] of the real and of the generated logits.

        Args:
            real: logits of real images.
            fake: logits of generated images.
        """
        return (real > self.threshold).float().mean(), (fake < self.threshold).float().mean()


class Vanilla(Adversarial):
    """Binary cross-entropy, with the generator's non-saturating form (https://arxiv.org/abs/1406.2661).

    L_G = BCE(C(fake), 1); L_D = BCE(C(real), 1) + BCE(C(fake), 0).
    """

    def generator(self, real: Tensor | None, fake: Tensor) -> Tensor:
        """BCE(fake, 1); `real` is not read."""
        return _cross_entropy(fake, 1.0)

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """BCE(real, 1) + BCE(fake, 0), times `discriminator_weight`."""
        return self.discriminator_weight * (_cross_entropy(real, 1.0) + _cross_entropy(fake, 0.0))


class LeastSquares(Adversarial):
    """Squared distance to the labels (LSGAN, https://arxiv.org/abs/1611.04076, with a = 0, b = c = 1).

    L_G = mean((C(fake) - 1)^2); L_D = mean((C(real) - 1)^2) + mean(C(fake)^2). The paper halves both; CycleGAN
    halves L_D alone (`discriminator_weight=0.5`).
    """

    threshold = 0.5

    def generator(self, real: Tensor | None, fake: Tensor) -> Tensor:
        """mean((fake - 1)^2); `real` is not read."""
        return (widened(fake) - 1.0).square().mean()

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """mean((real - 1)^2) + mean(fake^2), times `discriminator_weight`."""
        terms = (widened(real) - 1.0).square().mean() + widened(fake).square().mean()
        return self.discriminator_weight * terms


class Hinge(Adversarial):
    """Margins of one around zero (https://arxiv.org/abs/1705.02894, as in SAGAN, https://arxiv.org/abs/1805.08318).

    L_G = -mean(C(fake)); L_D = mean(max(0, 1 - C(real))) + mean(max(0, 1 + C(fake))).
    """

    def generator(self, real: Tensor | None, fake: Tensor) -> Tensor:
        """-mean(fake); `real` is not read."""
        return -widened(fake).mean()

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """mean(relu(1 - real)) + mean(relu(1 + fake)), times `discriminator_weight`."""
        terms = F.relu(1.0 - widened(real)).mean() + F.relu(1.0 + widened(fake)).mean()
        return self.discriminator_weight * terms


class RelativisticAverage(Adversarial):
    """How much more real than the average fake a real image is (https://arxiv.org/abs/1807.00734, ESRGAN's choice).

    L_G = (BCE(C(real) - m(fake), 0) + BCE(C(fake) - m(real), 1)) / 2 and L_D the same with the labels exchanged,
    where m is the mean of C over the batch, that of all processes together, and, for maps, over all positions. The
    paper and ESRGAN's eqs. 1-2 sum the two terms; the half is BasicSR's, with which ESRGAN's published weight 5e-3 was
    trained.

    Args:
        discriminator_weight: factor on the discriminator's loss, beyond the half that is in the formula.
        detach_means: hold m constant in the discriminator's loss, as BasicSR does; in its generator's loss the mean
            of the fakes carries a gradient, here too.
    """

    needs_real = True

    def __init__(self, discriminator_weight: float = 1.0, detach_means: bool = False) -> None:
        super().__init__(discriminator_weight)
        self.detach_means = detach_means

    def generator(self, real: Tensor | None, fake: Tensor) -> Tensor:
        """(BCE(real - m(fake), 0) + BCE(fake - m(real), 1)) / 2.

        Raises:
            ValueError: `real` is None.
        """
        if real is None:
            raise ValueError("RelativisticAverage compares with real images: pass the discriminator's logits of them")
        above, below = _relative(real, batch_mean(fake)), _relative(fake, batch_mean(real))
        return (_cross_entropy(above, 0.0) + _cross_entropy(below, 1.0)) / 2

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """(BCE(real - m(fake), 1) + BCE(fake - m(real), 0)) / 2, times `discriminator_weight`."""
        mean_real, mean_fake = batch_mean(real), batch_mean(fake)
        if self.detach_means:
            mean_real, mean_fake = mean_real.detach(), mean_fake.detach()
        terms = _cross_entropy(_relative(real, mean_fake), 1.0) + _cross_entropy(_relative(fake, mean_real), 0.0)
        return self.discriminator_weight * terms / 2

    @torch.no_grad()
    def accuracy(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Shares of the real logits above the fakes' mean, and of the fakes below the reals'."""
        above, below = _relative(real, batch_mean(fake)), _relative(fake, batch_mean(real))
        return (above > 0).float().mean(), (below < 0).float().mean()


def _relative(logits: Tensor, mean: Tensor) -> Tensor:
    """How far each logit lies above the other side's mean."""
    return widened(logits) - mean


def _cross_entropy(logits: Tensor, label: float) -> Tensor:
    """Binary cross-entropy of the logits against one label for all, averaged."""
    logits = widened(logits)
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))
