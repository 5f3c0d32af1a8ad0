"""What a result file must hold, group by group and type by type, and how its values are spelled; touches no file."""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

__all__ = ["GROUPS", "SCHEMA", "canonical", "check", "check_document", "plain"]

SCHEMA = 1
GROUPS = ("what", "scores", "n_inf", "images", "unavailable", "facts", "cost", "provenance")
_WHAT: dict[str, Any] = {
    **dict.fromkeys(("label", "restorer", "set", "lq_sha256", "code"), str),
    **dict.fromkeys(("model", "selection", "checkpoint_sha256"), str | None),
    **dict.fromkeys(("degradation", "budget"), dict | None),
    **{"protocol": dict, "metrics": list, "scale": int, "seed": int | None},
}
_NESTED: tuple[tuple[str, str, Any], ...] = (
    ("degradation", "name", str),
    ("protocol", "name", str),
    ("budget", "name", str),
    ("budget", "steps", int),
)
_LARGEST = 1e70  # of greater numbers fourth powers are no floats
_ENCODER = json.JSONEncoder(allow_nan=False, sort_keys=True, separators=(",", ":"))
_FACTS: dict[str, Any] = {"higher_is_better": bool, "unit": str, "digits": int}
_SUITE: dict[str, Any] = {"name": str, "version": int | str | None, "sha256": str | None, "role": str | None}
_COST = ("seconds", "parameters", "training_seconds")
_INFERENCE = ("ms_per_megapixel", "flops_per_megapixel", "peak_bytes", "rounds")


def canonical(value: Any) -> str:
    """The one JSON spelling of a plain value: equal values, equal text."""
    return _ENCODER.encode(value)


