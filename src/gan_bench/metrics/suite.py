"""Which metrics a run is judged by, and how the scores of images become the score of a set.

A metric enters by one line in `METRICS`: a factory that is told protocol and scale, and may ignore them (perceptual
metrics see the whole 8-bit RGB image). A factory that cannot build, say for want of weights, raises WorkError with the
reason: the suite then works without it and says so at the start, not after hours of evaluation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from torch import Tensor

from gan_bench.errors import UsageError, WorkError, did_you_mean
from gan_bench.metrics.fidelity import PSNR, SSIM, ImageMetric
from gan_bench.metrics.protocol import Protocol

__all__ = ["METRICS", "Suite", "aggregate"]

METRICS: Final[dict[str, Callable[[Protocol, int], ImageMetric]]] = {
    "psnr": PSNR,
    "ssim": SSIM,
}


class Suite:
    """Several metrics under one protocol at one scale.

    Attributes:
        metrics: what is computed, by name, in the order asked for.
        unavailable: reason by name for what was asked for and cannot be computed; metrics that need ground truth
            appear here once a batch without it was scored.
    """

    def __init__(self, names: Sequence[str], protocol: Protocol, scale: int) -> None:
        """Builds the metrics.

        Args:
            names: keys of METRICS; a repeated one counts once.
            protocol: what the full-reference metrics are computed on.
            scale: of the task, at least 1.

        Raises:
            UsageError: an unknown name.
        """
        self.metrics: dict[str, ImageMetric] = {}
        self.unavailable: dict[str, str] = {}
        for name in dict.fromkeys(names):
            if name not in METRICS:
                raise UsageError(f"no metric {name!r}{did_you_mean(name, METRICS)}")
            try:
                self.metrics[name] = METRICS[name](protocol, scale)
            except WorkError as error:
                self.unavailable[name] = str(error)

    def score(self, restored: Tensor, gt: Tensor | None, lq: Tensor | None) -> list[dict[str, float]]:
        """Scores a batch.

        Args:
            restored: (B, C, H, W) in [0, 1].
            gt: (B, C, H, W) in [0, 1], where there is ground truth.
            lq: (B, C, H/s, W/s) in [0, 1], where there is one.

        Returns:
            one mapping per image, from metric to number; PSNR of identical images is infinite.
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


def aggregate(images: Mapping[str, Mapping[str, float]]) -> tuple[dict[str, float | None], dict[str, int]]:
    """Scores of a set from those of its images, whatever their order.

    Args:
        images: metric to number, by image.

    Returns:
        the mean by metric, None where it is not a finite number; and by metric how many images have no finite score
        (PSNR of identical images is infinite).

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
        n_inf[name] = sum(not math.isfinite(value) for value in values)
        # fsum is exact, so no order of images gives another mean
        means[name] = None if n_inf[name] else math.fsum(values) / len(values)
    return means, n_inf
