"""The two ways in which a command ends without having done its work; both become one line on stderr.

A message names the thing, the cause and the way out. Any other exception is a defect of ours and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["GanBenchError", "UsageError", "WorkError", "did_you_mean"]


class GanBenchError(Exception):
    """An error with a message for the user; `exit_code` is what the command returns."""

    exit_code = 1


class UsageError(GanBenchError):
    """The command or its input is wrong: exit code 2."""

    exit_code = 2


class WorkError(GanBenchError):
    """The command was right and the work, or some of it, failed: exit code 1."""


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
