"""How a recipe is walked: stages, turns, freezing, optimizers, clipping and logging, written once for every model.

A model file adds its paper's equations, `generator_terms` and, with an adversary, `discriminator_loss`. A step is a
batch. All that changes with the step is a function of it: learning rates, weights, the seed of torch.
"""

from __future__ import annotations

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
from gan_bench.models.stages import Stage, plan

__all__ = ["Recipe", "Term"]

Term = Callable[[], Tensor]
LOG_EVERY = 10


class Recipe(L.LightningModule):
    """A generator, perhaps an adversary, and the stages in which they learn.

    Args:
        generator: (B, C, h, w) -> (B, C, h*s, w*s), both in [0, 1].
        criteria: by the name of their term; frozen, so not submodules: no checkpoint holds a VGG. None is no term.
        optimizer: makes an optimizer from parameters and `lr`.
        stages: mappings with the fields of `Stage`.
        steps: the budget.
        seed: of the run.
        discriminator: the adversary, None for a regression.
        clip: largest gradient norm of each player, None for no clipping.
    """

    terms: tuple[str, ...] = ()
    """Names of the loss terms that `generator_terms` can give."""
    criteria: dict[str, Any]
    discriminator: Any  # a module, or None without an adversary

    def __init__(
        self,
        *,
        generator: nn.Module,
        criteria: Mapping[str, nn.Module | None],
        optimizer: partial[Optimizer],
        stages: Sequence[Mapping[str, Any]],
        steps: int,
        seed: int,
        discriminator: nn.Module | None = None,
        clip: float | None = None,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.generator, self.discriminator = generator, discriminator
        self.criteria = {name: criterion for name, criterion in criteria.items() if criterion is not None}
        self.make_optimizer, self.clip, self.steps, self.seed = optimizer, clip, steps, seed
        self.stages = plan(
            stages, steps, self.terms, [name for name, criterion in criteria.items() if criterion is None]
        )
        self.step, self.log_every = 0, min(LOG_EVERY, steps)

    # What a paper says ------------------------------------------------------------------------------------------------

    def fakes(self, batch: Batch) -> dict[str, Tensor]:
        """What the generators make of a batch, once a step."""
        return {"restored": self.generator(batch.lq)}

    def generator_terms(self, batch: Batch, fakes: Mapping[str, Tensor]) -> dict[str, Term]:
        """The unweighted losses of the generator by name; only those that the stage weighs are called."""
        raise NotImplementedError

    def discriminator_loss(self, batch: Batch, fakes: Mapping[str, Tensor]) -> Tensor:
        """The loss of the discriminator; the fakes are detached."""
        raise NotImplementedError

    def turns(self, step: int) -> tuple[str, ...]:
        """Who learns in this step, in order; the discriminator rests where the stage has no adversarial weight."""
        return ("generator", "discriminator") if self.stage.weights.get("adversarial") else ("generator",)

    # The mechanics ----------------------------------------------------------------------------------------------------

    def players(self) -> dict[str, nn.Module]:
        """Who learns, by name; one optimizer each."""
        adversary = {} if self.discriminator is None else {"discriminator": self.discriminator}
        return {"generator": self.generator, **adversary}

    @property
    def stage(self) -> Stage:
        """The stage of the next step."""
        return next(stage for stage in reversed(self.stages) if self.step >= stage.first)

    def configure_optimizers(self) -> list[Optimizer]:
        """One optimizer per player; the learning rate is set in each step."""
        return [self.make_optimizer(player.parameters(), lr=self.stages[0].lr) for player in self.players().values()]

    def on_fit_start(self) -> None:
        """Bring the criteria, which are no submodules, to the device."""
        for criterion in self.criteria.values():
            criterion.to(self.device)

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        """One step: every player whose turn it is learns once from the batch."""
        torch.manual_seed(seed_of("step", self.seed, self.step, self.global_rank))
        optimizers = dict(zip(self.players(), self._optimizers(), strict=True))
        fakes, losses = self.fakes(batch), dict[str, Tensor]()
        for name in self.turns(self.step):
            if name == "generator":
                with _frozen(self.discriminator):
                    losses |= self._learn(name, optimizers[name], self._generator_losses(batch, fakes))
            else:
                detached = {key: value.detach() for key, value in fakes.items()}
                losses |= self._learn(name, optimizers[name], {name: (1.0, self.discriminator_loss(batch, detached))})
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
        """Clip here: only this hook sees unscaled gradients under every precision."""
        if self.clip:
            parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
            nn.utils.clip_grad_norm_(parameters, self.clip)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Start a stage as the separate training it is in the papers: with fresh optimizer states."""
        if self.step and self.step == self.stage.first:
            for optimizer in self._optimizers():
                optimizer.state.clear()

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
        if (self.step + 1) % self.log_every == 0:
            self.log_dict({f"train/{name}": value for name, value in losses.items()})
            self.log("train/lr", self.stage.learning_rate(self.step))


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
