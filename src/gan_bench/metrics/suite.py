"""Which metrics a run is judged by, those of images and those of sets.

A metric of ours enters by one line in `METRICS`: a factory that is told protocol and scale, and may ignore them
(perceptual metrics see the whole 8-bit RGB image). Every other name is looked for in pyiqa. A factory that cannot
build, say for want of weights, raises WorkError with the reason: the suite then works without it and says so at the
start, not after hours of training.
"""

from __future__ import annotations

import functools
import hashlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from torch import Tensor

from gan_bench.errors import UsageError, WorkError, did_you_mean
from gan_bench.metrics.colour import ColourShift
from gan_bench.metrics.consistency import Consistency
from gan_bench.metrics.fidelity import PSNR, SSIM, ImageMetric
from gan_bench.metrics.iqa import LPIPS, MSSSIM, Pyiqa, pyiqa_names
from gan_bench.metrics.niqe import NIQE, fitted, of_photos, published
from gan_bench.metrics.protocol import Protocol
from gan_bench.metrics.sets import FID, KID, SetMetric

__all__ = ["METRICS", "Suite"]

log = logging.getLogger(__name__)

METRICS: Final[dict[str, Callable[[Protocol, int], ImageMetric | SetMetric]]] = {
    "psnr": PSNR,
    "ssim": SSIM,
    "niqe": lambda *_: NIQE("niqe", published()),
    "niqe_photos": lambda *_: NIQE("niqe_photos", of_photos()),
    "lpips": lambda *_: LPIPS("lpips", "alex", "alexnet"),
    "lpips_vgg": lambda *_: LPIPS("lpips_vgg", "vgg", "vgg16"),
    "lpips_squeeze": lambda *_: LPIPS("lpips_squeeze", "squeeze", "squeezenet"),
    "ms_ssim": lambda *_: MSSSIM(),
    "fid": lambda *_: FID(),
    "kid": lambda *_: KID(),
    "consistency": lambda *_: Consistency(),
    "colour_shift": lambda *_: ColourShift(),
}


class Suite:
    """Several metrics under one protocol at one scale.

    Attributes:
        names: what was asked for, in that order, with stand-ins in their places.
        metrics: what is computed of each image, by name.
        sets: what is computed of all images together, by name.
        unavailable: reason by name for what was asked for and cannot be computed; metrics that need ground truth
            appear here once a batch without it was scored, those of sets once there were too few images.
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
        self.sets: dict[str, SetMetric] = {}
        self._reals = 0
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
            built = _build(name, protocol, scale)
        except WorkError as error:
            self.unavailable[name] = str(error)
            return False
        if isinstance(built, SetMetric):
            self.sets[name] = built
        else:
            self.metrics[name] = built
        return True

    def report(self) -> None:
        """Say what is unavailable, one line each, once in a process."""
        for name, reason in self.unavailable.items():
            _say(f"{name}: n/a: {reason}")

    def score(
        self, restored: Tensor, gt: Tensor | None, lq: Tensor | None, again: Callable[[], Tensor] | None = None
    ) -> list[dict[str, float]]:
        """Scores each image of a batch; metrics of sets have no part in it.

        Args:
            restored: (B, C, H, W) in [0, 1].
            gt: (B, C, H, W) in [0, 1], where there is ground truth.
            lq: (B, C, H/s, W/s) in [0, 1], where there is one.
            again: gives the restored images degraded again, like lq; called once for each metric that needs it.

        Returns:
            one mapping per image, from metric to number: infinite for PSNR of identical images, NaN where undefined.
        """
        columns: dict[str, list[float]] = {}
        for name, metric in self.metrics.items():
            if metric.needs_gt and gt is None:
                self.unavailable[name] = "needs ground truth"
            elif metric.needs_operator and again is None:
                self.unavailable[name] = "needs the degradation that made lq, and lq was given"
            elif metric.needs_operator and again is not None:
                columns[name] = metric.score(again(), None, lq).tolist()
            else:
                columns[name] = metric.score(restored, gt, lq).tolist()
        return [{name: column[i] for name, column in columns.items()} for i in range(len(restored))]

    def collect(self, restored: Tensor) -> None:
        """Hands a batch, (B, C, H, W), clamped to [0, 1], to the metrics of sets.

        Raises:
            ValueError: NaN among the values, or neither one nor three channels.
        """
        for metric in self.sets.values():
            metric.add_restored(restored)

    def score_sets(self, reals: Iterable[Tensor]) -> dict[str, float]:
        """Scores what was collected beside real images.

        Args:
            reals: (B, C, H, W) in [0, 1] each; not asked for without metrics of sets.

        Returns:
            the number by metric; without those for which there are too few images.
        """
        for images in reals if self.sets else ():
            self._reals += len(images)
            for metric in self.sets.values():
                metric.add_real(images)
        scores: dict[str, float] = {}
        for name, metric in self.sets.items():
            try:
                scores[name] = metric.compute()
            except WorkError as error:
                self.unavailable[name] = str(error)
        return scores

    def reset(self) -> None:
        """Forgets what was collected."""
        self._reals = 0
        for metric in self.sets.values():
            metric.reset()

    def facts(self) -> dict[str, dict[str, object]]:
        """What a reader of the scores must know, by metric: higher_is_better, unit, digits, digest.

        And margin and ranked_from, where there is one. The digest is of name, version and weights: numbers of equal
        digests compare.

        A metric of sets says too how many real images it compared with.
        """
        facts = {name: _facts(metric) for name, metric in self._built().items()}
        return {name: {**one, "reals": self._reals} if name in self.sets else one for name, one in facts.items()}

    def weights(self) -> dict[str, str]:
        """SHA-256 by metric of the weights that are at work."""
        return {name: metric.weights for name, metric in self._built().items() if metric.weights}

    def _built(self) -> dict[str, ImageMetric | SetMetric]:
        """All that is computed, in the order of the names."""
        built: dict[str, ImageMetric | SetMetric] = {**self.metrics, **self.sets}
        return {name: built[name] for name in self.names if name in built}


def _facts(metric: ImageMetric | SetMetric) -> dict[str, object]:
    facts: dict[str, object] = {
        "higher_is_better": metric.higher_is_better,
        "unit": metric.unit,
        "digits": metric.digits,
    }
    told = [metric.name, metric.version, metric.weights]
    facts["digest"] = hashlib.sha256("\0".join(told).encode()).hexdigest()[:12]
    if metric.margin is not None:
        facts["margin"] = metric.margin
    if isinstance(metric, SetMetric) and metric.ranked_from:
        facts["ranked_from"] = metric.ranked_from
    return facts


def _build(name: str, protocol: Protocol, scale: int) -> ImageMetric | SetMetric:
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
