"""How well an image is restored: protocols, the metrics of single images, and the suite that a run is judged by.

A score means something only with the facts of its protocol; `Protocol.describe` writes them into every result.
"""

from gan_bench.metrics.fidelity import PSNR, SSIM, ImageMetric, psnr, ssim
from gan_bench.metrics.protocol import PROTOCOLS, Protocol, get_protocol
from gan_bench.metrics.suite import METRICS, Suite, aggregate

__all__ = [
    "METRICS",
    "PROTOCOLS",
    "PSNR",
    "SSIM",
    "ImageMetric",
    "Protocol",
    "Suite",
    "aggregate",
    "get_protocol",
    "psnr",
    "ssim",
]
