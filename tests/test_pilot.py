"""Minutes in place of steps: how many fit is measured beside the run, kept with it, and changes nothing else in it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import gan_bench
from gan_bench import pilot
from gan_bench.callbacks import ProgressLine
from gan_bench.cli import main
from gan_bench.config import differences, fingerprint
from gan_bench.naming import recipe
from gan_bench.provenance import processor
from gan_bench.restorers import trained

TRAIN = Path(gan_bench.__file__).parents[2] / "train.py"
TIMED = ["model=esrgan", "metrics=offline", "budget.val_every=1", "budget.max_time=0.01"]


def facts(folder):
    return json.loads((folder / "steps.json").read_text())


def budget(folder):
    [path] = (folder / "results").glob("*.json")
    return json.loads(path.read_text())["what"]["budget"]


def weights(folder):
    return [(folder / name).read_bytes() for name in ("generator.safetensors", "checkpoints/pixel.safetensors")]


def paces(monkeypatch, **known):
    """Measure nothing: a step takes what is given for its stage."""
    found = [(name, pace, "a machine") for name, pace in known.items()]
    monkeypatch.setattr(pilot, "_pace", lambda work, number, patience: found[number])


def test_a_run_by_the_clock_is_the_run_of_that_many_steps(train, tmp_path, monkeypatch):
    monkeypatch.setattr(pilot, "PATIENCE", 0.3)
    code, _, err = train(*TIMED, "hydra.run.dir=timed")
    assert code == 0, err
    known, shares = facts(tmp_path / "timed"), {"pixel": 5 / 7, "gan": 2 / 7}
    assert known["seconds_per_step"].keys() == shares.keys()
    mean = sum(share * known["seconds_per_step"][name] for name, share in shares.items())
    assert known["steps"] == int(0.6 / mean) > 2
    assert f"budget.max_time=0.01: {known['steps']} steps, of " in err
    every = max(1, round(known["steps"] / 4))  # smoke has 4 steps, so it is judged four times, and where stages end
    plain = [f"budget.steps={known['steps']}", f"budget.val_every={every}"]
    assert train(*TIMED[:2], *plain, "hydra.run.dir=plain")[0] == 0
    assert weights(tmp_path / "timed") == weights(tmp_path / "plain")
    curves = [(tmp_path / name / "validation.csv").read_text() for name in ("timed", "plain")]
    assert curves[0] == curves[1] and 4 <= len(curves[0].splitlines()) - 1 <= 8
    assert not (tmp_path / "plain" / "steps.json").exists()
    assert budget(tmp_path / "timed") == budget(tmp_path / "plain") | {
        "max_time": 0.01, "machine": f"{processor()} · 1 thread"}  # fmt: skip
    assert main(["leaderboard", "timed"]) == 0
    assert f"budget smoke (0.01 min each on {processor()}" in (tmp_path / "timed" / "leaderboard.md").read_text()
    pixel = trained(tmp_path / "timed" / "checkpoints" / "pixel.safetensors").origin.budget
    assert pixel["steps"] == round(known["steps"] * 5 / 7)
    assert not {"max_time", "machine"} & set(pixel)  # it had a part of the time


@pytest.mark.parametrize(
    ("minutes", "pixel", "gan", "steps"), [(1, 0.5, 0.5, 120), (1, 0.1, 2.0, 93), (2.5, 1.0, 3.0, 95), (0.001, 9, 9, 2)]
)
def test_the_steps_are_those_that_fit_by_the_share_of_each_stage(
    train, tmp_path, monkeypatch, minutes, pixel, gan, steps
):
    # 60 s / (5/7 * 0.1 s + 2/7 * 2 s) = 93.3; never fewer than there are stages
    paces(monkeypatch, pixel=pixel, gan=gan)
    made = []
    monkeypatch.setattr("gan_bench.run.train", lambda model, work: made.append(model.steps))
    train("model=esrgan", f"budget.max_time={minutes}", "hydra.run.dir=run")
    assert made == [steps] == [facts(tmp_path / "run")["steps"]]


@pytest.mark.full
def test_a_run_that_goes_on_keeps_its_number_of_steps(train, tmp_path, monkeypatch):
    draw, words = ProgressLine.on_train_batch_end, [*TIMED, "budget.max_time=0.05"]

    def stopped(self, trainer, module, *given):
        draw(self, trainer, module, *given)
        if module.step == 12:
            os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patch:
        paces(patch, pixel=0.1, gan=0.2)
        assert train(*words, "hydra.run.dir=whole")[0] == 0
        patch.setattr(ProgressLine, "on_train_batch_end", stopped)
        code, _, err = train(*words, "hydra.run.dir=broken")
        assert code == 143 and "stopped by SIGTERM after step 1" in err, err
    assert facts(tmp_path / "whole")["steps"] == 23
    paces(monkeypatch, pixel=1.0, gan=1.0)  # another machine
    code, _, err = train(*words, "hydra.run.dir=broken")
    assert code == 0 and "goes on from step 13 of 23" in err, err
    assert weights(tmp_path / "broken") == weights(tmp_path / "whole")
    assert budget(tmp_path / "broken") == budget(tmp_path / "whole")


def test_weights_without_their_number_of_steps_are_named(train, tmp_path, monkeypatch, capsys):
    paces(monkeypatch, pixel=0.1, gan=0.2)
    assert train(*TIMED, "hydra.run.dir=run")[0] == 0
    (tmp_path / "run" / "steps.json").unlink()
    assert main(["benchmark", "run", "--suite", "sr_x4"]) == 2
    assert "run/steps.json: missing, or without steps" in capsys.readouterr().err


def taken(monkeypatch, durations, patience, settling=0):
    """The pilot after steps of given durations, until it ends the training."""
    clock = [0.0]
    monkeypatch.setattr(pilot, "_now", lambda device: clock[0])
    monkeypatch.setattr(pilot, "Recipe", SimpleNamespace)
    loop = SimpleNamespace(epoch_loop=SimpleNamespace())
    trainer = SimpleNamespace(should_stop=False, strategy=SimpleNamespace(broadcast=lambda one: one), fit_loop=loop)
    model, one = SimpleNamespace(step=70, device=SimpleNamespace(type="cpu")), pilot._Pilot(settling, patience)
    one.on_train_start(trainer, model)
    for duration in durations:
        clock[0] += duration
        model.step += 1
        one.on_train_batch_end(trainer, model)
        if trainer.should_stop:
            return one, model.step - 70
    raise AssertionError("it does not end")


def test_what_warms_up_and_what_is_held_ready_does_not_count(monkeypatch):
    slow_then_ready = [9.0, 9.0, *[1 / 1024] * 8, 0.125]
    one, steps = taken(monkeypatch, [*slow_then_ready, *[0.125] * 1000], patience=3, settling=8)
    assert one.pace == 0.125
    assert steps == 3 + 8 + 24  # three seconds, in three blocks
    assert one.longest == 10 + 8 + 150


def test_an_interruption_of_the_machine_does_not_count(monkeypatch):
    durations = [0.02] * 1000
    durations[25] = durations[57] = 60.0
    one, _ = taken(monkeypatch, durations, patience=180)
    assert one.pace == pytest.approx(0.02)


def test_players_that_do_not_learn_in_each_step_count_by_their_share(monkeypatch):
    one, steps = taken(monkeypatch, [0.01, 0.01, 0.04] * 100, patience=30)
    assert one.pace == pytest.approx(0.02, rel=0.1)
    assert steps < one.longest == 10 + 150


def test_slow_steps_are_few(monkeypatch):
    one, steps = taken(monkeypatch, [7.0, 5.0, 5.0, 5.2, 4.8, 5.0, 5.0], patience=3)
    assert steps == 3 + 3
    assert one.pace == pytest.approx(5.0)


@pytest.mark.parametrize("minutes", ["0", "-1", ".inf", ".nan", "true", "ten"])
def test_minutes_that_are_none_are_one_line_and_leave_nothing(train, tmp_path, minutes):
    code, _, err = train("model=srcnn", f"budget.max_time={minutes}")
    assert code == 2
    assert [
        line for line in err.splitlines() if "budget.max_time=" in line and "minutes of training are needed" in line
    ]
    assert not (tmp_path / "runs").exists()


def test_a_batch_that_cannot_be_judged_is_known_before_anything_is_measured(train):
    code, _, err = train("model=esrgan", "budget.batch=1", "budget.max_time=1")
    assert code == 2 and "cannot judge 1 patches" in err


def test_a_budget_of_steps_is_called_as_if_there_were_no_minutes():
    old, new, timed = (
        {"seed": 0, "budget": {"steps": 4, **more}} for more in ({}, {"max_time": None}, {"max_time": 5})
    )
    assert fingerprint(old) == fingerprint(new) != fingerprint(timed)
    assert recipe(old) == recipe(new) != recipe(timed)
    assert differences(old, new) == [] != differences(old, timed)


@pytest.mark.full
def test_two_processes_take_the_number_of_the_first(tmp_path):
    words = [*TIMED, "budget=smoke", "trainer=ddp_cpu", "budget.batch=4", "hydra.run.dir=run"]
    done = subprocess.run(
        [sys.executable, str(TRAIN), *words], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"}, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("steps, of ") == 1
    assert json.loads((tmp_path / "run" / "training.json").read_text())["steps"] == facts(tmp_path / "run")["steps"]
