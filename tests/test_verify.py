"""Whether a result holds: sums and scores of honest and of doctored results, and what cannot be checked."""

import contextlib
import functools
import json
import math
import os
import re
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from gan_bench.benchmark import Result
from gan_bench.benchmark.result import key, read
from gan_bench.benchmark.sums import SETS, level_1
from gan_bench.cli import main, train
from gan_bench.inputs import again
from gan_bench.judge import Question
from gan_bench.metrics import METRICS, get_protocol
from gan_bench.metrics.fidelity import PSNR
from gan_bench.metrics.sets import SetMetric
from gan_bench.restorers import load_restorer
from gan_bench.verify.rebuilt import level_2
from gan_bench.verify.rescored import allowed, rescored
from tests.benchmark.test_result import WHAT


def save(path, *sizes):
    path.mkdir(parents=True)
    for number, size in enumerate(sizes):
        pixels = np.random.default_rng(number).integers(0, 256, (6, 8, 3), np.uint8)
        Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC).save(path / f"{number}.png")


@functools.cache
def bicubic(base):
    """The folder in which bicubic was judged on three images whose lq is drawn and made."""
    home = base / "bicubic"
    save(home / "gt", *[(72, 64)] * 3)
    made = ["--degradation", "gaussian_noise", "--scale", "2", "--seed", "3"]
    with contextlib.chdir(home):
        assert main(["benchmark", "bicubic", "--gt", "gt", *made, "--out", "out"]) == 0
    return home


@functools.cache
def smoke(base):
    """A run of a smoke-size model, judged under two degradations, by a metric without weights too."""
    home = base / "smoke"
    home.mkdir()
    words = ["budget=smoke", "trainer=cpu", "model=srcnn", "degradation.scale=2", "metrics.names=[psnr,lpips]"]
    with contextlib.chdir(home):
        assert train([*words, "suite.cells=[{degradation: jpeg}]"]) == 0
    [run] = (home / "runs").glob("srcnn*")
    return run


