"""What a device is asked for and what it can give: floating-point operations of a step, and those of a large matmul."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from gan_bench.perf.place import seconds, waiting_for

__all__ = ["counted", "dtype_of", "matmul_peak"]

SIDE = {"cuda": 8192, "cpu": 2048}
TRIES = 10


def counted(function: Callable[..., Any], counts: list[int]) -> Callable[..., Any]:
    """A function whose convolutions and matmuls, forward and backward, are counted; a multiply-add is two.

    Args:
        function: to be called.
        counts: grows by the count of each call.
    """

    def call(*given: Any, **named: Any) -> Any:
        with FlopCounterMode(display=False) as counter:
            result = function(*given, **named)
        counts.append(counter.get_total_flops())
        return result

    return call


def matmul_peak(device: torch.device, dtype: torch.dtype) -> dict[str, Any]:
    """What a device reaches in a product of two large square matrices: the best of several.

    Args:
        device: on which.
        dtype: of the matrices; float32 uses TF32 where that is on.

    Returns:
        `flops_per_second`, `side` and `dtype`.
    """
    side = SIDE[device.type if device.type in SIDE else "cuda"]
    one, other = (torch.rand(side, side, device=device).to(dtype) for _ in range(2))
    wait = waiting_for(device)
    best = min(seconds(lambda: one @ other, wait) for _ in range(TRIES))
    return {"flops_per_second": 2 * side**3 / best, "side": side, "dtype": str(dtype).removeprefix("torch.")}


def dtype_of(precision: str) -> torch.dtype:
    """In which most products of a step are computed, by Lightning's word for it."""
    return {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}.get(precision, torch.float32)
