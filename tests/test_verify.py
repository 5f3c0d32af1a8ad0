"""Whether a result holds: sums and scores of honest and of doctored results, and what cannot be checked."""

import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from gan_bench.benchmark.result import key
from gan_bench.cli import main


def save(path, *sizes):
    path.mkdir(parents=True)
    for number, size in enumerate(sizes):
        pixels = np.random.default_rng(number).integers(0, 256, (6, 8, 3), np.uint8)
        Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC).save(path / f"{number}.png")


@pytest.fixture
def judged(tmp_path, monkeypatch, capsys):
    """A result of bicubic on three images whose lq is drawn and made; and its file."""
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "gt", *[(72, 64)] * 3)
    made = ["--degradation", "realesrgan", "--scale", "2", "--seed", "3"]
    assert main(["benchmark", "bicubic", "--gt", "gt", *made, "--out", "out"]) == 0
    capsys.readouterr()
    [path] = (tmp_path / "out").glob("*.json")
    return path


def change(path, edit, rename=True):
    """A doctored copy, under its own key."""
    document = json.loads(path.read_text())
    edit(document)
    name = f"{path.stem.rpartition('_')[0]}_{key(document['what'])}.json" if rename else path.name
    target = path.parent.parent / "doctored" / name
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(document, indent=1, sort_keys=True))
    return target


def checked(capsys, *words):
    """Exit code, and what does not hold, by name."""
    code = main(["verify", *map(str, words), "--json", "-"])
    reports = json.loads(capsys.readouterr().out)
    checks = [check for report in reports for check in report["checks"]]
    return code, {check["name"]: check["says"] for check in checks if check["verdict"] != "holds"}, reports


