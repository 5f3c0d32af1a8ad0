"""`logger=wandb`: follows a run from its first step to its scores; models, metrics and the judge know nothing of it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import lightning as L

from gan_bench.benchmark import Result, key
from gan_bench.config import fingerprint
from gan_bench.errors import WorkError
from gan_bench.files import in_a_name, write_atomically
from gan_bench.models import Recipe
from gan_bench.tracking.wandb import Session

__all__ = ["Tracker", "followed", "log_results"]

PANELS = 16  # of a test set: pictures are there to be looked at, and uploads take time


class Tracker(L.Callback):
    """Sends losses, validation scores and panels, and at the end the test scores, to Weights & Biases; on rank 0.

    The W&B run is opened when a training starts, or else when there are scores; a training that goes on continues it.

    Args:
        project: of W&B.
        entity: user or team; None for wandb's own choice.
        group: None for the experiment's name, or what a sweep sweeps over.
    """

    def __init__(self, project: str = "gan-bench", entity: str | None = None, group: str | None = None) -> None:
        self.project, self.entity, self.group = project, entity, group
        self.folder, self.config = Path(), dict[str, Any]()
        self._session: Session | None = None
        self._keys: list[str] = []
        self._sent: dict[str, float] = {}
        self._curve: Sequence[Mapping[str, float]] = ()
        self._rows = 0

    def bind(self, folder: Path, study: str | None, config: Mapping[str, Any]) -> None:
        """Say which run is followed.

        Args:
            folder: of the run.
            study: what it belongs to.
            config: resolved.
        """
        self.folder, self.config, self._session = folder, dict(config), None
        self.group = self.group or study

    @property
    def session(self) -> Session:
        """The W&B run, opened when it is first asked for."""
        if self._session is None:
            self._session = Session(
                self.folder,
                project=self.project,
                entity=self.entity,
                name=self.folder.name,
                group=self.group,
                job_type="train",
                run_id=self._run_id(),
                config=self.config,
            )
        return self._session

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Open the W&B run before the clock of the training starts."""
        if trainer.is_global_zero:
            assert isinstance(pl_module, Recipe)
            self._rows = sum(row["step"] < pl_module.step for row in self._curve)
            _ = self.session

    def follow(self, curve: Sequence[Mapping[str, float]]) -> None:
        """Say where validation puts its rows, each with its `step`; the list grows."""
        self._curve = curve

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        """Send the rows that validation added since, and the losses where new ones were logged."""
        assert isinstance(pl_module, Recipe)
        if not trainer.is_global_zero:
            return
        self._send_rows()
        if pl_module.step % pl_module.log_every == 0:
            self._send_losses(trainer, pl_module.step)

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Send the last row."""
        if trainer.is_global_zero:
            self._send_rows()

    def _send_rows(self) -> None:
        """Scores and panels of validations that were not sent yet."""
        for row in self._curve[self._rows :]:
            step = int(row["step"])
            self.session.log({f"val/{name}": one for name, one in row.items() if name != "step"}, step)
            panel = self.folder / "panels" / f"validation_{step:07d}.png"
            if panel.exists():
                self.session.log_image("panels/validation", panel, f"step {step}", step)
        self._rows = len(self._curve)

    def _send_losses(self, trainer: L.Trainer, step: int) -> None:
        values = {name: float(value) for name, value in trainer.callback_metrics.items() if name.startswith("train/")}
        # Lightning repeats the last value of a loss that the stage no longer has.
        stale = {name for name in values if self._sent.get(name) == values[name]} - {"train/lr"}
        self._sent |= values
        self.session.log({name: value for name, value in values.items() if name not in stale}, step)

    def log_results(self, results: Mapping[str, Result], panels: Path) -> None:
        """Send test scores and panels, once: a complete run that is asked for again has nothing new to say.

        Args:
            results: of the run, by the names of what it was judged on.
            panels: the folder of `<name>_<image>.png`.
        """
        known = self._logged.read_text().split() if self._logged.exists() else []
        self._keys = [key(result.what) for result in results.values()]
        if self._session or "WANDB_SWEEP_ID" in os.environ or not set(self._keys) <= set(known):
            for name, result in results.items():
                self._log_result(name, result, panels)

    def _log_result(self, name: str, result: Result, panels: Path) -> None:
        budget = result.what["budget"]
        images = sorted(map(in_a_name, result.images))
        paths = {image: panels / f"{name}_{image}.png" for image in images}  # photos_* would be photos_jpeg_* too
        for image, path in [(image, path) for image, path in paths.items() if path.exists()][:PANELS]:
            self.session.log_image(f"panels/{name}/{image}", path, image, budget["steps"] if budget else 0)
        scores = {f"test/{name}/{metric}": value for metric, value in result.scores.items() if value is not None}
        costs = {cost: result.cost.get(cost) for cost in ("parameters", "training_seconds")}
        self.session.summarize(scores | {cost: value for cost, value in costs.items() if value is not None})

    def close(self, failed: bool = False) -> None:
        """End the W&B run, if one was opened, and say how to see it.

        Args:
            failed: the run is not complete; the same command may go on with it.
        """
        if self._session is None:
            return
        self._session.finish(exit_code=int(failed))
        told = "" if failed else self._session.told
        if told:
            print(told)
        if told and not self._session.broken:
            with suppress(WorkError):  # a full disk: it is sent again, and the run is complete all the same
                write_atomically(self._logged, "\n".join([*self._keys, ""]).encode())

    @property
    def _logged(self) -> Path:
        return self.folder / "wandb" / "logged.txt"

    def _run_id(self) -> str:
        """The config's fingerprint and 6 random digits, kept in the folder.

        A training that goes on continues its W&B run; one that begins anew, here or elsewhere, is another.
        """
        path = self.folder / "wandb" / "id.txt"
        if not path.exists():
            write_atomically(path, f"{fingerprint(self.config)}-{secrets.token_hex(3)}\n".encode())
        return path.read_text().strip()


@contextmanager
def followed(logger: Any, folder: Path, study: str | None, config: Mapping[str, Any]) -> Iterator[None]:
    """Follow a run to its end where its logger is a `Tracker`; else do nothing.

    Args:
        logger: what the config built.
        folder: of the run.
        study: what it belongs to.
        config: resolved.
    """
    if not isinstance(logger, Tracker):
        yield
        return
    logger.bind(folder, study, config)
    try:
        yield
    except BaseException:
        logger.close(failed=True)
        raise
    logger.close()


def log_results(logger: Any, results: Mapping[str, Result], panels: Path) -> None:
    """Send a run's results where its logger is a `Tracker`; see `Tracker.log_results`."""
    if isinstance(logger, Tracker):
        logger.log_results(results, panels)
