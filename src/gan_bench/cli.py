"""The doors: `gan-bench train | benchmark | restore | degrade | ...`; a mistake ends in one line and a code.

0 done, 1 the work or some of it failed, 2 wrong usage, 130 interrupted, 143 terminated. Nothing heavy is imported
before it is needed.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from gan_bench import __version__
from gan_bench.errors import GanBenchError, Stopped, out_of_memory

__all__ = ["main", "show_warnings", "train"]

log = logging.getLogger("gan_bench")

INTERRUPTED = "interrupted; the same command goes on with what was saved", 130
EMPTY = "an argument is empty, as by a variable of the shell that is not set; leave it out, or give it a value", 2


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
    if any(word == "" or (word.startswith("--") and word.endswith("=")) for word in words):  # "" is no folder at hand
        return _fail(*EMPTY)
    arguments, more = _parser().parse_known_args(words)
    if hasattr(arguments, "overrides") and all("=" in word and word[0] != "-" for word in more):
        arguments.overrides += more  # words between which options stand
    elif more:
        _parser().error(f"unrecognized arguments: {' '.join(more)}")
    return _guarded(lambda: arguments.run(arguments))


def train(argv: Sequence[str]) -> int:
    """Train with Hydra's overrides: what `train.py` and `gan-bench train` do.

    Args:
        argv: overrides and Hydra's flags.

    Returns:
        the exit code.
    """
    if "" in argv:
        return _fail(*EMPTY)
    from gan_bench.sweep import hydra_main

    return _guarded(lambda: hydra_main(argv))


def _guarded(work: Callable[[], int]) -> int:
    """Run, and turn what the user can mend into one line."""
    show_warnings()
    try:
        return work()
    except GanBenchError as error:
        return _fail(*INTERRUPTED) if _interrupted(error) else _fail(str(error), error.exit_code)
    except Stopped as stopped:
        from gan_bench.started import is_main_process

        if not is_main_process():  # whoever started this one tells, and takes a code of its own for a crash
            return 0
        print(stopped, file=sys.stderr)
        return stopped.exit_code
    except KeyboardInterrupt:
        return _fail(*INTERRUPTED)
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        return _fail("not enough memory; take smaller images, or end what else holds memory", 1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return _fail(f"{error.filename or 'input or output'}: {error.strerror or error}", 1)


def _interrupted(error: BaseException | None) -> bool:
    """Whether an error came up where a library cleaned up behind Ctrl-C."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


def _fail(message: str, code: int) -> int:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return code


def show_warnings() -> None:
    """Send what is logged to standard error, one line each."""
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
    _show(commands.add_parser("show", help="all that a result says, and how each of its numbers came about"))
    _verify(commands.add_parser("verify", help="whether a result holds: its sums, and its scores once more"))
    _restore(commands.add_parser("restore", help="restore images with a trained model"))
    _interpolate(commands.add_parser("interpolate", help="weights between a run's first stage and its last"))
    _degrade(commands.add_parser("degrade", help="see a degradation: its lq files, and what was drawn for them"))
    _kernels(commands.add_parser("kernels", help="blur kernels of real images, for degradation=realsr"))
    _perf(commands.add_parser("perf", help="how fast trainings, degradations and metrics are, beside plain references"))
    _weights(commands.add_parser("weights", help="the files of weights that metrics and losses want"))
    return parser


