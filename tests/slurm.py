"""A SLURM of one machine, as far as submitit asks for one: sbatch, srun, sacct and scontrol, each a call of this file.

`install(folder)` puts them into a folder for PATH. A job of an array is a process of its own; srun starts its tasks;
a job that is requeued starts again once it has ended.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

COMMANDS = ("sbatch", "srun", "sacct", "scontrol")


def install(folder):
    folder.mkdir(parents=True)
    shutil.copy(__file__, folder / "slurm.py")
    for name in COMMANDS:
        path = folder / name
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{folder / "slurm.py"}" {name} "$@"\n')
        path.chmod(0o755)
    return folder


def sbatch(words):
    script = Path(words[-1])
    options = dict(re.findall(r"^#SBATCH --([\w-]+)=(.*)$", script.read_text(), re.M))
    nodes, per_node = int(options.get("nodes", 1)), int(options.get("ntasks-per-node", 1))
    first = os.getpid() + 100_000
    for index in range(int(options["array"].partition("%")[0].partition("-")[2]) + 1):
        given = {
            "SLURM_ARRAY_JOB_ID": first, "SLURM_ARRAY_TASK_ID": index, "SLURM_JOB_ID": first + index,
            "SLURM_JOB_NAME": options["job-name"], "SLURM_NNODES": nodes, "SLURM_JOB_NUM_NODES": nodes,
            "SLURM_NTASKS": nodes * per_node, "SLURM_NTASKS_PER_NODE": per_node, "SLURM_NODELIST": "localhost",
            "SLURM_PROCID": 0, "SLURM_LOCALID": 0, "SLURM_NODEID": 0,
        }  # fmt: skip
        start(script, {**os.environ, **{name: str(value) for name, value in given.items()}})
    print(f"Submitted batch job {first}")


def start(script, environment):
    silent = dict.fromkeys(("stdout", "stderr"), subprocess.DEVNULL)
    job = subprocess.Popen(["bash", str(script)], env=environment, **silent)
    name = f"{environment['SLURM_ARRAY_JOB_ID']}_{environment['SLURM_ARRAY_TASK_ID']}"
    kept = {"script": str(script), "environment": environment, "process": job.pid}
    (Path(__file__).parent / f"{name}.json").write_text(json.dumps(kept))


def scontrol(words):
    """requeue JOB: in the background, as the caller belongs to the job."""
    if os.fork():
        return
    os.setsid()
    kept = json.loads((Path(__file__).parent / f"{words[1]}.json").read_text())
    while Path(f"/proc/{kept['process']}/cmdline").exists() and Path(f"/proc/{kept['process']}/cmdline").read_bytes():
        time.sleep(0.1)
    start(Path(kept["script"]), kept["environment"])


def srun(words):
    files = {}
    while words[0].startswith("--"):
        option = words.pop(0)
        if option in ("--output", "--error"):
            files[option] = words.pop(0)
    given, tasks = os.environ, []
    for rank in range(int(given["SLURM_NTASKS"])):
        per_node = int(given["SLURM_NTASKS_PER_NODE"])
        own = {"SLURM_PROCID": rank, "SLURM_LOCALID": rank % per_node, "SLURM_NODEID": rank // per_node}
        environment = {**given, "SLURM_STEP_ID": "0", **{name: str(value) for name, value in own.items()}}
        names = {"%A": given["SLURM_ARRAY_JOB_ID"], "%a": given["SLURM_ARRAY_TASK_ID"], "%t": str(rank)}
        stem = re.compile("%[Aat]")
        to = {
            name: stem.sub(lambda at, names=names: names[at[0]], files[f"--{option}"])
            for name, option in (("stdout", "output"), ("stderr", "error"))
        }
        streams = {name: Path(path).open("a") for name, path in to.items()}  # noqa: SIM115
        tasks.append(subprocess.Popen(words, env=environment, **streams))
    sys.exit(max(task.wait() for task in tasks))


def sacct(words):
    print("JobID|State|NodeList")
    for number in (two for one, two in zip(words, words[1:], strict=False) if one == "-j"):
        print(f"{number}_[0-9]|RUNNING|localhost")


if __name__ == "__main__":
    globals()[sys.argv[1]](sys.argv[2:])
