"""The bundled photographs: which is on which side, and that no scene is on two."""

import numpy as np
import pytest
from PIL import Image

from gan_bench.data.photos import Photos
from gan_bench.errors import UsageError


@pytest.fixture(scope="module")
def photos():
    return Photos()


def test_the_sides_have_the_promised_photographs(photos):
    assert photos.gt["test"].names == ("astronaut", "chelsea", "coffee")
    assert photos.gt["validation"].names == ("rocket",)
    assert len(photos.gt["train"]) == 11
    assert all(
        path.is_file()
        for side in (photos.gt["train"], photos.gt["validation"], photos.gt["test"])
        for path in side.paths
    )


def test_no_file_is_on_two_sides(photos):
    names = [*photos.gt["train"].names, *photos.gt["validation"].names, *photos.gt["test"].names]
    assert len(set(names)) == len(names) == 15


def test_no_scene_is_on_two_sides(photos):
    """Two views of one scene, as the motorcycle's, look alike from afar."""

    def thumbnail(pixels):
        gray = Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[..., 0]).convert("L")
        small = np.asarray(gray.resize((16, 16), Image.Resampling.BOX), dtype=np.float64)
        return (small - small.mean()).ravel() / np.linalg.norm(small - small.mean())

    learnt = {
        name: thumbnail(pixels) for name, pixels in zip(photos.gt["train"].names, photos.gt["train"], strict=True)
    }
    judged = [thumbnail(pixels) for pixels in [*photos.gt["validation"], *photos.gt["test"]]]
    likeness = np.array([[one @ other for other in judged] for one in learnt.values()])
    assert likeness.max() < 0.7 < learnt["motorcycle_left"] @ learnt["motorcycle_right"]


def test_training_images_have_three_channels_and_hold_a_patch_of_256(photos):
    for pixels in photos.gt["train"]:
        assert pixels.dtype == np.uint8
        assert pixels.shape[2] == photos.num_ch == 3
        assert min(pixels.shape[:2]) >= 256


def test_gray_textures_are_stacked(photos):
    camera = photos.gt["train"][photos.gt["train"].names.index("camera")]
    assert np.ptp(camera, axis=2).max() == 0


def test_limit_is_nested_and_positive(photos):
    assert (
        set(Photos(limit=2).gt["train"].names) < set(Photos(limit=4).gt["train"].names) < set(photos.gt["train"].names)
    )
    assert Photos(limit=2).gt["test"].names == photos.gt["test"].names
    with pytest.raises(UsageError, match=r"^dataset\.limit=0: [^\n]+$"):
        Photos(limit=0)
