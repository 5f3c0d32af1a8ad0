"""What `gan-bench show` says of a result, and that nothing in a file can act on a terminal."""

import json
import re

import pytest

from gan_bench.cli import main
from tests.test_verify import change, judged, run, save  # noqa: F401


def sections(text):
    """Headings to their lines."""
    found, name = {}, ""
    for line in text.splitlines():
        if line and not line.startswith(" "):
            name = line
            found[name] = []
        elif line:
            found[name].append(line.strip())
    return found


def test_a_result_is_explained(judged, capsys):  # noqa: F811
    assert main(["show", str(judged)]) == 0
    out = capsys.readouterr().out
    said = sections(out)
    names = [
        "bicubic on gt · gaussian_noise ×2",
        "what",
        "scores",
        "scores explained",
        "images",
        "cost",
        "provenance",
        "command",
        "files",
    ]
    assert [re.sub("on .* · ", "on gt · ", name) if number == 0 else name for number, name in enumerate(said)] == names
    document = json.loads(judged.read_text())
    mean = document["scores"]["psnr"]
    digest = document["facts"]["psnr"]["digest"]
    assert f"psnr  {mean:.2f} dB, higher is better; digest {digest}" in said["scores"]
    assert any(line.endswith(f"{mean!r}: mean of 3 images") for line in said["scores explained"])
    assert said["command"] == [document["provenance"]["command"]]
    worst_first = [float(re.search(r"psnr ([\d.]+)", line)[1]) for line in said["images"][1:]]
    assert worst_first == sorted(worst_first) and len(worst_first) == 3
    assert any(line.startswith("verify") and str(judged) in line for line in said["files"])
    assert any("9 " in line or line.endswith(": 9") for line in said["files"] if line.startswith("crops"))
    assert "\x1b" not in out


def test_of_many_images_the_worst_and_the_best_are_shown(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "gt", *[(24, 24)] * 9)
    assert main(["benchmark", "bicubic", "--gt", "gt", "--degradation", "bicubic", "--scale", "2", "--out", "out"]) == 0
    capsys.readouterr()
    [path] = (tmp_path / "out").glob("*.json")
    assert main(["show", "out"]) == 0
    lines = sections(capsys.readouterr().out)["images"]
    rows = json.loads(path.read_text())["images"]
    order = sorted(rows, key=lambda name: rows[name]["psnr"])
    assert [line.split()[0] for line in lines[1:]] == [*order[:3], "...", *order[-3:]]
    assert "3 between them" in lines[4]


def test_a_run_shows_all_its_results_and_its_files(run, capsys):  # noqa: F811
    assert main(["show", str(run)]) == 0
    out = capsys.readouterr().out
    assert "srcnn on photos · bicubic ×2" in out and "srcnn on photos · jpeg ×2" in out
    assert f"weights        {run}/results/../generator.safetensors" in out.replace(str(run.resolve()), str(run))
    assert "config.yaml" in out and "trained on" in out
    assert re.search(r"lpips +n/a: needs alexnet", out)


def test_json_holds_the_result_and_what_was_worked_out(judged, capsys):  # noqa: F811
    assert main(["show", str(judged), "--json", "-"]) == 0
    [told] = json.loads(capsys.readouterr().out)
    document = json.loads(judged.read_text())
    assert {name: told[name] for name in document if name != "schema"} == {
        name: value for name, value in document.items() if name != "schema"}  # fmt: skip
    assert told["key"] == judged.stem.rpartition("_")[2]
    assert {"scores explained", "command", "files"} == told["explained"].keys()


STEPS = {"blur": {"sigma": 1}, "jpeg": {"quality": 50}, "noise": {"sigma": 5, "steps": {"a": 1, "b": 2}}}
ORDER = {"": ["name", "steps"], ".steps": ["noise", "blur", "jpeg"], ".steps.noise.steps": ["b", "a"]}


@pytest.mark.parametrize("order", [ORDER, {".steps": 3}, {"": [["odd"], None]}, 7, None])
def test_steps_are_shown_as_they_are_taken_not_as_a_file_sorts_them(judged, capsys, order):  # noqa: F811
    made = {"name": "mine", "parameters": {"steps": STEPS}}

    def edit(document):
        document["what"] |= {"degradation": made, "trained_on": {"dataset": "photos", "degradation": made}}
        document["provenance"]["inputs"] |= {"order": order, "degradation": {"name": "mine", "steps": STEPS}}

    assert main(["show", str(change(judged, edit))]) == 0
    lines = [line for line in sections(capsys.readouterr().out)["what"] if "blur" in line]
    assert len(lines) == 2
    for line in lines:
        assert (line.index("noise") < line.index("blur")) == (order == ORDER)
        assert (line.index("b: 2") < line.index("a: 1")) == (order == ORDER)
        assert ("their order is not kept" in line) == (order != ORDER)


def test_steps_of_another_training_have_no_order(judged, capsys):  # noqa: F811
    def edit(document):
        other = {"name": "other", "parameters": {"steps": STEPS}}
        document["what"] |= {"trained_on": {"dataset": "photos", "degradation": other}}

    assert main(["show", str(change(judged, edit))]) == 0
    [line] = [line for line in sections(capsys.readouterr().out)["what"] if line.startswith("trained on")]
    assert "their order is not kept" in line


def test_odd_text_in_a_file_stays_text(judged, capsys):  # noqa: F811
    def edit(document):
        document["what"]["label"] = "[red]mine\x1b[2J\n=cmd"
        document["provenance"]["command"] = "rm \x1b]0;x\x07 [bold]"

    assert main(["show", str(change(judged, edit))]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out and "\x07" not in out
    assert out.startswith("[red]mine\ufffd[2J\ufffd=cmd on ")
    assert "[bold]" in out


def test_a_result_of_an_older_gan_bench_is_explained(judged, capsys):  # noqa: F811
    def edit(document):
        for name in ("suite", "recipe", "trained_on", "gt_sha256", "metric_weights"):
            document["what"].pop(name, None)
        document["provenance"] = {}
        document["cost"] = {}

    assert main(["show", str(change(judged, edit))]) == 0
    assert "not kept" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["nowhere"], ["gt"], []])
def test_wrong_words_are_one_line(judged, capsys, words):  # noqa: F811
    try:
        code = main(["show", *words])
    except SystemExit as left:
        code = left.code
    assert code == 2 and len(capsys.readouterr().err.splitlines()) == 1


def test_a_damaged_result_is_one_line(tmp_path, capsys):
    (tmp_path / "cut.json").write_text('{"schema": 1')
    assert main(["show", str(tmp_path / "cut.json")]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "half-written or damaged" in line
