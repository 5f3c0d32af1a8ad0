"""Tracking: what is told to Weights & Biases: a run while it trains and when it is judged, and boards.

Each is used by `logger=wandb` or `gan-bench leaderboard --wandb`; nothing here can end a training.
"""

from gan_bench.tracking.board import log_board
from gan_bench.tracking.tracker import Tracker, followed, log_results

__all__ = ["Tracker", "followed", "log_board", "log_results"]
