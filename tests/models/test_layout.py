"""How networks are laid out, and that it changes nothing beyond rounding."""

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
