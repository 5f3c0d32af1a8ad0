"""Noise of a folder of real images, against the rule written anew; kernels of a folder; realsr, made of both."""

import json
import os
import re

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat
from scipy.ndimage import center_of_mass
from tests.references.realsr import needed

import gan_bench
from gan_bench.chance import generator
from gan_bench.config import build
from gan_bench.data.frozen import Frozen
from gan_bench.degradations import KernelBlur, RealNoise
from gan_bench.degradations.kernel_files import centred, load_kernels
from gan_bench.degradations.kernels import gaussian
from gan_bench.errors import UsageError
from gan_bench.image import write_png


def noisy(seed, sigma=3.0, mean=120, size=64, channels=3):
    noise = np.random.default_rng(seed).normal(mean, sigma, (size, size, channels))
    return noise.round().clip(0, 255).astype(np.uint8)


@pytest.fixture
def folder(tmp_path):
    """Noise, noise that is too strong, noise that is too dark, and noise with a thing in one corner."""
    (tmp_path / "lq" / "below").mkdir(parents=True)
    write_png(tmp_path / "lq" / "a.png", noisy(1))
    write_png(tmp_path / "lq" / "b.png", noisy(2, sigma=9))
    write_png(tmp_path / "lq" / "below" / "c.png", noisy(3, mean=30))
    thing = noisy(4)
    thing[2:6, 2:6] -= 20
    write_png(tmp_path / "lq" / "d.png", thing)
    return tmp_path / "lq"


def draws(noise, count):
    return [noise.draw_one(generator("noise", i)) for i in range(count)]


def by_the_rule(pixels, side, max_variance, min_mean):
    """RealSR's: gray patches side by side, by variance and mean, with Pillow's gray."""
    gray = np.asarray(Image.fromarray(pixels).convert("L"), np.float64)
    places = [(i, j) for i in range(0, len(gray) - side + 1, side) for j in range(0, len(gray[0]) - side + 1, side)]
    parts = {place: gray[place[0] : place[0] + side, place[1] : place[1] + side] for place in places}
    return [place for place, part in parts.items() if part.var() < max_variance and part.mean() > min_mean]


def test_patches_are_those_of_the_rule(folder):
    noise = RealNoise(str(folder), patch=16, max_variance=20, min_mean=50)
    expected = []
    for number, name in enumerate(["a.png", "b.png", "below/c.png", "d.png"]):
        pixels = np.asarray(Image.open(folder / name))
        expected += [(number, pixels[i : i + 16, j : j + 16]) for i, j in by_the_rule(pixels, 16, 20, 50)]
    assert {number for number, _ in expected} == {0, 3} and len(expected) > 16
    assert [patch.file for patch in noise.patches] == [number for number, _ in expected]
    for patch, (_, pixels) in zip(noise.patches, expected, strict=True):
        np.testing.assert_array_equal(patch.pixels, pixels)


def test_a_patch_with_a_thing_in_it_is_uneven(folder):
    smooth, even = (RealNoise(str(folder), 32, 32, 20, 50, uneven) for uneven in (None, 0.5))
    assert (len(smooth.patches), len(even.patches)) == (8, 7)
    assert [patch.file for patch in even.patches] == [0, 0, 0, 0, 3, 3, 3]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(16, 24), (32, 32), (100, 70)])
def test_what_is_added_has_mean_0_and_the_deviation_of_the_patches(folder, channels, size):
    noise = RealNoise(str(folder), 32, 16, 20, 50, 0.5)
    flat = np.full((*size, channels), 0.5, np.float32)
    for drawn in draws(noise, 6):
        added = noise.on_pixels(flat, json.loads(json.dumps(drawn)), size) - flat
        assert added.shape == flat.shape and added.dtype == np.float32
        assert np.abs(added.mean((0, 1))).max() < 1e-6
        gray = np.sqrt(0.299**2 + 0.587**2 + 0.114**2) if channels == 1 else 1  # of three independent channels
        assert added.std() * 255 == pytest.approx(3 * gray, rel=0.15)
    assert np.array_equal(flat, np.full((*size, channels), 0.5, np.float32))


