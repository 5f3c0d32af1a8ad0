"""`gan-bench benchmark`, `leaderboard` and `restore` as a user types them."""

import json
import re

import numpy as np
import pytest
from PIL import Image

from gan_bench.cli import main
from gan_bench.commands import show_board
from gan_bench.image import read
from gan_bench.metrics.sets import SetMetric


def photo(seed, height=48, width=60):
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (6, 8, 3), np.uint8))
    return small.resize((width, height), Image.Resampling.BICUBIC)


@pytest.fixture
def sets(tmp_path, monkeypatch):
    """A folder of gt and one of lq at scale 4."""
    monkeypatch.chdir(tmp_path)
    for side in ("gt", "lq"):
        (tmp_path / side).mkdir()
    for number in range(3):
        image = photo(number)
        image.save(tmp_path / "gt" / f"{number}.png")
        image.resize((15, 12), Image.Resampling.BICUBIC).save(tmp_path / "lq" / f"{number}.png")
    return tmp_path


def records(capsys, *words):
    code = main(["benchmark", *words, "--json", "-"])
    out = capsys.readouterr().out
    return code, json.loads(out)


@pytest.mark.parametrize(("folder", "psnr", "ssim"), [("Set5_x4", 28.419, 0.8102), ("BSD100_x4_20", 26.361, 0.6672)])
@pytest.mark.parametrize("made", [False, True], ids=["lq files", "lq made"])
def test_bicubic_has_the_published_score(reference, capsys, folder, psnr, ssim, made):
    root = reference / "data" / "sr" / folder
    given = ["--degradation", "bicubic"] if made else ["--lq", str(root / "LR")]
    code, (record,) = records(capsys, "bicubic", "--gt", str(root / "HR"), *given)
    assert code == 0
    assert record["scale"] == 4
    assert record["scores"]["psnr"] == pytest.approx(psnr, abs=0.002)
    assert record["scores"]["ssim"] == pytest.approx(ssim, abs=0.0002)


def test_without_gt_real_images_can_be_named_and_make_another_result(sets, capsys, monkeypatch):
    from gan_bench.metrics import suite

    class Gap(SetMetric):
        """How far the mean of the restored images is from that of the real ones."""

        name, higher_is_better = "gap", False

        def __init__(self, *_):
            self.reset()

        def reset(self):
            self.seen = {"real": [], "restored": []}

        def add_real(self, images):
            self.seen["real"].append(float(images.mean()))

        def add_restored(self, images):
            self.seen["restored"].append(float(images.mean()))

        def compute(self):
            return abs(np.mean(self.seen["real"]) - np.mean(self.seen["restored"]))

    monkeypatch.setitem(suite.METRICS, "gap", Gap)
    dark = sets / "dark"
    dark.mkdir()
    for number in range(2):
        Image.new("RGB", (9, 9)).save(dark / f"any{number}.png")
    code, (record,) = records(capsys, "bicubic", "--lq", "lq", "--reals", "dark", "--metrics", "gap,psnr")
    restored = [np.asarray(Image.open(path)).mean() / 255 for path in (sets / "lq").glob("*.png")]
    assert code == 0
    assert record["scores"]["gap"] == pytest.approx(np.mean(restored), abs=0.01)
    assert "needs ground truth" in record["unavailable"]["psnr"]
    assert main(["benchmark", "bicubic", "--gt", "gt", "--lq", "lq", "--reals", "dark"]) == 2
    assert "--reals stands in for gt" in capsys.readouterr().err


def test_a_record_has_exactly_what_was_promised(sets, capsys):
    code, (record,) = records(capsys, "bicubic", "--gt", "gt", "--lq", "lq")
    assert code == 0
    assert set(record) >= {"schema", "restorer", "label", "scale", "protocol", "degradation", "lq_sha256", "scores",
                           "images", "unavailable", "seconds"}  # fmt: skip
    assert record["schema"] == 1
    assert (record["restorer"], record["label"], record["scale"], record["protocol"]) == ("bicubic", "bicubic", 4, "y")
    assert record["degradation"] is None
    assert re.fullmatch("[0-9a-f]{64}", record["lq_sha256"])
    assert set(record["images"]) == {"0", "1", "2"}
    assert record["scores"]["psnr"] == pytest.approx(np.mean([row["psnr"] for row in record["images"].values()]))


def test_a_folder_equal_to_gt_has_no_psnr_but_says_how_often(sets, capsys):
    code, (record,) = records(capsys, "perfect=gt", "--gt", "gt", "--lq", "lq")
    assert code == 0
    assert record["scores"] == {"psnr": None, "ssim": 1.0}
    assert record["n_inf"] == {"psnr": 3}
    assert all(row["psnr"] is None for row in record["images"].values())


