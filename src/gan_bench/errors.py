"""The ways in which a command ends without having done its work; each becomes one line on stderr.

A message names the thing, the cause and the way out. Any other exception is a defect of ours and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["GanBenchError", "Stopped", "UsageError", "WorkError", "did_you_mean", "one_line", "out_of_memory"]


class GanBenchError(Exception):
    """An error with a message for the user; `exit_code` is what the command returns."""

    exit_code = 1


class UsageError(GanBenchError):
    """The command or its input is wrong: exit code 2."""

    exit_code = 2


class WorkError(GanBenchError):
    """The command was right and the work, or some of it, failed: exit code 1."""


class Stopped(BaseException):
    """The work was broken off from outside, with all of it saved; no sweep goes on behind it.

    Args:
        message: what happened, and the way on.
        exit_code: 128 and the number of the signal, or 0 where somebody else has taken care of what is left.
    """

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on whatever device: only CUDA has an error of its own for that."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    words = ("allocate memory", "out of memory", "bad_alloc", "ALLOC_FAILED", "could not create a memory")
    told = str(error).strip()
    onednn = told.endswith("could not create a primitive")  # it says no more where memory is short
    return isinstance(error, RuntimeError) and (onednn or any(word in told for word in words))


def one_line(error: object, longest: int | None = None) -> str:
    """What an error of others says, on one line; its class where it says nothing.

    Args:
        error: of a library, or of the system.
        longest: characters that are told; None for all.
    """
    return " ".join(str(error).split())[:longest] or type(error).__name__


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A suggestion ready to be appended to a message.

    Args:
        word: what was typed.
        known: what would have been accepted.

    Returns:
        `"; did you mean 'x'?"` for the nearest known word, else the known words.
    """
    words = sorted(set(known))
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(words)}"
