"""Networks that see an image as a whole, or draw noise: one call for each image, one result for each name."""

import logging

import pytest
import torch
from torch import nn

from gan_bench.batch import Batch
from gan_bench.errors import UsageError
from gan_bench.networks import ResNetGenerator, UNetGenerator
from gan_bench.restorers import NetworkRestorer, Origin
from gan_bench.restorers.loading import Loaded
from gan_bench.restorers.network import _say_whole


def rand(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


class Seeing(nn.Module):
    """Divides by the image's mean and may add noise; remembers the sizes that it saw."""

    def __init__(self, whole_image=False, noisy=False):
        super().__init__()
        self.whole_image, self.noisy, self.sizes = whole_image, noisy, []
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, lq):
        self.sizes.append(tuple(lq.shape))
        seen = lq / lq.mean(dim=(1, 2, 3), keepdim=True) / 4 * self.weight
        return seen + 0.1 * torch.rand(seen.shape, device="cpu").to(seen) if self.noisy else seen


def restorer(network, scale=1, model="seeing"):
    return NetworkRestorer(network, scale, 3, Origin(model=model))


def restored(network, lq, *names, **settings):
    return restorer(network, **settings).restore(Batch(lq, None, names or ("a",) * len(lq)))


@pytest.fixture(autouse=True)
def warnings_are_caught(caplog):
    _say_whole.cache_clear()
    caplog.set_level(logging.WARNING, logger="gan_bench")


# The whole image


def test_a_network_that_sees_the_whole_gets_a_large_image_in_one_piece_and_it_is_said_once(caplog):
    network, lq = Seeing(whole_image=True), rand(1, 3, 520, 600)
    out = restored(network, lq)
    assert network.sizes == [(1, 3, 520, 600)]
    torch.testing.assert_close(out, (lq / lq.mean() / 4).clamp(0, 1))
    restored(network, lq)
    restored(Seeing(whole_image=True), lq)
    [said] = [record.getMessage() for record in caplog.records]
    assert said.startswith("seeing sees an image as a whole: no tiles") and "\n" not in said
    restored(network, lq, model="another")
    assert len(caplog.records) == 2


def test_a_small_image_is_no_news(caplog):
    restored(Seeing(whole_image=True), rand(1, 3, 512, 20))
    assert not caplog.records


def test_any_other_network_still_gets_tiles(caplog):
    network = Seeing()
    restored(network, rand(1, 3, 520, 600))
    assert len(network.sizes) == 4 and max(max(size[2:]) for size in network.sizes) == 512
    assert not caplog.records


def test_whole_images_of_a_batch_do_not_see_each_other():
    network, lq = Seeing(whole_image=True), torch.cat([rand(1, 3, 20, 24), 0.2 * rand(1, 3, 20, 24, seed=1)])
    together = restored(network, lq)
    assert network.sizes == [(1, 3, 20, 24)] * 2
    for number in (0, 1):
        torch.testing.assert_close(together[number : number + 1], restored(network, lq[number : number + 1]))


@pytest.mark.parametrize("network", [ResNetGenerator, UNetGenerator])
def test_the_published_translators_restore_each_image_of_a_batch_as_if_alone(network):
    torch.manual_seed(0)
    made = network(3, 3, 4, 2, scale=2)
    assert made.whole_image
    lq = rand(2, 3, 20, 24)
    together = restored(made, lq, "a", "b", scale=2)
    assert together.shape == (2, 3, 40, 48)
    for number, name in enumerate("ab"):
        torch.testing.assert_close(together[number], restored(made, lq[number : number + 1], name, scale=2)[0])


def test_arrays_and_batches_restore_by_the_short_way_too():
    loaded = Loaded(restorer(Seeing(whole_image=True, noisy=True)))
    lq = rand(2, 3, 8, 9)
    assert loaded.restore(lq).shape == (2, 3, 8, 9)
    assert torch.equal(loaded.restore(lq)[0], loaded.restore(lq[0]))


# Noise


@pytest.mark.parametrize("whole_image", [True, False])
def test_noise_is_the_images_own(whole_image):
    network, lq = Seeing(whole_image, noisy=True), rand(1, 3, 20, 24)
    first = restored(network, lq, "a")
    torch.manual_seed(7)
    assert torch.equal(restored(network, lq, "a"), first)
    assert not torch.equal(restored(network, lq, "b"), first)
    together = restored(network, torch.cat([lq, lq]), "b", "a")
    assert torch.equal(together[1], first[0]) and torch.equal(together[0], restored(network, lq, "b")[0])


def test_noise_in_tiles_is_the_images_own_too():
    network, lq = Seeing(noisy=True), rand(1, 3, 20, 600)
    first = restored(network, lq, "a")
    assert len(network.sizes) == 2
    assert torch.equal(restored(network, lq, "a"), first) and not torch.equal(restored(network, lq, "b"), first)


@pytest.mark.parametrize("fails", [False, True])
def test_torchs_generators_are_left_as_they_were(monkeypatch, fails):
    def forbidden(seed):
        raise AssertionError("a GPU's generator was set")

    monkeypatch.setattr(torch.cuda, "manual_seed_all", forbidden)
    torch.default_generator.manual_seed(3)
    before, network = torch.get_rng_state(), Seeing(whole_image=True, noisy=True)
    if fails:
        network.register_forward_hook(lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            restored(network, rand(1, 3, 8, 8))
    else:
        restored(network, rand(2, 3, 8, 8), "a", "b")
    assert torch.equal(torch.get_rng_state(), before)


def test_without_noise_torchs_generator_is_not_asked():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    restored(Seeing(whole_image=True), rand(1, 3, 8, 8))
    assert torch.equal(torch.get_rng_state(), before)


def test_dropout_of_a_unet_is_noise_that_its_name_decides():
    torch.manual_seed(0)
    network, lq = UNetGenerator(3, 3, 8, 4, dropout=0.5), rand(1, 3, 32, 32)
    assert network.noisy and network.whole_image
    first = restored(network, lq, "a")
    assert torch.equal(restored(network, lq, "a"), first) and not torch.equal(restored(network, lq, "b"), first)


# Memory


class Exhausted(Seeing):
    """Has no room."""

    def __init__(self, error, **settings):
        super().__init__(**settings)
        self.error = error

    def forward(self, lq):
        raise self.error


def of_this_machine():
    """What torch raises here, where there is no room."""
    try:
        torch.empty(10**16)
    except RuntimeError as error:
        return error


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.\nGPU 0 has a total capacity of 8 GiB"),
        of_this_machine(),
        MemoryError(),
    ],
    ids=["of a GPU", "of this machine", "of Python"],
)
def test_no_room_for_a_whole_image_is_one_line(error):
    network = Exhausted(error, whole_image=True).train()
    with pytest.raises(UsageError) as caught:
        restored(network, rand(1, 3, 20, 30), "flower")
    assert str(caught.value) == (
        "flower: not enough memory for 30x20 pixels: seeing sees an image as a whole, never in tiles; make it smaller"
    )
    assert network.training


def test_another_error_keeps_its_own_words():
    with pytest.raises(RuntimeError, match=r"^expected scalar type Half$"):
        restored(Exhausted(RuntimeError("expected scalar type Half"), whole_image=True), rand(1, 3, 20, 30))
