"""gan-bench perf model=...: what it measures, that the numbers agree with each other, and what it refuses."""

import itertools
import json
import subprocess
import sys

import lightning as L
import pytest
import torch
from torch import nn

from gan_bench.cli import main
from gan_bench.perf import flops, inference, memory, rounds, training
from gan_bench.perf.breakdown import PARTS, Stopwatch
from gan_bench.perf.rounds import Rounds
from gan_bench.perf.setup import fit, prepared

SMOKE = ["budget=smoke", "trainer=cpu"]
FEATURES = ["perceptual=squeezenet", "perceptual.weights=random"]
STEP = ["--no-inference", "--no-memory", "--rounds", "2"]


@pytest.fixture
def perf(tmp_path, capsys):
    """Run the command; gives its document and what it printed."""

    def run(*words):
        path = tmp_path / "perf.json"
        assert main(["perf", *words, "--json", str(path)]) == 0
        return json.loads(path.read_text()), capsys.readouterr()

    return run


def test_a_step_is_measured_beside_both_loops_and_by_part(perf):
    document, told = perf("model=esrgan", *STEP, *SMOKE, *FEATURES)
    assert set(document["step"]) == set(document["step_with_data"]) == {"gan-bench", "plain loop", "bare twin"}
    assert document["step"]["gan-bench"]["times_as_long_as_ours"] == 1
    for row in document["step"].values():
        assert len(row["ms_of_each_round"]) == 2 and min(row["ms_of_each_round"]) > 0
        assert row["times_as_long_least_of_a_round"] <= row["times_as_long_as_ours"]
    for name, row in document["step_with_data"].items():
        assert row["ms"] > document["step"][name]["ms"]
    parts = document["breakdown_ms"]
    assert set(parts) == set(PARTS) and min(parts.values()) > 0
    assert document["bottleneck"] == max(parts, key=parts.get)
    assert document["alone"]["images_per_second"] == pytest.approx(1e3 * 2 / document["alone"]["ms"])
    assert 0 < document["alone"]["share_waiting_for_data"] < 1
    assert (document["batch"], document["gt"], document["lq"], document["stage"]) == (2, 32, 8, "gan")
    assert document["budget_steps_before"] == 4
    assert document["provenance"]["config"]["model"]["name"] == "esrgan"
    assert "plain loop" in told.out and "average of G" in told.out
    assert max(map(len, told.out.splitlines())) <= 80
    assert "Epoch" not in told.err + told.out


def test_ratios_are_of_steps_and_data_are_added_to_all_alike():
    course = Rounds(Stopwatch(), dict, 2, 0)
    nothing = dict.fromkeys(PARTS, 0.0)
    for data, slow in ((1.0, 14.0), (2.0, 21.0)):
        ours = nothing | {"data": data, "degradation": 2.0, "G forward": 4.0, "mechanics": 3.0}
        course.interleaved.append({"gan-bench": ours, "plain loop": slow, "bare twin": 5.0})
    course.alone, course.parts = nothing | {"data": 1.0, "backward": 3.0}, [nothing | {"backward": 1.0}]
    found = training._findings(course, batch=8)
    step, whole = found["step"], found["step_with_data"]
    assert step["gan-bench"]["ms_of_each_round"] == [7000, 7000] and whole["gan-bench"]["ms"] == 10500
    assert whole["plain loop"]["ms_of_each_round"] == [17000, 25000]
    assert step["plain loop"]["times_as_long_as_ours"] == 2.5
    assert step["plain loop"]["times_as_long_least_of_a_round"] == 2
    assert found["overhead"] == pytest.approx(0.4)
    assert found["alone"] == {"ms": 2000, "images_per_second": 4, "share_waiting_for_data": 0.25}
    assert found["bottleneck"] == "backward"


class Waits(L.Callback):
    """How often the device was waited for, at the beginning of each step."""

    def __init__(self):
        self.count, self.at = 0, []

    def wait(self):
        self.count += 1

    def on_train_batch_start(self, *_):
        self.at.append(self.count)


def test_undisturbed_steps_wait_for_nothing(monkeypatch):
    waits = Waits()
    monkeypatch.setattr(rounds, "waiting_for", lambda device: waits.wait)
    course = Rounds(Stopwatch(), lambda model: {}, 3, 0)
    with prepared(["model=srcnn", *SMOKE], Rounds.steps(3, 0, 0)) as made:
        fit(made, [waits, course], course.watch)
    between = [after - before for before, after in itertools.pairwise(waits.at)]
    assert len(waits.at) == 10
    assert min(between[:2]) > 0 and between[3:5] == [0, 0] and min(between[6:9]) > 0


