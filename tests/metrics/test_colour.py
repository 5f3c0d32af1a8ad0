"""Colour differences are scikit-image's, and only what is larger than texture counts."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import deltaE_cie76, rgb2lab

from gan_bench.image import to_tensor
from gan_bench.metrics import ColourShift, colour_shift
from gan_bench.metrics.colour import lab


def image(seed, height=48, width=64):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@given(st.lists(st.integers(0, 255), min_size=3, max_size=3))
@settings(max_examples=50, deadline=None)
def test_lab_is_that_of_scikit_image(levels):
    pixel = np.array([[levels]], np.uint8)
    np.testing.assert_allclose(lab(pixel.astype(float)), rgb2lab(pixel), atol=2e-3)


@pytest.mark.parametrize(
    ("levels", "expected"),
    [((255, 255, 255), (100, 0, 0)), ((0, 0, 0), (0, 0, 0)), ((255, 0, 0), (53.24, 80.09, 67.20))],
)
def test_lab_of_known_colours(levels, expected):
    np.testing.assert_allclose(lab(np.array(levels, float)), expected, atol=0.03)


def test_it_is_the_difference_of_the_means_of_blocks():
    one, other = image(0), image(1)
    means = [pixels.reshape(3, 16, 4, 16, 3).mean((1, 3)) for pixels in (one, other)]
    expected = deltaE_cie76(*(rgb2lab(mean / 255) for mean in means)).mean()
    assert colour_shift(one, other) == pytest.approx(expected, abs=2e-3)


def test_blocks_at_the_border_are_means_of_what_is_there():
    one, other = (np.full((17, 20, 3), level, np.uint8) for level in (100, 120))
    one[16:], other[16:] = 30, 30
    expected = deltaE_cie76(*(rgb2lab(np.full(3, level / 255)) for level in (100, 120))) / 2
    assert colour_shift(one, other) == pytest.approx(expected, abs=2e-3)


def test_texture_does_not_count_and_a_cast_does():
    flat = np.full((64, 64, 3), 128, np.uint8)
    texture = flat.copy()
    texture[::2], texture[1::2] = 118, 138
    cast = flat.copy()
    cast[..., 0] += 10
    assert colour_shift(texture, flat) < 1e-9
    assert colour_shift(cast, flat) > 2.3


def test_gray_images_compare_by_lightness():
    one, other = (torch.full((1, 1, 32, 32), level / 255) for level in (100.0, 120.0))
    expected = deltaE_cie76(*(rgb2lab(np.full(3, level / 255)) for level in (100, 120)))
    assert ColourShift().score(one, other, None).item() == pytest.approx(expected, abs=2e-3)


def test_equal_images_have_none_and_other_sizes_are_refused():
    one = to_tensor(image(0))[None]
    assert ColourShift().score(one, one, None).item() == 0
    with pytest.raises(ValueError, match="one size"):
        ColourShift().score(one, one[..., :32], None)
    with pytest.raises(ValueError, match="ground truth"):
        ColourShift().score(one, None, None)
