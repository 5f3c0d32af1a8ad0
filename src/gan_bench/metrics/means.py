"""How the scores of images become the score of a set: by their mean, where there is one."""

from __future__ import annotations

import math
from collections.abc import Mapping

__all__ = ["aggregate"]


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