def test_a_peak_is_the_best_of_several_products(monkeypatch):
    taken = iter([4.0, 2.0, *[3.0] * 8])
    monkeypatch.setattr(flops, "seconds", lambda work, wait: next(taken))
    monkeypatch.setattr(flops, "SIDE", {"cpu": 10})
    peak = flops.matmul_peak(torch.device("cpu"), torch.bfloat16)
    assert peak == {"flops_per_second": 2 * 10 * 10 * 10 / 2.0, "side": 10, "dtype": "bfloat16"}


def test_utilization_is_the_flops_of_a_step_over_what_a_matmul_reaches(perf):
    document, _ = perf("model=srcnn", *STEP, *SMOKE)
    found, alone = document["flops"], document["alone"]
    assert found["utilization"] == pytest.approx(
        found["of_a_step"] / (alone["ms"] / 1e3) / found["matmul_peak"]["flops_per_second"]
    )
    assert found["matmul_peak"]["dtype"] == "float32" and document["stage"] == "pixel"


def test_a_step_of_srcnn_has_the_operations_that_its_convolutions_have(perf):
    document, _ = perf("model=srcnn", *STEP, *SMOKE)
    with prepared(["model=srcnn", *SMOKE], 1) as training:
        convolutions = [one for one in training.model.generator.modules() if isinstance(one, nn.Conv2d)]
    pixels = 2 * 32 * 32  # a batch of 2 at gt's size
    forward = sum(2 * pixels * one.weight.numel() for one in convolutions)
    of_image = 2 * pixels * convolutions[0].weight.numel()  # the first layer's input takes no gradient
    enlargement = 2 * 3 * (2 * 32 * 8 * 8 + 2 * 32 * 32 * 8)  # rows, then columns, as products of matrices
    assert document["flops"]["of_a_step"] == 3 * forward - of_image + enlargement


@pytest.mark.full
def test_mixed_precision_and_layout_are_the_trainings_own(perf):
    document, _ = perf("model=realesrgan", *STEP, *SMOKE, *FEATURES, "trainer.precision=bf16-mixed")
    assert document["precision"] == "bf16-mixed"
    assert document["flops"]["matmul_peak"]["dtype"] == "bfloat16"
    assert set(document["channels_last"]) == {"generator", "discriminator", "averaged", "perceptual"}
    assert "overhead" in document


@pytest.mark.full
def test_a_recipe_without_a_plain_loop_is_measured_alone_and_that_is_said(perf):
    document, told = perf("model=cyclegan", *STEP, *SMOKE)
    assert set(document["step"]) == {"gan-bench"} and "overhead" not in document
    assert "there is no plain loop for CycleGAN" in told.err


def test_it_begins_at_the_adversarial_stage_with_the_data_of_its_steps():
    with prepared(["model=esrgan", *SMOKE, *FEATURES, "budget.steps=700"], 5) as training:
        assert training.model.step == 500 == training.model.stage.first and training.stretched is None
    with prepared(["model=esrgan", *SMOKE, *FEATURES], 5) as training:
        stage = training.model.stage
        assert stage.name == "gan" and stage.steps > 5 and training.stretched == 4


def test_what_workers_hold_ready_is_used_up_before_images_are_counted():
    assert Rounds.steps(5, 2, workers=8) - Rounds.steps(5, 2, workers=0) == 16


