"""What reaches Weights & Biases, read back from the files of offline runs; and that its failures cost nothing."""

import json
import socket
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.tracking.offline import BIN, call, read_back

import gan_bench
from gan_bench.config import experiments_dir
from gan_bench.errors import WorkError
from gan_bench.files import in_a_name
from gan_bench.tracking import Tracker
from gan_bench.tracking.wandb import Session

ROOT = Path(gan_bench.__file__).parents[2]
FALSE_KEY = "x" * 40


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs of a sweep in one process; one of them has nothing to train."""
    folder = tmp_path_factory.mktemp("wandb")
    words = [
        sys.executable,
        ROOT / "train.py",
        "-m",
        "model=bicubic,esrgan",
        "trainer=cpu",
        "metrics=offline",
        "logger=wandb",
    ]
    done = call(words, folder)
    assert done.returncode == 0, done.stderr
    return SimpleNamespace(
        cwd=folder, out=done.stdout, err=done.stderr, bicubic=folder / "runs" / "bicubic_photos_bicubic_x4_smoke_s0",
        esrgan=folder / "runs" / "esrgan_photos_bicubic_x4_smoke_s0",
    )  # fmt: skip


def test_a_run_holds_its_config_curves_panels_and_test_scores(runs):
    seen = read_back(runs.esrgan)
    assert seen.config["model"]["generator"]["num_feat"] == 8
    assert seen.config["budget"]["steps"] == 4 and seen.config["seed"] == 0
    losses = {row["_step"]: row["train/pixel"] for row in seen.history if "train/pixel" in row}
    assert list(losses) == [4]
    curve = [line.split(",") for line in (runs.esrgan / "validation.csv").read_text().splitlines()[1:]]
    scores = {row["_step"]: row["val/psnr"] for row in seen.history if "val/psnr" in row}
    assert scores == {int(step): pytest.approx(float(psnr)) for step, psnr, *_ in curve}
    assert list(scores) == [2, 3, 4]  # the pixel stage ends at 3
    panels = [row["panels/validation.path"] for row in seen.history if "panels/validation.path" in row]
    assert len(panels) == 3
    sent = (seen.file.parent / "files" / panels[0]).read_bytes()
    assert sent == (runs.esrgan / "panels" / "validation_0000002.png").read_bytes()
    assert {f"panels/photos/{name}._type" for name in ("astronaut", "chelsea", "coffee")} <= set(seen.history[-1])


@pytest.mark.parametrize("name", ["bicubic", "esrgan"])
def test_the_summary_holds_what_the_result_holds(runs, name):
    summary = read_back(getattr(runs, name)).summary
    (path,) = (getattr(runs, name) / "results").glob("*.json")
    result = json.loads(path.read_text())
    assert summary["test/photos/psnr"] == pytest.approx(result["scores"]["psnr"])
    assert summary["test/photos/ssim"] == pytest.approx(result["scores"]["ssim"])
    assert summary["parameters"] == result["cost"]["parameters"]


def test_a_run_is_named_grouped_and_typed(runs):
    for folder in (runs.bicubic, runs.esrgan):
        run = read_back(folder).run
        assert (run["display_name"], run["run_group"], run["job_type"], run["project"]) == (
            folder.name, "model=bicubic,esrgan", "train", "gan-bench")  # fmt: skip
        assert run["run_id"] == (folder / "wandb" / "id.txt").read_text().strip()
        assert run["resume"] is True


def test_without_a_key_the_command_that_uploads_is_printed(runs):
    lines = [line.split("wandb sync ")[1] for line in runs.out.splitlines() if "wandb sync" in line]
    assert len(lines) == 2
    assert "wandb:" not in runs.err and "Weights & Biases" not in runs.err
    listed = call([BIN / "wandb", "sync", "--dry-run", *lines], runs.cwd)
    assert "Would sync 2 run(s)" in listed.stdout + listed.stderr


def test_a_board_is_a_table_with_charts_and_the_files(runs):
    done = call([BIN / "gan-bench", "leaderboard", "runs", "--wandb", "--project", "mine"], runs.cwd)
    assert done.returncode == 0, done.stderr
    assert "wandb sync runs/wandb/offline-run-" in done.stdout
    seen = read_back(runs.cwd / "runs")
    assert (seen.run["project"], seen.run["job_type"]) == ("mine", "leaderboard")
    (row,) = [row for row in seen.history if "leaderboard/photos.path" in row]
    table = json.loads((seen.file.parent / "files" / row["leaderboard/photos.path"]).read_text())
    shown = dict(zip(table["columns"], table["data"][0], strict=True))
    assert shown["label"] == "bicubic"
    assert shown["psnr mean"] == pytest.approx(read_back(runs.bicubic).summary["test/photos/psnr"])
    charts = [key for key in seen.config if key.startswith("_wandb.visualize.leaderboard/photos/")]
    assert {"psnr", "ssim"} <= {key.rpartition("/")[2] for key in charts}
    (files,) = [artifact for artifact in seen.artifacts if artifact["type"] == "results"]
    contents = {entry["path"]: Path(entry["local_path"]) for entry in files["manifest"]["contents"]}
    results = [path for name, path in contents.items() if name.endswith(".json")]
    assert len(results) == 2
    assert all(path.is_absolute() and json.loads(path.read_text())["schema"] for path in results)


def test_each_cell_of_a_suite_has_names_of_its_own(tmp_path, monkeypatch):
    told = []

    class Told:
        """A W&B run that remembers what it was told."""

        def log_image(self, key, path, caption, step):
            told.append((key, path.name, step))

        def summarize(self, values):
            told.extend(values)

    odd = in_a_name("b/c")
    panels = ("photos_a.png", "photos_jpeg_a.png", f"photos_jpeg_{odd}.png", "validation_0000002.png")
    for name in panels:
        (tmp_path / "panels" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "panels" / name).touch()
    what = dict.fromkeys(("label", "set", "lq_sha256", "degradation", "scale", "protocol", "selection", "code"), "x")
    what |= {"checkpoint_sha256": "c", "metrics": ["psnr"], "budget": {"steps": 4}}
    results = {
        name: SimpleNamespace(what=what | {"set": name}, images=images, scores={"psnr": 1.0, "ssim": None}, cost={})
        for name, images in (("photos", ["a"]), ("photos_jpeg", ["a", "b/c"]))
    }
    tracker = Tracker()
    tracker.bind(tmp_path, None, {})
    monkeypatch.setattr(tracker, "_session", Told())
    tracker.log_results(results, tmp_path / "panels")
    assert told == [
        ("panels/photos/a", "photos_a.png", 4),
        "test/photos/psnr",
        ("panels/photos_jpeg/a", "photos_jpeg_a.png", 4),
        (f"panels/photos_jpeg/{odd}", f"photos_jpeg_{odd}.png", 4),
        "test/photos_jpeg/psnr",
    ]


# An agent's sweep -----------------------------------------------------------------------------------------------------

AGENT = """
import sys
from wandb.sdk.launch.sweeps.utils import load_sweep_config
from wandb.wandb_agent import Agent

