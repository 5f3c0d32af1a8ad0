"""Suites: what they hold and that it stays, how a training and `gan-bench benchmark --suite` judge by them."""

import json
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf
from PIL import Image

from gan_bench.benchmark.result import find
from gan_bench.cells import ROLES
from gan_bench.cli import main
from gan_bench.config import cells, conf_dir, plain, read_yaml, suite_config
from gan_bench.errors import UsageError
from gan_bench.suites import FEWEST, stamp
from gan_bench.trials import Trial, of_suite

GOLDEN = Path(__file__).parent / "suite_digests.json"
NAMES = sorted(path.stem for path in (conf_dir() / "suite").glob("*.yaml") if path.stem != "own")
FEW = {"photos", "set5", "set14", "set12", "live1", "realsrset", "old_photos"}  # sets of fewer images than FEWEST


def stamped(name):
    suite = suite_config(name)
    return stamp(plain(suite.suite), cells(suite))


@pytest.mark.parametrize("name", NAMES)
def test_a_suite_that_changes_has_a_higher_version(name):
    known, now = json.loads(GOLDEN.read_text()).get(name, {"version": 0, "sha256": ""}), stamped(name)
    if now["sha256"] == known["sha256"]:
        assert now["version"] == known["version"], f"suite {name}: another version of the same cells; take it back"
    entry = json.dumps({name: {"version": now["version"], "sha256": now["sha256"]}})
    assert now["version"] > known["version"] or now["sha256"] == known["sha256"], (
        f"suite {name} judges otherwise than its version {known['version']} did, and both are never compared: raise "
        f"`version` in conf/suite/{name}.yaml, then put {entry} into {GOLDEN.name}"
    )
    assert now["sha256"] == known["sha256"], f"put {entry} into {GOLDEN.name}"


@pytest.mark.parametrize("name", NAMES)
def test_a_suite_is_whole(name):
    node = read_yaml(conf_dir() / "suite" / f"{name}.yaml")
    wanted = {"name", "version", "question", "scale", "metrics", "protocol", "reference", "cells"}
    assert node.keys() == wanted and node["question"].endswith("?")
    assert all(cell.keys() >= {"dataset", "degradation", "role"} and cell["role"] in ROLES for cell in node["cells"])
    assert all(cell["role"] == "smoke" for cell in node["cells"] if cell["dataset"] in FEW)
    assert name in ("sr_x4", "real") or any(cell["dataset"] == "photos" for cell in node["cells"])
    found = cells(suite_config(name))
    assert len(found) == len(node["cells"]) == len({cell.name for cell in found})


def changed(**values):
    """The stamp of a suite of two cells with other values."""
    config = plain(suite_config("photos"))
    config["suite"]["cells"] = [
        {"dataset": name, "degradation": "bicubic", "role": "smoke"} for name in ("set5", "photos")
    ]
    suite = OmegaConf.create({**config, "suite": {**config["suite"], **values}})
    return stamp(plain(suite.suite), cells(suite))["sha256"]


def test_a_digest_is_over_what_decides_numbers_and_nothing_else(monkeypatch):
    before = changed()
    monkeypatch.setenv("GAN_BENCH_DATA", "/elsewhere")
    first = {"dataset": "set5", "degradation": "bicubic", "role": "smoke"}
    turned = [{**first, "dataset": "photos"}, first]
    same = [changed(), changed(question="Another?"), changed(cells=turned), changed(version=2)]
    assert same == [before] * 4
    others = [
        changed(protocol="rgb"), changed(metrics="quick"), changed(reference="srcnn"), changed(cells=[first]),
        changed(cells=[{**first, "role": "rank"}]), changed(cells=[{**first, "degradation": "realesrgan"}]),
        changed(cells=[{**first, "dataset": "set14"}]), changed(cells=[{**first, "degradation": "jpeg"}]),
        changed(cells=[{**first, "degradation": "jpeg", "quality": 5}]),
    ]  # fmt: skip
    assert len({before, *others}) == len(others) + 1
    assert changed(cells=[{**first, "degradation": "jpeg", "quality": 5.0}]) == others[-1]


