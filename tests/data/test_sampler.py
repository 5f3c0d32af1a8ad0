"""The endless stream: which image each position takes, how it is cut and turned, whoever asks and when."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.stats import chi2_contingency
from torch.utils.data import DataLoader

from gan_bench.batch import Pair
from gan_bench.data.images import Images
from gan_bench.data.sampler import Crops, PairedCrops, PositionSampler, UnpairedCrops
from gan_bench.errors import UsageError

SIZES = [(40, 24), (24, 40), (33, 31), (24, 24), (64, 48)]  # height, width


def located(height, width, number):
    """Each pixel says where it is: row, column and image."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows, columns, np.full_like(rows, number)], axis=2).astype(np.uint8)


def eight(pixels):
    """The flips and quarter turns of an image, each once."""
    return [np.rot90(flipped, turns) for flipped in (pixels, np.fliplr(pixels)) for turns in range(4)]


def levels(sample):
    return np.rint(sample.image.permute(1, 2, 0).numpy() * 255).astype(int)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("located")
    for number, size in enumerate(SIZES):
        Image.fromarray(located(*size, number)).save(folder / f"{number}.png")
    return Images(folder.glob("*.png"), folder)


@pytest.fixture(scope="module")
def crops(images):
    return Crops(images, [(0, 16)], seed=1)


# Positions


@given(st.integers(1, 20), st.integers(1, 4), st.integers(0, 20))
def test_ranks_share_what_one_process_would_see(steps, share, done):
    for ranks in (1, 2, 4):
        batch = 4 * share
        samplers = [PositionSampler(steps, batch, rank, ranks, min(done, steps)) for rank in range(ranks)]
        seen = [list(sampler) for sampler in samplers]
        assert all(len(sampler) == steps * batch // ranks for sampler in samplers)  # wherever it begins
        size = batch // ranks
        for number, step in enumerate(range(done, steps)):
            together = [position for one in seen for position in one[number * size : (number + 1) * size]]
            assert together == list(range(step * batch, (step + 1) * batch))
        assert all(len(one) == max(0, steps - done) * size for one in seen)


def test_one_by_eight_and_two_by_four_see_the_same_samples(crops):
    def batches(rank, ranks):
        loader = DataLoader(crops, 8 // ranks, sampler=PositionSampler(3, 8, rank, ranks))
        return list(loader)

    for whole, *parts in zip(batches(0, 1), batches(0, 2), batches(1, 2), strict=True):
        assert torch.equal(whole.image, torch.cat([part.image for part in parts]))
        assert list(whole.name) == [name for part in parts for name in part.name]
        assert whole.position.tolist() == [int(position) for part in parts for position in part.position]


@given(st.lists(st.integers(0, 30), max_size=5), st.integers(1, 8))
def test_a_training_broken_off_anywhere_sees_what_an_undisturbed_one_sees(stops, batch):
    seen, first = [], 0
    for stop in [*sorted(stops), 30]:
        taken = list(PositionSampler(30, batch, first=first))[: (stop - first) * batch]
        seen, first = seen + taken, stop
    assert seen == list(range(30 * batch))


def test_a_batch_that_does_not_divide_is_one_line():
    with pytest.raises(UsageError, match=r"^budget\.batch=6 does not divide among 4 processes; [^\n]*multiple of 4$"):
        PositionSampler(1, 6, 0, 4)


# Which image


def test_each_pass_visits_every_image_once_in_an_order_of_its_own(images, crops):
    passes = [tuple(crops[5 * turn + slot].name for slot in range(5)) for turn in range(12)]
    assert all(sorted(names) == sorted(images.names) for names in passes)
    assert len(set(passes)) > 6


def test_another_seed_has_other_orders_and_crops(images):
    one, other = (Crops(images, [(0, 16)], seed) for seed in (1, 2))
    assert [one[p].name for p in range(20)] != [other[p].name for p in range(20)]
    assert any(not torch.equal(one[p].image, other[p].image) for p in range(20))


# How it is cut


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9), st.integers(0, 2**31), st.integers(1, 24))
def test_a_crop_is_a_window_of_its_image_perhaps_flipped_and_turned(images, position, seed, patch):
    sample = Crops(images, [(0, patch)], seed)[position]
    assert sample.position == position
    assert sample.image.shape == (3, patch, patch)
    assert sample.image.dtype == torch.float32
    pixels = levels(sample)
    top, left, number = pixels.reshape(-1, 3).min(0)
    assert images.names[number] == sample.name
    window = located(*SIZES[number], number)[top : top + patch, left : left + patch]
    assert any(np.array_equal(pixels, turned) for turned in eight(window))


