"""What a degradation drew, kept: as a file that replays it bit for bit, and as a few words under a picture."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan_bench.degradations import Chain, Degradation, Maybe, OneOf, Shuffle
from gan_bench.errors import UsageError

__all__ = ["SCHEMA", "Draws", "Record", "misfit", "read_draws", "to_json", "words"]

SCHEMA = 1
LABELS = {"sigma": "sigma ", "factor": "x", "quality": "", "size": ""}  # numbers that need no word, or another one
LONGEST = 4  # numbers of a list that are written out: of a trajectory it is said how many there are


@dataclass(frozen=True)
class Record:
    """What was drawn for one image.

    Attributes:
        sha256: of the gt pixels that were degraded.
        draws: a dictionary per sample.
        lq_sha256: of each sample's lq pixels, by which a replay is known to be exact.
    """

    sha256: str
    draws: list[dict[str, Any]]
    lq_sha256: list[str]


@dataclass(frozen=True)
class Draws:
    """All that was drawn in one go.

    Attributes:
        degradation: its resolved config; the order of its keys is that of its steps.
        scale: gt over lq.
        seed: sample k of an image is drawn by `generator("degradation", seed + k, name)`.
        images: by name.
    """

    degradation: dict[str, Any]
    scale: int
    seed: int
    images: dict[str, Record]


def to_json(draws: Draws) -> bytes:
    """The file's content; equal draws, equal bytes. Images are sorted, steps stay in the order in which they work."""
    images = {name: vars(record) for name, record in sorted(draws.images.items())}
    content = {"schema": SCHEMA, **vars(draws), "images": images}
    return (json.dumps(content, indent=1, allow_nan=False) + "\n").encode()


def read_draws(path: Path) -> Draws:
    """What `to_json` made, from a file.

    Raises:
        UsageError: it cannot be read, is damaged, or is another kind of file.
    """
    try:
        content = json.loads(path.read_bytes(), parse_constant=_refused)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        raise UsageError(f"{path}: no readable JSON ({error}); name a draws.json that degrade wrote") from None
    if isinstance(content, dict) and isinstance(content.get("schema"), int) and content["schema"] > SCHEMA:
        raise UsageError(f"{path}: schema {content['schema']}, and this gan-bench knows {SCHEMA}; take a newer one")
    cause = _defect(content)
    if cause:
        raise UsageError(f"{path}: not a file of draws ({cause}); name a draws.json that degrade wrote")
    images = {name: Record(**record) for name, record in content["images"].items()}
    return Draws(content["degradation"], content["scale"], content["seed"], images)


def misfit(step: Degradation, drawn: Mapping[str, Any], where: str = "") -> str | None:
    """What keeps a degradation from following these draws, as far as its composition says: steps and their names.

    Args:
        step: the degradation or a part of it.
        drawn: one sample's dictionary.
        where: the dotted path to it.

    Returns:
        One phrase, or None where all fits.
    """
    if not isinstance(drawn, Mapping):
        return f"{where}: no mapping"
    if isinstance(step, Maybe):
        return None if drawn.get("skipped") is True else misfit(step.step, drawn, where)
    if isinstance(step, OneOf):
        chosen = drawn.get("is")
        if not isinstance(chosen, str) or chosen not in step.choices:
            return f"{_at(where, 'is')}: {chosen!r} is none of {', '.join(step.choices)}"
        return misfit(step.choices[chosen], {key: value for key, value in drawn.items() if key != "is"}, where)
    if not isinstance(step, Chain | Shuffle):
        return None
    names = drawn.keys() - ({"order"} if isinstance(step, Shuffle) else set())
    if odd := sorted(names ^ step.steps.keys()):
        return f"{_at(where, odd[0])}: {'no such step' if odd[0] in names else 'nothing is drawn for it'}"
    if isinstance(step, Shuffle) and not _is_order(drawn.get("order"), step.steps):
        return f"{_at(where, 'order')}: not each of {', '.join(step.steps)} once"
    found = (misfit(part, drawn[name], _at(where, name)) for name, part in step.steps.items())
    return next((cause for cause in found if cause), None)


def words(drawn: Mapping[str, Any], name: str) -> list[str]:
    """Drawn parameters as short phrases in the order in which the steps work: `resize1 x0.43 area`.

    Seeds are left out, numbers have three significant digits.

    Args:
        drawn: one sample's dictionary, or a step's.
        name: of the degradation or step, for what it drew itself.
    """
    parts = {key: value for key, value in drawn.items() if isinstance(value, Mapping)}
    order = drawn["order"] if _is_order(drawn.get("order"), parts) else list(parts)
    own = {key: value for key, value in drawn.items() if key not in parts and (key != "order" or order is not value)}
    said = _said(_joined(own))
    return [f"{name} {said}"] * bool(said) + [phrase for key in order for phrase in words(parts[key], key)]


def _joined(drawn: Mapping[str, Any]) -> dict[str, Any]:
    """`sigma_x` and `sigma_y` as one `sigma` of two numbers, or of one."""
    axes = [drawn[key] for key in ("sigma_x", "sigma_y") if key in drawn]
    rest = {key: value for key, value in drawn.items() if key != "sigma_y"}
    return {("sigma" if key == "sigma_x" else key): axes if key == "sigma_x" else value for key, value in rest.items()}


def _said(drawn: Mapping[str, Any]) -> str:
    """Names first, then numbers, in the order in which they were drawn."""
    named = [value for value in drawn.values() if isinstance(value, str)]
    named += [key for key, value in drawn.items() if value is True]
    return " ".join([*named, *(_number(key, value) for key, value in drawn.items() if _is_shown(key, value))])


def _is_shown(key: str, value: Any) -> bool:
    return "seed" not in key.split("_") and not isinstance(value, str | bool | None) and value != []


def _number(key: str, value: Any) -> str:
    label = LABELS.get(key, f"{key} ")
    if not isinstance(value, list):
        return f"{label}{_digits(value)}"
    if len(value) <= LONGEST and not any(isinstance(one, list) for one in value):
        return f"{label}{'/'.join(map(_digits, value))}"
    return f"{key} ({len(value)})"


def _digits(value: Any) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _is_order(order: Any, steps: Mapping[str, Any]) -> bool:
    return isinstance(order, list) and all(isinstance(name, str) for name in order) and sorted(order) == sorted(steps)


def _at(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _refused(word: str) -> None:
    raise ValueError(f"{word} is no number of JSON")


def _defect(content: Any) -> str | None:
    """What a file of draws has and this content has not."""
    if not isinstance(content, dict):
        return "no mapping"
    for key, kind in {"schema": int, "degradation": dict, "scale": int, "seed": int, "images": dict}.items():
        if not isinstance(content.get(key), kind) or isinstance(content[key], bool):
            return f"no {key}"
    odd = (name for name, record in content["images"].items() if not _is_record(record))
    return next((f"images.{name}: no sha256, draws and lq_sha256" for name in odd), None)


def _is_record(record: Any) -> bool:
    if not isinstance(record, dict) or record.keys() != Record.__annotations__.keys():
        return False
    draws, hashes = record["draws"], record["lq_sha256"]
    kinds = isinstance(record["sha256"], str) and _is_list_of(draws, dict) and _is_list_of(hashes, str)
    return bool(kinds and len(draws) == len(hashes) > 0)


def _is_list_of(value: Any, kind: type) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(one, kind) for one in value)
