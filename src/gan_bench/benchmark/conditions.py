"""What a restorer was trained or judged on, in as few words as tell several such things apart."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gan_bench.benchmark.schema import canonical

__all__ = ["Condition", "differing", "names_of"]

Condition = tuple[str, Mapping[str, Any] | None]
"""A data set's name, and a degradation, None for inputs that were given."""

LONG = 40  # characters of a value; what is longer is named by its digest
FRAME = frozenset({"parameters", "steps", "step", "choices"})  # keys that only hold others


def names_of(conditions: Sequence[Condition], short: bool = False) -> list[str]:
    """One name each, equal only for equal conditions: `jpeg`; `photos, jpeg`; `gaussian_noise, sigma 50`.

    Args:
        conditions: in any order, repetitions allowed.
        short: of one degradation with several values only these: `sigma 50`.
    """
    several = len({dataset for dataset, _ in conditions}) > 1
    alike = defaultdict(list)
    for index, (_, degradation) in enumerate(conditions):
        alike[_name(degradation)].append(index)
    names = [""] * len(conditions)
    for name, indices in alike.items():
        for index, words in zip(indices, differing([conditions[i][1] or {} for i in indices]), strict=True):
            shown = [name] if len(alike) > 1 or not short or not (words or several) else []
            names[index] = ", ".join([*([conditions[index][0]] if several else []), *shown, *words])
    return names


def differing(nodes: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """For each of several mappings the values in which they differ: `sigma 50`, `without blur1`; null is not said.

    Args:
        nodes: nested mappings.
    """
    words: list[list[str]] = [[] for _ in nodes]
    for path, values in _differences(nodes, ()):
        label = ".".join(name for name in path if name not in FRAME) or path[-1]
        for told, value in zip(words, values, strict=True):
            told += _word(label, value, values)
    return words


def _name(degradation: Mapping[str, Any] | None) -> str:
    return str(degradation["name"]) if degradation else "given inputs"


def _differences(nodes: Sequence[Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    """Where the nodes differ, as high up as not all of them are mappings."""
    if all(isinstance(node, Mapping) for node in nodes):
        for name in sorted({name for node in nodes for name in node}):
            yield from _differences([node.get(name) for node in nodes], (*path, name))
    elif len({canonical(node) for node in nodes}) > 1:
        yield path, list(nodes)


def _word(label: str, value: Any, values: Sequence[Any]) -> list[str]:
    steps = {canonical(one) for one in values if isinstance(one, Mapping)}
    if value is None:
        return [f"without {label}"] if steps else []
    if isinstance(value, Mapping) and len(steps) == 1:
        return []
    return [f"{label} {_short(value)}"]


def _short(value: Any) -> str:
    if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        text = "+".join(value)
    else:
        text = value if isinstance(value, str) else canonical(value)
    return text if len(text) <= LONG else f"#{hashlib.sha256(text.encode()).hexdigest()[:8]}"