def test_all_eight_flips_and_turns_come_equally_often(images):
    square = images.names.index("3")
    whole = Crops(Images([images.paths[square]]), [(0, 24)], seed=0)
    forms = [turned.tobytes() for turned in eight(located(24, 24, 3))]
    assert len(set(forms)) == 8
    counts = Counter(forms.index(levels(whole[position]).astype(np.uint8).tobytes()) for position in range(800))
    assert len(counts) == 8
    assert min(counts.values()) > 65  # of 100 expected: 3.7 standard deviations


def test_windows_come_from_everywhere_up_to_the_edges(images):
    square = Crops(Images([images.paths[images.names.index("3")]]), [(0, 16)], seed=0)
    corners = np.array([levels(square[position]).reshape(-1, 3).min(0)[:2] for position in range(600)])
    for axis in (0, 1):
        assert sorted(set(corners[:, axis])) == list(range(9))
        assert np.bincount(corners[:, axis]).min() > 35  # of 67 expected


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 200), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_a_position_is_the_same_whatever_was_asked_before(images, positions, shuffler):
    fresh = {position: Crops(images, [(0, 16)], 1)[position] for position in positions}
    shuffler.shuffle(positions)
    used = Crops(images, [(0, 16)], 1)
    for position in positions:
        assert torch.equal(used[position].image, fresh[position].image)
        assert used[position].name == fresh[position].name


@pytest.mark.parametrize("workers", [1, 2])
def test_worker_processes_change_no_bit(crops, workers):
    def batches(count):
        sampler = PositionSampler(12, 4, first=8)
        return list(DataLoader(crops, 4, sampler=sampler, num_workers=count))

    for one, other in zip(batches(0), batches(workers), strict=True):
        assert torch.equal(one.image, other.image)
        assert torch.equal(one.position, other.position)
        assert list(one.name) == list(other.name)


def test_global_generators_play_no_part(crops):
    torch.manual_seed(0)
    np.random.seed(0)
    before = crops[7].image
    torch.manual_seed(1)
    np.random.seed(1)
    assert torch.equal(crops[7].image, before)


def test_the_patch_grows_where_a_stage_begins(images):
    crops = Crops(images, [(0, 8), (6, 16), (10, 24)], seed=0)
    sizes = [crops[position].image.shape[-1] for position in range(12)]
    assert sizes == [8] * 6 + [16] * 4 + [24] * 2
    assert all(small <= large for small, large in pairwise(sizes))


def test_an_image_smaller_than_the_patch_is_named_with_the_way_out(images):
    crops = Crops(Images([images.paths[images.names.index("0")]]), [(0, 32)], seed=0)
    with pytest.raises(
        UsageError, match=r"^[^\n]*0\.png: 24x40 is smaller than the patch of 32 pixels; [^\n]+$"
    ) as caught:
        crops[0]
    assert "budget.patch to 24 or less" in str(caught.value)


def test_16_bit_and_8_bit_images_meet_in_one_range(tmp_path):
    gray = np.random.default_rng(0).integers(0, 256, (16, 16)).astype(np.uint8)
    Image.fromarray(gray).save(tmp_path / "a.png")
    Image.fromarray(gray.astype(np.uint16) * 257).save(tmp_path / "b.png")
    crops = Crops(Images(tmp_path.glob("*.png")), [(0, 16)], seed=0)
    for position in range(4):
        sample = crops[position]
        assert sample.image.dtype == torch.float32
        assert sorted((sample.image * 255).round().int().flatten().tolist()) == sorted([*gray.flatten().tolist()] * 3)


@pytest.mark.parametrize("margin", [1, 4, 40])
def test_a_margin_is_the_image_around_the_same_patch_mirrored_beyond_its_border(images, margin):
    plain, wide = Crops(images, [(0, 16)], seed=1), Crops(images, [(0, 16)], seed=1, margin=margin)
    for position in range(30):
        inner, outer = plain[position].image, wide[position].image
        assert outer.shape == (3, 16 + 2 * margin, 16 + 2 * margin)
        assert torch.equal(outer[:, margin:-margin, margin:-margin], inner)
        whole = images[int(levels(plain[position])[0, 0, 2])]
        row, column = (levels(plain[position])[..., axis].min() for axis in (0, 1))
        padded = np.pad(whole, ((margin, margin), (margin, margin), (0, 0)), mode="reflect")
        expected = padded[row : row + 16 + 2 * margin, column : column + 16 + 2 * margin]
        assert any(np.array_equal(levels(wide[position]), view) for view in eight(expected))


# Two sides


def enlarged(pixels, scale):
    """Each pixel a square of itself."""
    return pixels.repeat(scale, axis=0).repeat(scale, axis=1)


