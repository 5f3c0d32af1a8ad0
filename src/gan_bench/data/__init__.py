"""Data: images listed, decoded, split; crops to train on, pairs to judge.

Every chance is a function of (seed, position) or (seed, image name). `data.datamodule` stands apart: it brings
Lightning, which judging and restoring do without.
"""

from gan_bench.data.images import Folder, Images, Source, list_images
from gan_bench.data.photos import Photos
from gan_bench.data.sampler import Crops, PositionSampler
from gan_bench.data.testset import Degraded, Given, TestSet, describe

__all__ = [
    "Crops",
    "Degraded",
    "Folder",
    "Given",
    "Images",
    "Photos",
    "PositionSampler",
    "Source",
    "TestSet",
    "describe",
    "list_images",
]
