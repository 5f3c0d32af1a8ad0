"""Restorers: all that can be judged, behind one method, `restore(batch)`.

Bicubic, a network trained here, weights from elsewhere, a folder of restored images; `load(spec)` opens any of them.
"""

from gan_bench.restorers.base import Origin, Restorer
from gan_bench.restorers.checkpoint import checkpoint
from gan_bench.restorers.cost import inference_cost
from gan_bench.restorers.folder import FolderRestorer
from gan_bench.restorers.interpolation import Bicubic
from gan_bench.restorers.loading import Loaded, load, load_restorer
from gan_bench.restorers.network import NetworkRestorer
from gan_bench.restorers.states import SUFFIXES, read_states
from gan_bench.restorers.trained import START, STEPS, is_run, read_facts, run_of, trained

__all__ = [
    "START",
    "STEPS",
    "SUFFIXES",
    "Bicubic",
    "FolderRestorer",
    "Loaded",
    "NetworkRestorer",
    "Origin",
    "Restorer",
    "checkpoint",
    "inference_cost",
    "is_run",
    "load",
    "load_restorer",
    "read_facts",
    "read_states",
    "run_of",
    "trained",
]
