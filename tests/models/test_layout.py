"""How networks are laid out, and that it changes nothing beyond rounding."""

from functools import partial

import lightning as L
import pytest
import torch
from test_recipe import batches, esrgan, fit_on
from torch import nn

from gan_bench.models.layout import prefers_channels_last
from gan_bench.networks import DiscoGANGenerator, PatchDiscriminator, ResNetGenerator, RRDBNet, UNetGenerator


@pytest.mark.parametrize(
    ("network", "in_float32"),
    [
        (lambda: RRDBNet(num_feat=8, num_block=1), True),
        (lambda: DiscoGANGenerator(num_feat=4), True),
        (lambda: PatchDiscriminator(num_feat=4, norm="batch"), True),
        (lambda: PatchDiscriminator(num_feat=4, norm="instance"), False),
        (lambda: ResNetGenerator(num_feat=4, num_block=1), False),
        (lambda: UNetGenerator(num_feat=4), False),
    ],
)
def test_convolutions_without_statistics_of_an_image_prefer_it(network, in_float32):
    assert prefers_channels_last(network(), reduced=False) == in_float32
    assert prefers_channels_last(network(), reduced=True)


def test_what_has_no_convolutions_does_not():
    assert not prefers_channels_last(nn.Linear(2, 2), reduced=True)


def test_the_layout_changes_rounding_alone():
    plain, other, chosen = esrgan(), esrgan(channels_last=True), esrgan(channels_last=None)
    for model in (plain, other, chosen):
        fit_on(model, batches())
    assert other.generator.conv_first.weight.is_contiguous(memory_format=torch.channels_last)
    assert plain.generator.conv_first.weight.is_contiguous()
    for ours, theirs, same in zip(
        other.state_dict().values(), plain.state_dict().values(), chosen.state_dict().values(), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-3)
        assert torch.equal(ours, same)


def test_what_a_checkpoint_holds_of_an_optimizer_is_laid_out_as_the_weights_are(tmp_path):
    """Fused optimizers pair numbers as they lie: a checkpoint's averages must lie as the weights do."""

    def learn(channels_last):
        model = esrgan(channels_last=channels_last)
        model.make_optimizer = partial(model.make_optimizer, fused=True)
        return model

    class Half(L.Callback):
        def on_train_batch_end(self, trainer, pl_module, *_):
            if pl_module.step == 2:
                trainer.save_checkpoint(tmp_path / "half.ckpt")

    whole = learn(False)
    fit_on(whole, batches(), callbacks=[Half()])
    state = torch.load(tmp_path / "half.ckpt", weights_only=False)
    assert state["step"] == 2
    for channels_last in (True, False):
        model = learn(channels_last)
        trainer = fit_on(model, batches(1))  # whose optimizers then have states
        model.on_load_checkpoint(state)
        model.load_state_dict(state["state_dict"])
        for optimizer, saved in zip(trainer.optimizers, state["optimizer_states"], strict=True):
            optimizer.load_state_dict(saved)
        model.on_train_start()
        parameter = model.generator.conv_first.weight
        averages = trainer.optimizers[0].state[parameter]
        assert averages["exp_avg"].stride() == parameter.stride() == averages["exp_avg_sq"].stride()
        torch.testing.assert_close(averages["exp_avg"], saved_of(state, model), rtol=0, atol=0)


def saved_of(state, model):
    """The checkpoint's average of the first weight's gradient."""
    names = [name for name, _ in model.generator.named_parameters()]
    return state["optimizer_states"][0]["state"][names.index("conv_first.weight")]["exp_avg"]
