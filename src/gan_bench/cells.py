"""What a model is judged on at its end, as configs: its own data set and degradation, and the cells of its suite."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from gan_bench.errors import UsageError, did_you_mean

__all__ = ["ROLES", "SPLITS", "Cell", "Role", "Split", "find_cells"]

Split = Literal["train", "validation", "test"]
SPLITS = get_args(Split)
Role = Literal["rank", "smoke"]
ROLES = get_args(Role)
OF_A_CELL = ("dataset", "degradation", "split", "role")  # other keys are values of its degradation
OWN = "dataset."  # before a value of the cell's data set
Find = Callable[[str, str, str, Mapping[str, Any]], dict[str, Any]]
WithValues = Callable[[Mapping[str, Any], Mapping[str, Any], str], dict[str, Any]]


@dataclass(frozen=True)
class Cell:
    """A data set under a degradation.

    Attributes:
        place: where it was typed, `suite.cells[1]`; empty for the run's own.
        name: no two of a run are alike: `photos` for its own, `photos_jpeg`, `photos_gaussian_noise_sigma50`.
        dataset: resolved node.
        degradation: resolved node, at the run's scale.
        split: which images of the data set: `test`, `validation`, or `train`, which shows what was learnt by heart.
        role: in its suite: `rank`, or `smoke` where the images are too few to rank by; None outside of suites.
    """

    place: str
    name: str
    dataset: dict[str, Any]
    degradation: dict[str, Any]
    split: Split = "test"
    role: Role | None = None

    @property
    def set(self) -> str:
        """What the board calls the images: `photos`, `photos_train`."""
        return str(self.dataset["name"]) + ("" if self.split == "test" else f"_{self.split}")


def find_cells(config: Mapping[str, Any], find: Find, with_values: WithValues) -> list[Cell]:
    """The run's own cell and those of `suite.cells`, each once; the own has a role where the suite has it too.

    Args:
        config: the run's resolved config; without a data set there is no own cell.
        find: from group, name, place in the config and the config to the node of that file.
        with_values: from a degradation's node, values of it and their place to the checked node.

    Raises:
        UsageError: a cell is no mapping, or names what is not there; the suite has another scale or protocol.
    """
    suite = config.get("suite") or {}
    asked = suite.get("cells") or []
    if not isinstance(asked, list):
        raise UsageError("suite.cells: a list is needed, e.g. suite.cells=[{degradation: jpeg}]")
    _check_fits(suite, config)
    dataset, degradation = config.get("dataset") or {}, config.get("degradation") or {}
    found = [Cell("", str(dataset.get("name")), dict(dataset), dict(degradation))] if dataset else []
    find, with_values = _once(find), _once(with_values)
    for index, words in enumerate(asked):
        cell = _cell(f"suite.cells[{index}]", words, config, find, with_values)
        same = next((number for number, other in enumerate(found) if _judged(cell) == _judged(other)), None)
        if same is not None:
            found[same] = replace(found[same], role=found[same].role or cell.role)
        else:
            taken = {other.name for other in found}
            found.append(cell if cell.name not in taken else replace(cell, name=f"{cell.name}_{_digest(cell)}"))
    return found


def _once(make: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """The same, which composes and checks each node once: many cells share a few."""
    known: dict[str, dict[str, Any]] = {}

    def made(*arguments: Any) -> dict[str, Any]:
        asked = [argument for argument in arguments if not str(argument).startswith("suite.cells[")]
        spelled = json.dumps(asked, default=str)
        if spelled not in known:
            known[spelled] = make(*arguments)
        return known[spelled]

    return made


def _check_fits(suite: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    """Refuse a run that the suite's cells would judge otherwise than the suite says."""
    name = suite.get("name")
    scale, protocol = (config.get("degradation") or {}).get("scale"), (config.get("metrics") or {}).get("protocol")
    if suite.get("scale", scale) != scale:
        raise UsageError(f"suite={name} is for scale {suite['scale']}, this run has {scale}; set degradation.scale")
    wanted = suite.get("protocol", protocol)
    if protocol and wanted != protocol:
        raise UsageError(f"suite={name} is judged by protocol {wanted}, not {protocol}; add metrics.protocol={wanted}")


