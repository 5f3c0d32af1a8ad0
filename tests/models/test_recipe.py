"""The mechanics against plain loops over the same tensors."""

import inspect
from functools import partial

import lightning as L
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from torch import nn

from gan_bench.batch import Batch
from gan_bench.config import check, conf_dir
from gan_bench.errors import UsageError
from gan_bench.losses import RelativisticAverage
from gan_bench.models import ESRGAN, CycleGAN, DiscoGAN, MultiStep, Pix2Pix, RealESRGAN, Regression
from gan_bench.networks import RRDBNet, VGGStyleDiscriminator

STEPS = 6


def batches(count=STEPS, size=32):
    generator = torch.Generator().manual_seed(1)
    for number in range(count):
        gt = torch.rand(2, 3, size, size, generator=generator)
        yield Batch(nn.functional.avg_pool2d(gt, 4), gt, (f"{number}a", f"{number}b"))


def fit(module, steps=STEPS):
    return fit_on(module, batches(steps))


def fit_on(module, given, epochs=1, callbacks=(), **start):
    """Train on batches as they are given, in each epoch the same."""
    trainer = L.Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, callbacks=list(callbacks),
    )  # fmt: skip
    trainer.fit(module, torch.utils.data.DataLoader(list(given), batch_size=None), **start)
    return trainer


def esrgan(seed=0, perceptual=None, clip=None, steps=STEPS, **further):
    torch.manual_seed(seed)
    return ESRGAN(
        generator=RRDBNet(num_feat=8, num_block=1, num_grow_ch=4),
        discriminator=VGGStyleDiscriminator(num_feat=4, input_size=32),
        pixel=nn.L1Loss(),
        perceptual=perceptual,
        adversarial=RelativisticAverage(),
        optimizer=partial(torch.optim.Adam, betas=(0.9, 0.99)),
        stages=[
            {"fraction": 0.5, "weights": {"pixel": 1.0}, "lr": 1e-3, "schedule": MultiStep([0.5], 0.1)},
            {"fraction": 0.5, "weights": {"pixel": 0.01, "adversarial": 5e-3, "perceptual": 1.0}, "lr": 1e-4},
        ],
        steps=steps,
        seed=seed,
        clip=clip,
        **further,
    )


def plain_esrgan(module, clip=None):
    """Two trainings by hand, as the paper's authors ran them: L1 first, then a fresh Adam for G and D."""
    g, d, bce = module.generator, module.discriminator, nn.functional.binary_cross_entropy_with_logits

    def update(optimizer, loss, rate):
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        loss.backward()
        if clip:
            nn.utils.clip_grad_norm_(optimizer.param_groups[0]["params"], clip)
        optimizer.step()

    adam_g = torch.optim.Adam(g.parameters(), betas=(0.9, 0.99))
    for step, batch in enumerate(batches()):
        if step < STEPS // 2:
            update(adam_g, (g(batch.lq) - batch.gt).abs().mean(), 1e-3 if step < 2 else 1e-4)
            continue
        if step == STEPS // 2:
            adam_g = torch.optim.Adam(g.parameters(), betas=(0.9, 0.99))
            adam_d = torch.optim.Adam(d.parameters(), betas=(0.9, 0.99))
        fake = g(batch.lq)
        real_logits, fake_logits = d(batch.gt).detach(), d(fake)
        ones, zeros = torch.ones_like(fake_logits), torch.zeros_like(fake_logits)
        lead, lag = real_logits - fake_logits.mean(), fake_logits - real_logits.mean()
        adversarial = (bce(lead, zeros) + bce(lag, ones)) / 2
        update(adam_g, 0.01 * (fake - batch.gt).abs().mean() + 5e-3 * adversarial, 1e-4)
        real_logits, fake_logits = d(batch.gt), d(fake.detach())
        lead, lag = real_logits - fake_logits.mean(), fake_logits - real_logits.mean()
        update(adam_d, (bce(lead, ones) + bce(lag, zeros)) / 2, 1e-4)
    return module


