"""FID and KID against plain NumPy and SciPy on the features of a small network; images in any order, of any size."""

import math
import random

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from gan_bench.errors import WorkError
from gan_bench.metrics import FID, KID, sets

SIZE = 8  # pixels


class Pooled(nn.Module):
    """(1, 3, H, W) uint8 -> (1, F): a random layer on the image at 4x4, then a ReLU."""

    def __init__(self, num_features):
        super().__init__()
        weights = np.random.default_rng(7).standard_normal((num_features, 48))
        self.weights = torch.from_numpy(weights).float()

    def forward(self, image):
        pooled = nn.functional.adaptive_avg_pool2d(image.float() / 255, 4).reshape(1, -1)
        return ((pooled - 0.5) @ self.weights.T).relu()


def pictures(number, seed=0, size=SIZE, gamma=1.0):
    return torch.from_numpy(np.random.default_rng(seed).random((number, 3, size, size)) ** gamma).float()


def features(images, network):
    """(N, F) float64 by NumPy, from levels rounded half up."""
    levels = np.floor(images.double().clamp(0, 1).numpy() * 255 + 0.5)
    side = images.shape[-1] // 4
    pooled = levels.reshape(len(images), 3, 4, side, 4, side).mean((3, 5)).reshape(len(images), -1) / 255
    return np.maximum((pooled - 0.5) @ network.weights.double().numpy().T, 0)


def scored(kind, real, restored, num_features=6):
    metric = kind(Pooled(num_features))
    metric.add_real(real)
    for image in restored:
        metric.add_restored(image[None])
    return metric.compute()


def frechet(a, b):
    means = np.sum((a.mean(0) - b.mean(0)) ** 2)
    first, second = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = scipy.linalg.sqrtm(first @ second)
    return means + np.trace(first) + np.trace(second) - 2 * np.trace(root).real


def discrepancy(a, b):
    """The unbiased estimate, sum by sum."""
    m, n, width = len(a), len(b), a.shape[1]

    def kernel(x, y):
        return (np.dot(x, y) / width + 1) ** 3

    among = [sum(kernel(x[i], x[j]) for i in range(k) for j in range(k) if i != j) / (k * (k - 1))
             for x, k in ((a, m), (b, n))]  # fmt: skip
    return sum(among) - 2 * sum(kernel(x, y) for x in a for y in b) / (m * n)


@pytest.mark.parametrize(("real", "restored"), [(40, 40), (25, 60)])
def test_fid_is_that_of_scipy(real, restored):
    sides = pictures(real), pictures(restored, 1, gamma=1.3)
    expected = frechet(*(features(side, Pooled(6)) for side in sides))
    assert scored(FID, *sides) == pytest.approx(expected, rel=1e-4)


def test_fid_of_fewer_images_than_features_is_that_of_the_whole_matrices():
    """The root of a singular product by the two halves' nuclear norm: tr (AA'BB')^1/2 = |A'B|."""
    sides = pictures(5), pictures(4, 1, gamma=1.3)
    a, b = (features(side, Pooled(30)) for side in sides)
    halves = [(side - side.mean(0)) / math.sqrt(len(side) - 1) for side in (a, b)]
    spread = sum(np.sum(half**2) for half in halves) - 2 * np.linalg.norm(halves[0] @ halves[1].T, "nuc")
    expected = np.sum((a.mean(0) - b.mean(0)) ** 2) + spread
    assert scored(FID, *sides, num_features=30) == pytest.approx(expected, rel=1e-4)


def test_kid_is_the_unbiased_discrepancy():
    sides = pictures(12), pictures(12, 1, gamma=1.3)
    expected = discrepancy(*(features(side, Pooled(6)) for side in sides))
    assert scored(KID, *sides) == pytest.approx(expected, rel=1e-4)


