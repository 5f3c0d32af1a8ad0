"""SRVGGNetCompact: the published weights load and score as published, spandrel and plain functions as references."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from spandrel import ModelLoader

from gan_bench.data import Given, Images
from gan_bench.errors import UsageError
from gan_bench.judge import score_images
from gan_bench.metrics import Suite, aggregate, get_protocol
from gan_bench.networks import SRVGGNetCompact
from gan_bench.restorers import NetworkRestorer, Origin

ACTIVATIONS = {
    "prelu": lambda y, slope: torch.where(y > 0, y, slope[:, None, None] * y),
    "relu": lambda y, _: y.clamp(min=0),
    "leakyrelu": lambda y, _: torch.maximum(y, 0.1 * y),
}


def published_names(num_block: int, activation: str = "prelu") -> list[str]:
    names = []
    for number in range(num_block + 1):
        names += [f"body.{2 * number}.weight", f"body.{2 * number}.bias"]
        names += [f"body.{2 * number + 1}.weight"] * (activation == "prelu")
    return [*names, f"body.{2 * num_block + 2}.weight", f"body.{2 * num_block + 2}.bias"]


def reference(state: dict[str, torch.Tensor], x: torch.Tensor, num_block: int, scale: int, activation: str):
    """The published network as functions of its state dict; the shuffle by indices."""
    y = x
    for at in range(0, 2 * num_block + 3, 2):
        y = F.conv2d(y, state[f"body.{at}.weight"], state[f"body.{at}.bias"], padding=1)
        if at < 2 * num_block + 2:
            y = ACTIVATIONS[activation](y, state.get(f"body.{at + 1}.weight"))
    enlarged = x.repeat_interleave(scale, dim=2).repeat_interleave(scale, dim=3)
    for down in range(scale):
        for right in range(scale):
            enlarged[..., down::scale, right::scale] += y[:, down * scale + right :: scale**2]
    return enlarged


@pytest.mark.parametrize(("num_block", "expected"), [(16, 621_424), (32, 1_213_296)])
def test_parameters_as_published(num_block, expected):
    with torch.device("meta"):
        net = SRVGGNetCompact(num_block=num_block)
    assert sum(p.numel() for p in net.parameters()) == expected


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_state_dict_has_the_published_names_in_order(activation):
    net = SRVGGNetCompact(num_feat=4, num_block=3, activation=activation)
    assert list(net.state_dict()) == published_names(3, activation)


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_arithmetic_is_the_published_one(scale, activation):
    torch.manual_seed(scale)
    net = SRVGGNetCompact(num_feat=6, num_block=2, scale=scale, activation=activation).double()
    for p in net.parameters():  # slopes that differ
        torch.nn.init.normal_(p, std=0.3)
    lq = torch.rand(2, 3, 7, 5, dtype=torch.float64)
    torch.testing.assert_close(net(lq), reference(net.state_dict(), lq, 2, scale, activation))


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_weights_open_in_spandrel_with_equal_output(scale):
    torch.manual_seed(scale)
    net = SRVGGNetCompact(num_feat=8, num_block=3, scale=scale).eval()
    model = ModelLoader().load_from_state_dict(dict(net.state_dict()))
    assert (model.architecture.id, model.scale, model.input_channels) == ("Compact", scale, 3)
    lq = torch.rand(1, 3, 9, 11)
    with torch.no_grad():
        torch.testing.assert_close(net(lq), model.model.eval()(lq))


@pytest.mark.parametrize(
    ("file", "num_block", "psnr", "ssim"),
    [("realesr-general-x4v3.pth", 32, 26.638, 0.8246), ("realesr-animevideov3.pth", 16, 28.220, 0.8256)],
)
def test_published_weights_score_as_published_on_set5(reference, file, num_block, psnr, ssim):
    net = SRVGGNetCompact(num_block=num_block)
    weights = torch.load(reference / "weights" / file, map_location="cpu", weights_only=True)["params"]
    net.load_state_dict(weights, strict=True)
    folder = reference / "data" / "sr" / "Set5_x4"
    lq, gt = (Images((folder / side).glob("*.png"), folder / side, None) for side in ("LR", "HR"))
    suite = Suite(("psnr", "ssim"), get_protocol("y"), 4)
    images, _ = score_images(NetworkRestorer(net, 4, 3, Origin("compact")), Given("set5", lq, gt, None), suite)
    scores, _ = aggregate(images)
    assert len(images) == 5
    assert scores["psnr"] == pytest.approx(psnr, abs=0.01)
    assert scores["ssim"] == pytest.approx(ssim, abs=0.0005)


@settings(max_examples=25, deadline=None)
@given(
    scale=st.integers(1, 5),
    height=st.integers(1, 13),
    width=st.integers(1, 13),
    channels=st.sampled_from([1, 3]),
    num_block=st.integers(0, 2),
)
def test_output_is_scale_times_the_input(scale, height, width, channels, num_block):
    net = SRVGGNetCompact(channels, channels, num_feat=4, num_block=num_block, scale=scale)
    assert net(torch.rand(2, channels, height, width)).shape == (2, channels, scale * height, scale * width)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_input_is_left_as_it_was_and_every_parameter_learns(activation):
    torch.manual_seed(0)
    net, lq = SRVGGNetCompact(num_feat=8, num_block=2, scale=1, activation=activation), torch.rand(2, 3, 6, 6)
    before = lq.clone()
    net(lq).square().mean().backward()
    assert torch.equal(lq, before)
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_refuses_what_it_cannot_do_in_one_line():
    with pytest.raises(UsageError, match=r"^SRVGGNetCompact cannot do scale 0: it has the whole numbers from 1$"):
        SRVGGNetCompact(scale=0)
    with pytest.raises(UsageError, match="3 and 1 channels differ"):
        SRVGGNetCompact(num_out_ch=1)
    with pytest.raises(UsageError, match=r"^SRVGGNetCompact has no activation 'lrelu'; did you mean 'relu'\?$"):
        SRVGGNetCompact(activation="lrelu")
    with pytest.raises(UsageError, match=r"no activation 'gelus'; [^\n]+$"):
        SRVGGNetCompact(activation="gelus")
