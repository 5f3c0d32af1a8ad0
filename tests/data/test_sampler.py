"""The endless stream: which image each position takes, how it is cut and turned, whoever asks and when."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch.utils.data import DataLoader

from gan_bench.data.images import Images
from gan_bench.data.sampler import Crops, PositionSampler
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


@given(st.integers(1, 20), st.integers(1, 4), st.integers(0, 5))
def test_ranks_share_what_one_process_would_see(steps, share, epoch):
    for ranks in (1, 2, 4):
        batch = 4 * share
        samplers = [PositionSampler(steps, batch, rank, ranks) for rank in range(ranks)]
        for sampler in samplers:
            sampler.set_epoch(epoch)
        seen = [list(sampler) for sampler in samplers]
        assert all(len(one) == len(sampler) for one, sampler in zip(seen, samplers, strict=True))
        size = batch // ranks
        for step in range(steps):
            together = [position for one in seen for position in one[step * size : (step + 1) * size]]
            first = (epoch * steps + step) * batch
            assert together == list(range(first, first + batch))


def test_one_by_eight_and_two_by_four_see_the_same_samples(crops):
    def batches(rank, ranks):
        loader = DataLoader(crops, 8 // ranks, sampler=PositionSampler(3, 8, rank, ranks))
        return list(loader)

    for whole, *parts in zip(batches(0, 1), batches(0, 2), batches(1, 2), strict=True):
        assert torch.equal(whole.image, torch.cat([part.image for part in parts]))
        assert list(whole.name) == [name for part in parts for name in part.name]
        assert whole.position.tolist() == [int(position) for part in parts for position in part.position]


@given(st.integers(1, 10), st.integers(1, 8), st.integers(1, 6))
def test_an_epoch_goes_on_where_the_last_one_ended(steps, batch, epochs):
    sampler, seen = PositionSampler(steps, batch), []
    for epoch in range(epochs):
        sampler.set_epoch(epoch)
        seen += list(sampler)
    assert seen == list(range(steps * batch * epochs))


def test_without_set_epoch_the_same_epoch_comes_again():
    sampler = PositionSampler(2, 3)
    assert list(sampler) == list(sampler) == list(range(6))


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
        sampler = PositionSampler(4, 4)
        sampler.set_epoch(2)
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
