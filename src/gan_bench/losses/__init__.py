"""Scalar criteria: pixel distances, distances between features, and the two-sided adversarial losses.

What torch has (`torch.nn.L1Loss`, `torch.nn.MSELoss`) is named in the yaml directly and has no copy here.
"""

from gan_bench.losses.adversarial import Adversarial, Hinge, LeastSquares, RelativisticAverage, Vanilla
from gan_bench.losses.matching import FeatureMatching
from gan_bench.losses.perceptual import Perceptual
from gan_bench.losses.pixel import Charbonnier, SignedL1

__all__ = [
    "Adversarial",
    "Charbonnier",
    "FeatureMatching",
    "Hinge",
    "LeastSquares",
    "Perceptual",
    "RelativisticAverage",
    "SignedL1",
    "Vanilla",
]
