"""A suite's name, version and digest: which cells, by what protocol; nothing is built or judged here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from gan_bench.cells import Cell
from gan_bench.config import conf_dir, read_yaml
from gan_bench.data import describe
from gan_bench.errors import UsageError, did_you_mean

__all__ = ["FEWEST", "metrics_of", "stamp"]

FEWEST = 50  # images of a cell that ranks
# Of a data set's node: where it lies, how one trains on it, and what that needs. The rest says which images are judged.
UNCOUNTED = frozenset({"_target_", "root", "hub", "hub_config", "hub_split", "column", "lq_column", "wanted"})
UNCOUNTED |= {"limit", "unpaired", "turns", "resize", "num_ch"}


def stamp(suite: Mapping[str, Any], cells: Sequence[Cell]) -> dict[str, Any] | None:
    """What a result says of the suite that it was judged for: name, version, sha256.

    Args:
        suite: the resolved node of a config.
        cells: those that `config.cells` found; only those of the suite count.

    Returns:
        None for a suite without a version.

    Raises:
        UsageError: the suite names metrics that are not there.
    """
    if "version" not in suite:
        return None
    counted = [_counted(cell) for cell in cells if cell.role]
    content = {"cells": sorted(counted, key=_canonical), "metrics": metrics_of(suite)}
    content |= {name: suite[name] for name in ("scale", "protocol", "reference")}
    digest = hashlib.sha256(_canonical(content).encode()).hexdigest()
    return {"name": suite["name"], "version": suite["version"], "sha256": digest}


def metrics_of(suite: Mapping[str, Any]) -> dict[str, Any]:
    """The names of a suite's metrics, and what is computed instead of some.

    Raises:
        UsageError: no such file of conf/metrics.
    """
    known = [path.stem for path in (conf_dir() / "metrics").glob("*.yaml")]
    if suite["metrics"] not in known:
        raise UsageError(f"suite.metrics: no such metrics{did_you_mean(str(suite['metrics']), known)}")
    node = read_yaml(conf_dir() / "metrics" / f"{suite['metrics']}.yaml")
    return {"names": node["names"], "instead": node.get("instead") or {}}


def _counted(cell: Cell) -> dict[str, Any]:
    """All of a cell that decides which numbers come out; a data set's folder is not asked for."""
    places = [key for key in ("gt", "lq") if isinstance(cell.dataset.get(key), str)]
    dataset = {key: value for key, value in cell.dataset.items() if key not in UNCOUNTED.union(places)}
    described = {"dataset": describe(dataset), "degradation": describe(cell.degradation)}
    return {**described, "split": cell.split, "role": cell.role}


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
