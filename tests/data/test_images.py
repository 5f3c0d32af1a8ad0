"""Folders of images as users have them: nested, odd, broken, changing; and their division into three sides."""

import logging
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from gan_bench.data.folder import Folder
from gan_bench.data.images import Images, list_images
from gan_bench.data.splits import complete_splits
from gan_bench.errors import UsageError

ONE_LINE = r"^[^\n]+$"


def noise(*shape, dtype=np.uint8, seed=0):
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, shape).astype(dtype)


def tree(root, *names):
    """PNG or JPEG files below a folder, each of other pixels."""
    for seed, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise(12, 16, 3, seed=seed)).save(path, "JPEG" if path.suffix.lower() == ".jpg" else "PNG")
    return root


def listed(root):
    """Split to relative names, sorted."""
    base = root.resolve()
    return {
        split: sorted(path.relative_to(base).as_posix() for path in paths) for split, paths in list_images(root).items()
    }


def messages(caplog):
    return [record.getMessage() for record in caplog.records if record.name == "gan_bench.data.images"]


@pytest.fixture(autouse=True)
def warnings_are_caught(caplog):
    caplog.set_level(logging.WARNING, logger="gan_bench.data.images")


# What is found


def test_nested_folders_are_listed(tmp_path):
    tree(tmp_path, "a.png", "b/c.png", "b/d/e/f.png")
    assert listed(tmp_path) == {"train": ["a.png", "b/c.png", "b/d/e/f.png"]}


def test_names_with_spaces_unicode_and_glob_characters_are_listed(tmp_path):
    names = ["a b.png", "é ü.png", "日本.png", "[1].png", "c*.png", "d?.png", "e#f.png", "g%20h.png", "i'j.png"]
    root = tree(tmp_path / "my [set] 2*", *names)
    assert listed(root) == {"train": sorted(names)}
    images = Images(list_images(root)["train"], root)
    assert sorted(images.names) == sorted(Path(name).stem for name in names)
    assert all(image.shape == (12, 16, 3) for image in images)


def test_upper_case_suffixes_are_listed(tmp_path):
    assert listed(tree(tmp_path, "a.PNG", "b.JPG", "c.Png")) == {"train": ["a.PNG", "b.JPG", "c.Png"]}


def test_other_files_beside_images_are_passed_over(tmp_path):
    tree(tmp_path, "a.png", ".hidden.png")
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "metadata.csv").write_text("file_name,text\na.png,x\n")
    (tmp_path / "README.md").write_text("---\nconfigs:\n- config_name: default\n  data_files: none.png\n---\n")
    Image.new("RGB", (4, 4)).save(tmp_path / "b.gif")
    assert listed(tmp_path) == {"train": ["a.png"]}


def test_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    tree(tmp_path / "pictures", "a.png")
    assert list_images("~/pictures")["train"] == [(tmp_path / "pictures" / "a.png").resolve()]


def test_an_image_added_removed_or_renamed_later_is_seen(tmp_path):
    tree(tmp_path, "a.png", "b.png")
    assert listed(tmp_path) == {"train": ["a.png", "b.png"]}
    tree(tmp_path, "c.png")
    assert listed(tmp_path) == {"train": ["a.png", "b.png", "c.png"]}
    (tmp_path / "a.png").unlink()
    (tmp_path / "b.png").rename(tmp_path / "z.png")
    assert listed(tmp_path) == {"train": ["c.png", "z.png"]}


def test_pixels_changed_under_the_same_name_are_seen(tmp_path):
    tree(tmp_path, "a.png")
    before = Images(list_images(tmp_path)["train"])[0]
    status = (tmp_path / "a.png").stat()
    Image.fromarray(noise(12, 16, 3, seed=9)).save(tmp_path / "a.png")
    os.utime(tmp_path / "a.png", ns=(status.st_atime_ns, status.st_mtime_ns))
    after = Images(list_images(tmp_path)["train"])[0]
    np.testing.assert_array_equal(after, noise(12, 16, 3, seed=9))
    assert not np.array_equal(before, after)


def test_listing_writes_into_the_cache_and_not_among_the_images(tmp_path, monkeypatch):
    import datasets

    root, cache = tree(tmp_path / "images", "a.png"), tmp_path / "cache"
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", cache)
    list_images(root)
    assert [path.name for path in root.iterdir()] == ["a.png"]
    assert any(cache.rglob("*.arrow"))


