"""What restoring costs: operations, time and memory as they are made up here, and no trace of having been measured."""

import random
import time

import numpy as np
import pytest
import torch
from torch import nn

from gan_bench.networks import SRCNN, ResNetGenerator, UNetGenerator
from gan_bench.restorers import Bicubic, FolderRestorer, NetworkRestorer, Origin, cost, inference_cost

MEBI = 2**20


class Enlarging(nn.Module):
    """One convolution; counts its calls, may be slow, and may take memory for a moment or draw from every generator."""

    whole_image = False

    def __init__(self, scale=4, seconds=0.0, mebibytes=0, draws=False):
        super().__init__()
        self.conv = nn.Conv2d(3, 3 * scale**2, 3, padding=1)
        self.scale, self.seconds, self.mebibytes, self.draws, self.sizes = scale, seconds, mebibytes, draws, []

    def forward(self, lq):
        self.sizes.append(tuple(lq.shape))
        time.sleep(self.seconds)
        if self.mebibytes:  # in pieces, with something behind them, so that malloc keeps them when they are freed
            pieces = [np.ones(MEBI // 16, np.uint8) for _ in range(16 * self.mebibytes)]
            self.kept = [np.ones(MEBI // 16, np.uint8), len(pieces)]
        if self.draws:
            torch.rand(1), np.random.random()
        return nn.functional.pixel_shuffle(self.conv(lq), self.scale)


def restorer(network, scale=4):
    return NetworkRestorer.placed(network, scale, 3, Origin("enlarging"))


@pytest.mark.parametrize(("scale", "side"), [(1, 256), (2, 128), (3, 85), (4, 64), (8, 32)])
def test_operations_are_those_of_the_convolution_for_a_megapixel_of_output(scale, side):
    network = Enlarging(scale)
    found = inference_cost(restorer(network, scale), scale)
    assert found["tile"] == [side, side] and set(network.sizes) == {(1, 3, side, side)}
    of_an_lq_pixel = 2 * 9 * 3 * 3 * scale**2
    assert found["flops_per_megapixel"] == pytest.approx(of_an_lq_pixel / scale**2 * 1e6, rel=1e-9)


def test_time_is_that_of_a_megapixel_of_output_in_warm_rounds():
    network = Enlarging(seconds=0.05)
    found = inference_cost(restorer(network), 4)
    assert found["rounds"] == cost.ROUNDS == len(network.sizes) - 2
    assert 50 <= found["ms_per_megapixel"] * 256 * 256 / 1e6 < 100


def test_what_is_slow_is_measured_once(monkeypatch):
    monkeypatch.setattr(cost, "PATIENCE", 0.05)
    found = inference_cost(restorer(Enlarging(seconds=0.04)), 4)
    assert found["rounds"] == 1


def test_memory_is_what_a_call_takes_for_a_moment_even_if_it_took_it_before():
    for _ in range(2):
        found = inference_cost(restorer(Enlarging(mebibytes=200)), 4)
        if found["peak_bytes"] is None:
            pytest.skip("this machine does not tell")
        assert 198 * MEBI < found["peak_bytes"] < 240 * MEBI
    assert inference_cost(restorer(Enlarging()), 4)["peak_bytes"] < 40 * MEBI


def test_without_a_high_water_mark_memory_is_not_told(monkeypatch):
    def refused(*_):
        raise PermissionError("read-only")

    monkeypatch.setattr(cost.Path, "write_text", refused)
    assert inference_cost(restorer(Enlarging()), 4)["peak_bytes"] is None


def test_no_generator_is_moved():
    def state():
        numbers = np.random.get_state()[1].tolist()
        return torch.get_rng_state().tolist(), numbers, random.getstate()

    network = restorer(Enlarging(draws=True))
    before = state()
    inference_cost(network, 4)
    assert state() == before


def test_what_is_restored_afterwards_is_what_was_restored_before():
    network = restorer(Enlarging())
    lq = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    batch = cost.Batch(lq, None, ("a",))
    before = network.restore(batch)
    inference_cost(network, 4)
    assert torch.equal(network.restore(batch), before)
    assert not network.network.training


@pytest.mark.parametrize(
    ("network", "scale"), [(SRCNN(scale=3), 3), (UNetGenerator(), 1), (ResNetGenerator(num_feat=8, num_block=1), 1)]
)
@pytest.mark.parametrize("channels", [1, 3])
def test_networks_of_all_kinds_take_the_tile(network, scale, channels):
    assert inference_cost(restorer(network, scale), scale, channels)["flops_per_megapixel"] > 0


def test_machine_and_versions_are_told():
    found = inference_cost(Bicubic(4), 4)
    assert found["machine"].endswith(" · 1 thread") and len(found["machine"]) > 12
    assert found["stack"] == "torch " + torch.__version__.split("+")[0]
    assert found["precision"] == "float32"


def test_a_folder_of_images_computes_nothing(tmp_path):
    from PIL import Image

    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    assert inference_cost(FolderRestorer(tmp_path), 4) is None


def test_a_network_that_takes_no_such_image_has_no_cost():
    gray = NetworkRestorer.placed(Enlarging(), 4, 1, Origin("gray"))
    assert inference_cost(gray, 4, channels=3) is None
