"""Unsharp masking against the dense arithmetic of the published code, in float64."""

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate
from skimage import data

from gan_bench.degradations import Sharpen


def gaussian(size, sigma):
    """OpenCV's rule for sigma 0 is written out: 0.3 ((size - 1) / 2 - 1) + 0.8."""
    sigma = sigma or 0.3 * ((size - 1) * 0.5 - 1) + 0.8
    line = np.exp(-((np.arange(size) - size // 2) ** 2) / (2 * sigma**2))
    return np.outer(line, line) / line.sum() ** 2


def dense(pixels, size=51, sigma=0.0, weight=0.5, threshold=10.0):
    """(result, detail in levels): the formula with a dense kernel, mirrored borders, float64."""
    kernel = gaussian(size, sigma)

    def blur(planes):
        done = [correlate(plane, kernel, mode="mirror") for plane in planes.transpose(2, 0, 1)]
        return np.stack(done, axis=2)

    pixels = pixels.astype(np.float64)
    detail = pixels - blur(pixels)
    soft = blur((np.abs(detail) * 255 > threshold).astype(np.float64))
    sharp = np.clip(pixels + weight * detail, 0, 1)
    return soft * sharp + (1 - soft) * pixels, np.abs(detail) * 255


def photo(channels):
    pixels = data.astronaut()[60:170, 150:250].astype(np.float32) / np.float32(255)
    return np.ascontiguousarray(pixels[..., :channels])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("arguments", [{}, {"size": 21, "sigma": 3.0, "weight": 1.5, "threshold": 4}])
def test_it_is_the_dense_formula_but_for_pixels_on_the_threshold(channels, arguments):
    pixels = photo(channels)
    expected, detail = dense(pixels, **arguments)
    operator = Sharpen(**arguments)
    one = np.atleast_3d(operator.on_pixels(pixels, {}, (110, 100)))
    batch = torch.from_numpy(pixels.transpose(2, 0, 1)[None])
    many = operator.on_batch(batch, [{}], (110, 100))[0].permute(1, 2, 0).numpy()
    undecided = (np.abs(detail - arguments.get("threshold", 10)) < 1e-3).sum()
    assert undecided <= 5
    for made in (one, many):  # a pixel whose mask flips moves the soft mask around it by the kernel's largest element
        difference = np.abs(made - expected)
        bound = 1e-5 + undecided * gaussian(arguments.get("size", 51), arguments.get("sigma", 0)).max() * 0.5
        assert difference.max() < bound
        if not undecided:
            assert difference.max() < 1e-5


def test_a_flat_image_stays_and_an_edge_gets_steeper():
    flat = np.full((60, 60, 3), 0.4, np.float32)
    np.testing.assert_allclose(Sharpen().on_pixels(flat, {}, (60, 60)), flat, atol=1e-6)
    edge = np.full((60, 60, 1), 0.3, np.float32)
    edge[:, 30:] = 0.6
    sharp = np.atleast_3d(Sharpen().on_pixels(edge, {}, (60, 60)))
    assert sharp[30, 29, 0] < 0.29 and sharp[30, 30, 0] > 0.61
    assert sharp.min() >= 0 and sharp.max() <= 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 50}, "size=50: kernel sizes are odd"),
        ({"size": [7, 51]}, r"size=\[7, 51\]: one number is needed"),
        ({"weight": -1}, "weight=-1: outside of 0 to 100"),
        ({"threshold": 300}, "threshold=300: outside of 0 to 255"),
    ],
)
def test_bad_arguments_are_one_line(arguments, message):
    with pytest.raises(ValueError, match=rf"^{message}[^\n]*$"):
        Sharpen(**arguments)
