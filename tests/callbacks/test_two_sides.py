"""What a training of two directions, and one without gt, leaves of its validations."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from PIL import Image

from gan_bench.panels import BAND, GAP

SIDES = {"lq": (48, 40), "gt": (44, 36)}  # height and width of the images of each


@pytest.fixture
def folders(tmp_path):
    """Two folders of noise, gt the brighter, with no scene in common."""
    rng = np.random.default_rng(0)
    for side, size in SIDES.items():
        for split in ("train", "validation", "test"):
            (tmp_path / side / split).mkdir(parents=True)
            for number in range(1 if (side, split) == ("lq", "validation") else 2):
                pixels = rng.integers(0 if side == "lq" else 100, 156 if side == "lq" else 256, (*size, 3))
                Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / side / split / f"{side}{number}.png")
    return ["dataset=unpaired", f"dataset.lq={tmp_path / 'lq'}", f"dataset.gt={tmp_path / 'gt'}"]


def shown(folder, step, height, width, row=0, column=0):
    """One picture of a validation's panel."""
    sheet = np.asarray(Image.open(folder / "panels" / f"validation_{step:07d}.png"))
    top, left = BAND + row * (height + BAND), column * (width + GAP)
    return sheet, sheet[top : top + height, left : left + width]


def test_without_gt_there_is_a_curve_of_looks_a_sentence_and_no_best(train, folders, tmp_path):
    code, _, err = train("model=cyclegan", *folders, "metrics=quick", "hydra.run.dir=run")
    assert code == 0, err
    run = tmp_path / "run"
    rows = list(csv.DictReader((run / "validation.csv").open()))
    assert [float(row["step"]) for row in rows] == [2, 4]
    assert all(set(row) == {"step", "sharpness", "colour"} for row in rows)
    assert not (run / "checkpoints" / "best.ckpt").exists() and (run / "checkpoints" / "last.ckpt").is_file()
    facts = json.loads((run / "training.json").read_text())
    assert facts["best"] == {} and ", that of lq on " in facts["health"]
    assert {path.name for path in run.glob("*.safetensors")} == {"generator.safetensors", "degrader.safetensors"}


def test_colour_and_sharpness_without_gt_are_those_beside_the_images_of_the_other_side(train, folders, tmp_path):
    code, _, err = train("model=cyclegan", *folders, "metrics=quick", "hydra.run.dir=run", "budget.val_every=4")
    assert code == 0, err
    height, width = SIDES["lq"]
    (row,) = csv.DictReader((tmp_path / "run" / "validation.csv").open())
    reals = [np.asarray(Image.open(path)) for path in sorted((tmp_path / "gt" / "validation").iterdir())]
    _, restored = shown(tmp_path / "run", 4, height, width, column=1)
    off = np.abs(restored.mean((0, 1)) - np.mean([real.mean((0, 1)) for real in reals], 0)).mean()
    assert float(row["colour"]) == pytest.approx(off, abs=0.1)  # the picture is rounded, what was judged is not
    sharp = detail(restored) / np.mean([detail(real) for real in reals])
    assert float(row["sharpness"]) == pytest.approx(sharp, rel=0.02)


def detail(pixels):
    gray = pixels.mean(-1)
    return np.abs(np.diff(gray, axis=0)).mean() / 2 + np.abs(np.diff(gray, axis=1)).mean() / 2


@pytest.mark.full
def test_a_model_of_two_directions_shows_both_ways_in_a_second_row(train, folders, tmp_path):
    assert train("model=cyclegan", *folders, "metrics=quick", "hydra.run.dir=run")[0] == 0
    (height, width), (below, across) = SIDES["lq"], SIDES["gt"]
    sheet, lq = shown(tmp_path / "run", 4, height, width)
    assert sheet.shape[:2] == (height + below + 2 * BAND, max(2 * width + GAP, 4 * across + 3 * GAP))
    np.testing.assert_array_equal(lq, Image.open(tmp_path / "lq" / "validation" / "lq0.png"))
    gt = sheet[height + 2 * BAND :, :across]
    np.testing.assert_array_equal(gt, Image.open(tmp_path / "gt" / "validation" / "gt0.png"))


@pytest.mark.parametrize("model", ["cyclegan", "discogan"])
def test_with_pairs_it_is_judged_by_them_and_shows_the_pairs_ways_back(train, tmp_path, model):
    code, _, err = train(f"model={model}", "degradation.scale=2", "metrics=quick", "hydra.run.dir=run")
    assert code == 0, err
    rows = list(csv.DictReader((tmp_path / "run" / "validation.csv").open()))
    assert set(rows[-1]) == {"step", "psnr", "ssim", "sharpness", "colour"}
    assert (tmp_path / "run" / "checkpoints" / "best.ckpt").is_file()
    sheet = np.asarray(Image.open(tmp_path / "run" / "panels" / "validation_0000004.png"))
    height = sheet.shape[0] // 2
    gt_above, gt_below = sheet[BAND:height, 3 * (sheet.shape[1] + GAP) // 4 :], sheet[height + BAND :]
    np.testing.assert_array_equal(gt_above, gt_below[:, : gt_above.shape[1]])
