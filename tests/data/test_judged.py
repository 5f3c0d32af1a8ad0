"""Sets that are only judged: folders as people have them, parts that say so, Hugging Face data sets, no network."""

import io
import logging

import numpy as np
import pytest
from PIL import Image

from gan_bench.benchmark.result import find
from gan_bench.config import build, cells, conf_dir, default_config, suite_config
from gan_bench.data import Judged
from gan_bench.degradations import AsGiven, Bicubic
from gan_bench.errors import UsageError
from gan_bench.trials import trials


def pixels(seed, side=16):
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3)).astype(np.uint8)


def folder(path, *names, side=16):
    path.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(names):
        Image.fromarray(pixels(seed, side)).save(path / name)
    return path


def made(source, name="mine", scale=2):
    return source.tests("test", name, Bicubic(scale), {"name": "bicubic", "parameters": {"scale": scale}})


def given(source, name="mine", scale=2):
    return source.tests("test", name, AsGiven(scale))


@pytest.mark.parametrize("below", ["", "HR", "hr", "gt", "GTmod12", "High", "original"])
def test_every_image_is_a_test_image_wherever_gt_usually_lies(tmp_path, below):
    folder(tmp_path / below, "b.png", "a.png")
    tests = made(Judged(str(tmp_path)))
    assert (tests.name, tests.names) == ("mine", ("a", "b"))
    np.testing.assert_array_equal((tests[1].gt[0].permute(1, 2, 0) * 255).round().numpy(), pixels(0))
    assert tests[0].lq.shape == (1, 3, 8, 8)


def test_a_folder_of_gt_comes_before_what_lies_beside_it(tmp_path):
    folder(tmp_path, "preview.png")
    folder(tmp_path / "HR", "a.png")
    assert made(Judged(str(tmp_path))).names == ("a",)


@pytest.mark.parametrize("other", ["out/sharp/x.png", "out/blur/x.png", "image_SRF_4/img_001_SRF_4_HR.png"])
def test_images_in_the_root_go_before_folders_of_other_names(tmp_path, other):
    folder(tmp_path, "a.png", "b.png")
    folder((tmp_path / other).parent, (tmp_path / other).name)
    assert made(Judged(str(tmp_path))).names == ("a", "b")


def test_of_folders_that_differ_in_case_the_first_is_taken(tmp_path):
    folder(tmp_path / "HR", "a.png")
    folder(tmp_path / "hr", "b.png")
    if len(list(tmp_path.iterdir())) == 2:  # else the system takes them for one
        assert made(Judged(str(tmp_path))).names == ("a",)


def test_images_beside_a_folder_of_lq_are_no_gt(tmp_path):
    folder(tmp_path, "preview.png")
    folder(tmp_path / "LR", "a.png")
    tests = given(Judged(str(tmp_path)))
    assert tests.names == ("a",) and tests[0].gt is None


@pytest.mark.parametrize(
    ("below", "name"),
    [("LR", "a.png"), ("lq", "a.png"), ("LR_bicubic/X2", "ax2.png"), ("LRbicx2", "a.png"), ("input", "a.png")],
)
def test_lq_of_its_own_is_taken_under_given_alone(tmp_path, below, name):
    folder(tmp_path / "HR", "a.png")
    folder(tmp_path / below, name, side=8)
    source = Judged(str(tmp_path))
    own, other = given(source)[0], made(source)[0]
    np.testing.assert_array_equal((own.lq[0].permute(1, 2, 0) * 255).round().numpy(), pixels(0, 8))
    assert own.name == ("a",) and own.gt.shape == other.gt.shape == (1, 3, 16, 16)
    assert not np.array_equal(own.lq.numpy(), other.lq.numpy())