@pytest.mark.parametrize("work", [list_images, lambda root: Folder(str(root))])
def test_missing_and_empty_folders_are_one_line(tmp_path, work):
    with pytest.raises(UsageError, match=r"^dataset\.root=[^\n]*none: no such folder; [^\n]+$"):
        work(tmp_path / "none")
    (tmp_path / "file.png").write_bytes(b"x")
    with pytest.raises(UsageError, match="no such folder"):
        work(tmp_path / "file.png")
    (tmp_path / "empty").mkdir()
    for stray in (None, "notes.txt", ".hidden.png", "film.gif"):
        if stray:
            (tmp_path / "empty" / stray).write_bytes(b"x")
        with pytest.raises(UsageError, match=r"^dataset\.root=[^\n]*empty: no images found; looked for \.bmp[^\n]+$"):
            work(tmp_path / "empty")


def test_a_file_name_that_is_no_text_is_one_line(tmp_path):
    tree(tmp_path, "a.png")
    try:
        os.link(tmp_path / "a.png", os.fsencode(tmp_path) + b"/caf\xe9.png")
    except OSError:
        pytest.skip("this file system wants UTF-8")
    with pytest.raises(UsageError, match=r"^dataset\.root=[^\n]+cannot be listed[^\n]+UTF-8\?$"):
        list_images(tmp_path)


# Names


def test_names_are_stems(tmp_path):
    root = tree(tmp_path, "x/b.png", "y/a.v2.png")
    assert Images(list_images(root)["train"], root).names == ("b", "a.v2")


def test_equal_stems_in_two_folders_keep_both_images_apart(tmp_path):
    root = tree(tmp_path, "x/1.png", "y/1.png", "2.png")
    images = Images(list_images(root)["train"], root)
    assert sorted(images.names) == ["2", "x/1", "y/1"]
    by_name = dict(zip(images.names, images, strict=True))
    np.testing.assert_array_equal(by_name["y/1"], noise(12, 16, 3, seed=1))


def test_equal_stems_with_two_suffixes_keep_both_images_apart(tmp_path):
    root = tree(tmp_path, "1.png", "1.jpg")
    assert sorted(Images(list_images(root)["train"], root).names) == ["1.jpg", "1.png"]


# Pixels


@pytest.mark.parametrize("channels", [1, 3])
def test_16_bit_png_keeps_its_values(tmp_path, channels):
    pixels = noise(6, 5, channels, dtype=np.uint16)
    cv2.imwrite(str(tmp_path / "a.png"), pixels[..., ::-1])
    image = Images(list_images(tmp_path)["train"], num_ch=None)[0]
    assert image.dtype == np.uint16
    np.testing.assert_array_equal(image, pixels)


def test_gray_is_stacked_for_three_channels_and_kept_otherwise(tmp_path):
    pixels = noise(6, 5)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    np.testing.assert_array_equal(Images([tmp_path / "a.png"], num_ch=3)[0], np.stack([pixels] * 3, axis=2))
    for num_ch in (1, None):
        np.testing.assert_array_equal(Images([tmp_path / "a.png"], num_ch=num_ch)[0], pixels[..., None])


def test_colour_in_a_gray_set_is_one_line(tmp_path):
    images = Images([tree(tmp_path, "a.png") / "a.png"], num_ch=1)
    with pytest.raises(UsageError, match=r"^[^\n]*a\.png: a colour image [^\n]*dataset\.num_ch=3$"):
        images[0]


def test_alpha_is_dropped_with_exactly_one_warning(tmp_path, caplog):
    pixels = noise(6, 5, 4)
    for name in ("a.png", "b.png", "c.png"):
        Image.fromarray(pixels).save(tmp_path / name)
    images = Images(list_images(tmp_path)["train"])
    for image in [*images, *images]:
        np.testing.assert_array_equal(image, pixels[..., :3])
    (warning,) = messages(caplog)
    assert "a.png: its alpha channel is dropped" in warning


@pytest.mark.parametrize("turned", [2, 3, 6, 8])
def test_exif_rotation_is_applied(tmp_path, turned):
    exif, stored = Image.Exif(), Image.fromarray(noise(6, 5, 3))
    exif[0x0112] = turned
    stored.save(tmp_path / "a.png", exif=exif)
    expected = np.array(ImageOps.exif_transpose(Image.open(tmp_path / "a.png")))
    assert expected.shape == ((5, 6, 3) if turned > 4 else (6, 5, 3))
    np.testing.assert_array_equal(Images(list_images(tmp_path)["train"])[0], expected)


def test_decoded_images_are_kept_as_far_as_memory_allows(tmp_path, monkeypatch):
    root = tree(tmp_path, "a.png", "b.png")
    images = Images(list_images(root)["train"])
    assert images[0] is images[0]
    monkeypatch.setattr("gan_bench.data.images.CACHE_BYTES", images[0].nbytes)
    assert images[1] is not images[1]
    np.testing.assert_array_equal(images[1], images[1])


