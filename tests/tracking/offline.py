"""A command without a terminal, and what its offline run tells W&B, read back from that run's files."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

BIN = Path(sys.executable).parent


def call(words, cwd, **environment):
    """Run a command without a terminal, without a key and with a home of its own."""
    given = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
    own = {"HOME": str(cwd), "OMP_NUM_THREADS": "1", "GAN_BENCH_BUDGET": "smoke", "PATH": f"{BIN}:{given['PATH']}"}
    return subprocess.run(
        list(map(str, words)), cwd=cwd, env={**given, **own, **environment}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=240,
    )  # fmt: skip


def read_back(folder):
    """The records of the one W&B run below a folder: (facts, config, history, summary, artifacts)."""
    (file,) = (folder / "wandb").glob("offline-run-*/*.wandb")
    told = subprocess.run(
        [BIN / "wandb", "leet", "inspect", "--json", file], capture_output=True, text=True, check=True
    )
    records = [json.loads(line) for line in told.stdout.splitlines()]
    of = {kind: [record[kind] for record in records if record["type"] == kind] for kind in
          ("run", "config", "history", "summary", "artifact", "exit")}  # fmt: skip
    config = dict(of["run"][0]["config"]["update"])
    for record in of["config"]:
        config |= record["update"]
    summary = {}
    for record in of["summary"]:
        summary |= record["update"]
    assert of["exit"][0].get("exit_code", 0) == 0
    return SimpleNamespace(
        run=of["run"][0], config=config, summary=summary, artifacts=of["artifact"], file=file,
        history=[record["item"] for record in of["history"]],
    )  # fmt: skip