def test_without_gt_the_scores_that_need_it_are_unavailable(sets, capsys):
    code, (record,) = records(capsys, "bicubic", "--lq", "lq")
    assert code == 0
    assert record["scores"] == {}
    assert set(record["unavailable"]) == {"psnr", "ssim"}


def test_labels_are_taken_and_equal_ones_get_a_suffix(sets, capsys):
    _, made = records(capsys, "one=bicubic", "bicubic", "bicubic", "--gt", "gt", "--lq", "lq")
    assert [record["label"] for record in made] == ["one", "bicubic", "bicubic (2)"]


def test_a_restorer_that_fails_is_named_and_the_others_are_written(sets, capsys):
    (sets / "some").mkdir()
    photo(0).save(sets / "some" / "0.png")
    code = main(["benchmark", "some", "bicubic", "nothing", "--gt", "gt", "--lq", "lq", "--json", "out.json"])
    captured = capsys.readouterr()
    assert code == 1
    assert "error: nothing" in captured.err and "error: some" in captured.err
    assert "bicubic" in captured.out
    assert [record["label"] for record in json.loads((sets / "out.json").read_text())] == ["bicubic"]


def test_results_written_by_out_make_a_leaderboard(sets, capsys):
    assert main(["benchmark", "bicubic", "perfect=gt", "--gt", "gt", "--lq", "lq", "--out", "board"]) == 0
    assert main(["leaderboard", "board"]) == 0
    assert "| bicubic" in (sets / "board" / "leaderboard.md").read_text()
    assert len((sets / "board" / "leaderboard.csv").read_text().splitlines()) == 3
    assert "perfect" in capsys.readouterr().out


def test_the_rgb_protocol_is_another(sets, capsys):
    scores = [
        records(capsys, "bicubic", "--gt", "gt", "--lq", "lq", "--protocol", name)[1][0]["scores"]
        for name in ("y", "rgb")
    ]
    assert scores[0] != scores[1]


def test_a_run_is_judged_like_its_training_judged_it(train, capsys, tmp_path):
    assert train("model=msrresnet")[0] == 0
    run = tmp_path / "runs" / "msrresnet_photos_bicubic_x4_smoke_s0"
    (path,) = (run / "results").glob("*.json")
    from gan_bench.data import Photos

    (tmp_path / "gt").mkdir()
    for file in Photos().gt["test"].paths:
        (tmp_path / "gt" / file.name).write_bytes(file.read_bytes())
    _, made = records(
        capsys, str(run), f"best={run / 'checkpoints' / 'best.ckpt'}", "--gt", "gt", "--degradation", "bicubic",
        "--metrics", "psnr,ssim,niqe_photos",
    )  # fmt: skip
    document = json.loads(path.read_text())
    assert made[0]["images"] == document["images"]
    assert made[0]["lq_sha256"] == document["what"]["lq_sha256"]


def test_one_channel_stays_one_for_bicubic_and_is_stacked_for_a_network(sets, train, capsys):
    assert train("model=msrresnet")[0] == 0
    for side in ("gt", "lq"):
        for path in (sets / side).iterdir():
            Image.open(path).convert("L").save(path)
    run = "runs/msrresnet_photos_bicubic_x4_smoke_s0"
    code, made = records(capsys, "bicubic", run, "--gt", "gt", "--lq", "lq")
    assert code == 0
    assert all(record["scores"]["psnr"] > 10 for record in made)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ([], "--gt"),
        (["--gt", "gt"], "--degradation"),
        (["--gt", "nowhere", "--lq", "lq"], "nowhere"),
        (["--gt", "gt", "--lq", "lq", "--degradation", "bicubic"], "--degradation"),
        (["--gt", "gt", "--degradation", "bicubik"], "did you mean 'bicubic'"),
        (["--gt", "gt", "--degradation", "bicubic", "--set", "scal=2"], "did you mean 'scale'"),
        (["--gt", "gt", "--degradation", "bicubic", "--set", "scale=2", "--scale", "4"], "scale=2"),
        (["--gt", "gt", "--lq", "lq", "--scale", "2"], "--scale 2"),
        (["--gt", "gt", "--lq", "lq", "--protocol", "z"], "protocol"),
        (["--gt", "gt", "--lq", "lq", "--metrics", "psnr,sim"], "did you mean 'ssim'"),
        (["--gt", "gt", "--lq", "lq", "--limit", "0"], "--limit"),
        (["--gt", "gt", "--lq", "lq", "--sale", "4"], "--sale"),
        (["--gt", "gt", "--lq", "other"], "3"),
    ],
)
def test_wrong_usage_is_one_line_and_two(sets, capsys, words, named):
    (sets / "other").mkdir()
    photo(1, 12, 15).save(sets / "other" / "3.png")
    try:
        code = main(["benchmark", "bicubic", *words])
    except SystemExit as left:
        code = left.code
    captured = capsys.readouterr()
    assert code == 2
    assert len(captured.err.splitlines()) == 1
    assert named in captured.err
    assert not captured.out


