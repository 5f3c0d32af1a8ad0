"""ResNetGenerator: the published counts, names and arithmetic, with both norms, with and without dropout."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_bench.errors import UsageError
from gan_bench.networks import ResNetGenerator

BATCH = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
VARIANTS = [(norm, dropout) for norm in ("instance", "batch") for dropout in (0.0, 0.5)]


def names(norm: str, dropout: float, num_block: int) -> list[str]:
    """Those of pytorch-CycleGAN-and-pix2pix, in order: a convolution, and what a batch norm behind it has."""
    second = 6 if dropout else 5
    blocks = [f"model.{10 + n}.conv_block.{at}" for n in range(num_block) for at in (1, second)]
    convs = ["model.1", "model.4", "model.7", *blocks, f"model.{10 + num_block}", f"model.{13 + num_block}"]
    listed = []
    for conv in convs:
        before, _, at = conv.rpartition(".")
        behind = [f"{before}.{int(at) + 1}.{kind}" for kind in BATCH]
        listed += [f"{conv}.weight", *([f"{conv}.bias"] if norm == "instance" else behind)]
    return [*listed, f"model.{17 + num_block}.weight", f"model.{17 + num_block}.bias"]


def reference(state: dict[str, torch.Tensor], image: torch.Tensor, norm: str, dropout: float) -> torch.Tensor:
    """The network of two blocks as functions of its state dict."""

    def normed(x, at):
        over = (0, 2, 3) if norm == "batch" else (2, 3)
        var, mean = torch.var_mean(x, over, correction=0, keepdim=True)
        x = (x - mean) / torch.sqrt(var + 1e-5)
        if norm == "batch":
            x = state[f"{at}.weight"][:, None, None] * x + state[f"{at}.bias"][:, None, None]
        return x

    def conv(x, at, pad=0, **kwargs):
        x = F.pad(x, (pad,) * 4, mode="reflect") if pad else x
        return F.conv2d(x, state[f"{at}.weight"], state.get(f"{at}.bias"), **kwargs)

    x = normed(conv(image * 2 - 1, "model.1", pad=3), "model.2").clamp(min=0)
    for at in (4, 7):
        x = normed(conv(x, f"model.{at}", stride=2, padding=1), f"model.{at + 1}").clamp(min=0)
    for at in ("model.10.conv_block", "model.11.conv_block"):
        inner = normed(conv(x, f"{at}.1", pad=1), f"{at}.2").clamp(min=0)
        if dropout:
            inner = inner * (torch.rand(inner.shape) >= dropout) / (1 - dropout)
        second = 6 if dropout else 5
        x = x + normed(conv(inner, f"{at}.{second}", pad=1), f"{at}.{second + 1}")
    for at in (12, 15):
        weight, bias = state[f"model.{at}.weight"], state.get(f"model.{at}.bias")
        x = F.conv_transpose2d(x, weight, bias, stride=2, padding=1, output_padding=1)
        x = normed(x, f"model.{at + 1}").clamp(min=0)
    return torch.tanh(conv(x, "model.19", pad=3)) / 2 + 0.5


@pytest.mark.parametrize(("num_block", "expected"), [(9, 11_378_179), (6, 7_837_699)])
def test_parameters_as_published(num_block, expected):
    with torch.device("meta"):
        net = ResNetGenerator(num_block=num_block)
    assert sum(p.numel() for p in net.parameters()) == expected


@pytest.mark.parametrize(("norm", "dropout"), VARIANTS)
def test_state_dict_has_the_published_names_in_order(norm, dropout):
    for num_block in (1, 9):
        state = ResNetGenerator(num_feat=1, num_block=num_block, norm=norm, dropout=dropout).state_dict()
        assert list(state) == names(norm, dropout, num_block)
    assert {"model.19.weight", "model.22.weight", "model.26.weight", "model.26.bias"} <= state.keys()
    ResNetGenerator(num_feat=1, norm=norm, dropout=dropout).load_state_dict(state, strict=True)


def test_the_oldest_files_hold_statistics_of_instance_norms_that_are_left_out():
    state = ResNetGenerator(num_feat=2, num_block=2).state_dict()
    old = {name: torch.rand_like(value) for name, value in state.items()}
    for at, width in (("model.2", 2), ("model.10.conv_block.2", 8), ("model.16", 2)):
        old |= {f"{at}.running_mean": torch.rand(width), f"{at}.running_var": torch.rand(width)}
    kept = dict(old)
    told = ResNetGenerator.arguments(old)
    assert told == {**told, "num_feat": 2, "num_block": 2, "norm": "instance"}
    net = copy.deepcopy(ResNetGenerator(**told))
    net.load_state_dict(old, strict=True)
    assert all(torch.equal(value, old[name]) for name, value in net.state_dict().items())
    assert old.keys() == kept.keys(), "the file's content is left as it was"
    with pytest.raises(RuntimeError, match="Unexpected key"):
        net.load_state_dict({**old, "model.99.weight": torch.ones(1)})


@pytest.mark.parametrize(("norm", "dropout"), VARIANTS)
def test_arithmetic_is_the_published_one_in_evaluation(norm, dropout):
    torch.manual_seed(0)
    net = ResNetGenerator(3, 2, num_feat=3, num_block=2, norm=norm, dropout=dropout).double().eval()
    for p in net.parameters():
        torch.nn.init.normal_(p, mean=1.0 if p.ndim == 1 else 0.0, std=0.3)
    before = copy.deepcopy(net.state_dict())
    image = torch.rand(2, 3, 12, 16, dtype=torch.float64)
    torch.manual_seed(3)
    restored = net(image)
    torch.manual_seed(3)
    torch.testing.assert_close(restored, reference(net.state_dict(), image, norm, dropout))
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


@pytest.mark.parametrize("norm", ["instance", "batch"])
def test_without_dropout_training_and_evaluation_are_the_same(norm):
    net, image = ResNetGenerator(num_feat=2, num_block=1, norm=norm), torch.rand(2, 3, 9, 14)
    assert torch.equal(net.train()(image), net.eval()(image))


@settings(max_examples=30, deadline=None)
@given(
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    channels=st.sampled_from([1, 3]),
    scale=st.sampled_from([1, 2]),
    variant=st.sampled_from(VARIANTS),
    training=st.booleans(),
)
def test_every_size_comes_out_scaled_and_in_range(height, width, channels, scale, variant, training):
    norm, dropout = variant
    net = ResNetGenerator(channels, channels, 2, num_block=1, norm=norm, dropout=dropout, scale=scale).train(training)
    with torch.no_grad():
        restored = net(torch.rand(1, channels, height, width))
    assert restored.shape == (1, channels, scale * height, scale * width)
    assert restored.min() >= 0 and restored.max() <= 1


@pytest.mark.parametrize("norm", ["instance", "batch"])
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (5, 8), (40, 33)])
def test_small_and_odd_images_are_finite(norm, size):
    restored = ResNetGenerator(num_feat=2, num_block=2, norm=norm)(torch.rand(1, 3, *size))
    assert restored.shape[2:] == size and torch.isfinite(restored).all()


@pytest.mark.parametrize(("norm", "dropout"), VARIANTS)
def test_a_state_dict_tells_the_arguments(norm, dropout):
    kwargs = {"num_in_ch": 1, "num_out_ch": 2, "num_feat": 3, "num_block": 2, "norm": norm, "dropout": dropout}
    state = ResNetGenerator(**kwargs).state_dict()
    assert ResNetGenerator.arguments(state) == kwargs
    assert ResNetGenerator.arguments({**state, "more": torch.ones(1)}) is None


def test_initialisation_is_that_of_the_papers_or_the_default():
    torch.manual_seed(0)
    for name, p in ResNetGenerator(num_feat=16, num_block=1, norm="batch").named_parameters():
        if name.endswith("bias"):
            assert not p.any(), name
        else:
            assert p.mean().item() == pytest.approx(float(p.ndim == 1), abs=5 * 0.02 / p.numel() ** 0.5), name
            assert p.std().item() == pytest.approx(0.02, rel=5 / (2 * p.numel()) ** 0.5), name
    first = ResNetGenerator(num_feat=16, num_block=1, init_std=None).state_dict()["model.1.weight"]
    assert 0.9 / 147**0.5 < first.abs().max() <= 1 / 147**0.5  # uniform within 1 / sqrt(fan_in)


@pytest.mark.parametrize(("norm", "dropout"), VARIANTS)
def test_every_weight_learns_and_a_copy_after_training_is_the_same(norm, dropout):
    torch.manual_seed(0)
    net, image = ResNetGenerator(num_feat=4, num_block=1, norm=norm, dropout=dropout), torch.rand(2, 3, 13, 18)
    before = image.clone()
    net(image).square().mean().backward()
    assert torch.equal(image, before)
    assert all(p.grad.abs().sum() > 0 for name, p in net.named_parameters() if name.endswith("weight"))
    outputs = []
    for one in (net.eval(), copy.deepcopy(net).eval()):
        torch.manual_seed(2)
        outputs.append(one(image))
    assert torch.equal(*outputs)


def test_refuses_what_it_cannot_do_in_one_line():
    with pytest.raises(UsageError, match=r"^ResNetGenerator has no norm 'bach'; did you mean 'batch'\?$"):
        ResNetGenerator(norm="bach")
    with pytest.raises(UsageError, match=r"^ResNetGenerator cannot have num_block=0: it takes whole numbers from 1$"):
        ResNetGenerator(num_block=0)
    with pytest.raises(UsageError, match=r"^ResNetGenerator cannot do scale 0: it has the whole numbers from 1$"):
        ResNetGenerator(scale=0)
