"""The course of a measurement: steps of a real training, and between two of them a step of each other loop."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

import lightning as L
import torch

from gan_bench.batch import Batch
from gan_bench.models import Recipe
from gan_bench.perf.breakdown import Stopwatch, by_part, wrapped
from gan_bench.perf.flops import counted
from gan_bench.perf.place import seconds, waiting_for

__all__ = ["OURS", "PLAIN", "TWIN", "Rounds"]

OURS, PLAIN, TWIN = "gan-bench", "plain loop", "bare twin"
FEW = 10  # steps that are broken down, at most

Loops = Mapping[str, Any]
Course = Generator[None, Batch, None]


class Rounds(L.Callback):
    """Four parts, one behind the other; then the training is over.

    1. Interleaved: ours, then each other loop on the same batch. The device is waited for before each reading.
    2. Ours alone, undisturbed and without waiting: what a training really takes. It begins when what workers fetched
       during the first part is used up.
    3. Ours by part.
    4. One step whose floating-point operations are counted.

    Args:
        watch: which is the trainer's profiler, too.
        loops: makes the other loops from the model as it is laid out, before its first step.
        rounds: to measure in the first three parts each, at most ten in the third.
        warm_up: rounds before the first.

    Attributes:
        interleaved: of each round, seconds of every loop; of ours by part.
        alone: seconds of each part over all undisturbed steps.
        parts: of each step, seconds of its parts.
        flops: of one step of ours, or where it is compiled of the plain loop's; empty where there is neither.
        device: on which; behind a training Lightning moves the model to the CPU.
    """

    def __init__(self, watch: Stopwatch, loops: Callable[[Recipe], Loops], rounds: int, warm_up: int) -> None:
        self.watch, self.loops, self.rounds, self.warm_up = watch, loops, rounds, warm_up
        self.interleaved: list[dict[str, Any]] = []
        self.alone: dict[str, float] = {}
        self.parts: list[dict[str, float]] = []
        self.flops: list[int] = []
        self.device = torch.device("cpu")

    @staticmethod
    def steps(rounds: int, warm_up: int, workers: int) -> int:
        """How many steps of ours all of it takes."""
        return warm_up + 2 * rounds + _settling(workers) + min(rounds, FEW) + 1

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Make the other loops; begin."""
        assert isinstance(pl_module, Recipe)
        self.device = pl_module.device
        self._course = self._walk(trainer, pl_module)
        next(self._course)

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *given: Any) -> None:
        """A step of ours is done: go on with what comes between it and the next."""
        try:
            self._course.send(given[1])
        except StopIteration:
            trainer.should_stop = True

    def _walk(self, trainer: L.Trainer, model: Recipe) -> Course:
        """All parts; each `yield` is a step of ours."""
        self.watch.wait = waiting_for(model.device)
        yield from self._interleave(self.loops(model), model)
        self.watch.wait = _at_once
        yield from self._undisturbed(_settling(trainer.datamodule.workers), model)  # type: ignore[attr-defined]
        self.watch.wait = waiting_for(model.device)
        with by_part(model, self.watch):
            for _ in range(min(self.rounds, FEW)):
                self.watch.restart()
                yield
                self.parts.append(self.watch.read())
        if not model.compiles:
            with wrapped(model, "training_step", counted(model.training_step, self.flops)):
                yield

    def _interleave(self, loops: Loops, model: Recipe) -> Course:
        for number in range(self.warm_up + self.rounds):
            rate = model.stage.learning_rate(model.step)
            self.watch.restart()
            batch = yield
            found: dict[str, Any] = {OURS: self.watch.read()}
            for name in _turned(list(loops), number):
                found[name] = seconds(lambda: loops[name].step(batch.lq, batch.gt, rate), self.watch.wait)  # noqa: B023
            if number >= self.warm_up:
                self.interleaved.append(found)
        if model.compiles and PLAIN in loops:  # compiled code shows no operations
            counted(loops[PLAIN].step, self.flops)(batch.lq, batch.gt, rate)

    def _undisturbed(self, settling: int, model: Recipe) -> Course:
        for _ in range(settling):
            yield
        wait = waiting_for(model.device)
        wait()
        self.watch.restart()
        for _ in range(self.rounds):
            yield
        wait()
        self.alone = self.watch.read()


def _settling(workers: int) -> int:
    """Steps until all is used up that workers hold ready, two batches each."""
    return 2 * workers


def _turned(names: Sequence[str], number: int) -> list[str]:
    """In another order in each round."""
    first = number % max(1, len(names))
    return [*names[first:], *names[:first]]


def _at_once() -> None:
    pass
