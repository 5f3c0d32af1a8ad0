"""What fits is loaded, what does not is named."""

import pytest
import torch
from test_recipe import esrgan

from gan_bench.errors import UsageError
from gan_bench.models.warm_start import load_what_fits
from gan_bench.networks import SRCNN, RRDBNet


def network(scale=4, num_feat=8, num_block=1):
    return RRDBNet(scale=scale, num_feat=num_feat, num_block=num_block, num_grow_ch=4)


def test_the_same_network_is_loaded_whole():
    source, target = network(), network()
    assert load_what_fits(target, source.state_dict()) == []
    assert all(torch.equal(a, b) for a, b in zip(source.parameters(), target.parameters(), strict=True))


def test_another_scale_lacks_its_first_convolution_and_says_so():
    source, target = network(scale=4), network(scale=2)
    before = target.conv_first.weight.clone()
    assert load_what_fits(target, source.state_dict()) == ["conv_first.weight (8x3x3x3 against 8x12x3x3)"]
    assert torch.equal(target.conv_first.weight, before)
    assert torch.equal(target.conv_last.weight, source.conv_last.weight)


def test_what_only_one_side_has_is_named():
    left = load_what_fits(network(num_block=2), network(num_block=1).state_dict())
    assert "body.1.rdb1.conv1.weight (not in the file)" in left
    left = load_what_fits(network(num_block=1), network(num_block=2).state_dict())
    assert "body.1.rdb1.conv1.weight (not in the model)" in left


def test_another_architecture_is_refused():
    with pytest.raises(UsageError, match=r"none of its 6 tensors fits RRDBNet"):
        load_what_fits(network(), SRCNN().state_dict())


def test_a_recipe_starts_from_it_and_so_does_its_average():
    source = network()
    module = esrgan(ema=0.9, start_from=source.state_dict())
    for side in (module.generator, module.averaged):
        assert all(torch.equal(a, b) for a, b in zip(source.parameters(), side.parameters(), strict=True))