@pytest.fixture
def judged(tmp_path, tmp_path_factory, monkeypatch, capsys):
    """A result of bicubic on three images whose lq is drawn and made; and its file."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(bicubic(tmp_path_factory.getbasetemp()), tmp_path, dirs_exist_ok=True)
    capsys.readouterr()
    [path] = (tmp_path / "out").glob("*.json")
    return path


@pytest.fixture
def run(tmp_path, tmp_path_factory, monkeypatch, capsys):
    """A run of a smoke-size model."""
    monkeypatch.chdir(tmp_path)
    folder = smoke(tmp_path_factory.getbasetemp())
    capsys.readouterr()
    return shutil.copytree(folder, tmp_path / "runs" / folder.name)


@pytest.fixture
def own(run):
    """The result of a smoke-size run on its own data set."""
    return next(path for path in (run / "results").iterdir() if read(path).what["degradation"]["name"] == "bicubic")


def change(path, edit, rename=True):
    """A doctored copy, under its own key."""
    document = json.loads(path.read_text())
    edit(document)
    name = f"{path.stem.rpartition('_')[0]}_{key(document['what'])}.json" if rename else path.name
    target = path.parent.parent / "doctored" / name
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(document, indent=1, sort_keys=True))
    return target


GOOD = ("holds", "not checked")


def checked(capsys, *words):
    """Exit code, and what does not hold, by name."""
    code = main(["verify", *map(str, words), "--json", "-"])
    reports = json.loads(capsys.readouterr().out)
    checks = [check for report in reports for check in report["checks"]]
    return code, {check["name"]: check["says"] for check in checks if check["verdict"] not in GOOD}, reports


def test_an_honest_result_holds_to_the_last_bit_and_is_left_as_it_is(judged, capsys):
    before = judged.read_bytes()
    assert main(["verify", str(judged)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == str(judged) and lines[-1] == "  holds (level 2)"
    assert [re.split(r"\s{2,}", line.strip())[:2] for line in lines[1:-1]] == [
        ["level 1", "schema"], ["level 1", "key"], ["level 1", "images"], ["level 1", "psnr"], ["level 1", "ssim"],
        ["level 2", "inputs"], ["level 2", "conditions"], ["level 2", "protocol"], ["level 2", "weights"],
        ["level 2", "restorer"], ["level 2", "facts"], ["level 2", "psnr"], ["level 2", "ssim"], ["level 2", "code"],
        ["level 2", "rest"]]  # fmt: skip
    assert "not checked: set, label, the restorer's name, date, times" in lines[-2]
    assert all("equal to the last bit" in line for line in lines if "level 2  psnr" in line or "level 2  ssim" in line)
    assert judged.read_bytes() == before


def test_the_steps_of_a_chain_are_taken_in_their_order(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "gt", (72, 64))
    assert (
        main(["benchmark", "bicubic", "--gt", "gt", "--degradation", "realesrgan", "--scale", "2", "--out", "out"]) == 0
    )
    [path] = (tmp_path / "out").glob("*.json")
    check = first(path, "inputs")
    assert (check.verdict, check.says) == ("holds", "equal to the last bit, 1 images")


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
        (lambda one: one["images"]["0"].pop("ssim"), "images", "'0' has no ssim, which others have"),
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


def test_a_file_that_cannot_be_read_is_not_called_wrong(judged, monkeypatch, capsys):
    def denied(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.read_bytes", denied)
    assert main(["verify", str(judged)]) == 2
    assert "cannot be checked: cannot be read (Permission denied)" in capsys.readouterr().out


def test_a_run_holds_wherever_it_lies_and_other_weights_do_not(run, own, tmp_path, capsys):
    for path in (run / "results").iterdir():
        assert json.loads(path.read_text())["provenance"]["weights"] == "../generator.safetensors"
    next(path for path in (run / "results").iterdir() if path != own).unlink()
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
    save(tmp_path / "a" / "Set5", *[(60, 48)] * 2)
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


@pytest.mark.parametrize(
    "words",
    [["nowhere"], ["gt"], ["out", "out2", "--weights", "x"], ["out", "--weights", "x"], ["out", "--level", "3"]],
)
def test_wrong_usage_is_one_line(judged, capsys, words):
    shutil.copytree("out", "out2", ignore=lambda *_: ["panels"])
    try:
        code = main(["verify", *words])
    except SystemExit as left:
        code = left.code
    assert code == 2 and len(capsys.readouterr().err.splitlines()) == 1


def first(path, name):
    """The check of that name; what comes after it is not done."""
    return next(one for one in level_2(read(path)) if one.name == name)


def set_in(*places, to):
    """An edit: the value at the end of the places becomes another."""

    def edit(document):
        for place in places[:-1]:
            document = document[place]
        document[places[-1]] = to

    return edit


OF_A_TRAINING = [
    (("what", "seed"), 1),
    (("what", "budget", "name"), "standard"),
    (("what", "budget", "steps"), 50000),
    (("what", "budget", "max_time"), 5.0),
    (("what", "budget", "machine"), "a faster one"),
    (("what", "recipe"), "0" * 16),
    (("what", "recipe"), None),
    (("what", "selection"), "best"),
    (("what", "model"), "srgan"),
    (("what", "trained_on", "degradation", "name"), "jpeg"),
    (("what", "trained_on", "dataset"), "div2k"),
    (("cost", "parameters"), 7),
    (("provenance", "config", "budget", "steps"), 50000),
]


def test_each_lie_about_a_training_is_named(own, capsys):
    assert first(own, "restorer").verdict == "holds"
    for places, value in OF_A_TRAINING:
        check = first(change(own, set_in(*places, to=value)), "restorer")
        field = ".".join(places).removeprefix("what.").removeprefix("cost.").removeprefix("provenance.")
        assert check.verdict == "does not hold" and check.says.startswith(f"{field}: "), check


def test_without_its_configuration_a_training_cannot_be_checked(own):
    (own.parents[1] / "config.yaml").unlink()
    check = first(own, "restorer")
    assert check.verdict == "cannot be checked" and "no config.yaml" in check.says


def name_of_the_set(document):
    document["what"]["set"] = document["provenance"]["inputs"]["set"] = "urban100"


def name_of_the_data(document):
    name_of_the_set(document)
    document["provenance"]["inputs"]["dataset"]["name"] = "urban100"


def name_of_the_degradation(document):
    document["what"]["degradation"]["name"] = document["provenance"]["inputs"]["degradation"]["name"] = "realesrgan"


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (set_in("what", "set", to="urban100"), 'set: "urban100" in the file, "photos" found'),
        (name_of_the_set, 'set: "urban100" in the file, "photos" found'),
        (name_of_the_data, "dataset urban100 is gan_bench.data.Judged, and here gan_bench.data.Photos"),
        (
            set_in("what", "degradation", "name", to="realesrgan"),
            'degradation.name: "realesrgan" in the file, "bicubic"',
        ),
        (name_of_the_degradation, "degradation realesrgan is gan_bench.degradations.Chain, and here "),
        (set_in("what", "degradation", to=None), "degradation: null in the file, nothing found; and "),
        (set_in("what", "scale", to=4), "scale: 4 in the file, 2 found"),
    ],
)
def test_each_lie_about_what_it_was_judged_on_is_named(own, edit, says):
    check = first(change(own, edit), "conditions")
    assert check.verdict == "does not hold" and check.says.startswith(says)


def test_a_digest_of_gt_that_was_taken_out_is_missed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, size in {"gt": (60, 48), "lq": (30, 24)}.items():
        save(tmp_path / name, size)
    assert main(["benchmark", "bicubic", "--gt", "gt", "--lq", "lq", "--out", "out"]) == 0
    [path] = (tmp_path / "out").glob("*.json")
    check = first(change(path, lambda one: one["what"].pop("gt_sha256")), "inputs")
    assert (check.verdict, check.says) == ("does not hold", "gt_sha256: not what was judged")


@pytest.fixture(scope="module")
def of_a_suite(tmp_path_factory):
    """A result of a suite's one cell."""
    home = tmp_path_factory.mktemp("suite")
    with contextlib.chdir(home):
        assert main(["benchmark", "bicubic", "--suite", "photos", "--metrics", "psnr", "--out", "out"]) == 0
    [path] = (home / "out").glob("*.json")
    return path


