"""Training as a user types it: run folders, resumption, one-line errors, sweeps."""

import hashlib
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

import gan_bench
from gan_bench.cli import main
from gan_bench.config import conf_dir, experiments_dir
from tests.references.realsr import needed_words

TRAIN = Path(gan_bench.__file__).parents[2] / "train.py"
MODELS = sorted(path.stem for path in (conf_dir() / "model").glob("*.yaml"))
DEGRADATIONS = sorted({path.stem for path in (conf_dir() / "degradation").glob("*.yaml")} - {"given"})
EXPERIMENTS = sorted(path.stem for path in experiments_dir().glob("*.yaml"))
NEED_DATA = {"ablate_domain"}  # tests/data/test_slices.py runs it, on data that are not bundled
NEED_DATA |= {"pix2pix_paper", "cyclegan_paper", "discogan_paper", "paired_or_unpaired"}  # test_image_to_image.py
SINGLE = {path.stem for path in experiments_dir().glob("*.yaml") if "MULTIRUN" not in path.read_text()}


def command(*words):
    return [sys.executable, str(TRAIN), "budget=smoke", "trainer=cpu", *words]


def environment():
    return {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


def result(folder):
    (path,) = (folder / "results").glob("*.json")
    return json.loads(path.read_text())


def one_line(error):
    lines = [line for line in error.splitlines() if line and not line.startswith(("warning:", "note:", "["))]
    assert len(lines) == 1, error
    assert lines[0].startswith("error: ")
    return lines[0]


def test_a_run_leaves_weights_curve_result_panels_and_config(train, tmp_path):
    code, out, _ = train("model=esrgan")
    folder = tmp_path / "runs" / "esrgan_photos_bicubic_x4_smoke_s0"
    assert code == 0
    assert "PSNR" in out and str(folder.relative_to(tmp_path)) in out
    for name in ("config.yaml", "generator.safetensors", "training.json", "validation.csv", "checkpoints/last.ckpt",
                 "checkpoints/best.ckpt", "checkpoints/pixel.safetensors", "panels/photos_chelsea.png",
                 "panels/validation_0000002.png"):  # fmt: skip
        assert (folder / name).is_file(), name
    document = result(folder)
    assert set(document["images"]) == {"astronaut", "chelsea", "coffee"}
    assert document["what"]["selection"] == "last"
    assert document["what"]["budget"]["steps"] == 4
    assert (folder / "validation.csv").read_text().splitlines()[0] == "step,psnr,ssim,sharpness,colour"


def test_a_complete_run_says_so_and_computes_nothing(train, tmp_path, monkeypatch):
    train("model=srcnn")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file() and path.name != ".lock"}
    monkeypatch.setattr("gan_bench.run.train", None)
    monkeypatch.setattr("gan_bench.judge.answer", None)
    code, out, _ = train("model=srcnn")
    assert code == 0
    assert "complete" in out
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_two_runs_of_one_command_are_equal_to_the_last_digit(train, tmp_path):
    for name in "ab":
        assert train("model=esrgan", f"hydra.run.dir={name}")[0] == 0
    a, b = (result(tmp_path / name) for name in "ab")
    assert a["images"] == b["images"]
    weights = [(tmp_path / name / "generator.safetensors").read_bytes() for name in "ab"]
    assert weights[0] == weights[1]


def test_another_seed_is_another_run(train, tmp_path):
    for seed in (0, 1):
        train("model=srcnn", f"seed={seed}")
    names = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert names == ["srcnn_photos_bicubic_x4_smoke_s0", "srcnn_photos_bicubic_x4_smoke_s1"]
    files = [(tmp_path / "runs" / name / "generator.safetensors").read_bytes() for name in names]
    assert files[0] != files[1]


@pytest.mark.parametrize("model", MODELS)
def test_every_model_smoke_trains_and_is_judged(train, model):
    code, out, err = train(f"model={model}", "metrics=quick", "degradation.scale=2")
    assert code == 0, err
    assert "PSNR" in out


KINDS = ("bicubic", "gaussian_noise", "gaussian_blur", "jpeg", "realesrgan")  # size, noise, blur, codec, blind