def test_a_training_and_benchmark_stamp_alike():
    suite = plain(suite_config("photos"))
    config = {**suite, "dataset": {**cells(suite_config("photos"))[0].dataset, "limit": 2}}
    config["degradation"] = cells(suite_config("photos"))[0].degradation
    found = cells(OmegaConf.create(config))
    assert [(cell.place, cell.role) for cell in found] == [("", "smoke")]
    assert stamp(config["suite"], found) == stamped("photos")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"role": "ranked"}, r"^suite\.cells\[0\]\.role: no role 'ranked'; did you mean 'rank'\?$"),
        (
            {"degradation": "bicubik"},
            r"^suite\.cells\[0\]\.degradation=bicubik: no such .*; did you mean 'bicubic'\?$",
        ),
        ({"dataset": None}, r"^suite\.cells\[0\]\.dataset=None: no such dataset"),
    ],
)
def test_a_mistake_in_a_suite_names_the_cell(words, message):
    with pytest.raises(UsageError, match=message):
        changed(cells=[{"dataset": "set5", "degradation": "bicubic", "role": "smoke", **words}])
    with pytest.raises(UsageError, match=r"^suite\.cells\[0\]: a data set and a degradation are needed, [^\n]+$"):
        changed(cells=[{"dataset": "set5"}])


