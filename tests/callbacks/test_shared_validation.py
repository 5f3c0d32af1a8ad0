"""A validation that several processes share: the row of one process in all of them, one panel, no one left waiting."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import validation
from PIL import Image
from tests.ranks import in_ranks
from validation import validate

from gan_bench.callbacks import evaluation as room
from gan_bench.errors import UsageError, WorkError


@pytest.fixture
def folder(tmp_path):
    """Makes a run's folder with so many images."""

    def make(name, count=3):
        (tmp_path / name / "gt").mkdir(parents=True)
        for number in range(count):
            pixels = np.random.default_rng(number).integers(0, 256, (24 + 2 * number, 26, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / "gt" / f"{number}.png")
        return tmp_path / name

    return make


def rows(folder):
    return [
        {name: float(text) for name, text in row.items()} for row in csv.DictReader((folder / "validation.csv").open())
    ]


@pytest.mark.parametrize(("count", "ranks"), [(1, 2), (9, 2), (12, 3), (2, 7)])
def test_all_processes_have_the_row_of_one_process(folder, monkeypatch, count, ranks):
    alone = folder("alone", count)
    expected = validate(alone, 0)
    assert set(expected[0]) == {"step", "psnr", "ssim", "sharpness", "colour"} and rows(alone) == expected
    together, written = folder("together", count), []
    write = room.Evaluation._write_curve
    monkeypatch.setattr(room.Evaluation, "_write_curve", lambda self: (written.append(self), write(self)))
    assert in_ranks(ranks, lambda rank: validate(together, rank)) == [expected] * ranks
    assert rows(together) == expected and len(written) == 1
    [panel] = (together / "panels").iterdir()
    assert panel.read_bytes() == (alone / "panels" / panel.name).read_bytes()


def test_a_network_that_fails_in_one_process_ends_all(folder):
    run = folder("run")
    raised = in_ranks(3, lambda rank: validate(run, rank, fails=rank == 2))
    assert [type(one) for one in raised] == [WorkError] * 3
    assert {str(one) for one in raised} == {"the network: fails here; look elsewhere"}
    assert not (run / "validation.csv").exists()


def test_a_broken_image_ends_all(folder):
    run = folder("run")
    (run / "gt" / "1.png").write_bytes((run / "gt" / "1.png").read_bytes()[:200])
    raised = in_ranks(2, lambda rank: validate(run, rank))
    assert [type(one) for one in raised] == [UsageError] * 2
    assert len({str(one) for one in raised}) == 1 and "1.png" in str(raised[0])


@pytest.mark.parametrize("what", ["write_panel", "csv"])
def test_what_the_first_cannot_write_ends_all(folder, monkeypatch, what):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    run = folder("run")
    if what == "csv":
        monkeypatch.setattr(room.Evaluation, "_write_curve", full)
    else:
        monkeypatch.setattr(room, what, full)
    raised = in_ranks(2, lambda rank: validate(run, rank))
    assert [type(one) for one in raised] == [OSError] * 2 and {one.errno for one in raised} == {28}


@pytest.mark.full
@pytest.mark.parametrize(("count", "processes"), [(3, 2), (1, 2), (5, 3)])
def test_real_processes_share_a_validation(folder, tmp_path, count, processes):
    expected = validate(folder("alone", count), 0)
    run, words = folder("run", count), [sys.executable, str(Path(validation.__file__))]
    started = [
        subprocess.Popen(
            [*words, str(rank), str(processes), str(tmp_path / "store"), str(run)], stdout=subprocess.PIPE, text=True
        )
        for rank in range(processes)
    ]
    told = [json.loads(one.communicate(timeout=120)[0]) for one in started]
    assert [one.returncode for one in started] == [0] * processes
    assert [one["curve"] for one in told] == [expected] * processes and rows(run) == expected
    [error] = {one["error"] for one in told}
    assert error == "WorkError: the network: fails here; look elsewhere"
