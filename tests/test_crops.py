"""The window with the most detail against a plain search, and what the files hold."""

import hashlib
import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gan_bench.batch import Batch
from gan_bench.crops import MOST, SIDE, Crops, shown, window


def search(pixels, step, size):
    """Each window, one after the other."""
    gray = pixels.astype(int).sum(2)
    detail = np.zeros_like(gray)
    detail[:, 1:] += abs(gray[:, 1:] - gray[:, :-1])
    detail[1:] += abs(gray[1:] - gray[:-1])
    tops = range(0, gray.shape[0] - size[0] + 1, step)
    lefts = range(0, gray.shape[1] - size[1] + 1, step)
    sums = {(top, left): detail[top : top + size[0], left : left + size[1]].sum() for top in tops for left in lefts}
    return max(sums, key=lambda place: (sums[place], (-place[0], -place[1])))


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([1, 2, 3, 4]), st.integers(30, 60), st.integers(30, 60), st.integers(0, 9))
def test_the_window_is_where_a_plain_search_finds_the_most_detail(scale, rows, columns, seed):
    rng = np.random.default_rng(seed)
    smooth = np.add.outer(np.arange(rows * scale), np.arange(columns * scale)) % 256
    pixels = np.repeat(smooth[..., None], 3, 2).astype(np.uint8)
    top, left = rng.integers(0, 10, 2) * scale
    pixels[top : top + 20, left : left + 20] = rng.integers(0, 256, (20, 20, 3))
    side = SIDE - SIDE % scale
    size = min(side, rows * scale), min(side, columns * scale)
    found = window(pixels, scale, scale)
    assert (found[0].start, found[1].start) == search(pixels, scale, size)
    assert (found[0].stop - found[0].start, found[1].stop - found[1].start) == size


def test_of_lq_alone_the_window_is_told_in_pixels_of_gt():
    lq = np.zeros((60, 80, 3), np.uint8)
    lq[40:50, 60:70] = np.random.default_rng(0).integers(0, 256, (10, 10, 3))
    rows, columns = window(lq, 1, 4)
    assert rows.stop - rows.start == columns.stop - columns.start == 128
    assert rows.start <= 160 and rows.stop >= 200 and columns.start <= 240 and columns.stop >= 280
    assert rows.start % 4 == columns.start % 4 == 0


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 20, 100, 1111])
def test_at_most_four_images_are_shown_evenly_spaced(count):
    places = shown(count)
    assert len(places) == min(MOST, count) and places == sorted(set(places))
    assert places[0] >= 0 and places[-1] < count
    gaps = np.diff([-1 - places[0], *places])
    assert max(gaps[1:], default=1) - min(gaps[1:], default=1) <= 1


def image(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, shape) / np.float32(255)).float()


def smooth(height, width, channels=3):
    """Few frequencies, which a lossy codec keeps."""
    y, x = np.mgrid[:height, :width] / 16
    planes = [(np.sin(y + phase) * np.cos(x) + 1) / 2 for phase in range(channels)]
    return torch.from_numpy(np.stack(planes)[None]).float()


def decoded(path):
    with Image.open(io.BytesIO(path.read_bytes())) as file:
        assert (file.format, file.mode) == ("WEBP", "RGB")
        return np.asarray(file).astype(int)


def crops(folder, names=("a b/ü", "b"), scale=2):
    return Crops(folder, "k" * 16, "i" * 16, names, scale)


@pytest.mark.parametrize("channels", [1, 3])
def test_restored_lq_and_gt_show_one_window(tmp_path, channels):
    gt, restored = smooth(200, 240, channels), smooth(200, 240, channels).flip(3)
    batch = Batch(gt[..., ::2, ::2], gt, ("a b/ü",))
    crops(tmp_path).keep(batch, restored)
    names = sorted(path.name for path in tmp_path.iterdir())
    safe = f"a-b-ü-{hashlib.sha256('a b/ü'.encode()).hexdigest()[:8]}"  # not that of a-b-ü
    assert names == [f"{'i' * 16}_{safe}_gt.webp", f"{'i' * 16}_{safe}_lq.webp", f"{'k' * 16}_{safe}.webp"]
    levels = [np.rint(one[0].permute(1, 2, 0).numpy() * 255).astype(int) for one in (gt, restored, batch.lq)]
    stacked = [np.broadcast_to(one, (*one.shape[:2], 3)) for one in levels]
    rows, columns = window(stacked[0].astype(np.uint8), 2, 2)
    enlarged = stacked[2].repeat(2, 0).repeat(2, 1)
    for name, expected in zip(names, (stacked[0], enlarged, stacked[1]), strict=True):
        shown_pixels = decoded(tmp_path / name)
        assert shown_pixels.shape == (128, 128, 3)
        assert abs(shown_pixels - expected[rows, columns]).mean() < 3


def test_a_small_image_is_shown_whole_and_without_gt_there_is_none(tmp_path):
    lq = image(1, 3, 20, 25)
    crops(tmp_path).keep(Batch(lq, None, ("b",)), image(1, 3, 40, 50))
    assert sorted(path.name[16:] for path in tmp_path.iterdir()) == ["_b.webp", "_b_lq.webp"]
    assert all(decoded(path).shape == (40, 50, 3) for path in tmp_path.iterdir())


def test_equal_images_give_equal_bytes_and_other_restorers_the_same_window(tmp_path):
    gt, lq = image(1, 3, 200, 200), image(1, 3, 100, 100)
    for folder, seed in (("one", 1), ("two", 1), ("three", 2)):
        crops(tmp_path / folder).keep(Batch(lq, gt, ("b",)), image(1, 3, 200, 200, seed=seed))
    one, two, three = ({path.name: path.read_bytes() for path in sorted((tmp_path / name).iterdir())} for name in
                       ("one", "two", "three"))  # fmt: skip
    assert one == two
    assert {name for name in one if one[name] != three[name]} == {"kkkkkkkkkkkkkkkk_b.webp"}


def test_other_images_are_left_out_and_missing_ones_are_told(tmp_path):
    names = tuple(f"{number:02}" for number in range(20))
    cuts = crops(tmp_path, names)
    wanted = shown(20)
    assert cuts.missing() == wanted
    for name in names[: wanted[1]]:
        cuts.keep(Batch(image(1, 3, 8, 8), image(1, 3, 16, 16), (name,)), image(1, 3, 16, 16))
    assert cuts.missing() == wanted[1:]
    assert {path.name[17:19] for path in tmp_path.iterdir()} == {names[wanted[0]]}


def test_a_restoration_of_another_size_is_shown_nowhere(tmp_path):
    crops(tmp_path).keep(Batch(image(1, 3, 20, 25), None, ("b",)), image(1, 3, 20, 25))
    assert not list(tmp_path.iterdir())