@pytest.fixture(scope="module")
def both_sides(images, tmp_path_factory):
    """By scale: lq, and its gt, which is lq enlarged by repetition."""
    sides = {}
    for scale in (1, 2, 3, 4):
        folder = tmp_path_factory.mktemp(f"x{scale}")
        for number, size in enumerate(SIZES):
            Image.fromarray(enlarged(located(*size, number), scale)).save(folder / f"{number}.png")
        sides[scale] = images, Images(folder.glob("*.png"), folder)
    return sides


@settings(max_examples=80, deadline=None)
@given(st.sampled_from([1, 2, 3, 4]), st.integers(0, 10**9), st.integers(0, 2**31), st.integers(1, 24), st.booleans())
def test_crops_of_two_sides_show_the_same_place(both_sides, scale, position, seed, side, turns):
    lq, gt = both_sides[scale]
    pair = PairedCrops(lq, gt, [(0, side * scale)], seed, scale, turns)[position]
    assert pair.position == position
    assert pair.image.shape == (3, side, side) and pair.gt.shape == (3, side * scale, side * scale)
    assert pair.image.dtype == pair.gt.dtype == torch.float32
    assert torch.equal(pair.gt, pair.image.repeat_interleave(scale, 1).repeat_interleave(scale, 2))
    top, left, number = levels(pair).reshape(-1, 3).min(0)
    assert gt.names[number] == pair.name
    window = located(*SIZES[number], number)[top : top + side, left : left + side]
    forms = eight(window) if turns else [window, np.fliplr(window)]
    assert any(np.array_equal(levels(pair), form) for form in forms)


@pytest.mark.parametrize(("turns", "count"), [(True, 8), (False, 2)])
def test_all_flips_and_turns_of_a_pair_come_and_without_turns_the_mirrored_alone(both_sides, turns, count):
    square = both_sides[2][0].names.index("3")
    lq, gt = (side.only([square]) for side in both_sides[2])
    crops, forms = PairedCrops(lq, gt, [(0, 48)], 0, 2, turns), [f.tobytes() for f in eight(located(24, 24, 3))]
    counts = Counter(forms.index(levels(crops[position]).astype(np.uint8).tobytes()) for position in range(400))
    assert len(counts) == count and min(counts.values()) > 200 / count
    single = Crops(gt, [(0, 48)], 0, turns=turns)
    assert len({single[position].image.numpy().tobytes() for position in range(100)}) == count


def test_at_scale_1_a_pair_is_cut_as_a_single_image_is(images):
    """So that what is given and what is made at scale 1 train on the same crops."""
    crops, pairs = Crops(images, [(0, 16)], 5), PairedCrops(images, images, [(0, 16)], 5, 1)
    for position in range(20):
        one, pair = crops[position], pairs[position]
        assert torch.equal(pair.image, one.image) and torch.equal(pair.gt, one.image)
        assert (pair.name, pair.position) == (one.name, one.position)


@pytest.mark.parametrize(
    "size", [(80, 50), (82, 48), (40, 24), (160, 96)], ids=["wider", "higher", "as large as lq", "of another scale"]
)
def test_sides_whose_sizes_do_not_fit_are_one_line(images, tmp_path, size):
    Image.fromarray(np.zeros((*size, 3), np.uint8)).save(tmp_path / "g.png")
    first = images.only([images.names.index("0")])
    with pytest.raises(UsageError) as caught:
        PairedCrops(first, Images([tmp_path / "g.png"]), [(0, 16)], 0, 2)[0]
    message = str(caught.value)
    assert message.startswith(f"{tmp_path}/g.png: gt {size[1]}x{size[0]} does not fit lq 24x40 at scale 2; ")
    assert "degradation.scale" in message and "\n" not in message


def test_a_gt_that_is_no_multiple_of_the_scale_is_cut_as_where_it_is_judged(images, tmp_path):
    whole = np.random.default_rng(0).integers(0, 256, (81, 49, 3)).astype(np.uint8)
    for name, pixels in (("whole", whole), ("cropped", whole[:80, :48])):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    first = images.only([images.names.index("0")])
    whole, cropped = (
        PairedCrops(first, Images([tmp_path / f"{name}.png"]), [(0, 16)], 0, 2) for name in ("whole", "cropped")
    )
    assert all(torch.equal(whole[position].gt, cropped[position].gt) for position in range(10))


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_a_patch_larger_than_a_pair_says_what_the_budget_may_be(both_sides, scale):
    lq, gt = both_sides[scale]
    first = lq.names.index("0")
    for crops in (
        PairedCrops(lq.only([first]), gt.only([first]), [(0, 32 * scale)], 0, scale),
        Crops(lq.only([first]), [(0, 32 * scale)], 0, scale=scale),
    ):
        with pytest.raises(UsageError) as caught:
            crops[0]
        message = f"{lq.paths[first]}: 24x40 is smaller than the patch of 32 pixels; "
        assert str(caught.value) == f"{message}remove it or set budget.patch to {24 * scale} or less"


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 200), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_a_pair_is_the_same_whatever_was_asked_before(both_sides, positions, shuffler):
    def streams():
        lq, gt = both_sides[2]
        return PairedCrops(lq, gt, [(0, 16)], 1, 2), UnpairedCrops(Crops(lq, [(0, 16)], 1), gt, [(0, 16)], 1)

    fresh = {position: [stream[position] for stream in streams()] for position in positions}
    shuffler.shuffle(positions)
    used = streams()
    for position in positions:
        for stream, pair in zip(used, fresh[position], strict=True):
            assert torch.equal(stream[position].image, pair.image) and torch.equal(stream[position].gt, pair.gt)
            assert stream[position].name == pair.name


