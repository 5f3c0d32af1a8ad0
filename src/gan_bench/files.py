"""How bytes reach the disk: whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from gan_bench.errors import WorkError

__all__ = ["in_a_name", "replacing", "stray", "write_atomically", "write_new"]


def in_a_name(text: str) -> str:
    """Text as part of a file's name: letters, digits and `_.-`; where that changes it, with 8 digits of its digest."""
    safe = re.sub(r"[^\w.-]", "-", text)
    digest = hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()
    return safe if safe == text else f"{safe}-{digest[:8]}"


class _TakenError(Exception):
    """A file of that name is there."""


def write_atomically(path: Path, data: bytes | memoryview) -> None:
    """Write so that a reader, and a machine that loses power, sees the old file or the new one, never a part of one.

    Args:
        path: its folder is made if missing.
        data: the whole content.

    Raises:
        WorkError: it cannot be written; nothing is left behind.
    """
    with replacing(path) as file:
        file.write(data)


def write_new(path: Path, data: bytes) -> bool:
    """Write as `write_atomically` does, but never over a file that is there, even if it came a moment ago.

    Args:
        path: its folder is made if missing.
        data: the whole content.

    Returns:
        Whether it was written.

    Raises:
        WorkError: it cannot be written; nothing is left behind.
    """
    if path.exists():
        return False
    try:
        with replacing(path, over=False) as file:
            file.write(data)
    except _TakenError:
        return False
    return True


@contextmanager
def replacing(path: Path, over: bool = True) -> Iterator[BinaryIO]:
    """A file to write into, which takes the place of `path` when it is complete and on the disk.

    Args:
        path: its folder is made if missing.
        over: whether a file that is there is replaced.

    Yields:
        A file under another name, removed where something fails; a process that is killed leaves it, see `stray`.

    Raises:
        WorkError: it cannot be written; nothing is left behind.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if over:
            temporary.replace(path)
        else:
            _take_name(temporary, path)
        _flush_folder(path.parent)
    except OSError as error:
        cause = error.strerror or error
        raise WorkError(f"{path}: cannot be written ({cause}); make room or choose another folder") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _take_name(temporary: Path, path: Path) -> None:
    """Give a file a name that nobody has; where the system knows no links, nobody is asked at the same moment."""
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        raise _TakenError from None
    except OSError:
        if path.exists():
            raise _TakenError from None
        temporary.replace(path)


def stray(folder: Path) -> list[Path]:
    """What killed processes left of unfinished files below a folder; ask only where nobody writes into it."""
    return sorted(folder.rglob(".*.tmp"))


def _flush_folder(folder: Path) -> None:
    """Bring a new name to the disk; some systems cannot."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
