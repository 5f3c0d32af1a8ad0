"""Learning-rate schedules as functions of the share of a stage that is done; a short budget is a long one, shrunk."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["Constant", "CosineRestarts", "Linear", "MultiStep", "Schedule"]


class Schedule:
    """A factor of the stage's learning rate."""

    def __call__(self, done: float) -> float:
        """The factor in [0, 1] when the share `done` in [0, 1) of the stage lies behind."""
        raise NotImplementedError


class Constant(Schedule):
    """Always 1."""

    def __call__(self, done: float) -> float:
        """1."""
        return 1.0


class CosineRestarts(Schedule):
    """Cosine annealing from 1 to `end`, started again `periods` times (Loshchilov and Hutter 2017).

    Args:
        periods: equal periods in the stage.
        end: factor at the end of each, as a share of the learning rate.
        warmup: share of the stage in which the factor first rises from 0 in a straight line.
    """

    def __init__(self, periods: int = 1, end: float = 0.0, warmup: float = 0.0) -> None:
        self.periods, self.end, self.warmup = periods, end, warmup

    def __call__(self, done: float) -> float:
        """The cosine of the share of the current period, times the warm-up."""
        phase = (done * self.periods) % 1.0
        cosine = self.end + (1 - self.end) * (1 + math.cos(math.pi * phase)) / 2
        return cosine * min(1.0, done / self.warmup) if self.warmup else cosine


class Linear(Schedule):
    """1 for a while, then to 0 in a straight line, as CycleGAN and pix2pix end.

    Args:
        start: share of the stage after which it falls.
    """

    def __init__(self, start: float = 0.5) -> None:
        if not (isinstance(start, int | float) and 0 <= start <= 1):
            raise ValueError(f"start={start}: a share of the stage from 0 to 1 is needed")
        self.start = start

    def __call__(self, done: float) -> float:
        """What is left of the fall."""
        return min(1.0, (1.0 - done) / (1.0 - self.start)) if self.start < 1 else 1.0


class MultiStep(Schedule):
    """Multiplied by `gamma` at each milestone.

    Args:
        milestones: shares of the stage, ascending.
        gamma: the factor.
    """

    def __init__(self, milestones: Sequence[float], gamma: float = 0.5) -> None:
        self.milestones, self.gamma = tuple(milestones), gamma

    def __call__(self, done: float) -> float:
        """`gamma` to the number of milestones passed."""
        return self.gamma ** sum(done >= milestone for milestone in self.milestones)
