"""The demonstration set: photographs that come with scikit-image, so that everything runs without a download.

It is small and easy, and shows that a method works, not how good it is. Gray textures are stacked to three channels.
"""

from __future__ import annotations

from pathlib import Path

from gan_bench.data.images import Images
from gan_bench.data.source import Source

__all__ = ["Photos"]

TRAIN = (
    "brick.png", "camera.png", "coins.png", "grass.png", "gravel.png", "hubble_deep_field.jpg", "ihc.png",
    "moon.png", "motorcycle_left.png", "motorcycle_right.png", "retina.jpg",
)  # fmt: skip
VALIDATION = ("rocket.jpg",)
TEST = ("astronaut.png", "chelsea.png", "coffee.png")


class Photos(Source):
    """Bundled photographs: 11 to train on, rocket to validate, astronaut, chelsea and coffee to test.

    No scene is on two sides: motorcycle left and right, one scene, are both for training.

    Args:
        num_ch: channels of a training image: 3.
        limit: train on this many images only.
        unpaired: train on the lq of one half of the images and the gt of the other.
        turns: whether training crops are turned by quarters.
    """

    def __init__(self, num_ch: int = 3, limit: int | None = None, unpaired: bool = False, turns: bool = True) -> None:
        import skimage

        folder = Path(skimage.__file__).parent / "data"
        gt = {
            "train": Images([folder / name for name in TRAIN], num_ch=num_ch).subset(limit),
            "validation": Images([folder / name for name in VALIDATION], num_ch=None),
            "test": Images([folder / name for name in TEST], num_ch=None),
        }
        super().__init__(gt, num_ch, unpaired=unpaired, turns=turns)
