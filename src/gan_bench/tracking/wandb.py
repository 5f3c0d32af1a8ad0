"""The one door to Weights & Biases: a run of theirs that cannot harm ours; nothing else imports wandb.

Without a key, or where theirs cannot be reached, the run is written to disk, and `Session.upload` says what sends it.
No question is ever asked. A key is read by wandb itself; it is never handed on, written or shown.
"""

from __future__ import annotations

import functools
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Concatenate

from gan_bench.errors import one_line

__all__ = ["PATIENCE", "Session"]

log = logging.getLogger(__name__)

PATIENCE = 4  # seconds that a server has to answer whether a key is right
INIT_PATIENCE = 6  # seconds that it has to open a run
FINISH_PATIENCE = 30  # seconds for the last uploads; what is not sent by then stays on disk


def _harmless(method: Callable[Concatenate[Session, ...], None]) -> Callable[Concatenate[Session, ...], None]:
    """Of whatever goes wrong inside of W&B, one warning remains; from then on the session does nothing."""

    @functools.wraps(method)
    def call(self: Session, *arguments: Any, **named: Any) -> None:
        if self.broken:
            return
        try:
            method(self, *arguments, **named)
        except Exception as error:
            self.broken = True
            log.warning("Weights & Biases: %s; going on without it", one_line(error, 300))

    return call


