"""The resampler against a loop written from MATLAB's documentation, OpenCV, torch, and the published LR files."""

import math
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from gan_bench.image import read
from gan_bench.resize import downscale, imresize, imresize_uint8, upscale

REFERENCE = os.environ.get("GAN_BENCH_REFERENCE")
real = pytest.mark.skipif(not REFERENCE, reason="GAN_BENCH_REFERENCE is unset: no real images")
KERNELS = ["bicubic", "bilinear", "box", "area"]
sides = st.integers(1, 24)


def cubic(x):
    x = abs(x)
    if x <= 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


MATLAB = {
    "bicubic": (cubic, 4),
    "bilinear": (lambda x: max(0.0, 1 - abs(x)), 2),
    "box": (lambda x: float(-0.5 <= x < 0.5), 1),
}


def matlab_axis(line, target, scale, kernel="bicubic", antialias=True, edge="replicate"):
    """One line, one output pixel, one tap at a time, counted from 1 as MATLAB does."""
    function, width = MATLAB[kernel]
    shrink = scale if antialias and scale < 1 else 1.0
    result = []
    for out in range(1, target + 1):
        centre = out / scale + 0.5 * (1 - 1 / scale)
        total = value = 0.0
        left = math.floor(centre - width / shrink / 2)
        for tap in range(left, left + math.ceil(width / shrink) + 2):
            weight = function(shrink * (centre - tap))
            place = tap - 1
            if edge == "replicate":
                place = min(max(place, 0), len(line) - 1)
            while not 0 <= place < len(line):
                place = -1 - place if place < 0 else 2 * len(line) - 1 - place
            total, value = total + weight, value + weight * line[place]
        result.append(value / total)
    return np.array(result)


def matlab(image, size, **options):
    height, width = image.shape
    rows = np.stack([matlab_axis(c, size[0], size[0] / height, **options) for c in image.T], 1)
    return np.stack([matlab_axis(r, size[1], size[1] / width, **options) for r in rows])


@settings(max_examples=40, deadline=None)
@given(
    sides, sides, sides, sides, st.sampled_from(sorted(MATLAB)), st.booleans(), st.sampled_from(["replicate", "mirror"])
)
def test_equals_matlabs_definition_at_any_size(height, width, rows, columns, kernel, antialias, edge):
    image = np.random.default_rng(height * width).normal(size=(height, width))
    options = {"kernel": kernel, "antialias": antialias, "edge": edge}
    ours = imresize(torch.from_numpy(image)[None], size=(rows, columns), **options)
    np.testing.assert_allclose(ours[0].numpy(), matlab(image, (rows, columns), **options), atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(sides, sides, sides, sides, st.sampled_from(KERNELS), st.booleans(), st.sampled_from(["replicate", "mirror"]))
def test_a_constant_stays_constant_and_the_map_is_linear(height, width, rows, columns, kernel, antialias, edge):
    def resize(image):
        return imresize(image, (rows, columns), kernel=kernel, antialias=antialias, edge=edge)

    a, b = torch.rand(2, 2, 3, height, width, dtype=torch.float64)
    torch.testing.assert_close(resize(torch.ones_like(a)), torch.ones(2, 3, rows, columns, dtype=torch.float64))
    torch.testing.assert_close(resize(2 * a - b), 2 * resize(a) - resize(b))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.sampled_from(KERNELS))
def test_same_size_is_the_identity(height, width, kernel):
    image = torch.rand(1, 3, height, width)
    torch.testing.assert_close(imresize(image, scale=1.0, kernel=kernel), image)


@pytest.mark.parametrize("size", [(20, 15), (17, 31), (60, 11)])
def test_area_equals_opencv_when_shrinking(size):
    image = np.random.default_rng(0).random((60, 44))
    theirs = cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(imresize(torch.from_numpy(image)[None], size, kernel="area")[0], theirs, atol=1e-6)


def test_bilinear_upscale_equals_torch():
    image = torch.rand(2, 3, 7, 9)
    theirs = functional.interpolate(image, scale_factor=3, mode="bilinear", align_corners=False)
    torch.testing.assert_close(imresize(image, scale=3, kernel="bilinear"), theirs)


def test_box_and_area_average_whole_blocks():
    image = torch.rand(1, 3, 12, 20)
    for kernel in ("box", "area"):
        torch.testing.assert_close(imresize(image, scale=0.25, kernel=kernel), functional.avg_pool2d(image, 4))