def test_metrics_that_are_not_there_are_named():
    with pytest.raises(UsageError, match=r"^suite\.metrics: no such metrics; did you mean 'quick'\?$"):
        changed(metrics="quik")


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A data root with two images of Set5, and 51 of Urban100; nothing else."""
    monkeypatch.setenv("GAN_BENCH_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    for name, count in (("Set5", 5), ("Urban100/HR", 51)):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(count):
            pixels = np.random.default_rng(number).integers(0, 256, (6, 8, 3), np.uint8)
            Image.fromarray(pixels).resize((32, 24)).save(tmp_path / "data" / name / f"{number:02}.png")
    return tmp_path


def judged(folder):
    return {result.what["set"]: result for result in find(folder)[0]}


def test_benchmark_judges_what_is_there_and_says_what_to_put_where(data, capsys):
    words = ["benchmark", "bicubic", "--suite", "sr_x4", "--metrics", "psnr", "--out", "board"]
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert "set5 · bicubic ×4" in out and "urban100_51 · bicubic ×4" in out
    left_out = [line for line in err.splitlines() if "left out" in line]
    assert [line.split(" is left out")[0] for line in left_out] == [
        f"warning: suite.cells[{number}] ({name}_bicubic)" for number, name in
        ((1, "set14"), (2, "bsd100"), (4, "manga109"), (5, "div2k_val"))]  # fmt: skip
    assert all("no such folder; put " in line for line in left_out)
    found = judged(data / "board")
    want = stamped("sr_x4")
    assert found["set5"].what["suite"] == {**want, "role": "smoke"}
    assert found["urban100_51"].what["suite"] == {**want, "role": "rank"} and FEWEST == 50
    assert len(list((data / "board" / "panels" / "crops").glob("*.webp"))) == 2 * 4 * 3


@pytest.mark.parametrize(
    ("count", "role", "expected"), [(49, "rank", "smoke"), (50, "rank", "rank"), (99, "smoke", "smoke")]
)
def test_too_few_images_never_rank(count, role, expected):
    trial = Trial(replace(cells(suite_config("photos"))[0], role=role), range(count))
    assert of_suite(trial, {"name": "mine"}) == {"name": "mine", "role": expected}
    assert of_suite(replace(trial, cell=replace(trial.cell, role=None)), {"name": "mine"}) is None
    assert of_suite(trial, None) is None


def test_finished_results_are_not_computed_again_and_missing_crops_are_made(data, monkeypatch, capsys):
    words = ["benchmark", "bicubic", "--suite", "sr_x4", "--metrics", "psnr", "--out", "board"]
    assert main(words) == 0
    files = {path: path.read_bytes() for path in (data / "board").rglob("*.*") if path.is_file()}
    restored = []
    from gan_bench.restorers import Bicubic

    real = Bicubic.restore
    monkeypatch.setattr(Bicubic, "restore", lambda self, batch: restored.append(batch.name[0]) or real(self, batch))
    assert main(words) == 0 and not restored
    keyed = next(path for path in files if path.suffix == ".webp" and path.stem[-3:] not in ("_lq", "_gt"))
    keyed.unlink()
    assert main(words) == 0
    assert restored == [keyed.stem.partition("_")[2]]
    assert {path: path.read_bytes() for path in files} == files


def test_metrics_and_protocol_are_the_suites_unless_they_are_typed(data, capsys):
    assert main(["benchmark", "bicubic", "--suite", "sr_x4", "--json", "-"]) == 0
    records = json.loads(capsys.readouterr().out)
    assert [record["set"] for record in records] == ["set5", "urban100_51"]
    assert {"psnr", "ssim", "niqe_photos"} <= records[0]["scores"].keys() | records[0]["unavailable"].keys()
    assert records[0]["protocol"] == "y"


def test_a_restorer_of_another_scale_is_named_and_the_others_are_judged(data, train, capsys):
    assert train("model=srcnn", "degradation.scale=2", "metrics.names=[psnr]")[0] == 0
    [run] = map(str, Path("runs").glob("srcnn*"))
    assert main(["benchmark", run, "bicubic", "--suite", "sr_x4", "--metrics", "psnr", "--json", "-"]) == 1
    out, err = capsys.readouterr()
    assert [record["label"] for record in json.loads(out)] == ["bicubic", "bicubic"]
    assert err.count("it restores at scale 2, the images have scale 4") == 1


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--suite", "sr_x4", "--gt", "x", "--set", "a=1"], "leave out --gt and --set"),
        (["--suite", "sr_x4", "--limit", "2"], "leave out --limit"),
        (["--suite", "sr_x4", "--scale", "2"], "--scale 2: suite sr_x4 has 4"),
        (["--suite", "sr_x4", "--protocol", "rgb"], "--protocol rgb: suite sr_x4 has y"),
        (["--suite", "own"], "--suite own: it has no cells of its own"),
        (["--suite", "photo"], "did you mean 'photos'"),
    ],
)
def test_what_a_suite_does_not_leave_open_is_refused(capsys, words, named):
    assert main(["benchmark", "bicubic", *words]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert named in line


def test_a_suite_of_which_nothing_is_there_is_an_error(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GAN_BENCH_DATA", str(tmp_path))
    assert main(["benchmark", "bicubic", "--suite", "real", "--metrics", "psnr"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].startswith("error: --suite real: none of its 2 cells can be judged; put the data where")
    assert [line.split(": ")[0] for line in lines] == ["warning", "warning", "error"]


def test_a_training_judges_the_suite_and_its_own(data, train):
    code, _, err = train("model=srcnn", "suite=sr_x4", "metrics.names=[psnr]")
    assert code == 0, err
    [run] = (data / "runs").glob("srcnn*")
    found = judged(run)
    assert found.keys() == {"photos", "set5", "urban100_51"}
    assert found["photos"].what["suite"] is None
    assert found["set5"].what["suite"] == {**stamped("sr_x4"), "role": "smoke"}
    assert len({result.what["recipe"] for result in found.values()}) == 1
    from gan_bench.benchmark import key

    names = {path.name for path in (run / "panels" / "crops").iterdir()}
    assert {f"{key(result.what)}_{name}.webp" for result in found.values() for name in list(result.images)[:1]} & names
    assert train("model=srcnn", "suite=photos", "metrics.names=[psnr]")[0] == 0
    assert judged(run)["photos"].what["suite"] is None  # a result never changes


def test_a_runs_own_cell_is_the_suites_where_it_has_it(train, tmp_path):
    assert train("model=bicubic", "suite=photos", "metrics.names=[psnr]")[0] == 0
    [result] = find(tmp_path / "runs")[0]
    assert result.what["suite"] == {**stamped("photos"), "role": "smoke"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["suite=denoise"], "suite=denoise is for scale 1, this run has 4; set degradation.scale"),
        (["suite=sr_x4", "degradation.scale=2"], "suite=sr_x4 is for scale 4, this run has 2; set degradation.scale"),
        (
            ["suite=sr_x4", "metrics.protocol=rgb"],
            "suite=sr_x4 is judged by protocol y, not rgb; add metrics.protocol=y",
        ),
    ],
)
def test_a_suite_that_does_not_fit_the_run_ends_it_before_it_begins(train, tmp_path, words, told):
    code, out, err = train("model=srcnn", *words)
    assert (code, out, err.strip()) == (2, "", f"error: {told}")
    assert not (tmp_path / "runs").exists()


def test_cells_of_ones_own_may_take_the_place_of_a_suites(train, caplog):
    with caplog.at_level(logging.WARNING):
        code, out, _ = train("model=bicubic", "metrics.names=[psnr]", "suite=sr_x4",
                             "suite.cells=[{degradation: jpeg, quality: 5, role: smoke}]")  # fmt: skip
    assert code == 0 and "photos" in out


def test_a_cell_may_have_a_data_set_of_ones_own(train, tmp_path, capsys):
    from PIL import Image

    (tmp_path / "mine").mkdir()
    for number in range(2):
        Image.new("RGB", (64, 64), (40 * number, 90, 200)).save(tmp_path / "mine" / f"{number}.png")
    cell = "{dataset: judged, dataset.root: mine, dataset.name: mine, degradation: bicubic}"
    code, out, error = train("model=bicubic", f"suite.cells=[{cell}]", "metrics=offline")
    assert (code, "on mine:" in out or "mine" in out) == (0, True), error
    code, _, error = train("model=bicubic", "suite.cells=[{dataset: judged, dataset.rot: mine}]")
    assert code == 2
    assert "suite.cells[0].dataset.rot: judged has no such key; did you mean 'root'?" in error
