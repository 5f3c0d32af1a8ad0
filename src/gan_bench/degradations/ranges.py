"""Numbers that a yaml gives as one value or as a range, their checks, and how they are drawn.

What is drawn is rounded to six decimals: a replayed JSON file is short, and equal on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np

__all__ = ["Range", "between", "decided", "odd", "probabilities", "probability", "seed", "uniform", "which"]

Range = float | Sequence[float]
"""One value, or [low, high]: every draw is uniform between them."""
T = TypeVar("T")


def between(name: str, value: Range, low: float = -math.inf, high: float = math.inf) -> tuple[float, float]:
    """A range as (low, high), checked.

    Args:
        name: the yaml key, for the message.
        value: a number or a pair.
        low: the smallest that makes sense.
        high: the largest.

    Raises:
        ValueError: no number or pair, the wrong order, or outside of what makes sense.
    """
    ends = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value, value]
    if len(ends) != 2 or not all(_is_number(end) for end in ends):
        raise ValueError(f"{name}={value}: one number or a pair [low, high] is needed")
    if ends[0] > ends[1]:
        raise ValueError(f"{name}={list(ends)}: the range is in the wrong order; write [{ends[1]}, {ends[0]}]")
    if ends[0] < low or ends[1] > high:
        raise ValueError(f"{name}={value}: outside of {low:g} to {high:g}")
    return float(ends[0]), float(ends[1])


def odd(name: str, value: Range) -> tuple[int, int]:
    """A range of kernel sizes, both ends odd numbers of pixels.

    Raises:
        ValueError: as `between` does, or an even size.
    """
    low, high = between(name, value, 1)
    if low % 2 != 1 or high % 2 != 1:
        raise ValueError(f"{name}={value}: kernel sizes are odd numbers of pixels")
    return int(low), int(high)


def probability(name: str, value: float) -> float:
    """A number in [0, 1].

    Raises:
        ValueError: it is none.
    """
    if not _is_number(value) or not 0 <= value <= 1:
        raise ValueError(f"{name}={value}: a probability from 0 to 1 is needed")
    return float(value)


def probabilities(name: str, weights: Mapping[str, float]) -> dict[str, float]:
    """Probabilities by name, which sum to one.

    Raises:
        ValueError: they do not, or one of them is none.
    """
    if not isinstance(weights, Mapping):
        raise ValueError(f"{name}={weights}: probabilities by name are needed")
    checked = {word: probability(f"{name}.{word}", value) for word, value in weights.items()}
    total = math.fsum(checked.values())
    if not math.isclose(total, 1, abs_tol=1e-6):
        raise ValueError(f"{name}: the probabilities sum to {total:g}, not to 1")
    return checked


def uniform(rng: np.random.Generator, ends: tuple[float, float]) -> float:
    """A number from low to high, to six decimals; of a range of one value that value, unrounded, with nothing drawn."""
    low, high = ends
    return low if low == high else min(high, max(low, round(low + (high - low) * rng.random(), 6)))


def which(rng: np.random.Generator, weights: Mapping[str, float]) -> str:
    """One of the names, by their probabilities."""
    place, total = rng.random(), 0.0
    for name, weight in weights.items():
        total += weight
        if place < total:
            return name
    return [name for name, weight in weights.items() if weight > 0][-1]  # the sum was a little less than 1


def seed(rng: np.random.Generator) -> int:
    """A seed of 53 bits, exact in JSON everywhere, for the noise of one sample."""
    return int(rng.integers(1 << 53))


def decided(
    rngs: Sequence[np.random.Generator], shared: np.random.Generator | None, draw: Callable[[np.random.Generator], T]
) -> list[T]:
    """A decision per sample, or one for all of them where a shared generator is given."""
    return [draw(rng) for rng in rngs] if shared is None else [draw(shared)] * len(rngs)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
