"""`gan-bench degrade`: images through a drawn degradation, to be looked at before a training, and replayed exactly."""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress
from torch import Tensor

from gan_bench.commands import input_files
from gan_bench.data import Images
from gan_bench.data.pages import Page, pages_of
from gan_bench.draws import Draws, Record, to_json, words
from gan_bench.errors import UsageError
from gan_bench.files import write_atomically
from gan_bench.image import to_tensor, to_uint8, write_png
from gan_bench.plan import Plan, asked, replayed
from gan_bench.sheet import Block, Tile, contact_sheet, fitted, tile_size

__all__ = ["degrade"]

log = logging.getLogger(__name__)

SAMPLES = 8
MOST_TILES = 240  # pictures on a contact sheet


def degrade(arguments: argparse.Namespace) -> int:
    """Write lq files, a contact sheet and the draws; a bad image is named, the rest is done.

    Returns:
        0, or 1 when some failed.

    Raises:
        UsageError: what all images need is wrong.
        WorkError: something cannot be written.
    """
    _check_usage(arguments)
    plan = replayed(Path(arguments.replay)) if arguments.replay else _asked(arguments)
    out = Path(arguments.out)
    images, broken = _images(arguments.inputs, out)
    for cause in broken:
        print(f"error: {cause}", file=sys.stderr)
    records: dict[str, Record] = {}
    blocks: list[Block] = []
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("degrading", total=len(images))
        for index in sorted(range(len(images)), key=lambda index: images.names[index]):
            try:
                room = MOST_TILES - _tiles(blocks)
                records[images.names[index]], block = _degraded(plan, images, index, out)
                blocks += [block._replace(tiles=block.tiles[:room])] if room > 1 else []  # gt alone shows nothing
            except UsageError as error:
                print(f"error: {error}", file=sys.stderr)
            progress.advance(task)
    return _finished(plan, records, blocks, out, len(images) + len(broken))


def _check_usage(arguments: argparse.Namespace) -> None:
    beside = [name for name in ("degradation", "set", "scale", "samples", "seed") if getattr(arguments, name)]
    beside += ["seed"] if arguments.seed == 0 else []
    if arguments.replay and beside:
        raise UsageError(f"--{beside[0]} beside --replay, whose file says it; leave one of them out")
    if not arguments.replay and not arguments.degradation:
        raise UsageError("--degradation NAME is needed, or --replay FILE")
    for name in ("samples", "scale"):
        value = getattr(arguments, name)
        if value is not None and value < 1:
            raise UsageError(f"--{name} {value}: a whole number from 1 is needed")
    out = Path(arguments.out)
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out}: a file; name a folder")


def _asked(arguments: argparse.Namespace) -> Plan:
    samples, seed = arguments.samples or SAMPLES, arguments.seed or 0
    return asked(arguments.degradation, arguments.set, arguments.scale, seed, samples)


def _images(inputs: Sequence[str], out: Path) -> tuple[Images, list[str]]:
    """The images, each once, with names that hang on no machine's folders; and what is said of files without any."""
    files = list({path.resolve(): path for path in input_files(inputs)}.values())
    files = [path for path in files if out.resolve() not in path.resolve().parents]  # an earlier output is no input
    if not files:
        raise UsageError(f"--out {out}: it holds all of the images; name another folder")
    root = Path(inputs[0]).resolve()
    if len(inputs) > 1 or not root.is_dir():
        root = Path(os.path.commonpath([path.parent.resolve() for path in files]))
    pages: list[Page] = []
    broken = []
    for path in files:
        try:
            pages += pages_of(path)
        except UsageError as error:
            broken.append(str(error))
    images = Images(pages, root, num_ch=None)
    if any("/" in name for name in images.names):  # below the root only where the paths are whole
        pages = [page._replace(path=page.path.parent.resolve() / page.path.name) for page in pages]
        images = Images(pages, root, num_ch=None)
    return images, broken


