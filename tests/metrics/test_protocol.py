"""Prepared arrays against MATLAB's documentation read aloud, one pixel at a time."""

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_bench.errors import UsageError
from gan_bench.metrics.protocol import PROTOCOLS, get_protocol

Y, RGB = PROTOCOLS["y"], PROTOCOLS["rgb"]
levels = st.integers(0, 255)


def of(*rgb, side=9):
    """A flat colour image, (C, side, side) in [0, 1], from levels."""
    return torch.tensor(rgb, dtype=torch.float64).div(255)[:, None, None].expand(-1, side, side)


@settings(max_examples=100, deadline=None)
@given(levels, levels, levels)
def test_luma_is_rounded_bt601(red, green, blue):
    exact = 16 * 255_000 + 65_481 * red + 128_553 * green + 24_966 * blue  # in whole numbers: ties are ties
    restored, _ = Y.prepare(of(red, green, blue), of(red, green, blue), 1)
    assert restored.shape == (1, 9, 9)
    assert restored[0, 0, 0] == (exact + 127_500) // 255_000


def test_luma_of_white_black_and_primaries():
    found = [Y.prepare(of(*c), of(*c), 1)[0][0, 0, 0] for c in ((0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 0, 255))]
    assert found == [16, 235, 81, 41]


@pytest.mark.parametrize(("scale", "left"), [(1, 20), (2, 16), (4, 12)])
def test_y_crops_the_scale_and_nothing_at_scale_1(scale, left):
    image = torch.rand(3, 20, 20)
    restored, gt = Y.prepare(image, image, scale)
    assert restored.shape == gt.shape == (1, left, left)
    cut = (20 - left) // 2
    np.testing.assert_array_equal(restored, Y.prepare(image, image, 1)[0][:, cut : 20 - cut, cut : 20 - cut])


def test_rgb_keeps_all_channels_and_the_border():
    image = torch.rand(3, 20, 17)
    restored, _ = RGB.prepare(image, image, 4)
    assert restored.dtype == np.float64
    np.testing.assert_array_equal(restored, np.floor(image.double().numpy() * 255 + 0.5))


def test_both_sides_are_clamped_and_rounded_to_8_bit():
    gt = of(100.4, 7, 0)
    restored, prepared = RGB.prepare(gt * 0 + torch.tensor([-1.0, 2.0, 0.5])[:, None, None], gt, 1)
    assert restored[:, 0, 0].tolist() == [0, 255, 128]
    assert prepared[:, 0, 0].tolist() == [100, 7, 0]


@pytest.mark.parametrize("protocol", [Y, RGB])
def test_one_channel_is_scored_on_its_own_values(protocol):
    restored, gt = protocol.prepare(of(3), of(200), 1)
    assert (restored[0, 0, 0], gt[0, 0, 0]) == (3, 200)
    assert restored.shape[0] == 1


@pytest.mark.parametrize("protocol", [Y, RGB])
def test_three_restored_channels_are_averaged_before_rounding(protocol):
    # rounded first, 10.4 10.4 11.4 would give 10 10 11 and their mean 10
    restored, _ = protocol.prepare(of(10.4, 10.4, 11.4), of(0), 1)
    assert restored.shape[0] == 1
    assert restored[0, 0, 0] == math.floor(10.733 + 0.5)


def test_one_restored_channel_is_stacked_for_a_colour_gt():
    restored, gt = RGB.prepare(of(9), of(1, 2, 3), 1)
    assert restored[:, 0, 0].tolist() == [9, 9, 9]
    assert gt[:, 0, 0].tolist() == [1, 2, 3]
    same, _ = Y.prepare(of(9), of(1, 2, 3), 1)
    np.testing.assert_array_equal(same, Y.prepare(of(9, 9, 9), of(1, 2, 3), 1)[0])


def test_sizes_that_differ_are_named():
    with pytest.raises(UsageError, match="restored is 9x8 and ground truth 9x9"):
        Y.prepare(torch.rand(3, 9, 8), torch.rand(3, 9, 9), 4)


def test_an_image_that_is_all_border_is_refused():
    with pytest.raises(UsageError, match=r"8x30 .* border of 4"):
        Y.prepare(torch.rand(3, 8, 30), torch.rand(3, 8, 30), 4)


def test_nan_and_other_channel_counts_are_refused():
    with pytest.raises(ValueError, match="NaN"):
        Y.prepare(torch.full((3, 9, 9), float("nan")), torch.rand(3, 9, 9), 1)
    with pytest.raises(ValueError, match="NaN"):
        Y.prepare(torch.full((3, 9, 9), float("nan")), torch.rand(1, 9, 9), 1)
    with pytest.raises(ValueError, match="channels"):
        Y.prepare(torch.rand(2, 9, 9), torch.rand(3, 9, 9), 1)
    with pytest.raises(ValueError, match="channels"):
        Y.prepare(torch.rand(4, 9, 9), torch.rand(4, 9, 9), 1)


def test_descriptions_are_json_and_tell_protocols_apart():
    texts = [json.dumps(protocol.describe(), allow_nan=False) for protocol in PROTOCOLS.values()]
    assert len(set(texts)) == len(PROTOCOLS)
    assert "65.481" in texts[0]


def test_unknown_protocol_suggests_the_nearest():
    assert get_protocol("y") is Y
    with pytest.raises(UsageError, match="did you mean 'rgb'"):
        get_protocol("rgbb")