class Enlarged(nn.Module):
    """The nearest pixel."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, lq):
        return self.conv(lq).repeat_interleave(4, dim=-1).repeat_interleave(4, dim=-2)


def test_restoring_is_measured_on_the_frame_in_each_precision_and_layout(monkeypatch):
    monkeypatch.setattr(inference, "FRAMES", {"small": (64, 130)})
    frame = inference.inference(Enlarged(), 4, 3, torch.device("cpu"), 2)["small"]
    assert frame["lq"] == frame["measured_on"] == [33, 16]
    assert set(frame["ways"]) == {
        "gan-bench restore", "plain float32", "float32, channels_last", "bfloat16", "bfloat16, channels_last"
    }  # fmt: skip
    for row in frame["ways"].values():
        assert row["fps"] * row["ms"] == pytest.approx(1e3)
        assert row["ms_per_megapixel_lq"] == pytest.approx(16 * row["ms_per_megapixel_output"])
        assert row["ms_per_megapixel_lq"] * 33 * 16 / 1e6 == pytest.approx(row["ms"])
    assert frame["ways"]["plain float32"]["times_plain"] == 1


def test_a_frame_that_takes_too_long_is_extrapolated_from_a_tile(monkeypatch):
    monkeypatch.setattr(inference, "FRAMES", {"small": (400, 800)})
    monkeypatch.setattr(inference, "PATIENCE", 0)
    seconds = iter([1.0] + [0.5] * 100)
    monkeypatch.setattr(inference, "seconds", lambda work, wait: next(seconds))
    frame = inference.inference(Enlarged(), 4, 3, torch.device("cpu"), 1)["small"]
    assert frame["lq"] == [200, 100] and frame["measured_on"] == [96, 96]
    assert frame["ways"]["bfloat16"]["ms"] == pytest.approx(500 * 200 * 100 / 96**2)


def test_memory_is_held_against_the_plain_loops_and_a_copy_of_g(monkeypatch):
    found = {"gan-bench": {"peak": 1150, "copy_of_G": 100}, "plain loop": {"peak": 1000, "copy_of_G": 100}}
    monkeypatch.setattr(memory, "_in_a_child", lambda name, *_: found[name])
    document = memory.peaks([], None)
    assert document["ratio"] == 1.15 and document["bar"] == 1150 and document["within"] is True
    found["gan-bench"]["peak"] += 1
    assert memory.peaks([], None)["within"] is False


@pytest.mark.full
def test_memory_of_both_is_measured_in_processes_of_their_own():
    document = memory.peaks(["model=srgan", *SMOKE, *FEATURES], 1)
    assert set(document["bytes"]) == {"gan-bench", "plain loop"} and "failed" not in document
    assert 2e8 < min(document["bytes"].values()) <= max(document["bytes"].values()) < 8e9
    with prepared(["model=srgan", *SMOKE, *FEATURES], 1) as training:
        numbers = sum(one.numel() * one.element_size() for one in training.model.generator.state_dict().values())
    assert document["copy_of_G"] == numbers


@pytest.mark.full
def test_a_childs_memory_is_not_that_of_its_parent():
    ballast = b"x" * 1_200_000_000
    code = "import torch; from gan_bench.perf.memory import _peak; print(_peak(torch.device('cpu')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 2e8 < int(done.stdout) < len(ballast)


def test_a_child_that_fails_is_said_in_a_line(monkeypatch, capsys):
    assert memory.child(["plain loop", "1", "model=srgan", *SMOKE, "budget.patch=33"]) == 1
    assert "no multiple of the scale" in capsys.readouterr().err
    monkeypatch.setattr(memory.sys, "executable", "false")
    document = memory.peaks(["model=srgan"], 1)
    assert not document["bytes"] and document["failed"] == dict.fromkeys(("gan-bench", "plain loop"), "ended by 1")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "nothing to measure"),
        (["trainer=cpu"], "nothing to measure"),
        (["esrgan"], "esrgan: KEY=VALUE is needed"),
        (["model=esrgn"], "esrgn"),
        (["model=esrgan", "bugdet=smoke"], "bugdet"),
        (["model=esrgan", "perceptul.weights=random"], "perceptul"),
        (["model=esrgan", "budget=quick", "budget.batch=2"], "budget.batch does nothing for esrgan"),
        (["model=bicubic"], "it learns nothing"),
        (["model=esrgan", "trainer=ddp_cpu"], "one process"),
        (["experiment=ablate_degradation"], "a sweep"),
        (["model=esrgan,srgan", *SMOKE], "model=esrgan,srgan"),
        (["model=esrgan", *SMOKE, "budget.patch=30"], "budget.patch=30 is no multiple of the scale 4"),
        (["model=esrgan", *SMOKE, "--rounds", "0"], "--rounds 0"),
        (["model=esrgan", *SMOKE, "--threads", "0"], "--threads 0"),
        (["model=esrgan", "--patch", "64"], "budget.patch=64"),
        (["model=esrgan", "--set", "margin=3"], "degradation.margin=3"),
        (["model=esrgan", "--degradation", "jpeg"], "leave one of them out"),
    ],
)
def test_a_mistake_is_one_line(words, message, capsys):
    assert main(["perf", *words]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert err.startswith("error: ") and message in err and err.count("\n") == 1


def test_an_unknown_flag_is_refused(capsys):
    with pytest.raises(SystemExit) as left:
        main(["perf", "model=esrgan", "--quick=3"])
    assert left.value.code == 2 and "--quick" in capsys.readouterr().err
