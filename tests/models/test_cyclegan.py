"""CycleGAN against trainings by hand, with a history of generated images; that a training goes on with it."""

from __future__ import annotations

from functools import partial

import lightning as L
import pytest
import torch
from by_hand import adam, assert_same, enlarged, sides, signed_l1, update
from test_recipe import STEPS, fit_on
from test_srgan import composed

from gan_bench import chance
from gan_bench.config import build
from gan_bench.losses import LeastSquares, SignedL1
from gan_bench.models import CycleGAN, Linear
from gan_bench.networks import PatchDiscriminator, ResNetGenerator

NETWORKS = ("generator", "degrader", "discriminator", "lq_discriminator")
RATES = [2e-3, 2e-3, 2e-3, 2e-3, 2e-3 * 2 / 3, 2e-3 / 3]  # of six steps the second half falls to 0


def cyclegan(identity=5.0, scale=1, buffer=2, **further):
    torch.manual_seed(0)
    weights = {"adversarial": 1.0, "cycle": 10.0, "identity": identity}
    return CycleGAN(
        generator=ResNetGenerator(num_feat=4, num_block=1, scale=scale),
        degrader=ResNetGenerator(num_feat=4, num_block=1),
        discriminator=PatchDiscriminator(num_feat=4, num_block=1, signed=True),
        lq_discriminator=PatchDiscriminator(num_feat=4, num_block=1, signed=True),
        adversarial=LeastSquares(discriminator_weight=0.5),
        cycle=SignedL1(),
        identity=SignedL1(),
        buffer=buffer,
        optimizer=partial(torch.optim.Adam, betas=(0.5, 0.999)),
        stages=[{"fraction": 1.0, "weights": weights, "lr": 2e-3, "schedule": Linear(0.5)}],
        steps=STEPS,
        seed=0,
        **further,
    )


class History:
    """Images that a discriminator may see again, by the papers' rule."""

    def __init__(self, name, size):
        self.name, self.size, self.held = name, size, []

    def judged(self, images, step):
        rng, judged = chance.generator("image pool", self.name, 0, step, 0), []
        for image in images.detach():
            if len(self.held) < self.size:
                self.held.append(image)
                judged.append(image)
            elif self.size and rng.random() < 0.5:
                place = rng.integers(self.size)
                judged.append(self.held[place])
                self.held[place] = image
            else:
                judged.append(image)
        return torch.stack(judged)


def plain_cyclegan(module, identity, scale, buffer):
    """Both generators in one Adam and first, both discriminators in another and with what they remember."""
    g, f, d_gt, d_lq = (getattr(module, name) for name in NETWORKS)
    adam_g, adam_d = adam(g, f), adam(d_gt, d_lq)
    g, f = g.translate, f.translate
    histories = History("restored", buffer), History("degraded", buffer)
    for step, (lq, gt, _) in enumerate(sides(scale)):
        lq = enlarged(lq, scale)
        restored, degraded = g(lq), f(gt)
        loss = ((d_gt(restored) - 1) ** 2).mean() + ((d_lq(degraded) - 1) ** 2).mean()
        loss = loss + 10 * (signed_l1(f(restored), lq) + signed_l1(g(degraded), gt))
        if identity:
            loss = loss + identity * (signed_l1(g(gt), gt) + signed_l1(f(lq), lq))
        update(adam_g, loss, RATES[step])
        loss = 0
        for d, real, fake, history in ((d_gt, gt, restored, histories[0]), (d_lq, lq, degraded, histories[1])):
            loss = loss + 0.5 * (((d(real) - 1) ** 2).mean() + (d(history.judged(fake, step)) ** 2).mean())
        update(adam_d, loss, RATES[step])
    return module


@pytest.mark.parametrize(
    ("identity", "scale", "buffer"), [(5.0, 1, 2), (5.0, 2, 2), (0.0, 1, 2), (0.5, 1, 0), (0.5, 1, 50)]
)
def test_cyclegan_equals_a_training_by_hand(double, identity, scale, buffer):
    walked = cyclegan(identity, scale, buffer)
    plain = plain_cyclegan(cyclegan(identity, scale, buffer), identity, scale, buffer)
    fit_on(walked, sides(scale))
    for side in NETWORKS:
        assert_same(getattr(walked, side), getattr(plain, side))


def state(module):
    optimizers = [optimizer.state_dict()["state"] for optimizer in module.trainer.optimizers]
    pools = [image for pool in module.pools.values() for image in pool.images]
    moments = [value for one in optimizers for entry in one.values() for value in entry.values()]
    return [*module.state_dict().values(), *moments, *pools]


class Held(L.Callback):
    """How many images the pools hold as the training starts."""

    def on_train_start(self, trainer, pl_module):
        self.count = [len(pool.images) for pool in pl_module.pools.values()]


@pytest.fixture
def stopped(tmp_path):
    """A checkpoint in mid-way, of a buffer of 3 that two batches have filled."""
    module = cyclegan(buffer=3, ema=0.5)
    fit_on(module, sides(count=3)).save_checkpoint(tmp_path / "last.ckpt")
    assert module.step == 3 and [len(pool.images) for pool in module.pools.values()] == [3, 3]
    return tmp_path / "last.ckpt"


def test_a_training_that_goes_on_is_the_undisturbed_one_to_the_last_bit(stopped):
    whole, resumed, held = cyclegan(buffer=3, ema=0.5), cyclegan(buffer=3, ema=0.5), Held()
    fit_on(whole, sides(count=3), epochs=2)
    fit_on(resumed, sides(count=3), epochs=2, callbacks=[held], ckpt_path=stopped, weights_only=True)
    assert whole.step == resumed.step == STEPS and held.count == [3, 3]
    ours, theirs = state(whole), state(resumed)
    assert len(ours) == len(theirs) and all(torch.equal(*pair) for pair in zip(ours, theirs, strict=True))


def test_with_another_number_of_processes_the_buffer_fills_anew_and_says_so(stopped, caplog):
    checkpoint = torch.load(stopped, weights_only=True)
    checkpoint["image_pools"] *= 2
    torch.save(checkpoint, stopped)
    resumed, held = cyclegan(buffer=3, ema=0.5), Held()
    fit_on(resumed, sides(count=3), epochs=2, callbacks=[held], ckpt_path=stopped, weights_only=True)
    assert "the buffer of generated images fills anew: there were 2 processes, now there are 1" in caplog.text
    assert held.count == [0, 0] and [len(pool.images) for pool in resumed.pools.values()] == [3, 3]


def test_a_checkpoint_holds_no_more_of_a_history_than_its_images(stopped):
    (pools,) = torch.load(stopped, weights_only=True)["image_pools"]
    assert set(pools) == {"restored", "degraded"}
    for image in (image for pool in pools.values() for image in pool):
        assert image.untyped_storage().nbytes() == 4 * 3 * 16 * 16


def test_the_yaml_has_the_papers_weights_and_rates():
    module = build(composed("model=cyclegan", "budget=cyclegan_paper").model, key="model", steps=1000, seed=0)
    (stage,) = module.stages
    assert stage.weights == {"adversarial": 1.0, "cycle": 10.0, "identity": 5.0}
    assert module.turns(0) == ("generator", "discriminator")
    assert {pool.size for pool in module.pools.values()} == {50}
    assert [stage.learning_rate(step) for step in (0, 500, 750)] == pytest.approx([2e-4, 2e-4, 1e-4])
    assert isinstance(module.criteria["adversarial"], LeastSquares)
    assert module.criteria["adversarial"].discriminator_weight == 0.5
