"""Contact sheets: pictures pixel for pixel, text that wraps and is never cut off."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageFont

from gan_bench.sheet import LARGEST, Block, Tile, contact_sheet, fitted, tile_size, wrapped

FONT = ImageFont.load_default(size=13)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 200, shape).astype(np.uint8)  # never white, the sheet's own


def places(sheet, pixels):
    """Where a picture stands in a sheet, as (top, left)."""
    height, width = pixels.shape[:2]
    rgb = np.broadcast_to(pixels, (height, width, 3))
    hits = np.argwhere((sheet[: sheet.shape[0] - height + 1, : sheet.shape[1] - width + 1] == rgb[0, 0]).all(axis=2))
    return [(int(t), int(x)) for t, x in hits if np.array_equal(sheet[t : t + height, x : x + width], rgb)]


def test_every_picture_stands_on_the_sheet_unchanged_and_in_order():
    blocks = [
        Block(["first"], [Tile(noise(100, 150, 3, seed=n), f"sample {n}") for n in range(9)]),
        Block(["second"], [Tile(noise(300, 80, 1, seed=n), f"sample {n}") for n in range(9, 12)]),
    ]
    sheet = contact_sheet(blocks)
    found = [places(sheet, tile.pixels) for block in blocks for tile in block.tiles]
    assert all(len(one) == 1 for one in found)
    assert [one for (one,) in found] == sorted(one for (one,) in found)
    assert sheet.dtype == np.uint8
    assert sheet.shape[1] <= 1680


def test_rows_are_about_as_full_as_each_other():
    sheet = contact_sheet([Block(["a"], [Tile(noise(40, 300, 3, seed=n), str(n)) for n in range(9)])])
    tops = [places(sheet, noise(40, 300, 3, seed=n))[0][0] for n in range(9)]
    assert [tops.count(top) for top in sorted(set(tops))] == [5, 4]


def test_text_stays_within_its_column_and_clear_of_what_is_below():
    long = "supercalifragilistic" * 8
    said = [f"step{n} {long[: 7 * n]} sigma 1.23/4.56" for n in range(20)]
    tiles = [Tile(np.full((50, 20, 3), 99, np.uint8), long, said if n < 5 else ["short"]) for n in range(8)]
    sheet = contact_sheet([Block([long, long], tiles)])
    tops = sorted({top for top, _ in places(sheet, tiles[0].pixels)})
    lefts = sorted({left for _, left in places(sheet, tiles[0].pixels)})
    assert len(tops) == 2
    body = sheet[tops[0] :]
    for left in lefts:
        assert (body[:, left - 4 : left] == 255).all(), "text of one column runs into the next"
    assert (sheet[:, -8:] == 255).all()
    assert (sheet[-8:] == 255).all()
    assert (sheet[tops[1] - 4 : tops[1]] == 255).all(), "text runs into the next row"


def test_equal_input_gives_equal_pixels_and_other_text_other_pixels():
    def sheet(text):
        return contact_sheet([Block(["a"], [Tile(noise(30, 30, 3), "gt", [text])])])

    np.testing.assert_array_equal(sheet("jpeg 54"), sheet("jpeg 54"))
    assert not np.array_equal(sheet("jpeg 54"), sheet("jpeg 55"))


@settings(deadline=None)
@given(
    st.lists(st.text("abcdefghij klmWM./°", max_size=60), max_size=12),
    st.integers(20, 400),
)
def test_wrapping_keeps_every_letter_and_every_line_fits(parts, width):
    lines = wrapped(parts, width, FONT)
    assert all(0 < FONT.getlength(line) <= width for line in lines)
    letters = "".join("".join(lines).replace("·", "").split())
    assert letters == "".join("".join(parts).split())


def test_a_part_that_fits_into_a_line_is_not_broken():
    parts = ["blur1 aniso 13 sigma 2.1/0.6", "resize1 area x0.43", "noise1 gaussian gray sigma 17", "jpeg 54"]
    lines = wrapped(parts, 240, FONT)
    assert len(lines) > 1
    assert " · ".join(lines).split(" · ") == parts


@pytest.mark.parametrize(
    ("gt", "lq", "shown"),
    [
        ((256, 256), (64, 64), (256, 256)),  # as it is
        ((32, 48), (8, 12), (192, 288)),  # enlarged sixfold
        ((512, 512), (128, 128), (256, 256)),  # lq twice as large, gt half as large
        ((2000, 3000), (500, 750), (213, 320)),  # both shrunk
        ((3000, 1), (3000, 1), (320, 1)),
    ],
)
def test_pictures_are_shown_at_whole_multiples_where_that_fits(gt, lq, shown):
    assert tile_size(gt, lq) == shown


@given(st.integers(1, 2000), st.integers(1, 2000), st.sampled_from([1, 2, 3, 4, 8]))
def test_no_tile_is_larger_than_the_largest(height, width, scale):
    size = tile_size((height * scale, width * scale), (height, width))
    assert min(size) >= 1
    assert max(size) <= LARGEST


def test_pictures_grow_by_nearest_and_shrink_by_area():
    small, large = noise(10, 12, 1), noise(60, 80, 3)
    np.testing.assert_array_equal(fitted(small, (30, 36)), np.repeat(small.repeat(3, 0).repeat(3, 1), 3, axis=2))
    means = large.reshape(15, 4, 20, 4, 3).astype(float).mean(axis=(1, 3))
    np.testing.assert_allclose(fitted(large, (15, 20)), means, atol=0.51)
