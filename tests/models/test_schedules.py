import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_bench.models import Constant, CosineRestarts, Linear, MultiStep


def test_cosine_restarts_follow_the_papers_formula():
    schedule = CosineRestarts(periods=4, end=1e-7 / 2e-4)
    for step in range(0, 1000, 7):
        inside = (step % 250) / 250
        rate = 1e-7 + 0.5 * (2e-4 - 1e-7) * (1 + math.cos(math.pi * inside))
        assert 2e-4 * schedule(step / 1000) == pytest.approx(rate, rel=1e-9)


def test_warm_up_is_a_straight_line():
    schedule = CosineRestarts(warmup=0.1)
    assert schedule(0.0) == 0
    assert schedule(0.05) == pytest.approx(0.5 * (1 + math.cos(math.pi * 0.05)) / 2)


@pytest.mark.parametrize(("step", "halvings"), [(0, 0), (49_999, 0), (50_000, 1), (100_000, 2), (399_999, 4)])
def test_esrgan_halves_its_rate_at_50k_100k_200k_and_300k(step, halvings):
    assert MultiStep([0.125, 0.25, 0.5, 0.75])(step / 400_000) == 0.5**halvings


@pytest.mark.parametrize(("constant", "falling"), [(100, 100), (30, 90), (0, 200)])
def test_a_line_falls_to_zero_as_that_of_cyclegan(constant, falling):
    schedule = Linear(constant / (constant + falling))
    for epoch in range(constant + falling):
        published = 1 - max(0, epoch - constant) / falling  # without the +1 that keeps theirs above 0 in the last epoch
        assert schedule(epoch / (constant + falling)) == pytest.approx(published)


def test_a_line_that_never_starts_to_fall_is_constant():
    assert Linear(1.0)(0.999) == 1


@given(st.floats(0, 1, exclude_max=True))
def test_a_factor_stays_within_zero_and_one(done):
    for schedule in (Constant(), CosineRestarts(3, 0.01), MultiStep([0.3, 0.6], 0.1), Linear(0.25), Linear(0)):
        assert 0 <= schedule(done) <= 1
