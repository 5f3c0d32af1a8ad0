"""Training from Python, with errors as exceptions and the folder given back; sweeps whose jobs are other processes."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import pytest
from omegaconf import OmegaConf

import gan_bench
from gan_bench.callbacks import ProgressLine
from gan_bench.errors import UsageError
from gan_bench.sweep import _check_processes
from gan_bench.training import train
from tests import slurm

ROOT = Path(gan_bench.__file__).parents[2]


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GAN_BENCH_BUDGET", "smoke")


def test_train_gives_the_folder_and_prints_as_the_command_does(capsys):
    typed = list(sys.argv)
    folder = gan_bench.train("model=bicubic", "degradation.scale=2")
    assert folder == Path("runs/bicubic_photos_bicubic_x2_smoke_s0")
    assert f"complete: {folder}" in capsys.readouterr().out
    assert sys.argv == typed


def test_train_gives_the_folder_of_a_sweep(capsys):
    assert gan_bench.train("-m", "model=bicubic", "degradation.scale=2,4") == Path("runs")
    assert "×2" in capsys.readouterr().out


def results(pattern):
    return [json.loads(path.read_text()) for path in sorted(Path("runs").glob(f"{pattern}/results/*.json"))]


def contents():
    """Of all that is in the run folders, what it is and when it was written."""
    files = [path for path in Path("runs").glob("*_s*/**/*") if path.is_file() and path.name != ".lock"]
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def test_a_model_that_learns_nothing_is_judged_once_under_all_seeds(capsys):
    gan_bench.train("-m", "model=bicubic", "seed=2,0,1", "metrics=offline")
    assert sorted(path.name for path in Path("runs").glob("*_s*")) == ["bicubic_photos_bicubic_x4_smoke_s0"]
    assert len(results("*")) == 1
    assert OmegaConf.load("runs/bicubic_photos_bicubic_x4_smoke_s0/config.yaml").seed == 0
    before = contents()
    assert gan_bench.train("model=bicubic", "seed=5", "metrics=offline").name == "bicubic_photos_bicubic_x4_smoke_s0"
    assert contents() == before


@pytest.mark.full
def test_a_result_of_a_sweep_has_the_command_that_makes_its_run_again(capsys, monkeypatch):
    words = ["experiment=benchmark", "model=srcnn,bicubic", "degradation=jpeg", "seed=1", "metrics=offline"]
    values = ["suite.cells=[{degradation: gaussian_noise, sigma: 5}]", "budget.steps=2,3", "dataset.limit=6"]
    typed = list(sys.argv)
    gan_bench.train(*words, *values, "trainer=cpu", "budget=smoke")
    assert sys.argv == typed
    runs = {path.parents[1].name for path in Path("runs").glob("srcnn*/results/*.json")}
    commands = {one["provenance"]["command"] for one in results("srcnn*")}
    assert len(runs) == len(commands) == 2 and all(name.startswith("srcnn_photos_jpeg_x1_smoke_s1_") for name in runs)
    before = contents()
    for command in commands:
        python, script, *single = shlex.split(command)
        assert (python, script) == ("python", "train.py") and single[0] == "experiment=benchmark"
        assert not [word for word in single if "," in word and "cells" not in word]
        gan_bench.train(*single)
    assert contents() == before  # it is that run, which is complete
    monkeypatch.delenv("GAN_BENCH_BUDGET")
    monkeypatch.chdir(Path("runs"))
    for command in commands:
        gan_bench.train(*shlex.split(command)[2:])
    assert {path.parents[1].name for path in Path("runs").glob("srcnn*/results/*.json")} == runs


@pytest.mark.full
def test_the_second_call_of_a_sweep_trains_nothing(capsys, monkeypatch):
    words = ["experiment=benchmark", "model=bicubic,srcnn", "degradation=bicubic", "seed=0,1", "metrics=offline"]
    gan_bench.train(*words, "trainer=cpu")
    assert len(list(Path("runs").glob("*_s*"))) == 3
    before = contents()
    monkeypatch.setattr("gan_bench.run.train", None)
    monkeypatch.setattr("gan_bench.judge.answer", None)
    gan_bench.train(*words, "trainer=cpu")
    assert contents() == before


def test_an_untrained_model_waits_for_the_process_that_judges_it(capsys):
    """Two jobs of a parallel sweep come to one folder."""
    folder = Path("runs/bicubic_photos_bicubic_x4_smoke_s0")
    code = f"""
import sys, time
from pathlib import Path
from gan_bench.runfolder import claimed
with claimed(Path({str(folder)!r}), {{}}):
    (Path({str(folder)!r}) / "config.yaml").unlink()
    print("taken", flush=True)
    time.sleep(2)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "taken\n"
        gan_bench.train("model=bicubic", "metrics=offline", "seed=1")
        assert process.poll() is not None
    assert len(results("*")) == 1


