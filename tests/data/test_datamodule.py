"""Training batches: sizes, and lq images that depend on (seed, position) alone."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from gan_bench.batch import Batch, Pair, Sample
from gan_bench.chance import generator
from gan_bench.data.datamodule import DataModule
from gan_bench.data.images import Images
from gan_bench.data.source import Source
from gan_bench.degradations import AsGiven, Bicubic, Degradation
from gan_bench.degradations.ranges import decided


class Noise(Degradation):
    """Gaussian noise of a drawn strength; one seed per sample."""

    def draw(self, rngs, shared=None):
        return [{"sigma": float(rng.uniform(5, 50)), "seed": int(rng.integers(2**31))} for rng in rngs]

    def apply(self, image, draw):
        noisy = [
            one + torch.randn(one.shape, generator=torch.Generator().manual_seed(d["seed"])) * d["sigma"] / 255
            for one, d in zip(image, draw, strict=True)
        ]
        return torch.stack(noisy)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    for number in range(3):
        Image.fromarray(rng.integers(0, 256, (40, 36, 3)).astype(np.uint8)).save(folder / f"{number}.png")
    return Images(folder.glob("*.png"), folder)


def module(images, degradation, batch=4, patches=((0, 16),), steps=3, seed=0, workers=0):
    return DataModule(Source({"train": images}), degradation, batch, patches, steps, seed, workers)


def batches(data, part=0):
    """Those of a training, or of one as many times as long, its part of that number."""
    loader, steps = data.train_dataloader(), data.steps
    loader.sampler.first, loader.sampler.steps = part * steps, (part + 1) * steps
    return list(loader)


def trainer(rank=0, ranks=1, step=0):
    """As much of one as the data ask."""
    strategy = SimpleNamespace(root_device=torch.device("cpu"))
    model = SimpleNamespace(step=step)
    return SimpleNamespace(world_size=ranks, global_rank=rank, strategy=strategy, lightning_module=model)


@pytest.mark.parametrize("scale", [1, 2, 4, 8])
def test_a_sample_becomes_a_batch_with_lq_of_the_right_size(images, scale):
    data = module(images, Bicubic(scale))
    (sample, *_) = batches(data)
    assert isinstance(sample, Sample)
    batch = data.on_after_batch_transfer(sample, 0)
    assert isinstance(batch, Batch)
    assert batch.lq.shape == (4, 3, 16 // scale, 16 // scale)
    assert torch.equal(batch.gt, sample.image)
    assert batch.name == tuple(sample.name)
    assert isinstance(batch.name, tuple)


def test_what_is_no_sample_passes(images):
    batch = Batch(torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 4), ("a",))
    assert module(images, Bicubic(2)).on_after_batch_transfer(batch, 0) is batch


@pytest.mark.parametrize("done", [0, 1, 5, 6])
def test_the_stream_begins_at_the_step_that_the_model_stands_at(images, done):
    data = module(images, Noise(), batch=4, steps=6)
    data.trainer = trainer(step=done)
    positions = [batch.position.tolist() for batch in data.train_dataloader()]
    assert positions == [list(range(first, first + 4)) for first in range(4 * done, 24, 4)]
    assert len(data.train_dataloader()) == 6


def lq_by_position(data, epochs=(0, 1)):
    found = {}
    for epoch in epochs:
        for sample in batches(data, epoch):
            lq = data.on_after_batch_transfer(sample, 0).lq
            found |= dict(zip(sample.position.tolist(), lq, strict=True))
    return found


def assert_same(one, other):
    assert one.keys() == other.keys()
    assert all(torch.equal(one[position], other[position]) for position in one)


def test_same_position_same_lq_whatever_the_batch_the_order_and_the_restart(images):
    whole = lq_by_position(module(images, Noise(), batch=4, steps=3))
    assert_same(lq_by_position(module(images, Noise(), batch=2, steps=6)), whole)
    assert_same(lq_by_position(module(images, Noise(), batch=4, steps=3), epochs=(1, 0)), whole)
    resumed = lq_by_position(module(images, Noise(), batch=4, steps=3), epochs=(1,))
    assert_same(resumed, {position: whole[position] for position in range(12, 24)})


def test_same_position_same_lq_with_worker_processes(images):
    assert_same(
        lq_by_position(module(images, Noise(), workers=2), epochs=(0,)),
        lq_by_position(module(images, Noise()), epochs=(0,)),
    )


def test_positions_and_seeds_draw_differently(images):
    flat = Sample(torch.full((2, 3, 16, 16), 0.5), ["a", "a"], torch.tensor([0, 1]))
    one, other = (module(images, Noise(), seed=seed).on_after_batch_transfer(flat, 0).lq for seed in (0, 1))
    assert not torch.equal(one[0], one[1])
    assert not torch.equal(one[0], other[0])


def test_two_ranks_share_the_batch(images):
    whole, parts = lq_by_position(module(images, Noise()), epochs=(0,)), {}
    for rank in (0, 1):
        data = module(images, Noise())
        data.trainer = trainer(rank, 2)
        share = lq_by_position(data, epochs=(0,))
        assert len(share) == 6
        parts |= share
    assert_same(dict(sorted(parts.items())), whole)


def test_the_patch_of_a_stage_begins_at_its_step(images):
    data = module(images, Bicubic(2), patches=[(0, 8), (2, 16)])
    assert [sample.image.shape[-1] for sample in batches(data)] == [8, 8, 16]


class Shifted(Degradation):
    """Each lq pixel is the mean of gt pixels up to 4 to its right, so that a border would show."""

    margin = 4

    def draw(self, rngs, shared=None):
        return [{"by": by} for by in decided(rngs, shared, lambda rng: 1 + int(rng.integers(4)))]

    def on_pixels(self, pixels, drawn, lq_size):
        return np.ascontiguousarray((pixels + np.roll(pixels, -drawn["by"], axis=1)) / 2)


def test_the_margin_is_degraded_and_cut_off(images):
    data = module(images, Shifted())
    (sample, *_) = batches(data)
    assert sample.image.shape[-1] == 24
    batch = data.on_after_batch_transfer(sample, 0)
    assert torch.equal(batch.gt, sample.image[..., 4:-4, 4:-4]) and batch.lq.shape == batch.gt.shape
    for lq, image, position in zip(batch.lq, sample.image, sample.position, strict=True):
        by = 1 + int(generator("degradation", 0, int(position)).integers(4))
        expected = (image[:, 4:-4, 4:-4] + image[:, 4:-4, 4 + by : 20 + by]) / 2
        torch.testing.assert_close(lq, expected, atol=1e-6, rtol=0)


def test_a_degradation_of_batch_granularity_shares_its_draws_in_a_step_over_all_ranks(images):
    degradation = Shifted()
    degradation.granularity = "batch"
    drawn = []
    degradation.apply = lambda image, draw: drawn.append([one["by"] for one in draw]) or image
    whole = batches(module(images, degradation, batch=4, steps=6))
    for sample in whole:
        module(images, degradation, batch=4).on_after_batch_transfer(sample, 0)
    assert all(len(set(step)) == 1 for step in drawn) and len({step[0] for step in drawn}) > 1
    alone, drawn[:] = list(drawn), []
    for sample in whole:
        half = Sample(sample.image[2:], sample.name[2:], sample.position[2:])
        module(images, degradation, batch=4).on_after_batch_transfer(half, 0)
    assert [step[0] for step in drawn] == [step[0] for step in alone]


def pooled(images, rank=0, ranks=1):
    data = DataModule(Source({"train": images}), Bicubic(4), 4, ((0, 16),), 3, 0, pool=8)
    data.trainer = trainer(rank, ranks)
    data.setup("fit")
    return data


def test_a_pool_is_filled_saved_and_gone_on_with(images):
    data, again = pooled(images), pooled(images)
    samples = batches(module(images, Bicubic(4), steps=9))
    for sample in samples[:5]:
        data.on_after_batch_transfer(sample, 0)
    again.load_state_dict(data.state_dict())
    for sample in samples[5:]:
        ours, theirs = (one.on_after_batch_transfer(sample, 0) for one in (data, again))
        assert torch.equal(ours.gt, theirs.gt) and ours.name == theirs.name
        assert not torch.equal(ours.gt, sample.image)


def test_a_pool_of_another_number_of_processes_fills_anew_and_says_so(images, caplog):
    data, other = pooled(images), pooled(images, ranks=2)
    for sample in batches(module(images, Bicubic(4))):
        data.on_after_batch_transfer(sample, 0)
    assert data.state_dict()["pools"][0]["pairs"]
    other.load_state_dict(data.state_dict())
    assert not other.pool.pairs
    assert "fills anew: there were 1 processes, now there are 2" in caplog.text


def test_another_batch_is_said(images, caplog):
    one, other = module(images, Bicubic(4), batch=4), module(images, Bicubic(4), batch=2)
    one.load_state_dict(one.state_dict())
    assert not caplog.text
    other.load_state_dict(one.state_dict())
    assert "goes on with batch 2, before 4: the result is no longer that of an undisturbed run" in caplog.text


# Two sides


@pytest.fixture(scope="module")
def lq_of(images, tmp_path_factory):
    """By scale, an lq of each image: its pixels upside down in value, every s-th of them."""
    found = {}
    for scale in (1, 2):
        folder = tmp_path_factory.mktemp(f"lq{scale}")
        for name, pixels in zip(images.names, images, strict=True):
            Image.fromarray(255 - pixels[::scale, ::scale]).save(folder / f"{name}.png")
        found[scale] = {"train": Images(folder.glob("*.png"), folder)}
    return found


def of_pairs(images, lq, degradation, batch=4, steps=3, **settings):
    pool = settings.pop("pool", None)
    return DataModule(Source({"train": images}, 3, lq, **settings), degradation, batch, ((0, 16),), steps, 0, 0, pool)


@pytest.mark.parametrize("scale", [1, 2])
def test_what_is_given_comes_through_untouched(images, lq_of, scale):
    data = of_pairs(images, lq_of[scale], AsGiven(scale))
    for sample in batches(data):
        assert isinstance(sample, Pair)
        batch = data.on_after_batch_transfer(sample, 0)
        assert isinstance(batch, Batch)
        assert torch.equal(batch.lq, sample.image) and torch.equal(batch.gt, sample.gt)
        assert batch.lq.shape == (4, 3, 16 // scale, 16 // scale) and batch.gt.shape == (4, 3, 16, 16)
        assert batch.name == tuple(sample.name) and set(batch.name) <= set(images.names)
    if scale == 1:
        torch.testing.assert_close(batch.lq, 1 - batch.gt)  # the same place, turned the same way


def test_pairs_under_another_degradation_are_made_from_gt(images, lq_of):
    made, plain = (of_pairs(images, lq, Bicubic(2)) for lq in (lq_of[2], None))
    for one, other in zip(batches(made), batches(plain), strict=True):
        ours, theirs = made.on_after_batch_transfer(one, 0), plain.on_after_batch_transfer(other, 0)
        assert torch.equal(ours.lq, theirs.lq) and torch.equal(ours.gt, theirs.gt)


@pytest.mark.parametrize("degradation", [Bicubic(2), Noise(), Shifted()], ids=["bicubic", "noise", "with a margin"])
def test_unpaired_training_degrades_the_one_side_and_leaves_the_other(images, degradation):
    data = of_pairs(images, None, degradation, unpaired=True)
    for pair in batches(data):
        batch = data.on_after_batch_transfer(pair, 0)
        rngs = [generator("degradation", 0, position) for position in pair.position.tolist()]
        whole, cut = degradation.apply(pair.image, degradation.draw(rngs)), degradation.margin // degradation.scale
        expected = whole[..., cut : whole.shape[-2] - cut, cut : whole.shape[-1] - cut]
        assert torch.equal(batch.lq, expected) and torch.equal(batch.gt, pair.gt)
        assert batch.gt.shape == (4, 3, 16, 16) and batch.lq.shape[-1] == 16 // degradation.scale


def test_a_pool_keeps_pairs_together_whether_given_or_not(images, lq_of):
    data = of_pairs(images, lq_of[1], AsGiven(), steps=9, pool=8)
    samples = batches(data)
    mixed = [data.on_after_batch_transfer(sample, 0) for sample in samples]
    assert len(data.pool.pairs) == 8
    assert not torch.equal(mixed[-1].gt, samples[-1].gt)
    for batch in mixed:
        torch.testing.assert_close(batch.lq, 1 - batch.gt, atol=1e-6, rtol=0)


def test_two_ranks_share_a_batch_of_pairs(images, lq_of):
    whole, parts = batches(of_pairs(images, lq_of[1], AsGiven())), []
    for rank in (0, 1):
        data = of_pairs(images, lq_of[1], AsGiven())
        data.trainer = trainer(rank, 2)
        parts.append(batches(data))
    for one, first, second in zip(whole, *parts, strict=True):
        assert torch.equal(one.image, torch.cat([first.image, second.image]))
        assert torch.equal(one.gt, torch.cat([first.gt, second.gt]))
        assert [*first.name, *second.name] == list(one.name)