@pytest.mark.full
@pytest.mark.parametrize("model", MODELS)
def test_every_model_smoke_trains_under_one_degradation_of_each_kind(train, model):
    words = [f"model={model}", "degradation.scale=2", "metrics=quick", f"degradation={','.join(KINDS)}"]
    assert train("-m", *words)[0] == 0


@pytest.mark.parametrize("degradation", DEGRADATIONS)
def test_every_degradation_smoke_trains_with_one_model(train, degradation):
    given = needed_words(degradation, "degradation.")
    assert train("model=msrresnet", f"degradation={degradation}", *given)[0] == 0


@pytest.mark.full
@pytest.mark.parametrize(("model", "degradation"), list(product(MODELS, DEGRADATIONS)))
def test_every_model_trains_under_every_degradation(train, model, degradation):
    given = needed_words(degradation, "degradation.")
    assert train(f"model={model}", f"degradation={degradation}", *given)[0] == 0


SHORTER = {  # of the long sweeps a part; make test-all runs them whole
    "ablate_operators": ["degradation.without=null,[blur1,blur2],jpeg1"],
    "ablate_degradation": ["model=msrresnet", "degradation=gaussian_noise,jpeg"],
    "benchmark": ["model=msrresnet,srgan", "degradation=bicubic", "seed=0"],
}
WHOLE = {"benchmark": ["seed=0"]}  # every model under each degradation


@pytest.mark.full
@pytest.mark.parametrize("experiment", SHORTER)
def test_the_long_experiments_run_whole(train, experiment):
    assert train(f"experiment={experiment}", "metrics=quick", *WHOLE.get(experiment, []))[0] == 0


@pytest.mark.parametrize("experiment", sorted(SINGLE - NEED_DATA))
def test_every_published_recipe_runs(train, experiment, tmp_path):
    given = needed_words("realsr", "degradation.") if experiment == "realsr_like" else []
    code, out, err = train(f"experiment={experiment}", "metrics=quick", "perceptual=none", *given)
    assert code == 0, err
    assert "complete: " in out
    assert "the discriminator is right on" in err


@pytest.mark.parametrize(
    "experiment",
    [pytest.param(name, marks=() if name == "quickstart" else pytest.mark.full)
     for name in sorted(set(EXPERIMENTS) - NEED_DATA - SINGLE)],
)  # fmt: skip
def test_every_experiment_runs_and_ends_with_the_board(train, experiment, tmp_path):
    code, out, err = train(f"experiment={experiment}", "metrics=quick", *SHORTER.get(experiment, []))
    assert code == 0, err
    assert "msrresnet" in out
    assert "| msrresnet" in (tmp_path / "runs" / "leaderboard.md").read_text()
    assert (tmp_path / "runs" / "leaderboard.csv").is_file()
    (count,) = set(re.findall(r"\[\d+/(\d+)\]", err))
    assert f"[{count}/{count}]" in err and len(list((tmp_path / "runs").glob("*/config.yaml"))) == int(count)


def test_a_suite_adds_results_to_the_runs_own_and_its_name_stays(train, tmp_path):
    cells = (
        "suite.cells=[{degradation: gaussian_noise, sigma: 50}, {degradation: jpeg}, {degradation: jpeg, quality: 20}]"
    )
    for words in ([], [cells]):  # the second command trains nothing: it judges what is asked for in addition
        code, out, _ = train("model=srcnn", "degradation.scale=2", "metrics=quick", *words)
        assert code == 0
    folder = tmp_path / "runs" / "srcnn_photos_bicubic_x2_smoke_s0"
    documents = [json.loads(path.read_text())["what"] for path in (folder / "results").glob("*.json")]
    judged = {one["degradation"]["name"]: one["degradation"]["parameters"] for one in documents}
    assert set(judged) == {"bicubic", "gaussian_noise", "jpeg"} and len(documents) == 3  # quality 20 is jpeg's own
    assert judged["gaussian_noise"]["sigma"] == 50
    assert {one["trained_on"]["degradation"]["name"] for one in documents} == {"bicubic"}
    assert {parameters["scale"] for parameters in judged.values()} == {2}
    panels = {path.name for path in (folder / "panels").glob("photos*")}
    assert {"photos_chelsea.png", "photos_gaussian_noise_sigma50_chelsea.png", "photos_jpeg_chelsea.png"} <= panels
    assert out.count("PSNR") == 3


