"""Trainings that are killed, signalled, starved, damaged or go astray: nothing is lost, and it is said in one line."""

import json
import os
import re
import resource
import shutil
import signal
import stat
import struct
import time
import zipfile
from contextlib import ExitStack
from functools import cache, partial

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from tests.faults import Training, at_call, at_step, counted, finds, gives_back, kill, limit, send, typed, waits_for

FOLDER = ["dataset=folder", "metrics.names=[psnr]", "metrics.validation=[psnr]"]
TWELVE = ["budget=smoke", "budget.steps=12", "budget.val_every=5", "logger=none", "save_every=0"]
SRGAN = ["model=srgan"]  # ten steps of pixels, two of a game; batch norm
POOLED = ["experiment=realesrgan_paper", "perceptual=none"]  # an average, a pool of pairs, spectral norm
BUFFERED = ["model=cyclegan"]  # two generators, two buffers
MODELS = [pytest.param(SRGAN, id="srgan"), pytest.param(POOLED, id="pool"), pytest.param(BUFFERED, id="buffer")]


def more(*cases):
    """What make test-all tries too."""
    return [pytest.param(*(one if isinstance(one, tuple) else [one]), marks=pytest.mark.full) for one in cases]


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    """Six small pictures: what is judged takes no time."""
    folder, rng = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    for number in range(6):
        small = Image.fromarray(rng.integers(0, 256, (6, 8, 3), np.uint8))
        small.resize((72, 64), Image.Resampling.BICUBIC).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def begin(images, tmp_path):
    """Start a training in a process of its own."""

    def start(*words, deeds=(), environment=None, run="run", common=TWELVE):
        given = [*common, "trainer=cpu", *FOLDER, f"dataset.root={images}", f"hydra.run.dir={run}", *words]
        return Training(tmp_path, *given, deeds=deeds, environment=environment)

    return start


@pytest.fixture
def go(begin):
    """A training from its start to whatever end."""

    def run(*words, **given):
        with begin(*words, **given) as one:
            return one.wait()

    return run


@pytest.fixture(scope="session")
def undisturbed(images, tmp_path_factory):
    """The folder of an undisturbed run, made once for equal words; when it is saved and what it logs change nothing."""

    @cache
    def folder(*words):
        place = tmp_path_factory.mktemp("undisturbed")
        given = [*TWELVE, "trainer=cpu", *FOLDER, f"dataset.root={images}", "hydra.run.dir=run", *words]
        start = time.monotonic()
        with Training(place, *given, deeds=[partial(counted, place / "calls")]) as one:
            ended = one.wait()
        assert ended.code == 0, ended.err
        (place / "seconds").write_text(str(time.monotonic() - start))
        return place / "run"

    return folder


@pytest.fixture
def run(tmp_path):
    return tmp_path / "run"


def scores(folder):
    (path,) = (folder / "results").glob("*.json")
    return json.loads(path.read_text())["images"]


def facts(folder):
    """The last step, the best validation, how the game stood; not the seconds."""
    return {key: value for key, value in json.loads((folder / "training.json").read_text()).items() if key != "seconds"}


def assert_same(folder, whole):
    """Every weight that was left, the curve, the scores and the facts, to the last bit; and nothing half-done."""
    left = [sorted(path.relative_to(one) for path in one.rglob("*.safetensors")) for one in (folder, whole)]
    assert left[0] == left[1]
    for name in [*left[1], "validation.csv"]:
        assert (folder / name).read_bytes() == (whole / name).read_bytes(), name
    assert scores(folder) == scores(whole)
    assert facts(folder) == facts(whole)
    assert step_of(folder, "best.ckpt") == step_of(whole, "best.ckpt")
    assert not list(folder.rglob("*.tmp"))


def one_line(error, *words, begins="error: "):
    """The one line in which an end is told, behind those of progress and of warnings."""
    assert "Traceback" not in error, error
    told = [line for line in error.splitlines() if line.startswith(("error: ", "stopped "))]
    assert len(told) == 1 and told[0].startswith(begins), error
    assert error.splitlines()[-1] == told[0], error
    for word in words:
        assert word in told[0], told[0]
    return told[0]


def state(path):
    """A checkpoint, which is whole: every tensor of it is read."""
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
    return torch.load(path, map_location="cpu", weights_only=False)


def step_of(folder, name="last.ckpt"):
    return state(folder / "checkpoints" / name)["step"]


