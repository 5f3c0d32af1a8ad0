"""FID and KID: one number for a set of restored images beside a set of real ones, which need not show the same scenes.

FID: Heusel et al. 2017, https://arxiv.org/abs/1706.08500. KID: Bińkowski et al. 2018, https://arxiv.org/abs/1801.01401.
Both are torchmetrics', on the features of `inception.py`. What differs: features are put into one order before
anything is added up or drawn, in float64, so that the order of images changes no digit; and FID is computed in the
subspace that fewer images than features span, where it is the same number without the rounding of a singular matrix.
"""

from __future__ import annotations

import abc
import warnings
from typing import Final

import torch
from torch import Tensor, nn

from gan_bench.errors import WorkError
from gan_bench.image import to_rgb, to_uint8
from gan_bench.metrics.inception import inception, inception_weights

__all__ = ["FID", "KID", "SetMetric"]

SUBSETS: Final = 100
SUBSET_SIZE: Final = 1000  # images of each side at most
RANKED_FROM: Final = 1000


class SetMetric(abc.ABC):
    """One number per set of images.

    Attributes:
        name: key in results.
        higher_is_better: direction of the leaderboard.
        unit: shown behind the number, may be empty.
        digits: shown behind the decimal point.
        weights: SHA-256 of what was learnt or fitted; empty for a formula.
        ranked_from: images that a set needs before the board ranks by it; 0 for any number.
        version: of the implementation; raised where the same images get another number.
        margin: the difference within which two methods count as equal; None where none is stated.
    """

    name: str
    higher_is_better: bool
    unit: str = ""
    digits: int = 4
    weights: str = ""
    ranked_from: int = 0
    version: str = "1"
    margin: float | None = None

    @abc.abstractmethod
    def add_real(self, images: Tensor) -> None:
        """Takes real images, (B, C, H, W) in [0, 1].

        Raises:
            ValueError: NaN among the values, or neither one nor three channels.
        """

    @abc.abstractmethod
    def add_restored(self, images: Tensor) -> None:
        """Takes restored images, (B, C, H, W), clamped to [0, 1].

        Raises:
            ValueError: as `add_real`.
        """

    @abc.abstractmethod
    def compute(self) -> float:
        """The score of what was added so far.

        Raises:
            WorkError: there are too few images of one side.
        """

    @abc.abstractmethod
    def reset(self) -> None:
        """Forgets all images."""


class _OfFeatures(SetMetric):
    """A distance of features; sees RGB images as files of 8 bit would hold them: rounded, gray stacked."""

    higher_is_better = False
    ranked_from = RANKED_FROM

    def __init__(self, extractor: nn.Module | None = None) -> None:
        """Makes sure of the weights; the Inception network is built when it is first used.

        Args:
            extractor: (1, 3, H, W) uint8 -> (1, F) takes the place of the Inception network.

        Raises:
            WorkError: the network's weights are not to be had.
        """
        self.weights = "" if extractor else inception_weights()
        self._extractor = extractor
        self.reset()

    def add_real(self, images: Tensor) -> None:
        self._real += self._features(images)

    def add_restored(self, images: Tensor) -> None:
        self._restored += self._features(images)

    def compute(self) -> float:
        if not self._real:
            raise WorkError("needs real images to compare with")
        if min(len(self._real), len(self._restored)) < 2:
            numbers = f"{len(self._restored)} restored and {len(self._real)} real"
            raise WorkError(f"needs at least two images of each side, and there are {numbers}")
        with torch.inference_mode():
            return self._distance(_in_order(self._real), _in_order(self._restored))

    def reset(self) -> None:
        self._real: list[Tensor] = []
        self._restored: list[Tensor] = []

    def _features(self, images: Tensor) -> list[Tensor]:
        extractor = self._extractor or inception()
        levels = [torch.from_numpy(to_uint8(to_rgb(image))).permute(2, 0, 1)[None] for image in images]
        return [extractor(one).reshape(-1) for one in levels]

    @abc.abstractmethod
    def _distance(self, real: Tensor, restored: Tensor) -> float:
        """Features, (N, F) and (M, F) float64, in an order that is theirs -> the score."""


class FID(_OfFeatures):
    """Fréchet distance of two Gaussians that have the features' means and covariances, 0 at best.

    Biased, by what depends on the number of images and on the distributions: only scores of equal numbers compare at
    all, and no unbiased estimate exists (Bińkowski et al., section 4; 10,000 training and test images of CIFAR-10 still
    score about 8.1 there). The authors' code (https://github.com/bioinf-jku/TTUR) advises 10,000 images at least. Under
    2049 the covariance is singular, which is no obstacle here.

    Measured: two samples of n from one distribution, where 0 is right, scored 124, 87, 55 and 24 % of twice the trace
    of its covariance at n = 3, 10, 100 and 1000 (means of 20, 20, 10 and 4 draws, standard deviations 9, 4, 0.4 and
    0.05 %: a small spread says nothing about the bias). The distribution: 2048 features, the positive parts of a
    rotated Gaussian whose k-th variance is 1/k.
    """

    name = "fid"
    digits = 2

    def _distance(self, real: Tensor, restored: Tensor) -> float:
        from torchmetrics.image.fid import FrechetInceptionDistance

        real, restored = _in_their_span(real, restored)
        metric = FrechetInceptionDistance(_Given(real.shape[1]))
        metric.update(real, real=True)
        metric.update(restored, real=False)
        return max(0.0, float(metric.compute()))  # of equal sets, rounding leaves less


class KID(_OfFeatures):
    """Squared maximum mean discrepancy of the features under the kernel (x.y / F + 1)³; 0 is expected at best.

    Unbiased at any number of images, so that it may be negative. As in the paper it is the mean over 100 subsets of
    1000 images of each side, here always the same; where the smaller side has fewer, subsets are as large as that, and
    where both are no larger there is but one. It still has a spread, of a standard deviation of 4e-4, 1e-4, 7e-6 and
    7e-7 at n = 3, 10, 100 and 1000 on the samples that FID was measured on. The spread over the subsets, which
    torchmetrics also gives, is not told: subsets share images, so it is no error of the mean.
    """

    name = "kid"

    def _distance(self, real: Tensor, restored: Tensor) -> float:
        from torchmetrics.image.kid import KernelInceptionDistance

        size = min(len(real), len(restored), SUBSET_SIZE)
        subsets = 1 if size == len(real) == len(restored) else SUBSETS
        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
            warnings.simplefilter("ignore")  # that features are kept
            metric = KernelInceptionDistance(_Given(real.shape[1]), subsets=subsets, subset_size=size)
            metric.update(real, real=True)
            metric.update(restored, real=False)
            torch.default_generator.manual_seed(0)  # the CPU's alone, which is put back
            return float(metric.compute()[0])


class _Given(nn.Module):
    """For torchmetrics: features that are there already."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, features: Tensor) -> Tensor:
        return features


def _in_order(features: list[Tensor]) -> Tensor:
    """(N, F) float64, the rows in an order that does not tell in which they came."""
    return torch.stack(sorted(features, key=lambda row: row.numpy().tobytes())).double()


def _in_their_span(real: Tensor, restored: Tensor) -> tuple[Tensor, Tensor]:
    """The same points around their mean, in as many coordinates as there are points where that is less: a rotation."""
    points = torch.cat([real, restored])
    points = points - points.mean(0)
    if len(points) < points.shape[1]:
        points = points @ torch.linalg.qr(points.T).Q
    return points[: len(real)], points[len(real) :]
