"""The shapes in which images travel: a `Sample` or a `Pair` out of a data set, a `Batch` into a model.

Every image is float32 in [0, 1], RGB, or one channel where the data set (or, at evaluation, the file) has one.
NamedTuples, because collate, pinning and device transfer know them, and because a mistyped field is an error.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["Batch", "Pair", "Sample", "widened"]


class Sample(NamedTuple):
    """One training crop before degradation; collated, a batch of them.

    Attributes:
        image: (C, P, P) in [0, 1]; collated (B, C, P, P).
        name: file stem; collated, a list of them.
        position: place in the endless stream of samples, which keys every chance; collated (B,) int64.
    """

    image: Tensor
    name: str
    position: int


class Pair(NamedTuple):
    """One training crop of each side, where gt is not what lq is made of; collated, a batch of them.

    Attributes:
        image: lq itself where it is given, (C, P/s, P/s) in [0, 1]; else what is to be degraded.
        gt: (C, P, P) in [0, 1]; of another scene where the training is unpaired.
        name: file stem of `image`; collated, a list of them.
        position: as a `Sample`'s.
    """

    image: Tensor
    gt: Tensor
    name: str
    position: int


class Batch(NamedTuple):
    """What a model sees.

    Attributes:
        lq: low quality, (B, C, H/s, W/s) in [0, 1].
        gt: ground truth, (B, C, H, W) in [0, 1]; of another scene than lq where the training is unpaired; None at
            evaluation, where there is none.
        name: B file stems: they key the degradation at evaluation and name the rows of per-image scores.
    """

    lq: Tensor
    gt: Tensor
    name: tuple[str, ...]


def widened(values: Tensor) -> Tensor:
    """At least float32, which is what is compared: a mean of bfloat16 numbers keeps two digits only."""
    return values.float() if values.dtype in (torch.bfloat16, torch.float16) else values