@pytest.mark.full
def test_a_line_of_a_sweep_says_how_long_the_others_will_take(capsys, monkeypatch):
    told = []
    monkeypatch.setattr("gan_bench.run.train", lambda model, work: told.append(work.place) or train(model, work))
    gan_bench.train("-m", "model=bicubic,srcnn,vdsr,msrresnet", "metrics=offline", "trainer=cpu")
    lines = capsys.readouterr().err.splitlines()
    said = {number: [" left, sweep " in line for line in lines if f"[{number}/4]" in line] for number in (2, 3, 4)}
    assert (
        not any(said[2]) and said[3][0] and not any(said[4])
    )  # the first training knows of none, the last of no other
    assert [place.number for place in told] == [2, 3, 4]
    assert told[0].each is None and all(0.1 < place.each < 100 for place in told[1:])


def test_what_a_sweep_will_take_is_this_run_and_those_to_come():
    assert ProgressLine("x", None, None, 1, 2, 4, 120.0)._left(5.0) == "5 s left, sweep 4 min"
    assert ProgressLine("x", None, None, 1, 4, 4, 120.0)._left(5.0) == "5 s left"
    assert ProgressLine("x", None, None, 1, 2, 4)._left(5.0) == "5 s left"


def test_a_mistake_is_an_exception_and_the_next_call_works():
    with pytest.raises(UsageError, match="did you mean 'seed'"):
        gan_bench.train("+sed=1")
    assert gan_bench.train("model=bicubic").is_dir()


# Launchers: jobs in other processes -----------------------------------------------------------------------------------

SWEEP = [sys.executable, str(ROOT / "train.py"), "-m"]
SMALL = ["budget=smoke", "metrics=offline"]
CPU = ["trainer.accelerator=cpu", "trainer.precision=32-true", "trainer.sync_batchnorm=false"]
LONG = ["model=srcnn", "trainer=cpu", "budget.steps=100000", "budget.val_every=2", "save_every=0"]


def sweep(*words, **further):
    """Exit code, standard output and error of a sweep in a process of its own."""
    done = subprocess.run(
        [*SWEEP, *words, *SMALL], capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1", **further}
    )
    return done.returncode, done.stdout, done.stderr


def left():
    """What a sweep leaves beside its runs: nothing of its bookkeeping."""
    return sorted(path.name for path in Path("runs/.sweep").iterdir())


def seeds_judged():
    return sorted(json.loads(path.read_text())["what"]["seed"] for path in Path("runs").glob("*/results/*.json"))


@pytest.mark.full
def test_joblib_ends_with_the_board_and_the_failure_named():
    words = ["model=esrgan,srcnn,bicubic", "trainer=cpu", "degradation.scale=3", "budget.patch=36"]
    code, out, err = sweep(*words, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    assert code == 1
    assert "srcnn" in out and "bicubic" in out and "written: runs/leaderboard.md" in out
    said, last = err.splitlines()[:-1], err.splitlines()[-1]
    assert re.match(r"error: 1 of the sweep's runs failed, the first: model=esrgan .*cannot do scale 3", last)
    assert all(re.match(r"\[[123]/3\] ", line) for line in said), said
    assert [line for line in said if "error: model=esrgan" in line and line.startswith("[1/3] ")]
    assert [line for line in said if line.startswith("[2/3] srcnn: 4/4")]
    assert [line for line in said if line.startswith("[2/3] note: ")]
    assert left() == ["multirun.yaml"]
    [result] = [json.loads(path.read_text()) for path in Path("runs").glob("srcnn*/results/*.json")]
    common = "trainer=cpu degradation.scale=3 budget.patch=36 budget=smoke metrics=offline"
    assert result["provenance"]["command"] == f"python train.py model=srcnn {common}"


def test_a_launcher_that_is_not_there_is_one_line_with_the_way_out(capsys):
    from gan_bench import cli

    assert cli.train(["-m", "model=bicubic", "seed=0,1", "hydra/launcher=joblb"]) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1 and "joblib" in error and "pip install 'gan-bench[sweep]'" in error


def test_a_cluster_that_is_not_there_is_one_line(capsys):
    from gan_bench import cli

    assert cli.train(["-m", "model=bicubic", "seed=0,1", "hydra/launcher=submitit_slurm"]) == 1
    assert 'Could not detect "srun"' in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("launcher", "refused"), [("basic", True), ("joblib", True), ("submitit_local", True), ("submitit_slurm", False)]
)
@pytest.mark.parametrize("trainer", [{"strategy": "ddp"}, {"devices": 2}, {"devices": 1, "num_nodes": 2}])
def test_several_processes_for_a_run_are_for_slurm_alone(monkeypatch, launcher, refused, trainer):
    cfg = OmegaConf.create({"trainer": {"name": "x", "devices": 1, **trainer}})
    monkeypatch.setattr("gan_bench.sweep._launcher", lambda _: launcher)
    monkeypatch.setattr("gan_bench.sweep.HydraConfig.get", lambda: None)
    with pytest.raises(UsageError, match="one by one") if refused else nullcontext():
        _check_processes(cfg)


