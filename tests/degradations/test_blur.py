"""Blurs against SciPy's convolution on every path; what is drawn against the published distributions."""

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import convolve as scipy_convolve
from scipy.stats import chisquare, kstest, uniform

from gan_bench.chance import generator
from gan_bench.config import build, degradation_node
from gan_bench.degradations import Blur, Defocus, GaussianBlur, KernelBlur, MotionBlur, Sinc, kernels
from gan_bench.degradations.convolution import convolve, convolve_batch, direct, fourier, separable, simplified

FAMILIES = {"iso": 0.405, "aniso": 0.225, "generalized_iso": 0.108, "generalized_aniso": 0.027, "plateau_iso": 0.108,
            "plateau_aniso": 0.027, "sinc": 0.1}  # fmt: skip


def image(height=40, width=51, channels=3, seed=0):
    return np.random.default_rng(seed).random((height, width, channels), dtype=np.float32)


def lopsided(rows, columns, seed=0):
    """A kernel without any symmetry, sum 1."""
    kernel = np.random.default_rng(seed).random((rows, columns)) ** 3
    return kernel / kernel.sum()


def reference(pixels, kernel):
    """True convolution in float64; SciPy's "mirror" does not repeat the edge either."""
    planes = [scipy_convolve(plane.astype(np.float64), kernel, mode="mirror") for plane in pixels.transpose(2, 0, 1)]
    return np.stack(planes, axis=2)


def rngs(count):
    return [generator("test", position) for position in range(count)]


