"""What the commands do once their arguments are read: benchmark, leaderboard, restore."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from gan_bench.benchmark import Board, Result, board, find, names_of, record, render_rich, write_board
from gan_bench.errors import GanBenchError, UsageError
from gan_bench.files import write_atomically

__all__ = [
    "benchmark",
    "give_json",
    "input_files",
    "leaderboard",
    "restore",
    "result_files",
    "show_board",
    "show_results",
]

log = logging.getLogger(__name__)


def benchmark(arguments: argparse.Namespace) -> int:
    """Judge every restorer on one set or suite; those that fail are named, the others are written.

    Returns:
        0, or 1 when some failed.

    Raises:
        UsageError: images, degradation, metrics or protocol are wrong for all of them.
    """
    from gan_bench.contest import contest

    results, failures = contest(arguments)
    records = [{**record(result), "set": result.what["set"]} for result in results]
    if results and arguments.json != "-":
        _print(results)
    for label, cause in failures:
        print(f"error: {label}: {cause}", file=sys.stderr)
    if arguments.json:  # last: where it cannot be written, all else was said
        give_json(records, arguments.json)
    return 1 if failures else 0


def leaderboard(arguments: argparse.Namespace) -> int:
    """Show and write the board, and send it to W&B where that was asked for.

    Returns:
        0.

    Raises:
        UsageError: no folder, or no result in it.
        WorkError: W&B failed.
    """
    folder = Path(arguments.folder)
    shown = show_board(folder)
    if arguments.wandb:
        from gan_bench.tracking import log_board

        if told := log_board(shown, folder, arguments.project):
            print(told)
    return 0


def show_board(folder: Path) -> Board:
    """Print the board of all results below a folder and write it there.

    Returns:
        The board.

    Raises:
        UsageError: no folder, or no result in it.
    """
    results, left_out = find(folder)
    if not results and not left_out:
        raise UsageError(f"{folder}: no results; a training or gan-bench benchmark --out {folder} writes them")
    shown = board(results, left_out)
    console = Console()
    try:
        for part in render_rich(shown):
            console.print(part)
    finally:  # also where nobody reads to the end, as head
        written = write_board(folder, shown)
    for path in written:
        print(f"written: {path}")
    return shown


def show_results(folder: Path, results: Sequence[Result]) -> None:
    """What a single run ends with: its scores, its folder, and the command that shows more."""
    judged = names_of([(result.what["set"], result.what["degradation"]) for result in results])
    for result, name in zip(results, judged, strict=True):
        numbers = [f"{metric.upper()} {_number(result, metric)}" for metric in result.what["metrics"]]
        where = result.what["set"] if len(results) == 1 else name
        print(f"{result.what['label']} on {where}: {' · '.join(numbers)}")
    print(f"complete: {folder} (weights, results/, panels/)")
    print(f"compare:  gan-bench leaderboard {folder.parent}")


def _number(result: Result, metric: str) -> str:
    value = result.scores.get(metric)
    return "n/a" if value is None else f"{value:.{result.facts[metric]['digits']}f}"


def _print(results: Sequence[Result]) -> None:
    console = Console()
    for part in render_rich(board(results)):
        console.print(part)


def restore(arguments: argparse.Namespace) -> int:
    """Restore files; a bad one is named, the rest is done.

    Returns:
        0, or 1 when some failed.

    Raises:
        UsageError: no input, nothing that restores, or a scale below 1.
    """
    from gan_bench.image import read, write_png
    from gan_bench.restorers import load

    if arguments.scale is not None and arguments.scale < 1:
        raise UsageError(f"--scale {arguments.scale}: a whole number from 1 is needed")
    loaded = load(arguments.restorer, arguments.scale)
    files, out, failed = input_files(arguments.inputs), Path(arguments.out), 0
    console = Console(stderr=True)
    for path, target in track(
        _targets(files, out), description="restoring", console=console, disable=not console.is_terminal
    ):
        try:
            picture = read(path)
            if picture.alpha is not None:
                log.warning("%s: its alpha channel is dropped", path)
            write_png(target, loaded.restore(picture.pixels, path.stem))
        except (GanBenchError, ValueError) as error:
            failed += 1
            print(f"error: {error}", file=sys.stderr)
    print(f"{len(files) - failed} of {len(files)} images restored into {out}")
    return 1 if failed else 0


def input_files(words: Sequence[str]) -> list[Path]:
    """The image files that words of a command line mean: files, and what lies below folders.

    Raises:
        UsageError: no such file or folder, or no image in it.
    """
    from gan_bench.image import SUFFIXES

    files: list[Path] = []
    for word in words:
        path = Path(word)
        if path.is_dir():
            files += sorted(one for one in path.rglob("*") if one.suffix.lower() in SUFFIXES)
        elif path.is_file():
            files.append(path)
        else:
            raise UsageError(f"{word}: no such file or folder")
    if not files:
        raise UsageError(f"{', '.join(words)}: no images found; looked for {', '.join(sorted(SUFFIXES))}")
    return files


def give_json(told: Any, place: str) -> None:
    """Write what a command was asked to say as JSON.

    Args:
        told: plain containers.
        place: a file, or `-` for standard output.

    Raises:
        WorkError: it cannot be written.
    """
    text = json.dumps(told, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
    if place == "-":
        sys.stdout.write(text)
    else:
        write_atomically(Path(place), text.encode())


def result_files(words: Sequence[str]) -> list[Path]:
    """The result files that words of a command line mean: files, those of a run, and those below other folders.

    Raises:
        UsageError: no such file or folder, or no result in it.
    """
    paths: list[Path] = []
    for word in words:
        path = Path(word)
        if path.is_file():
            paths.append(path)
            continue
        if not path.is_dir():
            raise UsageError(f"{word}: no such file or folder; name a result, a run, or a folder of results")
        run = (path / "config.yaml").is_file()  # other facts of a run lie beside its results
        if run and not (path / "results").is_dir():
            raise UsageError(f"{word}: the run has no results; the command that began it goes on with it")
        results, left_out = find(path / "results" if run else path)
        found = [result.path for result in results if result.path]
        found += [file for file, cause in left_out if "is not a result" not in cause]
        if not found:
            raise UsageError(f"{word}: no results; a training or gan-bench benchmark --out DIR writes them")
        paths += sorted(found)
    return list(dict.fromkeys(paths))


def _targets(files: Sequence[Path], out: Path) -> list[tuple[Path, Path]]:
    """Where each file goes: its stem, or stem and suffix where two would meet."""
    stems = [path.stem for path in files]
    taken: dict[str, int] = {}
    targets = []
    for path in files:
        name = path.stem if stems.count(path.stem) == 1 else f"{path.stem}_{path.suffix[1:]}"
        taken[name] = taken.get(name, 0) + 1
        targets.append((path, out / f"{name if taken[name] == 1 else f'{name}_{taken[name]}'}.png"))
    return targets
