"""How fast it is: degradations, training steps and restoring, beside plain references in the same run."""

from gan_bench.perf.command import perf

__all__ = ["perf"]
