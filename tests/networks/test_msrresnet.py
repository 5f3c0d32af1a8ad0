"""MSRResNet: BasicSR's names, count and arithmetic."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_bench.errors import UsageError
from gan_bench.networks import MSRResNet

UPCONVS = {1: 0, 2: 1, 3: 1, 4: 2, 8: 3}


def published_names(num_block: int, num_upconv: int) -> list[str]:
    convs = ["conv_first"]
    convs += [f"body.{block}.conv{conv}" for block in range(num_block) for conv in (1, 2)]
    convs += [f"upconv{i + 1}" for i in range(num_upconv)]
    convs += ["conv_hr", "conv_last"]
    return [f"{conv}.{kind}" for conv in convs for kind in ("weight", "bias")]


def reference(state: dict[str, torch.Tensor], x: torch.Tensor, num_block: int, factors: list[int]) -> torch.Tensor:
    """The published network as functions of its state dict."""

    def conv(name, y):
        return F.conv2d(y, state[f"{name}.weight"], state[f"{name}.bias"], padding=1)

    y = F.leaky_relu(conv("conv_first", x), 0.1)
    for block in range(num_block):
        y = y + conv(f"body.{block}.conv2", F.relu(conv(f"body.{block}.conv1", y)))
    for stage, factor in enumerate(factors, start=1):
        y = F.leaky_relu(F.pixel_shuffle(conv(f"upconv{stage}", y), factor), 0.1)
    y = conv("conv_last", F.leaky_relu(conv("conv_hr", y), 0.1))
    scale = math.prod(factors)
    return y + F.interpolate(x, scale_factor=scale, mode="bilinear", align_corners=False)


def test_parameters_as_published():
    assert sum(p.numel() for p in MSRResNet().parameters()) == 1_517_571


@pytest.mark.parametrize("scale", UPCONVS)
def test_state_dict_has_the_published_names_in_order(scale):
    net = MSRResNet(num_feat=4, num_block=3, scale=scale)
    assert list(net.state_dict()) == published_names(3, UPCONVS[scale])
    MSRResNet(num_feat=4, num_block=3, scale=scale).load_state_dict(net.state_dict(), strict=True)


@pytest.mark.parametrize("factors", [[], [2], [3], [2, 2], [2, 2, 2]])
def test_arithmetic_is_the_published_one(factors):
    torch.manual_seed(0)
    net = MSRResNet(num_feat=6, num_block=2, scale=math.prod(factors)).double()
    for p in net.parameters():  # at its initial size the residual would hide in the skip
        torch.nn.init.normal_(p, std=0.2)
    lq = torch.rand(2, 3, 7, 5, dtype=torch.float64)
    torch.testing.assert_close(net(lq), reference(net.state_dict(), lq, 2, factors))


@settings(max_examples=25, deadline=None)
@given(
    scale=st.sampled_from(list(UPCONVS)),
    height=st.integers(1, 13),
    width=st.integers(1, 13),
    channels=st.sampled_from([1, 3]),
)
def test_output_is_scale_times_the_input(scale, height, width, channels):
    net = MSRResNet(channels, channels, num_feat=4, num_block=1, scale=scale)
    assert net(torch.rand(1, channels, height, width)).shape == (1, channels, scale * height, scale * width)


def test_every_convolution_starts_at_a_tenth_of_kaiming():
    torch.manual_seed(0)
    for name, p in MSRResNet(num_block=2).named_parameters():
        if name.endswith("bias"):
            assert not p.any(), name
        else:
            expected = 0.1 * math.sqrt(2 / p[0].numel())
            assert p.std().item() == pytest.approx(expected, rel=5 / math.sqrt(2 * p.numel())), name


def test_an_untrained_network_is_nearly_its_skip():
    torch.manual_seed(0)
    lq = torch.rand(1, 3, 8, 8)
    restored = MSRResNet(num_block=2)(lq)
    assert (restored - F.interpolate(lq, scale_factor=4, mode="bilinear")).abs().max() < 0.01


def test_gradient_reaches_every_parameter():
    torch.manual_seed(0)
    net = MSRResNet(num_feat=8, num_block=2, scale=8)
    net(torch.rand(1, 3, 6, 6)).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_the_input_is_left_as_it_was():
    lq = torch.rand(1, 3, 6, 6)
    before = lq.clone()
    MSRResNet(num_feat=4, num_block=1, scale=1)(lq)
    assert torch.equal(lq, before)


def test_refuses_what_it_cannot_do_in_one_line():
    with pytest.raises(UsageError, match=r"^MSRResNet cannot do scale 6: it has 1, 2, 3, 4 and 8$"):
        MSRResNet(scale=6)
    with pytest.raises(UsageError, match="3 and 1 channels differ"):
        MSRResNet(num_out_ch=1)
