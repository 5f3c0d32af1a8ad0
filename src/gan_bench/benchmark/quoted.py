"""Numbers that others published, beside a table of the same task: quoted with their source, never ranked."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["quoted"]


def quoted(what: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What was published of a set under a degradation at a scale; nobody here has seen those images or that code.

    Args:
        what: of a result of the table.

    Returns:
        for each: label, source, protocol as it was claimed, scores by metric.
    """
    degradation = (what["degradation"] or {}).get("name")
    task = {"set": what["set"], "degradation": degradation, "scale": what["scale"]}
    return [
        {name: one[name] for name in ("label", "source", "protocol", "scores")}
        for one in _published()
        if all(one[name] == value for name, value in task.items())
    ]


@functools.cache
def _published() -> tuple[dict[str, Any], ...]:
    return tuple(json.loads(Path(__file__).with_name("published.json").read_text(encoding="utf-8")))