class Session:
    """One W&B run, from its start to its end. No method raises, and none waits longer than its patience.

    Args:
        folder: W&B's own folder `wandb/` lies in it.
        project: of W&B; a W&B sweep has its own.
        name: of the run.
        job_type: `train` or `leaderboard`.
        entity: user or team; None for wandb's own choice.
        group: of runs that belong together.
        run_id: continues the run of that id; None for a new one. Of no effect where the environment names one.
        config: plain values, shown beside the run.
    """

    def __init__(
        self,
        folder: Path,
        *,
        project: str,
        name: str,
        job_type: str,
        entity: str | None = None,
        group: str | None = None,
        run_id: str | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        self.folder, self.broken = folder, False
        self._run: Any = None
        facts = {"name": name, "job_type": job_type, "entity": entity, "group": group and group[:120]}
        swept = "WANDB_SWEEP_ID" in os.environ  # then the agent chose project and id, and wandb wants no others
        named = {} if swept or "WANDB_RUN_ID" in os.environ else {"id": run_id}
        self._start({**facts, **named, "project": None if swept else project, "config": dict(config or {})})

    @_harmless
    def _start(self, facts: dict[str, Any]) -> None:
        wandb = _wandb()

        # Their console capture would stand between the progress bar and the terminal.
        settings = wandb.Settings(
            silent=True,
            console="off",
            init_timeout=INIT_PATIENCE,
            finish_timeout=FINISH_PATIENCE,
            finish_timeout_raises=True,
        )
        facts |= {"dir": str(self.folder), "resume": "allow", "reinit": "create_new", "settings": settings}
        mode: Any = _mode(os.environ.get("WANDB_MODE") or "online")
        try:
            self._run = wandb.init(mode=mode, **facts)
        except Exception as error:
            if mode == "offline":
                raise
            log.warning("Weights & Biases: %s; the run is written to disk", one_line(error, 300))
            wandb.teardown()  # else the run's id would be in use
            self._run = wandb.init(mode="offline", **facts)
        if "WANDB_SWEEP_ID" in os.environ:
            self._keep_hidden(facts["config"])

    def _keep_hidden(self, config: Mapping[str, Any]) -> None:
        """A sweep's parameter (`model: esrgan`) hides a part of the config of that name; that stands in `resolved`."""
        hidden = {key: value for key, value in config.items() if self._run.config.get(key) != value}
        if hidden:
            self._run.config.update({"resolved": hidden}, allow_val_change=True)

    @_harmless
    def log(self, values: Mapping[str, Any], step: int) -> None:
        """Add to the curves.

        Args:
            values: by name, such as `train/pixel`.
            step: in batches; W&B takes none that lies before the last.
        """
        self._run.log(dict(values), step=step)

    @_harmless
    def log_image(self, key: str, path: Path, caption: str, step: int) -> None:
        """Add a picture.

        Args:
            key: such as `panels/validation`.
            path: of the picture, which is copied.
            caption: below it.
            step: in batches.
        """
        wandb = _wandb()

        self._run.log({key: wandb.Image(str(path), caption=caption)}, step=step)

    @_harmless
    def summarize(self, values: Mapping[str, Any]) -> None:
        """Set columns of W&B's table of runs."""
        self._run.summary.update(dict(values))

    @_harmless
    def log_table(self, key: str, heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Log a table; one without rows is left out.

        Args:
            key: such as `leaderboard/photos`.
            heads: of the columns.
            rows: a value for each column, or None.
        """
        if rows:
            self._run.log({key: _table(heads, rows)})

    @_harmless
    def log_bars(self, key: str, heads: Sequence[str], rows: Sequence[Sequence[Any]], title: str) -> None:
        """Log a bar chart.

        Args:
            key: such as `leaderboard/photos/psnr`.
            heads: of two columns, the names and the lengths of the bars.
            rows: a name and a number each.
            title: above it.
        """
        label, value = heads
        self._run.log({key: _wandb().plot.bar(_table(heads, rows), label, value, title=title)})

    @_harmless
    def log_points(self, key: str, heads: Sequence[str], rows: Sequence[Sequence[Any]], title: str) -> None:
        """Log a scatter plot.

        Args:
            key: such as `perception/photos`.
            heads: of the columns: x, y, and what else is known of a point.
            rows: a value for each column; x and y are numbers.
            title: above it.
        """
        self._run.log({key: _wandb().plot.scatter(_table(heads, rows), heads[0], heads[1], title=title)})

    @_harmless
    def log_page(self, key: str, path: Path) -> None:
        """Log an HTML page as it is.

        Args:
            key: of the panel that shows it.
            path: of the page, which is copied.
        """
        self._run.log({key: _wandb().Html(str(path), inject=False)})

    @_harmless
    def log_files(self, name: str, kind: str, files: Mapping[str, Path], changing: Mapping[str, Path]) -> None:
        """Log files as one artifact.

        Args:
            name: of the artifact.
            kind: its type.
            files: by their names inside of it; they must not change any more.
            changing: others, which may: a copy is kept in the run's own folder, to be uploaded when that is.
        """
        artifact = _wandb().Artifact(name, type=kind)
        kept = Path(self._run.dir).resolve().parent / "kept"
        for inside, path in changing.items():
            (kept / inside).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, kept / inside)
        for inside, path in {**files, **{inside: kept / inside for inside in changing}}.items():
            artifact.add_file(str(path), name=inside, policy="immutable")
        self._run.log_artifact(artifact)

    def finish(self, exit_code: int = 0) -> None:
        """End the run; what was not uploaded in time stays on disk.

        Args:
            exit_code: not 0 marks the run as failed.
        """
        broken, self.broken = self.broken, self._run is None
        self._finish(exit_code)
        self.broken = self.broken or broken

    @_harmless
    def _finish(self, exit_code: int) -> None:
        try:
            self._run.finish(exit_code)
        except TimeoutError:
            log.warning("Weights & Biases: not all was uploaded in %d s; it is kept on disk", FINISH_PATIENCE)
            self.late = True

    late = False  # whether an online run has left something on disk

    @property
    def told(self) -> str:
        """What the user can do with the run: its address, or the command that uploads it; empty where nothing."""
        if self._run is None or self._run.disabled:
            return ""
        if not self._run.offline and not self.late:
            return f"view:     {self._run.url}"
        folders = sorted((self.folder / "wandb").glob(f"{'' if self.late else 'offline-'}run-*-{self._run.id}"))
        left = [str(path) for path in folders if path.is_dir() and not list(path.glob("*.synced"))]
        return f"upload:   wandb sync {'--include-online ' if self.late else ''}{' '.join(left)}" if left else ""


@functools.cache
def _mode(wanted: str) -> str:
    """The mode as WANDB_MODE has it; online only where a key opens the door. Asked once a process, never of the user.

    Args:
        wanted: by the environment, `online` where it says nothing.
    """
    wandb = _wandb()
    if wanted in ("offline", "dryrun", "disabled"):
        return wanted.replace("dryrun", "offline")
    wandb.setup()
    try:
        with _short_wait():
            return wanted if wandb.login(prompt=False, verify=True) else "offline"
    except Exception as error:
        log.warning("Weights & Biases: %s; the run is written to disk", one_line(error, 300))
        return "offline"


@contextmanager
def _short_wait() -> Iterator[None]:
    """Make a login short: how long it may take is read from the environment alone."""
    name = "WANDB_HTTP_TIMEOUT"
    given = name in os.environ
    os.environ.setdefault(name, str(PATIENCE))
    try:
        yield
    finally:
        if not given:
            del os.environ[name]


def _wandb() -> Any:
    """Import wandb, without the reports on itself that it would send, and wait for, when the process ends."""
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    import wandb

    return wandb


def _table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> Any:
    return _wandb().Table(columns=list(heads), data=[list(row) for row in rows])
