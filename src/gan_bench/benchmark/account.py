"""Where a row's numbers come from, in words: five groups of facts, and the commands that make and verify them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gan_bench.benchmark.result import Result
from gan_bench.benchmark.rows import Row
from gan_bench.benchmark.schema import canonical
from gan_bench.benchmark.words import seen_from, visible

__all__ = ["Facts", "account", "facts_of"]

Facts = list[tuple[str, str]]
"""Names and values, each one line."""

LONG = 400  # characters of a value
COMMANDS = 3  # that are told of one row


def account(row: Row, folder: Path) -> dict[str, Any]:
    """The account of a row: `provenance`, by group, `make`, `verify` and `file`.

    Args:
        row: of a table.
        folder: of the board; files are named as seen from it.
    """
    files = [seen_from(result.path, folder) for result in row.results]
    groups = facts_of(row.lead)
    if len(row.results) > 1:
        groups["what"] += [
            ("seeds", ", ".join(str(result.what["seed"]) for result in row.results)),
            ("checkpoints", ", ".join(str(result.what["checkpoint_sha256"])[:16] for result in row.results)),
        ]
        groups["scores"] = [
            (metric, ", ".join(_number(result.scores.get(metric)) for result in row.results))
            for metric in row.what["metrics"]
        ]
    commands = [str(result.provenance.get("command") or "") for result in row.results]
    return {
        "provenance": [[group, [list(pair) for pair in facts]] for group, facts in groups.items()],
        "make": _listed(list(dict.fromkeys(filter(None, commands)))),
        "verify": visible(f"gan-bench verify {shlex.join(files)}  # in the folder of this page") if all(files) else "",
        "file": visible(files[0]),
    }


def facts_of(result: Result) -> dict[str, Facts]:
    """What a result says of itself, by its five groups: what, scores, images, cost, provenance."""
    return {
        "what": _what(result),
        "scores": _scores(result),
        "images": _images(result),
        "cost": _cost(result),
        "provenance": _provenance(result),
    }


def _what(result: Result) -> Facts:
    what = result.what
    suite, training = what.get("suite"), what.get("trained_on")
    named: dict[str, Any] = {
        "restorer": what["restorer"],
        "model": what["model"],
        "suite": suite and f"{suite['name']} version {suite.get('version')} ({str(suite.get('sha256'))[:12]})",
        "set": what["set"],
        "degradation": what["degradation"] or "given inputs",
        "scale": what["scale"],
        "protocol": what["protocol"],
        "budget": what["budget"],
        "trained on": training,
        "seed": what["seed"],
        "selection": what["selection"],
        "recipe": what.get("recipe"),
        "checkpoint sha256": what["checkpoint_sha256"],
        "lq sha256": what["lq_sha256"],
        "gt sha256": what.get("gt_sha256"),
        "real images sha256": what.get("reals_sha256"),
        "code": what["code"],
        "key": result.key,
    }
    return _told(named)


def _scores(result: Result) -> Facts:
    told = {}
    for metric in result.what["metrics"]:
        facts, weights = result.facts.get(metric, {}), result.what.get("metric_weights", {}).get(metric)
        more = [
            *([f"digest {facts['digest']}"] if facts.get("digest") else []),
            *([f"weights {weights[:12]}"] if weights else []),
            *([f"infinite on {count}"] if (count := result.n_inf.get(metric)) else []),
        ]
        number = result.unavailable.get(metric) or _number(result.scores.get(metric))
        told[metric] = f"{number}{f' ({chr(44).join(more)})' if more else ''}".replace(",", ", ")
    told |= {metric: f"n/a: {reason}" for metric, reason in result.unavailable.items()}
    return _told(told)


def _images(result: Result) -> Facts:
    names = sorted(result.images)
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    return _told({"number": len(names), "names": shown})


def _cost(result: Result) -> Facts:
    cost = dict(result.cost)
    inference = cost.pop("inference", None) or {}
    return _told({name.replace("_", " "): value for name, value in {**cost, **inference}.items()})


def _provenance(result: Result) -> Facts:
    told = dict(result.provenance)
    config = told.pop("config", None)
    return _told({**told, "config": "in the file" if config else None})


def _told(named: dict[str, Any]) -> Facts:
    """What is known, in one line each."""
    texts = {
        name: value if isinstance(value, str) else _number(value) if isinstance(value, float) else canonical(value)
        for name, value in named.items()
        if value is not None
    }
    return [
        (visible(name), visible(text if len(text) <= LONG else f"{text[:LONG]} ...")) for name, text in texts.items()
    ]


def _number(value: float | None) -> str:
    return "no number" if value is None else f"{value:.6g}"


def _listed(commands: Sequence[str]) -> str:
    told = list(commands[:COMMANDS]) + ([f"# and {len(commands) - COMMANDS} more"] if len(commands) > COMMANDS else [])
    return "\n".join(map(visible, told))
