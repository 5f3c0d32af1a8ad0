"""Who started this process, and beside how many others: a user, torchrun, srun, or Lightning; torch is not needed here.

What the processes of a training tell each other is in `processes`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from gan_bench.errors import UsageError

__all__ = ["check_started", "is_alone", "is_main_process"]


def is_main_process() -> bool:
    """Whether this is the one process of a training that speaks and writes for all.

    torchrun says so, wherever it was started; else srun and Lightning do, who number nodes and processes from 0.
    """
    if "TORCHELASTIC_RUN_ID" in os.environ:
        return os.environ.get("RANK") == "0"
    return all(os.environ.get(name, "0") == "0" for name in ("LOCAL_RANK", "NODE_RANK", "SLURM_PROCID", "RANK"))


def is_alone(trainer: Mapping[str, Any]) -> bool:
    """Whether a trainer is one process, whatever the machine has; `devices: auto` may be several.

    Args:
        trainer: its configuration, as plain containers.
    """
    devices, strategy = trainer.get("devices", "auto"), trainer.get("strategy", "auto")
    one = len(devices) == 1 if isinstance(devices, list) else str(devices) == "1"
    return one and trainer.get("num_nodes", 1) == 1 and strategy in ("auto", "single_device")


def check_started(trainer: Mapping[str, Any]) -> None:
    """Refuse a trainer that does not fit the processes that were started: they would wait for each other for ever.

    Args:
        trainer: its configuration, as plain containers.

    Raises:
        UsageError: it is one process and several were started; srun is missing, or a count; batch norms cannot be
            synchronized on a CPU.
    """
    alone, name = is_alone(trainer), f"trainer={trainer.get('name')}"
    by, count = _starter()
    if count > 1 and alone and by != "sbatch":
        raise UsageError(f"{name} is one process, and {by} started {count}; take ddp, slurm or ddp_cpu")
    if count > 1 and not alone and by == "sbatch":
        raise UsageError(f"{name}: this job has {count} tasks, which srun starts: srun python train.py ...")
    if count > 1 and by in ("srun", "sbatch") and "SLURM_NTASKS_PER_NODE" not in os.environ:
        raise UsageError(f"{name}: the tasks of each node are to be given, as by --ntasks-per-node={count} on one")
    if trainer.get("accelerator") == "cpu" and trainer.get("sync_batchnorm") and not alone:
        raise UsageError("trainer.sync_batchnorm=true: torch has this on GPUs only; set trainer.sync_batchnorm=false")


def _starter() -> tuple[str, int]:
    """Who started this process, and how many with it; sbatch is a job's script itself, which only srun multiplies."""
    given = os.environ
    if "TORCHELASTIC_RUN_ID" in given:
        return "torchrun", int(given.get("WORLD_SIZE", "1"))
    if given.get("SLURM_JOB_NAME") in ("bash", "interactive"):  # as Lightning has it
        return "a shell", 1
    return ("srun" if "SLURM_STEP_ID" in given else "sbatch"), int(given.get("SLURM_NTASKS", "1"))