# Broken files


@pytest.fixture
def partly_broken(tmp_path):
    root = tree(tmp_path, *(f"good{number}.png" for number in range(6)))
    (root / "text.png").write_text("I am no image\n" * 20)
    (root / "cut.png").write_bytes((root / "good0.png").read_bytes()[:-30])
    return root


def test_broken_files_are_named_counted_and_left_out(partly_broken, caplog):
    folder = Folder(str(partly_broken))
    names = {*folder.gt["train"].names, *folder.gt["validation"].names, *folder.gt["test"].names}
    assert names == {f"good{number}" for number in range(6)}
    warnings = messages(caplog)
    assert len(warnings) == 3
    for name in ("text.png", "cut.png"):
        assert any(f"{name}: not a readable image (" in warning for warning in warnings)
    assert warnings[-1] == "2 of 8 files are broken and left out"


def test_a_file_that_may_not_be_read_is_left_out_too(partly_broken, caplog, monkeypatch):
    read_bytes = Path.read_bytes

    def refuse(path):
        if path.name == "good3.png":
            raise PermissionError(13, "Permission denied")
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    folder = Folder(str(partly_broken))
    assert len(folder.gt["train"]) + len(folder.gt["validation"]) + len(folder.gt["test"]) == 5
    assert any("good3.png: cannot be read (Permission denied): left out" in message for message in messages(caplog))


def test_all_broken_is_one_line(tmp_path, caplog):
    for name in ("a.png", "b.png", "c.png", "d.png"):
        (tmp_path / name).write_bytes(b"\x89PNG\r\n\x1a\nnothing more")
    with pytest.raises(UsageError, match=ONE_LINE) as caught:
        Folder(str(tmp_path))
    assert str(tmp_path) in str(caught.value)
    assert "4 of 4 files are broken" in messages(caplog)[-1]


# The three sides


@pytest.mark.parametrize(
    "names",
    [
        ("train", "val", "test"),
        ("training", "validation", "testing"),
        ("Train", "VAL", "Test"),
        ("trainA", "valA", "testA"),
    ],
)
def test_folders_named_after_the_splits_are_respected(tmp_path, names):
    train, validation, test = names
    tree(tmp_path, f"{train}/a.png", f"{train}/x/b.png", f"{validation}/c.png", f"{test}/d.png", f"{test}/e.png")
    folder = Folder(str(tmp_path))
    assert folder.gt["train"].names == ("a", "b")
    assert folder.gt["validation"].names == ("c",)
    assert folder.gt["test"].names == ("d", "e")


def test_a_split_may_be_one_word_of_the_folders_name(tmp_path):
    tree(tmp_path, "DIV2K_train_HR/1.png", "DIV2K_train_HR/2.png", "DIV2K_valid_HR/3.png", "trainstation/4.png")
    assert listed(tmp_path) == {
        "train": ["DIV2K_train_HR/1.png", "DIV2K_train_HR/2.png", "trainstation/4.png"],
        "validation": ["DIV2K_valid_HR/3.png"],
    }


def test_a_split_in_a_file_name_or_above_the_root_decides_nothing(tmp_path):
    root = tree(tmp_path / "test", "a.png", "b.png", "test.png", "val_1.png", "x/train-2.png")
    assert listed(root) == {"train": ["a.png", "b.png", "test.png", "val_1.png", "x/train-2.png"]}


def test_images_beside_the_split_folders_are_not_lost(tmp_path):
    tree(tmp_path, "train/a.png", "train/b.png", "test/c.png", "more/d.png", "e.png", "f.png")
    folder = Folder(str(tmp_path))
    assert folder.gt["test"].names == ("c",)
    assert {*folder.gt["train"].names, *folder.gt["validation"].names} == {"a", "b", "d", "e", "f"}


def test_a_missing_side_is_taken_from_training(tmp_path):
    tree(tmp_path, *(f"train/{number}.png" for number in range(8)), "test/t.png")
    folder = Folder(str(tmp_path))
    assert folder.gt["test"].names == ("t",)
    assert (len(folder.gt["train"]), len(folder.gt["validation"])) == (7, 1)


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_images_for_three_sides_is_one_line(tmp_path, count):
    tree(tmp_path, *(f"{number}.png" for number in range(count)))
    with pytest.raises(UsageError, match=r"^[^\n]+at least 3 are needed$"):
        Folder(str(tmp_path))


