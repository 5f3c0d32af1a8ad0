"""Every adversarial loss against an independent NumPy computation in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gan_bench.losses import Adversarial, Hinge, LeastSquares, RelativisticAverage, Vanilla

ALL = [Vanilla, LeastSquares, Hinge, RelativisticAverage]
logit_arrays = hnp.arrays(
    np.float64,
    st.sampled_from([(1, 1), (4, 1), (3, 1, 2, 5), (2, 1, 4, 4)]),
    elements=st.floats(-30, 30, allow_nan=False, width=64),
)


def nll(logits: np.ndarray, label: int) -> float:
    """-log sigmoid(x) for label 1, -log(1 - sigmoid(x)) for label 0, stably, averaged."""
    return float(np.mean(np.logaddexp(0.0, -logits if label else logits)))


def relativistic(upper: np.ndarray, lower: np.ndarray) -> float:
    """The loss that wants `upper` to be above `lower`."""
    return 0.5 * (nll(upper - lower.mean(), 1) + nll(lower - upper.mean(), 0))


REFERENCE = {
    Vanilla: (lambda _, f: nll(f, 1), lambda r, f: nll(r, 1) + nll(f, 0)),
    LeastSquares: (lambda _, f: np.mean((1 - f) ** 2), lambda r, f: np.mean((1 - r) ** 2) + np.mean(f**2)),
    Hinge: (
        lambda _, f: -np.mean(f),
        lambda r, f: np.mean(np.maximum(0, 1 - r)) + np.mean(np.maximum(0, 1 + f)),
    ),
    RelativisticAverage: (lambda r, f: relativistic(f, r), relativistic),
}


def logits(shape: tuple[int, ...] = (4, 1), seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(seed)
    return (
        torch.randn(shape, generator=rng, dtype=torch.float64).requires_grad_(),
        torch.randn(shape, generator=rng, dtype=torch.float64).requires_grad_(),
    )


@pytest.mark.parametrize("criterion", ALL)
@settings(max_examples=25, deadline=None)
@given(real=logit_arrays, fake=logit_arrays, weight=st.sampled_from([1.0, 0.5]))
def test_losses_match_numpy(criterion, real, fake, weight):
    expected_g, expected_d = (formula(real, fake) for formula in REFERENCE[criterion])
    loss = criterion(discriminator_weight=weight)
    got_g = loss.generator(torch.from_numpy(real), torch.from_numpy(fake))
    got_d = loss.discriminator(torch.from_numpy(real), torch.from_numpy(fake))
    assert got_g.shape == got_d.shape == ()
    np.testing.assert_allclose(got_g.item(), expected_g, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(got_d.item(), weight * expected_d, rtol=1e-12, atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(real=logit_arrays, fake=logit_arrays)
def test_relativistic_loss_is_symmetric(real, fake):
    loss, real, fake = RelativisticAverage(), torch.from_numpy(real), torch.from_numpy(fake)
    torch.testing.assert_close(loss.generator(real, fake), loss.discriminator(fake, real))


@pytest.mark.parametrize("criterion", ALL)
@pytest.mark.parametrize("shape", [(4, 1), (2, 1, 3, 3)])
def test_each_side_pulls_its_own_way(criterion, shape):
    real, fake = logits(shape)
    real, fake = (0.3 * real).detach().requires_grad_(), (0.3 * fake).detach().requires_grad_()
    criterion().generator(real, fake).backward()
    assert (fake.grad < 0).all(), "descending the generator's loss must raise the fake logits"
    real.grad = fake.grad = None
    criterion().discriminator(real, fake).backward()
    assert (real.grad < 0).all()
    if criterion is LeastSquares:  # its pull on a fake is towards zero from either side
        assert torch.equal(fake.grad.sign(), fake.sign())
    else:
        assert (fake.grad > 0).all()


@pytest.mark.parametrize("criterion", ALL)
def test_needs_real_tells_whether_the_generator_reads_real(criterion):
    real, fake = logits()
    criterion().generator(real, fake).backward()
    assert criterion.needs_real == (real.grad is not None)


@pytest.mark.parametrize("criterion", [Vanilla, LeastSquares, Hinge])
def test_generator_takes_none_for_real_where_it_is_not_needed(criterion):
    real, fake = logits()
    assert torch.equal(criterion().generator(None, fake), criterion().generator(real, fake))


def test_relativistic_generator_refuses_none():
    with pytest.raises(ValueError, match="real images"):
        RelativisticAverage().generator(None, torch.zeros(2, 1))


def test_vanilla_at_zero_is_log_two():
    zero = torch.zeros(3, 1)
    assert Vanilla().generator(None, zero).item() == pytest.approx(np.log(2))
    assert Vanilla().discriminator(zero, zero).item() == pytest.approx(2 * np.log(2))


def test_detached_means_change_the_gradient_and_not_the_value():
    real, fake = logits()
    attached, detached = RelativisticAverage(), RelativisticAverage(detach_means=True)
    value = detached.discriminator(real, fake)
    assert torch.equal(value, attached.discriminator(real, fake))
    got = torch.autograd.grad(value, [real, fake])
    relative_real, relative_fake = real - fake.mean(), fake - real.mean()
    n = real.numel()
    torch.testing.assert_close(got[0], (torch.sigmoid(relative_real) - 1).detach() / (2 * n))
    torch.testing.assert_close(got[1], torch.sigmoid(relative_fake).detach() / (2 * n))
    whole = torch.autograd.grad(attached.discriminator(real, fake), [real, fake])
    assert not torch.allclose(got[0], whole[0])


@pytest.mark.parametrize("detach_means", [False, True])
def test_generator_gradient_does_not_depend_on_detach_means(detach_means):
    real, fake = logits()
    loss = RelativisticAverage(detach_means=detach_means).generator(real.detach(), fake)
    (got,) = torch.autograd.grad(loss, fake)
    n = real.numel()
    through_mean = -torch.sigmoid(real - fake.mean()).mean() / (2 * n)
    torch.testing.assert_close(got, ((torch.sigmoid(fake - real.mean()) - 1) / (2 * n) + through_mean).detach())


@pytest.mark.parametrize("criterion", ALL)
def test_bfloat16_logits_give_the_float32_loss_of_the_same_numbers(criterion):
    real, fake = (x.detach().to(torch.bfloat16) for x in logits((64, 1)))
    loss = criterion()
    for side in (loss.generator, loss.discriminator):
        assert side(real, fake).dtype == torch.float32
        assert torch.equal(side(real, fake), side(real.float(), fake.float()))


@pytest.mark.parametrize("criterion", ALL)
def test_extreme_logits_stay_finite(criterion):
    real, fake = torch.full((2, 1), -1e4, requires_grad=True), torch.full((2, 1), 1e4, requires_grad=True)
    loss = criterion().generator(real, fake) + criterion().discriminator(real, fake)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(fake.grad).all()


def test_the_base_cannot_be_built_and_nothing_is_learned():
    with pytest.raises(TypeError, match="abstract"):
        Adversarial()
    assert all(not criterion().state_dict() and not list(criterion().parameters()) for criterion in ALL)
