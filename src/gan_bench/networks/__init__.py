"""Generators and discriminators: tensor in, tensor out, by their published structures and state-dict names.

Generators take (B, C, H, W) to (B, C, scale * H, scale * W), both in [0, 1]; discriminators take images to logits.
"""

from gan_bench.networks.attention import SelfAttention
from gan_bench.networks.discogan import DiscoGANDiscriminator, DiscoGANGenerator
from gan_bench.networks.image_to_image import ImageToImage
from gan_bench.networks.msrresnet import MSRResNet
from gan_bench.networks.patch_discriminator import PatchDiscriminator
from gan_bench.networks.resnet_generator import ResNetGenerator
from gan_bench.networks.rrdbnet import RRDBNet
from gan_bench.networks.spandrel import Spandrel
from gan_bench.networks.srcnn import SRCNN
from gan_bench.networks.srgan_discriminator import SRGANDiscriminator
from gan_bench.networks.srresnet import SRResNet
from gan_bench.networks.srvgg_compact import SRVGGNetCompact
from gan_bench.networks.unet_discriminator import UNetDiscriminatorSN
from gan_bench.networks.unet_generator import UNetGenerator
from gan_bench.networks.vdsr import VDSR
from gan_bench.networks.vgg_discriminator import VGGStyleDiscriminator

__all__ = [
    "SRCNN",
    "VDSR",
    "DiscoGANDiscriminator",
    "DiscoGANGenerator",
    "ImageToImage",
    "MSRResNet",
    "PatchDiscriminator",
    "RRDBNet",
    "ResNetGenerator",
    "SRGANDiscriminator",
    "SRResNet",
    "SRVGGNetCompact",
    "SelfAttention",
    "Spandrel",
    "UNetDiscriminatorSN",
    "UNetGenerator",
    "VGGStyleDiscriminator",
]
