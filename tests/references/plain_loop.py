"""A training step as one would write it in plain torch; `gan-bench perf model=...` loads it to measure ours against.

For every recipe with one generator, and perhaps one discriminator. The same networks, losses, batch, average and number
of forwards: three of D in a step, four where its loss is relativistic. The features of gt have no graph, and D takes no
gradient in the generator's turn. Otherwise nothing is tuned: default Adam, contiguous float32. Nothing is logged.

Its switches make the bare twin of a tuned training: what is left between the two is Lightning and our mechanics.
"""

import contextlib
import copy

import torch
from torch import nn
from torch.nn import functional as F

KNOWN = ("Regression", "RealESRNet", "SRGAN", "ESRGAN", "RealESRGAN", "BSRGAN")


def kind(thing):
    return type(thing).__name__


class PlainLoop:
    """A recipe's stage at hand, with copies of its networks.

    channels_last: names of the networks whose images lie pixel by pixel in memory.
    autocast: whether it computes in bfloat16; images are compared in float32 in any case.
    """

    def __init__(self, recipe, channels_last=(), autocast=False, fused=False, compile=False):
        if kind(recipe) not in KNOWN:
            raise NotImplementedError(kind(recipe))
        self.weights = {name: weight for name, weight in recipe.stage.weights.items() if weight}
        self.decay, self.clip, self.autocast = recipe.ema, recipe.clip, autocast
        self.generator, self.averaged = copy.deepcopy(recipe.generator), copy.deepcopy(recipe.averaged)
        self.discriminator = copy.deepcopy(recipe.discriminator) if "adversarial" in self.weights else None
        self.criteria = {name: copy.deepcopy(recipe.criteria[name]) for name in self.weights}
        self.sharpen = getattr(recipe, "sharpen", None)
        for name, network in self.networks().items():
            network.to(memory_format=torch.channels_last if name in channels_last else torch.contiguous_format)
        options = {name: value for name, value in recipe.make_optimizer.keywords.items() if name != "fused"}
        options["fused"] = True if fused else None  # None is torch's default, False would be slower on a GPU
        self.optimizers = {
            name: torch.optim.Adam(getattr(self, name).parameters(), **options)
            for name in ("generator", "discriminator")
            if getattr(self, name) is not None
        }
        for name in self.optimizers if compile else ():
            getattr(self, name).compile(dynamic=False)

    def networks(self):
        named = {"generator": self.generator, "averaged": self.averaged, "discriminator": self.discriminator}
        named["perceptual"] = self.criteria.get("perceptual")
        return {name: network for name, network in named.items() if network is not None}

    def step(self, lq, gt, rate):
        for optimizer in self.optimizers.values():
            optimizer.param_groups[0]["lr"] = rate
        bfloat16 = torch.autocast(lq.device.type, torch.bfloat16) if self.autocast else contextlib.nullcontext()
        with bfloat16:
            restored = self.generator(lq).float()
            self.generator_turn(restored, gt)
            if self.discriminator is not None:
                self.discriminator_turn(restored.detach(), gt)
        if self.averaged is not None:
            self.average()

    # The two turns

    def generator_turn(self, restored, gt):
        target = gt if self.sharpen is None else self.sharpen(gt)
        if self.discriminator is not None:
            self.discriminator.requires_grad_(False)
        loss = 0
        for name, weight in self.weights.items():
            if name == "pixel":
                loss = loss + weight * self.criteria["pixel"](restored, target)
            elif name == "perceptual":
                loss = loss + weight * self.perceptual(restored, target)
            else:
                loss = loss + weight * self.adversarial(restored, gt)
        self.update("generator", loss)
        if self.discriminator is not None:
            self.discriminator.requires_grad_(True)

    def discriminator_turn(self, restored, gt):
        real = self.discriminator(gt).float()
        fake = self.discriminator(restored).float()
        criterion = self.criteria["adversarial"]
        if kind(criterion) == "Vanilla":
            loss = cross_entropy(real, 1) + cross_entropy(fake, 0)
        elif kind(criterion) == "LeastSquares":
            loss = (real - 1).square().mean() + fake.square().mean()
        elif kind(criterion) == "Hinge":
            loss = F.relu(1 - real).mean() + F.relu(1 + fake).mean()
        elif kind(criterion) == "RelativisticAverage":
            mean_real, mean_fake = real.mean(), fake.mean()
            if criterion.detach_means:
                mean_real, mean_fake = mean_real.detach(), mean_fake.detach()
            loss = (cross_entropy(real - mean_fake, 1) + cross_entropy(fake - mean_real, 0)) / 2
        else:
            raise NotImplementedError(kind(criterion))
        self.update("discriminator", criterion.discriminator_weight * loss)

    # The losses of the generator

    def adversarial(self, restored, gt):
        relativistic = kind(self.criteria["adversarial"]) == "RelativisticAverage"
        if relativistic:
            with torch.no_grad():
                real = self.discriminator(gt).float()
        fake = self.discriminator(restored).float()
        if relativistic:
            return (cross_entropy(real - fake.mean(), 0) + cross_entropy(fake - real.mean(), 1)) / 2
        if kind(self.criteria["adversarial"]) == "Hinge":
            return -fake.mean()
        if kind(self.criteria["adversarial"]) == "LeastSquares":
            return (fake - 1).square().mean()
        return cross_entropy(fake, 1)

    def perceptual(self, restored, target):
        criterion = self.criteria["perceptual"]
        with torch.no_grad():
            wanted = self.features(target)
        distances = [
            weight * criterion.distance(criterion.scale * found, criterion.scale * goal)
            for found, goal, weight in zip(self.features(restored), wanted, criterion.layers.values(), strict=True)
        ]
        return sum(distances)

    def features(self, image):
        criterion = self.criteria["perceptual"]
        feat = (image.expand(-1, 3, -1, -1) - criterion.mean) / criterion.std
        kept = []
        for index, layer in enumerate(criterion.features):
            feat = layer(feat)
            if index in criterion.layers:
                kept.append(feat.float())
        return kept

    # The updates

    def update(self, name, loss):
        loss.backward()
        if self.clip:
            nn.utils.clip_grad_norm_(getattr(self, name).parameters(), self.clip)
        self.optimizers[name].step()
        self.optimizers[name].zero_grad(set_to_none=True)

    @torch.no_grad()
    def average(self):
        for kept, new in zip(self.averaged.parameters(), self.generator.parameters(), strict=True):
            kept.mul_(self.decay).add_(new, alpha=1 - self.decay)
        for kept, new in zip(self.averaged.buffers(), self.generator.buffers(), strict=True):
            kept.copy_(new)


def cross_entropy(logits, label):
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))
