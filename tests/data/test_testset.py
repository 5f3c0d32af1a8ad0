"""What is judged: pairs made from gt by name alone, or given as files that must fit."""

import random

import numpy as np
import pytest
import torch
from PIL import Image

from gan_bench.data.images import Images
from gan_bench.data.testset import Degraded, Given
from gan_bench.degradations import Bicubic, Degradation, Identity
from gan_bench.errors import UsageError


class Noise(Degradation):
    """Gaussian noise of a drawn strength; one seed per sample."""

    def draw(self, rngs):
        return [{"sigma": float(rng.uniform(5, 50)), "seed": int(rng.integers(2**31))} for rng in rngs]

    def apply(self, image, draw):
        noisy = [
            one + torch.randn(one.shape, generator=torch.Generator().manual_seed(d["seed"])) * d["sigma"] / 255
            for one, d in zip(image, draw, strict=True)
        ]
        return torch.stack(noisy)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def saved(folder, **images):
    folder.mkdir(parents=True, exist_ok=True)
    for name, pixels in images.items():
        Image.fromarray(pixels).save(folder / f"{name}.png")
    return Images(folder.rglob("*.png"), folder, num_ch=None)


@pytest.fixture
def gt(tmp_path):
    return saved(tmp_path / "gt", a=noise(17, 22, 3, seed=1), b=noise(16, 16, 3, seed=2), c=noise(19, 13, seed=3))


def degraded(gt, degradation=None, seed=0):
    return Degraded("set", gt, degradation or Noise(), {"name": "noise"}, seed)


# Made


