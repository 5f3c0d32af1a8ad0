"""The page's numbers as compact JSON for its script: nothing that the markup says already, nothing twice.

`page.js` reads this and nothing else. A row is known by its place in the table.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gan_bench.benchmark.page.text import COSTS, Json, clean, known, machine, name_of
from gan_bench.benchmark.scores import DISTORTION, PERCEPTION, foremost

__all__ = ["embedded"]

MISSING = -(2**23)  # stands for no value
VERIFY = "gan-bench verify"  # and the file, where a row does not say otherwise
_ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def embedded(document: Json, detailed: int | None = None) -> str:
    """The document's numbers as JSON that may stand in a script element.

    Args:
        document: the page's.
        detailed: of how many rows of each table the provenance is told; None for all.
    """
    pool = _Pool(document, detailed)
    tables = [_table(table, pool, detailed) for table in document["tables"]]
    return _json({"pool": pool.texts, "shapes": pool.shapes, "tables": tables})


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).translate(_ESCAPES)


class _Pool:
    """Texts of provenance that are there more than once, and the outlines that rows share."""

    def __init__(self, document: Json, detailed: int | None) -> None:
        rows = (row for table in document["tables"] for row in table["rows"][:detailed])
        seen = Counter(clean(value) for row in rows for _, pairs in row["provenance"] for _, value in pairs)
        self.texts = [text for text, times in seen.items() if times > 1 and len(text) > 3]
        self._places = {text: place for place, text in enumerate(self.texts)}
        self.shapes: list[Any] = []
        self._shapes: dict[str, int] = {}

    def facts(self, provenance: Sequence[Any]) -> list[Any]:
        """The number of the outline, then each value as its text or as its place in the pool."""
        shape = [[clean(group), [clean(name) for name, _ in pairs]] for group, pairs in provenance]
        values = [clean(value) for _, pairs in provenance for _, value in pairs]
        place = self._shapes.setdefault(_json(shape), len(self._shapes))
        if place == len(self.shapes):
            self.shapes.append(shape)
        return [place, *(self._places.get(value, value) for value in values)]


def _table(table: Json, pool: _Pool, detailed: int | None) -> dict[str, Any]:
    rows, metrics = table["rows"], table["metrics"]
    places = {row["id"]: i for i, row in enumerate(rows)}
    machines = list(dict.fromkeys(filter(None, map(machine, rows))))
    digits = {metric["name"]: metric["digits"] for metric in metrics}
    names = list(digits)
    told = [_row(row, metrics, machines) for row in rows]
    for row, one in list(zip(rows, told, strict=True))[:detailed]:
        one["facts"] = pool.facts(row["provenance"])
    return {
        "id": str(table["id"]),
        "images": [clean(name) for name in table["images"]],
        "metrics": [_metric(metric) for metric in metrics],
        "distortion": [names.index(name) for name in foremost(names, DISTORTION)],
        "perception": [names.index(name) for name in foremost(names, PERCEPTION)],
        "ref": places.get(table["reference"]),
        "machines": machines,
        "rows": told,
        "pairs": {name: _pairs(p, places, digits[name] + 5) for name, p in table["pairs"].items() if name in digits},
        "per": {name: _values(v, places, digits[name] + 3) for name, v in table["per_image"].items() if name in digits},
        "crops": [clean(crop["image"]) for crop in table["crops"]],
    }


def _row(row: Json, metrics: Sequence[Json], machines: Sequence[str]) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "claim": row["claim"],
        "seeds": list(row["seeds"]),
        "rank": row["rank"],
        "scores": [_score(row["scores"].get(metric["name"]), metric["digits"]) for metric in metrics],
        "cost": [_plain(row["cost"].get(cost)) for cost in COSTS],
        "machine": machines.index(machine(row)) if machine(row) else -1,
        "peak": _plain(row["cost"].get("peak_bytes")),
        "make": clean(row["make"]),
        **({} if row["verify"] == f"{VERIFY} {row['file']}" else {"verify": clean(row["verify"])}),
        "file": clean(row["file"]),
    }


def _metric(metric: Json) -> dict[str, Any]:
    told = {name: metric[name] for name in ("higher", "digits", "margin", "primary", "resolvable")}
    return {"name": str(metric["name"]), "shown": name_of(metric["name"]), "unit": clean(metric["unit"]), **told}


def _score(score: Json | None, digits: int) -> list[Any] | None:
    """Mean, low, high, then the seeds; None where there is no mean."""
    if not score or not known(score["mean"]):
        return None
    others = (score["low"], score["high"], *score["seeds"])  # of these no difference is taken
    return [_plain(score["mean"], digits + 6), *(_plain(value, digits + 3) for value in others)]


def _plain(value: Any, digits: int = 6) -> float | int | None:
    if not known(value):
        return None
    rounded = round(value, digits)
    return int(rounded) if float(rounded).is_integer() else rounded


def _pairs(pairs: Json, places: Mapping[str, int], digits: int) -> dict[str, Any]:
    """Rows against later rows only: the other half is the same with its sign turned."""
    count = len(pairs["rows"])

    def later(grid: Sequence[Sequence[Any]]) -> Iterator[Any]:
        return (grid[i][j] for i in range(count) for j in range(i + 1, count))

    return {
        "rows": [places[row] for row in pairs["rows"]],
        "d": [_plain(value, digits) for value in later(pairs["difference"])],
        "h": [_plain(value, digits) for value in later(pairs["half"])],
        "v": "".join(later(pairs["verdict"])),
    }


def _values(rows: Mapping[str, Sequence[float | None]], places: Mapping[str, int], digits: int) -> dict[str, Any]:
    """Values of the images as integers of 24 bits, in steps of the last decimal that leaves them room, in base64."""
    found = [float(value) for values in rows.values() for value in values if known(value)]
    low, high = min(found, default=0.0), max(found, default=0.0)
    while (high - low) * 10.0**digits > 2**24 - 4:
        digits -= 1
    size, middle = 10.0**digits, round((low + high) / 2, digits)
    return {
        "size": _plain(size),
        "middle": middle,
        "rows": {places[row]: _packed(values, size, middle) for row, values in rows.items() if row in places},
    }


def _packed(values: Sequence[float | None], size: float, middle: float) -> str:
    steps = [round((value - middle) * size) if value is not None and known(value) else MISSING for value in values]
    return base64.b64encode(b"".join(step.to_bytes(3, "little", signed=True) for step in steps)).decode()