def test_an_honest_result_holds_to_the_last_bit_and_is_left_as_it_is(judged, capsys):
    before = judged.read_bytes()
    assert main(["verify", str(judged)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == str(judged) and lines[-1] == "  holds (level 2)"
    assert [re.split(r"\s{2,}", line.strip())[:2] for line in lines[1:-1]] == [
        ["level 1", "schema"], ["level 1", "key"], ["level 1", "images"], ["level 1", "psnr"], ["level 1", "ssim"],
        ["level 2", "inputs"], ["level 2", "weights"], ["level 2", "psnr"], ["level 2", "ssim"]]  # fmt: skip
    assert all("equal to the last bit" in line for line in lines if "level 2  psnr" in line or "level 2  ssim" in line)
    assert judged.read_bytes() == before


def test_one_score_changed_is_seen_in_the_sum(judged, capsys):
    def edit(document):
        document["images"]["1"]["psnr"] += 0.5

    code, wrong, _ = checked(capsys, change(judged, edit))
    assert code == 1 and list(wrong) == ["psnr"] and "the mean of the images is" in wrong["psnr"]


@pytest.mark.parametrize("error", [1e-9, -0.1])
def test_a_mean_changed_is_seen(judged, capsys, error):
    def edit(document):
        document["scores"]["ssim"] += error

    code, wrong, reports = checked(capsys, change(judged, edit))
    assert (code, list(wrong), reports[0]["level"]) == (1, ["ssim"], 1)


@pytest.mark.parametrize(("metric", "error", "code"), [("psnr", 0.03, 1), ("psnr", 0.001, 0), ("ssim", 0.01, 1)])
def test_scores_changed_with_their_mean_are_seen_by_scoring_again(judged, capsys, metric, error, code):
    def edit(document):
        document["images"]["2"][metric] += error
        rows = [row[metric] for row in document["images"].values()]
        document["scores"][metric] = float(np.mean(rows))

    target = change(judged, edit)
    assert checked(capsys, target, "--level", "1")[0] == 0
    found, wrong, _ = checked(capsys, target)
    assert found == code
    if code:
        assert list(wrong) == [metric] and "in an image (2)" in wrong[metric]


def test_a_small_change_of_every_image_is_seen_in_the_mean(judged, capsys):
    def edit(document):
        for row in document["images"].values():
            row["psnr"] += 0.01
        document["scores"]["psnr"] = float(np.mean([row["psnr"] for row in document["images"].values()]))

    code, wrong, _ = checked(capsys, change(judged, edit))
    assert code == 1 and list(wrong) == ["psnr"]


def test_another_lq_is_seen(judged, tmp_path, capsys):
    save(tmp_path / "other", *[(72, 64)] * 4)
    shutil.copy(tmp_path / "other" / "3.png", tmp_path / "gt" / "1.png")
    code, wrong, _ = checked(capsys, judged)
    assert code == 1 and wrong == {"inputs": "lq_sha256: not what was judged"}


def test_given_inputs_are_compared_with_their_gt(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "gt", *[(60, 48)] * 2)
    save(tmp_path / "lq", *[(30, 24)] * 2)
    assert main(["benchmark", "bicubic", "--gt", "gt", "--lq", "lq", "--out", "out"]) == 0
    capsys.readouterr()
    assert checked(capsys, "out")[0] == 0
    shutil.copy(tmp_path / "gt" / "0.png", tmp_path / "gt" / "1.png")
    code, wrong, _ = checked(capsys, "out")
    assert code == 1 and wrong == {"inputs": "gt_sha256: not what was judged"}


def test_the_key_is_that_of_the_content(judged, capsys):
    def edit(document):
        document["what"]["label"] = "mine"

    code, wrong, _ = checked(capsys, change(judged, edit, rename=False))
    assert code == 1 and list(wrong) == ["key"]


@pytest.mark.parametrize(
    ("edit", "named", "says"),
    [
        (lambda one: one["n_inf"].update(psnr=1), "psnr", "1 infinite scores are counted, and 0 images have no number"),
        (lambda one: one["images"]["0"].update(psnr=None), "psnr", "though 1 images have no number"),
        (lambda one: one["images"]["0"].pop("ssim"), "images", "'1' has scores of psnr, ssim, others not"),
        (lambda one: one["images"].clear(), "images", "there are none"),
        (
            lambda one: one["what"]["metrics"].append("lpips"),
            "images",
            "lpips has neither a score of the set nor a reason",
        ),
    ],
)
def test_what_does_not_add_up_is_named(judged, capsys, edit, named, says):
    code, wrong, _ = checked(capsys, change(judged, edit), "--level", "1")
    assert code == 1 and says in wrong[named]


def test_a_name_that_stands_twice_is_seen(judged, capsys):
    text = judged.read_text().replace('"1": {', '"0": {', 1)
    judged.write_text(text)
    code, wrong, _ = checked(capsys, judged, "--level", "1")
    assert code == 1 and wrong["images"] == "'0' stands in the file twice"


def test_an_infinite_score_is_counted_and_has_no_mean(judged, capsys):
    assert main(["benchmark", "gt", "--gt", "gt", "--degradation", "identity", "--out", "equal"]) == 0
    capsys.readouterr()
    code, wrong, reports = checked(capsys, "equal")
    assert (code, wrong) == (0, {})
    assert "no mean, as 3 of 3 images have no number, 3 of them infinite" in str(reports)


def test_a_cut_file_does_not_hold_and_one_of_a_newer_schema_cannot_be_checked(judged, tmp_path, capsys):
    newer = change(judged, lambda document: document.update(schema=99))
    cut = tmp_path / "cut.json"
    cut.write_bytes(judged.read_bytes()[:400])
    code, wrong, _ = checked(capsys, newer)
    assert code == 2 and "update gan-bench" in wrong["schema"]
    code, wrong, _ = checked(capsys, cut)
    assert code == 1 and "half-written or damaged" in wrong["schema"]
    assert checked(capsys, judged, newer, cut)[0] == 1
    assert main(["verify", str(judged), str(newer), str(cut)]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "3 results: 1 hold, 1 do not hold, 1 cannot be checked"


@pytest.fixture
def run(train, tmp_path, monkeypatch, capsys):
    """A run of a smoke-size model."""
    assert train("model=srcnn", "degradation.scale=2", "metrics.names=[psnr]")[0] == 0
    [folder] = (tmp_path / "runs").glob("srcnn*")
    return folder


def test_a_run_holds_wherever_it_lies_and_other_weights_do_not(run, tmp_path, capsys):
    [path] = (run / "results").iterdir()
    assert json.loads(path.read_text())["provenance"]["weights"] == "../generator.safetensors"
    moved = run.rename(tmp_path / "elsewhere")
    code, wrong, reports = checked(capsys, moved)
    assert (code, wrong, len(reports), reports[0]["level"]) == (0, {}, 1, 2)
    weights = moved / "generator.safetensors"
    kept = weights.read_bytes()
    weights.write_bytes(kept[:-4] + bytes(4))
    code, wrong, _ = checked(capsys, moved)
    assert code == 1 and list(wrong) == ["weights"] and ", not " in wrong["weights"]
    weights.unlink()
    code, wrong, reports = checked(capsys, moved)
    assert code == 0 and reports[0]["level"] == 1 and "name them by --weights FILE" in reports[0]["left"]
    code, wrong, _ = checked(capsys, moved, "--level", "2")
    assert code == 2 and "name them by --weights FILE" in wrong["weights"]
    (tmp_path / "runs2").mkdir()
    (tmp_path / "runs2" / "config.yaml").write_bytes((moved / "config.yaml").read_bytes())
    (tmp_path / "runs2" / "generator.safetensors").write_bytes(kept)
    assert checked(capsys, moved, "--level", "2", "--weights", tmp_path / "runs2")[0] == 0


def test_data_that_are_not_here_leave_level_1_and_say_what_to_do(judged, tmp_path, capsys):
    (tmp_path / "gt").rename(tmp_path / "gone")
    code, wrong, reports = checked(capsys, judged)
    assert (code, wrong, reports[0]["level"]) == (0, {}, 1)
    assert "--gt gt: no such folder" in reports[0]["left"]
    assert main(["verify", str(judged)]) == 0
    assert "  level 2 left out: --gt gt: no such folder" in capsys.readouterr().out
    code, wrong, _ = checked(capsys, judged, "--level", "2")
    assert code == 2 and list(wrong) == ["inputs"]


def test_a_data_set_is_looked_for_where_it_lies_today(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "a" / "Set5", *[(60, 48)] * 5)
    monkeypatch.setenv("GAN_BENCH_DATA", str(tmp_path / "a"))
    assert main(["benchmark", "bicubic", "--suite", "sr_x4", "--metrics", "psnr", "--out", "out"]) == 0
    capsys.readouterr()
    (tmp_path / "a").rename(tmp_path / "b")
    assert checked(capsys, "out", "--level", "2")[0] == 2
    monkeypatch.setenv("GAN_BENCH_DATA", str(tmp_path / "b"))
    assert checked(capsys, "out", "--level", "2")[0] == 0


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda one: one["provenance"].pop("inputs"), "the result does not say how its test set was made"),
        (lambda one: one["provenance"]["inputs"].pop("order"), "provenance.inputs is damaged"),
        (
            lambda one: one["provenance"]["inputs"]["degradation"].update(_target_="os.system"),
            "os.system is in none of",
        ),
    ],
)
def test_inputs_that_are_unknown_or_not_ours_are_not_made(judged, capsys, edit, says):
    code, wrong, _ = checked(capsys, change(judged, edit), "--level", "2")
    assert code == 2 and says in wrong["inputs"]


def test_weights_of_a_metric_that_are_others_cannot_be_checked(judged, capsys):
    def edit(document):
        document["what"]["metric_weights"] = {"psnr": "0" * 64}

    code, wrong, _ = checked(capsys, change(judged, edit))
    assert code == 2 and list(wrong) == ["psnr"]


def test_a_protocol_that_meant_something_else_cannot_be_checked(judged, capsys):
    def edit(document):
        document["what"]["protocol"]["border"] = 7

    code, wrong, _ = checked(capsys, change(judged, edit), "--level", "2")
    assert code == 2 and list(wrong) == ["protocol"]


@pytest.mark.parametrize("words", [["nowhere"], ["gt"], ["out", "out2", "--weights", "x"], ["out", "--level", "3"]])
def test_wrong_usage_is_one_line(judged, capsys, words):
    shutil.copytree("out", "out2", ignore=lambda *_: ["panels"])
    try:
        code = main(["verify", *words])
    except SystemExit as left:
        code = left.code
    assert code == 2 and len(capsys.readouterr().err.splitlines()) == 1