@pytest.mark.parametrize("size", [(3, 3), (7, 5), (11, 11), (13, 13), (21, 21), (25, 3), (3, 31)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("way", [convolve, direct, fourier])
def test_every_way_is_scipys_convolution(size, channels, way):
    pixels, kernel = image(channels=channels), lopsided(*size)
    before = pixels.copy()
    np.testing.assert_allclose(np.atleast_3d(way(pixels, kernel)), reference(pixels, kernel), atol=1e-5)
    assert np.array_equal(pixels, before)


@pytest.mark.parametrize("shape", [(300, 200), (177, 353)])
def test_large_images_are_tiled_without_a_seam(shape):
    pixels, kernel = image(*shape), lopsided(21, 17)
    for way in (direct, fourier):
        np.testing.assert_allclose(way(pixels, kernel), reference(pixels, kernel), atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (5, 40), (9, 9)])
def test_images_smaller_than_the_kernel_are_mirrored_again_and_again(shape):
    pixels, kernel = image(*shape), lopsided(21, 13)
    expected = reference(pixels, kernel)
    np.testing.assert_allclose(convolve(pixels, kernel), expected, atol=1e-5)
    batch = torch.from_numpy(pixels.transpose(2, 0, 1)[None])
    np.testing.assert_allclose(convolve_batch(batch, [kernel])[0].permute(1, 2, 0), expected, atol=1e-5)


def test_separable_is_the_outer_product():
    column, row = lopsided(9, 1)[:, 0], lopsided(1, 5)[0]
    np.testing.assert_allclose(separable(image(), column, row), reference(image(), np.outer(column, row)), atol=1e-5)


def test_a_batch_has_a_kernel_per_sample_whatever_its_size():
    shapes = [(3, 3), (21, 21), (7, 13)]
    batch = torch.from_numpy(np.stack([image(seed=seed).transpose(2, 0, 1) for seed in range(3)]))
    done = convolve_batch(batch, [lopsided(*shape) for shape in shapes])
    for number, shape in enumerate(shapes):
        expected = reference(image(seed=number), lopsided(*shape))
        np.testing.assert_allclose(done[number].permute(1, 2, 0), expected, atol=1e-5)


@settings(deadline=None, max_examples=60)
@given(st.integers(3, 10), st.floats(0.2, 3), st.floats(0.2, 3), st.floats(-3, 3), st.floats(0.5, 4))
def test_leaving_out_what_is_negligible_keeps_the_kernel(half, sigma_x, sigma_y, angle, beta):
    kernel = kernels.generalized(2 * half + 1, sigma_x, sigma_y, angle, beta)
    kept = simplified(kernel)
    missing = (len(kernel) - len(kept)) // 2, (kernel.shape[1] - kept.shape[1]) // 2
    again = np.pad(kept, [(margin, margin) for margin in missing])
    assert np.abs(again - kernel).sum() < 1e-6


@pytest.mark.parametrize("name", ["gaussian_blur", "motion_blur", "defocus"])
@pytest.mark.parametrize("channels", [1, 3])
def test_each_yaml_convolves_by_the_kernel_of_its_draw(name, channels):
    degradation = build(degradation_node(name), key="degradation")
    pixels = np.stack([image(112, 128, channels, seed) for seed in range(3)])
    draw = degradation.draw(rngs(3))
    batch = torch.from_numpy(pixels.transpose(0, 3, 1, 2))
    lq = degradation.apply(batch, draw).permute(0, 2, 3, 1).numpy()
    on_device = degradation.on_batch(batch, draw, (112, 128)).permute(0, 2, 3, 1).numpy()
    for one, other, gt, drawn in zip(lq, on_device, pixels, draw, strict=True):
        expected = reference(gt, degradation.kernel(drawn))
        np.testing.assert_allclose(one, expected, atol=1e-5)
        np.testing.assert_allclose(other, expected, atol=1e-5)


def test_blur_draws_what_real_esrgan_does():
    """methods.md 2.3.2, order 1: families, sizes, sigmas, angles, betas and cutoffs."""
    draws = Blur([7, 21], [0.2, 3.0], FAMILIES).draw(rngs(6000))
    families = Counter(one["family"] for one in draws)
    assert chisquare([families[name] for name in FAMILIES], [6000 * p for p in FAMILIES.values()]).pvalue > 0.001
    sizes = Counter(one["size"] for one in draws)
    assert set(sizes) == set(range(7, 22, 2)) and chisquare(list(sizes.values())).pvalue > 0.001

    def passes(values, distribution):
        return kstest(values, distribution.cdf).pvalue > 0.001

    assert passes([one["sigma_x"] for one in draws if "sigma_x" in one], uniform(0.2, 2.8))
    assert passes([one["sigma_y"] for one in draws if "sigma_y" in one], uniform(0.2, 2.8))
    assert passes([one["angle"] for one in draws if "angle" in one], uniform(-np.pi, 2 * np.pi))
    assert {one["family"].split("_")[-1] for one in draws if "angle" in one} == {"aniso"}
    small = [one["cutoff"] for one in draws if "cutoff" in one and one["size"] < 13]
    large = [one["cutoff"] for one in draws if "cutoff" in one and one["size"] >= 13]
    assert passes(small, uniform(np.pi / 3, 2 * np.pi / 3)) and passes(large, uniform(np.pi / 5, 4 * np.pi / 5))


def test_half_the_betas_are_below_one_and_half_the_plateaus_exactly_one():
    draws = Blur(7, 1.0, {"generalized_iso": 0.5, "plateau_iso": 0.5}).draw(rngs(6000))
    betas = np.array([one["beta"] for one in draws if one["family"] == "generalized_iso"])
    low = betas < 1
    assert chisquare([low.sum(), (~low).sum()]).pvalue > 0.001
    assert kstest(betas[low], uniform(0.5, 0.5).cdf).pvalue > 0.001
    assert kstest(betas[~low], uniform(1, 3).cdf).pvalue > 0.001
    plateaus = np.array([one["beta"] for one in draws if one["family"] == "plateau_iso"])
    flat = plateaus == 1
    assert chisquare([flat.sum(), (~flat).sum()]).pvalue > 0.001
    assert kstest(plateaus[~flat], uniform(1, 1).cdf).pvalue > 0.001


def test_gaussian_draws_what_bsrgan_does():
    """methods.md 2.6: eigenvalues U(0, 1) (4 + sf), an angle from 0 to pi, sizes 7 to 25."""
    draws = GaussianBlur(size=[7, 25], variance=[0.0, 8.0], anisotropic=1.0).draw(rngs(3000))
    for axis in ("sigma_x", "sigma_y"):
        assert kstest([one[axis] ** 2 for one in draws], uniform(0, 8).cdf).pvalue > 0.001
    assert kstest([one["angle"] for one in draws], uniform(0, np.pi).cdf).pvalue > 0.001
    assert {one["size"] for one in draws} == set(range(7, 26, 2))


def test_a_gaussian_without_a_size_holds_three_sigma():
    (drawn,) = GaussianBlur(2.0).draw(rngs(1))
    assert drawn["size"] == 13 and GaussianBlur([1.0, 2.0]).reach == 13


def test_a_kernel_of_a_file_is_drawn_and_convolved(reference_kernels):
    blur = KernelBlur(str(reference_kernels / "kernels_12.mat"))
    draws = blur.draw(rngs(240))
    counts = Counter(one["kernel"] for one in draws)
    assert len(counts) == 12 and chisquare(list(counts.values())).pvalue > 0.001
    lq = blur.apply(torch.from_numpy(image(64, 64).transpose(2, 0, 1)[None]), draws[:1])
    expected = reference(image(64, 64), blur.kernel(draws[0]))
    np.testing.assert_allclose(lq[0].permute(1, 2, 0), expected, atol=1e-5)


@pytest.fixture
def reference_kernels(request):
    return request.getfixturevalue("reference") / "data" / "restoration" / "blur_kernels"


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_alone_a_blur_is_followed_by_a_downscaling_and_sees_beyond_the_patch(scale):
    from gan_bench.resize import downscale

    blur = GaussianBlur(2.0, 21, scale=scale)
    assert blur.margin % scale == 0 and blur.margin >= 10
    batch = torch.from_numpy(image(48, 48).transpose(2, 0, 1)[None])
    expected = torch.from_numpy(reference(image(48, 48), blur.kernel({"size": 21, "sigma_x": 2.0})).transpose(2, 0, 1))
    lq = blur.apply(batch, blur.draw(rngs(1)))
    torch.testing.assert_close(lq[0], downscale(expected, scale).float().clamp(0, 1), atol=2e-5, rtol=0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Blur([8, 21], 1.0, FAMILIES), r"size=\[8, 21\]: kernel sizes are odd"),
        (lambda: Blur([21, 7], 1.0, FAMILIES), r"size=\[21, 7\]: the range is in the wrong order"),
        (lambda: Blur(7, [3, 1], FAMILIES), r"sigma=\[3, 1\]: the range is in the wrong order"),
        (lambda: Blur(7, 1.0, {"iso": 0.5}), "families: the probabilities sum to 0.5"),
        (lambda: Blur(7, 1.0, {"isso": 1.0}), "families.isso: no family of kernels; did you mean 'iso'"),
        (lambda: GaussianBlur(), "sigma=None: either sigma or variance"),
        (lambda: GaussianBlur(1.0, variance=2.0), "sigma=1.0: either sigma or variance"),
        (lambda: GaussianBlur(-1.0), "sigma=-1.0: outside of 0 to 100"),
        (lambda: Sinc(7, [1.0, 4.0]), r"cutoff=\[1.0, 4.0\]: outside of"),
        (lambda: MotionBlur(500, 1, 1, 1), "length=500: outside of 0 to 200"),
        (lambda: Defocus([6, 1]), r"radius=\[6, 1\]: the range is in the wrong order"),
    ],
)
def test_bad_arguments_are_one_line(make, message):
    with pytest.raises(ValueError, match=rf"^{message}[^\n]*$"):
        make()
