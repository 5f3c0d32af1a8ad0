"""The plain loop does a recipe's work: after some steps on the same batches all weights are the same."""

import lightning as L
import pytest
import torch
from tests.references.plain_loop import PlainLoop

from gan_bench.perf.flops import counted
from gan_bench.perf.setup import fit, laid_out, prepared

STEPS = 3
FEATURES = ("perceptual=squeezenet", "perceptual.weights=random")
PLAIN = ("model.optimizer.fused=null", "channels_last=false")


class Beside(L.Callback):
    """Steps of the plain loop between those of a training."""

    def __init__(self, **switches):
        self.switches = switches
        self.judged = {"ours": 0, "plain": 0}

    def on_train_start(self, trainer, pl_module):
        given = {name: value(pl_module) if callable(value) else value for name, value in self.switches.items()}
        self.model, self.plain = pl_module, PlainLoop(pl_module, **given)
        for name, network in (("ours", pl_module.discriminator), ("plain", self.plain.discriminator)):
            if network is not None:
                network.register_forward_hook(lambda *_, name=name: self.count(name))

    def count(self, name):
        self.judged[name] += 1

    def on_train_batch_start(self, trainer, pl_module, *_):
        self.rate = pl_module.stage.learning_rate(pl_module.step)

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self.plain.step(batch.lq, batch.gt, self.rate)
        trainer.should_stop = batch_idx + 1 == STEPS


def walked(*overrides, **switches):
    beside = Beside(**switches)
    with prepared(["budget=smoke", "trainer=cpu", *overrides], STEPS) as training:
        fit(training, [beside])
    return beside


def assert_same(beside, atol=1e-8):
    for name, network in beside.plain.networks().items():
        ours = beside.model.criteria[name] if name == "perceptual" else getattr(beside.model, name)
        for (key, one), other in zip(ours.state_dict().items(), network.state_dict().values(), strict=True):
            said = f"{name}.{key}: {{}}".format
            torch.testing.assert_close(one, other, rtol=1e-5, atol=atol, msg=said)


@pytest.mark.parametrize(
    ("model", "forwards"),
    [
        (("model=srgan", *FEATURES), 3),
        (("model=esrgan", *FEATURES), 4),
        (("model=esrgan", "model.adversarial.detach_means=true", "model.clip=0.01"), 4),
        (("model=realesrgan", "perceptual=vgg19", "perceptual.weights=random"), 3),
        (("model=bsrgan", *FEATURES), 3),
        (("model=srgan", "model.adversarial._target_=gan_bench.losses.Hinge"), 3),
        (("model=realesrnet",), 0),
        (("model=srresnet",), 0),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_equal_weights_stay_equal_by_as_many_forwards_of_d(model, forwards):
    beside = walked(*model, *PLAIN)
    assert_same(beside)
    assert beside.judged == {"ours": forwards * STEPS, "plain": forwards * STEPS * bool(forwards)}


@pytest.mark.parametrize("model", ["realesrgan", "bsrgan"])
def test_the_bare_twin_computes_what_a_tuned_training_computes(model):
    words = (f"model={model}", *FEATURES, "trainer.precision=bf16-mixed", "channels_last=true")
    beside = walked(*words, channels_last=laid_out, autocast=True, fused=True)
    assert set(laid_out(beside.model)) == {"generator", "averaged", "discriminator", "perceptual"}
    assert_same(beside, atol=1e-6)  # of 3e-4 that they moved
    assert beside.plain.optimizers["generator"].defaults["fused"] is True


def test_without_its_switches_it_is_contiguous_float32_with_the_default_adam():
    beside = walked("model=esrgan", *FEATURES, "channels_last=true")
    assert all(one.is_contiguous() for network in beside.plain.networks().values() for one in network.parameters())
    assert beside.plain.optimizers["generator"].defaults["fused"] is None
    assert beside.plain.optimizers["generator"].defaults["foreach"] is None


def test_it_computes_as_many_operations():
    with prepared(["budget=smoke", "trainer=cpu", "model=srgan", *FEATURES], STEPS) as training:
        found = {"ours": [], "plain": []}
        training.model.training_step = counted(training.model.training_step, found["ours"])

        class Counted(Beside):
            def on_train_start(self, trainer, pl_module):
                super().on_train_start(trainer, pl_module)
                self.plain.step = counted(self.plain.step, found["plain"])

        fit(training, [Counted()])
    assert found["ours"] == found["plain"] and len(found["ours"]) == STEPS and min(found["ours"]) > 0


@pytest.mark.parametrize("model", ["pix2pix", "cyclegan", "discogan"])
def test_it_does_not_pretend_to_know_other_recipes(model):
    with (
        prepared(["budget=smoke", "trainer=cpu", f"model={model}"], STEPS) as training,
        pytest.raises(NotImplementedError),
    ):
        PlainLoop(training.model)
