"""Degraded again, what is like gt is like lq, and what was invented is not; the same draw, whatever the degradation."""

import numpy as np
import pytest
import torch

from gan_bench.config import build, degradation_node
from gan_bench.data import Degraded, Given
from gan_bench.data.images import Images
from gan_bench.degradations import Bicubic
from gan_bench.errors import UsageError
from gan_bench.image import to_uint8, write_png
from gan_bench.metrics import Suite, get_protocol
from gan_bench.resize import upscale


@pytest.fixture
def gt(tmp_path):
    rng = np.random.default_rng(0)
    for name, channels in (("colour", 3), ("gray", 1)):
        small = torch.from_numpy(rng.random((1, channels, 16, 18), np.float32))
        write_png(tmp_path / f"{name}.png", to_uint8(upscale(small, 4).clamp(0, 1)[0]))
    return Images([tmp_path / "colour.png", tmp_path / "gray.png"], num_ch=None)


def degraded(gt, name, **values):
    return Degraded("set", gt, build(degradation_node(name, values)), {"name": name, "parameters": values})


def score(tests, index, restored):
    suite = Suite(["consistency"], get_protocol("y"), tests.scale)
    batch = tests[index]
    return suite.score(restored, batch.gt, batch.lq, lambda: tests.again(index, restored))[0]["consistency"]


@pytest.mark.parametrize(
    "name", ["bicubic", "gaussian_noise", "jpeg", "webp", "gaussian_blur", "motion_blur", "defocus", "realesrgan",
             "realesrgan_heavy", "bsrgan", "old_photo", "identity"],
)  # fmt: skip
@pytest.mark.parametrize("index", [0, 1], ids=["colour", "gray"])
def test_gt_is_fully_consistent_under_every_degradation(gt, name, index):
    tests = degraded(gt, name)
    assert score(tests, index, tests[index].gt) == np.inf


def test_the_number_is_the_psnr_of_what_bicubic_makes_of_the_restored_image(gt):
    tests = degraded(gt, "bicubic")
    batch = tests[0]
    restored = upscale(batch.lq, 4).clamp(0, 1)
    rounded = torch.from_numpy(to_uint8(restored[0])).permute(2, 0, 1)[None] / 255
    again = to_uint8(Bicubic(4).apply_8bit(rounded.float(), {})[0]).astype(np.float64)
    mse = np.mean((again - to_uint8(batch.lq[0]).astype(np.float64)) ** 2)
    assert score(tests, 0, restored) == pytest.approx(10 * np.log10(255**2 / mse), abs=1e-9)


def test_channels_are_fitted_to_gt_before_it_is_degraded_again(gt):
    tests = degraded(gt, "gaussian_noise")
    colour, gray = tests[0].gt, tests[1].gt
    turned = torch.cat([gray + 0.02, gray, gray - 0.02], 1).clamp(0, 1)
    assert score(tests, 1, turned) == score(tests, 1, turned.mean(1, keepdim=True))
    assert score(tests, 1, gray.expand(-1, 3, -1, -1)) == np.inf
    mean = colour.mean(1, keepdim=True)
    assert score(tests, 0, mean) == score(tests, 0, mean.expand(-1, 3, -1, -1)) < 30


def test_another_size_than_that_of_gt_is_refused(gt):
    tests = degraded(gt, "bicubic")
    with pytest.raises(UsageError, match="restored is 60x72 and ground truth 64x72"):
        score(tests, 0, tests[0].gt[..., :60, :])


def test_what_was_invented_lowers_it(gt):
    tests = degraded(gt, "bicubic")
    clean = upscale(tests[0].lq, 4).clamp(0, 1)
    invented = clean.clone()
    invented[..., 16:40, 16:40] = 1 - invented[..., 16:40, 16:40]
    assert score(tests, 0, invented) < score(tests, 0, clean) - 5


def test_where_lq_was_given_it_is_unavailable_with_the_reason(gt):
    tests = Given("set", gt, gt, 1)
    suite = Suite(["psnr", "consistency"], get_protocol("y"), 1)
    assert list(suite.score(tests[0].gt, tests[0].gt, tests[0].lq)[0]) == ["psnr"]
    assert suite.unavailable == {"consistency": "needs the degradation that made lq, and lq was given"}


def test_it_moves_no_generator_outside(gt):
    tests = degraded(gt, "realesrgan")
    torch.manual_seed(3)
    np.random.seed(3)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    score(tests, 0, tests[0].gt)
    assert torch.equal(before[0], torch.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])