def _cell(place: str, words: Any, config: Mapping[str, Any], find: Find, with_values: WithValues) -> Cell:
    if not isinstance(words, Mapping):
        raise UsageError(f"{place}: a mapping is needed, e.g. {{degradation: jpeg}}, not {words!r}")
    values = {str(key): value for key, value in words.items() if key not in OF_A_CELL}
    own = {key.removeprefix(OWN): values.pop(key) for key in list(values) if key.startswith(OWN)}
    if "scale" in values:
        raise UsageError(f"{place}.scale: a cell has the run's scale; set degradation.scale")
    dataset, named = _dataset(place, words, own, config, find)
    degradation = config["degradation"]
    if "degradation" in words:
        degradation = find("degradation", words["degradation"], f"{place}.degradation", config)
        named.append(degradation["name"])
    if "scale" in config["degradation"]:
        values["scale"] = config["degradation"]["scale"]
    degradation = with_values(degradation, values, place)
    values.pop("scale", None)
    named += [f"{key}{_spelled(value)}" for key, value in values.items()]
    split = words.get("split", "test")
    if split not in SPLITS:
        raise UsageError(f"{place}.split: no split {split!r}{did_you_mean(str(split), SPLITS)}")
    named += [split] if split != "test" else []
    role = words.get("role", "rank" if "version" in (config.get("suite") or {}) else None)
    if role not in (None, *ROLES):
        raise UsageError(f"{place}.role: no role {role!r}{did_you_mean(str(role), ROLES)}")
    return Cell(place, "_".join(map(str, named)), dataset, degradation, split, role)


def _dataset(
    place: str, words: Mapping[str, Any], own: Mapping[str, Any], config: Mapping[str, Any], find: Find
) -> tuple[dict[str, Any], list[Any]]:
    """The data set of a cell with values of its own, and the words by which it is called."""
    dataset: Mapping[str, Any] = config.get("dataset") or {}
    if not dataset and not words.keys() >= {"dataset", "degradation"}:
        needed = "a data set and a degradation are needed, e.g. {dataset: photos, degradation: jpeg}"
        raise UsageError(f"{place}: {needed}")
    of_the_run = bool(dataset) and words.get("dataset", dataset["name"]) == dataset["name"]  # it may have its own root
    if not of_the_run:
        dataset = find("dataset", words["dataset"], f"{place}.dataset", config)
    if unknown := sorted(own.keys() - dataset.keys()):
        meant = did_you_mean(unknown[0], dataset)
        raise UsageError(f"{place}.{OWN}{unknown[0]}: {dataset['name']} has no such key{meant}")
    named = [own.get("name", dataset["name"]), *(f"{key}{_spelled(own[key])}" for key in own if key != "name")]
    whole = {**dataset, **own}
    return (whole if of_the_run and not own else _whole(whole, f"{place}.dataset")), named


def _judged(cell: Cell) -> tuple[Any, ...]:
    return cell.dataset, cell.degradation, cell.split


def _whole(dataset: dict[str, Any], place: str) -> dict[str, Any]:
    """The node of a data set, if it says all that is needed."""
    missing = [key for key, value in dataset.items() if value == "???"]
    if missing:
        raise UsageError(f"{place}: {dataset['name']} leaves {missing[0]} open; take a data set whose yaml says it")
    return dataset


def _spelled(value: Any) -> str:
    """A value as part of a file's name."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    spelled = "".join(letter if letter.isalnum() or letter in ".-" else "-" for letter in text).strip("-")
    short = hashlib.sha256(text.encode()).hexdigest()[:8]  # two long values must not begin alike
    return spelled if len(spelled) <= 24 else f"{spelled[:15]}-{short}"


def _digest(cell: Cell) -> str:
    text = json.dumps(_judged(cell), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:8]
