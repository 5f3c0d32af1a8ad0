"""Poisson noise against Real-ESRGAN's formula in float64, given the same counts, and against its moments."""

import json
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gan_bench.chance import generator
from gan_bench.degradations import PoissonNoise
from gan_bench.degradations.sampling import poisson

UNLIKELY = 1e-4


def rngs(count):
    return [generator("test", "poisson", index) for index in range(count)]


def drawn(strength=1.0, gray=False, seed=5):
    return {"strength": strength, "gray": gray, "seed": seed}


def image_of_levels(count, height=40, width=30, channels=3, seed=0):
    """Exactly `count` distinct 8-bit levels, each off the level by less than half of one."""
    rng = np.random.default_rng(seed)
    levels = rng.permutation(256)[:count]
    picked = np.concatenate([levels, rng.choice(levels, height * width * channels - count)])
    off = rng.uniform(-0.4, 0.4, picked.size)
    return ((rng.permutation(picked) + off).clip(0, 255) / 255).astype(np.float32).reshape(height, width, channels)


def reference(pixels, one):
    """The published formula in float64: rounded to 8 bit, as many values as levels, noise added to the unrounded."""
    pixels = pixels.astype(np.float64)
    source = pixels
    if one["gray"] and pixels.shape[2] == 3:
        source = (pixels @ [0.2989, 0.587, 0.114])[..., None]
    levels = np.rint(source * 255).clip(0, 255)
    values = 2 ** np.ceil(np.log2(len(np.unique(levels))))
    counts = poisson(one["seed"], levels.astype(np.uint8), int(values))
    return np.clip(pixels + one["strength"] * (counts / values - levels / 255), 0, 1)


def test_strength_and_gray_are_drawn_as_real_esrgan_draws_them():
    draw = PoissonNoise([0.05, 3], gray=0.4).draw(rngs(4000), np.random.default_rng(0))
    assert stats.kstest([one["strength"] for one in draw], stats.uniform(0.05, 2.95).cdf).pvalue > UNLIKELY
    assert stats.binomtest(sum(one["gray"] for one in draw), 4000, 0.4).pvalue > UNLIKELY
    assert len({one["seed"] for one in draw}) == 4000
    assert json.loads(json.dumps(draw)) == draw


@pytest.mark.parametrize("gray", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 17, 64, 65, 128, 129, 256])
def test_poisson_noise_is_the_published_formula(count, channels, gray):
    pixels = image_of_levels(count, channels=channels)
    made = np.atleast_3d(PoissonNoise(1).on_pixels(pixels, drawn(0.7, gray), (40, 30)))
    np.testing.assert_allclose(made, reference(pixels, drawn(0.7, gray)), atol=1e-5)
    assert made.dtype == np.float32 and made.shape == pixels.shape


def test_gray_noise_is_equal_in_all_channels():
    pixels = image_of_levels(200) * 0.2 + 0.4
    for made in (
        PoissonNoise(1).on_pixels(pixels, drawn(0.3, True), (40, 30)),
        PoissonNoise(1)
        .on_batch(torch.from_numpy(pixels.transpose(2, 0, 1)[None]), [drawn(0.3, True)], (40, 30))[0]
        .permute(1, 2, 0)
        .numpy(),
    ):
        noise = made - pixels
        assert noise.std() > 0.01
        np.testing.assert_allclose(noise[..., 0], noise[..., 1], atol=1e-6)
        np.testing.assert_allclose(noise[..., 0], noise[..., 2], atol=1e-6)


def on_both(pixels, one):
    """The noise on the CPU's way and on the batch's, each (H, W, C) float64."""
    image = torch.from_numpy(pixels.transpose(2, 0, 1)[None])
    batch = PoissonNoise(1).on_batch(image, [one], pixels.shape[:2])[0].permute(1, 2, 0).numpy()
    single = PoissonNoise(1).on_pixels(pixels, one, pixels.shape[:2])
    return [np.atleast_3d(made).astype(np.float64) - pixels for made in (single, batch)]


@pytest.mark.parametrize(("distinct", "values"), [(1, 1), (2, 2), (4, 4), (63, 64), (64, 64), (65, 128), (256, 256)])
def test_as_many_values_as_levels_rounded_up_to_a_power_of_two(distinct, values):
    """Where x is 128/255, the noise has mean 0 and variance strength^2 x / v."""
    pixels = np.full((300, 400, 1), 128 / 255, np.float32)
    pixels.ravel()[: distinct - 1] = [level / 255 for level in range(256) if level != 128][: distinct - 1]
    right = 0.05**2 * (128 / 255) / values
    for noise in on_both(pixels, drawn(0.05)):
        free = noise.ravel()[256:]
        fourth = 3 + 1 / (128 / 255 * values)  # kurtosis of a Poisson distribution
        assert abs(free.var() / right - 1) < 5 * np.sqrt((fourth - 1) / free.size)
        assert abs(free.mean()) < 5 * np.sqrt(right / free.size)


def test_a_batch_gives_each_sample_what_it_gets_alone():
    images = [image_of_levels(count, 16, 20, seed=count) for count in (1, 3, 100, 256)]
    batch = torch.from_numpy(np.stack(images).transpose(0, 3, 1, 2).copy())
    draw = [drawn(0.5, False, 1), drawn(3.0, True, 2), drawn(0.05, False, 3), drawn(2.0, True, 4)]
    made = PoissonNoise(1).on_batch(batch, draw, (16, 20))
    for one, single, alone in zip(batch, draw, made, strict=True):
        assert torch.equal(PoissonNoise(1).on_batch(one[None], [single], (16, 20))[0], alone)
    assert made.min() == 0 and made.max() == 1


def test_black_has_no_noise():
    for noise in on_both(np.zeros((5, 6, 3), np.float32), drawn(3.0)):
        assert not noise.any()


@given(
    seed=st.integers(0, 2**53 - 1),
    strength=st.floats(0, 4),
    size=st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 3])),
    gray=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_results_replay_stay_in_range_and_leave_the_argument_alone(seed, strength, size, gray):
    pixels = np.random.default_rng(0).random(size, np.float32) * 1.2 - 0.1
    before, one = pixels.copy(), drawn(strength, gray, seed)
    made = np.atleast_3d(PoissonNoise(strength).on_pixels(pixels, one, size[:2]))
    assert made.shape == size and made.min() >= 0 and made.max() <= 1
    np.testing.assert_array_equal(pixels, before)
    np.testing.assert_array_equal(np.atleast_3d(PoissonNoise(strength).on_pixels(pixels, one, size[:2])), made)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PoissonNoise(-0.1), "strength=-0.1: outside of 0 to 100"),
        (lambda: PoissonNoise([3, 1]), "strength=[3, 1]: the range is in the wrong order; write [1, 3]"),
        (lambda: PoissonNoise(1, gray="yes"), "gray=yes: a probability from 0 to 1 is needed"),
    ],
)
def test_wrong_values_are_refused_in_one_line(make, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        make()
