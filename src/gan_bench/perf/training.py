"""`gan-bench perf model=...`: a training step beside a plain loop in the same run, by part; its memory; restoring."""

from __future__ import annotations

import argparse
import logging
import statistics
from collections.abc import Iterable, Mapping
from typing import Any

import torch

from gan_bench.callbacks import Clock
from gan_bench.models import Recipe
from gan_bench.perf.breakdown import DATA, DEGRADATION, PARTS, Stopwatch
from gan_bench.perf.flops import dtype_of, matmul_peak
from gan_bench.perf.inference import inference
from gan_bench.perf.memory import peaks
from gan_bench.perf.place import fast_float32, threads
from gan_bench.perf.rounds import OURS, PLAIN, TWIN, Rounds
from gan_bench.perf.setup import Training, fit, laid_out, plain_loop, prepared
from gan_bench.perf.show import show
from gan_bench.provenance import provenance

__all__ = ["measure", "show"]

log = logging.getLogger(__name__)

WARM_UP = {"cpu": 2, "cuda": 10}
MOST_WORKERS = 64
TWINS = ("32-true", "bf16-mixed")  # precisions that a bare loop has without a scaler of its own


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Everything that there is to say of a training's speed and memory.

    Args:
        arguments: of the command line.

    Returns:
        what JSON can hold.

    Raises:
        UsageError: overrides that a training would refuse, too, or a model that has no step.
        WorkError: it did not fit into memory.
    """
    overrides, rounds = arguments.overrides, arguments.rounds
    with threads(arguments.threads), fast_float32():
        warm_up = WARM_UP["cuda" if torch.cuda.is_available() else "cpu"]
        with prepared(overrides, Rounds.steps(rounds, warm_up, MOST_WORKERS)) as training:
            model, work, watch = training.model, training.work, Stopwatch()
            document = _facts(training) | {"rounds": rounds, "warm_up": warm_up, "threads": torch.get_num_threads()}
            log.info("measuring steps: %d to warm up, then %d", warm_up, rounds)
            course = Rounds(watch, lambda model: _loops(model, work.precision), rounds, warm_up)
            fit(training, [Clock(), course], watch)
            document |= {"device": _name(course.device), "channels_last": laid_out(model)}
            document |= _findings(course, work.budget("batch"))
            document["flops"] = _flops(course, document, work.precision)
            if arguments.inference:
                log.info("measuring how it restores")
                network, channels = model.product, work.config["model"]["generator"].get("num_in_ch", 3)
                scale = work.degradation.scale
                document["inference"] = inference(network, scale, channels, course.device, min(rounds, 3))
        if arguments.memory:
            log.info("measuring memory, in processes of their own")
            torch.cuda.empty_cache()
            document["memory"] = peaks(overrides, arguments.threads)
    return document | {"provenance": provenance(work.config)}


def _facts(training: Training) -> dict[str, Any]:
    """What is measured."""
    model, work = training.model, training.work
    patch = model.stage.patch or work.budget("patch")
    return {
        "model": work.label,
        "stage": model.stage.name,
        "degradation": work.config["degradation"]["name"],
        "batch": work.budget("batch"),
        "gt": patch,
        "lq": patch // work.degradation.scale,
        "precision": work.precision,
        "accumulate": model.accumulate,
        "compiled": model.compiles,
        "workers": work.workers,
        "budget_steps_before": training.stretched,
        "tf32": torch.cuda.is_available(),
        "parameters": {name: _size(player) for name, player in model.players().items()},
    }


def _size(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def _loops(model: Recipe, precision: str) -> dict[str, Any]:
    """The plain loop and the bare twin, where there are such."""
    loops = {PLAIN: plain_loop(model)}
    if loops[PLAIN] is not None and precision in TWINS:
        switches = {"channels_last": laid_out(model), "autocast": precision == "bf16-mixed"}
        fused = bool(model.make_optimizer.keywords.get("fused"))
        loops[TWIN] = plain_loop(model, **switches, fused=fused, compile=model.compiles)
    return {name: loop for name, loop in loops.items() if loop is not None}


def _findings(course: Rounds, batch: int) -> dict[str, Any]:
    """Medians and ratios of the interleaved rounds, and what the others gave."""
    fetched = [one[OURS][DATA] + one[OURS][DEGRADATION] for one in course.interleaved]
    steps = {name: [_whole(one[name]) for one in course.interleaved] for name in course.interleaved[0]}
    steps[OURS] = [own - data for own, data in zip(steps[OURS], fetched, strict=True)]
    with_data = {name: [own + data for own, data in zip(one, fetched, strict=True)] for name, one in steps.items()}
    alone, count = sum(course.alone.values()), len(course.interleaved)
    parts = {part: 1e3 * statistics.median(one[part] for one in course.parts) for part in PARTS}
    found: dict[str, Any] = {
        "step": {name: _row(times, steps[OURS]) for name, times in steps.items()},
        "step_with_data": {name: _row(times, with_data[OURS]) for name, times in with_data.items()},
        "alone": {
            "ms": 1e3 * alone / count,
            "images_per_second": batch * count / alone,
            "share_waiting_for_data": course.alone[DATA] / alone,
        },
        "breakdown_ms": parts,
        "bottleneck": max(parts, key=parts.__getitem__),
    }
    if TWIN in steps:
        found["overhead"] = statistics.median(_ratios(steps[OURS], steps[TWIN])) - 1
    return found


def _whole(seconds: float | Mapping[str, float]) -> float:
    """Of ours, the sum of its parts."""
    return sum(seconds.values()) if isinstance(seconds, Mapping) else seconds


def _row(times: list[float], ours: list[float]) -> dict[str, Any]:
    ratios = list(_ratios(times, ours))
    return {
        "ms": 1e3 * statistics.median(times),
        "times_as_long_as_ours": statistics.median(ratios),
        "times_as_long_least_of_a_round": min(ratios),
        "ms_of_each_round": [1e3 * one for one in times],
    }


def _ratios(times: Iterable[float], others: Iterable[float]) -> Iterable[float]:
    return (one / other for one, other in zip(times, others, strict=True))


def _flops(course: Rounds, document: Mapping[str, Any], precision: str) -> dict[str, Any] | None:
    """What the networks of a step ask for, against what the device gives to a matmul; None where none were seen."""
    if not course.flops:
        return None
    peak, per_second = matmul_peak(course.device, dtype_of(precision)), 1e3 * course.flops[0] / document["alone"]["ms"]
    share = per_second / peak["flops_per_second"]
    return {"of_a_step": course.flops[0], "per_second": per_second, "matmul_peak": peak, "utilization": share}