def _degraded(plan: Plan, images: Images, index: int, out: Path) -> tuple[Record, Block]:
    """Every sample of an image, written."""
    path, name = images.paths[index], images.names[index]
    pixels = images[index]  # its errors name the file
    try:
        gt = _cropped(pixels, plan.made_by.scale, path)
        draws = plan.draws(name)
        image = to_tensor(gt)[None]
        lqs = [_applied(plan, image, drawn) for drawn in draws]
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None
    record = Record(_hash(gt), draws, [_hash(lq) for lq in lqs])
    _compare(plan, name, record)
    for number, lq in enumerate(lqs):
        write_png(out / f"{name}_{number}.png", lq)
    return record, _block(plan, name, gt, lqs, draws)


def _cropped(pixels: np.ndarray, scale: int, path: Path) -> np.ndarray:
    before = pixels.shape[:2]
    height, width = (size - size % scale for size in before)
    if not height or not width:
        raise UsageError(f"{before[1]}x{before[0]} is smaller than the scale {scale}")
    if (height, width) != before:
        log.info("%s: cropped to %dx%d, a multiple of the scale %d", path, width, height, scale)
    return pixels[:height, :width]


def _applied(plan: Plan, image: Tensor, drawn: dict[str, Any]) -> np.ndarray:
    """One sample of (1, C, H, W), as (h, w, C) uint8."""
    try:
        return to_uint8(plan.made_by.apply_8bit(image, [drawn])[0])
    except UsageError:
        raise
    except Exception as error:  # operators handed draws that a hand has edited raise whatever they stumble over
        if not plan.recorded:
            raise
        cause = " ".join(str(error).split())
        raise UsageError(f"the draws do not fit the degradation ({type(error).__name__}: {cause})") from None


def _compare(plan: Plan, name: str, record: Record) -> None:
    """Say where a replay is none."""
    old = plan.recorded.get(name, record)
    if old.sha256 != record.sha256:
        log.warning("%s: other pixels than those of the file; its draws are replayed on them", name)
    elif old.lq_sha256 != record.lq_sha256:
        odd = [str(k) for k, pair in enumerate(zip(old.lq_sha256, record.lq_sha256, strict=True)) if len({*pair}) > 1]
        log.warning("%s: sample %s: not the pixels that the file's hash speaks of", name, ", ".join(odd))


def _hash(pixels: np.ndarray) -> str:
    """SHA-256 over shape and values, which tell the depth by their bytes; the same on every machine."""
    little = np.ascontiguousarray(pixels).astype(pixels.dtype.newbyteorder("<"), copy=False)
    return hashlib.sha256(f"{pixels.shape}\0".encode() + little.tobytes()).hexdigest()


def _block(plan: Plan, name: str, gt: np.ndarray, lqs: Sequence[np.ndarray], draws: Sequence[dict[str, Any]]) -> Block:
    """The gt and its samples on the contact sheet."""
    (height, width), (h, w) = gt.shape[:2], lqs[0].shape[:2]
    size = tile_size((height, width), (h, w))
    tiles = [Tile(fitted(to_uint8(to_tensor(gt)), size), "gt")]
    for number, (lq, drawn) in enumerate(zip(lqs, draws, strict=True)):
        said = words(drawn, plan.config["name"]) or ["nothing is drawn"]
        tiles.append(Tile(fitted(lq, size), f"sample {number}", said))
    shown = name.encode("utf-8", "replace").decode()
    return Block([shown, plan.config["name"], f"gt {width}x{height}, lq {w}x{h}", f"seed {plan.seed}"], tiles)


def _finished(plan: Plan, records: dict[str, Record], blocks: Sequence[Block], out: Path, count: int) -> int:
    """Write what stands for all images, and say what was done."""
    if not records:
        print(f"0 of {count} images degraded; nothing is written")
        return 1
    write_png(out / "contact_sheet.png", contact_sheet(blocks))
    draws = Draws(plan.config, plan.made_by.scale, plan.seed, records)
    write_atomically(out / "draws.json", to_json(draws))
    files = sum(len(record.draws) for record in records.values())
    if _tiles(blocks) < files + len(records):
        log.info("contact_sheet.png shows %d of %d lq images", _tiles(blocks) - len(blocks), files)
    print(f"{len(records)} of {count} images degraded: {files} lq images, contact_sheet.png and draws.json in {out}")
    return 0 if len(records) == count else 1


def _tiles(blocks: Sequence[Block]) -> int:
    return sum(len(block.tiles) for block in blocks)
