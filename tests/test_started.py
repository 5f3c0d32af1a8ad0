"""Who started a process: which of several is the main one, and which trainers do not fit."""

import pytest

from gan_bench.config import conf_dir, read_yaml
from gan_bench.errors import UsageError
from gan_bench.started import check_started, is_alone, is_main_process

NAMES = (
    "TORCHELASTIC_RUN_ID", "RANK", "LOCAL_RANK", "NODE_RANK", "WORLD_SIZE", "SLURM_PROCID", "SLURM_NTASKS",
    "SLURM_NTASKS_PER_NODE", "SLURM_STEP_ID", "SLURM_JOB_NAME",
)  # fmt: skip
TORCHRUN = {"TORCHELASTIC_RUN_ID": "none"}
STEP = {"SLURM_STEP_ID": "0", "SLURM_NTASKS": "8", "SLURM_NTASKS_PER_NODE": "4"}
TRAINERS = {path.stem: read_yaml(path) for path in (conf_dir() / "trainer").glob("*.yaml")}
ON_CPU = {"accelerator": "cpu", "strategy": "ddp", "devices": 2}


@pytest.fixture
def given(monkeypatch):
    """Set what a starter sets, and nothing else."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    return lambda **names: [monkeypatch.setenv(name, value) for name, value in names.items()]


@pytest.mark.parametrize(
    ("names", "main"),
    [
        ({}, True),
        ({"LOCAL_RANK": "1"}, False),  # as Lightning starts the others
        ({"LOCAL_RANK": "0", "NODE_RANK": "1"}, False),
        ({"SLURM_PROCID": "0"}, True),
        ({"SLURM_PROCID": "5"}, False),
        ({**TORCHRUN, "RANK": "0", "LOCAL_RANK": "0"}, True),
        ({**TORCHRUN, "RANK": "8", "LOCAL_RANK": "0"}, False),  # the first of the second machine
        ({**TORCHRUN, "RANK": "0", "LOCAL_RANK": "0", "SLURM_PROCID": "1"}, True),  # torchrun counts as it likes
        ({**TORCHRUN, "RANK": "8", "LOCAL_RANK": "0", "SLURM_PROCID": "0"}, False),
    ],
)
def test_one_process_of_a_training_is_the_main_one(given, names, main):
    given(**names)
    assert is_main_process() is main


def test_the_trainers_of_one_process_are_known():
    assert {name for name, one in TRAINERS.items() if is_alone(one)} == {"auto", "cpu", "gpu"}


@pytest.mark.parametrize(
    ("trainer", "alone"),
    [
        ({"devices": 1}, True),
        ({"devices": "1"}, True),
        ({"devices": [3], "strategy": "auto"}, True),
        ({"devices": [0, 1]}, False),
        ({"devices": 2, "strategy": "auto"}, False),
        ({"devices": "auto"}, False),
        ({"devices": 1, "num_nodes": 2}, False),
        ({"devices": 1, "strategy": "ddp"}, False),
        ({}, False),
    ],
)
def test_more_than_one_device_or_node_may_be_several_processes(trainer, alone):
    assert is_alone(trainer) is alone


def test_a_trainer_of_one_process_is_refused_where_several_were_started(given):
    given(**TORCHRUN, WORLD_SIZE="2")
    with pytest.raises(UsageError, match="trainer=gpu is one process, and torchrun started 2"):
        check_started(TRAINERS["gpu"])
    check_started(TRAINERS["ddp"])
    given(WORLD_SIZE="1")
    check_started(TRAINERS["gpu"])


def test_srun_has_to_start_the_tasks_and_to_know_how_many_go_on_a_node(given):
    given(SLURM_NTASKS="8", SLURM_NTASKS_PER_NODE="4")
    with pytest.raises(UsageError, match="8 tasks, which srun starts"):
        check_started(TRAINERS["slurm"])
    check_started(TRAINERS["cpu"])  # in the script itself: several trainings of one process each
    given(**STEP)
    check_started(TRAINERS["slurm"])
    with pytest.raises(UsageError, match="trainer=auto is one process, and srun started 8"):
        check_started(TRAINERS["auto"])


def test_the_tasks_of_a_node_have_to_be_said(given):
    given(SLURM_STEP_ID="0", SLURM_NTASKS="2")
    with pytest.raises(UsageError, match="--ntasks-per-node=2"):
        check_started(TRAINERS["slurm"])
    given(SLURM_JOB_NAME="interactive")  # Lightning starts the processes
    check_started(TRAINERS["ddp"])


def test_batch_norms_are_not_synchronized_on_a_cpu(given):
    with pytest.raises(UsageError, match=r"set trainer\.sync_batchnorm=false"):
        check_started({**ON_CPU, "sync_batchnorm": True})
    check_started(ON_CPU)


def test_each_trainer_on_several_gpus_synchronizes_and_none_on_a_cpu():
    synchronized = {name for name, one in TRAINERS.items() if one.get("sync_batchnorm")}
    assert synchronized == {name for name, one in TRAINERS.items() if one["accelerator"] == "gpu" and not is_alone(one)}
    assert "slurm" in synchronized