sweep = load_sweep_config(sys.argv[1])
first = lambda facts: {"value": facts["value"] if "value" in facts else facts["values"][0]}
point = {name: first(facts) for name, facts in sweep["parameters"].items()}
point["metrics"] = {"value": "offline"}
agent = Agent(api=None, queue=None)
agent._sweep_command = sweep["command"]
agent._command_run({"type": "run", "run_id": "ofagent1", "program": sweep["program"], "args": point})
sys.exit(agent._run_processes["ofagent1"].wait())
"""


@pytest.mark.full
def test_the_command_of_a_sweeps_agent_trains(tmp_path):
    (tmp_path / "train.py").symlink_to(ROOT / "train.py")
    (yaml,) = (experiments_dir() / "sweeps").glob("*.yaml")
    done = call([sys.executable, "-c", AGENT, yaml], tmp_path, WANDB_MODE="offline", WANDB_SWEEP_ID="sweep123")
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / "runs").glob("msrresnet_*")
    seen = read_back(folder)
    assert (seen.run["run_id"], seen.run["sweep_id"]) == ("ofagent1", "sweep123")
    assert (seen.config["budget.batch"], seen.config["budget"]["batch"]) == (4, 4)
    assert seen.config["model"] == "msrresnet"
    assert seen.config["resolved"]["model"]["generator"]["num_feat"] == 8
    assert "val/psnr" in seen.summary and "test/photos/psnr" in seen.summary


# Failures -------------------------------------------------------------------------------------------------------------

START = """
import logging, sys, time
from pathlib import Path
logging.basicConfig(level=logging.WARNING, format="%(message)s")
from gan_bench.tracking.wandb import Session, _wandb
_wandb()
before = time.monotonic()
session = Session(Path("."), project="p", name="n", job_type="train", config={"a": 1})
session.log({"train/pixel": 1.0}, 1)
session.finish()
print(time.monotonic() - before, session.broken, session.told, sep="\\n")
"""


@pytest.mark.full
def test_a_key_that_opens_nothing_is_one_warning_and_an_offline_run(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, and never answers
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        done = call([sys.executable, "-c", START], tmp_path, WANDB_API_KEY=FALSE_KEY, WANDB_BASE_URL=address)
    assert done.returncode == 0, done.stderr
    seconds, broken, told = done.stdout.splitlines()
    assert float(seconds) < 15  # 4 of them are waiting; the rest is room for a busy machine
    assert broken == "False" and "wandb sync wandb/offline-run-" in told
    (line,) = done.stderr.splitlines()
    assert line.startswith("Weights & Biases: ") and FALSE_KEY not in line
    assert read_back(tmp_path).history[0]["train/pixel"] == 1
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and FALSE_KEY.encode() in path.read_bytes()]


def test_a_failure_inside_wandb_is_one_warning_and_ends_nothing(train, monkeypatch):
    def broken():
        raise RuntimeError("it is\nbroken")

    monkeypatch.setattr("gan_bench.tracking.wandb._wandb", broken)
    code, out, err = train("model=srcnn", "metrics=offline", "logger=wandb")
    assert code == 0, err
    assert err.count("it is broken; going on without it") == 1
    assert "PSNR" in out and "wandb sync" not in out


def test_a_session_that_broke_is_still_ended(monkeypatch, tmp_path):
    ended = []
    run = SimpleNamespace(log=lambda *_, **__: 1 / 0, finish=ended.append)
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setattr("gan_bench.tracking.wandb._wandb", lambda: SimpleNamespace(
        Settings=dict, init=lambda **_: run))  # fmt: skip
    session = Session(tmp_path, project="p", name="n", job_type="train")
    session.log({"a": 1.0}, 1)
    session.finish()
    assert session.broken and ended == [0]


# The tracker, with a session that only remembers ----------------------------------------------------------------------


@pytest.fixture
def sessions(monkeypatch):
    """Every session that was opened, with what it was told."""
    opened = []

    class Remembering:
        broken, told = False, "upload:   wandb sync somewhere"

        def __init__(self, folder, **facts):
            self.facts, self.calls = facts, []
            opened.append(self)

        def __getattr__(self, name):
            return lambda *given, **named: self.calls.append((name, given))

    monkeypatch.setattr("gan_bench.tracking.tracker.Session", Remembering)
    return opened


def logged(session, name="log"):
    return [given for called, given in session.calls if called == name]


def test_a_run_that_was_trained_without_it_is_sent_later_and_once(train, sessions):
    for words in ([], ["logger=wandb"], ["logger=wandb"]):
        assert train("model=srcnn", "metrics=offline", *words)[0] == 0
    (session,) = sessions
    assert not logged(session) and logged(session, "summarize")


def test_a_training_that_goes_on_continues_its_wandb_run(train, sessions, monkeypatch):
    def broken_off(*_):
        raise WorkError("broken off")

    with monkeypatch.context() as patch:
        patch.setattr("gan_bench.run._judge", broken_off)
        assert train("model=srcnn", "metrics=offline", "logger=wandb")[0] == 1
    assert train("model=srcnn", "metrics=offline", "logger=wandb")[0] == 0
    first, second = sessions
    assert first.facts["run_id"] == second.facts["run_id"]
    assert (
        logged(first, "finish")
        == [
            (),
        ]
        or first.calls[-1][0] == "finish"
    )
    assert train("model=srcnn", "metrics=offline", "logger=wandb", "hydra.run.dir=again")[0] == 0
    assert sessions[2].facts["run_id"] not in (first.facts["run_id"], None)


def test_a_loss_that_a_stage_no_longer_has_is_not_repeated(sessions):
    tracker, told = Tracker(), {"train/pixel": 0.5, "train/lr": 1e-4}
    tracker.bind(Path("unused"), None, {})
    tracker._session = SimpleNamespace(log=lambda values, step: sent.append(values))
    sent = []
    for more in ({}, {"train/adversarial": 0.7}):
        tracker._send_losses(SimpleNamespace(callback_metrics=told | more), 1)
    assert sent == [told, {"train/adversarial": 0.7, "train/lr": 1e-4}]


def test_other_ranks_open_nothing(sessions):
    tracker = Tracker()
    tracker.on_train_start(SimpleNamespace(is_global_zero=False), None)
    assert not sessions


def test_an_experiment_is_the_group(train, sessions):
    assert train("experiment=quickstart", "model=bicubic", "metrics=offline", "logger=wandb")[0] == 0
    assert [session.facts["group"] for session in sessions] == ["quickstart"]
    assert train("model=bicubic", "metrics=offline", "logger=wandb", "logger.group=mine", "hydra.run.dir=mine")[0] == 0
    assert sessions[1].facts["group"] == "mine"


def test_tensorboard_is_one_yaml(train, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert train("model=srcnn", "metrics=offline", "logger=tensorboard")[0] == 0
    (folder,) = tmp_path.glob("runs/*/log/version_0")
    events = EventAccumulator(str(folder)).Reload()
    assert {"train/pixel", "val/psnr"} <= set(events.Tags()["scalars"])
