"""How well images are restored: protocols, metrics of single images and of sets, the suite that a run is judged by.

A score means something only with the facts of its protocol; `Protocol.describe` writes them into every result.
"""

from gan_bench.metrics.colour import ColourShift, colour_shift
from gan_bench.metrics.consistency import Consistency
from gan_bench.metrics.fidelity import PSNR, SSIM, ImageMetric, psnr, ssim
from gan_bench.metrics.iqa import LPIPS, MSSSIM, Pyiqa
from gan_bench.metrics.means import aggregate
from gan_bench.metrics.niqe import NIQE, Pristine, fit, niqe
from gan_bench.metrics.protocol import PROTOCOLS, Protocol, get_protocol
from gan_bench.metrics.sets import FID, KID, SetMetric
from gan_bench.metrics.suite import METRICS, Suite

__all__ = [
    "FID",
    "KID",
    "LPIPS",
    "METRICS",
    "MSSSIM",
    "NIQE",
    "PROTOCOLS",
    "PSNR",
    "SSIM",
    "ColourShift",
    "Consistency",
    "ImageMetric",
    "Pristine",
    "Protocol",
    "Pyiqa",
    "SetMetric",
    "Suite",
    "aggregate",
    "colour_shift",
    "fit",
    "get_protocol",
    "niqe",
    "psnr",
    "ssim",
]
