"""Restorers: all that can be judged, behind one method, `restore(batch)`.

Bicubic, a network trained here, a folder of restored images; `load(spec)` opens any of them.
"""

from gan_bench.restorers.base import Origin, Restorer
from gan_bench.restorers.folder import FolderRestorer
from gan_bench.restorers.interpolation import Bicubic
from gan_bench.restorers.loading import Loaded, load, load_restorer
from gan_bench.restorers.network import NetworkRestorer
from gan_bench.restorers.trained import is_run, trained

__all__ = [
    "Bicubic",
    "FolderRestorer",
    "Loaded",
    "NetworkRestorer",
    "Origin",
    "Restorer",
    "is_run",
    "load",
    "load_restorer",
    "trained",
]
