"""The columns of a panel against arrays made here, and the file against Pillow."""

import numpy as np
import pytest
import torch
from PIL import Image

from gan_bench.batch import Batch
from gan_bench.panels import BAND, GAP, LARGEST, panel, write_panel
from gan_bench.resize import upscale


def image(*shape, seed=0):
    """On 8-bit levels, so that nothing hangs on a rounding."""
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, shape) / np.float32(255)).float()


def levels(batch):
    """(1, C, H, W) in [0, 1] -> (H, W, 3) uint8."""
    pixels = np.floor(batch[0].clamp(0, 1).permute(1, 2, 0).double().numpy() * 255 + 0.5).astype(np.uint8)
    return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels


def columns(path, count, height, width):
    """The pictures of a panel, without labels."""
    with Image.open(path) as file:
        assert (file.format, file.mode) == ("PNG", "RGB")
        sheet = np.array(file)
    assert sheet.shape == (height + BAND, count * width + (count - 1) * GAP, 3)
    return [sheet[BAND:, number * (width + GAP) :][:, :width] for number in range(count)]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("scale", [2, 4])
def test_a_panel_is_lq_bicubic_restored_gt(tmp_path, channels, scale):
    lq, gt = image(1, channels, 12, 30), image(1, channels, 12 * scale, 30 * scale, seed=1)
    restored = image(1, channels, 12 * scale, 30 * scale, seed=2)
    write_panel(tmp_path / "panels" / "a.png", Batch(lq, gt, ("a",)), restored, scale, "ours")
    shown = columns(tmp_path / "panels" / "a.png", 4, 12 * scale, 30 * scale)
    np.testing.assert_array_equal(shown[0], levels(lq).repeat(scale, axis=0).repeat(scale, axis=1))
    np.testing.assert_array_equal(shown[1], levels(upscale(lq, scale)))
    np.testing.assert_array_equal(shown[2], levels(restored))
    np.testing.assert_array_equal(shown[3], levels(gt))


def test_at_scale_1_there_is_no_bicubic(tmp_path):
    lq, restored, gt = (image(1, 3, 40, 50, seed=seed) for seed in range(3))
    write_panel(tmp_path / "a.png", Batch(lq, gt, ("a",)), restored, 1, "ours")
    for shown, expected in zip(columns(tmp_path / "a.png", 3, 40, 50), (lq, restored, gt), strict=True):
        np.testing.assert_array_equal(shown, levels(expected))


def test_without_gt_there_is_no_gt(tmp_path):
    lq, restored = image(1, 3, 20, 25), image(1, 3, 40, 50)
    write_panel(tmp_path / "a.png", Batch(lq, None, ("a",)), restored, 2, "ours")
    np.testing.assert_array_equal(columns(tmp_path / "a.png", 3, 40, 50)[2], levels(restored))


def test_a_gray_restoration_stands_beside_a_colour_gt(tmp_path):
    lq, restored, gt = image(1, 1, 20, 25), image(1, 1, 40, 50), image(1, 3, 40, 50)
    write_panel(tmp_path / "a.png", Batch(lq, gt, ("a",)), restored, 2, "ours")
    np.testing.assert_array_equal(columns(tmp_path / "a.png", 4, 40, 50)[2], levels(restored))


def test_the_first_image_of_a_batch_is_shown_and_values_beyond_are_clamped(tmp_path):
    lq, gt = image(2, 3, 20, 25), image(2, 3, 20, 25, seed=1)
    restored = gt * 4 - 2
    write_panel(tmp_path / "a.png", Batch(lq, gt, ("a", "b")), restored, 1, "ours")
    shown = columns(tmp_path / "a.png", 3, 20, 25)
    np.testing.assert_array_equal(shown[0], levels(lq[:1]))
    np.testing.assert_array_equal(shown[1], levels(restored[:1]))


def test_each_column_has_its_label_and_other_labels_look_otherwise():
    pixels = np.full((30, 90, 3), 128, np.uint8)
    sheets = [panel([("lq", pixels), (label, pixels)]) for label in ("ours", "theirs", "größer 日本")]
    for sheet in sheets:
        band = sheet[:BAND]
        assert (band[:, :90] < 128).any()
        assert (band[:, 94:] < 128).any()
        assert (sheet[:, 90:94] == 255).all()
    assert not np.array_equal(sheets[0], sheets[1])
    np.testing.assert_array_equal(sheets[0][:, :90], sheets[1][:, :90])


def test_of_large_images_the_middle_is_shown():
    pixels = np.random.default_rng(0).integers(0, 256, (40, LARGEST + 100, 3)).astype(np.uint8)
    sheet = panel([("a", pixels), ("b", pixels)])
    assert sheet.shape == (40 + BAND, 2 * LARGEST + GAP, 3)
    np.testing.assert_array_equal(sheet[BAND:, :LARGEST], pixels[:, 50:-50])


# A second row


def rows(path, *sizes):
    """The pictures of a panel of several rows, each `(count, height, width)`, and whether the rest is white."""
    with Image.open(path) as file:
        sheet, found = np.array(file), []
    widths = [count * width + (count - 1) * GAP for count, _, width in sizes]
    assert sheet.shape == (sum(height + BAND for _, height, _ in sizes), max(widths), 3)
    for (count, height, width), taken in zip(sizes, widths, strict=True):
        row, sheet = sheet[: height + BAND], sheet[height + BAND :]
        assert (row[:, taken:] == 255).all()
        assert all((row[:BAND, at * (width + GAP) :][:, :width] < 128).any() for at in range(count))  # its label
        found.append([row[BAND:, at * (width + GAP) :][:, :width] for at in range(count)])
    return found


@pytest.mark.parametrize("count", [1, 3, 5])
def test_a_second_row_shows_its_images_under_the_first(tmp_path, count):
    lq, gt = image(1, 3, 12, 30), image(1, 3, 24, 60, seed=1)
    restored = image(1, 3, 24, 60, seed=2)
    below = {f"view {number}": image(1, 3, 20, 50, seed=number + 3) for number in range(count)}
    write_panel(tmp_path / "a.png", Batch(lq, gt, ("a",)), restored, 2, "ours", below)
    first, second = rows(tmp_path / "a.png", (4, 24, 60), (count, 20, 50))
    write_panel(tmp_path / "alone.png", Batch(lq, gt, ("a",)), restored, 2, "ours")
    for one, other in zip(first, columns(tmp_path / "alone.png", 4, 24, 60), strict=True):
        np.testing.assert_array_equal(one, other)
    for shown, expected in zip(second, below.values(), strict=True):
        np.testing.assert_array_equal(shown, levels(expected))


def test_a_second_row_is_clamped_stacked_and_of_the_first_image(tmp_path):
    lq, view = image(2, 1, 20, 25), image(2, 1, 20, 60, seed=1) * 4 - 2
    write_panel(tmp_path / "a.png", Batch(lq, None, ("a", "b")), lq, 1, "ours", {"back": view})
    _, [shown] = rows(tmp_path / "a.png", (2, 20, 25), (1, 20, 60))
    np.testing.assert_array_equal(shown, levels(view[:1]))


def test_without_views_there_is_no_second_row(tmp_path):
    lq = image(1, 3, 20, 25)
    for name, below in (("none", None), ("empty", {}), ("plain", None)):
        write_panel(tmp_path / f"{name}.png", Batch(lq, lq, ("a",)), lq, 1, "ours", below)
    assert len({(tmp_path / f"{name}.png").read_bytes() for name in ("none", "empty", "plain")}) == 1