@pytest.mark.parametrize(
    ("edit", "verdict", "says"),
    [
        ({}, "holds", "photos, version 1, role smoke"),
        ({"role": "rank"}, "does not hold", 'suite.role: "rank" in the file, "smoke" found'),
        ({"sha256": "0" * 64}, "does not hold", "suite.sha256: "),
        ({"version": 9}, "cannot be checked", "version 9 then, 1 here; take its code"),
        ({"name": "sr_x4"}, "does not hold", "sr_x4 has no such cell"),
        ({"name": "mine"}, "cannot be checked", "--suite=mine: no such suite"),
    ],
)
def test_the_stamp_of_a_suite_is_made_again(of_a_suite, edit, verdict, says):
    check = first(change(of_a_suite, lambda one: one["what"]["suite"].update(edit)), "suite")
    assert check.verdict == verdict and check.says.startswith(says), check


@pytest.mark.parametrize(
    ("name", "value"),
    [("higher_is_better", False), ("unit", ""), ("digits", 6), ("margin", 3.0), ("digest", "0" * 12), ("reals", 9)],
)
def test_what_a_metric_is_said_to_be_is_compared_with_what_it_is(judged, capsys, name, value):
    code, wrong, _ = checked(capsys, change(judged, set_in("facts", "psnr", name, to=value)))
    assert code == 1 and wrong["facts"].startswith(f"psnr.{name}: {value} in the file, ")


def other_code(*edits):
    def edit(document):
        document["what"]["code"] = "0.0.9+12345678"
        for one in edits:
            one(document)

    return edit


def test_other_code_is_said_and_fails_nothing_by_itself(judged, capsys):
    code, wrong, reports = checked(capsys, change(judged, other_code()))
    assert (code, wrong) == (0, {})
    [said] = [one for one in reports[0]["checks"] if one["name"] == "code"]
    assert said["verdict"] == "not checked" and said["says"].startswith("0.0.9+12345678 then, ")


def test_numbers_of_another_implementation_are_not_compared(judged, capsys):
    edit = other_code(set_in("facts", "psnr", "digest", to="0" * 12))
    code, wrong, _ = checked(capsys, change(judged, edit))
    assert code == 2 and wrong.keys() == {"facts", "psnr"} and "its implementation here is another" in wrong["psnr"]
    edit = other_code(set_in("facts", "psnr", "higher_is_better", to=False))
    assert checked(capsys, change(judged, edit))[0] == 1


