"""Undersampling against NumPy's two-dimensional transform, Rician noise against SciPy's distribution."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gan_bench.chance import generator
from gan_bench.degradations import RicianNoise, Undersample
from gan_bench.image import read, to_tensor


def pixels(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, np.float32)


def drawn(operator, position=0):
    return operator.draw([generator("degradation", 0, position)])[0]


def kept(operator, one, columns):
    """How many of the two columns of each frequency come through, seen from outside: 0, 1 or 2, from frequency 1 on.

    Every row is a wave on a constant. Both columns leave the wave, one leaves half of it, none leaves the constant.
    """
    frequencies = np.arange(1, (columns - 1) // 2 + 1)
    waves = 0.5 + 0.25 * np.cos(2 * np.pi * np.outer(frequencies, np.arange(columns)) / columns)
    through = operator.on_pixels(waves[..., None].astype(np.float32), one, waves.shape)
    return np.digitize(through.var(axis=(1, 2)), [0.004, 0.016])


def reference_mask(columns, one):
    """FastMRI's rule, written again: (columns,) of bool, the lowest frequency in the middle."""
    always = max(1, round(columns * one["centre"]))
    chance = (columns / one["acceleration"] - always) / (columns - always) if columns > always else 1.0
    mask = np.random.default_rng(one["seed"]).uniform(size=columns) < chance
    start = (columns - always + 1) // 2
    mask[start : start + always] = True
    return mask


def reference(image, one):
    """(H, W, C) float64: centred two-dimensional k-space, masked by columns, and the magnitude of its inverse."""
    mask = reference_mask(image.shape[1], one)[None, :, None]
    kspace = np.fft.fftshift(np.fft.fft2(image.astype(np.float64), axes=(0, 1)), axes=(0, 1)) * mask
    return np.abs(np.fft.ifft2(np.fft.ifftshift(kspace, axes=(0, 1)), axes=(0, 1)))


