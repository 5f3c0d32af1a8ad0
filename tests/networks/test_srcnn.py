"""SRCNN: published sizes, the enlargement inside, borders."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_bench.errors import UsageError
from gan_bench.networks import SRCNN
from gan_bench.resize import upscale


def count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("channels", "kernels", "expected"), [(3, (9, 1, 5), 20_099), (1, (9, 1, 5), 8_129), (1, [9, 5, 5], 57_281)]
)
def test_parameters_as_published(channels, kernels, expected):
    assert count(SRCNN(num_in_ch=channels, num_out_ch=channels, kernels=kernels)) == expected


@settings(max_examples=25, deadline=None)
@given(
    scale=st.sampled_from([1, 2, 3, 4, 8]),
    height=st.integers(1, 17),
    width=st.integers(1, 17),
    channels=st.sampled_from([1, 3]),
)
def test_output_is_scale_times_the_input(scale, height, width, channels):
    net = SRCNN(channels, channels, num_feat=4, num_map=3, scale=scale)
    assert net(torch.rand(2, channels, height, width)).shape == (2, channels, scale * height, scale * width)


@pytest.mark.parametrize("scale", [1, 4])
def test_is_three_convolutions_on_the_enlarged_image_with_replicated_borders(scale):
    torch.manual_seed(0)
    net, lq = SRCNN(num_feat=5, num_map=4, scale=scale), torch.rand(1, 3, 7, 9)
    x = lq if scale == 1 else upscale(lq, scale)
    for name, pad, last in (("conv1", 4, False), ("conv2", 0, False), ("conv3", 2, True)):
        weight, bias = net.state_dict()[f"{name}.weight"], net.state_dict()[f"{name}.bias"]
        x = F.conv2d(F.pad(x, (pad,) * 4, mode="replicate"), weight, bias)
        x = x if last else x.clamp(min=0)
    torch.testing.assert_close(net(lq), x)


def test_state_dict_has_the_published_names():
    assert list(SRCNN().state_dict()) == [f"conv{i}.{kind}" for i in (1, 2, 3) for kind in ("weight", "bias")]


def test_gradient_reaches_every_parameter():
    torch.manual_seed(0)
    net = SRCNN(num_feat=8, num_map=8, scale=2)
    net(torch.rand(2, 3, 12, 12)).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


@pytest.mark.parametrize("kwargs", [{"scale": 0}, {"kernels": (9, 2, 5)}, {"kernels": (9, 5)}])
def test_refuses_what_it_cannot_do_in_one_line(kwargs):
    with pytest.raises(UsageError, match="SRCNN cannot") as caught:
        SRCNN(**kwargs)
    assert "\n" not in str(caught.value)