def tensors(thing):
    if isinstance(thing, torch.Tensor):
        yield thing
    elif isinstance(thing, dict):
        for one in thing.values():
            yield from tensors(one)
    elif isinstance(thing, list | tuple):
        for one in thing:
            yield from tensors(one)


# Killed ---------------------------------------------------------------------------------------------------------------


def test_a_run_killed_between_the_two_renames_of_a_save_ends_with_the_same_bits(go, run, undisturbed):
    ended = go(*POOLED, deeds=[partial(at_call, 8, kill, after=True, of="previous.ckpt")])
    assert ended.code == -signal.SIGKILL
    assert sorted(path.name for path in (run / "checkpoints").glob("*.ckpt")) == [
        "best.ckpt",
        "new.ckpt",
        "previous.ckpt",
    ]
    newest = step_of(run, "new.ckpt")
    assert newest == step_of(run, "previous.ckpt") + 1
    ended = go(*POOLED)
    assert ended.code == 0 and f"goes on from step {newest} of 12" in ended.err, ended.err
    assert_same(run, undisturbed(*POOLED))


@pytest.mark.full
def test_a_run_that_the_system_killed_in_mid_write_ends_with_the_same_bits(go, run, undisturbed):
    short = partial(limit, resource.RLIMIT_FSIZE, 100_000, deadly=True)
    ended = go(*SRGAN, deeds=[partial(at_step, 6, short)])
    assert ended.code == -signal.SIGXFSZ, ended.err
    assert [path.stat().st_size for path in run.rglob("*.tmp")] == [100_000]
    assert step_of(run) == 5 and step_of(run, "previous.ckpt") == 4
    assert go(*SRGAN).code == 0
    assert_same(run, undisturbed(*SRGAN))


