"""VDSR: published sizes, the residual on MATLAB's bicubic, He's initialisation."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_bench.errors import UsageError
from gan_bench.networks import VDSR
from gan_bench.resize import upscale


@pytest.mark.parametrize(("channels", "expected"), [(3, 668_227), (1, 665_921)])
def test_parameters_as_published(channels, expected):
    net = VDSR(channels, channels)
    assert sum(p.numel() for p in net.parameters()) == expected
    assert sum(isinstance(module, torch.nn.Conv2d) for module in net.modules()) == 20


@pytest.mark.parametrize("scale", [1, 3, 4])
def test_is_the_enlarged_image_and_a_residual_of_plain_convolutions(scale):
    torch.manual_seed(0)
    net, lq = VDSR(num_feat=5, num_block=3, scale=scale), torch.rand(2, 3, 7, 9)
    enlarged = x = lq if scale == 1 else upscale(lq, scale)
    names = ["conv_first", "body.0", "body.1", "body.2", "conv_last"]
    for name in names:
        x = F.conv2d(x, net.state_dict()[f"{name}.weight"], net.state_dict()[f"{name}.bias"], padding=1)
        x = x if name == "conv_last" else x.clamp(min=0)
    torch.testing.assert_close(net(lq), enlarged + x)
    assert list(net.state_dict()) == [f"{name}.{kind}" for name in names for kind in ("weight", "bias")]


@settings(max_examples=25, deadline=None)
@given(
    scale=st.sampled_from([1, 2, 3, 4, 8]),
    height=st.integers(1, 13),
    width=st.integers(1, 13),
    channels=st.sampled_from([1, 3]),
)
def test_output_is_scale_times_the_input(scale, height, width, channels):
    net = VDSR(channels, channels, num_feat=4, num_block=1, scale=scale)
    assert net(torch.rand(2, channels, height, width)).shape == (2, channels, scale * height, scale * width)


def test_every_convolution_starts_as_he_et_al():
    torch.manual_seed(0)
    for name, p in VDSR(num_block=2).named_parameters():
        if name.endswith("bias"):
            assert not p.any(), name
        else:
            expected = math.sqrt(2 / p[0].numel())
            assert p.std().item() == pytest.approx(expected, rel=5 / math.sqrt(2 * p.numel())), name


def test_the_input_is_left_as_it_was_and_every_parameter_learns():
    torch.manual_seed(0)
    net, lq = VDSR(num_feat=8, num_block=2, scale=1), torch.rand(2, 3, 6, 6)
    before = lq.clone()
    net(lq).square().mean().backward()
    assert torch.equal(lq, before)
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_refuses_what_it_cannot_do_in_one_line():
    with pytest.raises(UsageError, match=r"^VDSR cannot do scale 0: it has the whole numbers from 1$"):
        VDSR(scale=0)
    with pytest.raises(UsageError, match="3 and 1 channels differ"):
        VDSR(num_out_ch=1)
