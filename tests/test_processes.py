"""What processes tell each other for a checkpoint: alone, in two processes, and where their number has changed."""

import json
import logging
import subprocess
import sys

import pytest

from gan_bench.processes import gathered, own

# A second process that ends early would leave the first waiting for the store: both are told to give up in time.
SCRIPT = """
import datetime, json, sys
from torch import distributed
from gan_bench.processes import gathered, own
rank, store = int(sys.argv[1]), sys.argv[2]
timeout = datetime.timedelta(seconds=60)
distributed.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2, timeout=timeout)
states = gathered({"rank": rank, "pairs": list(range(3 * rank))})
print(json.dumps([states, own(states, rank, 2, "what")]))
distributed.barrier()
distributed.destroy_process_group()
"""


@pytest.fixture(autouse=True)
def warnings_are_caught(caplog):
    caplog.set_level(logging.INFO, logger="gan_bench")


def test_a_process_alone_has_its_own_state():
    state = {"pairs": [1, 2]}
    assert gathered(state) == [state]
    assert own(gathered(state), 0, 1, "what") is state


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_each_takes_back_its_own(rank, caplog):
    assert own(["a", "b", "c"], rank, 3, "what") == "abc"[rank]
    assert not caplog.records


@pytest.mark.parametrize(("before", "now"), [(1, 2), (4, 2), (2, 1), (0, 1)])
def test_of_another_number_none_is_anybodys_and_the_first_says_so(before, now, caplog):
    states = ["state"] * before
    assert [own(states, rank, now, "the pool") for rank in range(now)] == [None] * now
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == f"the pool fills anew: there were {before} processes, now there are {now}"


def test_two_processes_each_learn_of_both(tmp_path):
    words = [sys.executable, "-c", SCRIPT]
    started = [
        subprocess.Popen([*words, str(rank), str(tmp_path / "store")], stdout=subprocess.PIPE, text=True)
        for rank in (0, 1)
    ]
    told = [json.loads(one.communicate(timeout=120)[0]) for one in started]
    everything = [{"rank": 0, "pairs": []}, {"rank": 1, "pairs": [0, 1, 2]}]
    assert told == [[everything, everything[0]], [everything, everything[1]]]
    assert [one.returncode for one in started] == [0, 0]