SHAPES = [(32, 48, 1), (31, 47, 1), (20, 33, 3), (1, 64, 1), (64, 1, 1), (1, 1, 1), (2, 3, 3)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("acceleration", "centre"), [(4, 0.08), (8, 0.04), ([2, 6], [0.0, 0.1])])
def test_undersampling_is_the_two_dimensional_transform(shape, acceleration, centre):
    operator, image = Undersample(acceleration, centre), pixels(*shape)
    for position in range(4):
        one = drawn(operator, position)
        np.testing.assert_allclose(operator.on_pixels(image, one, shape[:2]), reference(image, one), atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_all_columns_give_the_image_back(shape):
    operator, image = Undersample(1, 0.08), pixels(*shape)
    np.testing.assert_allclose(operator.on_pixels(image, drawn(operator), shape[:2]), image, atol=1e-6)


def test_a_batch_is_undersampled_by_the_same_masks():
    operator, image = Undersample([2, 8], 0.04), pixels(3, 24, 37, 3)
    draw = operator.draw([generator("degradation", 0, position) for position in range(3)])
    batch = torch.from_numpy(image.transpose(0, 3, 1, 2).copy())
    alone = operator.apply(batch, draw)
    torch.testing.assert_close(operator.on_batch(batch, draw, (24, 37)).clamp(0, 1), alone, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("columns", "acceleration", "centre"), [(321, 4, 0.08), (255, 8, 0.04), (101, 3, 0.1)])
def test_a_share_of_the_columns_is_kept_on_average_and_the_centre_always(columns, acceleration, centre):
    operator, always = Undersample(acceleration, centre), round(columns * centre)
    counts = np.array([kept(operator, drawn(operator, position), columns) for position in range(200)])
    assert (counts[:, : (always - 1) // 2] == 2).all()
    total = 1 + counts.sum(axis=1)  # and the constant, which test_what_is_constant_survives_any_mask sees
    chance = (columns / acceleration - always) / (columns - always)
    deviation = np.sqrt((columns - always) * chance * (1 - chance))
    assert abs(total.mean() - columns / acceleration) < 4 * deviation / np.sqrt(len(total))
    assert total.std() == pytest.approx(deviation, rel=0.25)


def test_what_is_constant_survives_any_mask():
    image = np.full((8, 40, 1), 0.3, np.float32)
    for position in range(10):
        one = drawn(Undersample(8, 0.0), position)
        np.testing.assert_allclose(Undersample(8, 0.0).on_pixels(image, one, (8, 40)), image, atol=1e-6)


def test_a_real_slice_loses_sharpness_across_the_columns_only(reference_slice):
    """Aliasing runs along the rows: every row is degraded by itself."""
    operator = Undersample(4, 0.08)
    one = drawn(operator)
    whole = operator.on_pixels(reference_slice, one, reference_slice.shape[:2])
    half = operator.on_pixels(np.ascontiguousarray(reference_slice[100:140]), one, (40, 256))
    np.testing.assert_allclose(whole[100:140], half, atol=1e-5)
    assert np.abs(whole - reference_slice).mean() > 0.01


@pytest.fixture
def reference_slice(reference):
    picture = read(reference / "data" / "medical" / "skimage_brain.tiff")
    image = to_tensor(picture.pixels).permute(1, 2, 0).numpy()
    return np.ascontiguousarray(image / image.max())


@pytest.mark.parametrize("level", [0.0, 0.02, 0.1, 0.7])
@pytest.mark.parametrize("batched", [False, True])
def test_rician_moments_are_scipys(level, batched):
    operator = RicianNoise(12.75)
    sigma = 12.75 / 255
    image = np.full((200, 200, 1), level, np.float32)
    if batched:
        noisy = operator.on_batch(
            torch.from_numpy(image.transpose(2, 0, 1)[None].copy()), [drawn(operator)], (200, 200)
        )
        noisy = noisy.numpy()
    else:
        noisy = operator.on_pixels(image, drawn(operator), (200, 200))
    expected = stats.rice(level / sigma, scale=sigma)
    assert noisy.mean() == pytest.approx(expected.mean(), abs=5 * expected.std() / 200)
    assert noisy.std() == pytest.approx(expected.std(), rel=0.02)
    assert stats.kstest(noisy.ravel().astype(np.float64), expected.cdf).pvalue > 1e-4


def test_no_sigma_no_noise():
    image = pixels(9, 7, 3)
    np.testing.assert_allclose(RicianNoise(0).on_pixels(image, {"sigma": 0.0, "seed": 1}, (9, 7)), image, atol=1e-7)


OPERATORS = [Undersample([1, 8], [0, 0.1]), RicianNoise([0, 20])]


@pytest.mark.parametrize("operator", OPERATORS)
@settings(max_examples=25, deadline=None)
@given(shape=st.tuples(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3])), position=st.integers(0, 10**6))
def test_a_replayed_draw_gives_the_same_image(operator, shape, position):
    image = pixels(*shape)
    before = image.copy()
    one = drawn(operator, position)
    first = operator.on_pixels(image, one, shape[:2])
    again = operator.on_pixels(image, json.loads(json.dumps(one, allow_nan=False)), shape[:2])
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(image, before)
    assert first.shape == shape
    assert first.dtype == np.float32
    assert np.isfinite(first).all()
    assert first.min() >= 0


@pytest.mark.parametrize("scale", [1, 2, 4])
@pytest.mark.parametrize("cls", [Undersample, RicianNoise])
def test_alone_they_run_at_every_scale(cls, scale):
    operator = cls(scale=scale)
    lq = operator.apply(torch.rand(2, 1, 16, 24), operator.draw([generator("a"), generator("b")]))
    assert lq.shape == (2, 1, 16 // scale, 24 // scale)
    assert 0 <= lq.min() <= lq.max() <= 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Undersample(0.5), r"^acceleration=0\.5: outside of 1 to 1000$"),
        (lambda: Undersample([8, 4]), r"^acceleration=\[8, 4\]: [^\n]+ write \[4, 8\]$"),
        (lambda: Undersample(8, 0.2), r"^centre=0\.2: more columns [^\n]+; write at most 0\.125$"),
        (lambda: Undersample(4, "all"), r"^centre=all: one number or a pair [^\n]+$"),
        (lambda: RicianNoise(-1), r"^sigma=-1: outside of 0 to 255$"),
    ],
)
def test_bad_arguments_are_one_line(make, message):
    with pytest.raises(ValueError, match=message):
        make()
