"""Sharpness and colour against NumPy; the sentence in each case; what a training leaves of both."""

import csv
import json
import time

import numpy as np
import pytest
import torch

from gan_bench.callbacks.evaluation import Evaluation, colour_drift, sharpness
from gan_bench.callbacks.health import verdict

PLAYED = {"gradient_generator": 0.12, "gradient_discriminator": 3.4}
LOOKS = {"sharpness": 0.93, "colour": 1.24}


def test_sharpness_and_colour_equal_numpy():
    rng = np.random.default_rng(0)
    gt, restored = rng.random((1, 3, 9, 7)), rng.random((1, 3, 9, 7)) * 0.5

    def detail(image):
        gray = image.mean(1)[0]
        return (np.abs(np.diff(gray, axis=0)).mean() + np.abs(np.diff(gray, axis=1)).mean()) / 2

    pair = torch.from_numpy(restored), torch.from_numpy(gt)
    assert sharpness(*pair) == pytest.approx(detail(restored) / detail(gt))
    cast = np.abs(restored.mean((2, 3)) - gt.mean((2, 3))).mean() * 255
    assert colour_drift(*pair) == pytest.approx(cast)


def test_a_copy_is_as_sharp_as_gt_and_a_blur_is_less():
    gt = torch.rand(1, 3, 32, 32)
    blurred = torch.nn.functional.avg_pool2d(gt, 3, 1, 1)
    assert sharpness(gt, gt) == 1 and colour_drift(gt, gt) == 0
    assert sharpness(blurred, gt) < 0.6
    assert colour_drift((gt * 0.5 + 0.25).clamp(0, 1) + 10 / 255, gt * 0.5 + 0.25) == pytest.approx(10, abs=1e-3)


@pytest.mark.parametrize(
    ("real", "fake", "who"),
    [
        (0.99, 0.98, "discriminator wins"),
        (0.8, 0.7, "balanced"),
        (0.5, 0.52, "generator wins"),
        (1.0, 0.02, "discriminator sees no difference"),
        (0.0, 1.0, "discriminator sees no difference"),
    ],
)
def test_the_sentence_begins_with_who_wins(real, fake, who):
    said = verdict({**PLAYED, "accuracy_real": real, "accuracy_fake": fake}, LOOKS, {"pixel": 0.71})
    assert said.startswith(f"{who}: ")
    assert f"{real:.0%} of real and {fake:.0%} of restored" in said
    assert "gradients G 0.12, D 3.4; sharpness 0.93 of gt (pixel 0.71), colours 1.2 levels off" in said
    assert "\n" not in said


@pytest.mark.parametrize("name", ["accuracy_real", "gradient_discriminator"])
def test_a_game_that_is_no_number_has_diverged(name):
    played = {**PLAYED, "accuracy_real": 0.5, "accuracy_fake": 0.5, name: float("nan")}
    assert verdict(played, LOOKS, {}).startswith("diverged: ")


@pytest.mark.parametrize(
    ("real", "fake", "who"),
    [
        (0.99, 0.97, "discriminator wins"),
        (0.8, 0.7, "balanced"),
        (0.51, 0.5, "generator wins"),
        (0.99, 0.01, "discriminator sees no difference"),
    ],
)
def test_a_discriminator_of_lq_has_its_own_clause(real, fake, who):
    other = {"accuracy_real_lq": real, "accuracy_fake_lq": fake}
    said = verdict({**PLAYED, "accuracy_real": 0.7, "accuracy_fake": 0.6, **other}, LOOKS, {})
    assert said == (
        "balanced: the discriminator is right on 70% of real and 60% of restored, "
        f"that of lq on {real:.0%} and {fake:.0%} of degraded ({who}); "
        "gradients G 0.12, D 3.4; sharpness 0.93 of gt, colours 1.2 levels off"
    )


def test_a_side_that_is_no_number_has_diverged_too():
    other = {"accuracy_real_lq": 0.5, "accuracy_fake_lq": float("nan")}
    assert verdict({**PLAYED, "accuracy_real": 0.7, "accuracy_fake": 0.6, **other}, LOOKS, {}).startswith("diverged: ")


@pytest.mark.parametrize(("left", "said"), [("discriminator", "gradients D 3.4;"), ("generator", "gradients G 0.12;")])
def test_of_players_that_learn_in_turns_the_gradient_that_was_seen_is_named(left, said):
    name = f"gradient_{left}"
    assert said in verdict({"accuracy_real": 0.7, "accuracy_fake": 0.6, name: PLAYED[name]}, LOOKS, {})


@pytest.mark.full
def test_a_short_stage_has_a_sentence_too(train):
    code, _, err = train("model=srgan", "budget.steps=24", "budget.val_every=24", "metrics=quick")
    assert code == 0 and "the discriminator is right on" in err


def test_a_generator_that_is_not_finite_ends_the_training_in_one_line(train, tmp_path):
    words = ["model=rrdbnet", "model.stages.0.lr=1e30", "metrics=quick"]
    code, _, err = train(*words)
    assert code == 1
    (line,) = [line for line in err.splitlines() if line.startswith("error: ")]
    assert "training diverged at step 2 of 4: of the generator's losses pixel is " in line
    assert "first in the output of layer generator." in line


@pytest.mark.full
def test_validation_is_no_training_time(train, tmp_path, monkeypatch):
    whole = Evaluation._judge

    def slow(self, module):
        time.sleep(3)
        return whole(self, module)

    monkeypatch.setattr(Evaluation, "_judge", slow)
    assert train("model=esrgan", "metrics=quick")[0] == 0
    (folder,) = (tmp_path / "runs").glob("esrgan_*")
    assert json.loads((folder / "training.json").read_text())["seconds"] < 3


def test_a_gan_says_how_it_is_and_keeps_it(train, tmp_path):
    code, _, err = train("model=esrgan", "budget.val_every=3", "metrics=quick")
    assert code == 0
    (said,) = [line for line in err.splitlines() if "the discriminator is right on" in line]
    (folder,) = (tmp_path / "runs").glob("esrgan_*")
    kept = json.loads((folder / "training.json").read_text())["health"]
    assert said.endswith(kept)
    rows = list(csv.DictReader((folder / "validation.csv").open()))
    assert [float(row["step"]) for row in rows] == [3, 4]  # of 4 steps the pixel stage has 3
    pixel, last = (float(row["sharpness"]) for row in rows)
    assert f"sharpness {last:.2f} of gt (pixel {pixel:.2f})" in kept


@pytest.mark.full
def test_a_stage_that_ends_between_validations_has_a_row_and_a_panel(train, tmp_path):
    code, _, _ = train("model=esrgan", "metrics=quick")
    (folder,) = (tmp_path / "runs").glob("esrgan_*")
    rows = list(csv.DictReader((folder / "validation.csv").open()))
    assert code == 0 and [float(row["step"]) for row in rows] == [2, 3, 4]
    assert (folder / "panels" / "validation_0000003.png").is_file()


def test_a_regression_has_no_opponent_and_no_sentence(train, tmp_path):
    code, _, err = train("model=rrdbnet", "metrics=quick")
    (folder,) = (tmp_path / "runs").glob("rrdbnet_*")
    assert code == 0 and "discriminator" not in err
    assert "health" not in json.loads((folder / "training.json").read_text())
