"""What is done to every image of `gan-bench degrade`: a degradation, and draws that come from a seed or from a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gan_bench.chance import generator
from gan_bench.config import build, check, degradation_node, plain, typed_values
from gan_bench.degradations import Degradation
from gan_bench.draws import Record, misfit, read_draws
from gan_bench.errors import UsageError, did_you_mean

__all__ = ["Plan", "asked", "degradation", "replayed"]


@dataclass(frozen=True)
class Plan:
    """A degradation and how it draws.

    Attributes:
        config: its resolved config, with its name.
        made_by: itself.
        seed: of sample 0.
        draws: from an image's name to a dictionary per sample; refuses a name that a file of draws has not.
        recorded: of a replay, what the file says of each image.
    """

    config: dict[str, Any]
    made_by: Degradation
    seed: int
    draws: Callable[[str], list[dict[str, Any]]]
    recorded: Mapping[str, Record] = field(default_factory=dict)


def degradation(name: str, scale: int | None = None, **values: Any) -> Degradation:
    """A degradation by its name: it draws parameters, and applies them.

    Args:
        name: of a file of conf/degradation.
        scale: gt over lq; the file's own by default.
        values: further values of the file, nested as in it: `steps={"jpeg1": {"quality": [10, 20]}}`.

    Raises:
        UsageError: no such degradation, or a value that it has not or refuses.
    """
    made: Degradation = build(degradation_node(name, values, scale), key="degradation")
    return made


def asked(name: str, words: Sequence[str], scale: int | None, seed: int, samples: int) -> Plan:
    """Draws from a seed: sample 0 is what a benchmark of this seed makes of an image of this name.

    Args:
        name: of a file of conf/degradation.
        words: `KEY=VALUE` with dotted keys.
        scale: gt over lq; the file's own where None.
        seed: of sample 0; sample k has `seed + k`.
        samples: of each image.

    Raises:
        UsageError: no such degradation, or a value that it has not or refuses.
    """
    node = degradation_node(name, typed_values(words, scale), scale)
    made_by = build(node, key="degradation")

    def draws(image: str) -> list[dict[str, Any]]:
        rngs = [generator("degradation", seed + k, image) for k in range(samples)]
        drawn: list[dict[str, Any]] = json.loads(json.dumps(made_by.draw(rngs), allow_nan=False))
        return drawn  # as a replay will have it

    return Plan(plain(node), made_by, seed, draws)


def replayed(path: Path) -> Plan:
    """The degradation and the draws of a file.

    Args:
        path: what `draws.to_json` made.

    Raises:
        UsageError: the file is damaged, or its draws do not fit its degradation.
    """
    kept = read_draws(path)
    try:
        check(OmegaConf.create({"degradation": kept.degradation}))
        made_by = build(kept.degradation, key="degradation")
    except (UsageError, OmegaConfBaseException) as error:
        raise UsageError(f"{path}: {' '.join(str(error).split())}") from None
    if not isinstance(made_by, Degradation) or made_by.scale != kept.scale or "name" not in kept.degradation:
        raise UsageError(f"{path}: degradation: none with a name and scale {kept.scale}, as the file has it")
    for name, record in kept.images.items():
        for number, drawn in enumerate(record.draws):
            if cause := misfit(made_by, drawn):
                raise UsageError(f"{path}: images.{name}.draws[{number}]: {cause}; it does not fit the degradation")

    def draws(image: str) -> list[dict[str, Any]]:
        if image not in kept.images:
            raise UsageError(f"no draws of {image!r} in {path}{did_you_mean(image, kept.images)}")
        return kept.images[image].draws

    return Plan(kept.degradation, made_by, kept.seed, draws, kept.images)
