"""Pixel losses against NumPy in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gan_bench.losses import Charbonnier, SignedL1

images = hnp.arrays(np.float64, (2, 3, 4, 5), elements=st.floats(0, 1))


@settings(max_examples=40, deadline=None)
@given(preds=images, target=images, eps=st.sampled_from([1e-6, 1e-3, 0.1]))
def test_charbonnier_matches_numpy(preds, target, eps):
    expected = np.mean(np.hypot(preds - target, eps))
    got = Charbonnier(eps)(torch.from_numpy(preds), torch.from_numpy(target))
    assert got.shape == ()
    np.testing.assert_allclose(got.item(), expected, rtol=1e-12)


def test_charbonnier_lies_between_l1_and_l1_plus_eps():
    preds, target = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)), torch.full((2, 3, 8, 8), 0.5)
    l1, loss = torch.nn.L1Loss()(preds, target), Charbonnier(1e-3)(preds, target)
    assert l1 < loss < l1 + 1e-3


@pytest.mark.parametrize("eps", [1e-6, 1e-3])
def test_charbonnier_of_equal_images_is_eps_with_zero_gradient(eps):
    image = torch.full((1, 3, 4, 4), 0.5, requires_grad=True)
    loss = Charbonnier(eps)(image, image.detach())
    loss.backward()
    assert loss.item() == pytest.approx(eps)
    assert torch.equal(image.grad, torch.zeros_like(image))


@settings(max_examples=40, deadline=None)
@given(preds=images, target=images)
def test_signed_l1_is_the_l1_of_images_on_minus_one_to_one(preds, target):
    expected = np.mean(np.abs((2 * preds - 1) - (2 * target - 1)))
    got = SignedL1()(torch.from_numpy(preds), torch.from_numpy(target))
    assert got.shape == ()
    np.testing.assert_allclose(got.item(), expected, rtol=1e-12, atol=1e-15)


def test_signed_l1_of_black_and_white_is_two():
    assert SignedL1()(torch.zeros(1, 3, 4, 4), torch.ones(1, 3, 4, 4)) == 2