def test_a_small_image_gets_a_part_of_the_drawn_patch(folder):
    noise = RealNoise(str(folder), 32, 16, 20, 50)
    (drawn,) = draws(noise, 1)
    added = noise.on_pixels(np.full((9, 12, 3), 0.5, np.float32), drawn, (9, 12)) - 0.5
    patch = noise.patches[drawn["patch"]].pixels / 255
    turns = [patch[::down, ::across] for down in (1, -1) for across in (1, -1)]
    parts = [turn[i : i + 9, j : j + 12] for turn in turns for i in range(24) for j in range(21)]
    assert min(np.abs(part - part.mean((0, 1)) - added).max() for part in parts) < 1e-6


def test_strength_multiplies_and_is_drawn(folder):
    flat = np.full((24, 24, 3), 0.5, np.float32)
    once, twice = (RealNoise(str(folder), 32, strength=strength) for strength in (1.0, 2.0))
    (drawn,), (stronger,) = draws(once, 1), draws(twice, 1)
    added = [one.on_pixels(flat, what, (24, 24)) - flat for one, what in ((once, drawn), (twice, stronger))]
    np.testing.assert_allclose(added[1], 2 * added[0], atol=1e-6)
    assert len({one["strength"] for one in draws(RealNoise(str(folder), 32, strength=[0.5, 1.5]), 8)}) == 8


def test_gray_files_are_the_same_in_all_channels_and_16_bit_is_as_8_bit(tmp_path):
    write_png(tmp_path / "gray" / "a.png", noisy(1, channels=1))
    write_png(tmp_path / "deep" / "a.png", noisy(1, channels=1).astype(np.uint16) * 257)
    flat = torch.full((1, 3, 40, 40), 0.5)
    gray, deep = (RealNoise(str(tmp_path / name)) for name in ("gray", "deep"))
    added = gray.apply(flat, draws(gray, 1)) - 0.5
    assert torch.equal(added[:, 0], added[:, 1]) and torch.equal(added[:, 0], added[:, 2])
    torch.testing.assert_close(deep.apply(flat, draws(deep, 1)) - 0.5, added, atol=1e-7, rtol=0)


def test_a_batch_is_its_images(folder):
    noise = RealNoise(str(folder), 32, 16, 20, 50)
    image = torch.rand(3, 3, 40, 24, generator=torch.Generator().manual_seed(0))
    drawn = draws(noise, 3)
    torch.testing.assert_close(noise._batched(image, drawn, (40, 24)), noise.apply(image, drawn), atol=1e-7, rtol=0)


def test_the_order_of_a_folder_is_that_of_its_names_and_a_broken_file_is_left_out(folder, caplog):
    before = RealNoise(str(folder), 16)
    (folder / "broken.png").write_bytes(b"no image")
    after = RealNoise(str(folder), 16)
    assert "broken.png" in caplog.text and "left out" in caplog.text
    assert [patch.pixels.tobytes() for patch in before.patches] == [patch.pixels.tobytes() for patch in after.patches]


def test_large_folders_keep_patches_from_all_over(folder, monkeypatch):
    everything = RealNoise(str(folder), 16, 2)
    monkeypatch.setattr("gan_bench.degradations.real_noise.MOST", 100)
    fewer = RealNoise(str(folder), 16, 2, max_variance=20.000001)  # another rule: read again
    assert len(everything.patches) > 800 and 50 <= len(fewer.patches) <= 100
    assert {patch.file for patch in fewer.patches} == {patch.file for patch in everything.patches}


def test_a_changed_folder_is_another_degradation(folder):
    def made():
        return gan_bench.degradation("realsr", **{**needed("realsr"), "steps.noise.root": str(folder)})

    def frozen():
        return Frozen("set", {"name": "realsr"}, made(), 0).folder

    before, content = frozen(), made().steps["noise"].content
    assert frozen() == before
    write_png(folder / "a.png", noisy(9))
    os.utime(folder / "a.png", (1, 1))
    assert made().steps["noise"].content != content and frozen() != before


def test_draws_of_a_larger_folder_are_refused(folder):
    noise = RealNoise(str(folder), 32, 16, 20, 50)
    with pytest.raises(UsageError, match="the folder is another one"):
        noise.apply(torch.rand(1, 3, 8, 8), [{"patch": 999, "strength": 1.0, "seed": 0}])


