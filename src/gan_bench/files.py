"""How bytes reach the disk: whole or not at all."""

from __future__ import annotations

import os
import uuid
from contextlib import suppress
from pathlib import Path

from gan_bench.errors import WorkError

__all__ = ["write_atomically"]


def write_atomically(path: Path, data: bytes | memoryview) -> None:
    """Write so that a reader, and a machine that loses power, sees the old file or the new one, never a part of one.

    Args:
        path: its folder is made if missing.
        data: the whole content.

    Raises:
        WorkError: it cannot be written; nothing is left behind.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        cause = error.strerror or error
        raise WorkError(f"{path}: cannot be written ({cause}); make room or choose another folder") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
