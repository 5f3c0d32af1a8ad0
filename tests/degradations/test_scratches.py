"""Marks on photographs and their fading: what is drawn is what is seen, at any size, on one channel or three."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_bench.chance import generator
from gan_bench.degradations import Dust, Fading, Scratches

GRAY = 0.5


def drawn(operator, position=0):
    return operator.draw([generator("degradation", 0, position)])[0]


def marked(operator, size=(128, 128), position=0, channels=1, level=GRAY, **values):
    image = np.full((*size, channels), level, np.float32)
    return operator.on_pixels(image, {**drawn(operator, position), **values}, size)


def covered(image):
    """Share of pixels that are not the gray below."""
    return (np.abs(image - GRAY) > 0.02).mean()


def directions(image):
    """Mean squared difference to the neighbour at the right, and to that below: a vertical line has the first alone."""
    return np.square(np.diff(image, axis=1)).mean(), np.square(np.diff(image, axis=0)).mean()


# Scratches


def test_none_drawn_none_seen():
    for operator in (Scratches(count=0), Dust(count=0, fibres=0), Scratches(opacity=0, count=5)):
        np.testing.assert_array_equal(marked(operator), np.full((128, 128, 1), GRAY, np.float32))


def test_more_longer_and_wider_scratches_cover_more():
    def mean(**values):
        operator = Scratches(**{"count": 5, "width": 0.01, "length": 0.5, "opacity": 1, **values})
        return np.mean([covered(marked(operator, position=position)) for position in range(20)])

    assert mean(count=1) < mean(count=5) < mean(count=20)
    assert mean(length=0.1) < mean(length=0.5) < mean(length=1.0)
    assert mean(width=0.004) < mean(width=0.01) < mean(width=0.03)
    assert mean(roughness=0.0) != mean(roughness=1.0)


def test_scratches_are_vertical_unless_tilted():
    for position in range(10):
        across, along = directions(marked(Scratches(count=6, tilt=0, dark=0, opacity=1), position=position))
        assert across > 3 * along
    either = np.mean([directions(marked(Scratches(count=6, tilt=90, opacity=1), position=p)) for p in range(40)], 0)
    assert 0.4 < either[0] / either[1] < 2.5


def test_bright_marks_brighten_and_dark_ones_darken():
    for cls in (Scratches, Dust):
        bright, dark = (marked(cls(count=20, opacity=1, dark=share)) for share in (0, 1))
        assert bright.min() == np.float32(GRAY) < bright.max()
        assert dark.max() == np.float32(GRAY) > dark.min()
        assert bright.max() <= 0.95
        assert dark.min() >= 0.05


def test_the_share_of_dark_marks_is_the_probability():
    draws = Dust(count=50, dark=0.3).draw([generator("dust", number) for number in range(200)])
    assert np.mean([one["dark"] for one in draws]) == pytest.approx(15, abs=4 * np.sqrt(50 * 0.21 / 200))


def test_thin_lines_are_antialiased_down_to_nothing():
    """A line below a pixel fades instead of vanishing or staying a pixel wide: its light is its area."""
    values = {"count": 4, "opacity": 1.0, "tilt": 0.0, "dark": 0, "length": 0.8}
    light = [
        np.mean([marked(Scratches(), position=p, width=width, **values).mean() - GRAY for p in range(20)])
        for width in (0.0005, 0.001, 0.002, 0.004)
    ]
    assert light[0] > 0
    for thin, wide in zip(light, light[1:], strict=False):
        assert 1.6 < wide / thin < 2.4
    levels = np.unique(np.round(marked(Scratches(), width=0.01, **values), 3))
    assert len(levels) > 20


# Dust


def test_specks_and_fibres_grow_with_what_is_drawn():
    def mean(**values):
        operator = Dust(**{"count": 50, "fibres": 0, "radius": 0.01, "opacity": 1, **values})
        return np.mean([covered(marked(operator, position=position)) for position in range(10)])

    assert mean(count=10) < mean(count=50) < mean(count=200)
    assert mean(radius=0.005) < mean(radius=0.01) < mean(radius=0.03)
    assert 0 < mean(count=0, fibres=2) < mean(count=0, fibres=10)


# Fading


def by_hand(image, one):
    """(H, W, 3) float64: the formulas, without unevenness."""
    luma = image.astype(np.float64) @ [0.299, 0.587, 0.114]
    tones = [luma ** (1 - one["warmth"] / 2), luma, luma ** (1 + one["warmth"])]
    toned = (1 - one["sepia"]) * image + one["sepia"] * np.stack(tones, -1)
    return np.clip(one["contrast"] * (toned - 0.5) + 0.5 + one["brightness"], 0, 1)


def test_fading_is_its_formula():
    image = np.random.default_rng(0).random((20, 31, 3), np.float32)
    operator = Fading(uneven=0)
    for position in range(10):
        one = drawn(operator, position)
        np.testing.assert_allclose(operator.on_pixels(image, one, (20, 31)), by_hand(image, one), atol=1e-5)


def test_low_contrast_lifts_the_blacks():
    made = marked(Fading(contrast=0.6, brightness=0, sepia=0, uneven=0), level=0.0, channels=3)
    np.testing.assert_allclose(made, 0.2, atol=1e-6)


def test_sepia_is_left_out_on_one_channel():
    gray = np.random.default_rng(1).random((9, 8, 1), np.float32)
    one = {"contrast": 1.0, "brightness": 0.0, "sepia": 1.0, "warmth": 0.5, "uneven": 0.0, "seed": 1}
    np.testing.assert_allclose(Fading().on_pixels(gray, one, (9, 8)), gray, atol=1e-6)
    red, green, blue = np.moveaxis(Fading().on_pixels(np.repeat(gray, 3, 2), one, (9, 8)), 2, 0)
    assert (red >= green).all() and (green >= blue).all() and (red - blue).max() > 0.1


def test_uneven_fading_is_slow_and_bounded():
    made = marked(Fading(contrast=1, brightness=0, sepia=0, uneven=0.06))
    assert 0.02 < np.ptp(made) < 0.2
    assert max(directions(made)) < 1e-4


# All of them

OPERATORS = [Scratches(count=(0, 9)), Scratches(count=3, roughness=(0.3, 1), tilt=90), Dust(), Fading()]


@pytest.mark.parametrize("operator", OPERATORS, ids=["scratches", "creases", "dust", "fading"])
@settings(max_examples=25, deadline=None)
@given(shape=st.tuples(st.integers(1, 60), st.integers(1, 60), st.sampled_from([1, 3])), position=st.integers(0, 10**6))
def test_a_replayed_draw_gives_the_same_image(operator, shape, position):
    image = np.random.default_rng(position).random(shape, np.float32)
    before, one = image.copy(), drawn(operator, position)
    first = operator.on_pixels(image, one, shape[:2])
    again = operator.on_pixels(image, json.loads(json.dumps(one, allow_nan=False)), shape[:2])
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(image, before)
    assert first.shape == shape
    assert first.dtype == np.float32
    assert 0 <= first.min() <= first.max() <= 1


@pytest.mark.parametrize("operator", OPERATORS, ids=["scratches", "creases", "dust", "fading"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_batch_is_degraded_as_its_images_are(operator, channels):
    image = torch.rand(3, channels, 24, 40, generator=torch.Generator().manual_seed(0))
    draw = operator.draw([generator("degradation", 0, position) for position in range(3)])
    torch.testing.assert_close(operator.on_batch(image, draw, (24, 40)), operator.apply(image, draw), atol=1e-5, rtol=0)


@pytest.mark.parametrize("operator", OPERATORS[:3], ids=["scratches", "creases", "dust"])
def test_a_small_patch_looks_like_a_large_photograph(operator):
    """The same draw covers the same share, whatever the number of pixels, and in the same places."""
    for position in range(6):
        small, large = (marked(operator, (side, side), position) for side in (96, 384))
        shrunk = large.reshape(96, 4, 96, 4).mean(axis=(1, 3))
        assert np.abs(small[..., 0] - shrunk).mean() < 0.35 * np.abs(shrunk - GRAY).mean() + 2e-4
        assert (small.mean() - GRAY) == pytest.approx(large.mean() - GRAY, rel=0.25, abs=5e-4)


@pytest.mark.parametrize("scale", [1, 2, 8])
@pytest.mark.parametrize("cls", [Scratches, Dust, Fading])
def test_alone_they_run_at_every_scale(cls, scale):
    operator = cls(scale=scale)
    lq = operator.apply(torch.rand(2, 3, 32, 48), operator.draw([generator("a"), generator("b")]))
    assert lq.shape == (2, 3, 32 // scale, 48 // scale)
    assert 0 <= lq.min() <= lq.max() <= 1


def test_a_whole_photograph_with_sides_of_many_pixels_is_painted():
    made = marked(Scratches(count=5, opacity=1, width=0.004), (1500, 1100))
    assert 0.0005 < covered(made) < 0.1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Scratches(count=1.5), r"^count=1\.5: whole numbers are needed$"),
        (lambda: Scratches(count=[9, 1]), r"^count=\[9, 1\]: [^\n]+ write \[1, 9\]$"),
        (lambda: Scratches(count=-1), r"^count=-1: outside of 0 to 100000$"),
        (lambda: Scratches(tilt=100), r"^tilt=100: outside of 0 to 90$"),
        (lambda: Scratches(dark=2), r"^dark=2: a probability [^\n]+$"),
        (lambda: Dust(fibres="many"), r"^fibres=many: one number or a pair [^\n]+$"),
        (lambda: Fading(contrast=1.2), r"^contrast=1\.2: outside of 0 to 1$"),
        (lambda: Fading(sepia=[0, 1, 2]), r"^sepia=\[0, 1, 2\]: one number or a pair [^\n]+$"),
    ],
)
def test_bad_arguments_are_one_line(make, message):
    with pytest.raises(ValueError, match=message):
        make()
