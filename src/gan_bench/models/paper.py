"""What a paper says of a training, and where the training stands: players, turns, losses, stages; no update here.

A model file adds its equations: `generator_terms` and, with an adversary, `discriminator_loss`. How they are walked is
in `recipe`. A step is a batch. All that changes with the step is a function of it: rates, weights, the seed of torch.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import lightning as L
from torch import Tensor, nn
from torch.optim import Optimizer

from gan_bench.batch import Batch
from gan_bench.errors import UsageError
from gan_bench.models.averaging import average
from gan_bench.models.balance import Balance
from gan_bench.models.stages import Stage, plan
from gan_bench.models.warm_start import load_what_fits

__all__ = ["Paper", "Term", "want"]

Term = Callable[[], Tensor]
LOG_EVERY = 10


class Paper(L.LightningModule):
    """A generator, perhaps an adversary, and the stages in which they learn.

    Args:
        generator: (B, C, h, w) -> (B, C, h*s, w*s), both in [0, 1].
        optimizer: makes an optimizer from parameters and `lr`.
        stages: mappings with the fields of `Stage`.
        steps: the budget.
        seed: of the run.
        discriminator: the adversary, None for a regression.
        clip: largest gradient norm of each player, None for no clipping.
        ema: decay per step of the generator's exponential moving average, which is what is judged and kept; None for
            no average.
        start_from: a state dict for the generator to start from, as far as it fits; what does not is in `not_loaded`.
            In yaml it is a run or a file of weights.
        criteria: by the names of `terms`; frozen, so not submodules: no checkpoint holds a VGG. None is no term.
    """

    terms: tuple[str, ...] = ()
    """Names of the loss terms that `generator_terms` can give, and of the criteria that a model is built with."""
    pairs: bool = True
    """Whether it learns from an lq and its own gt; else from any two."""
    conditional: bool = False
    """Whether the discriminator sees lq beside what it judges: then it alone can tell what to restore."""
    criteria: dict[str, Any]
    discriminator: Any  # a module, or None without an adversary
    averaged: Any  # a copy of the generator, or None without an average

    def __init__(
        self,
        *,
        generator: nn.Module,
        optimizer: partial[Optimizer],
        stages: Sequence[Mapping[str, Any]],
        steps: int,
        seed: int,
        discriminator: nn.Module | None = None,
        clip: float | None = None,
        ema: float | None = None,
        start_from: Mapping[str, Tensor] | None = None,
        **criteria: nn.Module | None,
    ) -> None:
        super().__init__()
        if criteria.keys() != set(self.terms):
            raise TypeError(f"{type(self).__name__} takes the criteria {self.terms}, not {tuple(criteria)}")
        if ema is not None and not (isinstance(ema, int | float) and 0 <= ema < 1):
            raise UsageError(f"model.ema={ema}: a number from 0 to below 1 is needed, as 0.999, or null")
        self.automatic_optimization = False
        self.not_loaded = [] if start_from is None else load_what_fits(generator, start_from)
        self.generator, self.discriminator = generator, discriminator
        self.averaged, self.ema = (None if ema is None else average(generator)), ema
        self.criteria = {name: criterion for name, criterion in criteria.items() if criterion is not None}
        self.make_optimizer, self.clip, self.steps, self.seed = optimizer, clip, steps, seed
        absent = [name for name in criteria if name not in self.criteria]
        self.stages = plan(stages, steps, self.terms, absent, self.conditional)
        self.step, self.log_every, self.balance = 0, min(LOG_EVERY, steps), Balance()

    def __init_subclass__(cls, **words: Any) -> None:
        """Say in the signature which criteria a model takes: the check of a configuration reads it."""
        super().__init_subclass__(**words)
        inits = [vars(one)["__init__"] for one in cls.__mro__ if issubclass(one, Paper) and "__init__" in vars(one)]
        given = [one for init in inits for one in inspect.signature(init).parameters.values()]
        named = {one.name: one for one in given if one.kind is one.KEYWORD_ONLY}
        named |= {term: inspect.Parameter(term, inspect.Parameter.KEYWORD_ONLY) for term in cls.terms}
        cls.__signature__ = inspect.Signature(list(named.values()))  # type: ignore[attr-defined]

    # What a paper says ------------------------------------------------------------------------------------------------

    def seen(self, batch: Batch) -> Batch:
        """What the losses and discriminators see of a batch: all of it, or lq enlarged to gt's size."""
        return batch

    def fakes(self, batch: Batch) -> dict[str, Tensor]:
        """What the generators make of what is seen, once a step."""
        return {"restored": self.generator(batch.lq)}

    def generator_terms(self, batch: Batch, fakes: Mapping[str, Tensor]) -> dict[str, Term]:
        """The unweighted losses of the generator by name; only those that the stage weighs are called."""
        raise NotImplementedError

    def discriminator_loss(self, batch: Batch, fakes: Mapping[str, Tensor]) -> Tensor:
        """The loss of the discriminator, by `judged`; the fakes are detached."""
        raise NotImplementedError

    def judged(self, real: Tensor, fake: Tensor, side: str = "") -> Tensor:
        """The adversarial criterion's loss of a discriminator; how often it is right is kept for the balance.

        Args:
            real: its logits of real images.
            fake: of generated ones.
            side: `_lq` of a discriminator of lq images, which is told apart.
        """
        if self.logs:
            right = self.criteria["adversarial"].accuracy(real, fake)
            self.balance.note(
                **{f"accuracy_{what}{side}": one for what, one in zip(("real", "fake"), right, strict=True)}
            )
        loss: Tensor = self.criteria["adversarial"].discriminator(real, fake)
        return loss

    def turns(self, step: int) -> tuple[str, ...]:
        """Who learns in this step, in order; the discriminator rests where the stage has no adversarial weight."""
        return ("generator", "discriminator") if self.stage.weights.get("adversarial") else ("generator",)

    def views(self, batch: Batch) -> dict[str, Tensor]:
        """What else there is to look at in validation, by its caption: (1, C, H, W) in [0, 1], all of gt's size.

        Args:
            batch: an lq and a gt image.
        """
        return {}

    # Where it stands --------------------------------------------------------------------------------------------------

    def players(self) -> dict[str, nn.Module]:
        """Who learns, by name; one optimizer each."""
        adversary = {} if self.discriminator is None else {"discriminator": self.discriminator}
        return {"generator": self.generator, **adversary}

    @property
    def product(self) -> nn.Module:
        """The generator that is judged and kept: its average, where there is one."""
        product: nn.Module = self.generator if self.averaged is None else self.averaged
        return product

    @property
    def products(self) -> dict[str, nn.Module]:
        """All that a training leaves, by the name of its file."""
        return {"generator": self.product}

    @property
    def stage(self) -> Stage:
        """The stage of the next step."""
        return next(stage for stage in reversed(self.stages) if self.step >= stage.first)

    @property
    def ended(self) -> Stage | None:
        """The stage that the last step ended."""
        return next((stage for stage in self.stages if stage.first + stage.steps == self.step), None)

    @property
    def logs(self) -> bool:
        """Whether the step at hand is one whose numbers are logged: each tenth, and a stage's last."""
        done = self.step + 1
        return done % self.log_every == 0 or done == self.stage.first + self.stage.steps


def want(key: str, network: nn.Module | None, *methods: str) -> None:
    """Refuse a network that cannot do what a model asks of it beyond a forward.

    Args:
        key: its place in the model's yaml.
        network: what was put there, perhaps nothing.
        methods: what is asked for.

    Raises:
        UsageError: it lacks one, or there is none.
    """
    if network is None:
        raise UsageError(f"model.{key}=null: this model cannot learn without it")
    for method in methods:
        if not hasattr(network, method):
            raise UsageError(
                f"model.{key}: {type(network).__name__} has no `{method}`, which this model asks for; take a network "
                "that has, see conf/model"
            )