def test_lq_of_the_runs_scale_is_taken_where_there_are_several(tmp_path):
    folder(tmp_path / "HR", "a.png")
    for scale in (2, 4):
        folder(tmp_path / "LR_bicubic" / f"X{scale}", f"ax{scale}.png", side=16 // scale)
    source = Judged(str(tmp_path))
    assert [given(source, scale=scale)[0].lq.shape[-1] for scale in (2, 4)] == [8, 4]
    with pytest.raises(UsageError, match=r"no lq images of scale 3: put them into one of lr_bicubic/x3, [^\n]+$"):
        given(source, scale=3)


@pytest.mark.parametrize(("below", "gt"), [("LR", None), ("", False), ("lq", False)])
def test_without_gt_it_is_judged_without(tmp_path, below, gt):
    folder(tmp_path / below, "a.png")
    source = Judged(str(tmp_path), gt=gt)
    tests = given(source, scale=4)
    assert (tests.names, tests.scale, tests[0].gt, tests.gt_sha256) == (("a",), 4, None, None)
    with pytest.raises(UsageError, match=r"no ground truth to make lq from; take degradation=given$"):
        made(source)


def test_what_shows_other_scenes_is_what_sets_are_compared_with(tmp_path):
    folder(tmp_path / "testA", "x.png", "y.png")
    folder(tmp_path / "testB", "a.png")
    source = Judged(str(tmp_path), gt="testA", lq="testB", paired=False)
    tests = given(source, scale=1)
    assert (tests.names, tests[0].gt, len(list(tests.reals()))) == (("a",), None, 2)
    with pytest.raises(UsageError, match=r"^dataset\.paired=false: [^\n]+$"):
        made(source)


def test_a_part_of_a_set_never_passes_for_the_whole(tmp_path, caplog):
    folder(tmp_path, "a.png", "b.png", "c.png")
    whole, part = (Judged(str(tmp_path), images=count) for count in (3, 100))
    with caplog.at_level(logging.INFO, "gan_bench"):
        assert made(whole, "bsd100").name == "bsd100" and not caplog.records
        assert [made(part, "bsd100").name for _ in range(2)] == ["bsd100_3", "bsd100_3"]
    [told] = [record.getMessage() for record in caplog.records]
    assert told == f"dataset.root={tmp_path}: 3 images, bsd100 has 100: it is judged as bsd100_3"


def test_a_broken_file_is_named_and_makes_it_a_part(tmp_path, caplog):
    folder(tmp_path, "a.png", "b.png")
    (tmp_path / "c.png").write_text("no image")
    assert made(Judged(str(tmp_path), images=3)).name == "mine_2"
    assert "c.png" in caplog.text


def test_training_on_it_ends_before_anything_is_made(tmp_path, train):
    folder(tmp_path / "data", "a.png")
    code, out, err = train("model=srcnn", "dataset=judged", f"dataset.root={tmp_path}/data")
    assert code == 2 and not out
    assert (
        err.strip().splitlines()[-1].startswith(f"error: dataset.root={tmp_path}/data: a data set that is only judged")
    )
    assert not list(tmp_path.glob("runs/*"))
    assert train("model=bicubic", "dataset=judged", f"dataset.root={tmp_path}/data", "metrics.names=[psnr]")[0] == 0


def test_crops_are_refused(tmp_path):
    with pytest.raises(UsageError, match="only judged"):
        Judged(str(folder(tmp_path, "a.png"))).crops(Bicubic(2), [(0, 8)], 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, r"^dataset\.root=DIR or dataset\.hub=USER/NAME is needed"),
        (
            {"root": "/nowhere", "wanted": "put the 5 images there"},
            r"root=/nowhere: no such folder; put the 5 images there$",
        ),
        ({"root": "{}"}, r"no images found; looked for images in it and in hr, gt"),
        ({"root": "{}", "gt": "sharp"}, r"no images found in sharp below it"),
    ],
)
def test_what_is_missing_is_said_in_one_line(tmp_path, arguments, message):
    with pytest.raises(UsageError, match=message) as caught:
        Judged(**{name: value.format(tmp_path) for name, value in arguments.items()})
    assert "\n" not in str(caught.value)


def test_set5_and_a_part_of_bsd100_as_they_are_handed_on(reference, monkeypatch, tmp_path):
    for name, held in (("Set5", "Set5_x4"), ("BSD100", "BSD100_x4_20")):
        (tmp_path / name).symlink_to(reference / "data" / "sr" / held)
    monkeypatch.setenv("GAN_BENCH_DATA", str(tmp_path))
    found = trials(cells(suite_config("sr_x4")))
    assert [(trial.tests.name, len(trial.tests)) for trial in found] == [("set5", 5), ("bsd100_20", 20)]
    own = build({**found[0].cell.dataset}).tests("test", "set5", AsGiven(4))
    assert own.lq_sha256 == found[0].tests.lq_sha256  # MATLAB's files and ours


# Sets as their authors ship them


SCENES = ("GOPR0384_11_00", "GOPR0385_11_01")


