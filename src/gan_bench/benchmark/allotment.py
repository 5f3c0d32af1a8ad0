"""What fits into a page of 2 MB: scores of each image and crops, of the leading rows of all tables in turn."""

from __future__ import annotations

import base64
import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gan_bench.benchmark.result import inputs
from gan_bench.benchmark.rows import Row
from gan_bench.benchmark.scores import fact
from gan_bench.benchmark.table import Table
from gan_bench.benchmark.words import plural, visible
from gan_bench.files import in_a_name

__all__ = ["fill_crops", "fill_values", "rows_that_fit"]

ROWS = 1000  # of all tables
VALUES = 60_000  # scores of single images
CROPS = 900_000  # characters


def rows_that_fit(lengths: Sequence[int]) -> int:
    """How many leading rows of each table are shown, so that all tables together do not grow beyond what is shown.

    Args:
        lengths: of the tables, in rows.
    """
    most = max(lengths, default=0)
    while sum(min(most, length) for length in lengths) > ROWS and most > 1:
        most -= max(1, most // 50)
    return most


def _in_turn(
    tables: Sequence[Table], documents: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[int, Table, Row, dict[str, Any]]]:
    """The first row of each table, then the second of each, of those that are shown: with its table, and as shown."""
    shown = [{row["id"]: row for row in one["rows"]} for one in documents]
    for place in range(max((len(table.rows) for table in tables), default=0)):
        for number, table in enumerate(tables):
            if place < len(table.rows) and table.rows[place].id in shown[number]:
                yield number, table, table.rows[place], shown[number][table.rows[place].id]


def fill_values(tables: Sequence[Table], documents: Sequence[dict[str, Any]]) -> str:
    """The scores of each image, mean over the seeds, as far as there is room; what is said of that."""
    room, full, total = VALUES, 0, sum(len(table.rows) for table in tables)
    for number, table, row, shown in _in_turn(tables, documents):
        found = {metric: images for metric in table.metrics if (images := row.images(metric)) is not None}
        room -= sum(images.shape[1] for images in found.values())
        if room < 0:
            break
        for metric, images in found.items():
            digits = fact(table.rows, metric).get("digits", 4)
            values = np.round(images.mean(axis=0), digits).tolist()
            documents[number]["per_image"].setdefault(visible(metric), {})[row.id] = values
        shown["images_shown"] = bool(found)
        full += 1
    which = "of all rows are" if full == total else f"of {full} of {plural(total, 'row')}, the leading ones, are"
    return f"The scores of each image {which} on this page; leaderboard_images.csv has them all."


def fill_crops(tables: Sequence[Table], documents: Sequence[dict[str, Any]]) -> str:
    """The crops, as far as there is room; what is said of that."""
    room, full, there = CROPS, 0, 0
    _listing.cache_clear()
    for number, _, row, _ in _in_turn(tables, documents):
        crops = _crops(row)
        there += bool(crops)
        known = {entry["image"]: entry for entry in documents[number]["crops"]}
        new = [_opened(paths, visible(image) not in known) for image, paths in crops.items()]
        size = sum(len(text) for one in new for text in one.values() if text)
        if not crops or size > room:
            continue
        room, full = room - size, full + 1
        for image, one in zip(map(visible, crops), new, strict=True):
            if image not in known:
                documents[number]["crops"].append({"image": image, "lq": one["lq"], "gt": one["gt"], "restored": {}})
                known[image] = documents[number]["crops"][-1]
            known[image]["restored"][row.id] = one["restored"]
    if not there:
        return "No crops lie beside these results: there is no slider."
    which = "all rows that have some" if full == there else f"{full} of the {plural(there, 'row')} that have some"
    return f"Crops are shown of {which}."


def _crops(row: Row) -> dict[str, dict[str, Path | None]]:
    """By image the files of its crop: restored, lq, and gt or None; without the images that have none."""
    result, found = row.lead, {}
    digest = inputs(result.what)[:16]
    for folder in _folders(result.path):
        there = _listing(folder)
        for image in sorted(result.images) if there else ():
            name = in_a_name(image)
            restored, lq, gt = f"{result.key}_{name}.webp", f"{digest}_{name}_lq.webp", f"{digest}_{name}_gt.webp"
            if restored in there and lq in there and image not in found:
                found[image] = {
                    "restored": folder / restored,
                    "lq": folder / lq,
                    "gt": folder / gt if gt in there else None,
                }
    return found


def _folders(path: Path | None) -> list[Path]:
    """Where the crops of a result lie: beside it, or beside its folder."""
    return [] if path is None else [folder / "panels" / "crops" for folder in (path.parent, path.parent.parent)]


@functools.lru_cache(maxsize=64)
def _listing(folder: Path) -> frozenset[str]:
    return frozenset(one.name for one in folder.iterdir()) if folder.is_dir() else frozenset()


def _opened(paths: Mapping[str, Path | None], whole: bool) -> dict[str, str | None]:
    """The files as addresses that hold them; lq and gt only the first time."""
    wanted = {name: path for name, path in paths.items() if whole or name == "restored"}
    return {name: _address(path) if path else None for name, path in wanted.items()}


def _address(path: Path) -> str:
    return f"data:image/webp;base64,{base64.b64encode(path.read_bytes()).decode()}"