def test_kid_of_unequal_numbers_is_near_the_discrepancy_of_all():
    sides = pictures(12), pictures(30, 1, gamma=3.0)
    expected = discrepancy(*(features(side, Pooled(6)) for side in sides))
    assert scored(KID, *sides) == pytest.approx(expected, rel=0.1)


def test_kid_draws_subsets_where_there_are_many(monkeypatch):
    sides = pictures(12), pictures(12, 1, gamma=2.0)
    whole = scored(KID, *sides)
    monkeypatch.setattr(sets, "SUBSET_SIZE", 5)
    drawn = scored(KID, *sides)
    assert drawn != whole
    assert drawn == pytest.approx(whole, rel=0.2)


def test_equal_sets_are_at_no_distance():
    images = pictures(9)
    assert scored(FID, images, images) == pytest.approx(0, abs=1e-6)
    assert scored(KID, images, images) <= 0  # unbiased: the diagonal, where the kernel is largest, counts on one side


@pytest.mark.parametrize("kind", [FID, KID])
@settings(max_examples=10, deadline=None)
@given(numbers=st.tuples(st.integers(2, 9), st.integers(2, 9)), chance=st.randoms(use_true_random=False))
def test_the_order_of_images_changes_nothing(kind, numbers, chance: random.Random):
    real, restored = (pictures(number, seed) for seed, number in enumerate(numbers))
    shuffled = [side[chance.sample(range(len(side)), len(side))] for side in (real, restored)]
    assert scored(kind, *shuffled) == scored(kind, real, restored)


def test_kid_takes_no_chance_from_outside_and_gives_none():
    sides = pictures(12), pictures(20, 1)
    torch.manual_seed(1)
    first, after = scored(KID, *sides), torch.rand(1)
    torch.manual_seed(2)
    assert scored(KID, *sides) == first
    torch.manual_seed(1)
    assert torch.equal(torch.rand(1), after)


@pytest.mark.parametrize("kind", [FID, KID])
def test_what_is_seen_is_the_8_bit_rgb_image(kind):
    real, gray = pictures(4), pictures(4, 1)[:, :1]
    rounded = torch.floor(gray * 255 + 0.5) / 255
    assert scored(kind, real, gray) == scored(kind, real, rounded.expand(-1, 3, -1, -1))


def test_images_may_differ_in_size_from_each_other():
    metric = FID(Pooled(6))
    for seed, size in enumerate((8, 12, 16)):
        metric.add_real(pictures(1, seed, size))
        metric.add_restored(pictures(1, seed, size + 4))
    assert math.isfinite(metric.compute())


def test_reset_forgets_both_sides():
    metric = FID(Pooled(6))
    for images in (pictures(5, 3), pictures(4)):
        metric.reset()
        metric.add_real(images)
        metric.add_restored(pictures(4, 1))
    assert metric.compute() == scored(FID, pictures(4), pictures(4, 1))


@pytest.mark.parametrize("kind", [FID, KID])
@pytest.mark.parametrize(
    ("real", "restored", "cause"),
    [
        (0, 3, "needs real images to compare with"),
        (1, 3, "needs at least two images of each side, and there are 3 restored and 1 real"),
        (3, 1, "needs at least two images of each side, and there are 1 restored and 3 real"),
        (3, 0, "needs at least two images of each side, and there are 0 restored and 3 real"),
    ],
)
def test_too_few_images_have_no_score(kind, real, restored, cause):
    with pytest.raises(WorkError, match=f"^{cause}$"):
        scored(kind, pictures(real), pictures(restored, 1))


@pytest.mark.parametrize("images", [torch.rand(1, 2, 8, 8), torch.full((1, 3, 8, 8), torch.nan)], ids=["two", "nan"])
def test_what_is_no_image_is_refused(images):
    for add in (FID(Pooled(6)).add_real, KID(Pooled(6)).add_restored):
        with pytest.raises(ValueError, match=r"NaN|1 or 3 channels"):
            add(images)
