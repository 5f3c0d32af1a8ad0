"""Padding and initialisation that networks share."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from gan_bench.networks.blocks import conv3x3, pad_to_multiple, scaled_kaiming_


@given(height=st.integers(1, 11), width=st.integers(1, 11), factor=st.sampled_from([1, 2, 4]))
def test_padding_reflects_or_replicates_at_the_far_sides(height, width, factor):
    image = np.arange(height * width, dtype=np.float32).reshape(height, width)
    bottom, right = -height % factor, -width % factor
    mode = "reflect" if bottom < height and right < width else "edge"
    expected = np.pad(image, ((0, bottom), (0, right)), mode=mode)
    got = pad_to_multiple(torch.from_numpy(image)[None, None], factor)
    np.testing.assert_array_equal(got[0, 0].numpy(), expected)


def test_scaled_kaiming_has_the_right_spread_and_no_bias():
    torch.manual_seed(0)
    conv = conv3x3(64, 64)
    scaled_kaiming_([conv], 0.1)
    assert conv.weight.std().item() == pytest.approx(0.1 * math.sqrt(2 / (64 * 9)), rel=0.02)
    assert conv.weight.mean().item() == pytest.approx(0, abs=1e-4)
    assert not conv.bias.any()


def test_scaled_kaiming_takes_a_convolution_without_bias():
    scaled_kaiming_([nn.Conv2d(3, 3, 3, bias=False)], 0.5)
