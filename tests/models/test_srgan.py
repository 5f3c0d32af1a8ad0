"""SRGAN's two stages against two trainings by hand; what its yaml files make of perceptual=none."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from test_recipe import STEPS, batches, fit
from torch import nn

from gan_bench.config import build, conf_dir
from gan_bench.losses import Perceptual, Vanilla
from gan_bench.models import SRGAN, MultiStep
from gan_bench.networks import SRGANDiscriminator, SRResNet


def features():
    return Perceptual({"fire2": 1.0}, "squeezenet", before_relu=False, criterion="mse", scale=0.1, weights="random")


def srgan(perceptual):
    torch.manual_seed(0)
    weights = {"perceptual": 1.0, "pixel": 0.0 if perceptual else 1.0, "adversarial": 1e-3}
    return SRGAN(
        generator=SRResNet(num_feat=8, num_block=1),
        discriminator=SRGANDiscriminator(num_feat=4, input_size=32),
        pixel=nn.MSELoss(),
        perceptual=features() if perceptual else None,
        adversarial=Vanilla(),
        optimizer=partial(torch.optim.Adam, betas=(0.9, 0.999)),
        stages=[
            {"fraction": 0.5, "weights": {"pixel": 1.0}, "lr": 1e-3},
            {"fraction": 0.5, "weights": weights, "lr": 1e-4, "schedule": MultiStep([0.5], 0.1)},
        ],
        steps=STEPS,
        seed=0,
    )


def plain_srgan(module, perceptual):
    """As the authors ran it: SRResNet on MSE; then G and D with fresh Adams, at a tenth of the rate in the end."""
    g, d, vgg = module.generator, module.discriminator, features()
    adam = torch.optim.Adam(g.parameters(), lr=1e-3)
    rates = [1e-4, 1e-4, 1e-5]  # step 2 of 3 lies behind the half
    for step, batch in enumerate(batches()):
        if step < STEPS // 2:
            adam.zero_grad()
            (g(batch.lq) - batch.gt).square().mean().backward()
            adam.step()
            continue
        if step == STEPS // 2:
            adam_g, adam_d = (torch.optim.Adam(net.parameters()) for net in (g, d))
        for optimizer in (adam_g, adam_d):
            optimizer.param_groups[0]["lr"] = rates[step - STEPS // 2]
        fake = g(batch.lq)
        content = vgg(fake, batch.gt) if perceptual else (fake - batch.gt).square().mean()
        adam_g.zero_grad()
        (content - 1e-3 * torch.sigmoid(d(fake)).log().mean()).backward()
        adam_g.step()
        real, made = torch.sigmoid(d(batch.gt)), torch.sigmoid(d(fake.detach()))
        adam_d.zero_grad()
        (-real.log().mean() - (1 - made).log().mean()).backward()
        adam_d.step()
    return module


@pytest.mark.parametrize("perceptual", [True, False])
def test_two_stages_equal_two_trainings_by_hand(perceptual, double):
    walked, plain = srgan(perceptual), plain_srgan(srgan(perceptual), perceptual)
    fit(walked)
    for (name, ours), theirs in zip(walked.state_dict().items(), plain.state_dict().values(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-9, msg=lambda text, name=name: f"{name}: {text}")


def composed(*overrides):
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return compose("train", overrides=["budget=smoke", *overrides])


def stages(*overrides):
    return build(composed(*overrides).model, key="model", steps=1_200_000, seed=0).stages


def test_srgan_without_features_is_the_papers_srgan_mse():
    cfg = composed("model=srgan", "perceptual=none")
    assert cfg.model.pixel._target_ == "torch.nn.MSELoss"
    assert cfg.perceptual.label == "srgan (mse)"
    pixel, gan = stages("model=srgan", "perceptual=none")
    assert pixel.weights == {"pixel": 1.0}
    assert gan.weights == {"pixel": 1.0, "adversarial": 1e-3}
    assert (pixel.steps, gan.steps) == (1_000_000, 200_000)
    assert [gan.learning_rate(step) for step in (1_000_000, 1_099_999, 1_100_000, 1_199_999)] == pytest.approx(
        [1e-4, 1e-4, 1e-5, 1e-5]
    )


@pytest.mark.parametrize(
    ("model", "reads", "weights"),
    [
        ("srgan", (False, "mse", 1 / 12.75), {"perceptual": 1.0, "adversarial": 1e-3, "pixel": 0.0}),
        ("srgan_msr", (True, "l1", 1.0), {"perceptual": 1.0, "adversarial": 5e-3, "pixel": 0.01}),
        ("esrgan", (True, "l1", 1.0), {"perceptual": 1.0, "adversarial": 5e-3, "pixel": 0.01}),
    ],
)
def test_each_model_has_its_own_published_content_loss(model, reads, weights):
    cfg = composed(f"model={model}", "perceptual=vgg19", "perceptual.weights=random")
    assert cfg.perceptual.label == model
    criterion = cfg.model.perceptual
    assert (criterion.before_relu, criterion.criterion) == reads[:2]
    assert criterion.scale == pytest.approx(reads[2])
    assert dict(criterion.layers) == {"conv5_4": 1.0}
    assert dict(cfg.model.stages[1].weights) == weights


def test_what_is_typed_wins_over_what_a_paper_has():
    cfg = composed("model=srgan", "perceptual=vgg19", "perceptual.criterion.before_relu=true", "perceptual.pixel=0.5")
    assert cfg.model.perceptual.before_relu is True
    assert cfg.model.stages[1].weights.pixel == 0.5
