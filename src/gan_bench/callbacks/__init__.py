"""Callbacks: what accompanies a training without its model knowing: validation, checkpoints, health, the progress line.

Each is added by `gan_bench.training`.
"""

from gan_bench.callbacks.checkpoints import AtomicCheckpointIO, Checkpoints, save_generator
from gan_bench.callbacks.evaluation import Evaluation
from gan_bench.callbacks.health import Health
from gan_bench.callbacks.progress import ProgressLine

__all__ = ["AtomicCheckpointIO", "Checkpoints", "Evaluation", "Health", "ProgressLine", "save_generator"]
