"""Degradations: `draw(rngs)` decides, `apply(image, draw)` does; no model contains one.

A file per operator, a readable yaml per published degradation.
"""

from gan_bench.degradations.base import Degradation, Draw
from gan_bench.degradations.compose import Chain, Maybe, OneOf, Shuffle
from gan_bench.degradations.resize import Bicubic, Identity, Resize, ToSize

__all__ = ["Bicubic", "Chain", "Degradation", "Draw", "Identity", "Maybe", "OneOf", "Resize", "Shuffle", "ToSize"]
