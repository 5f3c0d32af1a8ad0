"""Real-ESRGAN and BSRGAN against trainings by hand, with a sharpened target and an average of their own."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from scipy import ndimage
from test_recipe import STEPS, batches, fit
from torch import nn

from gan_bench.degradations import Sharpen
from gan_bench.losses import LeastSquares, Vanilla
from gan_bench.models import BSRGAN, RealESRGAN, RealESRNet
from gan_bench.networks import SRVGGNetCompact, UNetDiscriminatorSN

DECAY = 0.7
HALF = STEPS // 2


def usm(image):
    """The published sharpening, by SciPy's dense 51x51 kernel in float64."""
    axis = np.arange(51) - 25
    sigma = 0.3 * ((51 - 1) * 0.5 - 1) + 0.8
    line = np.exp(-(axis**2) / (2 * sigma**2))
    kernel = np.outer(line, line) / line.sum() ** 2

    def blurred(plane):
        return ndimage.correlate(plane, kernel, mode="mirror")

    out = []
    for plane in image.double().numpy().reshape(-1, *image.shape[-2:]):
        detail = plane - blurred(plane)
        soft = blurred((np.abs(detail) * 255 > 10).astype(float))
        out.append(soft * np.clip(plane + 0.5 * detail, 0, 1) + (1 - soft) * plane)
    return torch.from_numpy(np.stack(out).reshape(image.shape)).to(image.dtype)


def model(kind, criterion, **further):
    torch.manual_seed(0)
    return kind(
        generator=SRVGGNetCompact(num_feat=6, num_block=2),
        discriminator=UNetDiscriminatorSN(num_feat=4),
        pixel=nn.L1Loss(),
        perceptual=None,
        adversarial=criterion,
        optimizer=partial(torch.optim.Adam, betas=(0.9, 0.99)),
        stages=[
            {"fraction": 0.5, "weights": {"pixel": 1.0}, "lr": 1e-3},
            {"fraction": 0.5, "weights": {"pixel": 1.0, "perceptual": 1.0, "adversarial": 0.1}, "lr": 1e-4},
        ],
        steps=STEPS,
        seed=0,
        ema=DECAY,
        **further,
    )


def by_hand(module, target, loss_g, loss_d):
    """Two trainings with an average beside them; the second starts from the average of the first."""
    g, d = module.generator, module.discriminator
    average = {name: value.clone() for name, value in g.state_dict().items()}
    for step, batch in enumerate(batches()):
        if step in (0, HALF):
            g.load_state_dict(average)
            adam_g, adam_d = (
                torch.optim.Adam(net.parameters(), lr=1e-3 if step == 0 else 1e-4, betas=(0.9, 0.99)) for net in (g, d)
            )
        fake = g(batch.lq)
        loss = (fake - target(batch.gt)).abs().mean()
        if step >= HALF:
            loss = loss + 0.1 * loss_g(d(fake))
        adam_g.zero_grad()
        loss.backward()
        adam_g.step()
        if step >= HALF:
            adam_d.zero_grad()
            loss_d(d(batch.gt), d(fake.detach())).backward()
            adam_d.step()
        for name, value in g.state_dict().items():
            average[name] = DECAY * average[name] + (1 - DECAY) * value
    return average


def assert_equal(module, average, plain):
    for name, value in module.averaged.state_dict().items():
        torch.testing.assert_close(value, average[name], rtol=1e-4, atol=1e-6, msg=lambda text, name=name: name + text)
    for side in ("generator", "discriminator"):
        ours, theirs = (getattr(one, side).state_dict() for one in (module, plain))
        for name, value in ours.items():
            torch.testing.assert_close(
                value, theirs[name], rtol=1e-4, atol=1e-6, msg=lambda text, name=name: name + text
            )


def test_real_esrgan_equals_its_two_trainings_by_hand():
    walked, plain = (model(RealESRGAN, Vanilla(), sharpen=Sharpen()) for _ in range(2))
    fit(walked)
    average = by_hand(
        plain,
        usm,
        lambda fake: -torch.sigmoid(fake).log().mean(),
        lambda real, fake: -torch.sigmoid(real).log().mean() - (1 - torch.sigmoid(fake)).log().mean(),
    )
    assert_equal(walked, average, plain)


def test_bsrgan_equals_its_two_trainings_by_hand():
    walked, plain = (model(BSRGAN, LeastSquares()) for _ in range(2))
    fit(walked)
    average = by_hand(
        plain,
        lambda gt: gt,
        lambda fake: ((fake - 1) ** 2).mean(),
        lambda real, fake: ((real - 1) ** 2).mean() + (fake**2).mean(),
    )
    assert_equal(walked, average, plain)


def test_the_sharpened_target_is_the_published_one_also_on_small_and_gray_images():
    generator = torch.Generator().manual_seed(3)
    for shape in [(2, 3, 64, 80), (1, 1, 33, 29)]:
        image = torch.rand(shape, generator=generator).round(decimals=2)
        torch.testing.assert_close(Sharpen()(image), usm(image), rtol=0, atol=2e-6)


def test_the_target_is_sharpened_for_the_losses_and_plain_for_the_discriminator():
    seen = {}

    class Spy(nn.Module):
        def __init__(self, name):
            super().__init__()
            self.name = name

        def forward(self, preds, target):
            seen[self.name] = target
            return (preds - target).abs().mean()

    module = model(RealESRGAN, Vanilla(), sharpen=lambda image: image * 0 + 7)
    module.criteria |= {"pixel": Spy("pixel"), "perceptual": Spy("perceptual")}
    real = []
    module.discriminator.register_forward_hook(lambda _, args, __: real.append(args[0]))
    batch = next(iter(batches()))
    fakes = module.fakes(batch)
    terms = module.generator_terms(batch, fakes)
    for name in ("pixel", "perceptual"):
        terms[name]()
        assert (seen[name] == 7).all()
    module.discriminator_loss(batch, fakes)
    assert any(torch.equal(image, batch.gt) for image in real)
    assert not any((image == 7).any() for image in real)


@pytest.mark.parametrize("sharpen", [None, Sharpen()])
def test_real_esrnet_is_l1_to_its_target(sharpen):
    torch.manual_seed(0)
    module = RealESRNet(
        generator=SRVGGNetCompact(num_feat=4, num_block=1), pixel=nn.L1Loss(), sharpen=sharpen,
        optimizer=partial(torch.optim.Adam), steps=2, seed=0,
        stages=[{"fraction": 1.0, "weights": {"pixel": 1.0}, "lr": 1e-3}],
    )  # fmt: skip
    batch = next(iter(batches()))
    fakes = module.fakes(batch)
    target = usm(batch.gt) if sharpen else batch.gt
    expected = (fakes["restored"] - target).abs().mean()
    torch.testing.assert_close(module.generator_terms(batch, fakes)["pixel"](), expected)
