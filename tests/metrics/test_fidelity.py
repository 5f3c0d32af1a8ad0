"""PSNR and SSIM against SciPy, torchmetrics, and the published scores of bicubic on real files."""

import math
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import correlate1d
from skimage.metrics import peak_signal_noise_ratio
from torchmetrics.functional.image import structural_similarity_index_measure

from gan_bench.image import read, to_tensor
from gan_bench.metrics import PSNR, SSIM, get_protocol, psnr, ssim
from gan_bench.resize import upscale

REFERENCE = os.environ.get("GAN_BENCH_REFERENCE")
real = pytest.mark.skipif(not REFERENCE, reason="GAN_BENCH_REFERENCE is unset: no real images")


def pair(channels=3, height=40, width=33, seed=0, kind="noisy"):
    rng = np.random.default_rng(seed)
    a = rng.integers(0, 256, (channels, height, width)).astype(np.float64)
    other = {"noisy": (a + rng.normal(0, 20, a.shape)).round().clip(0, 255), "flat": np.full_like(a, 131.0)}
    return a, {**other, "negative": 255 - a}[kind]


def reference_ssim(x, y):
    """The paper's formula with its five Gaussian moments, one channel."""
    window = np.exp(-((np.arange(11) - 5.0) ** 2) / (2 * 1.5**2))
    window /= window.sum()

    def mean(plane):
        return correlate1d(correlate1d(plane, window, 0), window, 1)[5:-5, 5:-5]

    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mx, my = mean(x), mean(y)
    vx, vy, cov = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    return ((2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))).mean()


@settings(max_examples=30, deadline=None)
@given(
    st.integers(11, 150),  # one strip of rows and several
    st.integers(11, 50),
    st.sampled_from([1, 3]),
    st.sampled_from(["noisy", "flat", "negative"]),
    st.integers(0, 99),
)
def test_ssim_equals_the_papers_formula(height, width, channels, kind, seed):
    a, b = pair(channels, height, width, seed, kind)
    assert ssim(a, b) == pytest.approx(np.mean([reference_ssim(x, y) for x, y in zip(a, b, strict=True)]), abs=1e-9)


def test_ssim_equals_torchmetrics_inside_its_padding():
    a, b = (torch.from_numpy(x)[None] for x in pair())
    full = structural_similarity_index_measure(a, b, data_range=255.0, return_full_image=True)[1]
    assert ssim(*pair()) == pytest.approx(full[..., 5:-5, 5:-5].mean().item(), abs=1e-9)


def test_psnr_equals_scikit_image():
    a, b = pair()
    assert psnr(a, b) == pytest.approx(peak_signal_noise_ratio(a, b, data_range=255), abs=1e-9)


def test_psnr_of_one_level_off():
    a, _ = pair()
    assert psnr(a, a + 1) == pytest.approx(48.1308036)


def test_identical_arrays():
    a, _ = pair()
    assert psnr(a, a) == math.inf
    assert ssim(a, a) == pytest.approx(1, abs=1e-12)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 999))
def test_symmetric_and_blind_to_flips(seed):
    a, b = pair(seed=seed)
    for measure in (psnr, ssim):
        assert measure(a, b) == pytest.approx(measure(b, a), abs=1e-10)
        assert measure(a, b) == pytest.approx(measure(a[:, ::-1, ::-1], b[:, ::-1, ::-1]), abs=1e-10)


@settings(max_examples=15, deadline=None)
@given(st.floats(0.1, 3), st.integers(0, 999))
def test_more_error_scores_lower(strength, seed):
    a, _ = pair(seed=seed)
    error = np.random.default_rng(seed + 1).normal(0, 10, a.shape)
    for measure in (psnr, ssim):
        assert measure(a, a + strength * error) > measure(a, a + 1.2 * strength * error)


def test_small_images_and_other_shapes_are_refused():
    with pytest.raises(ValueError, match="SSIM needs at least 11x11 pixels"):
        ssim(np.zeros((1, 10, 30)), np.zeros((1, 10, 30)))
    for measure in (psnr, ssim):
        with pytest.raises(ValueError, match="one shape"):
            measure(np.zeros((1, 12, 12)), np.zeros((3, 12, 12)))


@pytest.mark.parametrize(("metric", "function"), [(PSNR, psnr), (SSIM, ssim)])
def test_metrics_score_each_image_of_a_batch_alone(metric, function):
    protocol, generator = get_protocol("y"), torch.Generator().manual_seed(0)
    restored, gt = torch.rand(2, 3, 3, 24, 30, generator=generator)
    scores = metric(protocol, 2).score(restored, gt, None)
    assert (scores.dtype, scores.shape) == (torch.float64, (3,))
    assert scores.tolist() == [function(*protocol.prepare(r, g, 2)) for r, g in zip(restored, gt, strict=True)]


def test_metrics_ask_for_ground_truth():
    with pytest.raises(ValueError, match="psnr needs ground truth"):
        PSNR(get_protocol("y"), 1).score(torch.rand(1, 3, 16, 16), None, None)


@real
@pytest.mark.parametrize(
    ("name", "decibels", "similarity"), [("Set5_x4", 28.419, 0.8102), ("BSD100_x4_20", 26.361, 0.6672)]
)
def test_bicubic_scores_what_is_published(name, decibels, similarity):
    protocol, scores = get_protocol("y"), []
    for path in sorted(Path(REFERENCE, "data", "sr", name, "HR").glob("*.png")):
        lr, gt = to_tensor(read(path.parents[1] / "LR" / path.name).pixels), to_tensor(read(path).pixels)
        prepared = protocol.prepare(upscale(lr, 4), gt, 4)
        scores.append((psnr(*prepared), ssim(*prepared)))
    mean = np.mean(scores, axis=0)
    assert mean[0] == pytest.approx(decibels, abs=0.002)
    assert mean[1] == pytest.approx(similarity, abs=0.0002)


@real
def test_rgb_protocol_equals_the_official_psnr_of_calibra():
    folder = Path(REFERENCE, "data", "metrics", "calibra")
    protocol, found = get_protocol("rgb"), []
    for name in ("I03", "I04", "I06"):
        images = [to_tensor(read(folder / side / f"{name}.bmp").pixels) for side in ("dist_dir", "ref_dir")]
        found.append(psnr(*protocol.prepare(*images, 1)))
    assert found == pytest.approx([21.11, 20.99, 27.01], abs=0.01)
