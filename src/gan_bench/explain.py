"""`gan-bench show RESULT`: a result file in words: its five groups, its images, how its numbers came about."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from gan_bench.benchmark import Result, contrasts, key, rows_of
from gan_bench.benchmark.result import inputs, read
from gan_bench.benchmark.schema import canonical, plain
from gan_bench.benchmark.words import visible
from gan_bench.commands import give_json, result_files
from gan_bench.errors import UsageError

__all__ = ["show"]

ENDS = 3  # of the worst and of the best images
HEX = 16  # digits of a SHA-256 that are shown
Line = tuple[str, str]  # a name, or none, and what is said of it


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
    return {"file": str(result.path), "key": key(result.what), **groups, "explained": _as_lists(explained)}


def _as_lists(sections: Mapping[str, Sequence[Line]]) -> dict[str, Any]:
    return {name: [list(line) for line in lines] for name, lines in sections.items()}


def _print(console: Console, result: Result, first: bool) -> None:
    """One result: plain lines without colours where they do not go to a terminal."""
    what = result.what
    if not first:
        console.print()
    title = f"{what['label']} on {what['set']}, {_degraded(what)}"
    console.print(Text(_safe(title), style="bold"), soft_wrap=True)
    for name, lines in _worked_out(result):
        console.print(Text(f"\n{name}", style="bold cyan"), soft_wrap=True)
        width = max((len(left) for left, _ in lines), default=0)
        for left, right in lines:
            line = Text("  ").append(f"{_safe(left):{width}}  ", style="dim" if left else "").append(_safe(right))
            console.print(line, soft_wrap=True)


def _worked_out(result: Result) -> Iterator[tuple[str, list[Line]]]:
    """The sections in the order of reading."""
    yield "what", list(_what(result.what))
    yield "scores", list(_scores(result))
    yield "scores explained", list(_explained(result))
    yield "images", list(_images(result))
    yield "cost", list(_flat(result.cost))
    yield "provenance", list(_provenance(result.provenance))
    yield "command", [("", str(result.provenance.get("command") or "not kept"))]
    yield "files", list(_files(result))


def _degraded(what: Mapping[str, Any]) -> str:
    made = what["degradation"]["name"] if what["degradation"] else "given inputs"
    return f"{made} \u00d7{what['scale']}"


def _what(what: Mapping[str, Any]) -> Iterator[Line]:
    """Who was judged on what."""
    yield "restorer", what["restorer"]
    yield "model", _said(what["model"])
    yield "weights", _short(what["checkpoint_sha256"]) + (f", {what['selection']}" if what["selection"] else "")
    yield "budget", _said(what["budget"])
    yield "seed", _said(what["seed"])
    yield "recipe", _said(what.get("recipe"))
    if trained := what.get("trained_on"):
        yield "trained on", _said(trained)
    yield "set", what["set"]
    yield "suite", _suite(what.get("suite"))
    yield "degradation", _said(what["degradation"])
    yield "lq", _short(what["lq_sha256"])
    for name in ("gt", "reals"):
        if what.get(f"{name}_sha256"):
            yield name, _short(what[f"{name}_sha256"])
    yield "protocol", what["protocol"]["name"]
    yield "code", what["code"]


def _suite(suite: Mapping[str, Any] | None) -> str:
    if not suite:
        return "none"
    return (
        f"{suite.get('name')}, version {suite.get('version')}, {_short(suite.get('sha256'))}, role {suite.get('role')}"
    )


def _scores(result: Result) -> Iterator[Line]:
    for metric in result.what["metrics"]:
        if metric in result.scores:
            facts, value = result.facts[metric], result.scores[metric]
            shown = "no mean" if value is None else f"{value:.{facts['digits']}f} {facts['unit']}".rstrip()
            yield metric, f"{shown}, {'higher' if facts['higher_is_better'] else 'lower'} is better"
    for metric, reason in result.unavailable.items():
        yield metric, f"n/a: {reason}"


def _explained(result: Result) -> Iterator[Line]:
    """How each number came about, to all its digits."""
    what, protocol = result.what, result.what["protocol"]
    facts = {name: value for name, value in protocol.items() if name != "name"}
    for metric, value in result.scores.items():
        values = [row[metric] for row in result.images.values() if metric in row]
        number = "no number" if value is None else repr(value)
        if not values:
            reals = result.facts[metric].get("reals")
            yield metric, f"{number}: all {len(result.images)} restored images against {_said(reals)} real ones"
        else:
            lacking = [one for one in values if one is None]
            why = f"; {len(lacking)} have no number, {result.n_inf.get(metric, 0)} of them infinite" if lacking else ""
            yield metric, f"{number}: mean of {len(values)} images{why}"
        if metric in what.get("metric_weights", {}):
            yield "", f"weights {_short(what['metric_weights'][metric])}"
        if digest := result.facts[metric].get("digest"):
            yield "", f"digest {digest}: equal digests, comparable numbers"
    yield f"protocol {protocol['name']}", "psnr and ssim are computed so:"
    for name, value in facts.items():
        yield "", f"{name}: {_said(value)}"


def _images(result: Result) -> Iterator[Line]:
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


def _provenance(provenance: Mapping[str, Any]) -> Iterator[Line]:
    """What made it; the configuration stands in the file, and in the run's own."""
    for name, value in provenance.items():
        if name == "config":
            yield "config", "in the file" if value else "none: not trained here"
        elif name == "inputs" and isinstance(value, Mapping):
            yield from _inputs(value)
        elif name == "clean":
            told = {"null": "not known", "true": "no file differs from the commit", "false": "files differ"}
            yield "clean", told.get(canonical(value), _said(value))
        elif name != "command":
            yield name, _said(value)


def _inputs(made_of: Mapping[str, Any]) -> Iterator[Line]:
    """How the test set was made; of a data set what was set, and no order of keys, which is for machines."""
    for name, value in made_of.items():
        if name == "dataset" and isinstance(value, Mapping):
            value = {key: one for key, one in value.items() if one is not None and key not in ("_target_", "wanted")}
        if name != "order":
            yield f"inputs {name}", _said(value)


def _files(result: Result) -> Iterator[Line]:
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
    crops = [*folder.glob(f"crops/{key(result.what)}_*"), *folder.glob(f"crops/{inputs(result.what)[:HEX]}_*")]
    if crops:
        yield "crops", f"{folder / 'crops'}: {len(crops)}"
    yield "verify", f"gan-bench verify {result.path}"


def _flat(group: Mapping[str, Any]) -> Iterator[Line]:
    for name, value in group.items():
        if isinstance(value, Mapping):
            yield from ((f"{name} {inner}", _said(one)) for inner, one in value.items())
        else:
            yield name, _said(value)


def _said(value: Any) -> str:
    """A value in one line: `{name: bicubic, scale: 4}`."""
    if value is None:
        return "none"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_said(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_said, value)) + "]"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _short(sha256: str | None) -> str:
    return f"sha256 {sha256[:HEX]}..." if sha256 else "none"


def _safe(text: str) -> str:
    """What cannot move a terminal's cursor, or break a line."""
    return visible(text, "\ufffd")
