"""What every measurement here takes place in: threads, a device to wait for, references to measure against, tables."""

from __future__ import annotations

import runpy
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import torch
from rich import box
from rich.table import Table

import gan_bench

__all__ = ["fast_float32", "reference", "seconds", "table", "threads", "waiting_for"]


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """Torch and OpenCV on so many threads; None leaves them as they are."""
    before = torch.get_num_threads(), cv2.getNumThreads()
    if count is not None:
        torch.set_num_threads(count)
        cv2.setNumThreads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])


@contextmanager
def fast_float32() -> Iterator[None]:
    """Float32 in TF32 where a GPU has it, for all that is measured; so no reference is slow by a setting."""
    chosen = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    if torch.cuda.is_available():
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.allow_tf32 = True
    try:
        yield
    finally:
        if torch.cuda.is_available():
            torch.set_float32_matmul_precision(chosen[0])
            torch.backends.cudnn.allow_tf32 = chosen[1]


def waiting_for(device: torch.device) -> Callable[[], None]:
    """What waits until a device has done all it was given; nothing on a CPU, which works at once."""
    return torch.cuda.synchronize if device.type == "cuda" else _nothing


def _nothing() -> None:
    pass


def seconds(work: Callable[[], Any], wait: Callable[[], None]) -> float:
    """How long some work takes, until the device is done with it."""
    wait()
    start = time.perf_counter()
    work()
    wait()
    return time.perf_counter() - start


def reference(file: str) -> dict[str, Any] | None:
    """The names of a file of tests/references/; None where this is no source checkout, which is said."""
    path = Path(gan_bench.__file__).parents[2] / "tests" / "references" / file
    if path.is_file():
        return runpy.run_path(str(path))
    print("note: the references lie in tests/ of a source checkout; only gan-bench is measured", file=sys.stderr)
    return None


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Words on the left, numbers on the right."""
    made = Table(box=box.SIMPLE_HEAD, show_edge=False)
    for number, head in enumerate(heads):
        made.add_column(head, justify="right" if number else "left")
    for row in rows:
        made.add_row(*row)
    return made
