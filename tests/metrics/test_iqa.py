"""Perceptual metrics: documented values, pyiqa against torchmetrics, and n/a with a reason wherever something lacks."""

import math
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from gan_bench.config import conf_dir, read_yaml
from gan_bench.image import read, to_tensor
from gan_bench.metrics import Suite, get_protocol, iqa
from gan_bench.metrics.nss import block_features
from gan_bench.weights import FILES


@pytest.fixture
def torch_home(tmp_path, monkeypatch):
    """A cache of torch's with nothing in it."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    for place in ("checkpoints", "pyiqa"):
        (tmp_path / "torch/hub" / place).mkdir(parents=True)
    return tmp_path / "torch/hub"


@pytest.fixture
def squeezenet(torch_home, reference):
    shutil.copyfile(reference / "weights" / FILES["squeezenet"].name, FILES["squeezenet"].path)


def suite(*names):
    return Suite(names, get_protocol("y"), 1)


def pair(reference, name):
    folder = reference / "data/metrics/calibra"
    return [to_tensor(read(folder / side / f"{name}.bmp").pixels)[None] for side in ("dist_dir", "ref_dir")]


@pytest.mark.usefixtures("squeezenet")
def test_lpips_squeeze_gives_torchmetrics_documented_values():
    built = suite("lpips_squeeze")
    chance = torch.Generator().manual_seed(42)
    images = [torch.rand(2, 3, 100, 100, generator=chance) for _ in range(2)]
    network = iqa._lpips("squeeze", built.weights()["lpips_squeeze"])
    assert network(*images).tolist() == pytest.approx([0.1024, 0.0938], abs=1e-4)
    network.reset()
    eight_bit = [row["lpips_squeeze"] for row in built.score(*images, None)]
    assert eight_bit == pytest.approx([0.1024, 0.0938], abs=1e-3)


@pytest.mark.usefixtures("squeezenet")
@pytest.mark.parametrize(("name", "value"), [("I03", 0.7302), ("I04", 0.2383), ("I06", 0.0484)])
def test_lpips_squeeze_of_the_calibration_images(reference, name, value):
    assert suite("lpips_squeeze").score(*pair(reference, name), None)[0]["lpips_squeeze"] == pytest.approx(
        value, abs=1e-4
    )


@pytest.mark.usefixtures("squeezenet")
def test_an_image_scores_alone_as_in_a_batch():
    restored, gt = torch.rand(2, 3, 1, 64, 64)
    built = suite("lpips_squeeze")
    together = [row["lpips_squeeze"] for row in built.score(restored, gt, None)]
    alone = [built.score(a[None], b[None], None)[0]["lpips_squeeze"] for a, b in zip(restored, gt, strict=True)]
    assert together == pytest.approx(alone, abs=1e-6)


@pytest.mark.usefixtures("squeezenet")
def test_what_is_seen_is_the_8_bit_rgb_image():
    gt = torch.rand(1, 1, 64, 64)
    restored = (gt + 0.001).clamp(0, 1)
    rounded = torch.floor(restored * 255 + 0.5) / 255
    built = suite("lpips_squeeze")
    stacked = built.score(rounded.expand(-1, 3, -1, -1), gt.expand(-1, 3, -1, -1), None)
    assert built.score(restored, gt, None) == stacked


def test_pyiqa_agrees_with_torchmetrics_and_with_our_niqe(reference, squeezenet):
    import pyiqa
    from pyiqa.archs import niqe_arch

    head = reference / "data/metrics/lpips_linear/v0.1_squeeze.pth"
    theirs = pyiqa.create_metric("lpips", net="squeeze", pretrained_model_path=str(head), device="cpu")
    restored, gt = pair(reference, "I04")
    assert suite("lpips_squeeze").score(restored, gt, None)[0]["lpips_squeeze"] == pytest.approx(
        theirs(restored, gt).item(), abs=1e-5
    )
    pixels = read(reference / "data/metrics/calibra/dist_dir/I03.bmp").pixels
    gray = niqe_arch.diff_round(niqe_arch.to_y_channel(to_tensor(pixels)[None], 255, "yiq")).double()
    gray = gray[..., : gray.shape[2] // 96 * 96, : gray.shape[3] // 96 * 96]
    normal = niqe_arch.normalize_img_with_gauss(gray, padding="replicate")
    features = niqe_arch.blockproc(normal, [96, 96], fun=niqe_arch.compute_feature)[0].numpy()
    ours = block_features(pixels)[0][:, :18]
    nearest = cdist(ours, features).argmin(axis=1)  # pyiqa counts the blocks in another order
    assert sorted(nearest) == list(range(len(ours)))
    np.testing.assert_allclose(ours, features[nearest], atol=2e-3)


def test_any_name_of_pyiqa_is_a_metric_with_pyiqas_facts(reference, torch_home):
    built = suite("fsim", "brisque")
    facts = built.facts()["fsim"]
    assert len(facts.pop("digest")) == 12
    assert (list(built.facts()), facts) == (["fsim"], {"higher_is_better": True, "unit": "", "digits": 4})
    assert built.metrics["fsim"].needs_gt
    assert "pyiqa cannot build it" in built.unavailable["brisque"]
    assert built.score(*pair(reference, "I04"), None)[0]["fsim"] == pytest.approx(0.9702, abs=1e-3)
    assert built.score(torch.rand(1, 3, 64, 64), None, None) == [{}]


def test_ms_ssim_is_one_for_equal_images_and_undefined_for_small_ones(caplog):
    built = suite("ms_ssim")
    large, small = torch.rand(2, 3, 176, 176), torch.rand(1, 3, 40, 40)
    assert [row["ms_ssim"] for row in built.score(large, large, None)] == pytest.approx([1, 1])
    assert math.isnan(built.score(small, small, None)[0]["ms_ssim"])
    assert math.isnan(built.score(small, small, None)[0]["ms_ssim"])
    (message,) = caplog.messages
    assert message.startswith("ms_ssim: no score for an image of 40x40 (HxW): ")


def test_offline_with_empty_caches_all_that_lacks_weights_is_named_within_seconds(torch_home, monkeypatch):
    monkeypatch.setenv("GAN_BENCH_OFFLINE", "1")
    start = time.monotonic()
    built = Suite(read_yaml(conf_dir() / "metrics/full.yaml")["names"], get_protocol("y"), 1)
    assert time.monotonic() - start < 15
    assert list(built.metrics) == ["psnr", "ssim", "ms_ssim", "niqe_photos", "consistency", "colour_shift"]
    assert built.unavailable.keys() == {"niqe", "lpips", "lpips_vgg", "dists", "musiq", "maniqa", "fid", "kid"}
    for name, reason in built.unavailable.items():
        assert "needs " in reason and "GAN_BENCH_OFFLINE forbids" in reason and "gan-bench weights" in reason, name


def test_truncated_weights_are_named_with_the_way_out(torch_home, squeezenet):
    path = FILES["squeezenet"].path
    path.write_bytes(path.read_bytes()[:100_000])
    reason = suite("lpips_squeeze").unavailable["lpips_squeeze"]
    assert str(path) in reason and "cannot be read" in reason and "weights fetch squeezenet" in reason
    assert "\n" not in reason


def test_weights_of_another_network_are_refused(torch_home, reference):
    shutil.copyfile(reference / "weights" / FILES["squeezenet"].name, FILES["alexnet"].path)
    assert "holds other weights" in suite("lpips").unavailable["lpips"]


def test_own_names_do_not_import_pyiqa():
    code = (
        "import sys; from gan_bench.metrics import Suite, get_protocol\n"
        "from gan_bench.errors import UsageError\n"
        "Suite(['psnr', 'lpips', 'niqe_photos', 'ms_ssim'], get_protocol('y'), 1)\n"
        "try:\n    Suite(['topiq_fx'], get_protocol('y'), 1)\n"
        "except UsageError as error:\n    print(error)\n"
        "assert 'pyiqa' not in sys.modules and 'torchmetrics' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "no metric 'topiq_fx'; did you mean 'topiq_fr'?\n"
