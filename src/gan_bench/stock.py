"""`gan-bench weights list | check | fetch | fit-niqe`: which files of weights are here, and how the others come."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from gan_bench.errors import UsageError, WorkError
from gan_bench.files import write_atomically
from gan_bench.weights import WeightFile, cache_folder, chosen, defect, fetch, is_published, sha256

__all__ = ["check_weights", "fetch_weights", "fit_niqe", "list_weights"]

COMMON = ("niqe", "lpips")  # what metrics=standard wants
CARRY = (
    "Without a network: run gan-bench weights fetch NAME where there is one, and copy what came to the path above "
    "on this machine; TORCH_HOME and HF_HOME move the folders. GAN_BENCH_OFFLINE=1 forbids every attempt to fetch."
)


def list_weights(arguments: argparse.Namespace) -> int:
    """Show what each file is for, whether it is here, and where it is looked for.

    Returns:
        0.

    Raises:
        UsageError: a name of no file, metric or loss.
    """
    files = chosen(arguments.names or ["all"])
    grid = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 2, 0, 0), pad_edge=False)
    for head in ("weights", "for", "MB", "licence", "sha256", "here"):
        grid.add_column(head, justify="right" if head == "MB" else "left", overflow="fold")
    for file in files:
        here = "yes" if file.path.is_file() else "no"
        grid.add_row(file.key, ", ".join(file.serves), f"{file.size:g}", file.licence, file.digest or "not known", here)
    console = Console()
    console.print(grid)
    print()
    for file in files:
        print(f"{file.key}: {file.belongs}")
    print(f"\n{CARRY}")
    return 0


def check_weights(arguments: argparse.Namespace) -> int:
    """Read every file that is here, and say what it is.

    Returns:
        0, or 1 when some file is damaged or another network's.

    Raises:
        UsageError: a name of no file, metric or loss.
    """
    damaged = 0
    for file in chosen(arguments.names or ["all"]):
        if not file.path.is_file():
            print(f"{file.key}: not here: {file.path}")
        elif cause := defect(file):
            damaged += 1
            print(f"error: {file.key}: {file.path} {cause}: remove it and fetch it again", file=sys.stderr)
        else:
            print(f"{file.key}: {_standing(file)}, sha256 {sha256(file.path)}: {file.path}")
    return 1 if damaged else 0


def fetch_weights(arguments: argparse.Namespace) -> int:
    """Fetch what is not here; one that fails is named, the rest is fetched.

    Returns:
        0, or 1 when some failed.

    Raises:
        UsageError: a name of no file, metric or loss.
    """
    failed = 0
    for file in chosen(arguments.names or COMMON):
        try:
            if file.path.is_file() and not defect(file):
                print(f"{file.key}: here: {file.path}")
            else:
                print(f"{file.key}: fetched: {fetch(file)}")
        except WorkError as error:
            failed += 1
            print(f"error: {file.key}: {error}; it belongs to {file.belongs}", file=sys.stderr)
    return 1 if failed else 0


def fit_niqe(arguments: argparse.Namespace) -> int:
    """Fit NIQE's pristine model on the images of a folder.

    Returns:
        0.

    Raises:
        UsageError: no folder, no images, or too few sharp blocks in them.
        WorkError: the model cannot be written.
    """
    from gan_bench.metrics import fit

    folder = Path(arguments.folder)
    name = f"niqe_{folder.resolve().name.lower().replace(',', '-').replace(' ', '-')}"
    out = Path(arguments.out) if arguments.out else cache_folder() / f"{name}.npz"
    if out.suffix not in (".npz", ".mat"):
        raise UsageError(f"--out {out}: .npz, or .mat as MATLAB and pyiqa read it")
    write_atomically(out, fit(_pixels(folder)).to_bytes(out.suffix))
    print(f"written: {out}")
    if not arguments.out:
        print(f"used by: gan-bench benchmark ... --metrics {name}")
    return 0


def _pixels(folder: Path) -> Iterator[np.ndarray]:
    from gan_bench.image import SUFFIXES, read

    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise UsageError(f"{folder}: no images in it")
    for path in paths:
        pixels = read(path).pixels
        yield pixels if pixels.dtype == np.uint8 else (pixels >> 8).astype(np.uint8)


def _standing(file: WeightFile) -> str:
    return {True: "the published file", False: "not the published file", None: "fits"}[is_published(file)]
