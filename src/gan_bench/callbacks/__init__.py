"""Callbacks: what accompanies a training without its model knowing: validation, checkpoints, signals, progress.

Each is added by `gan_bench.training`.
"""

from gan_bench.callbacks.checkpoints import CheckpointFiles, Checkpoints, drop_unfinished, resumable, save_generator
from gan_bench.callbacks.clock import Clock
from gan_bench.callbacks.evaluation import Evaluation
from gan_bench.callbacks.health import Health
from gan_bench.callbacks.progress import ProgressLine
from gan_bench.callbacks.stopping import Stopping

__all__ = [
    "CheckpointFiles",
    "Checkpoints",
    "Clock",
    "Evaluation",
    "Health",
    "ProgressLine",
    "Stopping",
    "drop_unfinished",
    "resumable",
    "save_generator",
]
