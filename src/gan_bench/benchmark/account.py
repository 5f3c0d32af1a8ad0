"""What results say of themselves, in words, for `gan-bench show` and for a row of the page, and the row's commands."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gan_bench.benchmark.result import Result
from gan_bench.benchmark.rows import Row
from gan_bench.benchmark.schema import canonical
from gan_bench.benchmark.words import note, seen_from, visible
from gan_bench.ordering import in_order

__all__ = ["Facts", "account", "facts_of", "said"]

Facts = list[tuple[str, str]]
"""Names and values, as the files have them: they may hold any character."""

LONG = 400  # characters of a value on the page
COMMANDS = 3  # that are told of one row
HEX = 16  # digits of a SHA-256 among several facts
WHAT = ["restorer", "model", "checkpoint_sha256", "selection", "seed", "budget", "recipe", "trained_on", "set", "suite"]
WHAT += ["degradation", "scale", "lq_sha256", "gt_sha256", "reals_sha256", "protocol", "code", "key"]
CLEAN = {"null": "not known", "true": "no file differs from the commit", "false": "files differ"}
UNSAID = ("_target_", "wanted")  # of a data set: they are for machines


def account(row: Row, folder: Path) -> dict[str, Any]:
    """The account of a row: `provenance`, by group, `make`, `verify` and `file`.

    Args:
        row: of a table.
        folder: of the board; files are named as seen from it.
    """
    files = [seen_from(result.path, folder) for result in row.results]
    commands = [str(result.provenance.get("command") or "") for result in row.results]
    groups = facts_of(row.results).items()
    return {
        "provenance": [[group, [[visible(name), _cut(text)] for name, text in facts]] for group, facts in groups],
        "make": _listed(list(dict.fromkeys(filter(None, commands)))),
        "verify": visible(f"gan-bench verify {shlex.join(files)}  # in the folder of this page") if all(files) else "",
        "file": visible(files[0]),
    }


def facts_of(results: Sequence[Result]) -> dict[str, Facts]:
    """What is known of results, by the groups of their files: what, scores, cost, provenance.

    Args:
        results: at least one; of several, which differ in their seed alone, cost and provenance are the first's.
    """
    lead = results[0]
    groups = {
        "what": _what(results),
        "scores": {metric: _score(results, metric) for metric in [*lead.what["metrics"], *lead.unavailable]},
        "cost": _cost(lead.cost),
        "provenance": _provenance(lead),
    }
    return {
        group: [(name, said(value)) for name, value in facts.items() if value is not None]
        for group, facts in groups.items()
    }


def said(value: Any) -> str:
    """A value in one line: `{name: bicubic, scale: 4}`."""
    if value is None:
        return "none"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {said(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(said, value)) + "]"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _what(results: Sequence[Result]) -> dict[str, Any]:
    lead = results[0]
    what, several, order = lead.what, len(results) > 1, _inputs(lead).get("order")
    weights = (str(result.what["checkpoint_sha256"]) for result in results)
    named = what | {
        "checkpoint_sha256": ", ".join(sha256[: HEX if several else None] for sha256 in weights),
        "seed": ", ".join(str(result.what["seed"]) for result in results) if several else what["seed"],
        "degradation": _made(what["degradation"], order),
        "protocol": what["protocol"]["name"],
        "key": lead.key,
    }
    if what["checkpoint_sha256"] is None:
        named["checkpoint_sha256"] = "none: nothing was learnt"
    if trained := what.get("trained_on"):
        same = trained["degradation"] == what["degradation"]
        named["trained_on"] = {**trained, "degradation": _made(trained["degradation"], order if same else None)}
    return {name.replace("_", " "): named.get(name) for name in WHAT}


def _made(degradation: Mapping[str, Any] | None, order: Any) -> str:
    """A degradation with its steps in their order, which a file has apart, as its keys are sorted."""
    if degradation is None:
        return "given inputs"
    known = isinstance(order, Mapping) and all(map(_are_names, order.values()))
    parameters = in_order(degradation.get("parameters"), order if known else {})
    unknown = not known and '"steps":' in canonical(parameters)
    more = ", steps by the alphabet: their order is not kept" if unknown else ""
    return said({**degradation, "parameters": parameters}) + more


def _are_names(keys: Any) -> bool:
    return isinstance(keys, list) and all(isinstance(name, str) for name in keys)


def _score(results: Sequence[Result], metric: str) -> str:
    """`27.12 dB, 27.00 dB, higher is better; digest 0b0de7776856`, or why there is none."""
    lead = results[0]
    facts, weights = lead.facts.get(metric, {}), lead.what.get("metric_weights", {}).get(metric)
    numbers = [_number(result, metric) for result in results]
    told = numbers if len(set(numbers)) > 1 else numbers[:1]
    told += [f"{'higher' if facts['higher_is_better'] else 'lower'} is better"] if facts else []
    more = [f"{name} {value[:HEX]}" for name, value in (("digest", facts.get("digest")), ("weights", weights)) if value]
    return "; ".join([", ".join(told), *more])


def _number(result: Result, metric: str) -> str:
    if metric in result.unavailable:
        return f"n/a: {result.unavailable[metric]}"
    value, facts = result.scores.get(metric), result.facts.get(metric, {})
    if value is None:
        return note(result, metric).removeprefix(f"{visible(metric)}: ") or "no number"
    return f"{value:.{facts['digits']}f} {facts['unit']}".rstrip()


def _cost(cost: Mapping[str, Any]) -> dict[str, Any]:
    named = {**cost, **(cost.get("inference") or {}), "inference": None}
    return {
        name.replace("_", " "): f"{value:.6g}" if isinstance(value, float) else value for name, value in named.items()
    }


def _provenance(result: Result) -> dict[str, Any]:
    """What made it; the configuration stands in the file, and in the run's own."""
    told = {name: value for name, value in result.provenance.items() if name not in ("command", "inputs")}
    if "clean" in told:
        told["clean"] = CLEAN.get(canonical(told["clean"]), told["clean"])
    told["config"] = "in the file" if told.get("config") else "none: not trained here"
    return told | {f"inputs {name}": value for name, value in _inputs(result).items() if name != "order"}


def _inputs(result: Result) -> dict[str, Any]:
    """How the test set was made, of data set and degradation without what stands elsewhere or is for machines."""
    made = result.provenance.get("inputs")
    told = dict(made) if isinstance(made, Mapping) else {}
    if isinstance(data := told.get("dataset"), Mapping):
        told["dataset"] = {name: value for name, value in data.items() if value is not None and name not in UNSAID}
    if isinstance(degradation := told.get("degradation"), Mapping):
        told["degradation"] = degradation.get("_target_")
    return told


def _cut(text: str) -> str:
    return visible(text if len(text) <= LONG else f"{text[:LONG]} ...")


def _listed(commands: Sequence[str]) -> str:
    told = list(commands[:COMMANDS]) + ([f"# and {len(commands) - COMMANDS} more"] if len(commands) > COMMANDS else [])
    return "\n".join(map(visible, told))
