"""Feature matching against NumPy in float64; over two processes as of one batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import distributed

from gan_bench.losses import FeatureMatching
from gan_bench.losses.batch_mean import batch_mean

layers = st.lists(st.sampled_from([(2, 3, 4), (5, 1, 1), (1, 6, 2), (4,)]), min_size=1, max_size=4)
numbers = st.floats(-10, 10)


def matching(preds, target):
    """By its words: squared differences of the batch's means, their mean over a layer, the sum of the layers."""
    return sum(np.mean((one.mean(axis=0) - other.mean(axis=0)) ** 2) for one, other in zip(preds, target, strict=True))


@settings(max_examples=40, deadline=None)
@given(data=st.data(), shapes=layers, count=st.integers(1, 5))
def test_it_equals_numpy(data, shapes, count):
    preds, target = (
        [data.draw(hnp.arrays(np.float64, (count, *shape), elements=numbers)) for shape in shapes] for _ in range(2)
    )
    got = FeatureMatching()([torch.from_numpy(one) for one in preds], [torch.from_numpy(one) for one in target])
    assert got.shape == ()
    np.testing.assert_allclose(got.item(), matching(preds, target), rtol=1e-10, atol=1e-12)


def test_only_the_means_count_and_every_image_is_pulled_alike():
    preds = torch.randn(4, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    target = torch.randn(4, 3, 2, 2, dtype=torch.float64)
    loss = FeatureMatching()([preds], [target[[2, 0, 3, 1]]])
    loss.backward()
    expected = 2 * (preds.detach().mean(0) - target.mean(0)) / (4 * 12)
    torch.testing.assert_close(preds.grad, expected.expand(4, -1, -1, -1))


def test_as_many_layers_of_each_are_needed():
    one, two = [torch.zeros(2, 3, 4, 4)], [torch.zeros(2, 3, 4, 4)] * 2
    with pytest.raises(ValueError, match="shorter"):
        FeatureMatching()(two, one)


def test_bfloat16_features_give_the_float32_loss_of_the_same_numbers():
    preds, target = ([torch.randn(8, 16, 5, 5).to(torch.bfloat16)] for _ in range(2))
    got = FeatureMatching()(preds, target)
    assert got.dtype == torch.float32
    assert torch.equal(got, FeatureMatching()([preds[0].float()], [target[0].float()]))


@pytest.mark.parametrize("dim", [None, 0])
def test_alone_the_mean_of_a_batch_is_the_mean(dim):
    values = torch.randn(6, 2, 3, dtype=torch.float64)
    np.testing.assert_allclose(batch_mean(values, dim).numpy(), values.numpy().mean(axis=dim), rtol=1e-12)


def part(rank, folder, whole):
    """One of two processes: the loss of its half of the batch, and the gradient as DDP would hand it on."""
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    preds, target = (one[3 * rank : 3 * rank + 3].clone() for one in whole)
    loss = FeatureMatching()([preds.requires_grad_()], [target])
    loss.backward()
    torch.save({"loss": loss.detach(), "gradient": preds.grad / 2}, f"{folder}/{rank}.pt")
    distributed.destroy_process_group()


def test_two_processes_match_the_means_of_their_joint_batch(tmp_path):
    whole = torch.randn(2, 6, 3, 4, 4, dtype=torch.float64)
    preds, target = whole[0].clone().requires_grad_(), whole[1]
    loss = FeatureMatching()([preds], [target])
    loss.backward()
    torch.multiprocessing.spawn(part, (str(tmp_path), whole), nprocs=2)
    halves = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2)]
    for half in halves:
        torch.testing.assert_close(half["loss"], loss.detach())
    torch.testing.assert_close(torch.cat([half["gradient"] for half in halves]), preds.grad)
