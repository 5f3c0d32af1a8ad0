"""Degradations: `draw(rngs)` decides, `apply(image, draw)` does; no model contains one.

A file per operator, a readable yaml per published degradation.
"""

from gan_bench.degradations.base import Degradation, Draw
from gan_bench.degradations.resize import Bicubic, Identity

__all__ = ["Bicubic", "Degradation", "Draw", "Identity"]
