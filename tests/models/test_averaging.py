"""The average of a generator against NumPy; what becomes of it at a stage's end and in checkpoints."""

import numpy as np
import pytest
import torch
from test_recipe import esrgan, fit
from torch import nn

from gan_bench.errors import UsageError
from gan_bench.models.averaging import average, follow


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.999])
def test_the_average_equals_numpy(decay):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3))
    averaged = average(network)
    expected = {name: value.detach().double().numpy().copy() for name, value in network.named_parameters()}
    for _ in range(20):
        network(torch.randn(2, 2, 5, 5))
        for name, parameter in network.named_parameters():
            parameter.data += torch.randn_like(parameter)
            expected[name] = decay * expected[name] + (1 - decay) * parameter.detach().double().numpy()
        follow(averaged, network, decay)
    for name, parameter in averaged.named_parameters():
        np.testing.assert_allclose(parameter.numpy(), expected[name], rtol=1e-4, atol=1e-5)
        assert not parameter.requires_grad
    assert all(torch.equal(kept, new) for kept, new in zip(averaged.buffers(), network.buffers(), strict=True))


def test_only_the_generator_is_averaged_and_it_is_the_product():
    module = esrgan(ema=0.9)
    assert not any(name.startswith("averaged.discriminator") for name in module.state_dict())
    assert {name.removeprefix("averaged.") for name in module.state_dict() if name.startswith("averaged.")} == set(
        module.generator.state_dict()
    )
    assert module.product is module.averaged
    plain = esrgan()
    assert plain.product is plain.generator and plain.averaged is None
    fit(module)
    assert any(
        not torch.equal(ours, theirs)
        for ours, theirs in zip(module.averaged.parameters(), module.generator.parameters(), strict=True)
    )


@pytest.mark.parametrize("decay", [1, 1.5, -0.1, "abc"])
def test_a_decay_that_is_none_is_refused(decay):
    with pytest.raises(UsageError, match=r"model\.ema"):
        esrgan(ema=decay)


def test_an_average_of_decay_zero_is_the_generator():
    module, plain = esrgan(ema=0.0), esrgan()
    fit(module)
    fit(plain)
    for ours, theirs in zip(module.averaged.parameters(), plain.generator.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)
