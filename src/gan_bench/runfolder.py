"""A run's folder: taken by one process at a time, holding one run, never left half-made."""

from __future__ import annotations

import fcntl
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from gan_bench.config import differences, read_yaml, to_yaml
from gan_bench.errors import GanBenchError, UsageError
from gan_bench.files import stray, write_atomically
from gan_bench.started import is_main_process

__all__ = ["claimed"]

BATCH = re.compile(r"budget\.([^:]+\.)?batch: ")  # the one difference with which a training may go on in its folder


@contextmanager
def claimed(folder: Path, config: dict[str, Any], waits: bool = False) -> Iterator[None]:
    """Hold a run folder: made if missing, locked by the system, its config written or compared.

    The lock is the process's own (lockf): a killed run leaves none, not even to processes that it started. A folder
    that this call made is removed again when the run ends in an error before anything was trained.

    Args:
        folder: of the run.
        config: its resolved configuration.
        waits: for another process that has it: it trains nothing, and so will soon be done.

    Raises:
        UsageError: another process has it and is not waited for, it holds another run, or it cannot be written.
    """
    if not is_main_process():
        yield
        return
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise UsageError(
            f"{folder}: cannot be written ({error.strerror}); choose another place with hydra.run.dir=DIR"
        ) from None
    with lock:
        _take(lock, folder, waits)
        try:
            for path in stray(folder):
                path.unlink(missing_ok=True)
            _write_config(folder, config)
            yield
        except GanBenchError:
            _remove(folder, made)
            raise


def _take(lock: Any, folder: Path, waits: bool) -> None:
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
    except (BlockingIOError, PermissionError):
        raise UsageError(
            f"{folder}: another process works on this run; wait for it, or set hydra.run.dir=DIR"
        ) from None


def _write_config(folder: Path, config: dict[str, Any]) -> None:
    path = folder / "config.yaml"
    if not path.exists():
        write_atomically(path, to_yaml(config).encode())
        return
    other = differences(read_yaml(path), config)
    if other and all(BATCH.match(line) for line in other) and not (folder / "generator.safetensors").exists():
        write_atomically(path, to_yaml(config).encode())  # the training says that it goes on otherwise
    elif other:
        raise UsageError(
            f"{folder} holds another run ({other[0]}); choose another place with hydra.run.dir=DIR or remove it"
        )


def _remove(folder: Path, made: list[Path]) -> None:
    """Remove what `claimed` made, unless something of worth is in it."""
    if folder in made and not any(folder.glob("**/*.ckpt")) and not any(folder.glob("results/*.json")):
        shutil.rmtree(folder, ignore_errors=True)
        for parent in made[1:]:
            with suppress(OSError):
                parent.rmdir()
