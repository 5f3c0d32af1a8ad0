"""Degradations made of degradations: one after another, perhaps, one of several, in any order.

The steps have names, so that a value is one override (`degradation.steps.blur1.sigma=[0.2,1]`), a drawn parameter is
found again, and an ablation takes a step out (`degradation.without=blur1`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from gan_bench.chance import generator
from gan_bench.degradations.base import Degradation, Draw, Pixels, Size
from gan_bench.degradations.ranges import decided, probabilities, which
from gan_bench.degradations.ranges import probability as _probability
from gan_bench.degradations.ranges import seed as _seed
from gan_bench.errors import did_you_mean

__all__ = ["Chain", "Maybe", "OneOf", "Shuffle"]

Steps = Mapping[str, Degradation | None]


class Chain(Degradation):
    """Steps one after another. A step's drawn parameters stand under its name.

    Args:
        steps: degradations by name; a step that is null is left out.
        scale: lq is smaller than gt by this factor; a step must see to it.
        margin: gt pixels around a training patch that are degraded with it and cut off, rounded up to the scale.
        granularity: `sample` draws everything for each sample; `batch` draws whether, which and how large once for a
            batch, as blind chains are published, which lets a GPU work on the whole batch.
        without: a name or names of steps to leave out.
    """

    def __init__(
        self,
        steps: Steps,
        scale: int = 1,
        margin: int = 0,
        granularity: Literal["sample", "batch"] = "sample",
        without: str | Sequence[str] | None = None,
    ) -> None:
        super().__init__(scale)
        if not isinstance(margin, int) or margin < 0:
            raise ValueError(f"margin={margin}: a whole number of pixels from 0 is needed")
        self.steps = _left(steps, [without] if isinstance(without, str) else _listed(without))
        self.margin = -(-margin // scale) * scale
        self.granularity = _granularity(granularity)
        self.reach = max((step.reach for step in self.steps.values()), default=1)
        self.varies = any(step.varies for step in self.steps.values())

    def parts(self) -> Iterator[Degradation]:
        """This, and all that it is made of."""
        return _parts(self, self.steps.values())

    def draw(self, rngs: Sequence[np.random.Generator], shared: np.random.Generator | None = None) -> Draw:
        """`{step: what it drew}` per sample."""
        return _by_name(self.steps, rngs, shared)

    def on_pixels(self, pixels: Pixels, drawn: dict[str, Any], lq_size: Size) -> Pixels:
        """The steps in their order."""
        for name, step in self.steps.items():
            pixels = np.atleast_3d(step.on_pixels(pixels, drawn[name], lq_size))
        return pixels

    def on_batch(self, image: Tensor, draw: Draw, lq_size: Size) -> Tensor:
        """The steps in their order."""
        for name, step in self.steps.items():
            image = step.on_batch(image, [drawn[name] for drawn in draw], lq_size)
        return image


class Maybe(Degradation):
    """A degradation with some probability; its draw is `{"skipped": true}` where nothing is done.

    Args:
        probability: from 0 to 1.
        step: what is perhaps done.
        granularity: `sample` decides for each sample, even where the chain around it decides for the batch.
    """

    def __init__(
        self, probability: float, step: Degradation, granularity: Literal["sample", "batch"] = "batch"
    ) -> None:
        self.probability, self.step = _probability("probability", probability), _degradation("step", step)
        self.own = _granularity(granularity) == "sample"
        if self.own and step.varies:
            raise ValueError("granularity=sample: what changes the size is decided with the chain; leave it out")
        self.reach, self.varies = step.reach, step.varies

    def parts(self) -> Iterator[Degradation]:
        """This, and all that it is made of."""
        return _parts(self, [self.step])

    def draw(self, rngs: Sequence[np.random.Generator], shared: np.random.Generator | None = None) -> Draw:
        """What the step drew, or `{"skipped": true}`."""
        hits = decided(rngs, None if self.own else shared, lambda rng: bool(rng.random() < self.probability))
        drawn = self.step.draw(rngs, shared)  # always: what follows is the same, whether or not this is done
        return [one if hit else {"skipped": True} for hit, one in zip(hits, drawn, strict=True)]

    def on_pixels(self, pixels: Pixels, drawn: dict[str, Any], lq_size: Size) -> Pixels:
        """The step, or the image itself."""
        return pixels if drawn.get("skipped") else self.step.on_pixels(pixels, drawn, lq_size)

    def on_batch(self, image: Tensor, draw: Draw, lq_size: Size) -> Tensor:
        """The step on those samples that are not skipped."""

        def work(part: Tensor, drawn: Draw) -> Tensor:
            return part if drawn[0].get("skipped") else self.step.on_batch(part, drawn, lq_size)

        return _grouped(image, draw, lambda drawn: bool(drawn.get("skipped")), work)


class OneOf(Degradation):
    """One of several degradations; its draw is what the chosen one drew, and `{"is": name}`.

    Args:
        choices: degradations by name.
        weights: their probabilities, by name, which sum to 1.
    """

    def __init__(self, choices: Mapping[str, Degradation], weights: Mapping[str, float]) -> None:
        self.choices, self.weights = _degradations("choices", choices), probabilities("weights", weights)
        if self.choices.keys() != self.weights.keys():
            odd = sorted(self.choices.keys() ^ self.weights.keys())[0]
            raise ValueError(f"weights: {odd!r} is among the choices or among the weights only")
        if any(isinstance(_beneath(choice), OneOf) for choice in self.choices.values()):
            raise ValueError("choices: one of them is a OneOf itself; put its choices among these")
        self.reach = max(choice.reach for choice in self.choices.values())
        self.varies = any(choice.varies for choice in self.choices.values())

    def parts(self) -> Iterator[Degradation]:
        """This, and all that it is made of."""
        return _parts(self, self.choices.values())

    def draw(self, rngs: Sequence[np.random.Generator], shared: np.random.Generator | None = None) -> Draw:
        """`{"is": name}` and what that degradation drew."""
        names = decided(rngs, shared, lambda rng: which(rng, self.weights))
        if shared is not None:
            return [{"is": names[0], **one} for one in self.choices[names[0]].draw(rngs, shared)] if names else []
        return [{"is": name, **self.choices[name].draw([rng])[0]} for name, rng in zip(names, rngs, strict=True)]

    def on_pixels(self, pixels: Pixels, drawn: dict[str, Any], lq_size: Size) -> Pixels:
        """The chosen one."""
        return self.choices[drawn["is"]].on_pixels(pixels, _its_own(drawn), lq_size)

    def on_batch(self, image: Tensor, draw: Draw, lq_size: Size) -> Tensor:
        """Each of the chosen ones on its samples."""

        def work(part: Tensor, drawn: Draw) -> Tensor:
            return self.choices[drawn[0]["is"]].on_batch(part, [_its_own(one) for one in drawn], lq_size)

        return _grouped(image, draw, lambda drawn: str(drawn["is"]), work)


class Shuffle(Degradation):
    """Steps in a drawn order; its draw is `{step: what it drew}` and `{"order": names}`.

    Args:
        steps: degradations by name; a step that is null is left out.
        ordered: names of steps that keep their order among each other.
        probability: of shuffling at all; else the steps stand in the order in which they are given.
    """

    def __init__(self, steps: Steps, ordered: Sequence[str] = (), probability: float = 1.0) -> None:
        self.steps, self.ordered = _left(steps, ()), list(ordered)
        if "order" in self.steps:
            raise ValueError("steps.order: a step of another name is needed, this is what the order is drawn under")
        self.probability = _probability("probability", probability)
        for name in self.ordered:
            if name not in steps:
                raise ValueError(f"ordered: no step {name!r}{did_you_mean(name, steps)}")
        self.reach = max((step.reach for step in self.steps.values()), default=1)
        self.varies = any(step.varies for step in self.steps.values())

    def parts(self) -> Iterator[Degradation]:
        """This, and all that it is made of."""
        return _parts(self, self.steps.values())

    def draw(self, rngs: Sequence[np.random.Generator], shared: np.random.Generator | None = None) -> Draw:
        """The order, and `{step: what it drew}`."""
        orders = decided(rngs, shared, self._order)
        drawn = _by_name(self.steps, rngs, shared)
        return [{"order": order, **one} for order, one in zip(orders, drawn, strict=True)]

    def _order(self, rng: np.random.Generator) -> list[str]:
        names = list(self.steps)
        shuffled = [names[i] for i in rng.permutation(len(names))]
        if rng.random() >= self.probability:
            return names
        kept = iter([name for name in self.ordered if name in self.steps])
        return [next(kept) if name in self.ordered else name for name in shuffled]

    def on_pixels(self, pixels: Pixels, drawn: dict[str, Any], lq_size: Size) -> Pixels:
        """The steps in the drawn order."""
        for name in drawn["order"]:
            pixels = np.atleast_3d(self.steps[name].on_pixels(pixels, drawn[name], lq_size))
        return pixels

    def on_batch(self, image: Tensor, draw: Draw, lq_size: Size) -> Tensor:
        """The samples of each order together."""

        def work(part: Tensor, drawn: Draw) -> Tensor:
            for name in drawn[0]["order"]:
                part = self.steps[name].on_batch(part, [one[name] for one in drawn], lq_size)
            return part

        return _grouped(image, draw, lambda drawn: tuple(drawn["order"]), work)


def _listed(words: object) -> list[str]:
    if words is None or isinstance(words, list | tuple):
        return list(words or ())
    raise ValueError(f"without={words}: a name or a list of names of steps is needed")


def _degradation(name: str, step: object) -> Degradation:
    if not isinstance(step, Degradation):
        raise ValueError(f"{name}={step}: a degradation with a _target_ is needed")
    return step


def _degradations(name: str, steps: object) -> dict[str, Degradation]:
    if not isinstance(steps, Mapping) or not steps:
        raise ValueError(f"{name}={steps}: degradations by name are needed")
    return {word: _degradation(f"{name}.{word}", step) for word, step in steps.items()}


def _beneath(step: Degradation) -> Degradation:
    """What a Maybe may do, whose draw is that step's own."""
    return _beneath(step.step) if isinstance(step, Maybe) else step