def test_worker_processes_change_no_bit_of_a_pair(both_sides):
    lq, gt = both_sides[2]
    for crops in (PairedCrops(lq, gt, [(0, 16)], 1, 2), UnpairedCrops(Crops(lq, [(0, 16)], 1), gt, [(0, 16)], 1)):
        alone, shared = (list(DataLoader(crops, 4, sampler=PositionSampler(3, 4), num_workers=n)) for n in (0, 2))
        for one, other in zip(alone, shared, strict=True):
            assert isinstance(other, Pair)
            assert torch.equal(one.image, other.image) and torch.equal(one.gt, other.gt)
            assert torch.equal(one.position, other.position) and list(one.name) == list(other.name)


def test_each_image_is_decoded_once_for_a_crop(images, monkeypatch):
    monkeypatch.setattr("gan_bench.data.images.CACHE_BYTES", 0)
    decoded, decode = [], Images._decode
    monkeypatch.setattr(Images, "_decode", lambda self, page: decoded.append(page) or decode(self, page))
    Crops(images.only(range(5)), [(0, 16)], 0)[0]
    assert len(decoded) == 1
    PairedCrops(images.only(range(5)), images.only(range(5)), [(0, 16)], 0, 1)[0]
    assert len(decoded) == 3


def many(folder, count, first=0):
    """Small images that know their number."""
    for number in range(count):
        Image.fromarray(np.full((12, 10, 3), first + number, np.uint8)).save(folder / f"{number:03}.png")
    return Images(folder.glob("*.png"), folder)


def numbers(stream, count):
    """Of each position, which image is lq and which gt."""
    pairs = [stream[position] for position in range(count)]
    return np.array([[round(float(side[0, 0, 0]) * 255) for side in (pair.image, pair.gt)] for pair in pairs])


def test_the_two_sides_of_an_unpaired_stream_know_nothing_of_each_other(tmp_path):
    images = many(tmp_path, 20)
    seen = numbers(UnpairedCrops(Crops(images, [(0, 8)], 3), images, [(0, 8)], 3), 2000)
    for side in (0, 1):  # each still visits every image once in a pass
        for turn in range(100):
            assert sorted(seen[20 * turn : 20 * turn + 20, side]) == list(range(20))
    same = (seen[:, 0] == seen[:, 1]).mean()
    assert abs(same - 1 / 20) < 5 * np.sqrt(1 / 20 * 19 / 20 / 2000)
    table = np.zeros((20, 20))
    np.add.at(table, (seen[:, 0], seen[:, 1]), 1)
    assert chi2_contingency(table).pvalue > 1e-4


def test_the_places_and_turns_of_an_unpaired_stream_are_independent_too(images):
    one = images.only([images.names.index("4")])
    pairs = [UnpairedCrops(Crops(one, [(0, 8)], 0), one, [(0, 8)], 0)[position] for position in range(600)]
    corners = np.array(
        [
            [*levels(pair).reshape(-1, 3).min(0)[:2], *(pair.gt * 255).round().flatten(1).min(1).values[:2].tolist()]
            for pair in pairs
        ]
    )
    assert abs(np.corrcoef(corners.T)[:2, 2:]).max() < 5 / np.sqrt(600)


def test_an_unpaired_crop_keeps_its_own_names_margin_and_size(images, both_sides):
    lq, gt = images, both_sides[4][1]
    stream = UnpairedCrops(Crops(lq, [(0, 32), (6, 64)], 0, margin=4, scale=4), gt, [(0, 32), (6, 64)], 0, turns=False)
    sizes = [(stream[position].image.shape[-1], stream[position].gt.shape[-1]) for position in (0, 5, 6)]
    assert sizes == [(16, 32), (16, 32), (24, 64)]
    assert stream[3].name == Crops(lq, [(0, 32)], 0, scale=4)[3].name and stream[3].position == 3
