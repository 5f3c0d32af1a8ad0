"""A board for a spreadsheet: one line per result, and one per result and image; no cell is taken for a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import Any

from gan_bench.benchmark.leaderboard import Board
from gan_bench.benchmark.result import Result
from gan_bench.benchmark.schema import canonical
from gan_bench.benchmark.words import note, visible

__all__ = ["render_csv", "render_images_csv"]

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


def render_csv(board: Board) -> str:
    """One line per result: what was judged, then every metric unrounded, empty where there is no number."""
    metrics = _metrics(board)
    rows = [_flat(result, metrics) for result in board.results]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerows([[_guarded(name) for name, _ in row] for row in rows[:1]])
    writer.writerows([[_guarded(value) for _, value in row] for row in rows])
    return text.getvalue()


def render_images_csv(board: Board) -> str:
    """One line per result and image: every score unrounded, empty where there is none.

    The file and its key tell which result a line is of.
    """
    metrics = _metrics(board)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["file", "key", "label", "seed", "image", *map(_guarded, metrics)])
    for result in board.results:
        writer.writerows(_of_images(result, metrics))
    return text.getvalue()


def _metrics(board: Board) -> list[str]:
    return sorted({name for result in board.results for name in result.what["metrics"]})


def _of_images(result: Result, metrics: Sequence[str]) -> Iterator[list[Any]]:
    file = _guarded(result.path.name if result.path else None)
    head = [file, result.key, _guarded(result.what["label"]), result.what["seed"]]
    for image in sorted(result.images):
        scores = result.images[image]
        yield [*head, _guarded(image), *map(scores.get, metrics)]


def _flat(result: Result, metrics: Sequence[str]) -> list[tuple[str, Any]]:
    what = result.what
    budget, suite, inference = what["budget"] or {}, what.get("suite") or {}, result.cost.get("inference") or {}
    return [
        *((name, what[name]) for name in ("label", "restorer", "model", "set")),
        ("images", len(result.images)),
        *_named("degradation", what["degradation"]),
        ("scale", what["scale"]),
        *_named("protocol", what["protocol"]),
        ("budget", budget.get("name")),
        *((name, budget.get(name)) for name in ("steps", "max_time", "batch", "patch")),
        *((name, what[name]) for name in ("seed", "selection", "checkpoint_sha256", "lq_sha256", "code")),
        *((name, what.get(name)) for name in ("gt_sha256", "reals_sha256")),
        ("start_from", budget.get("start_from")),
        ("digests", {name: facts["digest"] for name, facts in result.facts.items() if facts.get("digest")}),
        *((name, result.scores.get(name)) for name in metrics),
        ("missing", "; ".join(why for name in metrics if (why := note(result, name)))),
        *((name, result.cost.get(name)) for name in ("parameters", "training_seconds", "seconds")),
        *((name, inference.get(name)) for name in ("ms_per_megapixel", "flops_per_megapixel", "peak_bytes", "machine")),
        *((name, suite.get(part)) for name, part in (("suite", "name"), ("suite_version", "version"))),
        ("recipe", what.get("recipe")),
        ("file", result.path.name if result.path else None),
    ]


def _named(group: str, values: dict[str, Any] | None) -> list[tuple[str, Any]]:
    """A degradation or protocol as two cells: its name, and the rest as JSON."""
    rest = {name: value for name, value in (values or {}).items() if name != "name"}
    return [(group, values and values["name"]), (f"{group}_parameters", canonical(rest) if rest else None)]


def _guarded(value: Any) -> Any:
    """A cell that a spreadsheet takes for text or a number, never for a formula."""
    text = "" if value is None else visible(value) if isinstance(value, str) else canonical(value)
    return f"'{text}" if text.lstrip()[:1] in tuple("=+-@") and not _NUMBER.fullmatch(text) else text