@pytest.mark.parametrize(
    ("values", "cause"),
    [
        ({"root": "nowhere"}, "root=nowhere: no such folder"),
        ({"root": "empty"}, "root=empty: no images found"),
        (
            {"root": "lq", "max_variance": 1.5},
            r"no smooth patch in 4 images by patch=32, .*max_variance=1.5, min_mean=0",
        ),
        ({"root": "lq", "patch": 65}, "no smooth patch in 4 images by patch=65"),
        ({"root": "lq", "patch": 1}, "patch=1: a whole number of pixels from 2"),
        ({"root": "lq", "stride": 0}, "stride=0: a whole number of pixels from 1"),
        ({"root": "lq", "uneven": -1}, "uneven=-1: outside of 0"),
    ],
)
def test_a_users_mistake_is_one_line_that_names_it(folder, monkeypatch, values, cause):
    monkeypatch.chdir(folder.parent)
    (folder.parent / "empty").mkdir()
    node = {"_target_": "gan_bench.degradations.RealNoise", **values}
    with pytest.raises(UsageError, match=r"^degradation\.steps\.noise: ") as raised:
        build(node, key="degradation.steps.noise")
    assert re.search(cause, str(raised.value)) and "\n" not in str(raised.value)


# The kernels of a folder, and the whole degradation


def test_a_folder_gives_the_kernels_of_all_its_files_in_their_order(tmp_path):
    np.save(tmp_path / "b.npy", gaussian(7, 1.0))
    savemat(tmp_path / "a.mat", {"Kernel": gaussian(13, 2.0)})
    (tmp_path / "notes.txt").write_text("no kernel")
    kernels = load_kernels(tmp_path)
    assert [len(kernel) for kernel in kernels] == [13, 7]
    assert {KernelBlur(str(tmp_path)).draw_one(generator("kernel", i))["kernel"] for i in range(20)} == {0, 1}
    with pytest.raises(ValueError, match=r"no \.mat, \.npy or \.npz file in it"):
        load_kernels(tmp_path.parent)


@pytest.mark.parametrize("shift", [0.5, 1.5, -0.7])
def test_a_centred_kernel_has_its_mass_in_the_middle_and_its_shape(shift):
    moved = centred(gaussian(25, 2.0, 1.2, 0.7, shift=shift))
    assert len(moved) % 2 == 1 and moved.sum() == pytest.approx(1)
    np.testing.assert_allclose(center_of_mass(moved), len(moved) // 2, atol=1e-3)
    around = (len(moved) - 25) // 2
    assert np.abs(moved[around : around + 25, around : around + 25] - gaussian(25, 2.0, 1.2, 0.7)).max() < 1e-3
    kernel = gaussian(13, 1.0)
    assert centred(kernel) is kernel


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_lq_stays_where_gt_is(scale):
    """A ramp is a ramp after blur, shrinking and noise of mean 0, with the offset of pixel centres."""
    degradation = gan_bench.degradation("realsr", scale, **needed("realsr"), **{"steps.round": None})
    ramp = (torch.arange(96.0) + 0.5).expand(1, 3, 96, 96) / 128
    (drawn,) = degradation.draw([generator("ramp", 0)])
    drawn["noise"]["strength"] = 0.0
    lq = degradation.apply(ramp, [drawn])
    expected = (torch.arange(96.0 // scale) + 0.5) * scale / 128
    inside = slice(12 // scale + 1, -(12 // scale) - 1)
    torch.testing.assert_close(lq[0, 0, 5, inside], expected[inside], atol=1e-4, rtol=0)


def test_without_kernels_it_is_bicubic_and_noise():
    words = {**needed("realsr"), "steps.blur": None, "steps.shrink.modes": "matlab_bicubic"}
    words.pop("steps.blur.path")
    degradation = gan_bench.degradation("realsr", **words)
    assert list(degradation.steps) == ["shrink", "noise", "round"]


def test_what_is_needed_is_named():
    for key, other in (("steps.blur.path", "steps.noise.root"), ("steps.noise.root", "steps.blur.path")):
        with pytest.raises(UsageError, match=f"degradation.{key}: a value is needed"):
            gan_bench.degradation("realsr", **{other: needed("realsr")[other]})
