"""Networks that see an image as a whole, draw noise, or need more memory than there is; and that all is float32."""

import logging
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from gan_bench.batch import Batch
from gan_bench.errors import UsageError, WorkError
from gan_bench.image import read, to_tensor
from gan_bench.metrics import Suite, get_protocol
from gan_bench.networks import ResNetGenerator, RRDBNet, UNetGenerator
from gan_bench.restorers import NetworkRestorer, Origin, load_restorer
from gan_bench.restorers.loading import Loaded
from gan_bench.restorers.network import _say_smaller, _say_whole


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
    _say_smaller.cache_clear()
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


NO_ROOM = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")


class Narrow(nn.Module):
    """A blur, enlarged by two, with no room for more than so many pixels; may add noise; remembers the sizes it saw."""

    def __init__(self, pixels, radius=9, noisy=False, error=NO_ROOM):
        super().__init__()
        self.pixels, self.noisy, self.error, self.sizes = pixels, noisy, error, []
        self.blur = nn.Conv2d(3, 3, 2 * radius + 1, padding=radius)
        weight = torch.rand(self.blur.weight.shape, generator=torch.Generator().manual_seed(0))
        self.blur.weight.data = weight / weight.sum((1, 2, 3), keepdim=True)
        self.blur.bias.data.zero_()

    def forward(self, lq):
        self.sizes.append(tuple(lq.shape[2:]))
        noise = torch.rand(lq.shape) if self.noisy else 0  # drawn before there is no room
        if lq.shape[2] * lq.shape[3] > self.pixels:
            raise self.error
        return (self.blur(lq) + 0.1 * noise).repeat_interleave(2, 2).repeat_interleave(2, 3)


@settings(max_examples=15, deadline=None)
@given(st.sampled_from([256, 128, 64]), st.integers(1, 600), st.integers(1, 300), st.booleans())
def test_what_does_not_fit_goes_through_smaller_windows_to_the_same_pixels(side, height, width, turned):
    size = (width, height) if turned else (height, width)
    network, lq = Narrow(side * side), rand(1, 3, *size)
    plenty = restored(Narrow(10**9), lq, scale=2)
    torch.testing.assert_close(restored(network, lq, scale=2), plenty, atol=1e-6, rtol=0)
    assert network.sizes[-1][0] * network.sizes[-1][1] <= side * side


def test_the_next_smaller_size_is_tried_and_what_fits_is_kept_and_said_once(caplog):
    network, large = Narrow(130 * 130), rand(1, 3, 300, 200)
    narrow = restorer(network, scale=2)
    narrow.restore(Batch(large, None, ("a",)))
    assert network.sizes[:3] == [(300, 200), (256, 200), (128, 128)] and set(network.sizes[2:]) == {(128, 128)}
    network.sizes.clear()
    narrow.restore(Batch(large, None, ("b",)))
    narrow.restore(Batch(rand(1, 3, 20, 300), None, ("c",)))
    assert set(network.sizes) == {(128, 128), (20, 128)}
    restored(Narrow(130 * 130), large, scale=2)  # another restorer of this name
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        f"seeing: not enough memory for larger windows, so images go through windows of {side} pixels"
        for side in (256, 128)
    ]


def test_a_small_image_that_does_not_fit_gets_windows_smaller_than_itself():
    network = Narrow(64 * 64)
    restored(network, rand(1, 3, 100, 70), scale=2)
    assert network.sizes[0] == (100, 70) and set(network.sizes[1:]) == {(64, 64)}


def test_noise_is_the_images_own_whether_windows_had_to_shrink_for_it_or_before():
    network, lq = Narrow(130 * 130, noisy=True), rand(1, 3, 300, 200)
    narrow = restorer(network, scale=2)
    first = narrow.restore(Batch(lq, None, ("a",)))
    assert torch.equal(narrow.restore(Batch(lq, None, ("a",))), first)


