"""pix2pix and its cGAN against trainings by hand; what the yaml files make of them."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from by_hand import adam, assert_same, cross_entropy, enlarged, seeded, sides, signed_l1, update
from test_recipe import STEPS, fit_on
from test_srgan import composed

from gan_bench.config import build
from gan_bench.losses import SignedL1, Vanilla
from gan_bench.models import Linear, Pix2Pix
from gan_bench.networks import PatchDiscriminator, UNetGenerator

RATES = [2e-3, 2e-3, 2e-3, 2e-3, 2e-3 * 2 / 3, 2e-3 / 3]  # of six steps the second half falls to 0


def pix2pix(pixel=100.0, scale=1, adversarial=1.0):
    torch.manual_seed(0)
    weights = {"pixel": pixel, "adversarial": adversarial}
    return Pix2Pix(
        generator=UNetGenerator(num_feat=4, num_block=3, dropout=0.5, scale=scale),
        discriminator=PatchDiscriminator(num_feat=4, num_block=1, norm="batch", signed=True, num_cond_ch=3),
        pixel=SignedL1() if pixel else None,
        adversarial=Vanilla(discriminator_weight=0.5),
        optimizer=partial(torch.optim.Adam, betas=(0.5, 0.999)),
        stages=[{"fraction": 1.0, "weights": weights, "lr": 2e-3, "schedule": Linear(0.5)}],
        steps=STEPS,
        seed=0,
    )


def plain_pix2pix(module, pixel, scale):
    """In each step D on (lq, gt) and (lq, fake), at half the loss; then G against the D that has just learned."""
    g, d = module.generator.translate, module.discriminator
    adam_g, adam_d = adam(module.generator), adam(d)
    for step, (lq, gt, _) in enumerate(sides(scale)):
        seeded(step)
        lq = enlarged(lq, scale)
        fake = g(lq)
        real_logits, fake_logits = d(torch.cat([lq, gt], 1)), d(torch.cat([lq, fake.detach()], 1))
        update(adam_d, 0.5 * (cross_entropy(real_logits, 1) + cross_entropy(fake_logits, 0)), RATES[step])
        loss = cross_entropy(d(torch.cat([lq, fake], 1)), 1)
        update(adam_g, loss + pixel * signed_l1(fake, gt) if pixel else loss, RATES[step])
    return module


@pytest.mark.parametrize(("pixel", "scale"), [(100.0, 1), (100.0, 2), (None, 1)])
def test_pix2pix_and_the_cgan_equal_a_training_by_hand(double, pixel, scale):
    walked, plain = pix2pix(pixel, scale), plain_pix2pix(pix2pix(pixel, scale), pixel, scale)
    fit_on(walked, sides(scale))
    for side in ("generator", "discriminator"):
        assert_same(getattr(walked, side), getattr(plain, side))


def test_each_step_has_noise_of_its_own(double):
    module = pix2pix()
    (batch,) = sides(count=1)
    made = []
    for step in (0, 0, 1):
        seeded(step)
        made.append(module.fakes(module.seen(batch))["restored"])
    assert torch.equal(made[0], made[1]) and not torch.equal(made[0], made[2])


def test_the_discriminator_rests_without_an_adversarial_weight():
    assert pix2pix(adversarial=0.0).turns(0) == ("generator",)


@pytest.mark.parametrize(
    ("model", "weights"), [("pix2pix", {"pixel": 100.0, "adversarial": 1.0}), ("cgan", {"adversarial": 1.0})]
)
def test_the_yaml_has_the_papers_terms_and_an_adversary_that_sees_lq(model, weights):
    module = build(composed(f"model={model}").model, key="model", steps=1000, seed=0)
    (stage,) = module.stages
    assert stage.weights == weights and set(module.criteria) == set(weights)
    assert module.turns(0) == ("discriminator", "generator")
    assert next(module.discriminator.parameters()).shape[1] == 6
    assert module.criteria["adversarial"].discriminator_weight == 0.5
    rates = [stage.learning_rate(step) for step in (0, 499, 500, 750, 999)]
    assert rates == pytest.approx([2e-4, 2e-4, 2e-4, 1e-4, 4e-7])
