"""Gaussian noise and speckle against their formulas and published ranges."""

import json
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.linalg import orth

from gan_bench.chance import generator
from gan_bench.degradations import GaussianNoise, Speckle
from gan_bench.degradations.sampling import normal

UNLIKELY = 1e-4
COVARIANCE = [[400.0, 150.0, 50.0], [150.0, 300.0, 100.0], [50.0, 100.0, 200.0]]


def rngs(count, purpose="noise"):
    return [generator("test", purpose, index) for index in range(count)]


def gray_image(height=400, width=500, channels=3, level=0.5):
    return np.full((height, width, channels), level, np.float32)


def random_image(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, np.float32)


def added(degradation, pixels, drawn):
    return degradation.on_pixels(pixels, drawn, pixels.shape[:2]).reshape(pixels.shape).astype(np.float64) - pixels


def added_to_batch(degradation, pixels, draw):
    image = torch.from_numpy(np.stack([pixels.transpose(2, 0, 1)] * len(draw)))
    return (degradation.on_batch(image, draw, pixels.shape[:2]) - image).double().numpy()


def test_sigma_and_gray_are_drawn_as_real_esrgan_draws_them():
    draw = GaussianNoise([1, 30], gray=0.4).draw(rngs(4000))
    assert stats.kstest([drawn["sigma"] for drawn in draw], stats.uniform(1, 29).cdf).pvalue > UNLIKELY
    assert stats.binomtest(sum(drawn["gray"] for drawn in draw), 4000, 0.4).pvalue > UNLIKELY
    assert len({drawn["seed"] for drawn in draw}) == 4000
    grays = [drawn["sigma"] for drawn in draw if drawn["gray"]]
    assert stats.kstest(grays, stats.uniform(1, 29).cdf).pvalue > UNLIKELY


def test_speckle_draws_like_gaussian_noise():
    draw = Speckle([2, 25], gray=0.4).draw(rngs(3000, "speckle"))
    assert stats.kstest([drawn["sigma"] for drawn in draw], stats.uniform(2, 23).cdf).pvalue > UNLIKELY
    assert stats.binomtest(sum(drawn["gray"] for drawn in draw), 3000, 0.4).pvalue > UNLIKELY


def test_kinds_are_drawn_as_bsrgan_draws_them():
    draw = GaussianNoise([2, 25], gray=0.4, correlated=0.2).draw(rngs(5000, "kinds"))
    kinds = ["correlated" if "covariance" in drawn else "gray" if drawn["gray"] else "color" for drawn in draw]
    observed = [kinds.count(kind) for kind in ("gray", "correlated", "color")]
    assert stats.chisquare(observed, [2000, 1000, 2000]).pvalue > UNLIKELY


def test_covariances_are_distributed_as_the_published_formula():
    rng = np.random.default_rng(1)
    published = []
    for _ in range(3000):
        basis, spread = orth(rng.random((3, 3))), np.diag(rng.random(3))
        published.append(np.abs(25**2 * np.dot(np.dot(np.transpose(basis), spread), basis)))
    published = np.array(published)
    ours = np.array([one["covariance"] for one in GaussianNoise([2, 25], correlated=1).draw(rngs(3000, "matrix"))])
    for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)):
        assert stats.ks_2samp(ours[:, i, j], published[:, i, j]).pvalue > UNLIKELY
    np.testing.assert_array_equal(ours, ours.transpose(0, 2, 1))
    assert np.linalg.eigvalsh(ours).min() > -1e-5


@pytest.mark.parametrize("shared", [None, 3])
def test_what_is_drawn_is_json_and_never_shared(shared):
    together = None if shared is None else np.random.default_rng(shared)
    for degradation in (GaussianNoise([1, 30], 0.4, 0.3), Speckle([1, 9])):
        draw = degradation.draw(rngs(50), together)
        assert json.loads(json.dumps(draw)) == draw
        assert len({drawn["seed"] for drawn in draw}) == 50
        assert draw == degradation.draw(rngs(50))


