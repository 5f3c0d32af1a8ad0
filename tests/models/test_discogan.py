"""DiscoGAN against a training by hand as its authors' code does it."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from by_hand import adam, assert_same, cross_entropy, enlarged, sides, update
from test_recipe import STEPS, fit_on
from test_srgan import composed
from torch import nn

from gan_bench.config import build
from gan_bench.errors import UsageError
from gan_bench.losses import FeatureMatching, Vanilla
from gan_bench.models import DiscoGAN
from gan_bench.networks import DiscoGANDiscriminator, DiscoGANGenerator

RATE, DECAY = 2e-3, 0.1


def discogan(scale=1, interval=3, fresh=False, adversarial=0.1, steps=STEPS):
    torch.manual_seed(0)

    def stage(r):
        weights = {"adversarial": adversarial * (1 - r), "features": 0.9 * (1 - r), "cycle": r}
        return {"fraction": 0.5, "weights": weights, "lr": RATE, "fresh": fresh}

    return DiscoGAN(
        generator=DiscoGANGenerator(num_feat=4, num_block=2, scale=scale),
        degrader=DiscoGANGenerator(num_feat=4, num_block=2),
        discriminator=DiscoGANDiscriminator(num_feat=4, num_block=2),
        lq_discriminator=DiscoGANDiscriminator(num_feat=4, num_block=2),
        adversarial=Vanilla(discriminator_weight=0.5),
        features=FeatureMatching(),
        cycle=nn.MSELoss(),
        interval=interval,
        optimizer=partial(torch.optim.Adam, betas=(0.5, 0.999), weight_decay=DECAY),
        stages=[stage(0.01), stage(0.5)],
        steps=steps,
        seed=0,
    )


def seen(d, image):
    """Logits, and what stands behind the second LeakyReLU, the only one behind a norm."""
    feat = nn.functional.leaky_relu(d.bn2(d.conv2(nn.functional.leaky_relu(d.conv1(image), 0.2))), 0.2)
    return d.conv3(feat), feat


def matching(fake, real):
    return ((fake.mean(0) - real.mean(0)) ** 2).mean()


def plain_discogan(module, scale):
    """One Adam a pair for the whole training; r is 0.01, then 0.5; steps 0 and 3 are the discriminators'."""
    g, f, d_gt, d_lq = module.generator, module.degrader, module.discriminator, module.lq_discriminator
    adam_g, adam_d = adam(g, f, weight_decay=DECAY), adam(d_gt, d_lq, weight_decay=DECAY)
    g, f = g.translate, f.translate
    for step, (lq, gt, _) in enumerate(sides(scale)):
        lq = enlarged(lq, scale)
        restored, degraded = g(lq), f(gt)
        lq_again, gt_again = f(restored), g(degraded)
        r = 0.01 if step < STEPS // 2 else 0.5
        game = similar = judges = 0
        for d, real, fake in ((d_gt, gt, restored), (d_lq, lq, degraded)):
            (real_logits, real_feat), (fake_logits, fake_feat) = seen(d, real), seen(d, fake)
            game = game + cross_entropy(fake_logits, 1)
            similar = similar + matching(fake_feat, real_feat)
            judges = judges + 0.5 * cross_entropy(real_logits, 1) + 0.5 * cross_entropy(fake_logits, 0)
        again = ((lq_again - lq) ** 2).mean() + ((gt_again - gt) ** 2).mean()
        if step % 3 == 0:
            update(adam_d, judges, RATE)
        else:
            update(adam_g, (0.1 * game + 0.9 * similar) * (1 - r) + again * r, RATE)
    return module


STATISTICS = ("running_mean", "running_var", "num_batches_tracked")  # theirs run on in steps that use nothing of them


@pytest.mark.parametrize("scale", [1, 2])
def test_discogan_equals_a_training_by_hand(double, scale):
    walked, plain = discogan(scale), plain_discogan(discogan(scale), scale)
    fit_on(walked, sides(scale))
    for side in ("generator", "degrader", "discriminator", "lq_discriminator"):
        assert_same(getattr(walked, side), getattr(plain, side), but=STATISTICS)


def test_fresh_optimizers_between_its_stages_would_be_another_training(double):
    walked, fresh = discogan(), discogan(fresh=True)
    for module in (walked, fresh):
        fit_on(module, sides())
    assert any(not torch.equal(*pair) for pair in zip(walked.parameters(), fresh.parameters(), strict=True))


def test_the_first_step_of_three_is_the_discriminators():
    assert [discogan().turns(step) for step in range(4)] == [
        ("discriminator",), ("generator",), ("generator",), ("discriminator",)
    ]  # fmt: skip
    assert discogan(adversarial=0.0).turns(0) == ("generator",)


@pytest.mark.parametrize("interval", [0, 1, -3, 2.5, "three", True])
def test_an_interval_without_a_step_for_the_generators_is_refused(interval):
    with pytest.raises(UsageError, match=rf"model\.interval={interval}: a whole number from 2"):
        discogan(interval=interval)


@pytest.mark.parametrize("interval", [2, 3, 4, 5, 10])
def test_both_sides_of_the_game_are_noted_whatever_the_interval(interval):
    module = discogan(interval=interval, steps=20)
    fit_on(module, sides(count=20))
    assert {"accuracy_real", "accuracy_fake_lq", "gradient_discriminator"} <= set(module.balance.latest)
    assert "gradient_generator" in module.balance.latest


def test_the_features_of_what_was_generated_are_computed_once_for_two_terms():
    module, calls = discogan(), []
    for name in ("discriminator", "lq_discriminator"):
        network = getattr(module, name)
        network.conv1.register_forward_hook(lambda *_, name=name: calls.append(name))
    (batch,) = sides(count=1)
    terms = module.generator_terms(batch, module.fakes(batch))
    for term in terms.values():
        term()
    assert sorted(calls) == ["discriminator"] * 2 + ["lq_discriminator"] * 2  # generated, real


def test_the_yaml_has_the_weights_of_the_authors_code():
    module = build(composed("model=discogan").model, key="model", steps=1000, seed=0)
    first, then = module.stages
    for stage, r in ((first, 0.01), (then, 0.5)):
        expected = {"adversarial": 0.1 * (1 - r), "features": 0.9 * (1 - r), "cycle": r}
        assert stage.weights == pytest.approx(expected)
        assert stage.learning_rate(stage.first + stage.steps - 1) == 2e-4
    assert (first.steps, then.steps, then.fresh, module.interval) == (100, 900, False, 3)
    (optimizer, _) = module.configure_optimizers()
    assert optimizer.defaults["weight_decay"] == 1e-5 and optimizer.defaults["betas"] == (0.5, 0.999)
