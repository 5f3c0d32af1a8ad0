"""What restoring costs: time, operations and memory for a megapixel of output, measured once and warm."""

from __future__ import annotations

import ctypes
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from gan_bench.batch import Batch
from gan_bench.chance import undisturbed
from gan_bench.errors import GanBenchError
from gan_bench.provenance import processor
from gan_bench.restorers.base import Restorer

__all__ = ["inference_cost", "machine_of"]

SIDE: Final = 256  # pixels of the output
ROUNDS: Final = 5
PATIENCE: Final = 6.0  # seconds for all rounds


def inference_cost(restorer: Restorer, scale: int, channels: int = 3) -> dict[str, Any] | None:
    """Restore one square of noise several times, as any image is restored: in float32, all overhead included.

    Args:
        restorer: of networks or interpolation; what only reads files has no such cost.
        scale: gt over lq.
        channels: of the lq image.

    Returns:
        `ms_per_megapixel` of output (the median of `rounds`, behind two to warm up), `flops_per_megapixel` (of
        convolutions and products of matrices; a multiply-add is two), `peak_bytes` (above what was in use before; None
        where the system does not tell), `tile` (height and width of lq), `precision`, `machine` and `stack`. None for
        what computes nothing, or takes no such image.
    """
    if not getattr(restorer, "computes", True):
        return None
    side = max(1, SIDE // scale)
    noise = torch.rand(1, channels, side, side, generator=torch.Generator().manual_seed(0))
    batch, pixels = Batch(noise, noise, ("cost",)), (side * scale) ** 2
    device = getattr(restorer, "device", torch.device("cpu"))
    with undisturbed([device] if device.type == "cuda" else []):
        try:
            with FlopCounterMode(display=False) as counter:
                restorer.restore(batch)
        except GanBenchError:  # another number of channels: what it was judged on decides what is measured
            return None
        peak = _peak(lambda: restorer.restore(batch), device)
        times = _times(lambda: restorer.restore(batch))
    return {
        "ms_per_megapixel": 1e9 * statistics.median(times) / pixels,
        "flops_per_megapixel": round(1e6 * counter.get_total_flops() / pixels),
        "peak_bytes": peak,
        "rounds": len(times),
        "tile": [side, side],
        "precision": "float32",
        "machine": machine_of(device),
        "stack": f"torch {torch.__version__.partition('+')[0]}",
    }


def _times(work: Callable[[], Tensor]) -> list[float]:
    """Seconds of each round; the result is on the CPU, so it is done."""
    times: list[float] = []
    while not times or (len(times) < ROUNDS and sum(times) + times[-1] < PATIENCE):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return times


def _peak(work: Callable[[], Tensor], device: torch.device) -> int | None:
    """Bytes that a call has at most beyond those before it: on a GPU what torch allocates, on Linux the process's."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        work()
        return torch.cuda.max_memory_allocated(device) - before
    try:
        if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):  # glibc keeps what was freed, for the next call
            trim(0)
        Path("/proc/self/clear_refs").write_text("5")  # the high-water mark is now what there is
    except (OSError, TypeError):  # no Linux, or one that does not let its processes
        return None
    resident = _resident("VmRSS")
    work()
    return max(0, _resident("VmHWM") - resident)


def _resident(field: str) -> int:
    """A line of Linux's account of this process, in bytes."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return 1024 * int(lines[field].split()[0])


def machine_of(device: torch.device) -> str:
    """On what is computed: the name of a GPU, or of the processor with the number of threads.

    Args:
        device: of torch.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"{processor()} · {threads} thread{'s' * (threads != 1)}"
