"""The history of generated images against NumPy; that nothing is lost, and that it goes on as it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_bench import chance
from gan_bench.errors import UsageError
from gan_bench.models import ImagePool

STEPS = 25


def images(step, count, size=4):
    """Images that know who they are: the i-th of a step has the level 100 * step + i."""
    levels = torch.arange(count, dtype=torch.float32) + 100 * step
    return levels.view(count, 1, 1, 1).expand(count, 3, size, size).clone()


def levels(images):
    assert all((image == image[0, 0, 0]).all() for image in images)
    return [int(image[0, 0, 0]) for image in images]


def reference(size, count, *key, rank=0):
    """Levels that are judged in each step, and those that are held at last."""
    held, judged = [], []
    for step in range(STEPS):
        rng = chance.generator("image pool", *key, step, rank)
        out = np.arange(count) + 100 * step
        for place, level in enumerate(out.copy()):
            if len(held) < size:
                held.append(level)
            elif size > 0 and rng.random() < 0.5:
                old = rng.integers(size)
                out[place], held[old] = held[old], level
        judged.append(out.tolist())
    return judged, held


def walk(pool, count, rank=0):
    return [levels(pool.exchange(images(step, count), step, rank)) for step in range(STEPS)]


@settings(max_examples=40, deadline=None)
@given(size=st.integers(0, 12), count=st.integers(1, 6), seed=st.integers(0, 3), rank=st.integers(0, 2))
def test_what_is_judged_and_held_equals_numpy(size, count, seed, rank):
    pool = ImagePool(size, "restored", seed)
    judged, held = reference(size, count, "restored", seed, rank=rank)
    assert walk(pool, count, rank) == judged
    assert levels(pool.images) == held


@settings(max_examples=40, deadline=None)
@given(size=st.integers(0, 12), count=st.integers(1, 6), seed=st.integers(0, 3))
def test_nothing_is_lost_or_doubled(size, count, seed):
    pool = ImagePool(size, "restored", seed)
    judged = [level for batch in walk(pool, count) for level in batch]
    given_in = [100 * step + place for step in range(STEPS) for place in range(count)]
    kept_and_judged = given_in[:size]  # the first go in and through
    assert sorted(judged + levels(pool.images)) == sorted(given_in + kept_and_judged)
    assert judged[:size] == given_in[:size] and len(pool.images) == min(size, STEPS * count)


def test_of_a_full_pool_about_half_are_old_and_some_are_very_old():
    pool = ImagePool(50, "restored", 0)
    old, ages = 0, []
    for step in range(1050):
        (level,) = levels(pool.exchange(images(step, 1), step))
        if step >= 50:
            old += level != 100 * step
            ages.append(step - level // 100)
    assert 0.45 < old / 1000 < 0.55
    assert 35 < np.mean(ages) < 65 and max(ages) > 200  # half of the images wait for 100 steps on average


def test_a_pool_of_none_gives_back_what_it_is_given():
    pool = ImagePool(0, "restored", 0)
    assert walk(pool, 3) == [[100 * step + place for place in range(3)] for step in range(STEPS)]
    assert pool.images == []


def test_images_of_another_size_are_forgotten():
    pool = ImagePool(4, "restored", 0)
    for step in range(8):
        pool.exchange(images(step, 2), step)
    assert levels(pool.exchange(images(8, 2, size=6), 8)) == [800, 801]
    assert [image.shape for image in pool.images] == [(3, 6, 6)] * 2


def test_what_is_drawn_is_a_function_of_step_name_seed_and_rank():
    def at_step_30(*key, rank=0, wanderings=0):
        pool = ImagePool(20, *key)
        pool.exchange(images(0, 20), 0)
        for _ in range(wanderings):
            pool.exchange(images(0, 20), 7)
            pool.restore(list(images(0, 20)))
        return levels(pool.exchange(images(30, 20), 30, rank))

    assert at_step_30("restored", 0) == at_step_30("restored", 0, wanderings=3)
    others = [at_step_30("degraded", 0), at_step_30("restored", 1), at_step_30("restored", 0, rank=1)]
    assert at_step_30("restored", 0) not in others


def test_a_pool_goes_on_from_its_state_to_the_last_bit():
    first, second = ImagePool(6, "restored", 1), ImagePool(6, "restored", 1)
    generator = torch.Generator().manual_seed(0)
    batches = torch.rand(12, 4, 3, 5, 5, generator=generator)
    for step in range(6):
        first.exchange(batches[step], step)
    second.restore(first.state())
    for step in range(6, 12):
        assert torch.equal(first.exchange(batches[step], step), second.exchange(batches[step], step))
    assert all(torch.equal(*pair) for pair in zip(first.state(), second.state(), strict=True))


def test_what_is_held_does_not_change_with_what_was_given():
    pool, batch = ImagePool(2, "restored", 0), images(0, 2)
    judged = pool.exchange(batch, 0)
    batch.zero_()
    judged.zero_()
    assert levels(pool.images) == [0, 1]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_older_images_take_the_type_of_the_new(dtype):
    pool = ImagePool(2, "restored", 0)
    pool.exchange(images(0, 2), 0)
    assert pool.exchange(images(1, 8).to(dtype), 1).dtype == dtype


@pytest.mark.parametrize("size", [-1, 1.5, "many", True, None])
def test_a_size_that_is_none_is_refused(size):
    with pytest.raises(UsageError, match=rf"model\.buffer={size}: a whole number"):
        ImagePool(size, "restored", 0)
