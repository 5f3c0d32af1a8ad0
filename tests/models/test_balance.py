"""The balance of a game, and the accuracies behind it, against NumPy."""

import numpy as np
import pytest
import torch
from test_recipe import esrgan, fit

from gan_bench.losses import Hinge, LeastSquares, RelativisticAverage, Vanilla
from gan_bench.models.balance import Balance


@pytest.mark.parametrize(("criterion", "threshold"), [(Vanilla, 0), (Hinge, 0), (LeastSquares, 0.5)])
def test_accuracy_is_the_share_on_the_right_side_of_the_threshold(criterion, threshold):
    rng = np.random.default_rng(0)
    real, fake = rng.normal(0.5, 1, (6, 1, 3, 3)), rng.normal(0, 1, (6, 1, 3, 3))
    got = criterion().accuracy(torch.from_numpy(real), torch.from_numpy(fake))
    np.testing.assert_allclose([float(x) for x in got], [(real > threshold).mean(), (fake < threshold).mean()])


def test_relativistic_accuracy_compares_with_the_other_sides_mean():
    rng = np.random.default_rng(1)
    real, fake = rng.normal(3, 1, (8, 1)), rng.normal(2.5, 1, (8, 1))
    got = RelativisticAverage().accuracy(torch.from_numpy(real), torch.from_numpy(fake))
    expected = [(real > fake.mean()).mean(), (fake < real.mean()).mean()]
    np.testing.assert_allclose([float(x) for x in got], expected)


def test_the_means_are_those_since_the_last_reading():
    balance = Balance()
    for value in (1.0, 2.0, 6.0):
        balance.note(accuracy_real=torch.tensor(value))
    assert balance.latest["accuracy_real"] == 6
    assert balance.read() == {"accuracy_real": 3.0}
    assert balance.read() == {} and balance.latest == {}


def test_gradient_norms_and_accuracies_are_noted_once_each_logged_step():
    module = esrgan()
    module.log_every = 1
    fit(module)
    played = module.balance.read()
    assert set(played) == {"accuracy_real", "accuracy_fake", "gradient_generator", "gradient_discriminator"}
    assert played["gradient_discriminator"] > 0 and 0 <= played["accuracy_real"] <= 1


def test_clipping_is_noted_before_it_acts():
    norms = {}
    for clip in (None, 1e-6):
        module = esrgan(clip=clip, steps=1)
        module.log_every = 1
        fit(module, steps=1)
        norms[clip] = module.balance.read()["gradient_generator"]
    assert norms[None] == pytest.approx(norms[1e-6])
