"""The pool of training pairs against a plain queue; that it is kept, sized and seeded."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_bench.batch import Batch
from gan_bench.data.pool import PairPool
from gan_bench.errors import UsageError


def batch(number, count=4, size=8):
    """Pairs that know who they are: sample i of batch n has the level 10 n + i, in lq and gt."""
    levels = (torch.arange(count) + 10 * number).view(count, 1, 1, 1) / 255
    names = tuple(f"{number}.{index}" for index in range(count))
    return Batch(levels.expand(count, 3, size // 4, size // 4), levels.expand(count, 3, size, size), names)


def levels(made):
    assert torch.equal(made.lq[:, 0, 0, 0], made.gt[:, 0, 0, 0])
    return [round(float(level) * 255) for level in made.gt[:, 0, 0, 0]]


@settings(max_examples=30, deadline=None)
@given(size=st.integers(1, 30), count=st.integers(1, 5), seed=st.integers(0, 3))
def test_nothing_is_lost_or_doubled(size, count, seed):
    pool, given_in, got = PairPool(size, seed), [], []
    for step in range(12):
        new = batch(step, count)
        given_in += levels(new)
        got += levels(pool.exchange(new, step))
    full = -(-size // count) * count
    kept = [int(gt[0, 0, 0]) for _, gt, _ in pool.pairs]
    assert len(pool.pairs) == min(full, 12 * count)
    passed = given_in[:full]  # the first batches go in and through
    assert sorted(got + kept) == sorted(given_in + passed)


def test_a_batch_out_of_a_full_pool_is_mixed_and_names_stay_with_their_pairs():
    pool = PairPool(40, 0)
    for step in range(10):
        assert levels(pool.exchange(batch(step), step)) == levels(batch(step))
    sources = set()
    for step in range(10, 20):
        made = pool.exchange(batch(step), step)
        for level, name in zip(levels(made), made.name, strict=True):
            assert level == 10 * int(name.split(".")[0]) + int(name.split(".")[1])
        sources.add(len({level // 10 for level in levels(made)}))
    assert max(sources) > 1


def test_pairs_are_kept_in_eight_bit():
    pool = PairPool(4, 0)
    pool.exchange(batch(0), 0)
    assert {image.dtype for lq, gt, _ in pool.pairs for image in (lq, gt)} == {torch.uint8}
    made = pool.exchange(batch(1), 1)
    assert made.gt.dtype == torch.float32 and sorted(levels(made)) == [0, 1, 2, 3]


def test_a_pool_goes_on_from_its_state():
    first, second = PairPool(8, 1), PairPool(8, 1)
    for step in range(5):
        first.exchange(batch(step), step)
    second.load_state_dict(first.state_dict())
    for step in range(5, 9):
        assert levels(first.exchange(batch(step), step)) == levels(second.exchange(batch(step), step))


def test_another_patch_empties_the_pool():
    pool = PairPool(4, 0)
    pool.exchange(batch(0), 0)
    made = pool.exchange(batch(1, size=16), 1)
    assert levels(made) == levels(batch(1)) and pool.pairs[0][1].shape == (3, 16, 16)


@pytest.mark.parametrize(("size", "count", "full"), [(180, 48, 192), (180, 12, 180), (1, 4, 4)])
def test_its_size_rounds_up_to_a_multiple_of_the_batch(size, count, full):
    pool = PairPool(size, 0)
    for step in range(20):
        pool.exchange(batch(step, count), step)
    assert len(pool.pairs) == full


def test_what_it_saves_is_its_pairs_alone(tmp_path):
    pool = PairPool(48, 0)
    for step in range(60):
        pool.exchange(batch(step, 12), step)
    torch.save(pool.state_dict(), tmp_path / "pool.pt")
    assert (tmp_path / "pool.pt").stat().st_size < 48 * 2000


@pytest.mark.parametrize("size", [0, -5, 1.5, "many", True])
def test_a_size_that_is_none_is_refused(size):
    with pytest.raises(UsageError, match=f"pool={size}"):
        PairPool(size, 0)


def test_each_process_has_a_choice_of_its_own():
    pools = [PairPool(40, 0, rank) for rank in (0, 1)]
    for step in range(10):
        for pool in pools:
            pool.exchange(batch(step), step)
    first, second = (levels(pool.exchange(batch(10), 10)) for pool in pools)
    assert first != second
