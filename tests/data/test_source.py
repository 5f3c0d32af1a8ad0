"""A data set under a degradation: which stream it trains on, which pairs it is judged by, and what it refuses."""

import numpy as np
import pytest
import torch
from PIL import Image

from gan_bench.data.images import Images
from gan_bench.data.photos import Photos
from gan_bench.data.sampler import Crops, PairedCrops, UnpairedCrops
from gan_bench.data.source import Source
from gan_bench.degradations import AsGiven, Bicubic, Identity
from gan_bench.errors import UsageError

SPLITS = ("train", "validation", "test")
COUNTS = {"train": 9, "validation": 2, "test": 3}
PATCH = [(0, 16)]


class Wide(Identity):
    """Looks four pixels around each."""

    margin = 4


def images(folder, side, split, scale=1):
    """Files that know their number and their side."""
    folder = folder / side / split
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(COUNTS[split]):
        level = 2 * (number + 20 * SPLITS.index(split)) + (side == "gt")
        pixels = np.full((24 * scale, 32 * scale, 3), level, np.uint8)
        pixels[0, 0] = 255  # not flat, so that a resampled one is another
        Image.fromarray(pixels).save(folder / f"{split}{number}.png")
    return Images(folder.glob("*.png"), folder)


@pytest.fixture(scope="module")
def sides(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sides")
    lq = {split: images(folder, "lq", split) for split in SPLITS}
    return lq, {split: images(folder, "gt", split) for split in SPLITS}


def source(sides, **options):
    lq, gt = sides
    return Source(gt, 3, lq, **options)


def seen(stream, count=36):
    """Names and scenes: by lq and by gt."""
    pairs = [stream[position] for position in range(count)]
    scenes = [[round(float(side.median()) * 255) // 2 for side in (pair.image, pair.gt)] for pair in pairs]
    assert all(round(float(pair.gt.median()) * 255) % 2 for pair in pairs)
    return [pair.name for pair in pairs], np.array(scenes)


def equal(first, second):
    return all(
        torch.equal(one.lq, other.lq) and torch.equal(one.gt, other.gt) and one.name == other.name
        for one, other in zip(first, second, strict=True)
    )


# What it trains on


def test_the_degradation_and_the_settings_choose_the_stream(sides):
    assert type(source(sides).crops(Bicubic(4), PATCH, 0)) is Crops
    assert type(source(sides).crops(AsGiven(), PATCH, 0)) is PairedCrops
    for settings in ({"paired": False}, {"unpaired": True}):
        assert type(source(sides, **settings).crops(AsGiven(), PATCH, 0)) is UnpairedCrops
    assert type(source(sides, unpaired=True).crops(Bicubic(4), PATCH, 0)) is UnpairedCrops


def test_pairs_stay_pairs(sides):
    names, scenes = seen(source(sides).crops(AsGiven(), PATCH, 0), 18)
    assert (scenes[:, 0] == scenes[:, 1]).all()
    assert [f"train{scene}" for scene in scenes[:, 0]] == names


@pytest.mark.parametrize("degradation", [AsGiven(), Bicubic(4), Wide()], ids=["given", "bicubic", "with a margin"])
def test_the_halves_of_an_unpaired_training_are_disjoint_and_cover_the_set(sides, degradation):
    stream = source(sides, unpaired=True).crops(degradation, PATCH, 0)
    _, scenes = seen(stream, 60)
    lq, gt = set(scenes[:, 0].tolist()), set(scenes[:, 1].tolist())
    assert not lq & gt and lq | gt == set(range(9))
    assert abs(len(lq) - len(gt)) == 1
    assert all(pair.gt.shape == (3, 16, 16) for pair in map(stream.__getitem__, range(9)))
    margin = 2 * degradation.margin
    assert all(pair.image.shape == (3, 16 + margin, 16 + margin) for pair in map(stream.__getitem__, range(9)))
    levels = {round(float(stream[position].image.median()) * 255) % 2 for position in range(20)}
    assert levels == {0 if degradation.given else 1}  # lq itself, or the gt that lq is made of


def test_the_halves_follow_the_names_and_not_the_seed(sides):
    whole = [set(seen(source(sides, unpaired=True).crops(AsGiven(), PATCH, seed), 60)[0]) for seed in (0, 1)]
    assert whole[0] == whole[1]
    first = source(sides, unpaired=True).crops(AsGiven(), PATCH, 0)
    assert [first[0].name, first[1].name] != [
        source(sides, unpaired=True).crops(AsGiven(), PATCH, 1)[p].name for p in (0, 1)
    ]


def test_two_sides_of_other_scenes_are_both_used_in_full(sides):
    lq, gt = sides
    fewer = {**lq, "train": lq["train"].only(range(4))}
    names, scenes = seen(Source(gt, 3, fewer, paired=False).crops(AsGiven(), PATCH, 0), 72)
    assert set(names) == {f"train{number}" for number in range(4)}
    assert set(scenes[:, 1].tolist()) == set(range(9))
    assert 0 < (scenes[:, 0] == scenes[:, 1]).sum() < 20  # as chance has it, 8 of 72


def test_a_given_lq_is_cropped_on_its_own_grid(tmp_path):
    lq = {split: images(tmp_path, "lq", split) for split in SPLITS}
    gt = {split: images(tmp_path, "gt", split, 4) for split in SPLITS}
    for settings in ({}, {"unpaired": True}, {"paired": False}):
        pair = Source(gt, 3, lq, **settings).crops(AsGiven(4), [(0, 32)], 0)[0]
        assert (pair.image.shape, pair.gt.shape) == ((3, 8, 8), (3, 32, 32))


@pytest.mark.parametrize("settings", [{}, {"unpaired": True}, {"paired": False}])
def test_without_turns_nothing_is_turned(sides, settings):
    stream = source(sides, turns=False, **settings).crops(AsGiven(), [(0, 24)], 0)
    for position in range(40):
        pair = stream[position]
        for side in (pair.image, pair.gt):
            bright = (side == 1).all(dim=0).nonzero().tolist()
            assert bright in ([], [[0, 0]], [[0, 23]])  # the mark stays in the first row


def test_one_image_has_no_halves(sides):
    lq, gt = ({**side, "train": side["train"].only([0])} for side in sides)
    with pytest.raises(UsageError, match=r"^dataset\.unpaired=true: two training images are needed, [^\n]+$"):
        Source(gt, 3, lq, unpaired=True).crops(AsGiven(), PATCH, 0)


# What it is judged by


@pytest.mark.parametrize("degradation", [AsGiven(), Bicubic(4)], ids=["given", "bicubic"])
@pytest.mark.parametrize("split", SPLITS)
def test_unpaired_training_changes_nothing_that_is_judged(sides, degradation, split):
    plain, unpaired = (
        source(sides, unpaired=flag).tests(split, "set", degradation, {"name": "x"}) for flag in (False, True)
    )
    assert len(plain) == COUNTS[split]
    assert equal(plain, unpaired) and plain.lq_sha256 == unpaired.lq_sha256


def test_given_pairs_are_judged_as_their_files_are(sides):
    tests = source(sides).tests("test", "mine", AsGiven())
    assert (tests.name, tests.scale, tests.names) == ("mine", 1, ("test0", "test1", "test2"))
    for number, batch in enumerate(tests):
        level = 2 * (number + 40)
        assert (float(batch.lq.median()) * 255, float(batch.gt.median()) * 255) == pytest.approx((level, level + 1))
    assert [real.shape for real in tests.reals()] == [(1, 3, 24, 32)] * 3


def test_without_pairs_there_is_no_gt_but_real_images_of_the_other_side(sides):
    lq, gt = sides
    fewer = {**lq, "test": lq["test"].only([1])}
    tests = Source(gt, 3, fewer, paired=False).tests("test", "set", AsGiven(4))
    [batch] = tests
    assert batch.gt is None and batch.name == ("test1",) and tests.scale == 4
    assert [round(float(real.median()) * 255) for real in tests.reals()] == [81, 83, 85]
    assert list(map(torch.equal, tests.reals(), tests.reals())) == [True] * 3  # and again
    assert len(tests.lq_sha256) == 64
    assert tests.lq_sha256 != source(sides, paired=False).tests("test", "set", AsGiven(4)).lq_sha256


def test_pairs_of_another_size_than_the_scale_says_are_one_line(sides):
    with pytest.raises(UsageError, match=r"^test0: gt 32x24 does not fit lq 32x24 at scale 2; [^\n]+$"):
        source(sides).tests("test", "set", AsGiven(2))[0]
    with pytest.raises(UsageError, match=r"^[^\n]+: gt 32x24 does not fit lq 32x24 at scale 2; [^\n]+$"):
        source(sides).crops(AsGiven(2), PATCH, 0)[0]


# What it refuses


def asked(one, degradation):
    """The messages of both of its doors."""
    found = []
    for work in (lambda: one.crops(degradation, PATCH, 0), lambda: one.tests("test", "set", degradation)):
        with pytest.raises(UsageError) as caught:
            work()
        found.append(str(caught.value))
    assert found[0] == found[1] and "\n" not in found[0]
    return found[0]


@pytest.mark.parametrize("unpaired", [False, True])
def test_a_data_set_without_lq_cannot_be_taken_as_given(unpaired):
    message = asked(Photos(unpaired=unpaired), AsGiven())
    assert message.startswith("degradation=given: this data set has no lq images of its own; ")
    assert "dataset=pairs" in message and "dataset=unpaired" in message


def test_sides_of_other_scenes_are_not_degraded(sides):
    message = asked(source(sides, paired=False), Bicubic(4))
    assert message.startswith("dataset.paired=false: ") and "degradation=given" in message
