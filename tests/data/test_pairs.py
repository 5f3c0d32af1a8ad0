"""Two sides in two folders, or in one picture: who belongs to whom, on which split, and what is refused."""

import logging
import shutil

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gan_bench.data.pairs import Pairs
from gan_bench.degradations import AsGiven, Bicubic
from gan_bench.errors import UsageError

SPLITS = ("train", "validation", "test")


def noise(*shape, seed=0, dtype=np.uint8):
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, shape).astype(dtype)


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.ascontiguousarray(pixels[..., ::-1] if pixels.ndim == 3 else pixels))
    return path


def numbered(folder, names, side, shape=(6, 8, 3)):
    """Files whose pixels tell which scene they show and from which side."""
    for number, name in enumerate(names):
        save(folder / name, np.full(shape, 2 * number + (side == "gt"), np.uint8))
    return str(folder)


def pairs(source, split):
    """By name, the scene that lq shows and that gt shows; that they were saved as two sides."""
    lq, gt = source.lq[split], source.gt[split]
    assert lq.names == gt.names
    found = {}
    for name, one, other in zip(gt.names, lq, gt, strict=True):
        assert one.flat[0] % 2 == 0 and other.flat[0] % 2 == 1
        found[name] = (int(one.flat[0]) // 2, int(other.flat[0]) // 2)
    return found


def every_pair(source):
    return {name: scene for split in SPLITS for name, scene in pairs(source, split).items()}


def told(caplog):
    return [record.getMessage() for record in caplog.records]


@pytest.fixture(autouse=True)
def warnings_are_caught(caplog):
    caplog.set_level(logging.WARNING, logger="gan_bench")


# Who belongs to whom


@pytest.mark.parametrize(
    ("lq", "gt"),
    [
        (["a.png", "b.png", "c.png", "d.png"], ["a.png", "b.png", "c.png", "d.png"]),
        (["a.png", "b.png", "c.png", "d.png"], ["a.jpg", "b.bmp", "c.png", "d.PNG"]),
        (["x/1.png", "x/2.png", "y/1.png", "y/2.png"], ["x/1.png", "x/2.png", "y/1.png", "y/2.png"]),
        (["LR/a.png", "LR/b.png", "c.png", "d.png"], ["a.png", "HR/b.png", "HR/c.png", "HR/d.png"]),
        (["X4/0001x4.png", "X4/0002x4.png", "X4/0003x4.png"], ["0001.png", "0002.png", "0003.png"]),
        (["1x8.png", "fox4x8.png", "3x2x8.png"], ["1.png", "fox4.png", "3x2.png"]),
        (["a.v2.png", "b [1].png", "é.png"], ["a.v2.png", "b [1].png", "é.png"]),
    ],
    ids=["equal", "other suffixes", "by path", "by stem", "a scale behind", "a scale behind an x", "odd names"],
)
def test_files_of_two_folders_find_each_other(tmp_path, lq, gt):
    lossless = [name.replace(".jpg", ".bmp") for name in gt]  # a flat JPEG may be a level off
    source = Pairs(numbered(tmp_path / "lq", lq, "lq"), numbered(tmp_path / "gt", lossless, "gt"))
    scenes = [scene for split in SPLITS for scene in pairs(source, split).values()]
    assert sorted(scenes) == [(number, number) for number in range(len(gt))]


stems = st.lists(st.text("abx42_", min_size=1, max_size=5), min_size=3, max_size=8, unique=True)


@settings(max_examples=15, deadline=None)
@given(stems, st.sampled_from([1, 4]), st.randoms(use_true_random=False))
def test_no_scene_is_lost_doubled_or_given_to_another(tmp_path_factory, names, scale, shuffler):
    folder, order = tmp_path_factory.mktemp("pairs"), list(range(len(names)))
    shuffler.shuffle(order)
    lq = [f"{name}x4.png" if scale == 4 else f"{name}.png" for name in names]
    for number in order:  # in another order than the names
        save(folder / "lq" / "deeper" / lq[number], np.full((2, 2, 3), 2 * number, np.uint8))
        save(folder / "gt" / f"{names[number]}.png", np.full((2, 2, 3), 2 * number + 1, np.uint8))
    assert every_pair(Pairs(str(folder / "lq"), str(folder / "gt"))) == {
        name: (number, number) for number, name in enumerate(names)
    }


def test_a_tilde_and_a_link_lead_to_the_same_pairs(tmp_path, monkeypatch):
    names = ["x/1.png", "x/2.png", "y/3.png"]
    for side in ("lq", "gt"):
        numbered(tmp_path / "real" / side, names, side)
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert len(every_pair(Pairs("~/linked/lq", "~/linked/gt"))) == 3


# Side by side


@pytest.mark.parametrize("width", [8, 9])
@pytest.mark.parametrize("part", ["left", "right"])
def test_a_picture_of_two_halves_is_a_pair_and_an_odd_middle_is_nobodys(tmp_path, width, part):
    pictures = {name: noise(6, width, 3, seed=seed) for seed, name in enumerate("abcd")}
    for name, pixels in pictures.items():
        save(tmp_path / f"{name}.png", pixels)
    source, seen = Pairs(root=str(tmp_path), part=part), 0
    for split in SPLITS:
        for name, lq, gt in zip(source.gt[split].names, source.lq[split], source.gt[split], strict=True):
            left, right = pictures[name][:, :4], pictures[name][:, width - 4 :]
            np.testing.assert_array_equal(gt, left if part == "left" else right)
            np.testing.assert_array_equal(lq, right if part == "left" else left)
            seen += 1
    assert seen == 4


def test_halves_of_a_row_of_many_pages_are_pairs_too(tmp_path):
    pages = [noise(4, 6, seed=seed, dtype=np.uint16) for seed in range(12)]
    assert cv2.imwritemulti(str(tmp_path / "a.tif"), pages)
    source = Pairs(root=str(tmp_path), num_ch=1)
    for split in SPLITS:
        for name, lq, gt in zip(source.gt[split].names, source.lq[split], source.gt[split], strict=True):
            np.testing.assert_array_equal(np.concatenate([gt, lq], axis=1)[..., 0], pages[int(name[-3:])])


# What is refused


def refusal(**arguments):
    with pytest.raises(UsageError) as caught:
        Pairs(**{name: str(value) if name in ("lq", "gt", "root") else value for name, value in arguments.items()})
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def sides(tmp_path):
    names = [f"{number}.png" for number in range(5)]
    return {side: numbered(tmp_path / side, names, side) for side in ("lq", "gt")}


def test_folders_that_are_missing_or_empty_are_named_by_their_option(sides, tmp_path):
    (tmp_path / "empty").mkdir()
    for side in ("lq", "gt"):
        for paired in (True, False):
            elsewhere = {**sides, side: tmp_path / "nowhere", "paired": paired, "wanted": "put some there"}
            assert refusal(**elsewhere) == f"dataset.{side}={tmp_path}/nowhere: no such folder; put some there"
            nothing = refusal(**{**sides, side: tmp_path / "empty", "paired": paired})
            assert nothing.startswith(f"dataset.{side}={tmp_path}/empty: no images found; ")
    assert refusal(root=tmp_path / "nowhere").startswith(f"dataset.root={tmp_path}/nowhere: no such folder; ")


@pytest.mark.parametrize(
    ("places", "begins"),
    [
        ({"lq": "here"}, "dataset.gt: a folder is needed: "),
        ({"gt": "here"}, "dataset.lq: a folder is needed: "),
        ({}, "dataset.lq: a folder is needed: "),
        ({"lq": "here", "paired": False}, "dataset.gt: a folder is needed: "),
        ({"root": "here", "lq": "there"}, "dataset.root holds both sides; leave out dataset.lq and dataset.gt"),
        ({"root": "here", "gt": "there"}, "dataset.root holds both sides; "),
        ({"root": "here", "paired": False}, "dataset.paired=false: "),
        ({"root": "here", "part": None}, "dataset.part=null: "),
        ({"root": "here", "part": "top"}, "dataset.part=top: left, right or null"),
        ({"lq": "here", "gt": "there", "resize": 0}, "dataset.resize=0: "),
        ({"lq": "here", "gt": "there", "window": 4}, "dataset.window and dataset.level: "),
    ],
)
def test_what_the_options_do_not_say_is_one_line(places, begins):
    message = refusal(**places)
    assert message.startswith(begins)
    assert ("dataset.root=DIR" in message) == ("needed" in begins and places.get("paired", True))


def test_counts_that_differ_name_both_folders_and_one_file(sides, tmp_path):
    (tmp_path / "gt" / "3.png").unlink()
    message = refusal(**sides)
    assert message.startswith(f"dataset.lq={tmp_path}/lq has 5 images and dataset.gt={tmp_path}/gt 4, ")
    assert "'3' of lq has no partner of its name (1 such)" in message and "dataset=unpaired" in message


def test_with_a_scale_behind_the_stems_the_one_that_is_missing_is_named(tmp_path):
    lq = numbered(tmp_path / "lq", [f"{number}x4.png" for number in range(5)], "lq")
    gt = numbered(tmp_path / "gt", [f"{number}.png" for number in range(6)], "gt")
    assert "'5' of gt has no partner of its name (1 such)" in refusal(lq=lq, gt=gt)


def test_files_that_differ_by_their_suffix_alone_do_not_pair(tmp_path):
    names = ["a.png", "a.bmp", "b.png", "c.png"]
    message = refusal(lq=numbered(tmp_path / "lq", names, "lq"), gt=numbered(tmp_path / "gt", names, "gt"))
    assert "some differ by their suffix alone" in message


def test_two_pairs_are_too_few(tmp_path):
    sides = {side: numbered(tmp_path / side, ["a.png", "b.png"], side) for side in ("lq", "gt")}
    assert refusal(**sides) == (
        f"dataset.gt={tmp_path}/gt: too few images for training, validation and test; at least 3 are needed"
    )
    assert f"dataset.gt={tmp_path}/gt: too few images" in refusal(**sides, paired=False)


# Broken files


@pytest.mark.parametrize("side", ["lq", "gt"])
def test_a_broken_file_on_either_side_drops_its_pair_and_is_named(sides, tmp_path, caplog, side):
    (tmp_path / side / "2.png").write_bytes((tmp_path / side / "2.png").read_bytes()[:-20])
    found = every_pair(Pairs(**sides))
    assert found == {str(number): (number, number) for number in (0, 1, 3, 4)}
    assert told(caplog)[0].startswith(f"{tmp_path}/{side}/2.png: not a readable image (")
    assert told(caplog)[-1] == "1 of 10 files are broken and left out"


def test_a_broken_picture_of_two_halves_is_left_out(tmp_path, caplog):
    root = numbered(tmp_path / "both", ["a.png", "b.png", "c.png", "d.png"], "gt")
    (tmp_path / "both" / "b.png").write_bytes(b"nothing")
    source = Pairs(root=root)
    assert {name for split in SPLITS for name in source.gt[split].names} == {"a", "c", "d"}
    assert "both/b.png: not a readable image (" in told(caplog)[0]


def test_where_no_pair_is_whole_there_is_nothing_to_split(sides, tmp_path):
    for number in range(5):
        (tmp_path / "lq" / f"{number}.png").write_bytes(b"nothing")
    assert refusal(**sides).startswith(f"dataset.gt={tmp_path}/gt: too few images")


# Splits


def test_the_folders_of_gt_decide_whatever_those_of_lq_say(tmp_path):
    gt = ["train/a.png", "train/b.png", "val/c.png", "test/d.png", "test/e.png"]
    lq = ["a.png", "test/b.png", "train/c.png", "d.png", "train/e.png"]
    source = Pairs(numbered(tmp_path / "lq", lq, "lq"), numbered(tmp_path / "gt", gt, "gt"))
    assert pairs(source, "train") == {"a": (0, 0), "b": (1, 1)}
    assert pairs(source, "validation") == {"c": (2, 2)}
    assert pairs(source, "test") == {"d": (3, 3), "e": (4, 4)}


def test_equal_names_in_two_splits_stay_apart(tmp_path):
    names = [f"{split}/{number}.png" for split in ("train", "val", "test") for number in range(3)]
    source = Pairs(*(numbered(tmp_path / side, names, side) for side in ("lq", "gt")))
    for number, split in enumerate(SPLITS):
        assert pairs(source, split) == {str(at): (3 * number + at,) * 2 for at in range(3)}


def test_without_such_folders_the_hash_of_gts_stems_decides(tmp_path):
    names = [f"{number}.png" for number in range(30)]
    plain = Pairs(*(numbered(tmp_path / "1" / side, names, side) for side in ("lq", "gt")))
    scaled = Pairs(
        numbered(tmp_path / "2" / "lq", [f"deeper/{number}x2.png" for number in range(30)], "lq"),
        numbered(tmp_path / "2" / "gt", names, "gt"),
    )
    assert [len(plain.gt[split]) for split in SPLITS] == [24, 3, 3]
    assert [plain.gt[split].names for split in SPLITS] == [scaled.gt[split].names for split in SPLITS]
    assert len(every_pair(plain)) == 30


def test_a_limit_is_nested_and_takes_whole_pairs(tmp_path):
    names = [f"{number}.png" for number in range(10)]
    sides = [numbered(tmp_path / side, names, side) for side in ("lq", "gt")]
    small, large = (pairs(Pairs(*sides, limit=limit), "train") for limit in (2, 5))
    assert (len(small), len(large)) == (2, 5)
    assert small.items() < large.items()
    assert all(one == other for one, other in large.values())
    assert len(Pairs(*sides, limit=2).gt["test"]) == 1
    assert refusal(lq=sides[0], gt=sides[1], limit=9) == ("dataset.limit=9: there are only 8 images to train on")


# Unpaired folders


def test_sides_that_do_not_belong_together_are_split_each_by_itself(tmp_path):
    lq = numbered(tmp_path / "lq", ["train/a.png", "train/b.png", "test/c.png", "val/d.png"], "lq")
    gt = numbered(tmp_path / "gt", [f"{number}.png" for number in range(20)], "gt")
    source = Pairs(lq, gt, paired=False, limit=2)
    assert [len(source.lq[split]) for split in SPLITS] == [2, 1, 1]
    assert [len(source.gt[split]) for split in SPLITS] == [2, 2, 2]
    assert source.lq["test"].names == ("c",)
    whole = Pairs(lq, gt, paired=False)
    names = [name for split in SPLITS for name in whole.gt[split].names]
    assert sorted(names) == sorted(str(number) for number in range(20))


def test_a_broken_file_of_an_unpaired_side_costs_only_itself(tmp_path, caplog):
    sides = {side: numbered(tmp_path / side, ["a.png", "b.png", "c.png", "d.png"], side) for side in ("lq", "gt")}
    (tmp_path / "lq" / "b.png").write_bytes(b"nothing")
    source = Pairs(**sides, paired=False)
    assert sum(len(source.lq[split]) for split in SPLITS) == 3
    assert sum(len(source.gt[split]) for split in SPLITS) == 4
    assert told(caplog)[-1] == "1 of 4 files are broken and left out"


def test_an_lq_without_gt_has_the_sets_channels_also_where_it_is_judged(tmp_path):
    gray = numbered(tmp_path / "lq", ["a.png", "b.png", "c.png"], "lq", (6, 8))
    colour = numbered(tmp_path / "gt", ["1.png", "2.png", "3.png"], "gt")
    source = Pairs(gray, colour, paired=False)
    assert {source.lq[split][0].shape for split in SPLITS} == {(6, 8, 3)}
    with pytest.raises(UsageError, match=r"^[^\n]+: a colour image in a one-channel data set; set dataset\.num_ch=3$"):
        Pairs(colour, gray, paired=False, num_ch=1).lq["test"][0]


# Volumes


def volume(path, count, seed, dtype=np.uint16):
    path.parent.mkdir(parents=True, exist_ok=True)
    slices = [noise(5, 4, seed=seed + number, dtype=dtype) for number in range(count)]
    assert cv2.imwritemulti(str(path), slices)
    return slices


def test_pages_of_two_volumes_are_pairs_in_their_order(tmp_path):
    lq = {name: volume(tmp_path / "lq" / f"{name}.tif", 4, 10 * at) for at, name in enumerate("abc")}
    gt = {name: volume(tmp_path / "gt" / f"{name}.tif", 4, 500 + 10 * at) for at, name in enumerate("abc")}
    source = Pairs(str(tmp_path / "lq"), str(tmp_path / "gt"), num_ch=1)
    seen = set()
    for split in SPLITS:
        assert len(source.gt[split]) == 4
        for name, one, other in zip(source.gt[split].names, source.lq[split], source.gt[split], strict=True):
            np.testing.assert_array_equal(one[..., 0], lq[name[0]][int(name[-3:])])
            np.testing.assert_array_equal(other[..., 0], gt[name[0]][int(name[-3:])])
            seen.add(name)
    assert len(seen) == 12


def test_a_single_pair_of_volumes_is_split_by_its_pages_and_it_is_said(tmp_path, caplog):
    lq, gt = (volume(tmp_path / side / "v.tif", 20, seed) for side, seed in (("lq", 0), ("gt", 100)))
    source = Pairs(str(tmp_path / "lq"), str(tmp_path / "gt"), num_ch=1, limit=7)
    assert [len(source.gt[split]) for split in SPLITS] == [7, 2, 2]
    for split in SPLITS:
        for name, one, other in zip(source.gt[split].names, source.lq[split], source.gt[split], strict=True):
            np.testing.assert_array_equal(one[..., 0], lq[int(name[-3:])])
            np.testing.assert_array_equal(other[..., 0], gt[int(name[-3:])])
    assert told(caplog)[0].startswith(f"dataset.gt={tmp_path}/gt: 1 file of many pages, so its pages are split")


@pytest.mark.parametrize("count", [2, 4])
def test_volumes_of_different_length_are_one_line(tmp_path, count):
    for name in "abc":
        volume(tmp_path / "lq" / f"{name}.tif", count if name == "b" else 3, 0)
        volume(tmp_path / "gt" / f"{name}.tif", 3, 0)
    message = refusal(lq=tmp_path / "lq", gt=tmp_path / "gt", num_ch=1)
    assert message == f"{tmp_path}/lq/b.tif: it has {count} pages, and {tmp_path}/gt/b.tif 3; match them"


# Pixels


@pytest.mark.parametrize("gray", ["lq", "gt"])
def test_a_gray_side_is_stacked_in_training_and_fits_where_it_is_judged(tmp_path, gray):
    names = ["train/a.png", "val/b.png", "test/c.png"]
    sides = {
        side: numbered(tmp_path / side, names, side, (6, 8) if side == gray else (6, 8, 3)) for side in ("lq", "gt")
    }
    source = Pairs(**sides)
    assert source.lq["train"][0].shape == source.gt["train"][0].shape == (6, 8, 3)
    [batch] = source.tests("test", "set", AsGiven())
    expected = {"lq": (1, 3, 6, 8), "gt": (1, 1 if gray == "gt" else 3, 6, 8)}  # gt's own values are what counts
    assert {"lq": batch.lq.shape, "gt": batch.gt.shape} == expected
    torch.testing.assert_close(batch.lq, torch.full((1, 3, 6, 8), 4 / 255))
    one_channel = Pairs(**sides, num_ch=1)
    colour = (one_channel.lq if gray == "gt" else one_channel.gt)["train"]
    with pytest.raises(UsageError, match=r"^[^\n]+: a colour image in a one-channel data set; set dataset\.num_ch=3$"):
        colour[0]


def test_a_gray_set_stays_gray(tmp_path):
    names = ["train/a.png", "val/b.png", "test/c.png"]
    source = Pairs(*(numbered(tmp_path / side, names, side, (6, 8)) for side in ("lq", "gt")), num_ch=1)
    assert source.lq["train"][0].shape == source.gt["train"][0].shape == (6, 8, 1)
    [batch] = source.tests("test", "set", AsGiven())
    assert batch.lq.shape == batch.gt.shape == (1, 1, 6, 8)


def test_16_bit_beside_8_bit_keeps_its_levels(tmp_path):
    for split in ("train", "val", "test"):
        save(tmp_path / "lq" / split / "a.png", noise(6, 8, 3, dtype=np.uint16))
        save(tmp_path / "gt" / split / "a.png", noise(6, 8, 3))
    [batch] = Pairs(str(tmp_path / "lq"), str(tmp_path / "gt")).tests("test", "set", AsGiven())
    expected = noise(6, 8, 3, dtype=np.uint16).astype(np.float64) / 65535
    np.testing.assert_allclose(batch.lq[0].permute(1, 2, 0).numpy(), expected, atol=1e-7)
    np.testing.assert_allclose(batch.gt[0].permute(1, 2, 0).numpy(), noise(6, 8, 3) / 255, atol=1e-7)


def test_a_window_is_opened_on_both_sides(tmp_path):
    stored = noise(6, 8, dtype=np.uint16)
    for side, split in ((side, split) for side in ("lq", "gt") for split in ("train", "val", "test")):
        save(tmp_path / side / split / "a.png", stored)
    source = Pairs(str(tmp_path / "lq"), str(tmp_path / "gt"), num_ch=1, window=20000, level=30000)
    expected = np.clip((stored.astype(np.float64) - 20000) / 20000, 0, 1)
    for images in (*source.lq.values(), *source.gt.values()):
        np.testing.assert_allclose(images[0][..., 0] / 65535, expected, atol=0.5 / 65535 + 1e-9)


@pytest.mark.parametrize("together", [True, False])
def test_resize_brings_both_sides_of_training_to_one_size_and_judging_to_none(tmp_path, together):
    if together:
        for split in ("train", "val", "test"):
            save(tmp_path / "both" / split / "a.png", noise(16, 40, 3))
        source = Pairs(root=str(tmp_path / "both"), resize=24)
    else:
        for side, split in ((side, split) for side in ("lq", "gt") for split in ("train", "val", "test")):
            save(tmp_path / side / split / "a.png", noise(16, 20, 3))
        source = Pairs(str(tmp_path / "lq"), str(tmp_path / "gt"), resize=24)
    assert source.lq["train"][0].shape == source.gt["train"][0].shape == (24, 30, 3)
    for split in ("validation", "test"):
        assert source.lq[split][0].shape == source.gt[split][0].shape == (16, 20, 3)
    np.testing.assert_array_equal(source.gt["train"].subset(1)[0], source.gt["train"][0])


def test_under_another_degradation_lq_is_made_from_gt(tmp_path):
    for side, split in ((side, split) for side in ("lq", "gt") for split in ("train", "val", "test")):
        save(tmp_path / side / split / "a.png", noise(16, 16, 3, seed=side == "gt"))
    source = Pairs(str(tmp_path / "lq"), str(tmp_path / "gt"))
    tests = source.tests("test", "set", Bicubic(4), {"name": "bicubic"})
    assert tests.degradation == {"name": "bicubic"} and tests.scale == 4
    [batch] = tests
    assert batch.lq.shape == (1, 3, 4, 4)
    np.testing.assert_array_equal((batch.gt[0] * 255).round().permute(1, 2, 0), noise(16, 16, 3, seed=1))


# Published layouts


def test_the_real_facades_are_label_maps_beside_photographs(reference, tmp_path):
    paths = sorted((reference / "data" / "translation" / "facades_pairs").iterdir())[:6]
    for path in paths:
        shutil.copy(path, tmp_path)
    source = Pairs(root=str(tmp_path))
    whole = {path.stem: np.array(Image.open(path)) for path in paths}
    saturation = {"lq": [], "gt": []}
    for split in SPLITS:
        for name, lq, gt in zip(source.gt[split].names, source.lq[split], source.gt[split], strict=True):
            np.testing.assert_array_equal(np.concatenate([gt, lq], axis=1), whole[name])
            for side, pixels in (("lq", lq), ("gt", gt)):
                saturation[side].append(np.ptp(pixels, axis=2).mean())
    assert min(saturation["lq"]) > 1.5 * max(saturation["gt"])  # a label map is painted in pure colours


def test_the_published_sr_pairs_are_found_by_their_stems(reference):
    folder = reference / "data" / "sr" / "Set5_x4"
    source = Pairs(str(folder / "LR"), str(folder / "HR"))
    assert [len(source.gt[split]) for split in SPLITS] == [3, 1, 1]
    for split in SPLITS:
        for batch in source.tests(split, "set5", AsGiven(4)):
            assert batch.gt.shape[2] == 4 * batch.lq.shape[2]
