"""Models: a paper's objective per file, over mechanics that are written once in `recipe`.

None names a network, none contains a degradation or a metric, and no GAN inherits from another.
"""

from gan_bench.models.bsrgan import BSRGAN
from gan_bench.models.cyclegan import CycleGAN
from gan_bench.models.discogan import DiscoGAN
from gan_bench.models.esrgan import ESRGAN
from gan_bench.models.image_pool import ImagePool
from gan_bench.models.pix2pix import Pix2Pix
from gan_bench.models.realesrgan import RealESRGAN, RealESRNet
from gan_bench.models.recipe import Recipe, Term
from gan_bench.models.regression import Regression
from gan_bench.models.schedules import Constant, CosineRestarts, Linear, MultiStep, Schedule
from gan_bench.models.srgan import SRGAN
from gan_bench.models.stages import Stage, plan
from gan_bench.models.two_way import TwoWay

__all__ = [
    "BSRGAN",
    "ESRGAN",
    "SRGAN",
    "Constant",
    "CosineRestarts",
    "CycleGAN",
    "DiscoGAN",
    "ImagePool",
    "Linear",
    "MultiStep",
    "Pix2Pix",
    "RealESRGAN",
    "RealESRNet",
    "Recipe",
    "Regression",
    "Schedule",
    "Stage",
    "Term",
    "TwoWay",
    "plan",
]