@pytest.mark.parametrize(
    "error", [MemoryError(), of_this_machine(), RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED")]
)
def test_memory_runs_out_under_many_names(error):
    network = Narrow(64 * 64, error=error)
    assert restored(network, rand(1, 3, 100, 70), scale=2).shape == (1, 3, 200, 140)


def test_no_room_for_the_smallest_windows_is_one_line(caplog):
    network = Narrow(0).train()
    with pytest.raises(WorkError) as caught:
        restored(network, rand(1, 3, 300, 300), "flower", scale=2)
    assert network.sizes == [(300, 300), (256, 256), (128, 128), (64, 64)] and network.training
    assert str(caught.value) == (
        "flower: not enough memory for seeing, not even for windows of 64 pixels; end what else takes memory, or "
        "choose a smaller network"
    )


def test_an_error_that_is_no_want_of_memory_is_not_tried_again():
    network = Narrow(0, error=RuntimeError("expected scalar type Half"))
    with pytest.raises(RuntimeError, match=r"^expected scalar type Half$"):
        restored(network, rand(1, 3, 300, 300), scale=2)
    assert network.sizes == [(300, 300)]


@pytest.mark.parametrize(("side", "bound"), [(256, 1e-6), (128, 1e-4), (64, 8e-3)])
def test_trained_networks_restore_the_same_through_smaller_windows(reference, side, bound):
    """34 convolutions, which see 34 pixels far."""
    judged = load_restorer(str(reference / "weights" / "realesr-general-x4v3.pth"))
    batch = Batch(photo(reference)[..., :80, : side + 60], None, ("a",))
    plenty = judged.restore(batch)
    judged._side = side
    pieced = judged.restore(batch)
    assert not torch.equal(pieced, plenty)
    torch.testing.assert_close(pieced, plenty, atol=bound, rtol=0)


def photo(reference):
    path = reference / "data" / "sr" / "BSD100_x4_20" / "HR" / "img_001.png"
    return to_tensor(read(path).pixels).unsqueeze(0)


# A limit on memory, for which a child is needed: torch reserves, and a limit cannot be lifted again.
LIMITED = """
import logging, resource, sys
import torch
from torch import nn
from gan_bench.batch import Batch
from gan_bench.restorers import NetworkRestorer, Origin
logging.basicConfig(stream=sys.stdout, format="%(message)s")
torch.set_num_threads(1)
torch.manual_seed(0)
network = nn.Sequential(nn.Conv2d(3, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 64, 3, padding=1), nn.Conv2d(64, 3, 1))
lq = torch.rand(1, 3, 400, 400)
plenty = NetworkRestorer(network, 1, 3, Origin("convs")).restore(Batch(lq, None, ("a",)))
taken = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmSize"))
resource.setrlimit(resource.RLIMIT_AS, (taken * 1024 + (30 << 20), resource.RLIM_INFINITY))
try:
    torch.empty(400 * 400 * 64 * 4)
    print("no limit here")
except RuntimeError:
    pass
pieced = NetworkRestorer(network, 1, 3, Origin("convs")).restore(Batch(lq, None, ("a",)))
print("off by", float((pieced - plenty).abs().max()))
"""


@pytest.mark.full
def test_where_the_system_gives_no_more_memory_smaller_windows_are_taken():
    if not sys.platform.startswith("linux"):
        pytest.skip("the system has no /proc/self/status and keeps no limit of address space")
    done = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    *said, off = done.stdout.splitlines()
    if "no limit here" in said:
        pytest.skip("the system keeps no limit of address space")
    assert said and all(line.startswith("convs: not enough memory for larger windows") for line in said)
    assert float(off.removeprefix("off by ")) < 1e-6


# Precision


def enlarger():
    torch.manual_seed(0)
    return RRDBNet(3, 3, 2, 16, 1, 8).eval()


def test_a_training_in_bfloat16_around_it_changes_no_pixel():
    network, lq = enlarger(), rand(1, 3, 24, 20)
    alone = restored(network, lq, scale=2)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(restored(network, lq, scale=2), alone)
        assert network(lq).dtype == torch.bfloat16  # and is on again


def test_products_are_exact_whatever_a_training_has_chosen():
    seen = []

    class Looking(Seeing):
        def forward(self, lq):
            seen.append((torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32))
            return lq

    torch.set_float32_matmul_precision("medium")
    try:
        restored(Looking(), rand(1, 3, 8, 8))
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")
    assert seen == [("highest", False)]


def test_the_order_of_channels_in_memory_changes_scores_by_rounding_alone():
    network, lq, gt = enlarger(), rand(1, 3, 24, 20), rand(1, 3, 48, 40, seed=1)
    by_channel = restored(network, lq, scale=2)
    by_pixel = restored(network.to(memory_format=torch.channels_last), lq, scale=2)
    assert by_pixel.is_contiguous()
    torch.testing.assert_close(by_pixel, by_channel, atol=1e-6, rtol=0)
    suite = Suite(["psnr", "ssim"], get_protocol("rgb"), 2)
    (one,), (other,) = (suite.score(image, gt, lq) for image in (by_pixel, by_channel))
    assert one == pytest.approx(other, abs=1e-4)