def test_a_facts_unit_widens_no_tolerance(judged, capsys):
    def edit(document):
        document["facts"]["ssim"]["unit"] = "dB"
        for row in document["images"].values():
            row["ssim"] += 0.0018
        document["scores"]["ssim"] = float(np.mean([row["ssim"] for row in document["images"].values()]))

    assert "ssim" in checked(capsys, change(judged, edit))[1]


def test_a_score_that_is_called_unavailable_is_found(judged, capsys):
    def edit(document):
        document["unavailable"]["ssim"] = "needs weights that are not here"
        del document["scores"]["ssim"]
        for row in document["images"].values():
            del row["ssim"]

    code, wrong, _ = checked(capsys, change(judged, edit))
    assert code == 1 and re.fullmatch(r"n/a in the file, and 0\.\d+ found", wrong["ssim"])


def test_what_was_unavailable_for_want_of_weights_is_not_checked(judged, monkeypatch):
    result = read(change(judged, lambda one: one["what"]["metrics"].append("niqe_photos") or
                         one["unavailable"].update(niqe_photos="no weights")))  # fmt: skip
    posed = Question("", "", load_restorer("bicubic", 2), again(result.provenance["inputs"]), (), get_protocol("y"))
    monkeypatch.setitem(METRICS, "niqe_photos", lambda *_: Weighed("d" * 64))
    assert [one.says for one in rescored(result, posed) if one.name == "niqe_photos"] == [
        "n/a then, without its weights; they are here"]  # fmt: skip
    result.what["metric_weights"] = {"niqe_photos": "d" * 64}  # so they were there
    [check] = [one for one in rescored(result, posed) if one.name == "niqe_photos"]
    assert (check.verdict, check.says) == ("does not hold", "n/a in the file, and 7 found")
    monkeypatch.setitem(METRICS, "niqe_photos", lambda *_: Weighed(""))
    [check] = [one for one in rescored(result, posed) if one.name == "niqe_photos"]
    assert (check.verdict, check.says) == ("does not hold", "n/a in the file, and 7 found")


class Weighed(PSNR):
    """A metric of weights that may or may not be here."""

    def __init__(self, weights):
        self.weights = weights

    def score(self, restored, gt, lq):
        return torch.full((len(restored),), 7.0, dtype=torch.float64)


