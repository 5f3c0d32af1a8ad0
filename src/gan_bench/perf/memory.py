"""Peak memory of a training and of the plain loop, each in a process of its own, as neither may see the other's."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning as L
import torch
from torch import nn
from torch.utils.data import default_collate

from gan_bench.errors import GanBenchError
from gan_bench.perf.place import fast_float32, threads
from gan_bench.perf.rounds import OURS, PLAIN
from gan_bench.perf.setup import Training, fit, plain_loop, prepared
from gan_bench.training import data_of

__all__ = ["child", "peaks"]

STEPS = 3


def peaks(overrides: Sequence[str], count: int | None) -> dict[str, Any]:
    """The most memory that each of both had in use in a few steps, and what was allowed to ours.

    On a CPU it is all of a process's memory, the interpreter and its libraries too; on a GPU what torch allocated.

    Args:
        overrides: Hydra's, checked before.
        count: of threads, None for torch's own.

    Returns:
        `bytes` by loop, `copy_of_G`, `ratio`, `bar` (plain loop + 5 % + a copy of G) and `within`; a loop that failed
        has its error instead, and there is no plain loop for each model.
    """
    found = {name: _in_a_child(name, overrides, count) for name in (OURS, PLAIN)}
    sizes = {name: one["peak"] for name, one in found.items() if "peak" in one}
    document: dict[str, Any] = {"bytes": sizes, "steps": STEPS}
    if failed := {name: one["error"] for name, one in found.items() if one.get("error")}:
        document["failed"] = failed
    if len(sizes) == len(found):
        copy = found[OURS]["copy_of_G"]
        bar = 1.05 * sizes[PLAIN] + copy
        document |= {"copy_of_G": copy, "ratio": sizes[OURS] / sizes[PLAIN], "bar": bar, "within": sizes[OURS] <= bar}
    return document


def _in_a_child(name: str, overrides: Sequence[str], count: int | None) -> dict[str, Any]:
    """What a child says of itself; its error in one line where it says nothing."""
    code = f"import sys; from {__name__} import child; sys.exit(child(sys.argv[1:]))"
    words = [sys.executable, "-c", code, name, str(count or 0), *overrides]
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603  # our own words
    if done.returncode:
        told = [line for line in done.stderr.splitlines() if line.strip()]
        return {"error": told[-1] if told else f"ended by {done.returncode}"}
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


def _peak(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    status = Path("/proc/self/status")
    if status.is_file():  # what getrusage tells begins with what the parent had when it started this process
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


class _Few(L.Callback):
    """Ends a training after a few steps.

    Attributes:
        device: on which it was.
    """

    device = torch.device("cpu")

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *given: Any) -> None:
        """Count."""
        self.device = pl_module.device
        trainer.should_stop = given[2] + 1 >= STEPS


def child(words: Sequence[str]) -> int:
    """One process that measures itself, and says what it found as the last line of its output.

    Args:
        words: which loop, the number of threads, and the overrides.

    Returns:
        the exit code.
    """
    name, count, *overrides = words
    try:
        with threads(int(count) or None), fast_float32(), prepared(overrides, STEPS) as training:
            generator = training.model.generator.state_dict().values()
            found = {"copy_of_G": sum(one.numel() * one.element_size() for one in generator)}
            device = _train(training) if name == OURS else _plain(training)
            print(json.dumps(found if device is None else {**found, "peak": _peak(device)}))
    except (GanBenchError, MemoryError, RuntimeError) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return 1
    return 0


def _train(training: Training) -> torch.device:
    few = _Few()
    fit(training, [few])
    return few.device


def _plain(training: Training) -> torch.device | None:
    """The same steps by the plain loop, on the same data, without Lightning; None where there is no such loop."""
    model, settings = training.model, training.work.config["trainer"]
    on_gpu = settings.get("accelerator") != "cpu" and torch.cuda.is_available()
    device = torch.device("cuda", 0) if on_gpu else torch.device("cpu")
    torch.backends.cudnn.benchmark = bool(settings.get("benchmark"))
    for network in (model, *model.criteria.values()):
        network.to(device)
    loop = plain_loop(model)
    if loop is None:
        return None
    data, step, batch = data_of(model, training.work), model.step, training.work.budget("batch")
    rate = model.stage.learning_rate(step)
    model.generator = model.averaged = model.discriminator = nn.Identity()  # the loop has copies of its own
    model.criteria.clear()
    for first in range(step * batch, (step + STEPS) * batch, batch):
        samples = default_collate([data.crops[position] for position in range(first, first + batch)])
        lq, gt, _ = data.on_after_batch_transfer(data.transfer_batch_to_device(samples, device, 0), 0)
        loop.step(lq, gt, rate)
    return device
