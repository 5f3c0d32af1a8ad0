"""RRDBNet: published sizes and names, spandrel as the independent reference."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from spandrel import ModelLoader

from gan_bench.errors import UsageError
from gan_bench.networks import RRDBNet


def small(scale: int) -> RRDBNet:
    return RRDBNet(scale=scale, num_feat=8, num_block=2, num_grow_ch=4)


@pytest.mark.parametrize(
    ("kwargs", "expected"),
    [({}, 16_697_987), ({"num_block": 6}, 4_467_779), ({"scale": 2}, 16_703_171), ({"scale": 1}, 16_723_907)],
)
def test_parameters_as_published(kwargs, expected):
    with torch.device("meta"):
        net = RRDBNet(**kwargs)
    assert sum(p.numel() for p in net.parameters()) == expected


def test_state_dict_has_the_published_names_in_order():
    convs = ["conv_first"]
    convs += [f"body.{b}.rdb{d}.conv{c}" for b in range(2) for d in (1, 2, 3) for c in (1, 2, 3, 4, 5)]
    convs += ["conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"]
    state = small(4).state_dict()
    assert list(state) == [f"{conv}.{kind}" for conv in convs for kind in ("weight", "bias")]
    small(4).load_state_dict(state, strict=True)


@pytest.mark.parametrize(("scale", "size"), [(4, (9, 11)), (2, (12, 10)), (1, (12, 16)), (2, (13, 9)), (1, (13, 10))])
def test_weights_open_in_spandrel_with_equal_output(scale, size):
    torch.manual_seed(scale)
    net = RRDBNet(scale=scale, num_feat=16, num_block=2, num_grow_ch=32).eval()
    for p in net.parameters():  # at their initial size the dense blocks would hide in the skips
        torch.nn.init.normal_(p, std=0.05)
    model = ModelLoader().load_from_state_dict(net.state_dict())
    assert (model.architecture.id, model.scale, model.input_channels) == ("ESRGAN", scale, 3)
    lq = torch.rand(1, 3, *size)
    with torch.no_grad():
        torch.testing.assert_close(net(lq), model.model.eval()(lq), rtol=1e-4, atol=1e-4)


@settings(max_examples=20, deadline=None)
@given(
    scale=st.sampled_from([1, 2, 4]),
    height=st.integers(1, 13),
    width=st.integers(1, 13),
    channels=st.sampled_from([1, 3]),
)
def test_output_is_scale_times_the_input_at_any_size(scale, height, width, channels):
    net = RRDBNet(channels, channels, scale, num_feat=4, num_block=1, num_grow_ch=2)
    with torch.no_grad():
        restored = net(torch.rand(1, channels, height, width))
    assert restored.shape == (1, channels, scale * height, scale * width)
    assert torch.isfinite(restored).all()


def test_dense_blocks_start_at_a_tenth_of_kaiming_and_the_rest_at_the_default():
    torch.manual_seed(0)
    for name, p in RRDBNet(num_block=1).named_parameters():
        fan_in = p[0].numel() if name.endswith("weight") else None
        if ".rdb" in name:
            if fan_in is None:
                assert not p.any(), name
            else:
                expected = 0.1 * math.sqrt(2 / fan_in)
                assert p.std().item() == pytest.approx(expected, rel=5 / math.sqrt(2 * p.numel())), name
        elif fan_in is None:
            assert p.any(), name
        else:  # PyTorch's default: uniform within 1 / sqrt(fan_in)
            bound = 1 / math.sqrt(fan_in)
            assert 0.9 * bound < p.abs().max() <= bound, name


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_gradient_reaches_every_parameter(scale):
    torch.manual_seed(0)
    net = small(scale)
    net(torch.rand(1, 3, 8, 8)).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


@pytest.mark.parametrize("scale", [3, 8])
def test_refuses_other_scales_in_one_line(scale):
    with pytest.raises(UsageError, match=rf"^RRDBNet cannot do scale {scale}: it has 1, 2 and 4$"):
        RRDBNet(scale=scale)
