"""`gan-bench interpolate`: between the weights of a run's first stage and its last (https://arxiv.org/abs/1809.00219).

Network interpolation, equation 4 of the paper: (1 - alpha) * pixel + alpha * gan, tensor by tensor.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save
from torch import Tensor

from gan_bench.config import read_yaml
from gan_bench.errors import UsageError
from gan_bench.files import write_atomically
from gan_bench.restorers import is_run, read_states, run_of

__all__ = ["blend", "interpolate"]


def interpolate(arguments: argparse.Namespace) -> int:
    """Write the weights in between, and say how they are judged.

    Returns:
        0.

    Raises:
        UsageError: an alpha outside [0, 1], several for one file, no complete run, a run of one stage, or a damaged
            file.
    """
    folder, out = Path(arguments.run_folder).expanduser(), arguments.out
    for alpha in arguments.alpha:
        if not 0 <= alpha <= 1:
            raise UsageError(f"--alpha {alpha:g}: a number from 0, the first stage, to 1, the last, is needed")
    if out and (len(arguments.alpha) > 1 or Path(out).suffix != ".safetensors"):
        raise UsageError(f"--out {out}: it takes one --alpha and one file, NAME.safetensors")
    pixel, gan = (read_states(path)[-1] for path in _ends(folder))
    if {name: value.shape for name, value in pixel.items()} != {name: value.shape for name, value in gan.items()}:
        raise UsageError(f"{folder}: its stages hold different networks; train the run again")
    for alpha in arguments.alpha:
        path = Path(out or folder / f"interpolated_{_spelled(alpha)}.safetensors")
        write_atomically(path, save(blend(pixel, gan, alpha)))
        print(f"written: {path}")
        print(f"judge:   gan-bench benchmark {path} --gt DIR --lq DIR")
    return 0


def blend(pixel: Mapping[str, Tensor], gan: Mapping[str, Tensor], alpha: float) -> dict[str, Tensor]:
    """Weights between two networks, computed in float64.

    Args:
        pixel: the state dict at alpha 0.
        gan: that at alpha 1, of the same names and shapes; between the ends, counters are its.
        alpha: in [0, 1]; 0 and 1 give the ends themselves, bit for bit.

    Returns:
        a state dict of the types of `gan`.
    """
    if alpha in (0, 1):
        return dict(gan if alpha else pixel)
    return {
        name: ((1 - alpha) * pixel[name].double() + alpha * end.double()).to(end.dtype)
        if end.is_floating_point()
        else end
        for name, end in gan.items()
    }


def _ends(folder: Path) -> tuple[Path, Path]:
    """The weights that the first stage left, and the run's own."""
    if run_of(folder) != folder or not folder.is_dir():
        raise UsageError(f"{folder}: not a run; it has no config.yaml")
    if not is_run(folder):
        raise UsageError(f"{folder}: the run is not complete; the command that began it goes on with it")
    stages = read_yaml(folder / "config.yaml")["model"].get("stages") or [{}]
    first = folder / "checkpoints" / f"{stages[0].get('name') or 'stage1'}.safetensors"
    if len(stages) < 2:
        raise UsageError(f"{folder}: the run has one stage; interpolation goes from the first to another")
    if not first.is_file():
        raise UsageError(f"{first}: no such file; it holds the weights that the first of the run's stages left")
    return first, folder / "generator.safetensors"


def _spelled(alpha: float) -> str:
    """With two digits, or as many as it takes."""
    return f"{alpha:.2f}" if round(alpha, 2) == alpha else f"{alpha:g}"
