"""Images of two sides, and the papers' losses and updates in plain torch, for trainings by hand."""

import itertools

import numpy as np
import torch
from torch import nn

from gan_bench.batch import Batch
from gan_bench.chance import seed_of


def sides(scale=1, count=6, size=16):
    """Batches of two, in which lq and gt show nothing of each other."""
    generator = torch.Generator().manual_seed(1)
    for number in range(count):
        gt = torch.rand(2, 3, size, size, generator=generator)
        lq = torch.rand(2, 3, size // scale, size // scale, generator=generator)
        yield Batch(lq, gt, (f"{number}a", f"{number}b"))


def enlarged(lq, scale):
    """Keys' cubic (a = -0.5) in NumPy, pixel centres aligned, edges repeated, clamped to [0, 1]."""
    if scale == 1:
        return lq
    rows, columns = (_cubic(count, scale) for count in lq.shape[-2:])
    large = np.einsum("ih,bchw,jw->bcij", rows, lq.double().numpy(), columns)
    return torch.from_numpy(large).clamp(0, 1).to(lq)


def _cubic(count, scale):
    """(scale * count, count): the weights of each pixel of one axis."""
    matrix = np.zeros((scale * count, count))
    for row in range(scale * count):
        centre = (row + 0.5) / scale - 0.5
        for tap in range(int(np.floor(centre)) - 1, int(np.floor(centre)) + 3):
            x = abs(centre - tap)
            weight = 1.5 * x**3 - 2.5 * x**2 + 1 if x <= 1 else -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
            matrix[row, min(max(tap, 0), count - 1)] += weight
    return matrix


def cross_entropy(logits, label):
    """-log D for label 1, -log(1 - D) for label 0, where D is the sigmoid."""
    return -(torch.sigmoid(logits) if label else 1 - torch.sigmoid(logits)).log().mean()


def signed_l1(preds, target):
    """On [-1, 1]."""
    return ((2 * preds - 1) - (2 * target - 1)).abs().mean()


def seeded(step):
    """Dropout as the recipe draws it in the first process of a run of seed 0."""
    torch.manual_seed(seed_of("step", 0, step, 0))


def adam(*networks, **options):
    """The papers' Adam, one for several networks."""
    parameters = itertools.chain(*(network.parameters() for network in networks))
    return torch.optim.Adam(parameters, betas=(0.5, 0.999), **options)


def update(optimizer, loss, rate):
    """One update of the optimizer's parameters; what the loss leaves elsewhere is nobody's."""
    parameters = optimizer.param_groups[0]["params"]
    for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
        parameter.grad = gradient
    optimizer.param_groups[0]["lr"] = rate
    optimizer.step()


def assert_same(ours, theirs, but=()):
    """Two networks' parameters and buffers."""
    assert isinstance(ours, nn.Module) and ours is not theirs
    for (name, one), other in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
        if not name.endswith(but):
            torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-9, msg=lambda text, name=name: f"{name}: {text}")