def _benchmark(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Judge restorers on gt and lq images, or on a suite of data sets, by one protocol; the tables go to standard "
        "output."
    )
    parser.add_argument(
        "restorers",
        nargs="+",
        metavar="RESTORER",
        help="a run, a file of weights, a folder of restored images, or a model that needs no training; "
        "LABEL=RESTORER names the row",
    )
    parser.add_argument("--gt", metavar="DIR", help="ground truth")
    parser.add_argument("--lq", metavar="DIR", help="low quality images; matched with gt by stem")
    parser.add_argument("--reals", metavar="DIR", help="what fid and kid compare with, where no gt belongs to the lq")
    parser.add_argument("--degradation", metavar="NAME", help="makes lq from gt: a name of conf/degradation")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a value of the degradation")
    parser.add_argument(
        "--scale", type=int, metavar="N", help="gt over lq; else from run or weights, else from the sizes"
    )
    parser.add_argument(
        "--suite", metavar="NAME", help="judge on all cells of conf/suite/NAME whose data are here, as it says"
    )
    parser.add_argument("--protocol", help="y (default) or rgb")
    parser.add_argument(
        "--metrics", metavar="NAMES", help="comma-separated; default psnr,ssim, and with --suite the suite's"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the degradation; default 0")
    parser.add_argument("--limit", type=int, metavar="N", help="the first N images only")
    parser.add_argument(
        "--out", metavar="DIR", help="also write result files, for gan-bench leaderboard DIR; those it has are taken"
    )
    parser.add_argument("--json", metavar="FILE", help="also write a list of records; - for standard output")
    parser.set_defaults(run=_lazy("benchmark"))


def _leaderboard(parser: argparse.ArgumentParser) -> None:
    parser.description = "Show the board of all results below a folder; write it there as page, Markdown and CSV."
    parser.add_argument("folder", nargs="?", default="runs", metavar="DIR", help="default: runs")
    parser.add_argument("--wandb", action="store_true", help="also send it to Weights & Biases, with the result files")
    parser.add_argument("--project", default=os.environ.get("WANDB_PROJECT", "gan-bench"), help="of W&B")
    parser.set_defaults(run=_lazy("leaderboard"))


def _show(parser: argparse.ArgumentParser) -> None:
    parser.description = "Explain results: what was judged, how each number came about, and the command that made it."
    parser.add_argument("results", nargs="+", metavar="RESULT", help="a result file, a run, or a folder of results")
    parser.add_argument(
        "--against",
        nargs="+",
        metavar="OTHER",
        help="instead compare with these: differences with their intervals, or why they do not compare; several seeds "
        "of one method are taken together",
    )
    parser.add_argument("--json", metavar="FILE", help="also write all of it; - for standard output, and that alone")
    parser.set_defaults(run=_lazy("show", "explain"))


def _verify(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Check results: 1, their sums from the images; 2, the scores themselves, restored once more from weights and "
        "inputs. Ends with 0 if all hold, 1 if one does not, 2 if one cannot be checked. No result is changed."
    )
    parser.add_argument("results", nargs="+", metavar="RESULT", help="a result file, a run, or a folder of results")
    parser.add_argument(
        "--level", type=int, choices=(1, 2), help="default: 2 where weights and inputs are here, else 1"
    )
    parser.add_argument("--weights", metavar="FILE", help="where the weights are, if not where the result says")
    parser.add_argument("--json", metavar="FILE", help="also write every check; - for standard output, and that alone")
    parser.set_defaults(run=_lazy("verify", "verify"))


def _restore(parser: argparse.ArgumentParser) -> None:
    parser.description = "Restore images; each is written as PNG."
    parser.add_argument("inputs", nargs="+", metavar="FILE|DIR", help="images, or folders of images")
    parser.add_argument(
        "--with", dest="restorer", required=True, metavar="RESTORER", help="a run, a file of weights, bicubic"
    )
    parser.add_argument("--scale", type=int, metavar="N", help="for what does not know its own; default 4")
    parser.add_argument("--out", default="restored", metavar="DIR", help="default: restored")
    parser.set_defaults(run=_lazy("restore"))


def _interpolate(parser: argparse.ArgumentParser) -> None:
    parser.description = "Mix the weights that a run's first stage left with its last: less noise, or more texture."
    parser.add_argument("run_folder", metavar="RUN", help="a complete run of two stages or more")
    parser.add_argument(
        "--alpha", type=float, action="append", required=True, metavar="A", help="share of the last, from 0 to 1"
    )
    parser.add_argument("--out", metavar="FILE", help="default: RUN/interpolated_<A>.safetensors")
    parser.set_defaults(run=_lazy("interpolate", "interpolate"))


def _degrade(parser: argparse.ArgumentParser) -> None:
    parser.description = "Degrade images; beside the lq files come a contact sheet and the draws, which replay exactly."
    parser.add_argument("inputs", nargs="+", metavar="FILE|DIR", help="images, or folders of images")
    parser.add_argument("--degradation", metavar="NAME", help="a name of conf/degradation")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a value of the degradation")
    parser.add_argument("--scale", type=int, metavar="N", help="gt over lq; default: the degradation's own")
    parser.add_argument("--samples", type=int, metavar="N", help="of each image; default 8")
    parser.add_argument("--seed", type=int, metavar="N", help="of the first sample, as in benchmark; default 0")
    parser.add_argument("--replay", metavar="FILE", help="take degradation and draws from a draws.json")
    parser.add_argument("--out", default="degraded", metavar="DIR", help="default: degraded")
    parser.set_defaults(run=_lazy("degrade", "degrade"))


def _kernels(parser: argparse.ArgumentParser) -> None:
    parser.description = "Estimate the kernel that made each real image of a folder small, by KernelGAN."
    parser.add_argument("folder", metavar="DIR", help="images, also in folders below; from 64x64 pixels")
    parser.add_argument("--out", default="kernels", metavar="DIR", help="default: kernels")
    parser.add_argument("--steps", type=int, default=1000, metavar="N", help="of training for each; default 1000")
    parser.add_argument("--scale", type=int, default=2, metavar="N", help="2 (default) or 4, by which to train later")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default 0")
    parser.set_defaults(run=_lazy("kernels", "kernelgan"))


def _perf(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Measure a training by the words of gan-bench train (model=esrgan trainer=cpu): its step by part and beside a "
        "plain loop in the same run, its memory, and how fast it restores. Or measure a degradation, or the metrics."
    )
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="of a training, as for gan-bench train")
    parser.add_argument("--rounds", type=int, metavar="N", help="default 5, of a degradation 6, of metrics 20")
    parser.add_argument("--threads", type=int, metavar="N", help="default: torch's own, of a degradation or metrics 1")
    parser.add_argument("--json", metavar="FILE", help="also write every number")
    parser.add_argument("--no-inference", dest="inference", action="store_false", help="leave out restoring")
    parser.add_argument("--no-memory", dest="memory", action="store_false", help="leave out peak memory")
    parser.add_argument("--metrics", action="store_true", help="SSIM and PSNR beside how others compute them")
    parts = parser.add_argument_group("a degradation in images per second, by step, beside two references")
    parts.add_argument("--degradation", metavar="NAME", help="a name of conf/degradation")
    parts.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a value of the degradation")
    parts.add_argument("--scale", type=int, metavar="N", help="gt over lq; default: the degradation's own")
    parts.add_argument("--patch", type=int, metavar="N", help="gt pixels that are kept; default 256")
    parts.add_argument("--batch", type=int, metavar="N", help="images at a time; default 16")
    parser.set_defaults(run=_lazy("perf", "perf"))