@pytest.fixture
def gopro(tmp_path):
    """Two scenes of two frames; equal names show other images."""
    for seed, scene in enumerate(SCENES):
        for offset, side in enumerate(("blur", "blur_gamma", "sharp")):
            (tmp_path / "GoPro" / "test" / scene / side).mkdir(parents=True)
            for frame in (1, 2):
                image = Image.fromarray(pixels(100 * seed + 10 * offset + frame))
                image.save(tmp_path / "GoPro" / "test" / scene / side / f"{frame:06}.png")
    return tmp_path / "GoPro" / "test"


def flat(root, to):
    for side, name in (("blur", "input"), ("sharp", "target")):
        (to / name).mkdir(parents=True)
        for file in root.glob(f"*/{side}/*.png"):
            (to / name / f"{file.parts[-3]}-{file.name}").write_bytes(file.read_bytes())
    return to


def levels(image):
    return (image[0].permute(1, 2, 0) * 255).round().numpy()


def test_the_scenes_of_gopro_are_the_images_of_its_flat_copy(gopro, tmp_path):
    shipped, copied = (given(Judged(str(root)), scale=1) for root in (gopro, flat(gopro, tmp_path / "flat")))
    assert shipped.names == copied.names == tuple(f"{scene}-00000{frame}" for scene in SCENES for frame in (1, 2))
    assert (shipped.lq_sha256, shipped.gt_sha256) == (copied.lq_sha256, copied.gt_sha256)
    np.testing.assert_array_equal(levels(shipped[3].lq), pixels(102))
    np.testing.assert_array_equal(levels(shipped[3].gt), pixels(122))
    other = given(Judged(str(gopro), lq="*/blur_gamma"), scale=1)
    np.testing.assert_array_equal(levels(other[0].lq), pixels(11))
    assert other.gt_sha256 == shipped.gt_sha256


def test_a_frame_without_a_partner_is_named(gopro):
    (gopro / SCENES[1] / "blur" / "000002.png").unlink()
    with pytest.raises(UsageError, match=r"^gt 'GOPR0385_11_01-000002' has no lq [^\n]+$"):
        given(Judged(str(gopro)), scale=1)


def test_a_frame_that_is_broken_or_of_another_size_is_named(gopro, caplog):
    Image.fromarray(pixels(0, 12)).save(gopro / SCENES[0] / "blur" / "000001.png")
    with pytest.raises(UsageError, match=r"^GOPR0384_11_00-000001: gt 16x16 does not fit lq 12x12 [^\n]+$"):
        given(Judged(str(gopro)), scale=1)[0]
    for side in ("blur", "sharp"):
        (gopro / SCENES[0] / side / "000001.png").write_text("no image")
    assert len(given(Judged(str(gopro)), scale=1)) == 3
    assert f"{SCENES[0]}/sharp/000001.png: " in caplog.text


def test_gopro_is_judged_by_the_command_as_it_is_shipped(gopro, tmp_path, monkeypatch, train):
    monkeypatch.setenv("GAN_BENCH_DATA", str(tmp_path))
    assert train("model=bicubic", "dataset=gopro", "degradation=given", "metrics.names=[psnr]")[0] == 0
    [result] = find(tmp_path / "runs")[0]
    assert result.what["set"] == "gopro_4"
    assert list(result.images) == [f"{scene}-00000{frame}" for scene in SCENES for frame in (1, 2)]


