"""What degradation=realsr needs from its user: a folder of real images, here of noise alone, and one of two kernels."""

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

import numpy as np

from gan_bench.degradations.kernels import gaussian
from gan_bench.image import write_png


@functools.cache
def _folders():
    root = Path(tempfile.mkdtemp(prefix="realsr_"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    for seed, level in ((0, 90), (1, 160)):
        noise = np.random.default_rng(seed).normal(level, 3, (64, 64, 3))
        write_png(root / "lq" / f"{seed}.png", noise.round().astype(np.uint8))
    (root / "kernels").mkdir()
    for name, sigma in (("narrow", 1.2), ("wide", 2.0)):
        np.save(root / "kernels" / f"{name}.npy", gaussian(13, sigma))
    return {"steps.blur.path": str(root / "kernels"), "steps.noise.root": str(root / "lq")}


def needed(name):
    """The values of a degradation that have no default, by dotted key."""
    return _folders() if name == "realsr" else {}


def needed_words(name, before=""):
    """The same as KEY=VALUE."""
    return [f"{before}{key}={value}" for key, value in needed(name).items()]
