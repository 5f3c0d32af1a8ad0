"""SRGANDiscriminator: the paper's at 96, any size beside it."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from gan_bench.errors import UsageError
from gan_bench.networks import SRGANDiscriminator

WIDTHS = (64, 64, 128, 128, 256, 256, 512, 512)


def test_parameters_as_counted_by_hand():
    convs = sum(9 * before * after + after for before, after in zip((3, *WIDTHS), WIDTHS, strict=False))
    norms, head = 2 * sum(WIDTHS[1:]), (512 * 6 * 6 * 1024 + 1024) + (1024 + 1)
    with torch.device("meta"):
        net = SRGANDiscriminator()
    assert convs + norms + head == sum(p.numel() for p in net.parameters()) == 23_565_505


def test_arithmetic_is_the_published_one():
    torch.manual_seed(0)
    net = SRGANDiscriminator(num_feat=4, input_size=32).double()
    x = image = torch.rand(3, 3, 32, 32, dtype=torch.float64)
    parameters = list(net.parameters())
    for number in range(8):
        weight, bias, parameters = *parameters[:2], parameters[2:]
        x = F.conv2d(x, weight, bias, stride=1 + number % 2, padding=1)
        if number:
            gamma, beta, parameters = *parameters[:2], parameters[2:]
            x = F.batch_norm(x, None, None, gamma, beta, training=True)
        x = F.leaky_relu(x, 0.2)
    w1, b1, w2, b2 = parameters
    torch.testing.assert_close(net(image), F.leaky_relu(x.flatten(1) @ w1.T + b1, 0.2) @ w2.T + b2)


@pytest.mark.parametrize(("input_size", "left"), [(1, 1), (16, 1), (17, 2), (41, 3), (96, 6), (100, 7)])
@pytest.mark.parametrize("channels", [1, 3])
def test_one_logit_per_image_at_every_patch_size(input_size, left, channels):
    net = SRGANDiscriminator(channels, num_feat=4, input_size=input_size)
    assert net.linear1.in_features == 4 * 8 * left**2
    assert net(torch.rand(2, channels, input_size, input_size)).shape == (2, 1)


def test_gradient_reaches_every_weight_and_the_image():
    torch.manual_seed(0)
    net, image = SRGANDiscriminator(num_feat=4, input_size=32), torch.rand(4, 3, 32, 32, requires_grad=True)
    net(image).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in (*net.parameters(), image))


def test_another_size_is_one_error_naming_both():
    with pytest.raises(ValueError, match="built for 32 x 32 pixels and got 32 x 48: set its input_size"):
        SRGANDiscriminator(num_feat=4, input_size=32)(torch.rand(1, 3, 32, 48))


def test_refuses_no_image():
    with pytest.raises(UsageError, match="images of 0 pixels"):
        SRGANDiscriminator(input_size=0)
