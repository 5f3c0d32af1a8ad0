"""`gan-bench degrade` as a user types it: the benchmark's own lq, replay bit for bit, one line for every mistake."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

import gan_bench
from gan_bench.chance import generator
from gan_bench.cli import main
from gan_bench.config import conf_dir
from gan_bench.data import Degraded, Images
from gan_bench.errors import UsageError
from gan_bench.image import read, to_uint8, write_png
from tests.references.realsr import needed, needed_words

BLIND = "realesrgan"


def picture(seed, height=64, width=72, channels=3, deep=False):
    small = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    pixels = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)[..., :channels]
    return pixels.astype(np.uint16) * 257 if deep else np.ascontiguousarray(pixels)


@pytest.fixture
def images(tmp_path, monkeypatch):
    """A folder of a colour image, a gray one and a 16-bit one; the last needs cropping."""
    monkeypatch.chdir(tmp_path)
    write_png(tmp_path / "images" / "colour.png", picture(1))
    write_png(tmp_path / "images" / "gray.png", picture(2, channels=1))
    write_png(tmp_path / "images" / "deep.png", picture(3, 67, 66, deep=True))
    return tmp_path / "images"


@pytest.fixture
def degrade(capsys):
    """Run the command; gives exit code, standard output and error."""

    def run(*words):
        try:
            code = main(["degrade", *map(str, words)])
        except SystemExit as left:
            code = left.code
        return code, *capsys.readouterr()

    return run


def content(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def refused(ran, *causes, code=2):
    """One line on standard error, no traceback, nothing on standard output."""
    assert ran[0] == code, ran
    assert ran[2].startswith("error: "), ran[2]
    assert ran[2].count("\n") == 1, ran[2]
    for cause in causes:
        assert cause in ran[2], ran[2]


# What is written


def test_given_lq_cannot_be_made(images, degrade):
    code, _, error = degrade(images, "--degradation", "given", "--out", "out")
    assert code == 2 and error.count("\n") == 1
    assert "degradation given: it makes no lq" in error


@pytest.mark.parametrize("name", sorted({path.stem for path in conf_dir().glob("degradation/*.yaml")} - {"given"}))
def test_sample_0_is_the_lq_of_a_benchmark(images, degrade, name):
    given = [word for pair in needed_words(name) for word in ("--set", pair)]
    code, _, error = degrade(images, "--degradation", name, *given, "--samples", 1, "--seed", 5, "--out", "out")
    assert code == 0, error
    made_by = gan_bench.degradation(name, **needed(name))
    tests = Degraded("images", Images(images.glob("*"), images, None), made_by, {}, seed=5)
    for batch in tests:
        lq = read(f"out/{batch.name[0]}_0.png").pixels
        assert lq.dtype == np.uint8
        np.testing.assert_array_equal(lq, to_uint8(batch.lq[0]))


def test_sample_k_of_seed_0_is_sample_0_of_seed_k(images, degrade):
    degrade(images, "--degradation", BLIND, "--samples", 3, "--out", "a")
    degrade(images, "--degradation", BLIND, "--samples", 1, "--seed", 2, "--out", "b")
    first, second = (json.loads(Path(f"{run}/draws.json").read_text())["images"] for run in "ab")
    for name in ("colour", "gray", "deep"):
        assert Path(f"a/{name}_2.png").read_bytes() == Path(f"b/{name}_0.png").read_bytes()
        assert first[name]["draws"][2] == second[name]["draws"][0]
        assert len({json.dumps(drawn) for drawn in first[name]["draws"]}) == 3


def test_files_are_what_was_promised(images, degrade):
    code, out, error = degrade(images, "--degradation", BLIND, "--samples", 2, "--out", "out")
    assert code == 0
    assert "deep.png: cropped to 64x64" in error
    lqs = {f"{name}_{k}.png" for name in ("colour", "gray", "deep") for k in range(2)}
    assert set(content("out")) == lqs | {"contact_sheet.png", "draws.json"}
    assert out.splitlines()[-1] == "3 of 3 images degraded: 6 lq images, contact_sheet.png and draws.json in out"
    assert read("out/colour_0.png").pixels.shape == (16, 18, 3)
    assert read("out/gray_1.png").pixels.shape == (16, 18, 1)
    assert read("out/deep_0.png").pixels.shape == (16, 16, 3)


def test_the_draws_are_those_of_seed_and_name(images, degrade):
    degrade(images, "--degradation", BLIND, "--samples", 2, "--seed", 7, "--out", "out")
    kept = json.loads(Path("out/draws.json").read_text())
    assert (kept["schema"], kept["scale"], kept["seed"]) == (1, 4, 7)
    assert kept["degradation"]["name"] == BLIND
    made_by = gan_bench.degradation(BLIND)
    for name, record in kept["images"].items():
        assert record["draws"] == made_by.draw([generator("degradation", 7 + k, name) for k in range(2)])


def test_two_runs_of_one_seed_are_equal_byte_for_byte(images, degrade, tmp_path, monkeypatch):
    words = ["--degradation", BLIND, "--samples", 3]
    assert degrade("images", *words, "--out", "first")[0] == 0
    monkeypatch.chdir(images)
    assert degrade("gray.png", "deep.png", images / "colour.png", *words, "--out", "../second")[0] == 0
    assert content(tmp_path / "first") == content(tmp_path / "second")
    assert degrade(".", *words, "--seed", 1, "--out", "../third")[0] == 0
    assert all(content(tmp_path / "first")[name] != data for name, data in content(tmp_path / "third").items())


def test_no_file_says_when_or_where_it_was_made(images, degrade, tmp_path):
    assert degrade(images, "--degradation", BLIND, "--samples", 1, "--out", "out")[0] == 0
    for name, data in content("out").items():
        assert str(tmp_path).encode() not in data, name
        assert not name.endswith(".png") or not Image.open(Path("out") / name).info, name


def test_equal_stems_are_told_apart_by_their_folders(images, degrade, tmp_path):
    write_png(images / "more" / "gray.png", picture(4))
    code, _, _ = degrade("images", "--degradation", "bicubic", "--samples", 1, "--out", "out")
    assert code == 0
    assert {"gray_0.png", "more/gray_0.png"} <= set(content("out"))
    code, _, _ = degrade(
        "images/gray.png", images / "more/gray.png", "--degradation", "bicubic", "--samples", 1, "--out", tmp_path / "b"
    )
    assert code == 0
    assert set(json.loads(Path("b/draws.json").read_text())["images"]) == {"gray", "more/gray"}


def test_names_stay_within_the_folder_wherever_the_command_is_called(images, degrade, monkeypatch, tmp_path):
    write_png(tmp_path / "other" / "gray.png", picture(4))
    Image.fromarray(picture(5)).save(images / "gray.jpg")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    words = [
        "../images/gray.png",
        "../images/gray.jpg",
        "../other/gray.png",
        "--degradation",
        "bicubic",
        "--samples",
        1,
    ]
    assert degrade(*words, "--out", "out")[0] == 0
    assert set(content(".")) == {
        *(f"out/{name}_0.png" for name in ("images/gray.png", "images/gray.jpg", "other/gray.png")),
        "out/contact_sheet.png",
        "out/draws.json",
    }


def test_each_page_of_a_tiff_is_an_image(images, degrade):
    pages = [Image.fromarray(picture(number, channels=1)[..., 0]) for number in range(3)]
    pages[0].save("slices.tif", save_all=True, append_images=pages[1:])
    assert degrade("slices.tif", "--degradation", "bicubic", "--samples", 1, "--out", "out")[0] == 0
    assert {f"slices_00{number}_0.png" for number in range(3)} < set(content("out"))


def test_what_an_earlier_call_wrote_is_no_input(images, degrade):
    for _ in range(2):
        code, out, _ = degrade("images", "--degradation", "bicubic", "--samples", 1, "--out", "images/degraded")
        assert code == 0
        assert out.startswith("3 of 3")


def test_an_alpha_channel_is_dropped_with_a_warning(images, degrade):
    Image.fromarray(np.dstack([picture(5), picture(6)[..., :1]])).save("alpha.png")
    code, _, error = degrade("alpha.png", "--degradation", "bicubic", "--out", "out")
    assert code == 0
    assert error.startswith("warning: alpha.png: its alpha channel is dropped")
    assert read("out/alpha_7.png").pixels.shape == (16, 18, 3)


def test_values_and_scale_are_set(images, degrade):
    words = ["--degradation", BLIND, "--set", "steps.jpeg1.quality=[11,12]", "--scale", 2, "--samples", 2]
    assert degrade(images / "colour.png", *words, "--out", "out")[0] == 0
    kept = json.loads(Path("out/draws.json").read_text())
    assert kept["scale"] == kept["degradation"]["scale"] == 2
    assert kept["degradation"]["steps"]["jpeg1"]["quality"] == [11, 12]
    assert all(11 <= drawn["jpeg1"]["quality"] <= 12 for drawn in kept["images"]["colour"]["draws"])
    assert read("out/colour_0.png").pixels.shape == (32, 36, 3)


# Replay


def test_a_replay_makes_the_same_files(images, degrade):
    degrade(images, "--degradation", BLIND, "--samples", 3, "--set", "steps.jpeg1.quality=[20,30]", "--out", "first")
    code, _, error = degrade(images, "--replay", "first/draws.json", "--out", "second")
    assert code == 0
    assert "warning" not in error
    assert content("first") == content("second")


def test_a_replay_on_other_pixels_says_so(images, degrade):
    degrade(images, "--degradation", BLIND, "--samples", 1, "--out", "first")
    write_png(images / "gray.png", picture(9, channels=1))
    code, _, error = degrade(images, "--replay", "first/draws.json", "--out", "second")
    assert code == 0
    assert [line for line in error.splitlines() if "warning" in line] == [
        "warning: gray: other pixels than those of the file; its draws are replayed on them"
    ]
    assert content("first")["colour_0.png"] == content("second")["colour_0.png"]
    assert content("first")["gray_0.png"] != content("second")["gray_0.png"]


def test_edited_draws_are_followed_and_told(images, degrade):
    degrade(images, "--degradation", BLIND, "--samples", 2, "--out", "first")
    kept = json.loads(Path("first/draws.json").read_text())
    kept["images"]["colour"]["draws"][1]["final"]["jpeg"]["quality"] = 3
    Path("edited.json").write_text(json.dumps(kept))
    code, _, error = degrade(images, "--replay", "edited.json", "--out", "second")
    assert code == 0
    assert "warning: colour: sample 1: not the pixels that the file's hash speaks of" in error
    assert content("first")["colour_0.png"] == content("second")["colour_0.png"]
    assert content("first")["colour_1.png"] != content("second")["colour_1.png"]


def test_a_part_of_the_images_can_be_replayed(images, degrade):
    degrade(images, "--degradation", BLIND, "--samples", 2, "--out", "first")
    assert degrade(images / "gray.png", "--replay", "first/draws.json", "--out", "second")[0] == 0
    assert content("first")["gray_1.png"] == content("second")["gray_1.png"]
    assert set(content("second")) == {"gray_0.png", "gray_1.png", "contact_sheet.png", "draws.json"}


def test_an_image_without_draws_is_named(images, degrade):
    degrade(images / "gray.png", "--degradation", BLIND, "--samples", 1, "--out", "first")
    ran = degrade(images / "gray.png", images / "colour.png", "--replay", "first/draws.json", "--out", "second")
    refused(ran, "colour.png", "no draws of 'colour'", "gray", code=1)
    assert "gray_0.png" in content("second")


@pytest.mark.parametrize(
    "beside", [("--degradation", BLIND), ("--set", "scale=2"), ("--scale", 4), ("--samples", 8), ("--seed", 0)]
)
def test_what_the_file_says_is_not_said_beside_it(images, degrade, beside):
    degrade(images, "--degradation", "bicubic", "--samples", 1, "--out", "first")
    refused(degrade(images, "--replay", "first/draws.json", *beside), f"{beside[0]} beside --replay")


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda kept: kept["degradation"]["steps"].pop("blur2"), "blur2: no such step"),
        (lambda kept: kept["images"]["gray"]["draws"][0].pop("jpeg1"), "images.gray.draws[0]: jpeg1: nothing is drawn"),
        (lambda kept: kept["degradation"].update(_target_="os.system"), "degradation._target_"),
        (lambda kept: kept["degradation"].update(_target_="torch.nn.ReLU", steps=None), "degradation"),
        (lambda kept: kept["degradation"].pop("_target_"), "degradation"),
        (lambda kept: kept["degradation"].update(stepz={}), "degradation.stepz"),
        (lambda kept: kept.update(scale=2), "scale 2"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_before_any_work(images, degrade, change, cause):
    degrade(images, "--degradation", BLIND, "--samples", 1, "--out", "first")
    kept = json.loads(Path("first/draws.json").read_text())
    change(kept)
    Path("changed.json").write_text(json.dumps(kept))
    refused(degrade(images, "--replay", "changed.json", "--out", "second"), "changed.json: ", cause)
    assert not Path("second").exists()


@pytest.mark.parametrize("drawn", [{}, {"quality": "bad"}, {"quality": [1, 2]}])
def test_draws_that_an_operator_cannot_follow_are_named(images, degrade, drawn):
    degrade(images / "gray.png", "--degradation", BLIND, "--samples", 1, "--out", "first")
    kept = json.loads(Path("first/draws.json").read_text())
    kept["images"]["gray"]["draws"][0]["jpeg1"] = drawn
    Path("changed.json").write_text(json.dumps(kept))
    ran = degrade(images / "gray.png", "--replay", "changed.json", "--out", "second")
    refused(ran, "gray.png: the draws do not fit the degradation", code=1)
    assert not Path("second").exists()


# Mistakes


@pytest.mark.parametrize(
    ("words", "causes"),
    [
        ([], ["--degradation NAME is needed, or --replay FILE"]),
        (["--degradation", "realesrgn"], ["did you mean 'realesrgan'"]),
        (["--degradation", BLIND, "--set", "steps.blur1.sigam=3"], ["steps.blur1.sigam"]),
        (["--degradation", BLIND, "--set", "steps.blur1.sigma=[3,1]"], ["sigma", "wrong order"]),
        (["--degradation", BLIND, "--set", "nonsense"], ["nonsense"]),
        (["--degradation", BLIND, "--set", "without=blur9"], ["without", "blur9"]),
        (["--degradation", BLIND, "--samples", "0"], ["--samples 0"]),
        (["--degradation", BLIND, "--scale", "5"], ["5 is not one of"]),
        (["--degradation", BLIND, "--samples", "two"], ["--samples"]),
        (["--replay", "none.json"], ["none.json: cannot be read"]),
        (["--replay", "images/gray.png"], ["gray.png: no readable JSON"]),
    ],
)
def test_wrong_usage_is_one_line_and_writes_nothing(images, degrade, words, causes):
    refused(degrade("images", *words, "--out", "out"), *causes)
    assert not Path("out").exists()


def test_files_that_are_not_there_and_an_out_that_is_a_file(images, degrade):
    refused(degrade("nowhere.png", "--degradation", BLIND), "nowhere.png: no such file")
    refused(degrade("images", "--degradation", BLIND, "--out", "images/gray.png"), "--out images/gray.png: a file")
    Path("file").write_text("x")
    refused(degrade("images", "--degradation", "bicubic", "--out", "file/deeper"), "file", code=1)


def test_a_broken_image_is_named_and_the_others_are_done(images, degrade):
    (images / "broken.png").write_bytes((images / "gray.png").read_bytes()[:60])
    (images / "broken.tif").write_bytes(b"II*\0" + bytes(20))
    code, out, error = degrade("images", "--degradation", BLIND, "--samples", 1, "--out", "out")
    assert code == 1
    assert out.startswith("3 of 5 images degraded: 3 lq images")
    assert len([line for line in error.splitlines() if line.startswith("error: ")]) == 2
    assert "error: images/broken.png: not a readable image" in error
    assert "error: images/broken.tif: not a readable image" in error
    assert set(json.loads(Path("out/draws.json").read_text())["images"]) == {"colour", "deep", "gray"}
    assert not [name for name in content("out") if "broken" in name or name.endswith(".tmp")]


@pytest.mark.parametrize(("size", "cause"), [((3, 40), "smaller than the scale 4"), ((12, 40), "kernels of up to")])
def test_an_image_smaller_than_scale_or_kernel_is_named(images, degrade, size, cause):
    write_png("small.png", picture(1, *size))
    ran = degrade("small.png", "--degradation", BLIND, "--out", "out")
    refused(ran, "small.png: ", cause, code=1)
    assert ran[1] == "0 of 1 images degraded; nothing is written\n"
    assert not Path("out").exists()


@pytest.mark.parametrize(("count", "samples", "shown"), [(130, 1, 120), (1, 300, 239)])
def test_a_contact_sheet_has_an_end(images, degrade, count, samples, shown):
    for number in range(count):
        write_png(f"many/{number:03}.png", picture(number, 8, 12))
    code, _, error = degrade("many", "--degradation", "bicubic", "--samples", samples, "--out", "out")
    assert code == 0
    assert error == f"note: contact_sheet.png shows {shown} of {count * samples} lq images\n"
    assert len(content("out")) == count * samples + 2


# From Python


def test_a_degradation_is_made_by_name():
    made_by = gan_bench.degradation(BLIND, scale=2, steps={"jpeg1": {"quality": [11, 12]}}, without="blur2")
    assert made_by.scale == 2
    (drawn,) = made_by.draw([generator("degradation", 0, "a")])
    assert "blur2" not in drawn
    assert 11 <= drawn["jpeg1"]["quality"] <= 12
    assert made_by.apply(torch.rand(1, 3, 64, 64), [drawn]).shape == (1, 3, 32, 32)
    assert gan_bench.degradation("bicubic").scale == 4


@pytest.mark.parametrize(
    ("name", "values", "cause"),
    [
        ("bicubik", {}, "did you mean 'bicubic'"),
        ("bicubic", {"scale": 5}, "5 is not one of"),
        ("bicubic", {"sigma": 5}, "sigma"),
        (BLIND, {"steps": {"jpeg1": {"quality": [12, 11]}}}, "wrong order"),
    ],
)
def test_a_degradation_that_cannot_be_made_is_refused_in_one_line(name, values, cause):
    with pytest.raises(UsageError) as error:
        gan_bench.degradation(name, **values)
    assert cause in str(error.value)
    assert "\n" not in str(error.value)
