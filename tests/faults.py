"""Trainings in processes of their own, and what can be done to one: kill it, signal it, starve it. It asserts nothing.

A training is forked from a process that has imported everything and run nothing: it starts at once, and its signals,
limits and death are its own. What is to be done to it is a list of functions that it calls before it trains.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import gan_bench

__all__ = [
    "Ended",
    "Training",
    "at_call",
    "at_step",
    "counted",
    "finds",
    "gives_back",
    "kill",
    "limit",
    "send",
    "typed",
]

Deed = Callable[[], object]

_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(["tests.warm"])


class Ended(NamedTuple):
    """What a process left: its exit code, negative where a signal killed it, and what it said."""

    code: int | None
    out: str
    err: str


class Training:
    """`gan-bench train WORDS` in a process of its own, in a folder.

    Args:
        folder: the working directory.
        words: overrides.
        deeds: what it calls before it trains; they are pickled.
        environment: what is added to this process's.
    """

    def __init__(
        self, folder: Path, *words: str, deeds: Sequence[Deed] = (), environment: dict[str, str] | None = None
    ) -> None:
        os.environ["OMP_NUM_THREADS"] = "1"
        self._said = [_Pipe(folder / f".{name}{time.monotonic_ns()}") for name in ("out", "err")]
        pipes = [pipe.path for pipe in self._said]
        around = {**os.environ, **(environment or {})}
        self._process = _server.Process(target=_train, args=(folder, words, deeds, around, pipes))
        self._process.start()
        self.pid: int = self._process.pid or 0

    def __enter__(self) -> Training:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave no process behind."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.kill()
        self._process.join()
        for pipe in self._said:
            pipe.close()

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._process.is_alive()

    def send(self, number: int, to_all: bool = False) -> None:
        """Send a signal, where it runs: to it, or also to the processes that it started, as a terminal does."""
        with contextlib.suppress(ProcessLookupError):
            (os.killpg if to_all else os.kill)(self.pid, number)

    def until(self, condition: Callable[[], bool], seconds: float = 100) -> None:
        """Wait for what it does.

        Raises:
            RuntimeError: it ended before, or took too long.
        """
        end = time.monotonic() + seconds
        while not condition():
            if not self.runs or time.monotonic() > end:
                raise RuntimeError(f"in vain: {self.wait(0)}")
            time.sleep(0.002)

    def wait(self, seconds: float = 100) -> Ended:
        """Let it end; where it does not in time, its code is None."""
        self._process.join(seconds)
        return Ended(self._process.exitcode, *(pipe.read() for pipe in self._said))


def typed(folder: Path, *words: str) -> subprocess.Popen[str]:
    """The same as a user types it: `python train.py WORDS`, a process group of its own."""
    train = Path(gan_bench.__file__).parents[2] / "train.py"
    return subprocess.Popen(
        [sys.executable, str(train), *words],
        cwd=folder, env={**os.environ, "OMP_NUM_THREADS": "1"}, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


class _Pipe:
    """A named pipe, as a limit on the size of files must not silence what is said; holds 64 KiB."""

    def __init__(self, path: Path) -> None:
        self.path, self._text = path, b""
        os.mkfifo(path)
        self._end: int | None = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    def read(self) -> str:
        """All that came through so far."""
        with contextlib.suppress(BlockingIOError):
            while self._end is not None and (more := os.read(self._end, 65536)):
                self._text += more
        return self._text.decode()

    def close(self) -> None:
        if self._end is not None:
            os.close(self._end)
            self._end = None
            self.path.unlink(missing_ok=True)


def _train(
    folder: Path, words: Sequence[str], deeds: Sequence[Deed], around: dict[str, str], pipes: Sequence[Path]
) -> None:
    for number, path in enumerate(pipes, start=1):
        os.dup2(os.open(path, os.O_WRONLY), number)
    multiprocessing.set_start_method("fork", force=True)  # as where a user starts it
    os.setsid()
    os.environ.update(around)
    os.chdir(folder)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background ignores it
    import torch

    from gan_bench import cli

    torch.set_num_threads(1)
    for deed in deeds:
        deed()
    code = cli.train(list(words))
    sys.stdout.flush()
    sys.stderr.flush()
    sys.exit(code)


# What can be done -----------------------------------------------------------------------------------------------------


def kill() -> None:
    """Die at once."""
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def send(number: int, times: int = 1) -> None:
    """Send this process a signal."""
    for _ in range(times):
        os.kill(os.getpid(), number)


def waits_for(path: Path) -> None:
    """Do nothing until there is a file, and leave one with `.waits` behind its name."""
    path.with_name(f"{path.name}.waits").touch()
    while not path.exists():
        time.sleep(0.01)


def limit(what: int, amount: int, more: bool = False, deadly: bool = False) -> None:
    """Set a limit on this process.

    Args:
        what: `resource.RLIMIT_FSIZE`, bytes of a file, or `resource.RLIMIT_AS`, of memory.
        amount: of bytes.
        more: above what it has taken already.
        deadly: let the system kill this process where a file would grow beyond the limit.
    """
    if deadly:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it, and sees an error
    if more:
        amount += int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(what, (amount, amount))


def finds(folder: Path) -> None:
    """Let this process import what lies in a folder, as PYTHONPATH does."""
    sys.path.insert(0, str(folder))


def gives_back() -> None:
    """Let memory that is free return to the system at once, and reserve none, so that a limit on it is felt."""
    m_mmap_threshold, m_arena_max = -3, -8
    ctypes.CDLL(None).mallopt(m_mmap_threshold, 65536)
    ctypes.CDLL(None).mallopt(m_arena_max, 1)


def at_step(step: int, deed: Deed, before: bool = False) -> None:
    """Call a deed in a step, counted from 1: when it has learnt, and nothing is saved; or before it learns."""
    from gan_bench.models import Recipe

    steps = Recipe.training_step

    def training_step(self: Any, *given: Any) -> Any:
        at = self.step + 1 == step
        if at and before:
            deed()
        result = steps(self, *given)
        if at and not before:
            deed()
        return result

    setattr(Recipe, "training_step", training_step)  # noqa: B010


CALLS = ("fsync", "replace", "rename")


def at_call(number: int, deed: Deed, after: bool = False, calls: Sequence[str] = CALLS, of: str = "") -> None:
    """Call a deed at the n-th call, from 1, by which a file becomes safe.

    Args:
        number: n.
        deed: to call.
        after: instead of before.
        calls: of module os.
        of: counts only calls that are given a path with this in it.
    """

    def called(name: str, count: int, is_after: bool) -> None:
        if count == number and after == is_after:
            deed()

    _watch(called, calls, of)


def counted(path: Path) -> None:
    """Leave in a file how often this process does what `at_call` counts."""

    def called(name: str, count: int, is_after: bool) -> None:
        if is_after:
            path.write_text(str(count))

    _watch(called, CALLS, "")


def _watch(called: Callable[[str, int, bool], None], calls: Sequence[str], of: str) -> None:
    """Have a function told of each call of a few of module os, before and after it."""
    numbers = itertools.count(1)

    def watched(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **words: Any) -> Any:
            if of and not any(of in str(one) for one in given):
                return real(*given, **words)
            number = next(numbers)
            called(name, number, False)
            result = real(*given, **words)
            called(name, number, True)
            return result

        return call

    for name in calls:
        setattr(os, name, watched(name, getattr(os, name)))
