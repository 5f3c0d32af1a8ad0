"""What the jobs of a sweep leave for the process that waits for them, and how they speak; nothing here starts one.

A launcher may put jobs into other processes and on other machines, and any of them may be killed. So what became of
each is a small file beside the runs, written when it begins and again when it ends.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

from gan_bench.files import write_atomically

__all__ = ["INTERRUPTED", "Ledger", "Lines", "Outcome", "heard_with_number", "take_gpu"]

INTERRUPTED = 130  # what a command returns that Ctrl-C ended


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Attributes:
        number: of the job, from 0.
        words: the overrides that are its own.
        folder: of its run, where that is complete.
        error: why it is not, in one line; it lacks both while it works, and for ever where it was killed.
        code: what a command with this job alone would have returned.
    """

    number: int
    words: str
    folder: str | None = None
    error: str | None = None
    code: int = 0


class Ledger:
    """The outcomes of one sweep's jobs, a file for each.

    Args:
        folder: theirs alone, on a disk that all jobs see.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, outcome: Outcome) -> None:
        """Keep what is known of a job, in the place of what was known before.

        Raises:
            WorkError: it cannot be written.
        """
        write_atomically(self.folder / f"{outcome.number}.json", json.dumps(asdict(outcome)).encode())

    def read(self) -> list[Outcome]:
        """What is known of the jobs that began, by their number."""
        found = [Outcome(**json.loads(path.read_bytes())) for path in self.folder.glob("*.json")]
        return sorted(found, key=lambda one: one.number)

    def interrupted(self) -> bool:
        """Whether the user stopped a job: those that wait are not wanted any more."""
        return any(one.code == INTERRUPTED for one in self.read())

    def remove(self) -> None:
        """Forget all."""
        shutil.rmtree(self.folder, ignore_errors=True)


class Lines(io.TextIOBase):
    """A stream that gives another one whole lines, each with a head, and is no terminal: several may share that one.

    Args:
        stream: where the lines go.
        head: before each line that does not begin with it.
    """

    def __init__(self, stream: TextIO, head: str) -> None:
        self.stream, self.head = stream, head
        self._begun = ""

    def write(self, text: str) -> int:
        """Pass on the lines that are complete."""
        *lines, self._begun = (self._begun + text).split("\n")
        if lines:
            self.stream.write("".join(f"{self._headed(line)}\n" for line in lines))
            self.stream.flush()
        return len(text)

    def end(self) -> None:
        """Pass on what is left."""
        if self._begun:
            self.write("\n")

    def isatty(self) -> bool:
        """No: nobody draws here."""
        return False

    def writable(self) -> bool:
        """Yes."""
        return True

    def fileno(self) -> int:
        """That of the other stream."""
        return self.stream.fileno()

    def _headed(self, line: str) -> str:
        return line if not line or line.startswith(self.head) else f"{self.head} {line}"


@contextmanager
def heard_with_number(number: int, count: int) -> Iterator[None]:
    """Let a job that is not alone speak in whole lines, with its number from 1."""
    lines = Lines(sys.stderr, f"[{number}/{count}]")
    with redirect_stderr(lines):
        try:
            yield
        finally:
            lines.end()


_TAKEN: list[str] = []


def take_gpu(number: int) -> None:
    """Spread the processes that share a machine over its GPUs; each keeps the one of its first job.

    Args:
        number: of the job, from 0.
    """
    import torch

    count = torch.cuda.device_count()  # begins to use none
    if _TAKEN or count < 2:
        return
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = visible.split(",") if visible else [str(one) for one in range(count)]
    _TAKEN.append(names[number % count])
    os.environ["CUDA_VISIBLE_DEVICES"] = _TAKEN[0]
