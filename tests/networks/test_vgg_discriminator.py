"""VGGStyleDiscriminator: BasicSR's at 128, any multiple of 32 beside it."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from gan_bench.errors import UsageError
from gan_bench.networks import VGGStyleDiscriminator


def test_parameters_as_published():
    with torch.device("meta"):
        net = VGGStyleDiscriminator()
    assert sum(p.numel() for p in net.parameters()) == 14_499_401


def test_parameters_have_the_published_names_in_order():
    names = ["conv0_0.weight", "conv0_0.bias", "conv0_1.weight", "bn0_1.weight", "bn0_1.bias"]
    for stage in (1, 2, 3, 4):
        for part in (0, 1):
            at = f"{stage}_{part}"
            names += [f"conv{at}.weight", f"bn{at}.weight", f"bn{at}.bias"]
    names += ["linear1.weight", "linear1.bias", "linear2.weight", "linear2.bias"]
    net = VGGStyleDiscriminator(num_feat=4, input_size=32)
    assert [name for name, _ in net.named_parameters()] == names
    VGGStyleDiscriminator(num_feat=4, input_size=32).load_state_dict(net.state_dict(), strict=True)


def test_arithmetic_is_the_published_one():
    torch.manual_seed(0)
    net = VGGStyleDiscriminator(num_feat=4, input_size=64).double()
    image = torch.rand(3, 3, 64, 64, dtype=torch.float64)
    state = net.state_dict()
    x = F.leaky_relu(F.conv2d(image, state["conv0_0.weight"], state["conv0_0.bias"], padding=1), 0.2)
    for at in ("0_1", "1_0", "1_1", "2_0", "2_1", "3_0", "3_1", "4_0", "4_1"):
        x = F.conv2d(x, state[f"conv{at}.weight"], stride=2 if at.endswith("1") else 1, padding=1)
        x = F.batch_norm(x, None, None, state[f"bn{at}.weight"], state[f"bn{at}.bias"], training=True)
        x = F.leaky_relu(x, 0.2)
    x = F.leaky_relu(x.flatten(1) @ state["linear1.weight"].T + state["linear1.bias"], 0.2)
    torch.testing.assert_close(net(image), x @ state["linear2.weight"].T + state["linear2.bias"])


@pytest.mark.parametrize("input_size", [32, 64, 96, 128])
@pytest.mark.parametrize("channels", [1, 3])
def test_one_logit_per_image_at_every_patch_size(input_size, channels):
    net = VGGStyleDiscriminator(channels, num_feat=4, input_size=input_size)
    assert net.linear1.in_features == 4 * 8 * (input_size // 32) ** 2
    assert net(torch.rand(2, channels, input_size, input_size)).shape == (2, 1)


def test_gradient_reaches_every_parameter_and_the_image():
    torch.manual_seed(0)
    net, image = VGGStyleDiscriminator(num_feat=4, input_size=64), torch.rand(4, 3, 64, 64, requires_grad=True)
    net(image).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in (*net.parameters(), image))


@pytest.mark.parametrize("size", [(128, 64), (96, 96), (32, 32)])
def test_another_size_is_one_error_naming_both(size):
    with pytest.raises(
        ValueError, match=rf"built for 64 x 64 pixels and got {size[0]} x {size[1]}: set its input_size"
    ):
        VGGStyleDiscriminator(num_feat=4, input_size=64)(torch.rand(1, 3, *size))


@pytest.mark.parametrize("input_size", [0, -32, 16, 100])
def test_refuses_a_patch_that_cannot_be_halved_five_times(input_size):
    with pytest.raises(UsageError, match="needs a multiple of 32"):
        VGGStyleDiscriminator(input_size=input_size)
