"""Ends a training between two steps, with all of it saved, when the system or the user asks for it."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import threading
from types import FrameType
from typing import Any

import lightning as L

from gan_bench.callbacks.checkpoints import Checkpoints
from gan_bench.errors import Stopped
from gan_bench.models import Recipe

__all__ = ["Stopping"]

log = logging.getLogger(__name__)

AGREE_EVERY = 10  # steps after which several processes ask each other


class Stopping(L.Callback):
    """Hears SIGTERM, Ctrl-C and, in a SLURM job, SIGUSR1; has the step finished and saved; then raises `Stopped`.

    Several processes agree at each tenth step; the main one's clock also says there when to save. It stands before
    whatever validates: a signal leaves little time. A second Ctrl-C ends at once. After SIGUSR1 the job is requeued.

    Args:
        checkpoints: which saves.
    """

    def __init__(self, checkpoints: Checkpoints) -> None:
        self.checkpoints = checkpoints
        self._heard: signal.Signals | None = None
        self._others = signal.getsignal(signal.SIGUSR1)  # submitit requeues by itself

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Listen, in Lightning's place: its handlers save, or talk to other processes, in the middle of a step."""
        if threading.current_thread() is threading.main_thread():
            for one in self._signals():
                signal.signal(one, self._hear)
        # Lightning asks in each step whether rank 0 got a SIGTERM, and waits for the device to know.
        trainer.fit_loop.epoch_loop._broadcast_sigterm_tensor = lambda: None  # type: ignore[method-assign]

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        """Save where it is time; stop where somebody heard a signal."""
        assert isinstance(pl_module, Recipe)
        several = trainer.world_size > 1
        if pl_module.step >= pl_module.steps or (several and pl_module.step % AGREE_EVERY):
            return
        stop, due = self._heard is not None, self.checkpoints.due and trainer.is_global_zero
        if several:
            stop, due = (trainer.strategy.reduce_boolean_decision(one, all=False) for one in (stop, due))
        self.checkpoints.asked = due
        if stop:
            self.checkpoints.save(trainer, pl_module)
            trainer._logger_connector.on_batch_end()  # or the losses of this step are told to nobody
            trainer._logger_connector.update_train_step_metrics()
            raise self._stopped(trainer.is_global_zero, f"step {pl_module.step} of {pl_module.steps}")

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """What was heard in the last steps ends what would come behind them; all is saved."""
        assert isinstance(pl_module, Recipe)
        heard = self._heard is not None
        if trainer.world_size > 1:
            heard = trainer.strategy.reduce_boolean_decision(heard, all=False)
        if heard:
            raise self._stopped(trainer.is_global_zero, f"step {pl_module.step} of {pl_module.steps}")

    def _stopped(self, main: bool, where: str) -> Stopped:
        heard = self._heard or signal.SIGTERM  # another process heard it
        told = f"stopped by {heard.name} after {where}, saved"
        if heard != signal.SIGUSR1:
            return Stopped(f"{told}; the same command goes on from there", 128 + heard)
        cause = _requeue() if main else None
        if cause:
            return Stopped(f"{told}, but not requeued ({cause}); the same command goes on from there", 128 + heard)
        return Stopped(f"{told}; the job is requeued and will go on from there", 0)

    def _signals(self) -> list[signal.Signals]:
        free = self._others in (signal.SIG_DFL, None)
        requeue = [signal.SIGUSR1] if "SLURM_JOB_ID" in os.environ and free else []
        return [signal.SIGTERM, signal.SIGINT, *requeue]

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and self._heard:
            signal.default_int_handler(number, frame)
        self._heard = self._heard or signal.Signals(number)  # SLURM's warning is followed by SIGTERM
        if number == signal.SIGINT:
            log.info("stops when the step at hand is done and saved; Ctrl-C again stops at once")


def _requeue() -> str | None:
    """Ask SLURM to start this job again; what kept it from that."""
    job = os.environ["SLURM_JOB_ID"]
    if "SLURM_ARRAY_JOB_ID" in os.environ:
        job = f"{os.environ['SLURM_ARRAY_JOB_ID']}_{os.environ['SLURM_ARRAY_TASK_ID']}"
    try:
        words = ["scontrol", "requeue", job]  # as SLURM's own environment finds it
        done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603
    except OSError as error:
        return f"scontrol: {error.strerror}"
    told = " ".join(done.stderr.split())
    return f"scontrol requeue {job}: {told or f'exit code {done.returncode}'}" if done.returncode else None
