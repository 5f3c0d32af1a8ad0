"""Many processes write results into one folder, and some are killed: what is there is whole, and the board is right."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from seeds import result

from gan_bench.benchmark import board, find
from gan_bench.errors import WorkError
from gan_bench.files import write_new

CODE = """
import sys
from pathlib import Path
from seeds import result
number, folder = int(sys.argv[1]), Path(sys.argv[2])
for seed in range(10_000):
    images = {"psnr": [20.0 + number + seed / 1000 + image for image in range(50)]}
    print(result(f"writer{number}", images, seed).write(folder).name, flush=True)
"""


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.full), pytest.param(2, marks=pytest.mark.full)])
def test_eight_writers_killed_at_random_leave_whole_results(tmp_path, seed):
    folder, chance = tmp_path / "results", random.Random(seed)  # noqa: S311
    words = [sys.executable, "-c", CODE]
    places = {"cwd": Path(__file__).parent, "stdout": subprocess.PIPE, "text": True}
    writers = [subprocess.Popen([*words, str(number), str(folder)], **places) for number in range(8)]
    while len(list(folder.glob("*.json"))) < 24:
        time.sleep(0.05)
    for writer in chance.sample(writers, 8):
        time.sleep(chance.uniform(0, 0.1))
        writer.send_signal(signal.SIGKILL)
    said = [name for writer in writers for name in writer.communicate()[0].splitlines()]
    found, left_out = find(folder)
    assert left_out == []
    assert set(said) <= {one.path.name for one in found}
    for one in found:
        number, trained = int(one.what["label"].removeprefix("writer")), one.what["seed"]
        assert one.scores["psnr"] == pytest.approx(20 + number + trained / 1000 + 24.5)
        assert len(one.images) == 50
    [table] = board(found).tables
    written = {one.what["label"] for one in found}
    assert set(table.labels) == written
    assert list(table.labels) == sorted(written, reverse=True)  # the number of a writer decides its score


def test_of_two_writers_of_one_result_neither_overwrites_the_other(tmp_path):
    one = result("a", {"psnr": [1.0, 2.0]})
    other = result("a", {"psnr": [1.0, 3.0]})
    path = one.write(tmp_path)
    before = path.read_bytes()
    with pytest.raises(WorkError, match="holds another result under the same key"):
        other.write(tmp_path)
    assert path.read_bytes() == before


def test_a_file_that_came_in_the_last_moment_stays(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    path.write_bytes(b"first")
    monkeypatch.setattr(Path, "exists", lambda self: False)  # as if it had come after the question
    assert write_new(path, b"second") is False
    assert path.read_bytes() == b"first"
    assert [one.name for one in tmp_path.iterdir()] == ["a.json"]
