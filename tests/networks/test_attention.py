"""SelfAttention: SAGAN's formula, nothing at the start, no matrix of all pairs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.attention import SDPBackend, sdpa_kernel

from gan_bench.networks import SelfAttention


def formula(state: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """Equations 1 to 3 of the paper for one image (C, H, W), position by position."""
    w_g, w_f, w_h, w_v = (state[f"{name}.weight"][..., 0, 0] for name in ("query", "key", "value", "back"))
    flat = x.reshape(len(x), -1)
    out = np.empty_like(flat)
    for j in range(flat.shape[1]):
        s = np.array([(w_f @ flat[:, i]) @ (w_g @ flat[:, j]) for i in range(flat.shape[1])])
        beta = np.exp(s - s.max()) / np.exp(s - s.max()).sum()
        out[:, j] = w_v @ sum(beta[i] * (w_h @ flat[:, i]) for i in range(flat.shape[1]))
    return (state["gamma"] * out + flat).reshape(x.shape)


@settings(max_examples=15, deadline=None)
@given(num_feat=st.sampled_from([1, 8, 24]), height=st.integers(1, 5), width=st.integers(1, 5), seed=st.integers(0, 99))
def test_is_the_formula_of_the_paper(num_feat, height, width, seed):
    torch.manual_seed(seed)
    net, feat = SelfAttention(num_feat).double(), torch.randn(2, num_feat, height, width, dtype=torch.float64)
    for p in net.parameters():
        torch.nn.init.normal_(p)
    state = {name: value.numpy() for name, value in net.state_dict().items()}
    expected = np.stack([formula(state, one) for one in feat.numpy()])
    np.testing.assert_allclose(net(feat).detach().numpy(), expected, rtol=1e-9, atol=1e-9)


def test_starts_as_the_identity_and_gamma_learns():
    net, feat = SelfAttention(16), torch.randn(2, 16, 5, 7)
    assert torch.equal(net(feat), feat)
    net(feat).square().sum().backward()
    assert net.gamma.grad.abs() > 0


def test_channels_inside_are_an_eighth():
    shapes = {name: tuple(p.shape) for name, p in SelfAttention(64).named_parameters()}
    inner = dict.fromkeys(("query.weight", "key.weight", "value.weight"), (8, 64, 1, 1))
    assert shapes == {"gamma": (1,), **inner, "back.weight": (64, 8, 1, 1)}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_kernel_that_stores_no_square_takes_it(dtype):
    net = SelfAttention(32).to(dtype)
    with sdpa_kernel(SDPBackend.FLASH_ATTENTION):  # an error where it could not be used
        net(torch.rand(2, 32, 9, 7, dtype=dtype, requires_grad=True)).sum().backward()