def test_gt_is_cropped_at_right_and_bottom_to_a_multiple_of_the_scale(gt):
    tests = degraded(gt, Bicubic(4))
    assert tests.scale == 4
    for index, (height, width) in enumerate([(16, 20), (16, 16), (16, 12)]):
        batch = tests[index]
        assert batch.gt.shape[2:] == (height, width)
        assert batch.lq.shape[2:] == (height // 4, width // 4)
        pixels = np.atleast_3d(np.array(Image.open(gt.paths[index])))[:height, :width]
        np.testing.assert_array_equal((batch.gt[0] * 255).round().permute(1, 2, 0).numpy(), pixels)


def test_one_batch_of_one_image_each_with_the_files_channels(gt):
    tests = degraded(gt, Bicubic(2))
    assert len(tests) == 3
    assert [batch.name for batch in tests] == [("a",), ("b",), ("c",)]
    assert [batch.lq.shape[:2] for batch in tests] == [(1, 3), (1, 3), (1, 1)]


def test_lq_is_on_8_bit_levels_in_range(gt):
    for batch in degraded(gt):
        values = batch.lq * 255
        torch.testing.assert_close(values, values.round(), atol=1e-4, rtol=0)
        assert 0 <= batch.lq.min() <= batch.lq.max() <= 1


def test_the_order_of_access_changes_nothing(gt):
    once = [batch.lq for batch in degraded(gt)]
    again, order = degraded(gt), [2, 0, 1, 1, 0, 2]
    for index in order:
        assert torch.equal(again[index].lq, once[index])
    assert again.lq_sha256 == degraded(gt).lq_sha256


def test_lq_depends_on_seed_and_name_and_not_on_its_neighbours(gt, tmp_path):
    alone = saved(tmp_path / "alone", b=noise(16, 16, 3, seed=2))
    renamed = saved(tmp_path / "renamed", z=noise(16, 16, 3, seed=2))
    lq = degraded(gt)[1].lq
    assert torch.equal(degraded(alone)[0].lq, lq)
    assert not torch.equal(degraded(renamed)[0].lq, lq)
    assert not torch.equal(degraded(gt, seed=1)[1].lq, lq)


def test_global_generators_play_no_part(gt):
    digests = set()
    for seed in (0, 1):
        torch.manual_seed(seed)
        random.seed(seed)
        digests.add(degraded(gt).lq_sha256)
    assert len(digests) == 1


def test_equal_inputs_have_equal_digests_wherever_they_lie(gt, tmp_path):
    elsewhere = saved(tmp_path / "x" / "y", **{name: image.squeeze() for name, image in zip(gt.names, gt, strict=True)})
    assert degraded(elsewhere, Bicubic(2)).lq_sha256 == degraded(gt, Bicubic(2)).lq_sha256
    assert len(degraded(gt).lq_sha256) == 64


def test_the_digest_changes_with_one_pixel_with_a_name_and_with_the_shape(tmp_path):
    pixels = noise(8, 8, 3)
    changed = pixels.copy()
    changed[7, 7, 2] ^= 1
    sets = [
        saved(tmp_path / "0", a=pixels),
        saved(tmp_path / "1", a=changed),
        saved(tmp_path / "2", b=pixels),
        saved(tmp_path / "3", a=pixels.reshape(4, 16, 3)),
        saved(tmp_path / "4", a=pixels, b=pixels),
    ]
    assert len({degraded(images, Identity()).lq_sha256 for images in sets}) == 5


def test_given_and_made_lq_of_equal_pixels_have_one_digest(gt, tmp_path):
    made = degraded(gt, Bicubic(2))
    files = {batch.name[0]: (batch.lq[0] * 255).round().byte().permute(1, 2, 0).numpy().squeeze() for batch in made}
    assert Given("set", saved(tmp_path / "lq", **files), None, 2).lq_sha256 == made.lq_sha256


def test_an_image_smaller_than_the_scale_is_one_line(tmp_path):
    tests = degraded(saved(tmp_path, tiny=noise(3, 9, 3)), Bicubic(4))
    with pytest.raises(UsageError, match=r"^[^\n]*tiny\.png: 9x3 is smaller than the scale 4$"):
        tests[0]


# Given


def test_the_scale_follows_from_the_sizes(tmp_path):
    lq = saved(tmp_path / "lq", a=noise(5, 6, 3), b=noise(4, 4, 3))
    gt = saved(tmp_path / "gt", a=noise(15, 18, 3), b=noise(13, 14, 3))
    tests = Given("set", lq, gt, None)
    assert tests.scale == 3
    assert tests.degradation is None
    assert [tuple(batch.gt.shape[2:]) for batch in tests] == [(15, 18), (12, 12)]
    assert [tuple(batch.lq.shape[2:]) for batch in tests] == [(5, 6), (4, 4)]


def test_pairs_are_files_of_one_stem_whatever_folders_they_lie_in(tmp_path):
    one, two = noise(8, 8, 3, seed=1), noise(8, 8, 3, seed=2)
    saved(tmp_path / "lq" / "x", one=one)
    lq = saved(tmp_path / "lq" / "y", two=two)
    saved(tmp_path / "gt" / "x", two=two)
    gt = saved(tmp_path / "gt" / "y", one=one)
    lq = Images((tmp_path / "lq").rglob("*.png"), tmp_path / "lq", None)
    gt = Images((tmp_path / "gt").rglob("*.png"), tmp_path / "gt", None)
    assert lq.names != gt.names
    for batch in Given("set", lq, gt, None):
        assert torch.equal(batch.lq, batch.gt)


@pytest.mark.parametrize(
    ("lq", "gt", "message"),
    [
        (["a"], ["a", "b", "c"], r"^gt 'b' has no lq of the same stem \(2 such\); [^\n]+$"),
        (["a", "b"], ["a"], r"^lq 'b' has no gt of the same stem \(1 such\); [^\n]+$"),
        (["a_LR"], ["a_HR"], r"^gt 'a_HR' has no lq of the same stem"),
    ],
)
def test_stems_that_do_not_match_are_one_line(tmp_path, lq, gt, message):
    sides = [saved(tmp_path / side, **dict.fromkeys(names, noise(8, 8, 3))) for side, names in (("lq", lq), ("gt", gt))]
    with pytest.raises(UsageError, match=message):
        Given("set", *sides, None)


@pytest.mark.parametrize("size", [(8, 12), (3, 4)])
def test_a_first_pair_without_a_whole_scale_is_one_line(tmp_path, size):
    lq, gt = saved(tmp_path / "lq", a=noise(8, 8, 3)), saved(tmp_path / "gt", a=noise(*size, 3))
    with pytest.raises(UsageError, match=r"^a: gt \d+x\d+ is no whole multiple of lq 8x8; [^\n]+$"):
        Given("set", lq, gt, None)


def test_a_later_pair_of_another_scale_is_one_line(tmp_path):
    lq = saved(tmp_path / "lq", a=noise(4, 4, 3), b=noise(4, 4, 3))
    gt = saved(tmp_path / "gt", a=noise(8, 8, 3), b=noise(16, 12, 3))
    tests = Given("set", lq, gt, None)
    assert tests[0].gt.shape == (1, 3, 8, 8)
    with pytest.raises(UsageError, match=r"^b: gt 12x16 does not fit lq 4x4 at scale 2; [^\n]+$"):
        tests[1]


def test_a_stated_scale_that_the_sizes_deny_is_one_line(tmp_path):
    lq, gt = saved(tmp_path / "lq", a=noise(4, 4, 3)), saved(tmp_path / "gt", a=noise(8, 8, 3))
    with pytest.raises(UsageError, match=r"^a: gt 8x8 does not fit lq 4x4 at scale 4; [^\n]+$"):
        Given("set", lq, gt, 4)[0]


def test_lq_without_gt_has_none(tmp_path):
    lq = saved(tmp_path, a=noise(5, 7, 3), b=noise(4, 4))
    tests = Given("set", lq, None, 4)
    assert (tests.scale, tests.names, len(tests)) == (4, ("a", "b"), 2)
    assert [batch.gt for batch in tests] == [None, None]
    assert [tuple(batch.lq.shape) for batch in tests] == [(1, 3, 5, 7), (1, 1, 4, 4)]
    assert Given("set", lq, None, None).scale == 1


def test_a_gray_lq_of_a_colour_gt_is_stacked_and_a_colour_lq_of_a_gray_gt_is_not(tmp_path):
    gray, colour = noise(6, 5), noise(6, 5, 3, seed=1)
    sides = saved(tmp_path / "gray", a=gray), saved(tmp_path / "colour", a=colour)
    [batch] = Given("set", *sides, None)
    assert torch.equal(batch.lq, torch.from_numpy(gray / np.float32(255)).expand(1, 3, 6, 5))
    [turned] = Given("set", *reversed(sides), None)
    assert (turned.lq.shape, turned.gt.shape) == ((1, 3, 6, 5), (1, 1, 6, 5))


def test_without_gt_others_stand_in_for_the_real_images(tmp_path, gt):
    lq = saved(tmp_path / "lq", x=noise(8, 8, 3), y=noise(9, 8, 3))
    tests = Given("set", lq, None, 2, gt)
    assert [batch.gt for batch in tests] == [None, None]
    assert tests.names == ("x", "y")
    for _ in range(2):  # as often as they are asked for
        for real, pixels in zip(tests.reals(), gt, strict=True):
            expected = pixels.transpose(2, 0, 1)[None] / np.float32(255)
            assert torch.equal(real, torch.from_numpy(expected))  # uncropped: nothing is compared pixel by pixel
    assert tests.lq_sha256 == Given("set", lq, None, 2).lq_sha256
    assert list(Given("set", lq, None, 2).reals()) == []


def test_the_real_images_of_pairs_are_their_gt(gt):
    tests = degraded(gt, Bicubic(4))
    assert list(map(torch.equal, tests.reals(), (batch.gt for batch in tests))) == [True] * 3


def test_the_published_pairs_are_given_as_they_are(reference):
    folder = reference / "data" / "sr" / "Set5_x4"
    lq, gt = (Images((folder / side).glob("*.png"), folder / side, None) for side in ("LR", "HR"))
    tests = Given("set5", lq, gt, None)
    assert tests.scale == 4
    assert len(tests) == 5
    assert tests.lq_sha256 == Degraded("set5", gt, Bicubic(4), {"name": "bicubic"}).lq_sha256
