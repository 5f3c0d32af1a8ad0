"""PatchDiscriminator: the published counts, names and arithmetic; how far one logit sees."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_bench.errors import UsageError
from gan_bench.networks import PatchDiscriminator

NORMS = ("batch", "instance", "spectral", "none")
NUMBERS = (0, 2, 5, 8, 11)  # of the convolutions in `model` with three strided ones


def reference(state: dict[str, torch.Tensor], x: torch.Tensor, norm: str) -> torch.Tensor:
    """The network of three strided convolutions as functions of its state dict, batch norm as in training."""
    for number, stride in zip(NUMBERS, (2, 2, 2, 1, 1), strict=True):
        at = f"model.{number}"
        if norm == "spectral":
            weight = state[f"{at}.weight_orig"]
            weight = weight / (state[f"{at}.weight_u"] @ weight.flatten(1) @ state[f"{at}.weight_v"])
        else:
            weight = state[f"{at}.weight"]
        x = F.conv2d(x, weight, state.get(f"{at}.bias"), stride=stride, padding=1)
        if norm in ("batch", "instance") and 0 < number < 11:
            over = (0, 2, 3) if norm == "batch" else (2, 3)
            var, mean = torch.var_mean(x, over, correction=0, keepdim=True)
            x = (x - mean) / torch.sqrt(var + 1e-5)
            if norm == "batch":
                gamma, beta = (state[f"model.{number + 1}.{kind}"][:, None, None] for kind in ("weight", "bias"))
                x = gamma * x + beta
        if number < 11:
            x = torch.where(x > 0, x, 0.2 * x)
    return x


@pytest.mark.parametrize(("kwargs", "expected"), [({}, 2_764_737), ({"num_in_ch": 6, "norm": "batch"}, 2_768_705)])
def test_parameters_as_published(kwargs, expected):
    with torch.device("meta"):
        net = PatchDiscriminator(**kwargs)
    assert sum(p.numel() for p in net.parameters()) == expected


@pytest.mark.parametrize("norm", NORMS)
def test_state_dict_has_the_published_names_in_order(norm):
    names = []
    for number in NUMBERS:
        inner = 0 < number < 11
        kinds = ["bias", "weight_orig", "weight_u", "weight_v"] if norm == "spectral" else ["weight", "bias"]
        if norm == "batch" and inner:
            kinds = ["weight"]
        names += [f"model.{number}.{kind}" for kind in kinds]
        if norm == "batch" and inner:
            kinds = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
            names += [f"model.{number + 1}.{kind}" for kind in kinds]
    state = PatchDiscriminator(num_feat=4, norm=norm).state_dict()
    assert list(state) == names
    PatchDiscriminator(num_feat=4, norm=norm).load_state_dict(state, strict=True)


@pytest.mark.parametrize(("num_block", "widths"), [(1, [1, 2]), (3, [1, 2, 4, 8]), (5, [1, 2, 4, 8, 8, 8])])
def test_widths_double_up_to_eight_times(num_block, widths):
    convs = [m for m in PatchDiscriminator(num_feat=3, num_block=num_block).modules() if isinstance(m, torch.nn.Conv2d)]
    assert [conv.out_channels for conv in convs] == [*(3 * width for width in widths), 1]
    assert [conv.stride[0] for conv in convs] == [2] * num_block + [1, 1]


@pytest.mark.parametrize("norm", NORMS)
def test_arithmetic_is_the_published_one(norm):
    torch.manual_seed(0)
    net = PatchDiscriminator(num_feat=4, norm=norm).double()
    for name, p in net.named_parameters():  # a batch norm that does something
        torch.nn.init.normal_(p, mean=1.0 if p.ndim == 1 and "weight" in name else 0.1, std=0.2)
    image = torch.rand(3, 3, 40, 33, dtype=torch.float64)
    logits = net(image)
    assert logits.shape == (3, 1, 3, 2)
    torch.testing.assert_close(logits, reference(net.state_dict(), image, norm))


@pytest.mark.parametrize("channels", [1, 3, 6])
def test_signed_shows_the_image_between_minus_one_and_one(channels):
    torch.manual_seed(0)
    net = PatchDiscriminator(channels, num_feat=4, norm="none", signed=True).double()
    image = torch.rand(2, channels, 32, 40, dtype=torch.float64)
    before = image.clone()
    torch.testing.assert_close(net(image), reference(net.state_dict(), image * 2 - 1, "none"))
    assert torch.equal(image, before)


@pytest.mark.parametrize(("num_block", "field"), [(1, 16), (2, 34), (3, 70)])
def test_one_logit_sees_as_many_pixels_as_published(num_block, field):
    torch.manual_seed(0)
    net = PatchDiscriminator(num_feat=4, num_block=num_block, norm="none").double()
    image = torch.rand(1, 3, 160, 144, dtype=torch.float64, requires_grad=True)
    logits = net(image)
    logits[0, 0, logits.shape[2] // 2, logits.shape[3] // 2].backward()
    seen = image.grad.abs().sum(dim=(0, 1)) > 0
    for axis in (0, 1):
        where = seen.any(dim=axis).nonzero().flatten()
        assert where[0] > 0 and where[-1] + 1 < seen.shape[1 - axis], "cut off by the border"
        assert where[-1] - where[0] + 1 == field
    assert seen.sum() == field**2


@settings(max_examples=25, deadline=None)
@given(
    num_block=st.integers(1, 3),
    height=st.integers(0, 20),
    width=st.integers(0, 20),
    channels=st.sampled_from([1, 3, 6]),
    norm=st.sampled_from(NORMS),
)
def test_every_image_from_the_smallest_has_its_map(num_block, height, width, channels, norm):
    stride = 2**num_block
    height, width = height + 3 * stride, width + 3 * stride
    net = PatchDiscriminator(channels, num_feat=2, num_block=num_block, norm=norm)
    logits = net(torch.rand(1, channels, height, width))
    assert logits.shape == (1, 1, height // stride - 2, width // stride - 2)
    assert torch.isfinite(logits).all()


@pytest.mark.parametrize(("num_block", "size"), [(3, (23, 64)), (3, (64, 23)), (1, (5, 5)), (2, (1, 1))])
def test_a_smaller_image_is_one_error_naming_both_sizes(num_block, size):
    least = 3 * 2**num_block
    with pytest.raises(ValueError, match=rf"^[^\n]* at least {least} x {least} pixels and got {size[0]} x {size[1]}: "):
        PatchDiscriminator(num_feat=2, num_block=num_block)(torch.rand(1, 3, *size))


@pytest.mark.parametrize("norm", NORMS)
def test_gradient_of_two_judgements_reaches_every_weight_and_the_image(norm):
    torch.manual_seed(0)
    net, real = PatchDiscriminator(num_feat=4, norm=norm), torch.rand(2, 3, 48, 48)
    fake = torch.rand(2, 3, 48, 48, requires_grad=True)
    (net(real).square().mean() + net(fake).square().mean()).backward()
    weights = [p for name, p in net.named_parameters() if "weight" in name]
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in (*weights, fake))


def test_the_image_is_left_as_it_was():
    image = torch.rand(1, 3, 32, 32)
    before = image.clone()
    PatchDiscriminator(num_feat=2, norm="none")(image)
    assert torch.equal(image, before)


@pytest.mark.parametrize("norm", NORMS)
def test_initialisation_is_the_default(norm):
    torch.manual_seed(0)
    net = PatchDiscriminator(num_feat=32, norm=norm)
    for module in net.modules():
        if isinstance(module, torch.nn.Conv2d):
            weight = getattr(module, "weight_orig", module.weight)
            bound = 1 / math.sqrt(weight[0].numel())  # PyTorch's: uniform within 1 / sqrt(fan_in)
            assert 0.98 * bound < weight.abs().max() <= bound
            assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=5 / math.sqrt(2 * weight.numel()))
            assert module.bias is None or 0 < module.bias.abs().max() <= bound
        elif isinstance(module, torch.nn.BatchNorm2d):
            assert (module.weight == 1).all() and not module.bias.any()


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("std", [0.02, 0.1])
def test_initialisation_of_the_papers_is_an_option(norm, std):
    torch.manual_seed(0)
    net = PatchDiscriminator(num_feat=32, norm=norm, init_std=std)
    for name, p in net.named_parameters():
        if name.endswith("bias"):
            assert not p.any(), name
        else:
            mean = 1 if p.ndim == 1 else 0
            assert p.mean().item() == pytest.approx(mean, abs=5 * std / math.sqrt(p.numel())), name
            assert p.std().item() == pytest.approx(std, rel=5 / math.sqrt(2 * p.numel())), name
            beyond = ((p - mean).abs() > 2 * std).double().mean().item()  # of a normal distribution, 4.55%
            assert beyond == pytest.approx(0.0455, abs=5 * math.sqrt(0.0455 / p.numel())), name


def test_refuses_what_it_cannot_do_in_one_line():
    with pytest.raises(UsageError, match=r"^PatchDiscriminator has no norm 'instanse'; did you mean 'instance'\?$"):
        PatchDiscriminator(norm="instanse")
    with pytest.raises(UsageError, match=r"^PatchDiscriminator cannot have num_block=0: [^\n]+ from 1$"):
        PatchDiscriminator(num_block=0)
