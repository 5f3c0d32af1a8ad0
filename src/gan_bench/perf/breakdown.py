"""Where the time of a training step goes: a stopwatch that its parts take turns at; the recipe knows nothing of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any

from lightning.pytorch.profilers import Profiler
from torch import nn

from gan_bench.models import Recipe, recipe

__all__ = ["DATA", "DEGRADATION", "MECHANICS", "PARTS", "Stopwatch", "by_part", "wrapped"]

DATA, DEGRADATION, MECHANICS = "data", "degradation", "mechanics"
G, D, PERCEPTUAL, LOSSES = "G forward", "D forward", "perceptual", "other losses"
BACKWARD, OPTIMIZERS, AVERAGE = "backward", "optimizers", "average of G"
PARTS = (DATA, DEGRADATION, G, D, PERCEPTUAL, LOSSES, BACKWARD, OPTIMIZERS, AVERAGE, MECHANICS)
ACTIONS = {"train_dataloader_next": DATA, "batch_to_device": DATA, "on_after_batch_transfer": DEGRADATION}


class Stopwatch(Profiler):
    """Shares out time: each moment belongs to the innermost part that is open, or to the mechanics where none is.

    As Lightning's profiler it hears by itself of data and degradation.

    Attributes:
        wait: called before the clock is read, so that a part has the time of the device, too.
    """

    def __init__(self) -> None:
        super().__init__()
        self.wait: Callable[[], None] = lambda: None
        self.restart()

    def restart(self) -> None:
        """Begin anew."""
        self.wait()
        self._seconds = dict.fromkeys(PARTS, 0.0)
        self._open, self._since = [MECHANICS], time.perf_counter()

    def read(self) -> dict[str, float]:
        """Seconds of each part since the last restart."""
        self._book()
        return dict(self._seconds)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """What runs inside belongs to a part."""
        self._enter(name)
        try:
            yield
        finally:
            self._leave()

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function whose time belongs to a part."""

        @wraps(function)
        def call(*given: Any, **named: Any) -> Any:
            with self.part(name):
                return function(*given, **named)

        return call

    def start(self, action_name: str) -> None:
        """Lightning begins something."""
        if part := ACTIONS.get(action_name.rpartition(".")[2]):
            self._enter(part)

    def stop(self, action_name: str) -> None:
        """Lightning is done with it."""
        if action_name.rpartition(".")[2] in ACTIONS:
            self._leave()

    def _enter(self, part: str) -> None:
        self._book()
        self._open.append(part)

    def _leave(self) -> None:
        self._book()
        self._open.pop()

    def _book(self) -> None:
        self.wait()
        now = time.perf_counter()
        self._seconds[self._open[-1]] += now - self._since
        self._since = now


@contextmanager
def by_part(model: Recipe, watch: Stopwatch) -> Iterator[None]:
    """Let the parts of a model's steps take their turns at a stopwatch."""
    with ExitStack() as stack:

        def take(owner: Any, name: str, part: str) -> None:
            stack.enter_context(wrapped(owner, name, watch.timed(part, getattr(owner, name))))

        for name, player in model.players().items():
            for network in player if isinstance(player, nn.ModuleList) else [player]:
                for method in _entrances(network):
                    take(network, method, G if name == "generator" else D)
        if perceptual := model.criteria.get("perceptual"):
            take(perceptual, "forward", PERCEPTUAL)
        terms = watch.timed(LOSSES, model.generator_terms)
        stack.enter_context(wrapped(model, "generator_terms", _terms_timed(terms, watch)))
        take(model, "discriminator_loss", LOSSES)
        take(model, "manual_backward", BACKWARD)
        take(recipe, "follow", AVERAGE)
        for optimizer in model.trainer.optimizers:
            before = optimizer.register_step_pre_hook(lambda *_: watch._enter(OPTIMIZERS))
            after = optimizer.register_step_post_hook(lambda *_: watch._leave())
            stack.callback(before.remove)
            stack.callback(after.remove)
        yield


def _entrances(network: nn.Module) -> list[str]:
    """The methods by which a network is entered: its forward, compiled or not, and what two papers ask of it beside."""
    compiled = getattr(network, "_compiled_call_impl", None) is not None
    others = [name for name in ("translate", "features") if name not in dict(network.named_children())]
    return ["_compiled_call_impl" if compiled else "forward", *(name for name in others if hasattr(network, name))]


def _terms_timed(terms: Callable[..., dict[str, Any]], watch: Stopwatch) -> Callable[..., dict[str, Any]]:
    """Also what the terms do when they are called."""

    def call(*given: Any) -> dict[str, Any]:
        return {name: watch.timed(LOSSES, term) for name, term in terms(*given).items()}

    return call


@contextmanager
def wrapped(owner: Any, name: str, by: Any) -> Iterator[None]:
    """An attribute of one object, or module, replaced for a while."""
    own = vars(owner)
    kept = (own[name],) if name in own else ()
    setattr(owner, name, by)
    try:
        yield
    finally:
        if kept:
            setattr(owner, name, kept[0])
        else:
            delattr(owner, name)
