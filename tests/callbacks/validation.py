"""A validation of a little network, in one process of several; as a script, in a process of its own.

python validation.py RANK PROCESSES STORE FOLDER: the rows of the curve, or the error, as JSON.
"""

from __future__ import annotations

import datetime
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import torch
from torch import distributed, nn

from gan_bench.callbacks import Evaluation
from gan_bench.data import Degraded, Images
from gan_bench.degradations import Bicubic
from gan_bench.errors import WorkError
from gan_bench.metrics import Suite, get_protocol


class Network(nn.Module):
    """Batch norm, whose running statistics every process has its own of."""

    def __init__(self, rank: int) -> None:
        super().__init__()
        self.norm, self.up = nn.BatchNorm2d(3), nn.Sequential(nn.Conv2d(3, 12, 3, padding=1), nn.PixelShuffle(2))
        drawn = torch.Generator().manual_seed(0)  # of its own: threads share torch's
        for parameter in self.up.parameters():
            nn.init.normal_(parameter, std=0.2, generator=drawn)
        assert self.norm.running_mean is not None
        self.norm.running_mean += 0.1 * rank
        self.fails = False

    def forward(self, lq: torch.Tensor) -> torch.Tensor:
        if self.fails:
            raise WorkError("the network: fails here; look elsewhere")
        out: torch.Tensor = self.up(self.norm(lq)) / 4 + 0.5
        return out


def validate(folder: Path, rank: int, fails: bool = False) -> list[dict[str, float]]:
    """The curve after a validation on the images of folder/gt, by a network that may fail."""
    gt = Images(sorted((folder / "gt").glob("*.png")), folder / "gt")
    tests = Degraded("some", gt, Bicubic(2), {"name": "bicubic", "parameters": {"scale": 2}})
    suite = Suite(["psnr", "ssim"], get_protocol("y"), 2)
    evaluation = Evaluation(tests, suite, folder, 3, "little", 1)
    network = Network(rank)
    network.fails = fails
    module = SimpleNamespace(product=network, products={"generator": network}, step=7, views=lambda batch: {})
    evaluation._validate(SimpleNamespace(is_global_zero=rank == 0), module)  # type: ignore[arg-type]
    assert network.training
    return evaluation.curve


def main(rank: int, processes: int, store: str, folder: Path) -> None:
    torch.set_num_threads(1)
    patience = datetime.timedelta(seconds=60)
    distributed.init_process_group(
        "gloo", init_method=f"file://{store}", rank=rank, world_size=processes, timeout=patience
    )
    told = {"curve": validate(folder, rank)}
    try:
        validate(folder, rank, fails=rank == 0)
    except Exception as error:
        told["error"] = f"{type(error).__name__}: {error}"
    print(json.dumps(told))
    distributed.barrier()
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
