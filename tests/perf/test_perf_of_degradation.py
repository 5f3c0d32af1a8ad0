"""gan-bench perf --degradation: what it measures, and what it says where it cannot."""

import json

import pytest

from gan_bench.cli import main

SMALL = ["--rounds", "1", "--batch", "2", "--patch", "64"]


def test_it_measures_a_chain_by_step_beside_both_references(tmp_path, capsys):
    path = tmp_path / "perf.json"
    assert main(["perf", "--degradation", "realesrgan", *SMALL, "--json", str(path)]) == 0
    out = capsys.readouterr().out
    document = json.loads(path.read_text())
    assert set(document["measured"]) == {"gan-bench", "reference A", "reference B"}
    assert document["measured"]["gan-bench"]["times_as_long_as_ours"] == 1
    for row in document["measured"].values():
        assert row["images_per_second"] * row["ms_per_image"] == pytest.approx(1000)
    steps = document["ms_per_image_by_step"]
    assert list(steps["gan-bench"]) == list(steps["reference A"])
    assert {"sharpen", "blur1", "final"} <= set(steps["gan-bench"]) and min(steps["gan-bench"].values()) > 0
    assert document["crop"] == 96 and document["provenance"]["machine"]["cores"] >= 1
    assert "blur1" in out and "images/s" in out


@pytest.mark.parametrize("name", ["gaussian_noise", "jpeg", "motion_blur"])
def test_a_single_operator_is_one_step(name, tmp_path):
    path = tmp_path / "perf.json"
    assert main(["perf", "--degradation", name, *SMALL, "--json", str(path)]) == 0
    assert list(json.loads(path.read_text())["ms_per_image_by_step"]["gan-bench"]) == ["all"]


def test_an_operator_that_a_reference_lacks_is_said(capsys):
    assert main(["perf", "--degradation", "old_photo", *SMALL]) == 0
    out, err = capsys.readouterr()
    assert "note: reference A is left out, it has no Fading" in err and "reference" not in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--degradation", "realesrgn"], "did you mean 'realesrgan'"),
        (["--degradation", "realesrgan", "--patch", "30"], "--patch 30 is no multiple of the scale 4"),
        (["--degradation", "realesrgan", "--rounds", "0"], "--rounds 0"),
        (["--degradation", "realesrgan", "--set", "margn=3"], "margn"),
        (["--degradation", "realesrgan", "--patch", "4096"], "smaller than the patch"),
    ],
)
def test_a_mistake_is_one_line(words, message, capsys):
    assert main(["perf", *words]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert err.startswith("error: ") and message in err and err.count("\n") == 1
