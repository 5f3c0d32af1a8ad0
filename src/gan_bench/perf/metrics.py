"""`gan-bench perf --metrics`: SSIM and PSNR of one pair, beside how others compute them, in turn in one run.

The references are no part of the package: they lie in tests/references/ of a source checkout. All take the same two
planes of rounded luma, in the form that each wants; making that form is timed for none.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import torch
from rich.console import Console

from gan_bench.data import Photos
from gan_bench.image import to_tensor
from gan_bench.metrics import get_protocol, psnr, ssim
from gan_bench.perf.place import reference, seconds, table, threads, waiting_for
from gan_bench.provenance import provenance
from gan_bench.resize import downscale, upscale

__all__ = ["measure", "show"]

OURS, PYIQA = "gan-bench", "pyiqa"
PHOTO = "astronaut"  # 512x512 pixels
MEASURES: Final = {"ssim": ssim, "psnr": psnr}
EXACT: Final = 1e-9  # how far ours may be from the float64 reference
BARS: Final = {"ssim": {PYIQA: 20.0, "OpenCV filter2D": 2.0}}  # how many times as long as ours these should take

Way = Callable[[], float]


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Milliseconds and values of ours and of the references.

    Args:
        arguments: of the command line.

    Returns:
        what JSON can hold.
    """
    restored, gt = _pair()
    found = {}
    with threads(arguments.threads):
        for name in MEASURES:
            ways, exact = _ways(name, restored, gt)
            found[name] = _rows(ways, exact, arguments.rounds, BARS.get(name, {}))
    size = list(gt.shape[1:])
    return {
        "pair": f"{PHOTO} and its mean with bicubic x2, rounded luma",
        "size": size,
        "rounds": arguments.rounds,
        "threads": arguments.threads,
        "metrics": found,
        "provenance": provenance(),
    }


def _pair() -> tuple[np.ndarray, np.ndarray]:
    """Restored and gt, each (1, 512, 512) float64 whole numbers; blurred, but no detail turned into its negative."""
    photos = Photos().gt["test"]
    gt = to_tensor(photos[photos.names.index(PHOTO)])
    restored = (gt + upscale(downscale(gt[None], 2), 2).clamp(0, 1)[0]) / 2
    return get_protocol("y").prepare(restored, gt, 1)


def _ways(name: str, a: np.ndarray, b: np.ndarray) -> tuple[dict[str, Way], str | None]:
    """Ours and the references by name, and which of them is the exact one; None where there are no references."""
    ways: dict[str, Way] = {OURS: lambda: MEASURES[name](a, b)}
    module = reference("metrics.py")
    if module is None:
        return ways, None
    made = dict(module["REFERENCES"][name])
    exact = next(iter(made))
    try:
        made[PYIQA] = module["of_pyiqa"](name)
    except ImportError as error:
        print(f"note: {PYIQA} is left out: {error}", file=sys.stderr)
    return ways | {one: make(a[0], b[0]) for one, make in made.items()}, exact


def _rows(ways: dict[str, Way], exact: str | None, rounds: int, bars: dict[str, float]) -> dict[str, Any]:
    """Every way in turn in each round, behind one to warm up."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    wait = waiting_for(torch.device("cpu"))
    for number in range(rounds + 1):
        for name, way in ways.items():
            taken = seconds(way, wait)
            if number:
                times[name].append(taken)
    values = {name: float(way()) for name, way in ways.items()}
    rows: dict[str, Any] = {}
    for name, own in times.items():
        ratio = statistics.median(one / ours for one, ours in zip(own, times[OURS], strict=True))
        rows[name] = {
            "ms": 1e3 * statistics.median(own),
            "times_as_long_as_ours": ratio,
            "value": values[name],
            "difference": None if exact is None else abs(values[name] - values[exact]),
            "kept": ratio >= bars[name] if name in bars else None,
        }
    if exact is not None:
        rows[OURS]["kept"] = rows[OURS]["difference"] <= EXACT
    return rows


def show(document: dict[str, Any], console: Console) -> None:
    """Print what `measure` gave, a table for each metric."""
    height, width = document["size"]
    for line in (
        f"{document['pair']}, {width}x{height}",
        f"float64, threads {document['threads']}, median of {document['rounds']} rounds",
    ):
        console.print(line, highlight=False, markup=False)
    for name, rows in document["metrics"].items():
        cells = [
            (
                way,
                f"{row['ms']:.2f}",
                f"{row['times_as_long_as_ours']:.2f}",
                f"{row['value']:.9f}",
                "n/a" if row["difference"] is None else f"{row['difference']:.1e}",
                {None: "", True: "kept", False: "missed"}[row["kept"]],
            )
            for way, row in rows.items()
        ]
        console.print(table((name, "ms", "times ours", "value", "off", "bar"), cells))
