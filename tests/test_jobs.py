"""What the jobs of a sweep leave, and how they speak: files that outlive them, and whole lines."""

import io
import os
import subprocess
import sys

import pytest

from gan_bench import jobs
from gan_bench.jobs import INTERRUPTED, Ledger, Lines, Outcome, heard_with_number, take_gpu


def test_a_ledger_keeps_what_was_said_last_in_the_order_of_the_jobs(tmp_path):
    ledger = Ledger(tmp_path / "sweep")
    assert ledger.read() == []
    ten, two = Outcome(10, "model=srcnn"), Outcome(2, "model=vdsr", error="no", code=2)
    for one in (ten, two):
        ledger.write(one)
    assert ledger.read() == [two, ten]
    done = Outcome(10, "model=srcnn", folder="runs/srcnn")
    ledger.write(done)
    assert ledger.read() == [two, done]
    ledger.remove()
    assert ledger.read() == [] and not (tmp_path / "sweep").exists()
    ledger.remove()


def test_a_ledger_knows_of_an_interruption(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.write(Outcome(0, "seed=0", error="diverged", code=1))
    assert not ledger.interrupted()
    ledger.write(Outcome(1, "seed=1", error="stopped", code=INTERRUPTED))
    assert ledger.interrupted()


def test_a_killed_job_leaves_that_it_began(tmp_path):
    code = f"""
import os
from pathlib import Path
from gan_bench.jobs import Ledger, Outcome
Ledger(Path({str(tmp_path)!r})).write(Outcome(3, "model=srcnn"))
os.kill(os.getpid(), 9)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    assert Ledger(tmp_path).read() == [Outcome(3, "model=srcnn")]


def test_lines_go_on_whole_with_their_head_once():
    stream = io.StringIO()
    lines = Lines(stream, "[2/3]")
    for text in ("warning: a", " b\nerror: c\n[2/3] d\n\n", "e"):
        lines.write(text)
    assert stream.getvalue() == "[2/3] warning: a b\n[2/3] error: c\n[2/3] d\n\n"
    lines.end()
    lines.end()
    assert stream.getvalue().endswith("\n\n[2/3] e\n")
    assert not lines.isatty()


def test_a_job_is_no_terminal_and_its_lines_have_its_number(capsys):
    with heard_with_number(2, 3):
        assert not sys.stderr.isatty()
        print("one\ntwo", file=sys.stderr)
        print("half", end="", file=sys.stderr)
    print("after", file=sys.stderr)
    assert capsys.readouterr().err == "[2/3] one\n[2/3] two\n[2/3] half\nafter\n"


def test_lines_of_two_processes_are_not_mixed(tmp_path):
    code = """
import sys
from gan_bench.jobs import heard_with_number
with heard_with_number(int(sys.argv[1]), 2):
    for _ in range(300):
        for part in ("a", "b" * 200, "c", chr(10)):
            sys.stderr.write(part)
"""
    with (tmp_path / "told").open("ab") as file:
        both = [subprocess.Popen([sys.executable, "-c", code, str(one)], stderr=file) for one in (1, 2)]
        assert [one.wait() for one in both] == [0, 0]
    lines = (tmp_path / "told").read_text().splitlines()
    assert sorted(lines) == [f"[{one}/2] a{'b' * 200}c" for one in (1, 2) for _ in range(300)]


@pytest.mark.parametrize(
    ("visible", "count", "taken"),
    [(None, 4, ["0", "1", "2", "3", "0"]), ("2,5", 2, ["2", "5", "2", "5", "2"]), (None, 1, [None] * 5)],
)
def test_processes_are_spread_over_the_gpus_that_are_visible(monkeypatch, visible, count, taken):
    found = []
    for number in range(5):
        monkeypatch.setattr(jobs, "_TAKEN", [])
        monkeypatch.setattr("torch.cuda.device_count", lambda: count)
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        if visible:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        take_gpu(number)
        found.append(os.environ.get("CUDA_VISIBLE_DEVICES"))
        take_gpu(number + 1)  # a second job in the same process
        assert os.environ.get("CUDA_VISIBLE_DEVICES") == found[-1]
    assert found == taken