def test_gaussian_noise_is_its_formula():
    pixels = random_image(31, 27, 3)
    made = GaussianNoise(40).on_pixels(pixels, {"sigma": 40.0, "gray": False, "seed": 9}, (31, 27))
    right = np.clip(pixels + 40 / 255 * normal(9, (31, 27, 3)).astype(np.float64), 0, 1)
    np.testing.assert_allclose(made, right, atol=1e-6)
    assert ((made == 0) | (made == 1)).any() and made.dtype == np.float32


def test_speckle_is_its_formula():
    pixels = random_image(31, 27, 3)
    made = Speckle(40).on_pixels(pixels, {"sigma": 40.0, "gray": False, "seed": 9}, (31, 27))
    right = np.clip(pixels * (1 + 40 / 255 * normal(9, (31, 27, 3)).astype(np.float64)), 0, 1)
    np.testing.assert_allclose(made, right, atol=1e-6)


def test_correlated_noise_is_a_root_of_the_covariance_times_normal_numbers():
    made = added(GaussianNoise(20), gray_image(8, 9), {"covariance": COVARIANCE, "seed": 4})
    white = normal(4, (3, 8, 9)).astype(np.float64)
    right = np.einsum("dc,chw->hwd", np.linalg.cholesky(np.array(COVARIANCE)) / 255, white)
    np.testing.assert_allclose(made, right, atol=1e-6)


@pytest.mark.parametrize("kind", ["pixels", "batch"])
def test_additive_noise_is_normal_with_its_sigma(kind):
    drawn = {"sigma": 15.0, "gray": False, "seed": 21}
    work = added if kind == "pixels" else lambda one, pixels, drawn: added_to_batch(one, pixels, [drawn])[0]
    noise = work(GaussianNoise(15), gray_image(), drawn).ravel() * 255 / 15
    assert stats.kstest(noise[::7], "norm").pvalue > UNLIKELY
    assert abs(noise.std() - 1) < 5 / np.sqrt(2 * noise.size)


@pytest.mark.parametrize("kind", ["pixels", "batch"])
@pytest.mark.parametrize("degradation", [GaussianNoise(20), Speckle(20)])
def test_gray_noise_is_equal_in_all_channels(degradation, kind):
    drawn = {"sigma": 20.0, "gray": True, "seed": 6}
    if kind == "pixels":
        noise = added(degradation, gray_image(), drawn).transpose(2, 0, 1)
    else:
        noise = added_to_batch(degradation, gray_image(), [drawn])[0]
    np.testing.assert_array_equal(noise[0], noise[1])
    np.testing.assert_array_equal(noise[0], noise[2])
    strength = 20 / 255 * (0.5 if isinstance(degradation, Speckle) else 1)
    assert abs(noise[0].std() / strength - 1) < 5 / np.sqrt(2 * noise[0].size)


@pytest.mark.parametrize("kind", ["pixels", "batch"])
def test_noise_has_the_drawn_covariance(kind):
    for drawn in GaussianNoise(25, correlated=1).draw(rngs(6, "covariance")):
        if kind == "pixels":
            noise = added(GaussianNoise(25), gray_image(), drawn).reshape(-1, 3).T
        else:
            noise = added_to_batch(GaussianNoise(25), gray_image(), [drawn])[0].reshape(3, -1)
        np.testing.assert_allclose(np.cov(noise * 255), drawn["covariance"], atol=25**2 * 0.02)


@pytest.mark.parametrize("covariance", [np.zeros((3, 3)), np.full((3, 3), 100.0), np.diag([0.0, 0.0, 400.0])])
def test_singular_covariances_work(covariance):
    drawn = {"covariance": covariance.tolist(), "seed": 2}
    noise = added(GaussianNoise(25), gray_image(), drawn).reshape(-1, 3).T * 255
    np.testing.assert_allclose(np.cov(noise), covariance, atol=4)


