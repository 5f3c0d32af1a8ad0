"""What a data set makes of stored numbers: windows as DICOM defines them, sizes, and the values that mean nothing."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gan_bench.data.folder import Folder
from gan_bench.data.pages import View
from gan_bench.errors import UsageError

NOWHERE = Path("a.png")


def noise(*shape, seed=0, most=65536, dtype=np.uint16):
    return np.random.default_rng(seed).integers(0, most, shape).astype(dtype)


def linear_exact(stored, centre, width, white=65535):
    """DICOM PS3.3 C.11.2.1.3.2, its three cases one after another, in exact numbers."""
    if stored <= centre - width / 2:
        return 0
    if stored > centre + width / 2:
        return white
    return ((stored - centre) / width + 0.5) * white


# Windows


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 65535), min_size=1, max_size=20),
    st.floats(0.5, 70000) | st.integers(1, 70000),
    st.floats(-2000, 70000) | st.integers(-2000, 70000),
)
def test_a_window_is_dicoms_linear_exact(stored, width, level):
    pixels = np.array(stored, np.uint16).reshape(1, -1, 1)
    shown = View(window=width, level=level).checked().of(pixels, NOWHERE)
    assert shown.dtype == np.uint16 and shown.shape == pixels.shape
    expected = [linear_exact(number, level, width) for number in stored]
    np.testing.assert_allclose(shown.ravel(), expected, atol=0.5 + 1e-6)


def test_a_window_of_tomography_keeps_what_is_inside_and_clips_what_is_not():
    stored = np.arange(0, 4096, dtype=np.uint16).reshape(64, 64, 1)  # Hounsfield units + 1024
    shown = View(window=400, level=1064).of(stored, NOWHERE).astype(np.float64) / 65535
    assert not shown[stored <= 864].any() and (shown[stored >= 1264] == 1).all()
    np.testing.assert_allclose(shown[stored == 1064], 0.5, atol=1e-4)
    inside = (stored >= 864) & (stored <= 1264)
    np.testing.assert_allclose(shown[inside], (stored[inside] - 864.0) / 400, atol=1e-5)


def test_a_window_takes_the_place_of_the_peak_and_knows_8_bit_too(tmp_path):
    pixels = noise(6, 8, 3, most=256, dtype=np.uint8)
    windowed = View(peak=1, window=100, level=100).of(pixels, NOWHERE)
    np.testing.assert_allclose(windowed / 65535, np.clip((pixels - 50.0) / 100, 0, 1), atol=1e-5)
    for name in "abc":
        assert cv2.imwrite(str(tmp_path / f"{name}.png"), pixels[..., ::-1])
    folder = Folder(str(tmp_path), peak="file", window=100, level=100)
    np.testing.assert_array_equal(folder.gt["test"][0], windowed)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"window": 400}, "dataset.window and dataset.level: one says nothing without the other; set both"),
        ({"level": 0}, "dataset.window and dataset.level: one says nothing without the other; set both"),
        ({"window": 0, "level": 10}, "dataset.window=0 dataset.level=10: a width above 0 and a number are needed"),
        ({"window": -4, "level": 10}, "dataset.window=-4 dataset.level=10: "),
        ({"window": float("nan"), "level": 10}, "dataset.window=nan dataset.level=10: "),
        ({"window": float("inf"), "level": 10}, "dataset.window=inf dataset.level=10: "),
        ({"window": True, "level": 10}, "dataset.window=True dataset.level=10: "),
        ({"window": "wide", "level": 10}, "dataset.window=wide dataset.level=10: "),
        ({"window": 4, "level": float("nan")}, "dataset.window=4 dataset.level=nan: "),
        ({"window": 4, "level": "file"}, "dataset.window=4 dataset.level=file: "),
        ({"size": 0}, "dataset.resize=0: a whole number of pixels, or null"),
        ({"size": 2.5}, "dataset.resize=2.5: "),
        ({"size": True}, "dataset.resize=True: "),
        ({"part": "both"}, "dataset.part=both: left, right or null"),
        ({"peak": -1}, "dataset.peak=-1: "),
    ],
)
def test_values_that_mean_nothing_are_one_line(values, message):
    with pytest.raises(UsageError) as caught:
        View(**values).checked()
    assert str(caught.value).startswith(message) and "\n" not in str(caught.value)


@pytest.mark.parametrize("level", [-1000, 0, 0.5])
def test_a_level_may_be_any_number(level):
    view = View(window=1, level=level)
    assert view.checked() is view


# Sizes


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 80), st.sampled_from([1, 3]))
def test_the_shorter_side_has_the_size_and_the_other_is_in_proportion(height, width, size, channels):
    shown = View(size=size).of(noise(height, width, channels), NOWHERE)
    assert shown.shape[2] == channels and shown.dtype == np.uint16 and shown.flags.c_contiguous
    shorter, longer = sorted(shown.shape[:2])
    assert shorter == size
    assert abs(longer - size * max(height, width) / min(height, width)) <= 0.5
    assert (shown.shape[0] >= shown.shape[1]) == (height >= width) or shown.shape[0] == shown.shape[1]


def test_an_image_of_that_size_stays_as_it_is():
    pixels = noise(20, 31, 3)
    np.testing.assert_array_equal(View(size=20).of(pixels, NOWHERE), pixels)


@pytest.mark.parametrize(("dtype", "most"), [(np.uint8, 256), (np.uint16, 65536)])
def test_shrinking_takes_the_mean_of_what_a_pixel_covers(dtype, most):
    pixels = noise(24, 36, 3, most=most, dtype=dtype)
    shown = View(size=8).of(pixels, NOWHERE)
    expected = pixels.reshape(8, 3, 12, 3, 3).astype(np.float64).mean(axis=(1, 3))
    assert shown.dtype == dtype
    np.testing.assert_allclose(shown, expected, atol=0.51)


def test_enlarging_is_bicubic_as_pytorch_has_it():
    import torch

    pixels = noise(10, 14, 3, most=256, dtype=np.uint8)
    shown = View(size=25).of(pixels, NOWHERE)
    image = torch.from_numpy(pixels.transpose(2, 0, 1).astype(np.float32))[None]
    cubic = torch.nn.functional.interpolate(image, (25, 35), mode="bicubic", align_corners=False)  # a = -0.75 as OpenCV
    expected = cubic[0].clamp(0, 255).permute(1, 2, 0).numpy()
    assert np.abs(shown - expected).max() < 1.5


def test_a_half_is_taken_before_it_is_resized():
    pixels = noise(10, 41, 3, most=256, dtype=np.uint8)
    view = View(part="right", size=20)
    np.testing.assert_array_equal(view.of(pixels, NOWHERE), View(size=20).of(pixels[:, 21:].copy(), NOWHERE))
    assert view.other == View(part="left", size=20) and view.other.other == view


def test_the_real_brain_through_a_window(reference):
    path = reference / "data" / "medical" / "skimage_brain.tiff"
    folder = Folder(str(path.parent), num_ch=1, window=100, level=80)
    with Image.open(path) as film:
        film.seek(int(folder.gt["test"].names[0][-3:]))
        expected = np.clip((np.array(film).astype(np.float64) - 30) / 100, 0, 1)
    np.testing.assert_allclose(folder.gt["test"][0][..., 0] / 65535, expected, atol=1e-5)
