"""gan-bench: train, judge and compare image-restoration GANs by one protocol, on one leaderboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["__version__", "degradation", "load", "train"]

if TYPE_CHECKING:
    from gan_bench.plan import degradation
    from gan_bench.restorers import load
    from gan_bench.sweep import train


def __getattr__(name: str) -> Any:
    """Import a name of `__all__` when it is first asked for: the package root itself imports nothing heavy."""
    if name == "degradation":
        from gan_bench.plan import degradation

        return degradation
    if name == "load":
        from gan_bench.restorers import load

        return load
    if name == "train":
        from gan_bench.sweep import train

        return train
    raise AttributeError(f"module 'gan_bench' has no attribute {name!r}")
