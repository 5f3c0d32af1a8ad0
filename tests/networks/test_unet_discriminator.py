"""UNetDiscriminatorSN: BasicSR's names, count and arithmetic; spectral norm by NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_bench.networks import UNetDiscriminatorSN

NORMED = [f"conv{number}" for number in range(1, 9)]


def small(num_in_ch: int = 3) -> UNetDiscriminatorSN:
    torch.manual_seed(0)
    return UNetDiscriminatorSN(num_in_ch, num_feat=4).double()


def image(*size: int, channels: int = 3) -> torch.Tensor:
    return torch.rand(2, channels, *size, dtype=torch.float64)


def unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def as_arrays(net: UNetDiscriminatorSN, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The weight as a matrix of one row for each output channel, and the two vectors; copies."""
    weight, u, v = (net.state_dict()[f"{name}.weight_{kind}"].numpy().copy() for kind in ("orig", "u", "v"))
    return weight.reshape(len(weight), -1), u, v


def reference(state: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """The published network as functions of its state dict, in evaluation mode, for sides that are multiples of 8."""

    def conv(number, y, stride=1):
        weight = state[f"conv{number}.weight_orig"]
        sigma = state[f"conv{number}.weight_u"] @ weight.flatten(1) @ state[f"conv{number}.weight_v"]
        return F.leaky_relu(F.conv2d(y, weight / sigma, stride=stride, padding=1), 0.2)

    def up(y):
        return F.interpolate(y, size=(2 * y.shape[2], 2 * y.shape[3]), mode="bilinear", align_corners=False)

    x0 = F.leaky_relu(F.conv2d(x, state["conv0.weight"], state["conv0.bias"], padding=1), 0.2)
    x1 = conv(1, x0, 2)
    x2 = conv(2, x1, 2)
    x3 = conv(3, x2, 2)
    x4 = conv(4, up(x3)) + x2
    x5 = conv(5, up(x4)) + x1
    x6 = conv(6, up(x5)) + x0
    return F.conv2d(conv(8, conv(7, x6)), state["conv9.weight"], state["conv9.bias"], padding=1)


def test_parameters_as_published():
    with torch.device("meta"):
        net = UNetDiscriminatorSN()
    assert sum(p.numel() for p in net.parameters()) == 4_376_897


def test_state_dict_has_the_published_names_and_shapes():
    with torch.device("meta"):
        state = UNetDiscriminatorSN().state_dict()
    shapes = {"conv0.weight": (64, 3, 3, 3), "conv0.bias": (64,)}
    channels = 64
    for name, width, kernel in zip(NORMED, (128, 256, 512, 256, 128, 64, 64, 64), (4,) * 3 + (3,) * 5, strict=True):
        shapes[f"{name}.weight_orig"] = (width, channels, kernel, kernel)
        shapes[f"{name}.weight_u"], shapes[f"{name}.weight_v"] = (width,), (channels * kernel**2,)
        channels = width
    shapes |= {"conv9.weight": (1, 64, 3, 3), "conv9.bias": (1,)}
    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == shapes


def test_a_file_without_metadata_loads_and_judges_alike(tmp_path):
    net, x = small(), image(16, 16)
    net(x)
    torch.save({"params": dict(net.state_dict())}, tmp_path / "net_d.pth")
    other = UNetDiscriminatorSN(num_feat=4).double()
    other.load_state_dict(torch.load(tmp_path / "net_d.pth", weights_only=True)["params"], strict=True)
    assert torch.equal(other.eval()(x), net.eval()(x))


@pytest.mark.parametrize("channels", [1, 3])
def test_arithmetic_is_the_published_one(channels):
    net, x = small(channels), image(24, 16, channels=channels)
    for _ in range(3):
        net(x)
    torch.testing.assert_close(net.eval()(x), reference(net.state_dict(), x))


def test_a_forward_in_training_is_one_power_iteration():
    net = small()
    before = {name: as_arrays(net, name) for name in NORMED}
    net(image(8, 8))
    for name in NORMED:
        weight, u, _ = before[name]
        v = unit(weight.T @ u)
        u = unit(weight @ v)
        after, u_after, v_after = as_arrays(net, name)
        np.testing.assert_array_equal(after, weight)
        np.testing.assert_allclose(u_after, u, atol=1e-12)
        np.testing.assert_allclose(v_after, v, atol=1e-12)
        effective = net.get_submodule(name).weight.detach().numpy().reshape(weight.shape)
        np.testing.assert_allclose(effective, weight / (u @ weight @ v), rtol=1e-10)


def test_after_many_forwards_the_largest_singular_value_is_one():
    net, x = small(), image(8, 8)
    with torch.no_grad():
        for _ in range(600):
            net(x)
    for name in NORMED:
        weight, u, v = as_arrays(net, name)
        assert u @ weight @ v == pytest.approx(np.linalg.svd(weight, compute_uv=False)[0], rel=1e-6), name
        effective = net.get_submodule(name).weight.numpy().reshape(weight.shape)
        assert np.linalg.norm(effective, 2) == pytest.approx(1, rel=1e-6), name


def test_a_judgement_in_evaluation_mode_changes_nothing():
    net, x = small().eval(), image(8, 8)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    assert torch.equal(net(x), net(x))
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())


@settings(max_examples=25, deadline=None)
@given(height=st.integers(1, 21), width=st.integers(1, 21))
def test_any_size_is_padded_and_its_logits_cropped(height, width):
    net, x = small().eval(), image(height, width)
    below, right = -height % 8, -width % 8
    padded = np.pad(x.numpy(), ((0, 0), (0, 0), (0, below), (0, right)), mode="reflect")
    logits = net(x)
    assert logits.shape == (2, 1, height, width)
    torch.testing.assert_close(logits, reference(net.state_dict(), torch.from_numpy(padded))[..., :height, :width])


def test_gradient_of_two_judgements_reaches_every_parameter_and_the_image():
    net, real, fake = small(), image(16, 24), image(16, 24).requires_grad_()
    (net(real).square().mean() + net(fake).square().mean()).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in (*net.parameters(), fake))


def test_the_gradient_is_that_of_the_divided_weight():
    """Against a finite difference along one weight, u and v held: sigma depends on the weight as well."""
    net, x = small().eval(), image(8, 8)
    state = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    net(x).sum().backward()
    step, entry = 1e-6, (1, 2, 3, 0)
    sums = []
    for sign in (1, -1):
        moved = {name: tensor.clone() for name, tensor in state.items()}
        moved["conv2.weight_orig"][entry] += sign * step
        sums.append(reference(moved, x).sum().item())
    expected = (sums[0] - sums[1]) / (2 * step)
    assert net.conv2.weight_orig.grad[entry].item() == pytest.approx(expected, rel=1e-4)


def test_the_image_is_left_as_it_was():
    x = image(16, 16)
    before = x.clone()
    small()(x)
    assert torch.equal(x, before)
