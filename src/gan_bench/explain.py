"""`gan-bench show RESULT`: a result file in words: its five groups, its images, how its numbers came about."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from gan_bench.benchmark import Result, contrasts, rows_of
from gan_bench.benchmark.account import Facts, facts_of, said
from gan_bench.benchmark.result import inputs, mean_of, read
from gan_bench.benchmark.schema import plain
from gan_bench.benchmark.words import cell_name, visible
from gan_bench.commands import give_json, result_files
from gan_bench.errors import UsageError

__all__ = ["show"]

ENDS = 3  # of the worst and of the best images
HEX = 16  # digits of a SHA-256 in the name of a crop


def show(arguments: argparse.Namespace) -> int:
    """Explain results.

    Args:
        arguments: results (files, runs, folders), against (the same) and json.

    Returns:
        0.

    Raises:
        UsageError: no such file or folder, no result in it, one that cannot be read, or nothing that compares.
    """
    results = [read(path) for path in result_files(arguments.results)]
    if arguments.against and arguments.json:
        raise UsageError("--json writes what a result says; it cannot stand beside --against")
    if arguments.against:
        others = [read(path) for path in result_files(arguments.against)]
        for title, lines in contrasts(rows_of(results), rows_of(others)):
            print("\n".join([title, *(f"  {line}" for line in lines)]))
        return 0
    if arguments.json != "-":
        console = Console()
        for number, result in enumerate(results):
            _print(console, result, first=not number)
    if arguments.json:
        told = plain([_document(result) for result in results])  # a file's name may be no text
        give_json(told, arguments.json)
    return 0


def _document(result: Result) -> dict[str, Any]:
    """A result with what is worked out of it."""
    names = ("what", "scores", "n_inf", "images", "unavailable", "facts", "cost", "provenance")
    explained = {name: dict(_worked_out(result))[name] for name in ("scores explained", "command", "files")}
    groups = {name: getattr(result, name) for name in names}
    return {"file": str(result.path), "key": result.key, **groups, "explained": _as_lists(explained)}


def _as_lists(sections: Mapping[str, Facts]) -> dict[str, Any]:
    return {name: [list(line) for line in lines] for name, lines in sections.items()}


def _print(console: Console, result: Result, first: bool) -> None:
    """One result: plain lines without colours where they do not go to a terminal."""
    what = result.what
    if not first:
        console.print()
    console.print(Text(_safe(f"{what['label']} on {cell_name(what)}"), style="bold"), soft_wrap=True)
    for name, lines in _worked_out(result):
        console.print(Text(f"\n{name}", style="bold cyan"), soft_wrap=True)
        width = max((len(left) for left, _ in lines), default=0)
        for left, right in lines:
            line = Text("  ").append(f"{_safe(left):{width}}  ", style="dim" if left else "").append(_safe(right))
            console.print(line, soft_wrap=True)


def _worked_out(result: Result) -> Iterator[tuple[str, Facts]]:
    """The sections in the order of reading."""
    facts = facts_of([result])
    yield "what", facts["what"]
    yield "scores", facts["scores"]
    yield "scores explained", list(_explained(result))
    yield "images", list(_images(result))
    yield "cost", facts["cost"]
    yield "provenance", facts["provenance"]
    yield "command", [("", str(result.provenance.get("command") or "not kept"))]
    yield "files", list(_files(result))


def _explained(result: Result) -> Iterator[tuple[str, str]]:
    """How each number came about, to all its digits."""
    for metric, value in result.scores.items():
        values = [row[metric] for row in result.images.values() if metric in row]
        number = "no number" if value is None else repr(value)
        if not values:
            reals = result.facts[metric].get("reals")
            yield metric, f"{number}: all {len(result.images)} restored images against {said(reals)} real ones"
        else:
            lacking = [one for one in values if one is None]
            why = f"; {len(lacking)} have no number, {result.n_inf.get(metric, 0)} of them infinite" if lacking else ""
            told = "mean" if mean_of(result, metric)[1] else "not the mean"
            yield metric, f"{number}: {told} of {len(values)} images{why}"
    yield "digest", "numbers compare where their digests, and weights, are equal"
    protocol = result.what["protocol"]
    yield f"protocol {protocol['name']}", "psnr and ssim are computed so:"
    for name, value in protocol.items():
        if name != "name":
            yield "", f"{name}: {said(value)}"


def _images(result: Result) -> Iterator[tuple[str, str]]:
    """The worst and the best by the first metric that images have."""
    metrics = [name for name in result.what["metrics"] if any(name in row for row in result.images.values())]
    if not metrics:
        yield "", f"{len(result.images)}, none with a score of its own"
        return
    first = metrics[0]
    rising = result.facts[first]["higher_is_better"]
    scored = [name for name, row in result.images.items() if row.get(first) is not None]
    order = sorted(scored, key=lambda name: result.images[name][first] or 0.0, reverse=not rising)
    order += [name for name in result.images if name not in scored]
    left = len(order) - 2 * ENDS
    yield "", f"{len(order)}, by {first}, the worst first"
    for number, name in enumerate(order):
        if left > 0 and number == ENDS:
            yield "...", f"{left} between them"
        if left <= 0 or not ENDS <= number < ENDS + left:
            yield name, ", ".join(f"{metric} {_score(result, name, metric)}" for metric in metrics)


def _score(result: Result, name: str, metric: str) -> str:
    value = result.images[name].get(metric)
    return "none" if value is None else f"{value:.{result.facts[metric]['digits']}f}"


def _files(result: Result) -> Iterator[tuple[str, str]]:
    """What lies beside the result."""
    assert result.path is not None
    here = result.path.parent
    run = here.parent if here.name == "results" else here
    yield "result", str(result.path)
    if isinstance(weights := result.provenance.get("weights"), str) and weights:
        place = here / weights if (here / weights).exists() else Path(weights)
        yield "weights", f"{place}{'' if place.exists() else ' (not here)'}"
    for name in ("config.yaml", "training.json", "log"):
        if run != here and (run / name).exists():
            yield name, str(run / name)
    folder = run / "panels"
    crops = [*folder.glob(f"crops/{result.key}_*"), *folder.glob(f"crops/{inputs(result.what)[:HEX]}_*")]
    if crops:
        yield "crops", f"{folder / 'crops'}: {len(crops)}"
    yield "verify", f"gan-bench verify {result.path}"


def _safe(text: str) -> str:
    """What cannot move a terminal's cursor, or break a line."""
    return visible(text, "\ufffd")
