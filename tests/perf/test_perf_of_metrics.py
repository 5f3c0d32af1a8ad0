"""gan-bench perf --metrics: equal numbers by every way, and what each of them takes."""

import json

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from tests.references.metrics import REFERENCES

from gan_bench.cli import main
from gan_bench.metrics import psnr, ssim
from gan_bench.perf import metrics as room


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    path = tmp_path_factory.mktemp("perf") / "perf.json"
    assert main(["perf", "--metrics", "--rounds", "1", "--json", str(path)]) == 0
    return json.loads(path.read_text())


def test_ssim_of_all_ways_is_the_same_number(document):
    rows = document["metrics"]["ssim"]
    assert set(rows) == {"gan-bench", "SciPy float64", "OpenCV filter2D", "pyiqa"}
    assert rows["SciPy float64"]["difference"] == 0
    assert max(rows["gan-bench"]["difference"], rows["OpenCV filter2D"]["difference"]) < 1e-12
    assert rows["pyiqa"]["difference"] < 1e-7  # its window is rounded to float32
    assert rows["gan-bench"]["kept"] is True


def test_psnr_of_all_ways_is_the_same_number(document):
    rows = document["metrics"]["psnr"]
    assert max(rows["gan-bench"]["difference"], rows["NumPy"]["difference"]) < 1e-11
    assert rows["pyiqa"]["difference"] < 1e-3  # it adds 1e-8 to the mean square
    assert [name for name, row in rows.items() if row["kept"] is not None] == ["gan-bench"]
    assert rows["gan-bench"]["kept"] is True


def test_every_way_is_timed_beside_ours(document):
    assert document["size"] == [512, 512] and document["threads"] == document["rounds"] == 1
    for rows in document["metrics"].values():
        assert rows["gan-bench"]["times_as_long_as_ours"] == 1
        for row in rows.values():
            ratio = row["ms"] / rows["gan-bench"]["ms"]
            assert row["times_as_long_as_ours"] == pytest.approx(ratio) and row["ms"] > 0
    assert document["provenance"]["machine"]["cores"] >= 1


def test_the_references_are_what_scikit_image_computes():
    a = np.random.default_rng(0).integers(0, 256, (60, 50)).astype(float)
    b = (a + np.random.default_rng(1).normal(0, 9, a.shape)).round().clip(0, 255)
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    expected = structural_similarity(a, b, **settings, full=True)[1][5:-5, 5:-5].mean()
    for make in REFERENCES["ssim"].values():
        assert make(a, b)() == pytest.approx(expected, abs=1e-12)
    for make in REFERENCES["psnr"].values():
        assert make(a, b)() == pytest.approx(peak_signal_noise_ratio(a, b, data_range=255), abs=1e-12)


def test_bars_are_missed_by_other_numbers_and_by_ways_that_are_fast_enough():
    ways = {"gan-bench": lambda: 0.5 + 2e-9, "exact": lambda: 0.5, "OpenCV filter2D": lambda: 0.5}
    rows = room._rows(ways, "exact", 3, {"OpenCV filter2D": 1e6})
    assert {name: row["kept"] for name, row in rows.items()} == {
        "gan-bench": False, "exact": None, "OpenCV filter2D": False,
    }  # fmt: skip
    assert rows["gan-bench"]["difference"] == pytest.approx(2e-9)


def test_without_the_references_ours_is_measured_alone(monkeypatch, capsys):
    monkeypatch.setattr(room, "reference", lambda _: None)
    assert main(["perf", "--metrics", "--rounds", "1"]) == 0
    out = capsys.readouterr().out
    assert "gan-bench" in out and "n/a" in out and "SciPy" not in out


def test_without_pyiqa_the_others_are_measured_and_it_is_said(monkeypatch, capsys):
    def lacking(_):
        raise ImportError("No module named 'pyiqa'")

    references = {
        name: {"float64": lambda *_, f=f: lambda: f(*room._pair())} for name, f in (("ssim", ssim), ("psnr", psnr))
    }
    monkeypatch.setattr(room, "reference", lambda _: {"REFERENCES": references, "of_pyiqa": lacking})
    assert main(["perf", "--metrics", "--rounds", "1"]) == 0
    out, err = capsys.readouterr()
    assert "pyiqa" not in out and "float64" in out
    assert "note: pyiqa is left out: No module named 'pyiqa'" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["model=esrgan"], "--metrics goes without model=esrgan"),
        (["--degradation", "jpeg"], "--metrics goes without --degradation"),
        (["--set", "quality=3"], "--metrics goes without --set"),
        (["--rounds", "0"], "--rounds 0"),
    ],
)
def test_a_mistake_is_one_line(words, message, capsys):
    assert main(["perf", "--metrics", *words]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert err.startswith("error: ") and message in err and err.count("\n") == 1