def _its_own(drawn: dict[str, Any]) -> dict[str, Any]:
    """What the chosen degradation drew."""
    return {name: value for name, value in drawn.items() if name != "is"}


def _parts(whole: Degradation, inner: Iterable[Degradation]) -> Iterator[Degradation]:
    yield whole
    for step in inner:
        yield from step.parts()


def _granularity(word: str) -> Literal["sample", "batch"]:
    if word not in ("sample", "batch"):
        raise ValueError(f"granularity={word}: sample or batch")
    return word  # type: ignore[return-value]


def _left(steps: Steps, without: Sequence[str]) -> dict[str, Degradation]:
    """The steps that are neither null nor taken out."""
    if not isinstance(steps, Mapping):
        raise ValueError(f"steps={steps}: degradations by name are needed")
    if not all(isinstance(name, str) for name in without):
        raise ValueError(f"without={without}: names of steps are needed")
    for name in without:
        if name not in steps:
            raise ValueError(f"without: no step {name!r}{did_you_mean(name, steps)}")
    left = {name: step for name, step in steps.items() if step is not None and name not in without}
    return _degradations("steps", left) if left else {}


def _by_name(
    steps: Mapping[str, Degradation], rngs: Sequence[np.random.Generator], shared: np.random.Generator | None
) -> Draw:
    """What every step drew, each from a generator of its own name: without a step, the others draw what they did."""
    keys = [_seed(rng) for rng in rngs]
    common = None if shared is None else _seed(shared)
    drawn = {
        name: step.draw(
            [generator("step", key, name) for key in keys],
            None if common is None else generator("step", common, name),
        )
        for name, step in steps.items()
    }
    return [{name: one[i] for name, one in drawn.items()} for i in range(len(rngs))]


def _grouped(
    image: Tensor, draw: Draw, key: Callable[[dict[str, Any]], Hashable], work: Callable[[Tensor, Draw], Tensor]
) -> Tensor:
    """Work on the samples of equal key together; the results keep the samples' order."""
    groups: dict[Hashable, list[int]] = {}
    for index, drawn in enumerate(draw):
        groups.setdefault(key(drawn), []).append(index)
    if len(groups) == 1:
        return work(image, draw)
    done: list[Tensor] = [image] * len(draw)
    for indices in groups.values():
        part = work(image[indices], [draw[i] for i in indices])
        for index, one in zip(indices, part, strict=True):
            done[index] = one
    return torch.stack(done)
