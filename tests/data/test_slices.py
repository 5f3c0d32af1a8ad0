"""Volumes of slices, halves of pairs, folders that are not bundled: what the data sets of conf/ make of real files."""

import logging
import shutil

import cv2
import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from PIL import Image

from gan_bench.config import build, conf_dir
from gan_bench.data.folder import Folder
from gan_bench.data.images import Images, list_images
from gan_bench.data.pages import Page
from gan_bench.errors import UsageError
from gan_bench.image import pages, read, to_tensor, verify

DATASETS = ["facades", "paintings", "slices"]
SIDES = ("train", "validation", "test")


def noise(*shape, seed=0, most=65536):
    return np.random.default_rng(seed).integers(0, most, shape).astype(np.uint16)


def volume(path, *slices):
    """A TIFF of one page per slice, written by OpenCV; the package itself writes none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwritemulti(str(path), [np.ascontiguousarray(one[..., ::-1]) for one in slices])
    return path


def composed(name, *overrides):
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return compose("train", overrides=[f"dataset={name}", *overrides])


def dataset(name, *overrides):
    return build(composed(name, *overrides).dataset, key="dataset")


def everything(folder):
    """Names and pixels of all three sides."""
    sides = [folder.gt[side] for side in SIDES]
    return {name: image for images in sides for name, image in zip(images.names, images, strict=True)}


@pytest.fixture
def data_root(reference, tmp_path, monkeypatch):
    """A folder as GAN_BENCH_DATA names it, with real files."""
    folders = {"facades": "translation/facades_pairs", "paintings": "translation/monet2photo/A_monet"}
    for name, folder in folders.items():
        (tmp_path / name).mkdir()
        for path in sorted((reference / "data" / folder).iterdir())[:12]:
            shutil.copy(path, tmp_path / name)
    (tmp_path / "slices").mkdir()
    shutil.copy(reference / "data" / "medical" / "skimage_brain.tiff", tmp_path / "slices" / "brain.tiff")
    monkeypatch.setenv("GAN_BENCH_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture(autouse=True)
def warnings_are_caught(caplog):
    caplog.set_level(logging.WARNING, logger="gan_bench")


# Pages


def test_every_page_is_read_as_pillow_reads_it(reference):
    path = reference / "data" / "medical" / "skimage_brain.tiff"
    assert pages(path) == tuple(range(10))
    with Image.open(path) as film:
        for number in range(10):
            film.seek(number)
            np.testing.assert_array_equal(read(path, number).pixels[..., 0], np.array(film))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_pages_of_any_depth_keep_their_values(tmp_path, dtype, channels):
    slices = [(noise(6, 5, channels, seed=seed) >> (8 if dtype is np.uint8 else 0)).astype(dtype) for seed in range(3)]
    path = volume(tmp_path / "a.tif", *slices)
    verify(path.read_bytes(), "a")
    for number, one in enumerate(slices):
        pixels = read(path, number).pixels
        assert pixels.dtype == dtype
        np.testing.assert_array_equal(pixels, one)


def test_smaller_copies_and_masks_are_no_images(tmp_path):
    whole, small = Image.fromarray(noise(16, 16)), Image.fromarray(noise(4, 4))
    small.encoderinfo = {"tiffinfo": {254: 1}}
    whole.save(tmp_path / "a.tif", save_all=True, append_images=[small, Image.fromarray(noise(16, 16, seed=1))])
    assert pages(tmp_path / "a.tif") == (0, 2)
    images = Images([tmp_path / "a.tif"], num_ch=1)
    assert images.names == ("a_000", "a_002")
    np.testing.assert_array_equal(images[1][..., 0], noise(16, 16, seed=1))


def test_a_broken_page_breaks_its_file(tmp_path, caplog):
    for name in "abcd":
        volume(tmp_path / f"{name}.tif", *(noise(40, 40, 1, seed=seed) for seed in range(3)))
    data = (tmp_path / "b.tif").read_bytes()
    (tmp_path / "b.tif").write_bytes(data[: len(data) - 200])
    folder = Folder(str(tmp_path), num_ch=1)
    assert {name[0] for name in everything(folder)} == {"a", "c", "d"}
    assert any("b.tif: not a readable image (" in record.getMessage() for record in caplog.records)


def test_a_page_that_is_not_there_is_one_line(tmp_path):
    path = volume(tmp_path / "a.tif", noise(4, 4, 1), noise(4, 4, 1))
    with pytest.raises(UsageError, match=r"^[^\n]+a\.tif: not a readable image \([^\n]+\)$"):
        read(path, 2)
    with pytest.raises(UsageError, match=r"none\.tif: no such file$"):
        Images([tmp_path / "none.tif"])


# Names and splits


def test_names_of_pages_are_unique_beside_equal_stems(tmp_path):
    volume(tmp_path / "x" / "a.tif", noise(4, 4, 1), noise(4, 4, 1, seed=1))
    volume(tmp_path / "y" / "a.tif", noise(4, 4, 1, seed=2), noise(4, 4, 1, seed=3))
    cv2.imwrite(str(tmp_path / "b.png"), noise(4, 4))
    images = Images(list_images(tmp_path)["train"], tmp_path, num_ch=1)
    assert images.names == ("b", "x/a_000", "x/a_001", "y/a_000", "y/a_001")
    np.testing.assert_array_equal(images[3], noise(4, 4, 1, seed=2))
    beside = Images([tmp_path / "x" / "a.tif", png_file(tmp_path / "x" / "a_001.png")], tmp_path, num_ch=1)
    assert len(set(beside.names)) == 3


def png_file(path):
    cv2.imwrite(str(path), noise(4, 4))
    return path


def test_a_subset_keeps_pages_names_and_white(tmp_path):
    slices = [noise(4, 4, 1, seed=seed, most=300) for seed in range(6)]
    folder = Folder(str(volume(tmp_path / "v" / "a.tif", *slices).parent), num_ch=1, peak="file")
    whole, part = dict(zip(folder.gt["train"].names, folder.gt["train"], strict=True)), folder.gt["train"].subset(2)
    assert len(part) == 2
    for name, image in zip(part.names, part, strict=True):
        np.testing.assert_array_equal(image, whole[name])


def test_volumes_are_not_torn_where_there_are_three(tmp_path):
    for name in "abcde":
        volume(tmp_path / f"{name}.tif", *(noise(4, 4, 1, seed=seed) for seed in range(4)))
    folder = Folder(str(tmp_path), num_ch=1)
    sides = [{name[0] for name in folder.gt[side].names} for side in SIDES]
    assert sum(map(len, sides)) == 5 == len(set.union(*sides))
    assert [len(folder.gt[side]) for side in SIDES] == [12, 4, 4]


def test_pages_of_a_single_volume_are_split_in_runs_and_it_is_said(tmp_path, caplog):
    volume(tmp_path / "a.tif", *(noise(4, 4, 1, seed=seed) for seed in range(20)))
    folder = Folder(str(tmp_path), num_ch=1)
    for side, count in zip(SIDES, (16, 2, 2), strict=True):
        numbers = [int(name[-3:]) for name in folder.gt[side].names]
        assert numbers == list(range(numbers[0], numbers[0] + count))
    assert len(everything(folder)) == 20
    (warning,) = [record.getMessage() for record in caplog.records]
    assert str(tmp_path) in warning and "its pages are split" in warning


def test_folders_that_name_the_sides_decide_for_volumes_too(tmp_path, caplog):
    for seed, side in enumerate(("train", "val", "test")):
        volume(tmp_path / side / "v.tif", noise(4, 4, 1, seed=seed), noise(4, 4, 1, seed=seed + 10))
    folder = Folder(str(tmp_path), num_ch=1)
    assert [len(folder.gt[side]) for side in SIDES] == [2, 2, 2]
    np.testing.assert_array_equal(folder.gt["test"][1], noise(4, 4, 1, seed=12))
    assert not caplog.records


# What counts as white, and halves


def test_the_peak_of_a_file_becomes_white_and_keeps_its_slices_apart(tmp_path):
    slices = [noise(8, 8, 1, seed=seed, most=100 * (seed + 1)) for seed in range(3)]
    peak = max(int(one.max()) for one in slices)
    folder = Folder(str(volume(tmp_path / "v" / "a.tif", *slices).parent), num_ch=1, peak="file")
    for name, image in everything(folder).items():
        expected = slices[int(name[-3:])].astype(np.float64) / peak
        np.testing.assert_allclose(to_tensor(image)[0].numpy()[..., None], expected, atol=1 / 65535)


def test_a_number_is_white_for_all_and_nothing_is_above_it(tmp_path):
    for seed in range(3):
        cv2.imwrite(str(tmp_path / f"{seed}.png"), noise(6, 6, seed=seed, most=4096))
    for name, image in everything(Folder(str(tmp_path), num_ch=1, peak=4095)).items():
        expected = noise(6, 6, seed=int(name), most=4096) / 4095
        np.testing.assert_allclose(to_tensor(image)[0].numpy(), expected, atol=1 / 65535)
    with pytest.raises(UsageError, match=r"^[^\n]+\.png: \d+ is above dataset\.peak=100, [^\n]+$"):
        Folder(str(tmp_path), num_ch=1, peak=100).gt["train"][0]


def test_a_black_file_stays_black(tmp_path):
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.zeros((4, 4), np.uint16))
    assert all(not image.any() for image in everything(Folder(str(tmp_path), num_ch=1, peak="file")).values())


@pytest.mark.parametrize("width", [2, 7, 10])
def test_halves_are_the_outer_columns(tmp_path, width):
    pixels = (noise(4, width, 3) >> 8).astype(np.uint8)
    for name in "abc":
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    half = width // 2
    for part, expected in (("left", pixels[:, :half]), ("right", pixels[:, width - half :]), (None, pixels)):
        folder = Folder(str(tmp_path), part=part)
        for side in SIDES:
            np.testing.assert_array_equal(folder.gt[side][0], expected)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"part": "upper"}, r"^dataset\.part=upper: left, right or null$"),
        ({"peak": "volume"}, r"^dataset\.peak=volume: a number above 0, file or null$"),
        ({"peak": 0}, r"^dataset\.peak=0: [^\n]+$"),
        ({"peak": True}, r"^dataset\.peak=True: [^\n]+$"),
    ],
)
def test_bad_values_are_one_line(tmp_path, values, message):
    with pytest.raises(UsageError, match=message):
        Folder(str(tmp_path), **values)


def test_what_is_one_pixel_wide_has_no_half(tmp_path):
    for name in "abc":
        Image.fromarray(np.zeros((4, 1, 3), np.uint8)).save(tmp_path / f"{name}.png")
    with pytest.raises(UsageError, match=r"^[^\n]+png: one pixel wide, [^\n]+ dataset\.part=null$"):
        Folder(str(tmp_path), part="left").gt["train"][0]


# The data sets of conf/


def test_slices_are_the_pages_of_the_brain_from_black_to_white(data_root, reference):
    folder = dataset("slices")
    found = everything(folder)
    assert sorted(found) == [f"brain_{number:03}" for number in range(10)]
    assert [len(folder.gt[side]) for side in SIDES] == [8, 1, 1]
    assert folder.num_ch == 1
    with Image.open(reference / "data" / "medical" / "skimage_brain.tiff") as film:
        for number in range(10):
            film.seek(number)
            expected = np.array(film) / 226  # the largest number of the volume
            image = to_tensor(found[f"brain_{number:03}"])
            assert image.shape == (1, 256, 256)
            np.testing.assert_allclose(image[0].numpy(), expected, atol=1 / 65535)


def test_slices_are_stacked_for_three_channels(data_root):
    folder = dataset("slices", "dataset.num_ch=3", "dataset.limit=2")
    assert len(folder.gt["train"]) == 2
    assert folder.gt["train"][0].shape == (256, 256, 3)
    assert folder.gt["test"][0].shape == (256, 256, 1)


def test_facades_are_the_photographs(data_root):
    folder = dataset("facades")
    assert len(everything(folder)) == 12
    for side in SIDES:
        images = folder.gt[side]
        for page, image in zip(images.pages, images, strict=True):
            assert image.shape == (256, 256, 3)
            whole = np.array(Image.open(page.path))
            np.testing.assert_array_equal(image, whole[:, :256])


def test_paintings_are_the_files_as_they_are(data_root):
    folder = dataset("paintings")
    assert len(everything(folder)) == 12
    np.testing.assert_array_equal(folder.gt["test"][0], np.array(Image.open(folder.gt["test"].paths[0])))


PLACES = {
    "folder": ["dataset.root={data}/real/RealSRSet"],
    "pairs": ["dataset.root={data}/translation/facades_pairs"],
    "unpaired": [
        "dataset.lq={data}/translation/monet2photo/B_photo",
        "dataset.gt={data}/translation/monet2photo/A_monet",
    ],
}


def trains(path):
    """Whether one may train on the set of a yaml; the others are only judged, see test_judged.py."""
    text = path.read_text()
    return "gan_bench.data.Judged" not in text and "defaults: [judged" not in text


@pytest.mark.parametrize("name", sorted(path.stem for path in (conf_dir() / "dataset").glob("*.yaml") if trains(path)))
def test_every_data_set_of_conf_trains_and_judges_on_real_files(data_root, reference, name):
    words = [word.format(data=reference / "data") for word in PLACES.get(name, [])]
    cfg = composed(name, *words)
    source, degradation = (build(cfg[key], key=key) for key in ("dataset", "degradation"))
    assert degradation.given == (name in ("pairs", "unpaired"))
    patch = 32
    for settings in (False, True):
        source.unpaired = settings
        sample = source.crops(degradation, [(0, patch)], 0)[1]
        side = patch + 2 * degradation.margin
        assert sample.image.shape == (source.num_ch, side, side)
        assert getattr(sample, "gt", sample.image).shape[-1] >= patch
    for split in SIDES:
        tests = source.tests(split, name, degradation)
        batch, real = tests[0], next(tests.reals())
        assert (batch.gt is None) == (name == "unpaired")
        for image in (batch.lq, real):
            assert image.isfinite().all() and 0 <= image.min() < image.max() <= 1
        if batch.gt is not None:
            assert batch.gt.shape[2] == tests.scale * batch.lq.shape[2] and torch.equal(real, batch.gt)


def test_facades_are_label_map_to_photograph_where_they_are_taken_as_given(data_root):
    cfg = composed("facades", "degradation=given")
    source, degradation = (build(cfg[key], key=key) for key in ("dataset", "degradation"))
    for batch, path in zip(source.tests("test", "facades", degradation), source.gt["test"].paths, strict=True):
        whole = np.array(Image.open(path)).transpose(2, 0, 1)[None] / np.float32(255)
        np.testing.assert_array_equal(batch.gt, whole[..., :256])
        np.testing.assert_array_equal(batch.lq, whole[..., 256:])


def test_monets_and_photographs_are_split_each_by_itself_and_compared_with_nothing(reference):
    folder = reference / "data" / "translation" / "monet2photo"
    source = dataset("unpaired", f"dataset.lq={folder}/B_photo", f"dataset.gt={folder}/A_monet", "dataset.resize=286")
    for side, below in ((source.lq, "B_photo"), (source.gt, "A_monet")):
        paths = [path for split in SIDES for path in side[split].paths]
        assert sorted(paths) == sorted((folder / below).iterdir()) and len(paths) == 40
        assert [len(side[split]) for split in SIDES] == [32, 4, 4]
        assert side["train"][0].shape == (286, 286, 3) and side["test"][0].shape == (256, 256, 3)


@pytest.mark.parametrize("name", DATASETS)
def test_a_missing_folder_says_what_to_put_where(tmp_path, monkeypatch, name):
    monkeypatch.delenv("GAN_BENCH_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        UsageError, match=rf"^dataset\.root=data/{name}: no such folder; put [^\n]+ GAN_BENCH_DATA[^\n]+$"
    ):
        dataset(name)
    monkeypatch.setenv("GAN_BENCH_DATA", str(tmp_path / "mine"))
    with pytest.raises(UsageError, match=rf"^dataset\.root=[^\n]+mine/{name}: no such folder; "):
        dataset(name)


@pytest.mark.full
def test_a_network_learns_from_slices_and_facades(data_root, train):
    code, out, err = train("-m", "experiment=ablate_domain", "dataset=slices,facades", "metrics=offline")
    assert code == 0, err
    for name in ("slices", "facades", "paintings", "photos"):
        assert f"{name} · bicubic" in out
    assert "left out" not in err


def test_page_labels_are_three_digits_only_where_there_are_several(tmp_path):
    assert [Page(tmp_path, number, 2).label for number in range(2)] == ["_000", "_001"]
    assert Page(tmp_path).label == ""
