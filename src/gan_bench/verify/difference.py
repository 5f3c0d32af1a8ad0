"""What a file states beside what was found, in one line; nothing is judged here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gan_bench.benchmark.schema import canonical, plain
from gan_bench.check import leaves

__all__ = ["difference"]

LONG = 60  # characters of a value


def difference(stated: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """The first value that the file has otherwise, and how many more there are; empty where there is none.

    Args:
        stated: trees of plain containers by name, as the file has them.
        found: the same as they are.
    """
    said, right = (dict(leaves(plain(one))) for one in (stated, found))
    odd = [name for name in dict.fromkeys([*said, *right]) if _spelled(said, name) != _spelled(right, name)]
    if not odd:
        return ""
    more = f"; and {len(odd) - 1} more" if len(odd) > 1 else ""
    told = [f"{one[:LONG]}..." if len(one) > LONG else one for one in (_spelled(said, odd[0]), _spelled(right, odd[0]))]
    return f"{odd[0]}: {told[0]} in the file, {told[1]} found{more}"


def _spelled(values: Mapping[str, Any], name: str) -> str:
    return canonical(values[name]) if name in values else "nothing"
