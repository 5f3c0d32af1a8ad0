"""How a recipe is walked: turns, freezing, updates, averaging, watching, logging, written once for every model."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from gan_bench.batch import Batch, widened
from gan_bench.chance import seed_of
from gan_bench.errors import UsageError, WorkError
from gan_bench.models.averaging import follow
from gan_bench.models.balance import Balance
from gan_bench.models.layout import prefers_channels_last
from gan_bench.models.paper import Paper, Term, want
from gan_bench.models.watch import Trouble, Watch, first_not_finite
from gan_bench.processes import gathered

__all__ = ["Recipe", "Term", "want"]

log = logging.getLogger(__name__)

Fakes = dict[str, Tensor]
SMALLEST_SCALE = 2.0**-10
"""Of losses in half precision: what overflows at this scale is no chance."""


class Recipe(Paper):
    """A paper's training, step by step.

    Args:
        accumulate: parts into which a process's share of a batch is cut, for memory; each player still learns once a
            step, from all of them. A statistic of a batch (batch norm, a relativistic mean) is then one of a part.
        channels_last: whether images lie pixel by pixel in memory; None asks `layout.prefers_channels_last`.
        compile: whether the players are compiled, in place; nothing is compiled in evaluation.
        paper: what `Paper` takes.

    Attributes:
        part: of all batches so far the number of that at hand, or of the part of it that is at hand.
    """

    def __init__(
        self, *, accumulate: int = 1, channels_last: bool | None = False, compile: bool = False, **paper: Any
    ) -> None:
        super().__init__(**paper)
        if type(accumulate) is not int or accumulate < 1:
            raise UsageError(f"accumulate={accumulate}: a whole number of parts from 1 is needed")
        self.accumulate, self.channels_last, self.compiles = accumulate, channels_last, compile
        self.watch, self.part, self._scales_gradients = Watch(), 0, False
        self._seen: Batch | None = None
        self._at_work = "", dict[str, Tensor]()

    def setup(self, stage: str) -> None:
        """Lay out the networks, before an optimizer or a process group sees them."""
        self._scales_gradients = getattr(self.trainer.precision_plugin, "scaler", None) is not None
        reduced = str(self.trainer.precision).startswith(("bf16", "16"))
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
                for way in ("translate", "features"):  # in which models use a network beside its forward
                    if hasattr(network, way):
                        setattr(network, way, torch.compile(getattr(network, way), dynamic=False))

    def on_train_start(self) -> None:
        """Lay out what a checkpoint holds of the optimizers as the weights are: fused ones do not look."""
        for optimizer in self.trainer.optimizers:
            for parameter, state in optimizer.state.items():
                for key, value in state.items():
                    if isinstance(value, Tensor) and value.shape == parameter.shape:
                        state[key] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)

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
            with torch.set_grad_enabled("generator" in self.turns(self.step)):
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
            known = norm.where(norm.isfinite(), torch.nan) if self._scales_gradients else norm
            self.balance.note(**{f"gradient_{player}": known})
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
            WorkError: one was not; the line names step, player, loss and layer, in all processes.
        """
        trouble, scaler = self.watch.read(), getattr(self.trainer.precision_plugin, "scaler", None)
        if scaler is not None and scaler.get_scale() < SMALLEST_SCALE:
            raise WorkError(
                f"training diverged before step {self.step + 1} of {self.steps}: gradients overflow at every scale; "
                "take trainer.precision=bf16-mixed, or a lower learning rate, in a new run"
            )
        several = self.trainer.world_size > 1
        if several and not self.trainer.strategy.reduce_boolean_decision(trouble is not None, all=False):
            return
        told = [one for one in gathered(trouble and trouble.player) if one]
        if told:  # all look for it, as a batch norm may be shared
            layer = self._layer_with_bad_output(told[0])
            raise WorkError(next(one for one in gathered(trouble and self._diagnosed(trouble, layer)) if one))

    def _diagnosed(self, trouble: Trouble, layer: str | None) -> str:
        """Which loss, or gradient, and in which layer it began."""
        losses = ", ".join(f"{name} is {value:.3g}" for name, value in trouble.losses.items())
        player = f"the {trouble.player}'s"
        what = f"of {player} losses {losses}" if losses else f"{player} gradient is not finite"
        if layer:
            what += f", first in the output of layer {layer}"
        elif trouble.layer:
            what += f", first in the gradient of layer {trouble.layer}"
        return (
            f"training diverged at step {trouble.step + 1} of {self.steps}: {what}; the checkpoints lie before it; "
            "lower the learning rate (model.stages.N.lr) or set model.clip, in a new run"
        )

    @torch.no_grad()
    def _layer_with_bad_output(self, player: str) -> str | None:
        """The first layer that makes something of the batch at hand that is not finite, if one does."""
        assert self._seen is not None
        eager = torch.compiler.set_stance("force_eager")  # compiled code calls no hooks
        with eager, first_not_finite(self._networks()) as found, self.trainer.precision_plugin.train_step_context():
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
            "compile": self.compiles,
            **({"threads": torch.get_num_threads()} if self.trainer.strategy.root_device.type == "cpu" else {}),
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