def test_a_score_that_cannot_be_had_from_such_inputs_does_not_hold(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name, size in {"gt": (60, 48), "lq": (30, 24)}.items():
        save(tmp_path / name, size)
    words = ["--gt", "gt", "--lq", "lq", "--metrics", "psnr,consistency", "--out", "out"]
    assert main(["benchmark", "bicubic", *words]) == 0
    capsys.readouterr()
    [path] = (tmp_path / "out").glob("*.json")
    assert "n/a then and now: needs the degradation" in str(checked(capsys, path)[2])

    def edit(document):
        del document["unavailable"]["consistency"]
        document["facts"]["consistency"] = document["facts"]["psnr"]
        document["scores"]["consistency"] = document["images"]["0"]["consistency"] = 50.0

    code, wrong, _ = checked(capsys, change(path, edit))
    assert code == 1 and wrong["consistency"].startswith("it has a score, and needs the degradation")


def test_a_metric_and_a_protocol_that_are_gone_cannot_be_checked_and_others_go_on(judged, capsys):
    def edit(document):
        document["what"]["metrics"] = ["psnr", "gone"]
        for group in [document["scores"], document["facts"], *document["images"].values()]:
            group["gone"] = group.pop("ssim")

    gone = change(judged, edit)
    code, wrong, _ = checked(capsys, gone)
    assert code == 2 and list(wrong) == ["gone"] and wrong["gone"].startswith("no metric 'gone'")
    unknown = change(judged, set_in("what", "protocol", "name", to="lab"))
    code, wrong, reports = checked(capsys, unknown, judged, "--level", "2")
    assert (code, list(wrong), reports[1]["verdict"]) == (2, ["protocol"], "holds")
    assert wrong["protocol"].startswith("no protocol 'lab'")


@pytest.mark.parametrize(
    ("place", "value", "named"),
    [
        ("weights", ["a"], "weights"),
        ("weights", 3, "weights"),
        ("inputs", [1], "inputs"),
        ("inputs", {"dataset": 3, "degradation": 4}, "inputs"),
        ("inputs", {"dataset": {"name": []}, "degradation": {"name": "bicubic"}, "order": 5}, "inputs"),
        ("inputs", dict.fromkeys(("gt", "lq", "reals", "limit", "scale", "seed", "order"), 5) | {"degradation": None},
         "inputs"),
        ("clean", [], None),
        ("clean", {}, None),
        ("inputs.dataset", 5, "inputs"),
    ],
)  # fmt: skip
def test_odd_provenance_is_no_traceback_for_anyone(judged, capsys, place, value, named):
    odd = change(judged, set_in("provenance", *place.split("."), to=value))
    code, wrong, reports = checked(capsys, odd, judged, "--level", "2")
    assert (code, list(wrong)) == ((2, [named]) if named else (0, []))
    assert reports[1]["verdict"] == "holds"
    assert main(["show", str(odd)]) == 0


def test_a_file_whose_name_is_no_text_is_checked_and_shown(judged, capsys):
    named = os.fsdecode(os.fsencode(judged.parent) + b"/\xff_" + judged.name.rpartition("_")[2].encode())
    judged.rename(named)
    assert checked(capsys, named)[0] == 0
    assert main(["verify", named]) == 0
    assert main(["show", named]) == 0
    assert main(["show", named, "--json", "-"]) == 0
    assert "\\udcff" in capsys.readouterr().out


@pytest.fixture
def sums(tmp_path):
    """A file of two images; an edit of it, and what level 1 says of psnr and of the images."""

    def checks(edit):
        rows = {"a": {"psnr": 20.0, "ssim": 0.5}, "b": {"psnr": 22.0, "ssim": 0.7}}
        facts = {name: {"higher_is_better": True, "unit": "", "digits": 2} for name in ("psnr", "ssim", "fid")}
        document = {
            "what": WHAT | {"metrics": ["psnr", "ssim"], "checkpoint_sha256": None, "budget": None},
            "scores": {"psnr": 21.0, "ssim": 0.6}, "images": rows, "facts": facts}  # fmt: skip
        edit(document)
        return {one.name: one for one in level_1(read(Result(**document).write(tmp_path)))}

    return checks


def test_a_mean_of_no_images_is_a_set_metrics_alone(sums):
    def edit(document):
        for row in document["images"].values():
            del row["psnr"]
        document["facts"]["psnr"]["reals"] = 2
        document["scores"]["fid"] = 40.0
        document["what"]["metrics"].append("fid")

    said = sums(edit)
    assert said["psnr"].verdict == "does not hold" and "no image has a score" in said["psnr"].says
    assert said["fid"].verdict == "holds" and said["ssim"].verdict == "holds"


def test_an_image_without_a_score_that_others_have_is_named(sums):
    def edit(document):
        del document["images"]["b"]["psnr"]
        document["scores"]["psnr"] = None

    assert sums(edit)["images"].says == "'b' has no psnr, which others have"


def test_the_metrics_of_sets_are_known_without_their_code():
    assert {kind.name for kind in SetMetric.__subclasses__()[0].__subclasses__()} == SETS


def test_a_tolerance_is_what_machines_differ_in():
    decibel, kid = {"unit": "dB", "digits": 2}, {"unit": "", "digits": 4}
    assert (allowed(26.0, decibel, "image"), allowed(26.0, decibel, "mean")) == (0.02, 0.002)
    for levels in (1e-2, 1e-3, 1e-4):  # mean squared error, beside which a flipped level is much
        value = 10 * math.log10(255**2 / levels)
        flipped = 10 * math.log10(255**2 / (levels + 1e-3))
        assert allowed(value, decibel, "mean") == pytest.approx(value - flipped)
    assert allowed(0.0, kid, "mean") == allowed(-1e-6, kid, "mean") == 5e-5
    assert allowed(0.4, kid, "image") == pytest.approx(4e-4)
    assert allowed(None, kid, "image") == 5e-5