def test_a_run_killed_between_validations_has_the_rows_of_an_undisturbed_one(go, run, undisturbed):
    words = [*SRGAN, "save_every=10"]  # minutes: nothing is saved but what is validated
    assert go(*words, deeds=[partial(at_step, 12, kill)]).code == -signal.SIGKILL
    assert step_of(run) == 10
    ended = go(*words)
    assert ended.code == 0 and "goes on from step 10 of 12" in ended.err
    rows = (run / "validation.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["step", "5", "10", "12"]
    assert_same(run, undisturbed(*SRGAN))


@pytest.mark.parametrize("words", [SRGAN, *more([*POOLED, "trainer.precision=bf16-mixed"])])
def test_a_run_killed_in_mid_step_goes_on_from_the_step_before(go, run, undisturbed, words):
    assert go(*words, deeds=[partial(at_step, 8, kill)]).code == -signal.SIGKILL
    assert (step_of(run), step_of(run, "previous.ckpt")) == (7, 6)
    ended = go(*words)
    assert "goes on from step 7 of 12" in ended.err
    assert_same(run, undisturbed(*words))


def test_a_run_whose_worker_processes_outlive_it_goes_on_at_once(begin, go, run, undisturbed):
    words = [*SRGAN, "workers=2"]
    with begin(*words, deeds=[partial(at_step, 8, kill)]) as killed:  # its workers notice it after seconds
        assert killed.wait().code == -signal.SIGKILL
        ended = go(*words)
    assert ended.code == 0, ended.err
    assert_same(run, undisturbed(*SRGAN))


@pytest.mark.full
def test_how_a_game_stood_before_a_kill_still_counts(go, run, undisturbed):
    words = [*SRGAN, "model.stages.0.fraction=0", "model.stages.1.fraction=1", "budget.steps=25", "budget.val_every=25"]
    assert go(*words, deeds=[partial(at_step, 15, kill)]).code == -signal.SIGKILL  # looked at in steps 10, 20 and 25
    assert go(*words).code == 0
    assert "the discriminator is right on" in facts(run)["health"]
    assert_same(run, undisturbed(*words))


@pytest.mark.full
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("what", MODELS)
def test_ten_kills_at_random_moments_change_no_bit(begin, run, undisturbed, what, workers):
    words = [*what, f"workers={workers}", "budget.steps=30"]
    whole = undisturbed(*words)
    calls, seconds = int((whole.parent / "calls").read_text()), float((whole.parent / "seconds").read_text())
    rng, kills, in_save = np.random.default_rng(workers + 2 * len(str(what))), 0, 0
    with ExitStack() as stack:  # worker processes of what was killed may live while the next one runs
        while kills < 10:
            saves = kills % 2 == 0
            moment = partial(at_call, int(rng.integers(1, calls // 4)), kill, after=rng.random() < 0.5)
            one = stack.enter_context(begin(*words, deeds=[moment] if saves else []))
            if not saves:
                one.wait(rng.uniform(0, seconds / 2))
                one.send(signal.SIGKILL)
            ended = one.wait()
            assert ended.code in (0, -signal.SIGKILL), ended.err
            if ended.code == 0:  # it was quicker: once more from the start
                assert_same(run, whole)
                shutil.rmtree(run)
            else:
                kills, in_save = kills + 1, in_save + saves
        ended = stack.enter_context(begin(*words)).wait()
    assert ended.code == 0, ended.err
    assert in_save >= 3
    assert_same(run, whole)


# Damaged checkpoints --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def broken_off(images, tmp_path_factory):
    """A run that was killed in its ninth step."""
    place = tmp_path_factory.mktemp("broken")
    words = [*TWELVE, "trainer=cpu", *FOLDER, f"dataset.root={images}", "hydra.run.dir=run", *SRGAN]
    with Training(place, *words, deeds=[partial(at_step, 9, kill)]) as one:
        assert one.wait().code == -signal.SIGKILL
    return place / "run"


def flipped(path):
    """One bit in the middle of the largest tensor of a checkpoint."""
    with zipfile.ZipFile(path) as archive:
        largest = max(archive.infolist(), key=lambda one: one.file_size)
    content = bytearray(path.read_bytes())
    name, extra = struct.unpack_from("<HH", content, largest.header_offset + 26)
    content[largest.header_offset + 30 + name + extra + largest.file_size // 2] ^= 1
    path.write_bytes(content)


def cut(path, share):
    os.truncate(path, int(path.stat().st_size * share))


DAMAGES = {
    "cut": partial(cut, share=0.5),
    "short of a byte": lambda path: os.truncate(path, path.stat().st_size - 1),
    "flipped": flipped,
    "empty": partial(cut, share=0),
    "garbage": lambda path: path.write_bytes(np.random.default_rng(0).bytes(100_000)),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),  # as after a loss of power
}


@pytest.mark.parametrize("damage", ["flipped", "cut", "empty", *more("zeros", "garbage", "short of a byte")])
def test_a_damaged_checkpoint_is_set_aside_and_the_one_before_is_used(go, run, broken_off, undisturbed, damage):
    shutil.copytree(broken_off, run)
    last = run / "checkpoints" / "last.ckpt"
    DAMAGES[damage](last)
    content = last.read_bytes()
    ended = go(*SRGAN)
    assert ended.code == 0, ended.err
    warnings = [line for line in ended.err.splitlines() if line.startswith("warning: ")]
    assert "run/checkpoints/last.ckpt is damaged" in warnings[0] and "last.ckpt.damaged" in warnings[0]
    assert "goes on from previous.ckpt" in warnings[-1]
    assert "goes on from step 7 of 12" in ended.err
    assert (run / "checkpoints" / "last.ckpt.damaged").read_bytes() == content
    assert_same(run, undisturbed(*SRGAN))


def test_the_best_checkpoint_is_used_where_no_other_is_whole(go, run, broken_off, undisturbed):
    shutil.copytree(broken_off, run)
    flipped(run / "checkpoints" / "last.ckpt")
    DAMAGES["garbage"](run / "checkpoints" / "previous.ckpt")
    ended = go(*SRGAN)
    assert ended.code == 0, ended.err
    assert "previous.ckpt" in ended.err and "best.ckpt" in ended.err and "goes on from step 5 of 12" in ended.err
    assert_same(run, undisturbed(*SRGAN))


def test_where_every_checkpoint_is_damaged_nothing_is_trained_and_nothing_lost(go, run, broken_off):
    shutil.copytree(broken_off, run)
    for path in (run / "checkpoints").glob("*.ckpt"):
        flipped(path)
    before = sorted(path.read_bytes() for path in (run / "checkpoints").glob("*.ckpt*"))
    for _ in range(2):  # the same command again says the same
        ended = go(*SRGAN)
        assert ended.code == 1, ended.err
        one_line(ended.err, "run/checkpoints", "whole")
        assert sorted(path.read_bytes() for path in (run / "checkpoints").glob("*.ckpt*")) == before
        assert not (run / "generator.safetensors").exists()


def test_a_damaged_older_checkpoint_disturbs_nobody(go, run, broken_off, undisturbed):
    shutil.copytree(broken_off, run)
    flipped(run / "checkpoints" / "previous.ckpt")
    ended = go(*SRGAN)
    assert ended.code == 0 and "goes on from step 8 of 12" in ended.err and "warning" not in ended.err, ended.err
    assert_same(run, undisturbed(*SRGAN))


# Signals --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize("step", [7, *more(5)])  # 5: a validation stands behind it
def test_a_signal_ends_the_step_saves_and_says_so(go, run, undisturbed, number, code, step):
    words = [*SRGAN, "save_every=10"]
    ended = go(*words, deeds=[partial(at_step, step, partial(send, number))])
    assert ended.code == code, ended.err
    one_line(ended.err, "the same command goes on", number.name, begins="stopped ")
    assert step_of(run) == step
    assert not (run / "generator.safetensors").exists() and not list(run.rglob("*.tmp"))
    ended = go(*words)
    assert ended.code == 0 and f"goes on from step {step} of 12" in ended.err
    assert_same(run, undisturbed(*SRGAN))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), *more((signal.SIGTERM, 143))])
def test_a_signal_in_the_last_step_ends_a_run_too(go, run, undisturbed, number, code):
    ended = go(*SRGAN, deeds=[partial(at_step, 12, partial(send, number))])
    assert ended.code == code, ended.err
    assert "Traceback" not in ended.err and len(re.findall("^(error|stopped)", ended.err, re.M)) == 1
    assert step_of(run) == 12 and not list(run.glob("results/*.json"))
    assert go(*SRGAN).code == 0
    assert_same(run, undisturbed(*SRGAN))


def test_a_signal_where_the_best_was_to_be_judged_does_not_lose_it(go, run, undisturbed):
    words = ["model=msrresnet", "budget.batch=16", "save_every=10"]
    assert facts(undisturbed(*words))["best"]["step"] == 5
    assert go(*words, deeds=[partial(at_step, 5, partial(send, signal.SIGTERM))]).code == 143
    assert step_of(run) == 5
    assert go(*words).code == 0
    assert_same(run, undisturbed(*words))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_that_worker_processes_get_too_is_one_line(begin, go, run, undisturbed, number, code):
    words = [*SRGAN, "workers=2"]
    with begin(*words) as one:
        one.until((run / "checkpoints" / "last.ckpt").exists)
        one.send(number, to_all=True)
        ended = one.wait()
    assert ended.code == code, ended.err
    one_line(ended.err, number.name, begins="stopped ")
    assert go(*words).code == 0
    assert_same(run, undisturbed(*SRGAN))


def test_a_second_interruption_ends_at_once(go, run, undisturbed):
    ended = go(*SRGAN, deeds=[partial(at_step, 7, partial(send, signal.SIGINT, times=2))])
    assert ended.code == 130, ended.err
    one_line(ended.err)
    assert step_of(run) == 6
    assert go(*SRGAN).code == 0
    assert_same(run, undisturbed(*SRGAN))


@pytest.mark.full
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_at_any_moment_is_one_line_and_changes_no_bit(begin, run, undisturbed, number):
    words = [*SRGAN, "budget.steps=30"]
    whole, rng, code = undisturbed(*words), np.random.default_rng(int(number)), 128 + number
    calls, seconds = int((whole.parent / "calls").read_text()), float((whole.parent / "seconds").read_text())
    codes = list[int]()
    while len(codes) < 12 or codes[-1] != 0:
        in_save = partial(at_call, int(rng.integers(1, calls // 4)), partial(send, number))
        with begin(*words, deeds=[in_save] if len(codes) % 2 == 0 and len(codes) < 12 else []) as one:
            if len(codes) % 2 and len(codes) < 12:
                one.wait(rng.uniform(0, 1.2 * seconds))
                one.send(number)
            ended = one.wait()
        codes.append(ended.code)
        if ended.code == 0:
            assert_same(run, whole)
            shutil.rmtree(run)
        else:
            assert ended.code in (code, -number), ended.err  # -number: where nobody listens yet, or any more
            assert "Traceback" not in ended.err
    assert codes.count(code) >= 3, codes


# Of a process that srun started, for which Lightning has a handler of its own.
SLURM = {"SLURM_JOB_ID": "77", "SLURM_NTASKS": "1", "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0",
         "SLURM_JOB_NAME": "train", "SLURM_NODELIST": "localhost"}  # fmt: skip


@pytest.fixture
def scontrol(tmp_path):
    """A scontrol that writes down what it is asked for, and the environment in which it is found first."""

    def install(code=0):
        program, asked = tmp_path / "bin" / "scontrol", tmp_path / "asked"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\necho "$@" >> {asked}\necho "no such job" >&2\nexit {code}\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return asked, {"PATH": f"{program.parent}:{os.environ['PATH']}"}

    return install


@pytest.mark.parametrize(
    ("environment", "job"),
    [
        ({"SLURM_JOB_ID": "77"}, "77"),
        ({**SLURM, "SLURM_ARRAY_JOB_ID": "70", "SLURM_ARRAY_TASK_ID": "3"}, "70_3"),
        *more((SLURM, "77")),
    ],
)
def test_slurms_requeue_signal_saves_and_asks_for_the_job_again(go, run, scontrol, undisturbed, environment, job):
    asked, found = scontrol()
    words = [*SRGAN, "save_every=10"]
    deeds = [partial(at_step, 7, partial(send, signal.SIGUSR1))]
    ended = go(*words, deeds=deeds, environment={**environment, **found})
    assert ended.code == 0, ended.err
    assert "Traceback" not in ended.err and "error" not in ended.err
    assert asked.read_text() == f"requeue {job}\n"
    assert step_of(run) == 7 and not (run / "generator.safetensors").exists()
    ended = go(*words, environment={**environment, **found})
    assert ended.code == 0 and "goes on from step 7 of 12" in ended.err, ended.err
    assert_same(run, undisturbed(*SRGAN))


@pytest.mark.parametrize("found", [True, *more(False)])
def test_a_job_that_cannot_be_requeued_says_so(go, run, scontrol, undisturbed, found, tmp_path):
    _, environment = scontrol(code=1)
    if not found:
        (tmp_path / "bin" / "scontrol").unlink()
        environment = {"PATH": str(tmp_path / "bin")}
    deeds = [partial(at_step, 7, partial(send, signal.SIGUSR1))]
    ended = go(*SRGAN, deeds=deeds, environment={"SLURM_JOB_ID": "77", **environment})
    assert ended.code == 128 + signal.SIGUSR1, ended.err
    one_line(ended.err, "not requeued", "scontrol", begins="stopped ")
    assert step_of(run) == 7
    assert go(*SRGAN).code == 0
    assert_same(run, undisturbed(*SRGAN))


# No room --------------------------------------------------------------------------------------------------------------


def test_a_disk_too_small_for_any_checkpoint_is_one_line_and_leaves_nothing(go, run, undisturbed):
    ended = go(*SRGAN, deeds=[partial(limit, resource.RLIMIT_FSIZE, 100_000)])
    assert ended.code == 1, ended.err
    one_line(ended.err, ".ckpt", "File too large")
    assert not list(run.rglob("*.ckpt")) and not list(run.rglob("*.tmp"))
    assert go(*SRGAN).code == 0
    assert_same(run, undisturbed(*SRGAN))


def test_a_disk_too_small_for_a_later_checkpoint_keeps_the_earlier_ones(go, run, broken_off, undisturbed):
    room = (broken_off / "checkpoints" / "last.ckpt").stat().st_size + 20_000  # the optimizer of a game comes on top
    ended = go(*SRGAN, deeds=[partial(limit, resource.RLIMIT_FSIZE, room)])
    assert ended.code == 1, ended.err
    one_line(ended.err, "run/checkpoints", "File too large")
    assert (step_of(run), step_of(run, "previous.ckpt")) == (10, 9)
    assert not list(run.rglob("*.tmp"))
    ended = go(*SRGAN)
    assert "goes on from step 10 of 12" in ended.err
    assert_same(run, undisturbed(*SRGAN))


@pytest.mark.parametrize(("step", "size"), [(3, 20_000), (7, 1), *more((5, 8_000), (10, 1), (12, 1))])
def test_a_disk_that_fills_in_mid_training_is_one_line_whatever_was_to_be_written(go, run, undisturbed, step, size):
    words = [*SRGAN, "save_every=10", "logger=csv"]
    ended = go(*words, deeds=[partial(at_step, step, partial(limit, resource.RLIMIT_FSIZE, size))])
    assert ended.code == 1, ended.err
    one_line(ended.err, "run", "File too large")
    assert not list(run.rglob("*.tmp"))
    checkpoints = run / "checkpoints"
    assert [step_of(run)] == [(step - 1) // 5 * 5] if step > 5 else not list(checkpoints.glob("*.ckpt"))
    ended = go(*words)
    assert ended.code == 0, ended.err
    assert_same(run, undisturbed(*SRGAN))


@pytest.mark.parametrize("name", ["validation.csv", "panels", "log", *more("checkpoints", "training.json", "results")])
def test_a_place_that_cannot_be_written_is_one_line(go, run, undisturbed, name):
    words = [*SRGAN, "logger=csv"]
    run.mkdir()
    if "." in name:
        (run / name).mkdir()
    else:
        (run / name).write_text("a file")
    ended = go(*words)
    assert ended.code in (1, 2), ended.err
    one_line(ended.err, f"run/{name}")
    assert not list(run.rglob("*.tmp"))
    (run / name).rmdir() if "." in name else (run / name).unlink()
    ended = go(*words)
    assert ended.code == 0, ended.err
    assert_same(run, undisturbed(*SRGAN))


# Two commands ---------------------------------------------------------------------------------------------------------


def test_a_second_command_is_told_and_the_first_is_not_disturbed(begin, go, run, undisturbed, tmp_path):
    with begin(*SRGAN, deeds=[partial(at_step, 8, partial(waits_for, tmp_path / "told"))]) as first:
        first.until((tmp_path / "told.waits").exists)
        second = go(*SRGAN)
        assert second.code == 2
        one_line(second.err, "another process works on this run")
        (tmp_path / "told").touch()
        assert first.wait().code == 0
    assert_same(run, undisturbed(*SRGAN))


def test_of_two_commands_begun_together_one_trains(begin, run, undisturbed):
    with begin(*SRGAN) as first, begin(*SRGAN) as second:
        ended = [first.wait(), second.wait()]
    assert sorted(one.code for one in ended) == [0, 2], ended
    (refused,) = [one for one in ended if one.code]
    one_line(refused.err, "another process works on this run")
    assert_same(run, undisturbed(*SRGAN))


# Not a number ---------------------------------------------------------------------------------------------------------

FAULTY = '''
import torch
from torch import nn
from gan_bench.losses import Vanilla
from gan_bench.networks import SRCNN


class Counting:
    """Says from which call on something is to go wrong."""

    at, calls = 0, 0

    def bad(self):
        self.calls += 1
        return self.calls >= self.at


class Loss(Counting, nn.L1Loss):
    def __init__(self, at, factor=float("nan")):
        super().__init__()
        self.at, self.factor = at, factor

    def forward(self, preds, target):
        return super().forward(preds, target) * (self.factor if self.bad() else 1)


class Gradient(Counting, nn.L1Loss):
    """Finite itself; its gradient is that of a root at 0, times 0."""

    def __init__(self, at):
        super().__init__()
        self.at = at

    def forward(self, preds, target):
        loss = super().forward(preds, target)
        return loss + (preds * 0).abs().sum().sqrt() if self.bad() else loss


class Layer(Counting, nn.ReLU):
    def forward(self, x):
        return super().forward(x) / (0 if self.bad() else 1)


class Network(SRCNN):
    def __init__(self, at, **given):
        super().__init__(**given)
        self.conv2 = nn.Sequential(self.conv2, Layer())
        self.conv2[1].at = at


class Adversary(Counting, Vanilla):
    def __init__(self, at):
        super().__init__()
        self.at = at

    def discriminator(self, real, fake):
        return super().discriminator(real, fake) * (float("nan") if self.bad() else 1)
'''


@pytest.fixture
def faulty(tmp_path):
    """A package of the user's, and what lets a training import it."""
    (tmp_path / "faulty.py").write_text(FAULTY)
    return partial(finds, tmp_path)


def assert_finite(folder, before):
    """Every checkpoint is whole, finite, and from before a step."""
    paths = list((folder / "checkpoints").glob("*.ckpt"))
    assert (folder / "checkpoints" / "last.ckpt") in paths
    for path in paths:
        content = state(path)
        assert content["step"] < before
        for tensor in tensors(content):
            assert tensor.isfinite().all(), path.name


PIXEL = ["model=srcnn", "allow=[faulty]"]
BAD = {
    "loss": ([*PIXEL, "model.pixel._target_=faulty.Loss", "+model.pixel.at=8"], 8, ["generator", "pixel"]),
    "huge": ([*PIXEL, "model.pixel._target_=faulty.Loss", "+model.pixel.at=8", "+model.pixel.factor=1e9"], 8,
             ["generator", "pixel"]),
    "gradient": ([*PIXEL, "model.pixel._target_=faulty.Gradient", "+model.pixel.at=8"], 8,
                 ["generator", "gradient", "conv3"]),
    "adversary": (["model=srgan", "allow=[faulty]", "model.stages.0.fraction=0", "model.stages.1.fraction=1",
                   "model.adversarial._target_=faulty.Adversary", "+model.adversarial.at=8"], 8, ["discriminator"]),
}  # fmt: skip


@pytest.mark.parametrize("save_every", [10, *more(0)])
@pytest.mark.parametrize("what", BAD)
def test_what_is_no_number_stops_the_run_and_is_named(go, run, faulty, what, save_every):
    words, step, named = BAD[what]
    ended = go(*words, f"save_every={save_every}", deeds=[faulty])
    assert ended.code == 1, ended.err
    one_line(ended.err, f"step {step}", *named)
    assert step_of(run) == (7 if save_every == 0 else 5)
    assert_finite(run, before=step)
    assert not (run / "generator.safetensors").exists()


def test_the_layer_that_makes_it_is_named(go, run, faulty):
    words = [*PIXEL, "model.generator._target_=faulty.Network", "+model.generator.at=8", "budget.val_every=12"]
    ended = go(*words, deeds=[faulty])
    assert ended.code == 1, ended.err
    one_line(ended.err, "step 8", "pixel", "layer generator.conv2.1")
    assert step_of(run) == 7
    assert_finite(run, before=8)


def test_a_learning_rate_that_is_far_too_high_stops_the_run(go, run):
    ended = go("model=srcnn", "model.stages.0.lr=1e30")
    assert ended.code == 1, ended.err
    line = one_line(ended.err, "lr", "generator", "pixel")
    step = int(re.search(r"step (\d+)", line)[1])
    assert step <= 3
    assert_finite(run, before=step)


# Memory ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("step", "room"), [(11, 4_000_000), *more((1, 6_000_000))])  # the game, the first step
def test_a_training_that_finds_no_memory_says_what_to_lower(go, run, undisturbed, step, room):
    words = [*SRGAN, "budget.num_feat=32", "budget.batch=32", "save_every=10"]
    starve = partial(limit, resource.RLIMIT_AS, room, more=True)
    ended = go(*words, deeds=[gives_back, partial(at_step, step, starve, before=True)])
    assert ended.code == 1, ended.err
    one_line(ended.err, "memory", "budget.batch", "budget.patch", "accumulate=2", "trainer.precision")
    assert not list(run.rglob("*.tmp"))
    assert step_of(run) == 10 if step > 10 else not list(run.rglob("*.ckpt"))
    assert go(*words).code == 0
    assert_same(run, undisturbed(*words))


# Parts of a batch -----------------------------------------------------------------------------------------------------

PATCHES = ["model.discriminator._target_=gan_bench.networks.PatchDiscriminator", "~model.discriminator.input_size",
           "+model.discriminator.num_block=1"]  # fmt: skip
HALVES = ["model.stages.0.fraction=0.5", "model.stages.1.fraction=0.5"]
SGD = ["model.optimizer._target_=torch.optim.SGD", "~model.optimizer.betas"]
WITHOUT_BATCH_NORM = {
    "regression": ["model=msrresnet", "budget.batch=4"],
    "gan": ["model=srgan_msr", "budget.batch=4", *PATCHES, *HALVES],
}  # fmt: skip


@pytest.mark.parametrize(
    ("what", "optimizer"), [("regression", []), *more(("gan", SGD), ("regression", SGD), ("gan", []))]
)
def test_a_batch_in_two_parts_teaches_what_the_whole_batch_does(undisturbed, what, optimizer):
    words = [*WITHOUT_BATCH_NORM[what], *optimizer]
    whole, parts = (undisturbed(*words, f"accumulate={count}") for count in (1, 2))
    ours, theirs = (load_file(one / "generator.safetensors") for one in (parts, whole))
    for name, tensor in theirs.items():
        torch.testing.assert_close(ours[name], tensor, rtol=0, atol=1e-6 if optimizer else 1e-5, msg=name)
    other = load_file(undisturbed(*words, "accumulate=1", "seed=1") / "generator.safetensors")
    assert any((other[name] - tensor).abs().max() > 1e-3 for name, tensor in theirs.items())


@pytest.mark.parametrize("what", [BUFFERED, *more(POOLED)])
def test_a_run_in_parts_of_a_batch_goes_on_to_the_same_bits(go, run, undisturbed, what):
    words = [*what, "accumulate=2"]
    assert go(*words, deeds=[partial(at_step, 8, kill)]).code == -signal.SIGKILL
    ended = go(*words)
    assert ended.code == 0 and "goes on from step 7 of 12" in ended.err, ended.err
    assert_same(run, undisturbed(*words))


# Another batch, other processes ---------------------------------------------------------------------------------------


def test_another_batch_is_said_and_goes_on(go, run, broken_off, undisturbed):
    shutil.copytree(broken_off, run)
    ended = go(*SRGAN, "budget.batch=4")
    assert ended.code == 0, ended.err
    (warning,) = [line for line in ended.err.splitlines() if line.startswith("warning: ")]
    assert "2" in warning and "4" in warning and "no longer" in warning
    assert "goes on from step 8 of 12" in ended.err
    assert (run / "generator.safetensors").read_bytes() != (undisturbed(*SRGAN) / "generator.safetensors").read_bytes()


LONG = ["budget=smoke", "budget.steps=60", "budget.val_every=20", "budget.batch=4", "save_every=0", "logger=none"]


@pytest.fixture
def command(images, tmp_path):
    """What a user types, in a process that starts its own."""

    def start(*words):
        return typed(tmp_path, *LONG, *FOLDER, f"dataset.root={images}", *words)

    return start


@pytest.mark.full
@pytest.mark.parametrize("what", [SRGAN, POOLED], ids=["srgan", "pool"])
def test_more_processes_than_before_are_said_and_it_goes_on(command, run, what):
    words = [*what, "hydra.run.dir=run"]
    one = command(*words, "trainer=cpu")
    while one.poll() is None and not (run / "checkpoints" / "last.ckpt").exists():
        time.sleep(0.01)
    one.kill()
    one.communicate()
    assert not (run / "generator.safetensors").exists()
    two = command(*words, "trainer=ddp_cpu")
    _, error = two.communicate(timeout=300)
    assert two.returncode == 0, error
    (warning,) = [line for line in error.splitlines() if "no longer" in line]
    assert "processes 1, now 2" in warning
    assert ("the pool of training pairs fills anew" in error) == (what is POOLED)
    assert error.count("goes on from step") == 1
    assert (run / "generator.safetensors").exists() and scores(run)


@pytest.fixture(scope="session")
def undisturbed_pair(images, tmp_path_factory):
    """The folder of an undisturbed run of two processes."""
    place = tmp_path_factory.mktemp("pair")
    words = [*LONG, *FOLDER, f"dataset.root={images}", *SRGAN, "trainer=ddp_cpu", "hydra.run.dir=run"]
    one = typed(place, *words)
    _, error = one.communicate(timeout=300)
    assert one.returncode == 0, error
    return place / "run"


def is_gone(group, seconds=20):
    """Whether nobody of a process group is left after a while."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    os.killpg(group, signal.SIGKILL)
    return False


@pytest.mark.full
@pytest.mark.parametrize(
    ("number", "code", "to_all"),
    [*((number, 128 + number, all_) for number in (signal.SIGTERM, signal.SIGINT) for all_ in (False, True)),
     (signal.SIGKILL, -signal.SIGKILL, True)],
)  # fmt: skip
def test_two_processes_stop_together_and_go_on_to_the_same_bits(command, run, undisturbed_pair, number, code, to_all):
    words = [*SRGAN, "trainer=ddp_cpu", "hydra.run.dir=run"]
    one = command(*words)
    while one.poll() is None and not (run / "checkpoints" / "last.ckpt").exists():
        time.sleep(0.01)
    (os.killpg if to_all else os.kill)(one.pid, number)
    _, error = one.communicate(timeout=100)
    assert one.returncode == code, error
    if number != signal.SIGKILL:
        one_line(error, number.name, begins="stopped ")
    assert is_gone(one.pid)
    assert not (run / "generator.safetensors").exists()
    one = command(*words)
    _, error = one.communicate(timeout=300)
    assert one.returncode == 0 and "goes on from step" in error, error
    assert_same(run, undisturbed_pair)
