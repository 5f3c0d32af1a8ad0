"""The order of keys, which JSON that is sorted loses and a degradation's steps need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["in_order", "orders"]


def orders(node: Any, place: str = "") -> dict[str, list[str]]:
    """The keys of a node's mappings by their places, where they are not in the order of the alphabet, as in a result.

    Args:
        node: of a degradation, whose steps are taken one after the other.
        place: of the node.
    """
    if isinstance(node, Mapping):
        names = [str(name) for name in node]
        found = {place: names} if names != sorted(names) else {}
        inner: Iterable[tuple[Any, Any]] = node.items()
    else:
        found, inner = {}, enumerate(node) if isinstance(node, list) else ()
    for name, value in inner:
        found |= orders(value, f"{place}.{name}")
    return found


def in_order(node: Any, found: Mapping[str, list[str]], place: str = "") -> Any:
    """A node as it was before its keys were sorted.

    Args:
        node: any.
        found: what `orders` found in it; keys that it does not name come last, by the alphabet.
        place: of the node.
    """
    if isinstance(node, Mapping):
        ranks = {name: rank for rank, name in enumerate(found.get(place, ()))}
        names = sorted(node, key=lambda name: (ranks.get(name, len(ranks)), name))
        return {name: in_order(node[name], found, f"{place}.{name}") for name in names}
    if isinstance(node, list):
        return [in_order(value, found, f"{place}.{number}") for number, value in enumerate(node)]
    return node
