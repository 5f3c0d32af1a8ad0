"""What is noticed of a training that is no longer finite, and what keeps its weights whole until then."""

from functools import partial

import pytest
import torch
from test_recipe import batches, fit_on
from torch import nn

from gan_bench.errors import WorkError
from gan_bench.losses import Vanilla
from gan_bench.models import RealESRGAN, Regression
from gan_bench.models.watch import LARGEST, Watch, first_not_finite
from gan_bench.networks import RRDBNet, UNetDiscriminatorSN

STEPS = 20


def note(watch, step, loss=1.0, norms=(1.0, 1.0), player="generator"):
    norms = torch.tensor(norms)
    names = [f"{player}.layer{number}.weight" for number in range(len(norms))]
    watch.note(step, player, {"pixel": torch.tensor(loss)}, norms, names, norms.isfinite().all())


def test_sound_updates_are_no_trouble_and_are_read_once():
    watch = Watch()
    assert watch.read() is None
    note(watch, 0)
    note(watch, 1, norms=(1e30, 0.0))
    assert watch.read() is None


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), -float("inf"), 1.1 * LARGEST])
def test_the_first_loss_that_is_not_sound_is_named(loss):
    watch = Watch()
    note(watch, 3)
    note(watch, 4, loss=loss, player="discriminator")
    note(watch, 5, loss=float("nan"))
    step, player, losses, layer = watch.read()
    assert (step, player, layer) == (4, "discriminator", None)
    assert list(losses) == ["pixel"] and losses["pixel"] == pytest.approx(loss, nan_ok=True)
    assert watch.read() is None


def test_of_a_gradient_the_layer_nearest_to_the_loss_is_named():
    watch = Watch()
    note(watch, 7, norms=(float("nan"), float("inf"), 1.0))
    assert watch.read() == (7, "generator", {}, "generator.layer1")


def test_the_layers_whose_output_is_not_finite_are_named_in_order():
    network = nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU(), nn.Conv2d(1, 1, 1))
    with torch.no_grad():
        network[2].weight.fill_(float("inf"))
    with first_not_finite({"generator": network}) as found:
        network(torch.ones(1, 1, 2, 2))
    assert found == ["generator.2"]
    network(torch.ones(1, 1, 2, 2))
    assert found == ["generator.2"]  # nobody looks any more


class Failing(nn.Module):
    """An L1 loss that is multiplied by a number from one call on."""

    def __init__(self, at, by):
        super().__init__()
        self.calls, self.at, self.by = 0, at, by

    def forward(self, preds, target):
        self.calls += 1
        return (preds - target).abs().mean() * (self.by if self.calls > self.at else 1.0)


def learning(kind, at, by, fused=True, **parts):
    torch.manual_seed(0)
    weights = {"pixel": 1.0, **({"adversarial": 0.1} if "adversarial" in parts else {})}
    return kind(
        generator=RRDBNet(num_feat=8, num_block=1, num_grow_ch=4), pixel=Failing(at, by),
        optimizer=partial(torch.optim.Adam, fused=fused), steps=STEPS, seed=0,
        stages=[{"fraction": 1.0, "weights": weights, "lr": 1e-3}], **parts,
    )  # fmt: skip


@pytest.mark.parametrize("at", [3, 12])
def test_weights_stay_those_of_before_the_loss_was_lost(at):
    model, sound = (learning(Regression, at, by) for by in (float("nan"), 1.0))
    where = 10 if at < 10 else 20
    with pytest.raises(
        WorkError, match=rf"^training diverged at step {at + 1} of 20: of the generator's losses pixel is "
    ):
        fit_on(model, batches(STEPS))
    assert model.step == where - 1  # read where numbers are logged
    fit_on(sound, batches(at))  # as many updates as were sound
    for ours, theirs in zip(model.generator.state_dict().values(), sound.generator.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs)


def test_an_optimizer_that_cannot_leave_an_update_out_stops_too():
    model = learning(Regression, 3, float("nan"), fused=False)
    with pytest.raises(
        WorkError, match=r"step 4 of 20: of the generator's losses pixel is nan, first in the output of"
    ):
        fit_on(model, batches(STEPS))


def test_a_loss_without_bounds_stops_the_training_before_it_is_infinite():
    model = learning(Regression, 2, 1e8)
    with pytest.raises(
        WorkError, match=r"step 3 of 20: of the generator's losses pixel is \d\.\d+e\+0\d; the checkpoints"
    ):
        fit_on(model, batches(STEPS))


def test_the_players_loss_and_layer_are_named():
    parts = {"perceptual": None, "adversarial": Vanilla(), "sharpen": None}
    model = learning(RealESRGAN, 100, 1.0, discriminator=UNetDiscriminatorSN(num_feat=4), **parts)
    with torch.no_grad():
        model.discriminator.conv9.bias.fill_(float("nan"))
    said = (
        r"step 1 of 20: of the generator's losses adversarial is nan, first in the output of layer discriminator.conv9;"
    )
    with pytest.raises(WorkError, match=said):
        fit_on(model, batches(STEPS))
