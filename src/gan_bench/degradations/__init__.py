"""Degradations: `draw(rngs)` decides, `apply(image, draw)` does; no model contains one.

A file per operator, a readable yaml per published degradation.
"""

from gan_bench.degradations.base import Degradation, Draw
from gan_bench.degradations.blur import Blur, GaussianBlur, Sinc
from gan_bench.degradations.camera import Defocus, KernelBlur, MotionBlur
from gan_bench.degradations.codec import JPEG, Round, WebP
from gan_bench.degradations.compose import Chain, Maybe, OneOf, Shuffle
from gan_bench.degradations.fading import Fading
from gan_bench.degradations.given import AsGiven
from gan_bench.degradations.mri import RicianNoise, Undersample
from gan_bench.degradations.noise import GaussianNoise, Speckle
from gan_bench.degradations.poisson import PoissonNoise
from gan_bench.degradations.real_noise import RealNoise
from gan_bench.degradations.resize import Bicubic, Identity, Resize, ToSize
from gan_bench.degradations.scratches import Dust, Scratches
from gan_bench.degradations.sharpen import Sharpen

__all__ = [
    "JPEG",
    "AsGiven",
    "Bicubic",
    "Blur",
    "Chain",
    "Defocus",
    "Degradation",
    "Draw",
    "Dust",
    "Fading",
    "GaussianBlur",
    "GaussianNoise",
    "Identity",
    "KernelBlur",
    "Maybe",
    "MotionBlur",
    "OneOf",
    "PoissonNoise",
    "RealNoise",
    "Resize",
    "RicianNoise",
    "Round",
    "Scratches",
    "Sharpen",
    "Shuffle",
    "Sinc",
    "Speckle",
    "ToSize",
    "Undersample",
    "WebP",
]
