"""SRResNet: the paper's layers, count and arithmetic."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_bench.errors import UsageError
from gan_bench.networks import SRResNet


def reference(state: dict[str, torch.Tensor], x: torch.Tensor, num_block: int, factors: list[int]) -> torch.Tensor:
    """Figure 4 of the paper as functions of the state dict, batch norm by the statistics of its training."""

    def conv(name, y):
        weight = state[f"{name}.weight"]
        return F.conv2d(y, weight, state[f"{name}.bias"], padding=weight.shape[-1] // 2)

    def norm(name, y):
        mean, var, weight, bias = (
            state[f"{name}.{key}"][:, None, None] for key in ("running_mean", "running_var", "weight", "bias")
        )
        return (y - mean) / torch.sqrt(var + 1e-5) * weight + bias

    def prelu(name, y):
        return torch.where(y > 0, y, state[f"{name}.weight"] * y)

    first = y = prelu("prelu", conv("conv_first", x))
    for block in range(num_block):
        at = f"body.{block}"
        inner = prelu(f"{at}.prelu", norm(f"{at}.bn1", conv(f"{at}.conv1", y)))
        y = y + norm(f"{at}.bn2", conv(f"{at}.conv2", inner))
    y = first + norm("bn_body", conv("conv_body", y))
    for stage, factor in enumerate(factors):
        y = prelu(f"upsampling.{stage}.2", F.pixel_shuffle(conv(f"upsampling.{stage}.0", y), factor))
    return conv("conv_last", y)


def test_parameters_as_published():
    conv, bn, prelu = 64 * 64 * 9 + 64, 128, 1
    ends = (81 * 3 * 64 + 64 + prelu) + (81 * 64 * 3 + 3)
    by_hand = ends + 16 * (2 * conv + 2 * bn + prelu) + conv + bn + 2 * (64 * 256 * 9 + 256 + prelu)
    assert by_hand == sum(p.numel() for p in SRResNet().parameters()) == 1_549_462


@pytest.mark.parametrize("factors", [[], [2], [3], [2, 2], [2, 2, 2]])
def test_arithmetic_is_the_published_one(factors):
    torch.manual_seed(0)
    net = SRResNet(num_feat=6, num_block=2, scale=math.prod(factors)).double().eval()
    for name, tensor in net.state_dict().items():
        if tensor.is_floating_point():
            torch.nn.init.uniform_(tensor, *((0.5, 2.0) if "running_var" in name else (-0.3, 0.3)))
    lq = torch.rand(2, 3, 7, 5, dtype=torch.float64)
    torch.testing.assert_close(net(lq), reference(net.state_dict(), lq, 2, factors))


@settings(max_examples=25, deadline=None)
@given(
    scale=st.sampled_from([1, 2, 3, 4, 8]),
    height=st.integers(1, 13),
    width=st.integers(1, 13),
    channels=st.sampled_from([1, 3]),
)
def test_output_is_scale_times_the_input(scale, height, width, channels):
    net = SRResNet(channels, channels, num_feat=4, num_block=1, scale=scale)
    assert net(torch.rand(2, channels, height, width)).shape == (2, channels, scale * height, scale * width)


def test_gradient_reaches_every_parameter():
    torch.manual_seed(0)
    net = SRResNet(num_feat=8, num_block=2, scale=8)
    net(torch.rand(2, 3, 6, 6)).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_refuses_another_scale():
    with pytest.raises(UsageError, match=r"^SRResNet cannot do scale 6: it has 1, 2, 3, 4 and 8$"):
        SRResNet(scale=6)
