"""Normal and Poisson numbers against SciPy's distributions; equal bits everywhere."""

import hashlib

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtr, ndtri

from gan_bench.degradations.sampling import TAIL, normal, normal_table, poisson, poisson_table

POWERS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
UNLIKELY = 1e-4  # seeds are fixed: a right sampler passes always, unless it was unlucky once


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"))).tobytes()).hexdigest()[:16]


def probabilities(values):
    """(256, 256) of each level's counts, and (256,) lowest counts, summed up from the alias table."""
    kept, other, lowest = poisson_table(values)
    kept, other = kept.reshape(256, 256).astype(np.int64), other.reshape(256, 256)
    units = kept.copy()
    for level in range(256):
        np.add.at(units[level], np.arange(256) ^ other[level], 65536 - kept[level])
    return units / 2**24, lowest.astype(int)


def test_normal_numbers_have_the_normal_cdf_at_every_place_within_2e_7():
    centre, width = normal_table()
    inner = slice(TAIL, 65536 - TAIL)
    numbers = centre[inner, None].astype(np.float64) + width[inner, None].astype(np.float64) * np.arange(-128, 128)
    below = (np.arange(65536)[inner, None] * 256 + np.arange(256) + 0.5) / 2**24
    assert np.abs(ndtr(numbers) - below).max() < 2e-7
    assert (np.diff(numbers.ravel()) > 0).all()


def test_normal_numbers_pass_kolmogorov_smirnov_and_have_the_moments():
    numbers = normal(11, (1000, 1000, 3)).ravel().astype(np.float64)
    assert stats.kstest(numbers, "norm").pvalue > UNLIKELY
    error = 5 / np.sqrt(numbers.size)
    assert abs(numbers.mean()) < error
    assert abs(numbers.var() - 1) < error * np.sqrt(2)
    assert abs((numbers**3).mean()) < error * np.sqrt(15)
    assert abs((numbers**4).mean() - 3) < error * np.sqrt(96)


def test_normal_tails_are_right_and_long():
    numbers = np.abs(np.concatenate([normal(seed, (10_000_000,)) for seed in range(4)])).astype(np.float64)
    start = -ndtri(TAIL / 65536)
    tail = numbers[numbers > start]
    assert stats.binomtest(tail.size, numbers.size, 2 * TAIL / 65536).pvalue > UNLIKELY
    assert stats.kstest(tail, lambda x: 1 - ndtr(-x) / ndtr(-start)).pvalue > UNLIKELY
    assert 5.2 < tail.max() < 7


@pytest.mark.parametrize("lag", [1, 3, 288 * 3, 1 << 17])
def test_normal_numbers_know_nothing_of_each_other(lag):
    numbers = normal(5, (300_000,)).astype(np.float64)
    correlation = np.corrcoef(numbers[lag:], numbers[:-lag])[0, 1]
    assert abs(correlation) < 5 / np.sqrt(numbers.size - lag)


def test_equal_seeds_give_equal_bits_on_every_machine():
    levels = np.arange(256, dtype=np.uint8).repeat(4)
    assert digest(normal(2**53 - 1, (999,))) == "1ceffe9222a920f3"
    assert digest(poisson(2**53 - 1, levels, 256)) == "6cc515ad8e1bb293"
    np.testing.assert_array_equal(normal(3, (40, 50, 3)).ravel(), normal(3, (6000,)))
    assert not np.array_equal(normal(3, (100,)), normal(4, (100,)))


def test_no_numbers_are_none():
    assert normal(1, (0, 5, 3)).shape == (0, 5, 3)
    assert normal(1, (1, 1, 1)).dtype == np.float32


@pytest.mark.parametrize("values", POWERS)
def test_alias_tables_hold_poisson_probabilities_to_2_to_the_minus_23(values):
    made, lowest = probabilities(values)
    means = np.arange(256) / 255 * values
    right = stats.poisson.pmf(lowest[:, None] + np.arange(256), means[:, None])
    assert np.abs(made - right).max() < 2**-23
    np.testing.assert_array_equal(made.sum(1), 1)
    outside = stats.poisson.cdf(lowest - 1, means) + stats.poisson.sf(lowest + 255, means)
    assert outside.max() < 1e-12


@pytest.mark.parametrize(("level", "values"), [(1, 1), (255, 1), (40, 16), (128, 64), (9, 256), (255, 256)])
def test_counts_pass_a_chi_square_test(level, values):
    mean = level / 255 * values
    counts = poisson(level, np.full((500, 400), level, np.uint8), values).ravel()
    low, high = stats.poisson.ppf([1e-4, 1 - 1e-4], mean).astype(int)
    bins = np.arange(low, high + 1)
    expected = stats.poisson.pmf(bins, mean)
    expected[0], expected[-1] = stats.poisson.cdf(low, mean), stats.poisson.sf(high - 1, mean)
    observed = np.bincount(counts.clip(low, high) - low, minlength=bins.size)
    assert stats.chisquare(observed, expected * counts.size).pvalue > UNLIKELY


def test_each_pixel_has_the_mean_of_its_own_level():
    levels = np.arange(256, dtype=np.uint8).repeat(4000).reshape(256, 4000)
    counts = poisson(8, levels, 128).astype(np.float64)
    means = np.arange(256) / 255 * 128
    np.testing.assert_array_less(np.abs(counts.mean(1) - means), 5 * np.sqrt(means / 4000) + 1e-9)
    assert poisson(8, levels, 128).dtype == np.uint16
