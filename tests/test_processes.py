"""What processes tell each other, how they share work and errors: alone, in two processes, in other numbers."""

import json
import logging
import subprocess
import sys
import traceback

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gan_bench.errors import UsageError
from gan_bench.processes import from_first, gathered, own, share, together
from tests.ranks import in_ranks

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


# Work that is shared


@given(st.integers(0, 40), st.sampled_from([1, 2, 3, 7]))
def test_every_piece_of_work_is_somebodys_and_nobody_elses(count, ranks):
    shares = in_ranks(ranks, lambda rank: share(count))
    assert sorted(piece for one in shares for piece in one) == list(range(count))
    assert all(piece % ranks == rank for rank, one in enumerate(shares) for piece in one)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_a_process_alone_has_all_the_work():
    assert list(share(3)) == [0, 1, 2]
    assert together(lambda: "done") == ["done"]


@pytest.mark.parametrize("ranks", [1, 2, 3, 7])
def test_what_came_of_the_work_is_told_to_all(ranks):
    assert (
        in_ranks(ranks, lambda rank: together(lambda: {"rank": rank}))
        == [[{"rank": one} for one in range(ranks)]] * ranks
    )


class AwkwardError(Exception):
    """Cannot be read again from its pickle."""

    def __init__(self, code, words):
        super().__init__(f"{words} {code}")


def failing(*which, error=UsageError):
    def work(rank):
        if rank in which:
            raise error(f"image {rank} is broken") if error is not AwkwardError else AwkwardError(rank, "code")
        return rank

    return in_ranks(3, lambda rank: together(lambda: work(rank)))


@pytest.mark.parametrize(("which", "told"), [([0], 0), ([2], 2), ([1, 2], 1), ([0, 1, 2], 0)])
def test_the_error_of_one_is_the_error_of_all(which, told):
    raised = failing(*which)
    assert [type(one) for one in raised] == [UsageError] * 3
    assert {str(one) for one in raised} == {f"image {told} is broken"}


def test_a_defect_says_everywhere_where_it_happened():
    first, second, third = failing(1, error=ZeroDivisionError)
    for other in (first, third):
        [note] = other.__notes__
        assert note.startswith("In process 1:\nTraceback") and "in work\n" in note
    assert not hasattr(second, "__notes__")
    assert "work" in [frame.name for frame in traceback.extract_tb(second.__traceback__)]


def test_an_error_that_does_not_travel_is_told_in_words():
    first, second, third = failing(1, error=AwkwardError)
    assert type(second) is AwkwardError
    assert [(type(one), str(one)) for one in (first, third)] == [(RuntimeError, "AwkwardError: code 1")] * 2


def test_running_statistics_become_those_of_the_first():
    def work(rank):
        turned = torch.arange(24.0).reshape(1, 2, 3, 4).to(memory_format=torch.channels_last) + 100 * rank
        count = torch.tensor(rank + 5)
        from_first([turned, count])
        return turned, count

    for turned, count in in_ranks(3, work):
        assert torch.equal(turned, torch.arange(24.0).reshape(1, 2, 3, 4)) and count == 5
    alone = torch.ones(2)
    from_first([alone])
    assert torch.equal(alone, torch.ones(2))