@pytest.fixture
def selfexsr(tmp_path):
    """Two images at two scales, among the results of others."""
    for scale in (2, 4):
        held = tmp_path / "Urban100" / f"image_SRF_{scale}"
        for seed in (1, 2):
            stem = f"img_{seed:03}_SRF_{scale}"
            for side in ("A+", "bicubic", "glasner", "HR", "kim", "nearest", "ScSR", "SelfExSR", "SRCNN"):
                folder(held, f"{stem}_{side}.png", side=16)
            Image.fromarray(pixels(10 * scale + seed)).save(held / f"{stem}_HR.png")
            folder(held, f"{stem}_LR.png", side=16 // scale)
    return tmp_path / "Urban100"


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("below", [False, True])
def test_selfexsr_has_the_gt_and_lq_of_each_scale_among_other_files(selfexsr, scale, below):
    source = Judged(str(selfexsr / f"image_SRF_{scale}" if below else selfexsr), images=2)
    own, other = given(source, scale=scale), made(source, scale=scale)
    assert (own.name, own.names) == (other.name, other.names) == ("mine", ("img_001", "img_002"))
    for tests in (own, other):
        np.testing.assert_array_equal(levels(tests[1].gt), pixels(10 * scale + 2))
    np.testing.assert_array_equal(levels(own[1].lq), pixels(0, 16 // scale))


def test_a_scale_that_selfexsr_lacks_is_said_in_one_line(selfexsr):
    source = Judged(str(selfexsr))
    for ask in (made, given):
        message = (
            r"Urban100: no gt images of scale 3: put them into one of hr, .*image_srf_3/\S+_hr[^\n]+ another scale$"
        )
        with pytest.raises(UsageError, match=message):
            ask(source, scale=3)


def test_a_folder_of_hr_comes_before_those_of_selfexsr(selfexsr):
    folder(selfexsr / "HR", "img001.png")
    assert made(Judged(str(selfexsr)), scale=3).names == ("img001",)


def test_cells_of_one_set_share_its_decoded_images(selfexsr):
    source = Judged(str(selfexsr))
    assert made(source).gt is made(source).gt is not made(source, scale=4).gt


def test_div2k_has_its_lq_beside_it(tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_BENCH_DATA", str(tmp_path))
    for number in (801, 802):
        folder(tmp_path / "DIV2K_valid_HR", f"0{number}.png")
        folder(tmp_path / "DIV2K_valid_LR_bicubic" / "X4", f"0{number}x4.png", side=4)
    folder(tmp_path / "DIV2K_valid_LR_unknown" / "X4", "0801x4.png", "0802x4.png", side=4)
    node = default_config({"dataset": "div2k_val"}, 0, None)["dataset"]
    own, other = given(build(node), scale=4), made(build(node), scale=4)
    assert own.names == other.names == ("0801", "0802") and own.gt_sha256
    np.testing.assert_array_equal(levels(own[1].lq), pixels(0, 4))
    unknown = given(build({**node, "lq": "../DIV2K_valid_LR_unknown/X{}"}), scale=4)
    np.testing.assert_array_equal(levels(unknown[1].lq), pixels(1, 4))
    monkeypatch.chdir(tmp_path / "DIV2K_valid_HR")
    assert given(Judged("."), scale=4).lq_sha256 == own.lq_sha256
    with pytest.raises(UsageError, match="no lq images of scale 2"):
        given(build(node), scale=2)
    for file in (tmp_path / "DIV2K_valid_HR").iterdir():
        file.unlink()
    with pytest.raises(UsageError, match="no images found; put the 100 images"):  # lq beside it are no test set
        build(node)


@pytest.mark.parametrize(
    ("gt", "lq", "names"), [("*/gt", "*/lq", ("a-1", "b-1")), ("X{}/*_HR", "X{}/*_LR", ("c",)), ("*", "lr", ("d",))]
)
def test_names_may_have_stars_and_the_scale(tmp_path, gt, lq, names):
    for at in ("a/gt/1", "b/gt/1", "X2/c_HR", "d"):
        folder((tmp_path / at).parent, f"{at.rpartition('/')[2]}.png")
    for at in ("a/lq/1", "b/lq/1", "X2/c_LR", "lr/d"):
        folder((tmp_path / at).parent, f"{at.rpartition('/')[2]}.png", side=8)
    tests = given(Judged(str(tmp_path), gt=gt, lq=lq))
    assert tests.names == names and tests[0].gt.shape[-1] == 2 * tests[0].lq.shape[-1]


def test_files_that_stars_call_alike_stay_apart(tmp_path):
    folder(tmp_path / "HR", "a.png", "a.bmp")
    assert made(Judged(str(tmp_path))).names == ("a.bmp", "a.png")
    folder(tmp_path / "set" / "x-y" / "sharp", "z.png")
    folder(tmp_path / "set" / "x" / "sharp", "y-z.png")
    assert len(set(made(Judged(str(tmp_path / "set"))).names)) == 2


# Hugging Face data sets, from folders: no network


def png(seed):
    file = io.BytesIO()
    Image.fromarray(pixels(seed)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def parquet(tmp_path):
    """A data set of three rows: images, lq images, and paths."""
    import datasets

    columns = {"hr": datasets.Image(), "lr": datasets.Image(), "path": datasets.Value("string")}
    rows = {
        "hr": [{"bytes": png(seed), "path": f"im{seed}.png"} for seed in range(3)],
        "lr": [{"bytes": png(seed + 9), "path": f"im{seed}.png"} for seed in range(3)],
        "path": [f"/there/{seed}.png" for seed in range(3)],
    }
    (tmp_path / "set" / "data").mkdir(parents=True)
    held = datasets.Dataset.from_dict(rows, datasets.Features(columns))
    held.to_parquet(tmp_path / "set" / "data" / "validation-00000-of-00001.parquet")
    return tmp_path / "set"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "hub"


def test_a_hub_data_set_is_written_once_with_the_bytes_that_it_has(parquet, cache):
    arguments = {"hub": str(parquet), "hub_split": "validation", "column": "hr", "lq_column": "lr"}
    tests = made(Judged(**arguments))
    assert tests.names == ("im0", "im1", "im2")
    [kept] = cache.iterdir()
    files = {path.relative_to(kept).as_posix(): path for path in kept.rglob("*.png")}
    assert files["gt/im1.png"].read_bytes() == png(1) and files["lq/im2.png"].read_bytes() == png(11)
    stamps = {name: path.stat().st_mtime_ns for name, path in files.items()}
    own = given(Judged(**arguments), scale=1)
    np.testing.assert_array_equal((own[0].lq[0].permute(1, 2, 0) * 255).round().numpy(), pixels(9))
    assert stamps == {name: path.stat().st_mtime_ns for name, path in files.items()}
    assert [path.name for path in cache.iterdir()] == [kept.name]


def test_a_folder_of_images_is_a_hub_data_set_too_and_is_read_anew_when_it_changes(tmp_path, cache):
    folder(tmp_path / "set", "a.png")
    arguments = {"hub": str(tmp_path / "set"), "hub_split": "train"}
    assert made(Judged(**arguments)).names == ("a",)
    folder(tmp_path / "set", "a.png", "b.png")
    assert made(Judged(**arguments)).names == ("a", "b")


def test_without_gt_the_column_is_lq(parquet, cache):
    tests = given(Judged(hub=str(parquet), hub_split="validation", column="lr", gt=False), scale=4)
    assert tests[0].gt is None and len(tests) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"column": "h"}, r"no column 'h'; did you mean 'hr'\?$|no column 'h'; known: "),
        (
            {"column": "path"},
            r"column 'path' holds no images but .*unpack that into a folder and set ",
        ),
        ({"hub_split": "test"}, r"cannot be loaded \(Unknown split.*see dataset\.hub_config and dataset\.hub_split$"),
        ({"hub_config": "x4"}, r"cannot be loaded \(BuilderConfig 'x4' not found"),
        ({"hub": "nobody/nothing"}, r"^dataset\.hub=nobody/nothing: cannot be reached .*dataset\.root=DIR$"),
    ],
)
def test_what_cannot_be_loaded_is_one_line_and_leaves_nothing(parquet, cache, change, message):
    arguments = {"hub": str(parquet), "hub_split": "validation", "column": "hr", **change}
    with pytest.raises(UsageError, match=message) as caught:
        Judged(**arguments)
    assert "\n" not in str(caught.value)
    assert not cache.exists() or not list(cache.iterdir())


def test_a_write_that_fails_leaves_no_folder_that_passes_for_whole(parquet, cache, monkeypatch):
    from gan_bench.data import images

    real, written = images.write_atomically, []

    def failing(path, data):
        written.append(path)
        if len(written) == 3:
            raise OSError("no space")
        real(path, data)

    monkeypatch.setattr(images, "write_atomically", failing)
    with pytest.raises(OSError, match="no space"):
        Judged(hub=str(parquet), hub_split="validation", column="hr")
    assert not list(cache.iterdir())
    monkeypatch.undo()


def test_a_named_set_tells_what_to_put_where(monkeypatch):
    monkeypatch.setenv("GAN_BENCH_DATA", "/nowhere")

    for path in sorted((conf_dir() / "dataset").glob("*.yaml")):
        node = default_config({"dataset": path.stem}, 0, None)["dataset"]
        if node["_target_"].endswith(".Judged") and path.stem != "judged":
            with pytest.raises(
                UsageError, match=r"^dataset\.root=/nowhere/[\w/]+: no such folder; put .+GAN_BENCH_DATA"
            ):
                build(node, key="dataset")
