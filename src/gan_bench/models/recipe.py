"""How a recipe is walked: stages, turns, freezing, updates, averaging, logging, written once for every model.

A model file adds its paper's equations, `generator_terms` and, with an adversary, `discriminator_loss`. A step is a
batch. All that changes with the step is a function of it: learning rates, weights, the seed of torch.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cached_property, partial
from typing import Any

import lightning as L
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from gan_bench.batch import Batch, widened
from gan_bench.chance import seed_of
from gan_bench.errors import UsageError, WorkError
from gan_bench.models.averaging import average, follow
from gan_bench.models.balance import Balance
from gan_bench.models.layout import prefers_channels_last
from gan_bench.models.stages import Stage, plan
from gan_bench.models.warm_start import load_what_fits
from gan_bench.models.watch import Trouble, Watch, first_not_finite

__all__ = ["Recipe", "Term", "want"]

log = logging.getLogger(__name__)

Term = Callable[[], Tensor]
Fakes = dict[str, Tensor]
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
        accumulate: parts into which a process's share of a batch is cut, for memory; each player still learns once a
            step, from all of them. A statistic of a batch (batch norm, a relativistic mean) is then one of a part.
        channels_last: whether images lie pixel by pixel in memory; None asks `layout.prefers_channels_last`.
        compile: whether the players are compiled, in place; nothing is compiled in evaluation.
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
        accumulate: int = 1,
        channels_last: bool | None = False,
        compile: bool = False,
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
        self.accumulate, self.channels_last, self.compiles = accumulate, channels_last, compile
        self.step, self.log_every, self.balance = 0, min(LOG_EVERY, steps), Balance()
        self.watch, self.part, self._scales_gradients = Watch(), 0, False
        self._seen: Batch | None = None
        self._at_work = "", dict[str, Tensor]()

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

    def setup(self, stage: str) -> None:
        """Lay out the networks, before an optimizer or a process group sees them."""
        self._scales_gradients = getattr(self.trainer.precision_plugin, "scaler", None) is not None
        reduced = self.trainer.precision != "32-true"
        for network in self._networks().values():
            if prefers_channels_last(network, reduced) if self.channels_last is None else self.channels_last:
                network.to(memory_format=torch.channels_last)

    def configure_optimizers(self) -> list[Optimizer]:
        """One optimizer per player; the learning rate is set in each step."""
        made = [self.make_optimizer(player.parameters(), lr=self.stages[0].lr) for player in self.players().values()]
        for optimizer in made if self._scales_gradients else []:
            optimizer._step_supports_amp_scaling = False  # type: ignore[attr-defined]  # unscale before clipping
        return made

    def on_fit_start(self) -> None:
        """Bring the criteria, which are no submodules, to the device; compile, where that is asked for."""
        for criterion in self.criteria.values():
            criterion.to(self.device)
        for player in self.players().values() if self.compiles else []:
            for network in player if isinstance(player, nn.ModuleList) else [player]:
                network.compile(dynamic=False)

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
        optimizers = dict(zip(self.players(), self._optimizers(), strict=True))
        self._seed()
        self._seen = self.seen(batch)
        parts = [self._seen] if self.accumulate == 1 else _parts(self._seen, self.accumulate)
        made, losses = [Fakes() for _ in parts], dict[str, Tensor]()
        for name in self.turns(self.step):
            learnt = [self._learn(name, parts, made, number) for number in range(len(parts))]
            losses |= self._update(name, optimizers[name], learnt)
        if self.averaged is not None and self.ema is not None:
            follow(self.averaged, self.generator, self.ema)
        if self.logs:
            self._log(losses)
        self.step += 1

    def _learn(self, name: str, parts: Sequence[Batch], made: list[Fakes], number: int) -> dict[str, Tensor]:
        """Let a player's gradients grow by those of one part of the batch.

        Returns:
            the unweighted losses, detached.
        """
        self.part = self.step * len(parts) + number
        adversary = self.players().get("discriminator") if name == "generator" else None
        with _frozen(adversary), self._alone(number + 1 < len(parts)):
            fakes = self._fakes(name, parts, made, number)
            if name == "generator":
                losses = self._generator_losses(parts[number], fakes)
            else:
                losses = {name: (1.0, self.discriminator_loss(parts[number], fakes))}
            total = sum((weight * loss for weight, loss in losses.values()), torch.zeros(()))
            self.manual_backward(total if len(parts) == 1 else total / len(parts))
        return {name: loss.detach() for name, (_, loss) in losses.items()}

    def _fakes(self, name: str, parts: Sequence[Batch], made: list[Fakes], number: int) -> Fakes:
        """What the generators make of a part, in float32; with its graph where they learn.

        It is made once a step. Where there are several parts no graph of one waits behind another's: what the
        discriminator saw first is made again for the generators.
        """
        learns = name == "generator"
        if len(parts) == 1:
            made[0] = made[0] or self._make(parts[0])
            return made[0] if learns else _detached(made[0])
        self._seed(number)
        if learns:
            fakes = self._make(parts[number])
            made[number] = _detached(fakes)
            return fakes
        if not made[number]:
            with torch.no_grad():
                made[number] = self._make(parts[number])
        return made[number]

    def _make(self, part: Batch) -> Fakes:
        return {name: widened(fake) for name, fake in self.fakes(part).items()}

    def _generator_losses(self, batch: Batch, fakes: Mapping[str, Tensor]) -> dict[str, tuple[float, Tensor]]:
        terms = self.generator_terms(batch, fakes)
        return {name: (weight, terms[name]()) for name, weight in self.stage.weights.items() if weight}

    def _update(self, name: str, optimizer: Any, learnt: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """One update of one player.

        Returns:
            the unweighted losses of the batch.
        """
        losses = dict(learnt[0])
        if len(learnt) > 1:
            losses = {key: torch.stack([one[key] for one in learnt]).mean() for key in losses}
        for group in optimizer.param_groups:
            group["lr"] = self.stage.learning_rate(self.step)
        self._at_work = name, losses
        optimizer.step()
        optimizer.zero_grad()
        return losses

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Measure, clip and watch gradients here: only this hook sees them unscaled under every precision."""
        player, losses = self._at_work
        learning = [one for group in optimizer.param_groups for one in group["params"] if one.grad is not None]
        norms = torch.stack(torch._foreach_norm([one.grad for one in learning]))
        norm = torch.linalg.vector_norm(norms)
        if self.clip:
            nn.utils.clip_grads_with_norm_(learning, self.clip, norm)
        if self.logs and self.discriminator is not None:
            self.balance.note(**{f"gradient_{player}": norm})
        finite = norm.isfinite()
        if self._scales_gradients:  # a scaler tries what is too large, and leaves such an update out by itself
            finite = torch.ones_like(finite)
        elif optimizer.defaults.get("fused"):
            optimizer.found_inf = (~finite).float()  # type: ignore[attr-defined]  # left out, on the device
        self.watch.note(self.step, player, losses, norms, [self._names[id(one)] for one in learning], finite)

    @cached_property
    def _names(self) -> dict[int, str]:
        """Of all parameters, by what they are."""
        return {id(parameter): name for name, parameter in self.named_parameters()}

    def _seed(self, *part: int) -> None:
        torch.manual_seed(seed_of("step", self.seed, self.step, self.global_rank, *part))

    def _alone(self, alone: bool) -> AbstractContextManager[Any]:
        """Gradients that are not complete need not travel between processes."""
        model = self.trainer.strategy.model
        return model.no_sync() if alone and isinstance(model, DistributedDataParallel) else nullcontext()

    def _networks(self) -> dict[str, nn.Module]:
        """All that computes, by name: the networks, and the criteria that have layers."""
        modules = {name: one for name, one in self.criteria.items() if isinstance(one, nn.Module)}
        return {**dict(self.named_children()), **modules}

    # Whether it goes well ---------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Look whether all updates since the last look were sound; this waits for the device, and for all processes.

        Raises:
            WorkError: one was not; the line names step, player, loss and layer.
        """
        trouble = self.watch.read()
        several = self.trainer.world_size > 1
        if several and self.trainer.strategy.reduce_boolean_decision(trouble is not None, all=False) and not trouble:
            self._layer_with_bad_output("generator")  # the others look for theirs, perhaps through a shared batch norm
            raise WorkError("training diverged in another process, which says where")
        if trouble:
            raise WorkError(
                f"training diverged at step {trouble.step + 1} of {self.steps}: {self._diagnosed(trouble)}; the "
                "checkpoints lie before it; lower the learning rate (model.stages.N.lr) or set model.clip, in a new run"
            )

    def _diagnosed(self, trouble: Trouble) -> str:
        """Which loss, or gradient, and in which layer it began."""
        losses = ", ".join(f"{name} is {value:.3g}" for name, value in trouble.losses.items())
        player = f"the {trouble.player}'s"
        what = f"of {player} losses {losses}" if losses else f"{player} gradient is not finite"
        if layer := self._layer_with_bad_output(trouble.player):
            return f"{what}, first in the output of layer {layer}"
        return f"{what}, first in the gradient of layer {trouble.layer}" if trouble.layer else what

    @torch.no_grad()
    def _layer_with_bad_output(self, player: str) -> str | None:
        """The first layer that makes something of the batch at hand that is not finite, if one does."""
        assert self._seen is not None
        with first_not_finite(self._networks()) as found, self.trainer.precision_plugin.train_step_context():
            fakes = self._make(self._seen)
            if player == "generator":
                self._generator_losses(self._seen, fakes)
            else:
                self.discriminator_loss(self._seen, fakes)
        return found[0] if found else None

    # In a run ---------------------------------------------------------------------------------------------------------

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        """Stop at the budget's last step, also in the middle of an epoch."""
        if self.step >= self.steps:
            self.trainer.should_stop = True

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the number of steps done, what was noted since the last validation, and what bits depend on."""
        checkpoint |= {"step": self.step, "balance": self.balance.state(), "computed": self._computed()}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on from the number of steps done; say what keeps the result from being the same to the last bit."""
        self.step = checkpoint["step"]
        self.balance.restore(checkpoint["balance"])
        before, now = checkpoint["computed"], self._computed()
        changed = [f"{key} {before.get(key)}, now {value}" for key, value in now.items() if before.get(key) != value]
        if changed and not self.global_rank:
            log.warning("goes on with %s: the result is no longer that of an undisturbed run", "; ".join(changed))

    def _computed(self) -> dict[str, Any]:
        """By how many processes, where, and in which numbers."""
        return {
            "processes": self.trainer.world_size,
            "device": self.trainer.strategy.root_device.type,
            "precision": self.trainer.precision,
            "channels_last": self.channels_last,
        }

    def _optimizers(self) -> list[Any]:
        optimizers = self.optimizers()
        return optimizers if isinstance(optimizers, list) else [optimizers]

    def _log(self, losses: Mapping[str, Tensor]) -> None:
        """Check, and hand over the losses, now and then: whoever wants them must wait for the device."""
        self.check()
        self.log_dict({f"train/{name}": value for name, value in {**losses, **self.balance.latest}.items()})
        self.log("train/lr", self.stage.learning_rate(self.step))


def _detached(fakes: Fakes) -> Fakes:
    return {name: fake.detach() for name, fake in fakes.items()}


def _parts(batch: Batch, count: int) -> list[Batch]:
    """A batch cut into equal parts."""
    size = len(batch.gt) // count
    cuts = [slice(first, first + size) for first in range(0, len(batch.gt), size)]
    return [Batch(batch.lq[cut], batch.gt[cut], batch.name[cut]) for cut in cuts]


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
