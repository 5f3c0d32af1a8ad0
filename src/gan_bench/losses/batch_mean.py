"""Means over the batch of all processes, as if one of them held it, for losses that compare means; no loss here."""

from __future__ import annotations

from torch import Tensor, distributed
from torch.distributed.nn.functional import all_reduce

from gan_bench.batch import widened

__all__ = ["batch_mean"]


def batch_mean(values: Tensor, dim: int | None = None) -> Tensor:
    """The mean over the batch of all processes, through which gradients reach every process's values.

    Args:
        values: any shape with the batch first, the same on every process.
        dim: what the mean is over; None is all, images and positions, and 0 the images alone.

    Returns:
        A scalar, or `values` without `dim`; in float32 at least.
    """
    mean = widened(values).mean(dim)
    if distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1:
        summed: Tensor = all_reduce(mean)  # type: ignore[no-untyped-call]
        return summed / distributed.get_world_size()
    return mean