def test_a_cell_whose_data_are_missing_is_named_at_the_start_and_the_rest_is_judged(train, tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_BENCH_DATA", str(tmp_path / "nothing"))
    code, out, err = train("model=bicubic", "metrics=quick", "suite.cells=[{dataset: paintings}, {degradation: jpeg}]")
    assert code == 0 and out.count("PSNR") == 2
    assert re.search(r"warning: suite\.cells\[0\] \(paintings\) is left out: [^\n]*paintings: no such folder", err)


def test_a_sweep_goes_on_after_a_run_that_failed(train, tmp_path):
    code, out, err = train("-m", "model=esrgan,srcnn", "degradation.scale=3", "budget.patch=36")
    assert code == 1
    assert "srcnn" in out
    assert "scale 3" in err
    assert (tmp_path / "runs" / "leaderboard.csv").is_file()


def test_a_sweep_over_several_processes_is_refused(train, tmp_path):
    code, _, err = train("-m", "model=srcnn,msrresnet", "trainer.strategy=ddp")
    assert code == 1
    assert "one by one" in err
    assert not list((tmp_path / "runs").glob("*/config.yaml"))


def test_two_values_of_a_sweep_never_share_a_folder(train, tmp_path):
    assert train("-m", "model=srcnn", "budget.batch=2,3")[0] == 0
    assert len(list((tmp_path / "runs").glob("srcnn*"))) == 2


# Resumption -----------------------------------------------------------------------------------------------------------


def _listening():
    """A test run in the background ignores Ctrl-C, and would hand that on."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def kill_when(condition, words, cwd, how):
    """Start a training and send it a signal as soon as the condition holds."""
    pipes = {"stderr": subprocess.PIPE, "text": True, "preexec_fn": _listening}
    with subprocess.Popen(command(*words), cwd=cwd, env=environment(), **pipes) as process:
        until = time.monotonic() + 300
        while not condition() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        assert process.poll() is None, "it ended before it was killed"
        process.send_signal(how)
        _, error = process.communicate(timeout=120)
    return process.returncode, error


POOLED = ["experiment=realesrgan_paper", "perceptual=none"]  # with an average and a pool


@pytest.mark.full
@pytest.mark.parametrize(("how", "what"), [(signal.SIGKILL, POOLED), (signal.SIGINT, ["model=esrgan"])])
def test_a_killed_run_goes_on_and_ends_with_the_same_weights(train, tmp_path, how, what):
    words = [*what, "budget.steps=40", "budget.val_every=5"]
    last = tmp_path / "killed" / "checkpoints" / "last.ckpt"
    code, error = kill_when(last.exists, [*words, "hydra.run.dir=killed"], tmp_path, how)
    assert code == (-9 if how == signal.SIGKILL else 130), error
    assert not (tmp_path / "killed" / "generator.safetensors").exists()
    assert not list(tmp_path.rglob("*.tmp")) or how == signal.SIGKILL
    code, _, error = train(*words, "hydra.run.dir=killed")
    assert code == 0, error
    assert "goes on from step" in error
    assert train(*words, "hydra.run.dir=whole")[0] == 0
    for name in ("generator.safetensors", "checkpoints/pixel.safetensors", "validation.csv"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    assert result(tmp_path / "killed")["images"] == result(tmp_path / "whole")["images"]


def test_the_last_epoch_may_be_shorter_and_resumes_all_the_same(train, tmp_path):
    words = ["model=srcnn", "budget.steps=7", "budget.val_every=3"]
    assert train(*words, "hydra.run.dir=whole")[0] == 0
    curve = (tmp_path / "whole" / "validation.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in curve[1:]] == ["3", "6", "7"]


def test_a_run_killed_after_its_last_step_is_finished_without_training(train, tmp_path):
    assert train("model=esrgan", "hydra.run.dir=run")[0] == 0
    weights, score = (tmp_path / "run" / "generator.safetensors").read_bytes(), result(tmp_path / "run")
    (tmp_path / "run" / "generator.safetensors").unlink()
    for path in (tmp_path / "run" / "results").iterdir():
        path.unlink()
    assert train("model=esrgan", "hydra.run.dir=run")[0] == 0
    assert (tmp_path / "run" / "generator.safetensors").read_bytes() == weights
    assert result(tmp_path / "run")["images"] == score["images"]


def test_workers_change_nothing(train, tmp_path):
    for count in (0, 2):
        assert train("model=srcnn", f"workers={count}", f"hydra.run.dir=w{count}")[0] == 0
    files = [(tmp_path / f"w{count}" / "generator.safetensors").read_bytes() for count in (0, 2)]
    assert files[0] == files[1]


@pytest.mark.full
def test_a_second_process_on_a_run_folder_is_told(train, tmp_path):
    words = ["model=srcnn", "budget.steps=100000", "budget.val_every=100000", "hydra.run.dir=taken"]
    with subprocess.Popen(command(*words), cwd=tmp_path, env=environment(), stderr=subprocess.DEVNULL) as process:
        try:
            while not (tmp_path / "taken" / "config.yaml").exists():
                assert process.poll() is None
                time.sleep(0.05)
            code, _, error = train(*words)
        finally:
            process.kill()
    assert code == 2
    assert "another process works on this run" in one_line(error)


@pytest.mark.full
@pytest.mark.parametrize("what", [["model=esrgan"], POOLED])
def test_two_processes_train_and_agree_with_themselves(tmp_path, what):
    words = [*what, "trainer=ddp_cpu", "budget.batch=4"]
    weights = []
    for name in "ab":
        done = subprocess.run(
            command(*words, f"hydra.run.dir={name}"), cwd=tmp_path, env=environment(), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        weights.append((tmp_path / name / "generator.safetensors").read_bytes())
    assert weights[0] == weights[1]


@pytest.mark.full
def test_two_processes_and_parts_of_a_batch_learn_what_one_process_learns_from_the_whole(tmp_path):
    weights = []
    for further in ([], ["trainer=ddp_cpu"], ["trainer=ddp_cpu", "accumulate=2"]):
        words = ["model=rrdbnet", "budget.batch=8", *further, f"hydra.run.dir={len(weights)}"]
        done = subprocess.run(command(*words), cwd=tmp_path, env=environment(), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        weights.append(load_file(tmp_path / str(len(weights)) / "generator.safetensors"))
    for other in weights[1:]:
        for name, expected in weights[0].items():
            np.testing.assert_allclose(other[name], expected, atol=1e-6)


# Mistakes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["model=esrgn"], "esrgan"),
        (["model.generator.num_blok=2"], "num_blok"),
        (["+model.generator.num_blok=2"], "did you mean 'num_block'"),
        (["+sed=1"], "did you mean 'seed'"),
        (["sed=1"], "sed"),
        (["budget.stepz=1"], "stepz"),
        (["+budget.stepz=1"], "did you mean 'steps'"),
        (["degradation.scale=5"], "degradation.scale"),
        (["model=esrgan", "degradation.scale=3", "budget.patch=36"], "1, 2 and 4"),
        (["budget.patch=30"], "budget.patch=30"),
        (["model=srcnn", "+budget.srcnn.steps=3"], "budget.srcnn.steps: the yaml of srcnn does not read it; remove it"),
        (["model=esrgan", "+budget.esrgan.depths=[1]"], "budget.esrgan.depths: the yaml of esrgan does not read it"),
        (["model=esrgan", "+budget.esrgan.x4={lr: 1}"], "budget.esrgan.x4.lr: no such key"),
        (["pool=-5"], "pool=-5: a whole number"),
        (["model.ema=1.5"], "model.ema=1.5: a number from 0 to below 1"),
        (["model.start_from=3"], "3: no such file"),
        (["model=esrgan", "budget.batch=1"], "cannot judge 1 patches of 32 pixels at a time: Expected more"),
        (["dataset=folder"], "dataset.root"),
        (["dataset=folder", "dataset.root=nowhere"], "nowhere"),
        (["budget.patch=4096"], "smaller than the patch"),
        (["metrics.names=[psnr,sim]"], "did you mean 'ssim'"),
        (["metrics.protocol=z"], "protocol"),
        (["dataset.limit=0"], "dataset.limit"),
        (["dataset.limit=12"], "dataset.limit=12: there are only 11 images to train on"),
        (["model.generator._target_=os.system"], "os.system"),
        (["trainer.accelerator=abacus"], "abacus"),
        (["experiment=quickstrat"], "quickstart"),
        (["model"], "model"),
        (
            ["suite.cells=[{degradation: jpg}]"],
            "suite.cells[0].degradation=jpg: no such degradation; did you mean 'jpeg'",
        ),
        (["suite.cells=[{dataset: photo}]"], "suite.cells[0].dataset=photo: no such dataset; did you mean 'photos'"),
        (["suite.cells=[{degradation: jpeg, qualty: 5}]"], "did you mean 'quality'"),
        (["suite.cells=[{degradation: jpeg, scale: 2}]"], "suite.cells[0].scale"),
        (["suite.cells=[jpeg]"], "suite.cells[0]: a mapping is needed"),
        (["suite.cels=[]"], "cels"),
        (["degradation=gaussian_noise", "degradation.sigma=[50,5]"], "sigma=[50, 5]: the range is in the wrong order"),
        (["degradation=jpeg", "degradation.quality=0"], "quality=0"),
        (["degradation=realesrgan", "degradation.without=blur3"], "without: no step 'blur3'; did you mean"),
        (
            ["degradation=realesrgan", "degradation.steps.noise1.weights.gaussian=1"],
            "noise1: weights: the probabilities",
        ),
        (
            ["degradation=realesrgan", "degradation.steps.blur1.size=[7,20]"],
            "blur1: size=[7, 20]: kernel sizes are odd",
        ),
        (["degradation=realesrgan", "degradation.steps.blur1.sigm=1"], "sigm"),
        (["degradation=gaussian_blur", "degradation.size=999"], "kernels of up to 999 pixels are larger than an image"),
        (["model=esrgan", "budget=quick", "budget.batch=16"], "budget.esrgan.batch=4"),
        (["paths.runs=nan"], "paths.runs=nan: a folder is needed; write ./ before a name"),
        (["hydra.run.dir="], "hydra.run.dir: a folder is needed, not an empty name"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(train, tmp_path, words, named):
    code, out, error = train(*words)
    assert code == 2, error
    assert named in one_line(error)
    assert not out
    assert not (tmp_path / "runs").exists()


def test_a_misspelt_key_in_an_experiment_is_named(train, tmp_path, monkeypatch):
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "mine.yaml").write_text("budget:\n  stepz: 3\n")
    monkeypatch.setattr("gan_bench.config.experiments_dir", lambda: tmp_path / "experiments")
    code, _, error = train("experiment=mine")
    assert code == 2
    assert "stepz" in one_line(error)


def test_a_folder_that_holds_another_run_is_refused(train):
    assert train("model=srcnn", "hydra.run.dir=here")[0] == 0
    code, _, error = train("model=srcnn", "hydra.run.dir=here", "budget.batch=3")
    assert code == 2
    assert "budget.batch: 2 against 3" in one_line(error)


@pytest.mark.full
def test_a_full_disk_is_one_line_and_leaves_no_half_file(tmp_path):
    words = ["model=msrresnet", "budget.num_feat=64", "hydra.run.dir=full"]
    limit = 200_000  # config and log fit, a checkpoint does not
    done = subprocess.run(
        command(*words), cwd=tmp_path, env=environment(), capture_output=True, text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "File too large" in one_line(done.stderr)
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".ckpt", ".safetensors", ".tmp")]


def test_a_runs_folder_that_cannot_be_written_is_one_line(train, tmp_path):
    (tmp_path / "runs").write_text("a file")
    code, _, error = train("model=srcnn")
    assert code == 2
    assert "runs" in one_line(error)


def test_a_folder_of_images_trains_and_names_its_broken_file(train, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    rng = np.random.default_rng(0)
    for number in range(6):
        Image.fromarray(rng.integers(0, 256, (48, 64, 3), np.uint8)).save(photos / f"{number}.png")
    (photos / "broken.png").write_text("no image")
    code, out, error = train("model=srcnn", "dataset=folder", f"dataset.root={photos}")
    assert code == 0, error
    assert "broken.png" in error
    assert "1 of 7 files" in error
    assert "PSNR" in out


# Starting from weights ------------------------------------------------------------------------------------------------

REST = ["model.stages.0.fraction=0", "model.stages.1.fraction=1"]


def test_a_run_starts_from_another_runs_weights_or_a_file_of_them(train, tmp_path):
    from safetensors.torch import load_file

    assert train("model=esrgan", "hydra.run.dir=first", "metrics=quick")[0] == 0
    slow = ["model.stages.0.lr=0", "model.stages.1.lr=0"]
    for number, spec in enumerate(["first", "first/checkpoints/last.ckpt", "first/generator.safetensors"]):
        words = ["model=esrgan", f"model.start_from={spec}", "seed=1", *slow, f"hydra.run.dir=then{number}"]
        code, _, err = train(*words, "metrics=quick")
        assert code == 0 and "not loaded" not in err
        first, then = (load_file(tmp_path / name / "generator.safetensors") for name in ("first", f"then{number}"))
        assert all(first[name].equal(then[name]) for name in first), spec
    started = json.loads((tmp_path / "then0" / "start_from.json").read_text())["sha256"]
    assert started == hashlib.sha256((tmp_path / "first" / "generator.safetensors").read_bytes()).hexdigest()
    assert result(tmp_path / "then0")["what"]["budget"]["start_from"] == started
    assert "start_from" not in result(tmp_path / "first")["what"]["budget"]
    assert main(["leaderboard", "then0"]) == 0
    assert f"budget smoke (4 steps, from {started[:8]})" in (tmp_path / "then0" / "leaderboard.md").read_text()


@pytest.mark.full
def test_a_run_goes_on_where_the_weights_that_it_started_from_are_gone(train, tmp_path):
    assert train("model=esrgan", "hydra.run.dir=first", "metrics=quick")[0] == 0
    words = ["model=esrgan", "model.start_from=first", "seed=1", "metrics=quick", "hydra.run.dir=then"]
    assert train(*words)[0] == 0
    for name in ("generator.safetensors", "training.json"):
        (tmp_path / "then" / name).unlink()  # as if it had been killed after its last checkpoint
    (tmp_path / "first" / "generator.safetensors").rename(tmp_path / "elsewhere.safetensors")
    assert train(*words)[0] == 0
    (tmp_path / "first" / "generator.safetensors").write_bytes(b"other weights")
    code, _, err = train(*words)
    assert code == 2 and "then: it started from other weights than" in one_line(err)
    (tmp_path / "then" / "start_from.json").write_text("{")
    code, _, err = train(*words)
    assert code == 2 and "start_from.json: damaged" in one_line(err)


def test_what_does_not_fit_is_named_and_the_rest_starts_from_it(train):
    assert train("model=rrdbnet", "hydra.run.dir=first", "metrics=quick")[0] == 0
    code, _, err = train("model=esrgan", "degradation.scale=2", "model.start_from=first", "metrics=quick", *REST)
    assert code == 0
    assert "warning: model.start_from: not loaded: conf_first" not in err
    assert "warning: model.start_from: not loaded: conv_first.weight (8x3x3x3 against 8x12x3x3)\n" in err
    assert "esrgan (l1): 4/4" in err  # one stage is left


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (None, "model.start_from=it: not a complete run"),
        ("missing", "it.pth: no such file"),
        ("truncated", "it.pth: not a whole file of weights"),
        ("code", "it.pth: holds code, which is never run"),
        ("another", "none of its 6 tensors fits RRDBNet"),
    ],
)
def test_weights_that_cannot_be_started_from_are_one_line(train, tmp_path, content, named):
    import torch

    from gan_bench.networks import SRCNN, RRDBNet

    spec = "it" if content is None else "it.pth"
    if content is None:
        (tmp_path / "it").mkdir()
    elif content == "code":
        torch.save(RRDBNet(num_feat=4, num_block=1), tmp_path / spec)
    elif content != "missing":
        torch.save(
            (SRCNN() if content == "another" else RRDBNet(num_feat=8, num_block=1)).state_dict(), tmp_path / spec
        )
    if content == "truncated":
        (tmp_path / spec).write_bytes((tmp_path / spec).read_bytes()[:2000])
    code, _, error = train("model=esrgan", f"model.start_from={spec}")
    assert code == 2
    assert named in one_line(error)
    assert not (tmp_path / "runs").exists()