def _weights(parser: argparse.ArgumentParser) -> None:
    parser.description = "What metrics and losses want from elsewhere: list it, check it, fetch it; or fit NIQE anew."
    parts = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for word, work, what in (
        ("list", "list_weights", "what each file is for, where it is looked for, and whether it is here; default: all"),
        ("check", "check_weights", "whether each file that is here is whole and the published one; default: all"),
        ("fetch", "fetch_weights", "download what is not here; default: what metrics=standard wants"),
    ):
        one = parts.add_parser(word, help=what, description=what.capitalize())
        one.add_argument("names", nargs="*", metavar="NAME", help="a file, a metric or a loss of the list, or all")
        one.set_defaults(run=_lazy(work, "stock"))
    fit = parts.add_parser("fit-niqe", help="fit NIQE's pristine model on a folder of sharp photographs")
    fit.add_argument("folder", metavar="DIR", help="images, also in folders below")
    fit.add_argument("--out", metavar="FILE", help=".npz or .mat; default: the cache, where metric niqe_<DIR> finds it")
    fit.set_defaults(run=_lazy("fit_niqe", "stock"))


def _lazy(name: str, module: str = "commands") -> Callable[[argparse.Namespace], int]:
    """A command that is imported when it runs."""

    def run(arguments: argparse.Namespace) -> int:
        result: int = getattr(importlib.import_module(f"gan_bench.{module}"), name)(arguments)
        return result

    return run


if __name__ == "__main__":  # how Lightning starts the other processes of a distributed run
    sys.exit(train(sys.argv[1:]))
