"""How fast a generator restores: milliseconds per megapixel and frames per second, by precision and memory layout."""

from __future__ import annotations

import copy
import math
import statistics
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from gan_bench.batch import Batch
from gan_bench.perf.place import seconds, waiting_for
from gan_bench.restorers import NetworkRestorer, Origin

__all__ = ["FRAMES", "inference"]

FRAMES = {"720p": (720, 1280), "1080p": (1080, 1920)}
PLAIN = "plain float32"
FIRST_LOOK = 96  # side of the lq tile by which the time of a frame is guessed
PATIENCE = 20.0  # seconds for a frame in all its rounds; what takes longer is measured on a tile

Way = Callable[[Tensor], Any]


@torch.no_grad()
def inference(network: nn.Module, scale: int, num_in_ch: int, device: torch.device, rounds: int) -> dict[str, Any]:
    """Time a network on frames whose output is of a film's size, every way in turn in each round.

    Args:
        network: (B, C, h, w) -> (B, C, h*scale, w*scale).
        scale: output over lq.
        num_in_ch: its channels.
        device: on which.
        rounds: to measure, behind one to warm up.

    Returns:
        by frame: `lq` (width and height), `measured_on` (that, or of a tile from which all numbers are extrapolated by
        the number of pixels), and of each way `ms`, `fps`, `ms_per_megapixel_lq`, `ms_per_megapixel_output` and
        `times_plain`.
    """
    ways = _ways(copy.deepcopy(network).eval().to(device), scale, num_in_ch)
    wait = waiting_for(device)
    look = torch.rand(1, num_in_ch, FIRST_LOOK, FIRST_LOOK, device=device)
    ways[PLAIN](look)
    per_pixel = seconds(lambda: ways[PLAIN](look), wait) / FIRST_LOOK**2
    found = {}
    for name, (height, width) in FRAMES.items():
        size = math.ceil(height / scale), math.ceil(width / scale)
        found[name] = _of_a_frame(ways, size, scale, per_pixel, look, rounds)
        per_pixel = found[name]["ways"][PLAIN]["ms_per_megapixel_lq"] / 1e9  # of a large image more than of a tile
    return found


def _ways(network: nn.Module, scale: int, num_in_ch: int) -> dict[str, Way]:
    """Ours as it restores, and the network alone in each precision and layout, of which the first is the plain one."""
    device = next(network.parameters()).device
    contiguous = copy.deepcopy(network).to(memory_format=torch.contiguous_format)
    channels_last = copy.deepcopy(network).to(memory_format=torch.channels_last)
    restorer = NetworkRestorer(contiguous, scale, num_in_ch, Origin(model="perf"))  # as weights come from a file

    def in_bfloat16(one: nn.Module) -> Way:
        def way(lq: Tensor) -> Tensor:
            with torch.autocast(device.type, torch.bfloat16):
                restored: Tensor = one(lq)
            return restored

        return way

    return {
        "gan-bench restore": lambda lq: restorer.restore(Batch(lq, lq, ("frame",))),
        PLAIN: contiguous,
        "float32, channels_last": channels_last,
        "bfloat16": in_bfloat16(contiguous),
        "bfloat16, channels_last": in_bfloat16(channels_last),
    }


def _of_a_frame(
    ways: dict[str, Way], size: tuple[int, int], scale: int, per_pixel: float, like: Tensor, rounds: int
) -> dict[str, Any]:
    height, width = _measured_on(size, per_pixel, rounds)
    lq = torch.rand(*like.shape[:2], height, width, device=like.device)
    frame, share = size[0] * size[1], size[0] * size[1] / (height * width)
    wait, times = waiting_for(like.device), {name: list[float]() for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            taken = seconds(lambda: way(lq), wait)  # noqa: B023
            if number:
                times[name].append(taken * share)
    plain = times[PLAIN]
    found = {}
    for name, own in times.items():
        ms = 1e3 * statistics.median(own)
        found[name] = {
            "ms": ms,
            "fps": 1e3 / ms,
            "ms_per_megapixel_lq": ms / frame * 1e6,
            "ms_per_megapixel_output": ms / frame / scale**2 * 1e6,
            "times_plain": statistics.median(one / other for one, other in zip(plain, own, strict=True)),
        }
    return {"lq": list(reversed(size)), "measured_on": [width, height], "ways": found}


def _measured_on(size: tuple[int, int], per_pixel: float, rounds: int) -> tuple[int, int]:
    """The frame, or the largest square of whole eights that keeps within what one waits for."""
    pixels = PATIENCE / (rounds + 1) / per_pixel
    if size[0] * size[1] <= pixels:
        return size
    side = max(FIRST_LOOK, int(math.sqrt(pixels)) // 8 * 8)
    return min(side, size[0]), min(side, size[1])
