"""Data: images listed, decoded, split; crops to train on, pairs to judge.

Every chance is a function of (seed, position) or (seed, image name). `data.datamodule` stands apart: it brings
Lightning, which judging and restoring do without.
"""

from gan_bench.data.folder import Folder
from gan_bench.data.images import Images, list_images
from gan_bench.data.judged import Judged
from gan_bench.data.pairs import Pairs
from gan_bench.data.photos import Photos
from gan_bench.data.sampler import Crops, PairedCrops, PositionSampler, UnpairedCrops
from gan_bench.data.source import Source
from gan_bench.data.testset import Degraded, Given, TestSet, describe

__all__ = [
    "Crops",
    "Degraded",
    "Folder",
    "Given",
    "Images",
    "Judged",
    "PairedCrops",
    "Pairs",
    "Photos",
    "PositionSampler",
    "Source",
    "TestSet",
    "UnpairedCrops",
    "describe",
    "list_images",
]
