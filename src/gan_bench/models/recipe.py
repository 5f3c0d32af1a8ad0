"""How a recipe is walked: stages, turns, freezing, optimizers, averaging, logging, written once for every model.

A model file adds its paper's equations, `generator_terms` and, with an adversary, `discriminator_loss`. A step is a
batch. All that changes with the step is a function of it: learning rates, weights, the seed of torch.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import lightning as L
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from gan_bench.batch import Batch
from gan_bench.chance import seed_of
from gan_bench.errors import UsageError
from gan_bench.models.averaging import average, follow
from gan_bench.models.balance import Balance
from gan_bench.models.stages import Stage, plan
from gan_bench.models.warm_start import load_what_fits

__all__ = ["Recipe", "Term", "want"]

Term = Callable[[], Tensor]
LOG_EVERY = 10


class Recipe(L.LightningModule):
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
        inits = [vars(one)["__init__"] for one in cls.__mro__ if issubclass(one, Recipe) and "__init__" in vars(one)]
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

    # The mechanics ----------------------------------------------------------------------------------------------------

    def configure_optimizers(self) -> list[Optimizer]:
        """One optimizer per player; the learning rate is set in each step."""
        return [self.make_optimizer(player.parameters(), lr=self.stages[0].lr) for player in self.players().values()]

    def on_fit_start(self) -> None:
        """Bring the criteria, which are no submodules, to the device."""
        for criterion in self.criteria.values():
            criterion.to(self.device)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Start a stage as the separate training it is in the papers: from the product, with fresh optimizer states."""
        if self.step and self.step == self.stage.first and self.stage.fresh:
            self.balance = Balance()
            for optimizer in self._optimizers():
                optimizer.state.clear()
            if self.averaged is not None:
                self.generator.load_state_dict(self.averaged.state_dict())

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        """One step: every player whose turn it is learns once from the batch."""
        torch.manual_seed(seed_of("step", self.seed, self.step, self.global_rank))
        players = self.players()
        optimizers = dict(zip(players, self._optimizers(), strict=True))
        batch = self.seen(batch)
        fakes, losses = self.fakes(batch), dict[str, Tensor]()
        for name in self.turns(self.step):
            if name == "generator":
                with _frozen(players.get("discriminator")):
                    losses |= self._learn(name, optimizers[name], self._generator_losses(batch, fakes))
            else:
                detached = {key: value.detach() for key, value in fakes.items()}
                losses |= self._learn(name, optimizers[name], {name: (1.0, self.discriminator_loss(batch, detached))})
        if self.averaged is not None and self.ema is not None:
            follow(self.averaged, self.generator, self.ema)
        self._log(losses)
        self.step += 1

    def _generator_losses(self, batch: Batch, fakes: Mapping[str, Tensor]) -> dict[str, tuple[float, Tensor]]:
        terms = self.generator_terms(batch, fakes)
        return {name: (weight, terms[name]()) for name, weight in self.stage.weights.items() if weight}

    def _learn(self, name: str, optimizer: Any, losses: Mapping[str, tuple[float, Tensor]]) -> dict[str, Tensor]:
        """One update of one player.

        Returns:
            the unweighted losses, detached.
        """
        for group in optimizer.param_groups:
            group["lr"] = self.stage.learning_rate(self.step)
        self.manual_backward(sum((weight * loss for weight, loss in losses.values()), torch.zeros(())))
        optimizer.step()
        optimizer.zero_grad()
        return {name: loss.detach() for name, (_, loss) in losses.items()}

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Measure and clip gradients here: only this hook sees them unscaled under every precision."""
        if not self.clip and not (self.logs and self.discriminator):
            return
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        norm = nn.utils.get_total_norm([one.grad for one in parameters if one.grad is not None])
        if self.clip:
            nn.utils.clip_grads_with_norm_(parameters, self.clip, norm)
        if self.logs:
            player = list(self.players())[self.trainer.optimizers.index(optimizer)]
            self.balance.note(**{f"gradient_{player}": norm})

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        """Stop at the budget's last step, also in the middle of an epoch."""
        if self.step >= self.steps:
            self.trainer.should_stop = True

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the number of steps done."""
        checkpoint["step"] = self.step

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on from the number of steps done."""
        self.step = checkpoint["step"]

    def _optimizers(self) -> list[Any]:
        optimizers = self.optimizers()
        return optimizers if isinstance(optimizers, list) else [optimizers]

    def _log(self, losses: Mapping[str, Tensor]) -> None:
        """Hand over the losses now and then: a logger, or the bar, that wants them must wait for the device."""
        if self.logs:
            self.log_dict({f"train/{name}": value for name, value in {**losses, **self.balance.latest}.items()})
            self.log("train/lr", self.stage.learning_rate(self.step))


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


@contextmanager
def _frozen(module: nn.Module | None) -> Iterator[None]:
    """Parameters of the adversary take no gradient while the generator learns."""
    if module is None:
        yield
        return
    module.requires_grad_(False)
    try:
        yield
    finally:
        module.requires_grad_(True)
