"""The doors: `gan-bench train | benchmark | leaderboard | restore`; every mistake ends in one line and an exit code.

0 done, 1 the work or some of it failed, 2 wrong usage, 130 interrupted. Nothing heavy is imported before it is needed.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from gan_bench import __version__
from gan_bench.errors import GanBenchError

__all__ = ["main", "train"]

log = logging.getLogger("gan_bench")


def main(argv: Sequence[str] | None = None) -> int:
    """The command `gan-bench`.

    Args:
        argv: without the program's name; the process's own by default.

    Returns:
        the exit code.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["train"]:
        return train(words[1:])
    arguments = _parser().parse_args(words)
    return _guarded(lambda: arguments.run(arguments))


def train(argv: Sequence[str]) -> int:
    """Train with Hydra's overrides: what `train.py` and `gan-bench train` do.

    Args:
        argv: overrides and Hydra's flags.

    Returns:
        the exit code.
    """
    from gan_bench.sweep import hydra_main

    return _guarded(lambda: hydra_main(argv))


def _guarded(work: Callable[[], int]) -> int:
    """Run, and turn what the user can mend into one line."""
    _show_warnings()
    try:
        return work()
    except GanBenchError as error:
        return _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _fail("interrupted; the same command goes on from the last checkpoint", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return _fail(f"{error.filename or 'input or output'}: {error.strerror or error}", 1)


def _fail(message: str, code: int) -> int:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return code


def _show_warnings() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(_Told())
    log.handlers[:] = [handler]
    log.setLevel(logging.INFO)


class _Told(logging.Formatter):
    """A record as one line that begins with its weight."""

    def format(self, record: logging.LogRecord) -> str:
        """`warning: ...` or `note: ...`."""
        return f"{'note' if record.levelno < logging.WARNING else 'warning'}: {record.getMessage()}"


class _Parser(argparse.ArgumentParser):
    """Wrong usage in one line."""

    def error(self, message: str) -> Any:
        """Say it and leave with 2."""
        self.exit(2, f"error: {message}; see {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="gan-bench", description="Train, judge and compare image-restoration GANs.")
    parser.add_argument("--version", action="version", version=f"gan-bench {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    commands.add_parser("train", help="train and judge a model: Hydra overrides, as for train.py", add_help=False)
    _benchmark(commands.add_parser("benchmark", help="judge anything: models, runs, folders of restored images"))
    _leaderboard(commands.add_parser("leaderboard", help="show and write the board of a folder of results"))
    _restore(commands.add_parser("restore", help="restore images with a trained model"))
    return parser


def _benchmark(parser: argparse.ArgumentParser) -> None:
    parser.description = "Judge restorers on gt and lq images by one protocol; the table goes to standard output."
    parser.add_argument(
        "restorers",
        nargs="+",
        metavar="RESTORER",
        help="a model that needs no training, a run, or a folder of restored images; LABEL=RESTORER names the row",
    )
    parser.add_argument("--gt", metavar="DIR", help="ground truth")
    parser.add_argument("--lq", metavar="DIR", help="low quality images; matched with gt by stem")
    parser.add_argument("--degradation", metavar="NAME", help="makes lq from gt: a name of conf/degradation")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a value of the degradation")
    parser.add_argument("--scale", type=int, metavar="N", help="gt over lq; else from the run, else from the sizes")
    parser.add_argument("--protocol", default="y", help="y (default) or rgb")
    parser.add_argument("--metrics", default="psnr,ssim", metavar="NAMES", help="comma-separated; default psnr,ssim")
    parser.add_argument("--seed", type=int, default=0, help="of the degradation; default 0")
    parser.add_argument("--limit", type=int, metavar="N", help="the first N images only")
    parser.add_argument("--out", metavar="DIR", help="also write result files, for gan-bench leaderboard DIR")
    parser.add_argument("--json", metavar="FILE", help="also write a list of records; - for standard output")
    parser.set_defaults(run=_lazy("benchmark"))


def _leaderboard(parser: argparse.ArgumentParser) -> None:
    parser.description = "Show the board of all results below a folder; write it there as leaderboard.md and .csv."
    parser.add_argument("folder", nargs="?", default="runs", metavar="DIR", help="default: runs")
    parser.set_defaults(run=_lazy("leaderboard"))


def _restore(parser: argparse.ArgumentParser) -> None:
    parser.description = "Restore images; each is written as PNG."
    parser.add_argument("inputs", nargs="+", metavar="FILE|DIR", help="images, or folders of images")
    parser.add_argument("--with", dest="restorer", required=True, metavar="RUN|bicubic", help="what restores")
    parser.add_argument("--scale", type=int, metavar="N", help="for what does not know its own; default 4")
    parser.add_argument("--out", default="restored", metavar="DIR", help="default: restored")
    parser.set_defaults(run=_lazy("restore"))


def _lazy(name: str) -> Callable[[argparse.Namespace], int]:
    """A command that is imported when it runs."""

    def run(arguments: argparse.Namespace) -> int:
        from gan_bench import commands

        result: int = getattr(commands, name)(arguments)
        return result

    return run


if __name__ == "__main__":  # how Lightning starts the other processes of a distributed run
    sys.exit(train(sys.argv[1:]))
