"""Writing against a full disk, a folder that is a file, and readers that look at any moment."""

import subprocess
import sys
import threading

import pytest

from gan_bench.errors import WorkError
from gan_bench.files import write_atomically

# A process that may write files of 1000 bytes only: for it the disk is full.
FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from gan_bench.errors import WorkError
from gan_bench.files import write_atomically
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_atomically(Path(sys.argv[1]), b"n" * 5000)
except WorkError as error:
    print(error)
    sys.exit(error.exit_code)
"""


def write_on_full_disk(path):
    return subprocess.run([sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, check=False)


def test_content_arrives_and_folders_are_made(tmp_path):
    path = tmp_path / "a" / "b" / "c.bin"
    write_atomically(path, b"one")
    write_atomically(path, memoryview(b"two"))
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


def test_full_disk_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "weights.bin"
    path.write_bytes(b"old")
    done = write_on_full_disk(path)
    assert done.returncode == 1
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1
    assert done.stdout.startswith(f"{path}: cannot be written (File too large)")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_full_disk_leaves_no_first_file_either(tmp_path):
    assert write_on_full_disk(tmp_path / "weights.bin").returncode == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("below", ["file/a.bin", "file/folder/a.bin"])
def test_folder_that_is_a_file_is_one_line(tmp_path, below):
    (tmp_path / "file").write_bytes(b"kept")
    with pytest.raises(WorkError, match=r"^[^\n]*a\.bin: cannot be written \([^\n]+\); [^\n]+$"):
        write_atomically(tmp_path / below, b"new")
    assert (tmp_path / "file").read_bytes() == b"kept"
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_target_that_is_a_folder_is_one_line(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(WorkError, match=r"^[^\n]*a: cannot be written \([^\n]+$"):
        write_atomically(tmp_path / "a", b"new")
    assert list(tmp_path.iterdir()) == [tmp_path / "a"]


def test_an_error_without_words_of_the_system_is_still_named(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("the cloud is gone")

    monkeypatch.setattr("gan_bench.files.os.fsync", refuse)
    with pytest.raises(WorkError, match="the cloud is gone"):
        write_atomically(tmp_path / "a", b"new")
    assert list(tmp_path.iterdir()) == []


def test_a_reader_never_sees_a_part(tmp_path):
    path, contents = tmp_path / "a", [letter * 300_000 for letter in (b"x", b"y", b"z")]
    write_atomically(path, contents[0])
    seen, stop = set(), threading.Event()

    def look():
        while not stop.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=look)
    reader.start()
    for number in range(30):
        write_atomically(path, contents[number % 3])
    stop.set()
    reader.join()
    assert seen <= set(contents)