def plain(value: Any) -> Any:
    """The value in JSON's own types, so that what is written and what is read back are equal.

    NumPy's numbers become Python's, infinite ones and NaN become None, undecodable bytes of file names are spelled out.

    Raises:
        ValueError: it holds something that JSON has no word for.
    """
    kind = type(value)  # the usual types first: a board may read ten thousand files
    if value is None or kind is bool or kind is int or (kind is str and value.isascii()):
        return value
    if kind is float:
        return value if math.isfinite(value) else None
    if kind is dict and _is_plain_row(value):
        return dict(value)
    if isinstance(value, Mapping):
        return {plain(name if isinstance(name, str) else str(name)): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return plain(float(value))
    raise ValueError(f"{reprlib.repr(value)} cannot be written as JSON")


def _is_plain_row(row: dict[Any, Any]) -> bool:
    """Whether there is nothing to do: ASCII names of floats that count, as all the scores of images are."""
    numbers = row.values()
    plainly = set(map(type, numbers)) == {float} and all(type(name) is str and name.isascii() for name in row)
    return plainly and sum(map(abs, numbers)) <= _LARGEST


def check_document(document: Any) -> None:
    """Raise ValueError unless a file's content has the schema read here, and its groups, no more and no fewer."""
    _want(isinstance(document, dict) and "schema" in document, "is not a result of gan-bench (it has no schema)")
    schema, groups = document["schema"], set(document) - {"schema"}
    _want(_is(schema, int) and schema >= 1, f"has the unknown schema {reprlib.repr(schema)}")
    _want(schema <= SCHEMA, f"has schema {schema}, newer than this gan-bench reads ({SCHEMA}); update gan-bench")
    _want(groups >= set(GROUPS), f"has no {', '.join(sorted(set(GROUPS) - groups))}")
    _want(groups <= set(GROUPS), f"has the unknown group {reprlib.repr(min(groups - set(GROUPS), default=''))}")


def check(groups: Mapping[str, Any]) -> None:
    """Raise ValueError, naming the field, unless plain groups have the entries and types of a result."""
    _check_what(groups["what"])
    for stem, row in groups["images"].items():
        _check_numbers(f"images.{stem}", row)
    _check_numbers("scores", groups["scores"])
    for metric in groups["scores"]:
        _want(metric in groups["what"]["metrics"], f"scores.{metric} is not among what.metrics")
        _want(metric not in groups["unavailable"], f"{metric} is both scored and unavailable")
        _want(metric in groups["facts"], f"facts has no {metric}")
    for metric, facts in groups["facts"].items():
        _check_facts(metric, facts)
    _check_cost(groups["cost"])
    _want(all(_is(n, int) and n >= 0 for n in groups["n_inf"].values()), "n_inf is not a mapping of counts")
    _want(all(_is(reason, str) for reason in groups["unavailable"].values()), "unavailable is not a mapping of reasons")


def _check_what(what: dict[str, Any]) -> None:
    for name, kind in _WHAT.items():
        _want(name in what, f"what has no {name}")
        if not _is(what[name], kind):
            raise ValueError(f"what.{name} cannot be {reprlib.repr(what[name])}")
    for name, inner, kind in _NESTED:
        _want(what[name] is None or _is(what[name].get(inner), kind), f"what.{name} has no {inner}")
    _want(all(_is(name, str) for name in what["metrics"]), "what.metrics is not a list of names")
    budget = what["budget"] or {}
    for where, value in {"scale": what["scale"], "seed": what["seed"], "budget.steps": budget.get("steps")}.items():
        _want(value is None or _is_number(value), f"what.{where} is no number that counts")
    _want(budget.get("max_time") is None or _is_number(budget["max_time"], over=0), "what.budget.max_time is odd")
    for name in ("start_from", "machine"):
        _want(_is(budget.get(name), str | None), f"what.budget.{name} is odd")
    trained = what.get("trained_on")
    _want(trained is None or _is_training(trained), "what.trained_on is odd")
    for name in ("gt_sha256", "reals_sha256"):
        _want(_is(what.get(name), str | None), f"what.{name} is odd")
    suite = what.get("suite")
    stamped = isinstance(suite, dict) and all(_is(suite.get(name), kind) for name, kind in _SUITE.items())
    _want(suite is None or stamped, "what.suite is odd")
    _want(_is(what.get("recipe"), str | None), "what.recipe is odd")
    weights = what.get("metric_weights", {})
    _want(isinstance(weights, dict) and all(_is(sha, str) for sha in weights.values()), "what.metric_weights is odd")


def _is_training(trained: Any) -> bool:
    """Whether it names a data set, and a degradation where lq was made."""
    if not isinstance(trained, dict) or "degradation" not in trained:
        return False
    degradation = trained["degradation"]
    named = degradation is None or (isinstance(degradation, dict) and _is(degradation.get("name"), str))
    return named and _is(trained.get("dataset"), str)


def _check_numbers(where: str, row: dict[str, Any]) -> None:
    if _is_plain_row(row):
        return
    for metric, value in row.items():
        if not (value is None or _is_number(value)):
            raise ValueError(f"{where}.{metric} cannot be {reprlib.repr(value)}")


def _check_facts(metric: str, facts: Any) -> None:
    good = isinstance(facts, dict) and all(_is(facts.get(name), kind) for name, kind in _FACTS.items())
    _want(good, f"facts.{metric} lacks one of {', '.join(_FACTS)}")
    margin = facts.get("margin")
    _want(margin is None or _is_number(margin, over=0), f"facts.{metric}.margin is no positive number")
    _want(_is(facts.get("digest"), str | None), f"facts.{metric}.digest is odd")
    ranked_from = facts.get("ranked_from", 1)
    _want(_is(ranked_from, int) and ranked_from >= 1, f"facts.{metric}.ranked_from is no whole number from 1")
    reals = facts.get("reals", 0)
    _want(_is(reals, int) and reals >= 0, f"facts.{metric}.reals is no whole number")
    _want(0 <= facts["digits"] <= 12, f"facts.{metric}.digits cannot be {facts['digits']}")


def _check_cost(cost: Mapping[str, Any]) -> None:
    """Numbers from 0 on, or null; the other facts of a speed are shown as they are."""
    inference = cost.get("inference")
    _want(_is(inference, dict | None), "cost.inference is odd")
    numbers = {f"cost.{name}": cost.get(name) for name in _COST}
    numbers |= {f"cost.inference.{name}": (inference or {}).get(name) for name in _INFERENCE}
    for where, value in numbers.items():
        _want(value is None or (_is_number(value) and value >= 0), f"{where} is no number from 0")


def _is_number(value: Any, over: float = -math.inf) -> bool:
    """Whether it is a finite number above another that every sum and every picture can take."""
    return _is(value, int | float) and over < value and abs(value) <= _LARGEST


def _is(value: Any, kind: Any) -> bool:
    """Whether a value has a type; a truth value is no number."""
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _want(condition: bool, otherwise: str) -> None:
    if not condition:
        raise ValueError(otherwise)
