"""A recipe as a list of stages: which losses count how much, for which share of the steps, at which learning rate."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gan_bench.errors import UsageError, did_you_mean
from gan_bench.models.schedules import Constant, Schedule

__all__ = ["Stage", "plan"]


@dataclass(frozen=True)
class Stage:
    """One stage of a recipe.

    Attributes:
        fraction: share of the budget's steps; those of all stages sum to 1.
        weights: of the loss terms, by name; a term without a weight, or with 0, is not computed.
        lr: learning rate at the start.
        schedule: what becomes of it.
        patch: gt pixels of a training crop, None for the budget's.
        name: for file names and the progress bar.
        fresh: whether it starts as a training of its own, from the product of the stage before and with fresh optimizer
            states, as most papers do; else all goes on.
        first: step at which it starts.
        steps: how many it takes.
    """

    fraction: float
    weights: Mapping[str, float]
    lr: float
    schedule: Schedule = field(default_factory=Constant)
    patch: int | None = None
    name: str = ""
    fresh: bool = True
    first: int = 0
    steps: int = 0

    def learning_rate(self, step: int) -> float:
        """At a step counted from the start of training."""
        return self.lr * self.schedule((step - self.first) / self.steps)


def plan(
    stages: Sequence[Mapping[str, Any]],
    steps: int,
    terms: Collection[str],
    absent: Collection[str],
    conditional: bool = False,
) -> list[Stage]:
    """Stages with their place in the budget.

    Args:
        stages: as in the model's yaml.
        steps: of the whole budget.
        terms: the model's loss terms.
        absent: terms whose criterion is none: their weights are dropped.
        conditional: whether the adversarial term may stand alone, as its discriminator sees lq.

    Raises:
        UsageError: fractions that do not sum to 1, a weight without a term, a term without a weight, a stage without
            a loss.
    """
    if not stages or abs(sum(stage["fraction"] for stage in stages) - 1) > 1e-6:
        raise UsageError("model.stages: their fractions must sum to 1")
    planned, first, share = [], 0, 0.0
    for number, given in enumerate(stages):
        share += given["fraction"]
        last = round(steps * share)
        name = given.get("name") or f"stage{number + 1}"
        key = f"model.stages.{number}.weights"
        weights = _weights(given["weights"], terms, absent, key, name)
        if not conditional and not any(weight for term, weight in weights.items() if term != "adversarial"):
            raise UsageError(
                f"{key}: in stage {name!r} the adversarial term alone cannot tell what to restore; give another a "
                "weight"
            )
        settings = {key: value for key, value in given.items() if value is not None and key != "weights"}
        planned.append(Stage(**{**settings, "weights": weights, "name": name, "first": first, "steps": last - first}))
        first = last
    unused = set(terms) - set(absent) - {name for stage in planned for name in stage.weights}
    if unused:
        raise UsageError(
            f"model.stages: no stage gives {sorted(unused)[0]!r} a weight; give it one, or 0 to do without"
        )
    return [stage for stage in planned if stage.steps]


def _weights(
    given: Mapping[str, float], terms: Collection[str], absent: Collection[str], key: str, stage: str
) -> dict[str, float]:
    for name in given:
        if name not in terms:
            raise UsageError(f"{key}.{name}: the model has no such term{did_you_mean(name, terms)}")
    weights = {name: float(weight) for name, weight in given.items() if name not in absent}
    if not any(weights.values()):
        raise UsageError(f"{key}: no loss is left to train on in stage {stage!r}")
    return weights
