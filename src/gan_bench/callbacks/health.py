"""How a GAN is doing, in numbers and in one sentence: who wins, and what that does to sharpness and colour."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import lightning as L

from gan_bench.callbacks.evaluation import Evaluation
from gan_bench.models import Recipe

__all__ = ["Health", "verdict"]

WINS, LOSES = 0.95, 0.55  # mean accuracy of a discriminator that learns nothing more, and of one that knows nothing
ONE_SIDED = 0.5  # between its accuracies, where it takes nearly everything for the same


class Health(L.Callback):
    """Reads the balance of a GAN's game after each validation, and sums it up.

    Args:
        evaluation: whose curve says how sharp and how true in colour the validation images are; it comes before this.

    Attributes:
        sentence: of the last reading; empty for what has no adversary, or where it rested.
    """

    def __init__(self, evaluation: Evaluation) -> None:
        self.evaluation, self.sentence = evaluation, ""
        self.before: dict[str, float] = {}

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """A training that goes on may have been stopped before it was judged."""
        self.on_train_batch_end(trainer, pl_module)

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        """Sum up, and keep how sharp a stage ended for those after it."""
        assert isinstance(pl_module, Recipe)
        if not self.evaluation.judged(pl_module):
            return
        played = pl_module.balance.read()
        if "accuracy_real" in played:
            self.sentence = verdict(played, self.evaluation.curve[-1], self.before)
        if pl_module.ended and pl_module.step < pl_module.steps:
            self.before[pl_module.ended.name] = self.evaluation.curve[-1]["sharpness"]

    def state_dict(self) -> dict[str, Any]:
        """The last sentence, and the stages before."""
        return {"sentence": self.sentence, "before": self.before}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from there."""
        self.sentence, self.before = state_dict["sentence"], dict(state_dict["before"])


def verdict(played: Mapping[str, float], looks: Mapping[str, float], before: Mapping[str, float]) -> str:
    """One sentence on a game.

    Args:
        played: what `Balance` reads.
        looks: `sharpness` and `colour` of the validation images, see `evaluation`.
        before: sharpness at the end of each earlier stage, by the stage's name.
    """
    if not all(map(math.isfinite, played.values())):
        return "diverged: the discriminator's logits or the gradients are not finite"
    real, fake = played["accuracy_real"], played["accuracy_fake"]
    norms = {"G": played.get("gradient_generator"), "D": played.get("gradient_discriminator")}
    gradients = ", ".join(f"{player} {norm:.2g}" for player, norm in norms.items() if norm is not None)
    stages = ", ".join(f"{name} {value:.2f}" for name, value in before.items())
    return (
        f"{_winner(real, fake)}: the discriminator is right on {real:.0%} of real and {fake:.0%} of restored"
        f"{_other_side(played)}; gradients {gradients}; sharpness {looks['sharpness']:.2f} of gt"
        f"{f' ({stages})' if stages else ''}, colours {looks['colour']:.1f} levels off"
    )


def _other_side(played: Mapping[str, float]) -> str:
    """What a discriminator of lq images has to say, where there is one."""
    if "accuracy_real_lq" not in played:
        return ""
    real, fake = played["accuracy_real_lq"], played["accuracy_fake_lq"]
    return f", that of lq on {real:.0%} and {fake:.0%} of degraded ({_winner(real, fake)})"


def _winner(real: float, fake: float) -> str:
    """From the shares of real and of restored images that a discriminator knows."""
    if (real + fake) / 2 >= WINS:
        return "discriminator wins"
    if (real + fake) / 2 > LOSES:
        return "balanced"
    return "generator wins" if abs(real - fake) < ONE_SIDED else "discriminator sees no difference"