@pytest.mark.parametrize("size", [(150, 601), (700, 260), (613, 90), (1200, 1204)])
def test_large_images_in_blocks_equal_small_ones_at_once(size):
    image = torch.rand(1, 600, 301, dtype=torch.float64)
    for edge in ("replicate", "mirror"):
        tall = imresize(image, (size[0], 301), edge=edge)[0]
        column = matlab_axis(image[0, :, 7].numpy(), size[0], size[0] / 600, edge=edge)
        np.testing.assert_allclose(tall[:, 7].numpy(), column, atol=1e-12)
        line = matlab_axis(tall[5].numpy(), size[1], size[1] / 301, edge=edge)
        np.testing.assert_allclose(imresize(image, size, edge=edge)[0, 5].numpy(), line, atol=1e-12)


def test_output_size_is_the_ceiling():
    assert imresize(torch.rand(3, 10, 11), scale=0.25).shape == (3, 3, 3)
    assert imresize_uint8(np.zeros((10, 11, 3), np.uint8), 0.25).shape == (3, 3, 3)


def test_bicubic_overshoots_unclamped():
    step = torch.zeros(1, 8, 8)
    step[..., 4:] = 1
    assert upscale(step, 4).max() > 1.01


def test_single_precision_agrees_with_double():
    image = torch.rand(4, 3, 128, 96, dtype=torch.float64)
    torch.testing.assert_close(downscale(image.float(), 4).double(), downscale(image, 4), atol=3e-7, rtol=0)


def test_is_differentiable():
    image = torch.rand(1, 1, 6, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: imresize(x, (4, 9)), image)


def test_weights_cached_under_inference_serve_training():
    with torch.inference_mode():
        upscale(torch.rand(1, 3, 13, 17), 3)
    image = torch.rand(1, 3, 13, 17, requires_grad=True)
    upscale(image, 3).sum().backward()
    assert image.grad.sum() == pytest.approx(9 * image.numel(), rel=1e-4)


def test_autocast_costs_no_precision():
    image = torch.rand(1, 3, 16, 16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(downscale(image, 2), downscale(image.clone(), 2))
        assert downscale(image, 2).dtype == torch.float32
    assert torch.equal(downscale(image, 2), imresize(image, scale=0.5))
    assert downscale(image.bfloat16(), 2).dtype == torch.bfloat16


@pytest.mark.parametrize("arguments", [{}, {"size": (2, 2), "scale": 2.0}, {"size": (0, 4)}, {"scale": -1.0}])
def test_wrong_sizes_are_refused(arguments):
    with pytest.raises(ValueError, match="resize"):
        imresize(torch.rand(3, 4, 4), **arguments)


def test_downscale_names_sizes_that_are_no_multiple():
    with pytest.raises(ValueError, match=r"10x12 .* multiple of 4"):
        downscale(torch.rand(3, 10, 12), 4)


def test_other_types_and_kernels_are_refused():
    with pytest.raises(ValueError, match="float"):
        imresize(torch.zeros(3, 4, 4, dtype=torch.uint8), scale=2)
    with pytest.raises(ValueError, match="uint8"):
        imresize_uint8(np.zeros((4, 4)), 2)
    with pytest.raises(ValueError, match="kernels: bicubic"):
        imresize(torch.zeros(3, 4, 4), scale=2, kernel="cubic")


@pytest.mark.parametrize("scale", [1 / 4, 1 / 3, 1 / 2, 3])
def test_8_bit_mode_rounds_after_each_pass(scale):
    image = np.random.default_rng(1).integers(0, 256, (12, 24), dtype=np.uint8)
    size = [math.ceil(scale * side) for side in image.shape]

    def rounded(lines, target):
        return np.floor(np.array([matlab_axis(line, target, scale) for line in lines]) + 0.5).clip(0, 255)

    expected = rounded(rounded(image.T, size[0]).T, size[1])
    ours = imresize_uint8(image, scale)
    np.testing.assert_array_equal(ours, expected)
    tensor = imresize_uint8(torch.from_numpy(image)[..., None], scale)
    assert torch.equal(tensor[..., 0], torch.from_numpy(ours))


@real
@pytest.mark.parametrize("name", ["Set5_x4", "BSD100_x4_20"])
def test_8_bit_mode_makes_the_published_lr_files_bit_for_bit(name):
    paths = sorted(Path(REFERENCE, "data", "sr", name, "HR").glob("*.png"))
    assert len(paths) == {"Set5_x4": 5, "BSD100_x4_20": 20}[name]
    for path in paths:
        lr = read(path.parents[1] / "LR" / path.name).pixels
        np.testing.assert_array_equal(imresize_uint8(read(path).pixels, 1 / 4), lr, err_msg=path.name)