@pytest.mark.full
def test_jobs_of_submitit_are_read_of_where_they_are_not_heard():
    code, out, err = sweep(
        "model=esrgan,srcnn", "trainer=cpu", "degradation.scale=3", "budget.patch=36", "hydra/launcher=submitit_local"
    )
    assert code == 1 and "srcnn" in out
    told = err.splitlines()
    assert told[0] == "note: what the jobs of this sweep say is in runs/.sweep/.submitit"
    assert told[1].startswith("error: model=esrgan") and told[2].startswith("error: 1 of the sweep's runs failed")
    assert len(told) == 3
    assert "[2/2] srcnn: 4/4" in "".join(path.read_text() for path in Path("runs/.sweep").rglob("*.err"))
    assert left() == [".submitit", "multirun.yaml"]


@pytest.fixture
def parallel():
    """A long sweep by joblib, once two of its three runs are on their way: its process, and those of its jobs."""
    words = [*SWEEP, *LONG, *SMALL, "seed=0,1,2", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:  # fmt: skip
        until = time.monotonic() + 200
        while len(list(Path("runs").glob("srcnn*/checkpoints/last.ckpt"))) < 2:
            assert process.poll() is None and time.monotonic() < until
            time.sleep(0.05)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        yield process, [int(one) for one in children if b"LokyProcess" in Path(f"/proc/{one}/cmdline").read_bytes()]
        process.kill()


@pytest.mark.full
def test_a_job_that_is_killed_is_named(parallel):
    process, jobs = parallel
    os.kill(jobs[0], signal.SIGKILL)
    _, error = process.communicate(timeout=100)
    assert process.returncode == 1
    assert len(re.findall(r"^error: model=srcnn .*: ended without a word, as if killed$", error, re.M)) == 2
    assert re.match(
        r"error: 3 of the sweep's runs failed, the first: .* hydra/launcher=joblib: ", error.splitlines()[-1]
    )
    assert left() == ["multirun.yaml"]


@pytest.mark.full
def test_ctrl_c_has_every_job_saved_and_begins_none(parallel):
    process, jobs = parallel
    os.killpg(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=100)
    assert process.returncode == 130
    assert len(re.findall(r"^\[[123]/3\] stopped by SIGINT after step \d+ of 100000, saved", error, re.M)) == 2
    assert error.splitlines()[-1].startswith("interrupted, with 0 of the sweep's runs complete")
    assert len(list(Path("runs").glob("srcnn*"))) == 2
    assert not [one for one in jobs if Path(f"/proc/{one}/cmdline").exists()]


@pytest.mark.full
def test_a_sweep_on_a_cluster_has_runs_of_several_tasks(tmp_path):
    words = ["model=srgan", "seed=0,1", "trainer=slurm", *CPU, "trainer.devices=2"]
    path = f"{slurm.install(tmp_path / 'slurm')}:{os.environ['PATH']}"
    code, out, err = sweep(*words, "hydra/launcher=submitit_slurm", "hydra.launcher.tasks_per_node=2", PATH=path)
    assert code == 0, err
    assert err.splitlines() == ["note: what the jobs of this sweep say is in runs/.sweep/.submitit"]
    assert len(re.findall(r"^srgan \(mse\)", out, re.M)) == 1  # of two seeds
    assert seeds_judged() == [0, 1]


def task_of(path, number):
    """The process that works on a job of the array: it alone, of all with this PATH, is neither bash nor srun."""
    for one in Path("/proc").glob("[0-9]*"):
        try:
            given, words = ((one / name).read_bytes().split(b"\0") for name in ("environ", "cmdline"))
        except OSError:
            continue
        ours = f"PATH={path}".encode() in given and f"SLURM_ARRAY_TASK_ID={number}".encode() in given
        if ours and b"submitit.core._submit" in words and not any(word.endswith(b"slurm.py") for word in words):
            return int(one.name)
    raise AssertionError("it has ended")


@pytest.mark.full
def test_a_job_that_submitit_requeues_goes_on_and_is_waited_for(tmp_path):
    path = f"{slurm.install(tmp_path / 'slurm')}:{os.environ['PATH']}"
    words = ["model=srcnn", "seed=0,1", "trainer=cpu", "budget.steps=150", "budget.val_every=50", "save_every=0"]
    with subprocess.Popen(
        [*SWEEP, *words, *SMALL, "hydra/launcher=submitit_slurm"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PATH": path},
    ) as process:
        while not list(Path("runs").glob("srcnn*_s1*/checkpoints/last.ckpt")):
            assert process.poll() is None
            time.sleep(0.02)
        os.kill(task_of(path, 1), signal.SIGUSR2)
        out, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    assert len(re.findall("^srcnn ", out, re.M)) == 1  # of two seeds
    assert seeds_judged() == [0, 1]
    assert "goes on from step" in "".join(one.read_text() for one in Path("runs/.sweep").rglob("*_1_0_log.err"))
