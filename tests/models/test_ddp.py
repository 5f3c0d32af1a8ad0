"""Two processes learn from their halves of a batch what one process learns from the whole of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from gradients import models

SCRIPT = Path(__file__).parent / "gradients.py"


def run(folder, processes, names):
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"] if processes > 1 else []
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *launcher, str(SCRIPT), str(folder), str(processes), *names],
        env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return [torch.load(folder / f"{rank}_of_{processes}.pt", weights_only=True) for rank in range(processes)]


@pytest.mark.full
@pytest.mark.parametrize(
    "names", [["esrgan", "cyclegan", "discogan"], pytest.param(sorted(models()), marks=pytest.mark.full)]
)
def test_the_gradients_of_a_gan_are_those_of_the_joint_batch_and_ranks_agree(tmp_path, names):
    (alone,) = run(tmp_path, 1, names)
    first, second = run(tmp_path, 2, names)
    assert set(alone) == set(names)
    for model, one in alone.items():
        assert first[model]["weights"] == second[model]["weights"], model
        assert set(one["gradients"]) == {"generator", "discriminator"}
        for player, gradients in one["gradients"].items():
            whole = torch.cat([gradient.flatten() for gradient in gradients.values()]).double()
            parts = torch.cat([first[model]["gradients"][player][name].flatten() for name in gradients]).double()
            assert whole.norm() > 0
            off = float((whole - parts).norm() / whole.norm())
            print(f"{model} {player}: {off:.1e}")
            assert off < 1e-5, (model, player, off)
