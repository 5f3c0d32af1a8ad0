"""UNetGenerator: the published counts, names and arithmetic; noise and statistics of the batch at test time."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_bench.errors import UsageError
from gan_bench.networks import UNetGenerator

NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
# Of three levels, in order, as pytorch-CycleGAN-and-pix2pix nests them.
NAMES = [
    "model.model.0.weight",
    "model.model.1.model.1.weight",
    *(f"model.model.1.model.2.{kind}" for kind in NORM),
    "model.model.1.model.3.model.1.weight",
    "model.model.1.model.3.model.3.weight",
    *(f"model.model.1.model.3.model.4.{kind}" for kind in NORM),
    "model.model.1.model.5.weight",
    *(f"model.model.1.model.6.{kind}" for kind in NORM),
    "model.model.3.weight",
    "model.model.3.bias",
]


def randomised(net: UNetGenerator) -> UNetGenerator:
    """In float64, of larger weights, so that everything in it does something."""
    for p in net.parameters():
        torch.nn.init.normal_(p, mean=1.0 if p.ndim == 1 else 0.0, std=0.3)
    return net.double()


def norm(state: dict[str, torch.Tensor], at: str, x: torch.Tensor) -> torch.Tensor:
    var, mean = torch.var_mean(x, (0, 2, 3), correction=0, keepdim=True)
    gamma, beta = (state[f"{at}.{kind}"][:, None, None] for kind in ("weight", "bias"))
    return gamma * (x - mean) / torch.sqrt(var + 1e-5) + beta


def reference(state: dict[str, torch.Tensor], image: torch.Tensor, dropout: float = 0.0, attend=None) -> torch.Tensor:
    """Three levels as functions of the state dict, with what the in-place activations of the published code leave."""

    def down(x, name):
        return F.conv2d(x, state[f"{name}.weight"], stride=2, padding=1)

    def up(x, name):
        weight, bias = state[f"{name}.weight"], state.get(f"{name}.bias")
        return F.conv_transpose2d(x.clamp(min=0), weight, bias, stride=2, padding=1)

    def lrelu(x):
        return torch.where(x > 0, x, 0.2 * x)

    def drop(x):
        return x * (torch.rand(x.shape) >= dropout) / (1 - dropout) if dropout else x

    outer, inner = "model.model.1.model", "model.model.1.model.3.model"
    one = down(image * 2 - 1, "model.model.0")
    one = lrelu(attend(one) if attend else one)  # the skip carries it activated
    two = lrelu(norm(state, f"{outer}.2", down(one, f"{outer}.1")))
    three = down(two, f"{inner}.1")
    x = drop(norm(state, f"{inner}.4", up(three, f"{inner}.3")))
    x = drop(norm(state, f"{outer}.6", up(torch.cat((two, x), dim=1), f"{outer}.5")))
    x = up(torch.cat((one, x), dim=1), "model.model.3")
    return torch.tanh(x) / 2 + 0.5


def test_parameters_as_published():
    with torch.device("meta"):
        net = UNetGenerator()
    assert sum(p.numel() for p in net.parameters()) == 54_413_955
    assert net.multiple == 256


def test_state_dict_has_the_published_names_in_order():
    state = UNetGenerator(num_feat=2, num_block=3).state_dict()
    assert list(state) == NAMES
    two = ["model.model.0.weight", "model.model.1.model.1.weight", "model.model.1.model.3.weight"]
    two += [*(f"model.model.1.model.4.{kind}" for kind in NORM), "model.model.3.weight", "model.model.3.bias"]
    assert list(UNetGenerator(num_feat=2, num_block=2).state_dict()) == two


def test_the_published_depth_has_its_widths_under_its_names():
    with torch.device("meta"):
        state = {name: tuple(value.shape) for name, value in UNetGenerator().state_dict().items()}
    assert len(state) == 16 + 1 + 13 * 5  # weights, a bias, norms: six on the way down, seven on the way up
    widths = [64, 128, 256, 512, 512, 512, 512, 512]
    assert state["model.model.0.weight"] == (64, 3, 4, 4)
    assert state["model.model.3.weight"] == (128, 3, 4, 4) and state["model.model.3.bias"] == (3,)
    for number in range(1, 8):
        at = "model.model.1" + ".model.3" * (number - 1) + ".model"
        innermost, outer, width = number == 7, widths[number - 1], widths[number]
        assert state[f"{at}.1.weight"] == (width, outer, 4, 4)
        up, behind = (3, 4) if innermost else (5, 6)
        assert state[f"{at}.{up}.weight"] == (width if innermost else 2 * width, outer, 4, 4)
        assert state[f"{at}.{behind}.running_var"] == (outer,)
        assert innermost or state[f"{at}.2.running_mean"] == (width,)


@pytest.mark.parametrize("counters", [True, False])
def test_weights_of_the_published_names_load_strictly(counters):
    shapes = {name: value.shape for name, value in UNetGenerator(num_feat=2, num_block=3).state_dict().items()}
    state = {name: torch.rand(shapes[name]) for name in NAMES if counters or not name.endswith("tracked")}
    net = UNetGenerator(**UNetGenerator.arguments(state))
    net.load_state_dict(state)
    assert all(torch.equal(value, state[name].to(value)) for name, value in net.state_dict().items() if name in state)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("channels", [(1, 1), (3, 3), (3, 2)])
def test_arithmetic_is_the_published_one_with_statistics_of_the_batch(training, channels):
    torch.manual_seed(0)
    net = randomised(UNetGenerator(*channels, num_feat=3, num_block=3, dropout=0)).train(training)
    before = copy.deepcopy(net.state_dict())
    image = torch.rand(2, channels[0], 16, 24, dtype=torch.float64)
    torch.testing.assert_close(net(image), reference(net.state_dict(), image))
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_noise_of_evaluation_is_drawn_behind_the_innermost_layers_of_the_decoder():
    net = randomised(UNetGenerator(num_feat=3, num_block=3, dropout=0.4)).eval()
    image = torch.rand(2, 3, 16, 16, dtype=torch.float64)
    torch.manual_seed(7)
    noisy, other = net(image), net(image)
    torch.manual_seed(7)
    assert torch.equal(noisy, net(image)) and not torch.allclose(noisy, other)
    torch.manual_seed(7)
    torch.testing.assert_close(noisy, reference(net.state_dict(), image, dropout=0.4))


@pytest.mark.parametrize(("num_block", "sizes"), [(2, [8]), (3, [4, 8]), (4, [2, 4, 8]), (6, [2, 4, 8])])
def test_noise_is_in_the_papers_three_layers_where_there_are_so_many(num_block, sizes, monkeypatch):
    drawn, rand = [], torch.rand
    image = rand(1, 3, 2 ** max(num_block, 4), 2 ** max(num_block, 4))
    net = UNetGenerator(num_feat=2, num_block=num_block).eval()
    monkeypatch.setattr(torch, "rand", lambda shape, **kwargs: drawn.append(shape[-1]) or rand(shape, **kwargs))
    net(image)
    assert drawn == sizes


@settings(max_examples=30, deadline=None)
@given(
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    channels=st.sampled_from([1, 3]),
    num_block=st.integers(2, 5),
    scale=st.sampled_from([1, 2, 3]),
    training=st.booleans(),
)
def test_every_size_comes_out_scaled_and_in_range(height, width, channels, num_block, scale, training):
    net = UNetGenerator(channels, channels, num_feat=2, num_block=num_block, scale=scale, attention=1).train(training)
    with torch.no_grad():
        restored = net(torch.rand(1, channels, height, width))
    assert restored.shape == (1, channels, scale * height, scale * width)
    assert restored.min() >= 0 and restored.max() <= 1


def test_the_published_depth_takes_a_single_pixel():
    net = UNetGenerator(num_feat=1, attention=7).train()
    assert torch.isfinite(net(torch.rand(1, 3, 1, 1))).all()


@pytest.mark.parametrize("level", [1, 2])
def test_attention_begins_as_nothing_and_keeps_names_and_order(level):
    torch.manual_seed(0)
    plain = UNetGenerator(num_feat=8, num_block=3).eval()
    torch.manual_seed(0)
    attending = UNetGenerator(num_feat=8, num_block=3, attention=level).eval()
    parts = [
        f"attention.{level}.{name}" for name in ("gamma", *(f"{n}.weight" for n in ("query", "key", "value", "back")))
    ]
    assert list(attending.state_dict()) == [*NAMES, *parts]
    image, outputs = torch.rand(1, 3, 17, 24), []
    for net in (plain, attending):
        torch.manual_seed(1)
        outputs.append(net(image))
    assert torch.equal(*outputs)


def test_attention_stands_behind_its_level_and_ahead_of_the_skip():
    torch.manual_seed(0)
    net = randomised(UNetGenerator(num_feat=8, num_block=3, dropout=0, attention=1))
    image = torch.rand(2, 3, 8, 16, dtype=torch.float64)
    expected = reference(net.state_dict(), image, attend=net.attention["1"])
    torch.testing.assert_close(net(image), expected)
    assert not torch.allclose(expected, reference(net.state_dict(), image))


@pytest.mark.parametrize(("level", "side"), [(1, 32), (3, 8), (4, 4)])
def test_attention_sees_the_side_that_its_level_tells(level, side):
    net, seen = UNetGenerator(num_feat=2, num_block=5, attention=level), []
    net.attention[str(level)].register_forward_pre_hook(lambda _, inputs: seen.append(tuple(inputs[0].shape)))
    net(torch.rand(1, 3, 64, 64))
    assert seen == [(1, 2 * min(2 ** (level - 1), 8), side, side)]


@pytest.mark.parametrize(
    "kwargs",
    [
        {"num_in_ch": 3, "num_out_ch": 3, "num_feat": 2, "num_block": 2, "attention": None},
        {"num_in_ch": 1, "num_out_ch": 2, "num_feat": 3, "num_block": 8, "attention": None},
        {"num_in_ch": 1, "num_out_ch": 1, "num_feat": 1, "num_block": 6, "attention": 4},
        {"num_in_ch": 1, "num_out_ch": 1, "num_feat": 1, "num_block": 6, "attention": 5},
    ],
)
def test_a_state_dict_tells_the_arguments(kwargs):
    state = UNetGenerator(**kwargs).state_dict()
    assert UNetGenerator.arguments(state) == kwargs
    assert UNetGenerator.arguments({**state, "more": torch.ones(1)}) is None


def test_initialisation_is_that_of_the_paper_or_the_default():
    torch.manual_seed(0)
    net = UNetGenerator(num_feat=16, num_block=4)
    for name, p in net.named_parameters():
        if name.endswith("bias"):
            assert not p.any(), name
        else:
            assert p.mean().item() == pytest.approx(float(p.ndim == 1), abs=5 * 0.02 / p.numel() ** 0.5), name
            assert p.std().item() == pytest.approx(0.02, rel=5 / (2 * p.numel()) ** 0.5), name
    first = UNetGenerator(num_feat=16, num_block=4, init_std=None).state_dict()["model.model.0.weight"]
    assert 0.9 / 48**0.5 < first.abs().max() <= 1 / 48**0.5  # uniform within 1 / sqrt(fan_in)


def test_everything_learns_and_a_copy_after_training_is_the_same():
    torch.manual_seed(0)
    net, image = UNetGenerator(num_feat=8, num_block=3, attention=2), torch.rand(2, 3, 13, 21)
    torch.nn.init.ones_(net.attention["2"].gamma)
    before = image.clone()
    net(image).square().mean().backward()
    assert torch.equal(image, before)
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())
    outputs = []
    for one in (net.eval(), copy.deepcopy(net).eval()):
        torch.manual_seed(2)
        outputs.append(one(image))
    assert torch.equal(*outputs)


def test_refuses_what_it_cannot_do_in_one_line():
    with pytest.raises(UsageError, match=r"^UNetGenerator cannot have num_block=1: it takes whole numbers from 2$"):
        UNetGenerator(num_block=1)
    for level in (0, 8):
        with pytest.raises(UsageError, match=rf"^UNetGenerator has no level {level} for attention: it has 1 to 7$"):
            UNetGenerator(attention=level)
    with pytest.raises(UsageError, match=r"^UNetGenerator cannot do scale 0: it has the whole numbers from 1$"):
        UNetGenerator(scale=0)
