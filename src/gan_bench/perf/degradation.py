"""`gan-bench perf --degradation NAME`: images per second, by step, beside two references, interleaved in one run.

The references are no part of the package: they lie in tests/references/ of a source checkout, plain and easy to check.
A is the same chain image by image with OpenCV and NumPy; B is the batched way of the published training code: dense
kernels of one size, `unique` and a Poisson draw for every image.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor

from gan_bench.chance import generator
from gan_bench.config import build, degradation_node, plain, typed_values
from gan_bench.data import Photos, describe
from gan_bench.data.sampler import Crops
from gan_bench.degradations import Chain, Degradation, Draw
from gan_bench.errors import UsageError
from gan_bench.perf.place import reference, table, threads
from gan_bench.provenance import provenance

__all__ = ["measure", "show"]

Way = Callable[[Tensor, Draw], Any]
Step = Callable[[np.ndarray, dict[str, Any], tuple[int, int]], np.ndarray]
Work = tuple[Tensor, Draw]
OURS, A, B = "gan-bench", "reference A", "reference B"


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Images per second of ours and of the references.

    Args:
        arguments: of the command line.

    Returns:
        what JSON can hold.

    Raises:
        UsageError: a degradation, value or size that cannot be.
    """
    given = typed_values(arguments.set, arguments.scale)
    node = degradation_node(arguments.degradation, given, arguments.scale)
    config = plain(node)
    degradation: Degradation = build(node, key="degradation")
    works = _works(arguments, degradation)
    references = _references(degradation)
    ways = {OURS: _ours(degradation), **references}
    with threads(arguments.threads):
        measured = _measured(ways, works)
        steps = {OURS: _by_step(_steps(degradation), works, degradation.scale)}
        if A in references:
            steps[A] = _by_step(references[A].steps, works, degradation.scale)
    return {
        "degradation": describe(config),
        "gt": arguments.patch,
        "crop": arguments.patch + 2 * degradation.margin,
        **{name: getattr(arguments, name) for name in ("batch", "rounds", "threads")},
        "measured": measured,
        "ms_per_image_by_step": steps,
        "provenance": provenance(config),
    }


def _works(arguments: argparse.Namespace, degradation: Degradation) -> list[Work]:
    """A batch of crops of the bundled photographs, with its draws, for each round and one to warm up with."""
    if arguments.patch % degradation.scale:
        raise UsageError(f"--patch {arguments.patch} is no multiple of the scale {degradation.scale}")
    crops = Crops(Photos().gt["train"], [(0, arguments.patch)], 0, degradation.margin)
    works = []
    for first in range(0, (arguments.rounds + 1) * arguments.batch, arguments.batch):
        positions = range(first, first + arguments.batch)
        rngs = [generator("degradation", 0, position) for position in positions]
        shared = generator("degradation of a batch", 0, first) if degradation.granularity == "batch" else None
        works.append((torch.stack([crops[position].image for position in positions]), degradation.draw(rngs, shared)))
    return works


def _ours(degradation: Degradation) -> Way:
    """Draw and apply; what is drawn here is thrown away, so that all work on equal draws."""

    def way(image: Tensor, draw: Draw) -> Tensor:
        degradation.draw([generator("perf", number) for number in range(len(draw))])
        return degradation.apply(image, draw)

    return way


def _references(degradation: Degradation) -> dict[str, Any]:
    """The two references, as far as they know every operator, where a source checkout has them."""
    module = reference("degradation.py")
    if module is None:
        return {}
    found = {}
    for name, make in ((A, module["ImageByImage"]), (B, module["AsPublished"])):
        try:
            found[name] = make(degradation)
        except NotImplementedError as error:
            print(f"note: {name} is left out, it has no {error}", file=sys.stderr)
    return found


def _measured(ways: dict[str, Way], works: list[Work]) -> dict[str, dict[str, float]]:
    """Every way in turn on each batch; the first batch only warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    console = Console(stderr=True)
    for number, (image, draw) in enumerate(track(works, "measuring", console=console, disable=not console.is_terminal)):
        for name, way in ways.items():
            start = time.perf_counter()
            way(image, draw)
            if number:
                seconds[name].append((time.perf_counter() - start) / len(draw))
    return {name: _summary(times, seconds[OURS]) for name, times in seconds.items()}


def _summary(times: list[float], ours: list[float]) -> dict[str, float]:
    return {
        "images_per_second": 1 / statistics.fmean(times),
        "ms_per_image": 1e3 * statistics.fmean(times),
        "times_as_long_as_ours": statistics.fmean(times) / statistics.fmean(ours),
        "times_as_long_least_of_a_round": min(one / own for one, own in zip(times, ours, strict=True)),
    }


def _steps(degradation: Degradation) -> dict[str, Step]:
    if isinstance(degradation, Chain):
        return {name: step.on_pixels for name, step in degradation.steps.items()}
    return {"all": degradation.on_pixels}


def _by_step(steps: dict[str, Step], works: list[Work], scale: int) -> dict[str, float]:
    """Milliseconds per image of each step of a chain, image by image."""
    seconds = dict.fromkeys(steps, 0.0)
    count = 0
    for image, draw in works[1:]:
        lq_size = (image.shape[-2] // scale, image.shape[-1] // scale)
        for one, drawn in zip(image, draw, strict=True):
            pixels, count = np.ascontiguousarray(one.permute(1, 2, 0).numpy()), count + 1
            for name, step in steps.items():
                start = time.perf_counter()
                pixels = np.atleast_3d(step(pixels, drawn.get(name, drawn), lq_size))
                seconds[name] += time.perf_counter() - start
    return {name: 1e3 * time_ / count for name, time_ in seconds.items()}


def show(document: dict[str, Any], console: Console) -> None:
    """Print what `measure` gave, as two tables: the ways, and the steps."""
    size, crop, batch = document["gt"], document["crop"], document["batch"]
    console.print(
        f"{document['degradation']['name']}: {crop}x{crop} degraded, {size}x{size} kept, batch {batch}, "
        f"threads {document['threads']}, mean of {document['rounds']} rounds"
    )
    rows = [(name, *(f"{value:.2f}" for value in row.values())) for name, row in document["measured"].items()]
    console.print(table(("", "images/s", "ms/image", "times ours", "least round"), rows))
    steps = document["ms_per_image_by_step"]
    rows = [(step, *(f"{one[step]:.3f}" for one in steps.values())) for step in steps[OURS]]
    console.print(table(("step, ms/image", *steps), rows))