def test_a_label_without_a_restorer_is_no_folder_at_hand(sets, capsys):
    assert main(["benchmark", "mine=", "--gt", "gt", "--lq", "lq"]) == 2
    assert "no restorer is named" in capsys.readouterr().err


def test_where_json_cannot_be_written_the_table_was_shown(sets, capsys):
    assert main(["benchmark", "bicubic", "--gt", "gt", "--lq", "lq", "--json", "gt"]) == 1
    captured = capsys.readouterr()
    assert "gt: cannot be written" in captured.err and "bicubic" in captured.out


def test_a_board_that_nobody_reads_to_the_end_is_written_all_the_same(sets, capsys, monkeypatch):
    assert main(["benchmark", "bicubic", "--gt", "gt", "--lq", "lq", "--out", "board"]) == 0
    monkeypatch.setattr("gan_bench.commands.Console.print", broken_pipe)
    with pytest.raises(BrokenPipeError):
        show_board(sets / "board")
    assert (sets / "board" / "leaderboard_images.csv").is_file()


def broken_pipe(*_):
    raise BrokenPipeError


def test_an_unknown_restorer_is_wrong_usage(sets, capsys):
    assert main(["benchmark", "bicubik", "--gt", "gt", "--lq", "lq"]) == 2
    assert "did you mean 'bicubic'" in capsys.readouterr().err


def test_sizes_that_do_not_fit_are_named(sets, capsys):
    photo(9, 13, 15).save(sets / "lq" / "1.png")
    assert main(["benchmark", "bicubic", "--gt", "gt", "--lq", "lq"]) == 1
    assert "1: gt 60x48 does not fit lq 15x13" in capsys.readouterr().err


def test_an_empty_board_is_one_line(tmp_path, capsys):
    assert main(["leaderboard", str(tmp_path)]) == 2
    assert "no results" in capsys.readouterr().err


# Restore --------------------------------------------------------------------------------------------------------------


def test_restore_writes_png_and_names_a_bad_file(sets, capsys):
    (sets / "lq" / "bad.png").write_text("no image")
    assert main(["restore", "lq", "--with", "bicubic", "--scale", "4", "--out", "restored"]) == 1
    assert "bad.png" in capsys.readouterr().err
    assert sorted(path.name for path in (sets / "restored").iterdir()) == ["0.png", "1.png", "2.png"]
    assert read(sets / "restored" / "0.png").pixels.shape == (48, 60, 3)


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "tif", "webp"])
def test_restore_reads_every_format(sets, suffix):
    photo(1, 12, 16).save(sets / f"in.{suffix}")
    assert main(["restore", f"in.{suffix}", "--with", "bicubic", "--scale", "2", "--out", "out"]) == 0
    assert read(sets / "out" / "in.png").pixels.shape == (24, 32, 3)


def test_two_inputs_of_one_stem_do_not_overwrite_each_other(sets):
    photo(1, 12, 16).save(sets / "a.png")
    photo(2, 12, 16).save(sets / "a.jpg")
    assert main(["restore", "a.png", "a.jpg", "--with", "bicubic", "--out", "out"]) == 0
    assert sorted(path.name for path in (sets / "out").iterdir()) == ["a_jpg.png", "a_png.png"]


def test_restore_by_python_equals_the_command(sets, train):
    import gan_bench

    assert train("model=srcnn", "degradation.scale=2")[0] == 0
    run = "runs/srcnn_photos_bicubic_x2_smoke_s0"
    assert main(["restore", "lq/0.png", "--with", run, "--out", "out"]) == 0
    restored = gan_bench.load(run).restore(read(sets / "lq" / "0.png").pixels)
    assert np.array_equal(read(sets / "out" / "0.png").pixels, restored)


@pytest.mark.parametrize(
    "words",
    [
        ["nowhere", "--with", "bicubic"],
        ["lq", "--with", "bicubik"],
        ["lq"],
        ["lq", "--with", "bicubic", "--scale", "0"],
    ],
)
def test_restore_with_wrong_words_is_one_line(sets, capsys, words):
    try:
        code = main(["restore", *words])
    except SystemExit as left:
        code = left.code
    assert code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
