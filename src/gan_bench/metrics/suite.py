"""Which metrics a run is judged by, and how the scores of images become the score of a set.

A metric of ours enters by one line in `METRICS`: a factory that is told protocol and scale, and may ignore them
(perceptual metrics see the whole 8-bit RGB image). Every other name is looked for in pyiqa. A factory that cannot
build, say for want of weights, raises WorkError with the reason: the suite then works without it and says so at the
start, not after hours of training.
"""

from __future__ import annotations

import functools
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from torch import Tensor

from gan_bench.errors import UsageError, WorkError, did_you_mean
from gan_bench.metrics.fidelity import PSNR, SSIM, ImageMetric
from gan_bench.metrics.iqa import LPIPS, MSSSIM, Pyiqa, pyiqa_names
from gan_bench.metrics.niqe import NIQE, fitted, of_photos, published
from gan_bench.metrics.protocol import Protocol

__all__ = ["METRICS", "Suite", "aggregate"]

log = logging.getLogger(__name__)

METRICS: Final[dict[str, Callable[[Protocol, int], ImageMetric]]] = {
    "psnr": PSNR,
    "ssim": SSIM,
    "niqe": lambda *_: NIQE("niqe", published()),
    "niqe_photos": lambda *_: NIQE("niqe_photos", of_photos()),
    "lpips": lambda *_: LPIPS("lpips", "alex", "alexnet"),
    "lpips_vgg": lambda *_: LPIPS("lpips_vgg", "vgg", "vgg16"),
    "lpips_squeeze": lambda *_: LPIPS("lpips_squeeze", "squeeze", "squeezenet"),
    "ms_ssim": lambda *_: MSSSIM(),
}


class Suite:
    """Several metrics under one protocol at one scale.

    Attributes:
        names: what was asked for, in that order, with stand-ins in their places.
        metrics: what is computed, by name.
        unavailable: reason by name for what was asked for and cannot be computed; metrics that need ground truth
            appear here once a batch without it was scored.
    """

    def __init__(
        self, names: Sequence[str], protocol: Protocol, scale: int, instead: Mapping[str, str] | None = None
    ) -> None:
        """Builds the metrics.

        Args:
            names: keys of METRICS, names of pyiqa's metrics, or of fitted NIQE models; a repeated one counts once.
            protocol: what the full-reference metrics are computed on.
            scale: of the task, at least 1.
            instead: what is computed in the place of a metric that is unavailable.

        Raises:
            UsageError: an unknown name.
        """
        self.names: list[str] = []
        self.metrics: dict[str, ImageMetric] = {}
        self.unavailable: dict[str, str] = {}
        for name in dict.fromkeys(names):
            stand_in = (instead or {}).get(name)
            if not self._add(name, protocol, scale) and stand_in:
                self.unavailable[name] += f"; {stand_in} is computed instead"
                self._add(stand_in, protocol, scale)
                name = stand_in
            self.names += [name] * (name not in self.names)

    def _add(self, name: str, protocol: Protocol, scale: int) -> bool:
        try:
            self.metrics[name] = _build(name, protocol, scale)
        except WorkError as error:
            self.unavailable[name] = str(error)
        return name in self.metrics

    def report(self) -> None:
        """Say what is unavailable, one line each, once in a process."""
        for name, reason in self.unavailable.items():
            _say(f"{name}: n/a: {reason}")

    def score(self, restored: Tensor, gt: Tensor | None, lq: Tensor | None) -> list[dict[str, float]]:
        """Scores a batch.

        Args:
            restored: (B, C, H, W) in [0, 1].
            gt: (B, C, H, W) in [0, 1], where there is ground truth.
            lq: (B, C, H/s, W/s) in [0, 1], where there is one.

        Returns:
            one mapping per image, from metric to number: infinite for PSNR of identical images, NaN where undefined.
        """
        columns: dict[str, list[float]] = {}
        for name, metric in self.metrics.items():
            if metric.needs_gt and gt is None:
                self.unavailable[name] = "needs ground truth"
            else:
                columns[name] = metric.score(restored, gt, lq).tolist()
        return [{name: column[i] for name, column in columns.items()} for i in range(len(restored))]

    def facts(self) -> dict[str, dict[str, object]]:
        """What a reader of the scores must know, by metric: higher_is_better, unit, digits."""
        return {
            name: {"higher_is_better": metric.higher_is_better, "unit": metric.unit, "digits": metric.digits}
            for name, metric in self.metrics.items()
        }

    def weights(self) -> dict[str, str]:
        """SHA-256 by metric of the weights that are at work."""
        return {name: metric.weights for name, metric in self.metrics.items() if metric.weights}


def aggregate(images: Mapping[str, Mapping[str, float]]) -> tuple[dict[str, float | None], dict[str, int]]:
    """Scores of a set from those of its images, whatever their order.

    Args:
        images: metric to number, by image.

    Returns:
        the mean by metric, None where a score is not finite; and by metric how many scores are infinite (PSNR of
        identical images; what is undefined is NaN).

    Raises:
        ValueError: an image lacks a metric that others have, which would average over different images.
    """
    names = sorted({name for scores in images.values() for name in scores})
    means: dict[str, float | None] = {}
    n_inf: dict[str, int] = {}
    for name in names:
        lacking = sorted(image for image, scores in images.items() if name not in scores)
        if lacking:
            raise ValueError(f"{lacking[0]} has no {name}, which other images have")
        values = [scores[name] for scores in images.values()]
        n_inf[name] = sum(map(math.isinf, values))
        # fsum is exact, so no order of images gives another mean
        means[name] = math.fsum(values) / len(values) if all(map(math.isfinite, values)) else None
    return means, n_inf


def _build(name: str, protocol: Protocol, scale: int) -> ImageMetric:
    if name in METRICS:
        return METRICS[name](protocol, scale)
    if name.startswith("niqe_"):
        try:
            return NIQE(name, fitted(name))
        except FileNotFoundError:
            pass
    others = pyiqa_names()
    if name in others:
        return Pyiqa(name)
    hint = did_you_mean(name, [*METRICS, *others])
    if len(hint) > 100:  # nothing near: a hundred names help nobody
        hint = did_you_mean(name, METRICS) + ", and those of pyiqa"
    raise UsageError(f"no metric {name!r}{hint}")


@functools.cache
def _say(line: str) -> None:
    log.warning("%s", line)
