"""Padding, initialisation, noise and norms that networks share."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from gan_bench.networks.blocks import (
    BatchStatisticsNorm2d,
    NoiseDropout,
    conv3x3,
    draw_normal_,
    has_names,
    pad_to_multiple,
    scaled_kaiming_,
)


@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    factor=st.sampled_from([1, 2, 4, 7, 64]),
    least=st.sampled_from([0, 1, 3]),
)
def test_padding_reflects_at_the_far_sides_to_and_fro(height, width, factor, least):
    image = np.arange(height * width, dtype=np.float32).reshape(height, width)
    pads = [(0, max(math.ceil(side / factor) * factor, least * factor) - side) for side in (height, width)]
    got = pad_to_multiple(torch.from_numpy(image)[None, None], factor, least * factor)
    np.testing.assert_array_equal(got[0, 0].numpy(), np.pad(image, pads, mode="reflect"))


def test_padding_of_an_image_too_short_for_it_has_gradients():
    image = torch.rand(2, 3, 2, 1, requires_grad=True)
    pad_to_multiple(image, 8).sum().backward()
    # 8 rows are 0 1 0 1 0 1 0 1, and one column is shown 8 times
    assert torch.equal(image.grad, torch.full_like(image, 32.0))


def test_scaled_kaiming_has_the_right_spread_and_no_bias():
    torch.manual_seed(0)
    conv = conv3x3(64, 64)
    scaled_kaiming_([conv], 0.1)
    assert conv.weight.std().item() == pytest.approx(0.1 * math.sqrt(2 / (64 * 9)), rel=0.02)
    assert conv.weight.mean().item() == pytest.approx(0, abs=1e-4)
    assert not conv.bias.any()


def test_scaled_kaiming_takes_a_convolution_without_bias():
    scaled_kaiming_([nn.Conv2d(3, 3, 3, bias=False)], 0.5)


def test_normal_initialisation_has_its_spread_around_0_and_around_1_in_norms():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(64, 64, 4), nn.BatchNorm2d(4096), nn.ConvTranspose2d(64, 64, 4))
    draw_normal_(net, 0.02)
    for name, p in net.named_parameters():
        if name.endswith("bias"):
            assert not p.any(), name
        else:
            mean = 1 if p.ndim == 1 else 0
            assert p.mean().item() == pytest.approx(mean, abs=5 * 0.02 / math.sqrt(p.numel())), name
            assert p.std().item() == pytest.approx(0.02, rel=5 / math.sqrt(2 * p.numel())), name


@pytest.mark.parametrize("training", [True, False])
def test_batch_statistics_are_those_of_the_batch_in_evaluation_too(training):
    torch.manual_seed(0)
    norm, feat = BatchStatisticsNorm2d(5).double().train(training), torch.randn(3, 5, 4, 6, dtype=torch.float64)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    before = {name: value.clone() for name, value in norm.state_dict().items()}
    x = feat.numpy()
    mean, var = (f(x, axis=(0, 2, 3), keepdims=True) for f in (np.mean, np.var))
    gamma, beta = (p.detach().numpy()[:, None, None] for p in (norm.weight, norm.bias))
    expected = gamma * (x - mean) / np.sqrt(var + 1e-5) + beta
    np.testing.assert_allclose(norm(feat).detach().numpy(), expected, atol=1e-12)
    assert list(norm.state_dict()) == list(nn.BatchNorm2d(5).state_dict())
    assert all(torch.equal(value, before[name]) for name, value in norm.state_dict().items())


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("share", [0.25, 0.5])
def test_noise_drops_its_share_and_keeps_the_mean(training, share):
    torch.manual_seed(0)
    feat = torch.rand(4, 8, 30, 30) + 1
    noisy = NoiseDropout(share).train(training)(feat)
    kept = noisy != 0
    assert kept.double().mean().item() == pytest.approx(
        1 - share, abs=5 * math.sqrt(share * (1 - share) / feat.numel())
    )
    torch.testing.assert_close(noisy[kept], feat[kept] / (1 - share))


@given(seed=st.integers(0, 2**31))
def test_noise_in_evaluation_is_a_function_of_the_seed(seed):
    noise, feat = NoiseDropout(0.5).eval(), torch.ones(1, 4, 8, 8)
    torch.manual_seed(seed)
    first, second = noise(feat), noise(feat)
    torch.manual_seed(seed)
    assert torch.equal(noise(feat), first) and not torch.equal(first, second)


def test_names_are_known_without_the_counters_of_batch_norms():
    state = nn.BatchNorm2d(3).state_dict()
    named = {f"norm.{name}": value for name, value in state.items()}
    old = {name: value for name, value in named.items() if not name.endswith("num_batches_tracked")}
    less = {name: value for name, value in named.items() if not name.endswith("running_var")}

    def make():
        return nn.ModuleDict({"norm": nn.BatchNorm2d(3)})

    assert has_names(named, make) and has_names(old, make) and not has_names(less, make)
