"""What the models of two directions share: each image made once a step, two pairs of players, views of both ways."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from by_hand import enlarged, sides
from test_cyclegan import cyclegan
from test_discogan import discogan
from test_recipe import fit_on

from gan_bench.batch import Batch


def counted(module):
    """How often each generator translates, by its name."""
    calls = Counter()

    def watch(name, network):
        translate = network.translate

        def counting(image):
            calls[name] += 1
            return translate(image)

        network.translate = counting

    for name in ("generator", "degrader"):
        watch(name, getattr(module, name))
    return calls


@pytest.mark.parametrize(
    ("model", "steps", "each"),
    [
        (lambda: cyclegan(identity=5.0), 1, 3),  # a fake, a way back, an identity; the discriminators add none
        (lambda: cyclegan(identity=0.0), 1, 2),
        (lambda: discogan(), 1, 1),  # a step of the discriminators
        (lambda: discogan(), 2, 1 + 2),
    ],
)
def test_each_image_is_made_once_a_step(model, steps, each):
    module = model()
    calls = counted(module)
    fit_on(module, sides(count=steps))
    assert calls == {"generator": each, "degrader": each}


@pytest.mark.parametrize("model", [cyclegan, discogan])
def test_a_pair_learns_with_one_optimizer_and_both_generators_are_left(model):
    module = model()
    adam_g, adam_d = module.configure_optimizers()
    for adam, pair in ((adam_g, ("generator", "degrader")), (adam_d, ("discriminator", "lq_discriminator"))):
        expected = [id(one) for name in pair for one in getattr(module, name).parameters()]
        assert [id(one) for one in adam.param_groups[0]["params"]] == expected
    assert module.products == {"generator": module.generator, "degrader": module.degrader}
    assert {name.split(".")[0] for name in module.state_dict()} == {
        "generator", "degrader", "discriminator", "lq_discriminator"
    }  # fmt: skip


@pytest.mark.parametrize("model", [cyclegan, discogan])
def test_views_are_the_ways_back_of_both_sides_in_evaluation_and_leave_no_trace(model):
    module = model(scale=2)
    fit_on(module, sides(scale=2, count=2))
    lq, gt = torch.rand(1, 3, 9, 11), torch.rand(1, 3, 18, 22)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    for training in (True, False):
        module.train(training)
        views = module.views(Batch(lq, gt, ("a",)))
        assert all(one.training == training for one in module.modules())
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    g, f = module.generator.eval(), module.degrader.eval()
    expected = {
        "degraded": f.translate(gt),
        "gt again": g.translate(f.translate(gt)),
        "lq again": f.translate(g.translate(enlarged(lq, 2))),
    }
    assert list(views) == list(expected)
    for caption, image in views.items():
        assert image.shape == gt.shape and not image.requires_grad
        torch.testing.assert_close(image, expected[caption].detach())


def test_views_show_what_is_judged_where_that_is_an_average():
    module = cyclegan(ema=0.9)
    module.averaged.load_state_dict(cyclegan().generator.state_dict())
    with torch.no_grad():
        for parameter in module.generator.parameters():
            parameter.zero_()
    (batch,) = sides(count=1)
    views = module.views(batch)
    expected = cyclegan().eval().views(batch)
    assert all(torch.equal(views[caption], image) for caption, image in expected.items())


@pytest.mark.parametrize("size", [(12, 30), (24, 16), (40, 40)])
def test_views_are_of_gts_size_where_lq_is_of_another(size):
    module = cyclegan()
    lq, gt = torch.rand(1, 3, *size), torch.rand(1, 3, 24, 20)
    views = module.views(Batch(lq, gt, ("a",)))
    assert all(image.shape == gt.shape for image in views.values())
    height, width = min(size[0], 24), min(size[1], 20)
    again = module.degrader.translate(module.generator.translate(lq)).detach()
    torch.testing.assert_close(views["lq again"][..., :height, :width], again[..., :height, :width])
    assert (views["lq again"][..., height:, :] == 1).all() and (views["lq again"][..., width:] == 1).all()