def test_three_images_are_one_for_each_side(tmp_path):
    folder = Folder(str(tree(tmp_path, "a.png", "b.png", "c.png")))
    assert [len(side) for side in (folder.gt["train"], folder.gt["validation"], folder.gt["test"])] == [1, 1, 1]


def test_training_images_have_num_ch_channels_and_judged_ones_their_own(tmp_path):
    for split in ("train", "val", "test"):
        (tmp_path / split).mkdir()
        Image.fromarray(noise(6, 5)).save(tmp_path / split / "a.png")
    folder = Folder(str(tmp_path), num_ch=3)
    assert [side[0].shape[2] for side in (folder.gt["train"], folder.gt["validation"], folder.gt["test"])] == [3, 1, 1]


stems = st.lists(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=6), unique=True)


@settings(deadline=None)
@given(stems.filter(lambda names: len(names) >= 3), st.randoms(use_true_random=False))
def test_hash_splits_are_deterministic_disjoint_and_complete(names, shuffler):
    paths = [Path("root", name + ".png") for name in names]
    splits = complete_splits({"train": paths})
    assert sorted(path for side in splits.values() for path in side) == sorted(paths)
    assert all(splits[side] for side in ("train", "validation", "test"))
    shuffled = list(paths)
    shuffler.shuffle(shuffled)
    assert complete_splits({"train": shuffled}) == splits
    moved = complete_splits({"train": [Path("elsewhere", path.name) for path in paths]})
    assert [path.name for path in moved["test"]] == [path.name for path in splits["test"]]


@given(st.integers(3, 400))
def test_hash_splits_are_eight_to_one_to_one(count):
    splits = complete_splits({"train": [Path(f"{number}.png") for number in range(count)]})
    assert len(splits["validation"]) == len(splits["test"]) == max(1, round(count / 10))


@settings(deadline=None)
@given(stems, stems, stems)
def test_given_sides_stay_as_they_are(train, validation, test):
    given_sides = {
        side: [Path(side, name) for name in names]
        for side, names in (("train", train), ("validation", validation), ("test", test))
    }
    every = [path for paths in given_sides.values() for path in paths]
    try:
        splits = complete_splits(given_sides)
    except UsageError:
        assert len(train) < 3
        return
    assert sorted(path for side in splits.values() for path in side) == sorted(every)
    for side in ("validation", "test"):
        if train and given_sides[side]:
            assert splits[side] == given_sides[side]


# Fewer images


def test_a_smaller_limit_is_part_of_every_larger_one(tmp_path):
    root = tree(tmp_path, *(f"{number}.png" for number in range(9)), "x/0.png")
    images = Images(list_images(root)["train"], root)
    for larger in range(2, 11):
        assert len(images.subset(larger)) == larger
        assert set(images.subset(larger - 1).names) < set(images.subset(larger).names) <= set(images.names)
    assert set(images.subset(3).names) <= set(images.subset(5).subset(4).names)
    assert images.subset(None) is images


def test_a_subset_keeps_names_and_pixels_together(tmp_path):
    root = tree(tmp_path, "x/1.png", "y/1.png", "z/1.png")
    images = Images(list_images(root)["train"], root)
    whole = dict(zip(images.names, images, strict=True))
    for count in (1, 2, 3):
        subset = images.subset(count)
        for name, pixels in zip(subset.names, subset, strict=True):
            np.testing.assert_array_equal(pixels, whole[name])


def test_limit_shrinks_training_alone(tmp_path):
    root = str(tree(tmp_path, *(f"{number}.png" for number in range(12))))
    whole, limited = Folder(root), Folder(root, limit=3)
    assert len(limited.gt["train"]) == 3
    assert set(limited.gt["train"].names) < set(whole.gt["train"].names)
    assert limited.gt["test"].names == whole.gt["test"].names
    assert limited.gt["validation"].names == whole.gt["validation"].names
    with pytest.raises(UsageError, match=r"^dataset\.limit=0: [^\n]+$"):
        Folder(root, limit=0)


def test_halves_keep_the_pages_of_a_file_together(tmp_path):
    from gan_bench.data.pages import Page

    pages = [Page(tmp_path / f"{file}.tif", number, 6) for file in "abcd" for number in range(6)]
    first, second = Images(pages, tmp_path).halves()
    assert sorted([*first, *second]) == list(range(24)) and len(first) == len(second) == 12
    assert not {pages[i].path for i in first} & {pages[i].path for i in second}
    first, second = Images(pages[:6], tmp_path).halves()  # a single volume: neighbours stay on one side
    assert (first, second) == ([0, 1, 2], [3, 4, 5])