@pytest.mark.parametrize("kind", ["pixels", "batch"])
def test_one_channel_gets_plain_noise_of_the_mean_variance(kind):
    pixels, drawn = gray_image(channels=1), {"covariance": COVARIANCE, "seed": 2}
    degradation = GaussianNoise(25)
    noise = added(degradation, pixels, drawn) if kind == "pixels" else added_to_batch(degradation, pixels, [drawn])
    assert abs(noise.var() * 255**2 / 300 - 1) < 5 * np.sqrt(2 / noise.size)
    for gray in (True, False):  # the same thing where there is one channel
        np.testing.assert_array_equal(
            added(degradation, pixels, {"sigma": 9.0, "gray": gray, "seed": 2}),
            added(degradation, pixels, {"sigma": 9.0, "gray": False, "seed": 2}),
        )


def test_speckle_grows_with_the_image_and_leaves_black():
    drawn = {"sigma": 10.0, "gray": False, "seed": 3}
    spread = [added(Speckle(10), gray_image(level=level), drawn).std() for level in (0.0, 0.2, 0.4)]
    assert spread[0] == 0
    assert spread[2] / spread[1] == pytest.approx(2, rel=1e-4)


def test_a_batch_gives_each_sample_what_it_gets_alone():
    draw = GaussianNoise([5, 50], gray=0.4, correlated=0.3).draw(rngs(8, "batch"))
    assert {"covariance" in drawn for drawn in draw} == {True, False}
    image = torch.rand(8, 3, 16, 20, generator=torch.Generator().manual_seed(0))
    made = GaussianNoise(5).on_batch(image, draw, (16, 20))
    for one, drawn, alone in zip(image, draw, made, strict=True):
        assert torch.equal(GaussianNoise(5).on_batch(one[None], [drawn], (16, 20))[0], alone)
    assert made.min() == 0 and made.max() == 1


@given(
    seed=st.integers(0, 2**53 - 1),
    sigma=st.floats(0, 255),
    size=st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 3])),
    gray=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_results_replay_stay_in_range_and_leave_the_argument_alone(seed, sigma, size, gray):
    pixels = random_image(*size) * 1.2 - 0.1
    before, drawn = pixels.copy(), {"sigma": sigma, "gray": gray, "seed": seed}
    for degradation in (GaussianNoise(sigma), Speckle(sigma)):
        made = np.atleast_3d(degradation.on_pixels(pixels, drawn, size[:2]))
        assert made.shape == size and made.dtype == np.float32
        assert made.min() >= 0 and made.max() <= 1
        np.testing.assert_array_equal(pixels, before)
        np.testing.assert_array_equal(np.atleast_3d(degradation.on_pixels(pixels, drawn, size[:2])), made)


def test_the_image_is_made_smaller_before_the_noise():
    image = torch.full((2, 3, 64, 64), 0.5)
    degradation = GaussianNoise(10, scale=4)
    lq = degradation.apply(image, degradation.draw(rngs(2)))
    assert lq.shape == (2, 3, 16, 16)
    assert lq.std() * 255 == pytest.approx(10, rel=0.1)  # noise before the downscaling would be a third of it


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GaussianNoise(-1), "sigma=-1: outside of 0 to 255"),
        (lambda: GaussianNoise([30, 1]), "sigma=[30, 1]: the range is in the wrong order; write [1, 30]"),
        (lambda: GaussianNoise(5, gray=2), "gray=2: a probability from 0 to 1 is needed"),
        (lambda: GaussianNoise(5, correlated=-0.1), "correlated=-0.1: a probability from 0 to 1 is needed"),
        (lambda: GaussianNoise(5, 0.9, 0.2), "correlated=0.2: with gray=0.9 above 1; they are kinds of one noise"),
        (lambda: Speckle("strong"), "sigma=strong: one number or a pair [low, high] is needed"),
    ],
)
def test_wrong_values_are_refused_in_one_line(make, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        make()