@pytest.mark.parametrize("clip", [None, 1e-3])
def test_two_stages_equal_two_trainings_by_hand(clip):
    walked, plain = esrgan(clip=clip), plain_esrgan(esrgan(clip=clip), clip)
    fit(walked)
    for (name, ours), theirs in zip(walked.state_dict().items(), plain.state_dict().values(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6, msg=lambda text, name=name: f"{name}: {text}")


def regression(*stages, **further):
    torch.manual_seed(0)
    return Regression(
        pixel=nn.L1Loss(), generator=RRDBNet(num_feat=8, num_block=1, num_grow_ch=4),
        optimizer=partial(torch.optim.Adam), steps=STEPS, seed=0, stages=stages, **further,
    )  # fmt: skip


def test_regression_equals_a_plain_loop():
    walked, plain = (regression({"fraction": 1.0, "weights": {"pixel": 2.0}, "lr": 1e-3}) for _ in range(2))
    fit(walked)
    adam = torch.optim.Adam(plain.generator.parameters(), lr=1e-3)
    for batch in batches():
        adam.zero_grad()
        (2 * (plain.generator(batch.lq) - batch.gt).abs().mean()).backward()
        adam.step()
    for ours, theirs in zip(walked.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("ema", [None, 0.5])
def test_a_stage_starts_anew_from_the_product_or_goes_on_as_it_is(fresh, ema):
    halves = [{"fraction": 0.5, "weights": {"pixel": weight}, "lr": 1e-3, "fresh": fresh} for weight in (1.0, 3.0)]
    walked, plain = (regression(*halves, ema=ema) for _ in range(2))
    fit(walked)
    network, average = plain.generator, [one.detach().clone() for one in plain.generator.parameters()]
    adam = torch.optim.Adam(network.parameters(), lr=1e-3)
    for step, batch in enumerate(batches()):
        if step == STEPS // 2 and fresh:
            adam = torch.optim.Adam(network.parameters(), lr=1e-3)
            if ema:
                for parameter, kept in zip(network.parameters(), average, strict=True):
                    parameter.data.copy_(kept)
        adam.zero_grad()
        ((1 if step < STEPS // 2 else 3) * (network(batch.lq) - batch.gt).abs().mean()).backward()
        adam.step()
        average = [0.5 * kept + 0.5 * one.detach() for kept, one in zip(average, network.parameters(), strict=True)]
    for ours, theirs in zip(walked.generator.parameters(), network.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-7)
    if ema:
        for ours, theirs in zip(walked.averaged.parameters(), average, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-7)


def test_the_discriminator_rests_in_a_stage_without_adversarial_weight():
    module = esrgan()
    before = {name: value.clone() for name, value in module.discriminator.state_dict().items()}
    module.steps = STEPS // 2
    fit(module)
    assert module.step == STEPS // 2
    assert all(torch.equal(before[name], value) for name, value in module.discriminator.state_dict().items())


class Spy(nn.Module):
    """A criterion with weights, frozen, that counts."""

    def __init__(self):
        super().__init__()
        self.network, self.calls = nn.Conv2d(3, 4, 3), 0

    def forward(self, preds, target):
        self.calls += 1
        return (self.network(preds) - self.network(target).detach()).abs().mean()


def test_a_criterion_is_called_only_where_its_term_has_a_weight_and_is_in_no_checkpoint():
    spy = Spy()
    module = esrgan(perceptual=spy)
    fit(module)
    assert spy.calls == STEPS // 2
    assert {key.split(".")[0] for key in module.state_dict()} == {"generator", "discriminator"}


def test_the_discriminator_takes_no_gradient_while_the_generator_learns():
    module = esrgan()
    seen = []
    module.generator_terms = lambda batch, fakes: {
        "pixel": lambda: (
            seen.append([p.requires_grad for p in module.discriminator.parameters()]) or fakes["restored"].mean()
        ),
        "adversarial": lambda: fakes["restored"].mean(),
    }
    fit(module)
    assert not any(any(flags) for flags in seen)
    assert all(parameter.requires_grad for parameter in module.discriminator.parameters())


def test_training_stops_at_the_budgets_last_step_in_the_middle_of_an_epoch():
    module = esrgan(steps=4)
    fit(module, steps=6)
    assert module.step == 4


COMMON = {"generator", "discriminator", "optimizer", "stages", "steps", "seed", "clip", "ema", "start_from"}
COMMON |= {"accumulate", "channels_last", "compile"}
BOTH_WAYS = {"degrader", "lq_discriminator"}


@pytest.mark.parametrize(
    ("model", "further"),
    [
        (Regression, {"pixel"}),
        (ESRGAN, {"pixel", "perceptual", "adversarial"}),
        (RealESRGAN, {"pixel", "perceptual", "adversarial", "sharpen"}),
        (Pix2Pix, {"pixel", "adversarial"}),
        (CycleGAN, {*BOTH_WAYS, "adversarial", "cycle", "identity", "buffer"}),
        (DiscoGAN, {*BOTH_WAYS, "adversarial", "features", "cycle", "interval"}),
    ],
)
def test_the_signature_of_a_model_names_all_that_it_takes(model, further):
    parameters = inspect.signature(model).parameters
    assert set(parameters) == COMMON | further
    needed = {name for name, one in parameters.items() if one.default is one.empty}
    assert needed >= {"generator", "optimizer", "stages", "steps", "seed", *model.terms, *(BOTH_WAYS & further)}


@pytest.mark.parametrize(
    ("model", "word", "meant"),
    [
        ("cyclegan", "bufer", "buffer"),
        ("cyclegan", "lq_discriminatr", "lq_discriminator"),
        ("discogan", "intervall", "interval"),
        ("pix2pix", "pixl", "pixel"),
    ],
)
def test_the_check_of_a_configuration_knows_them(model, word, meant):
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("train", [f"model={model}", f"+model.{word}=3"])
    with pytest.raises(UsageError, match=rf"^model\.{word}: \w+ takes no such argument; did you mean '{meant}'\?$"):
        check(cfg, provided={"model": ("steps", "seed")})


@pytest.mark.parametrize("criteria", [{"cycle": nn.L1Loss()}, {"cycle": None, "identity": None, "pixel": None}])
def test_criteria_that_are_not_the_models_terms_are_an_error(criteria):
    with pytest.raises(TypeError, match="takes the criteria"):
        CycleGAN(
            generator=nn.Identity(), degrader=nn.Identity(), lq_discriminator=nn.Identity(), buffer=0, steps=2, seed=0,
            optimizer=partial(torch.optim.Adam), stages=[], **criteria,
        )  # fmt: skip
