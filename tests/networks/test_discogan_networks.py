"""DiscoGAN's generator and discriminator: sizes by hand, the authors' names, arithmetic written out."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_bench.errors import UsageError
from gan_bench.networks import DiscoGANDiscriminator, DiscoGANGenerator

NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def bn(state: dict[str, torch.Tensor], at: str, x: torch.Tensor, training: bool) -> torch.Tensor:
    if training:
        var, mean = torch.var_mean(x, (0, 2, 3), correction=0, keepdim=True)
    else:
        mean, var = (state[f"{at}.{kind}"][:, None, None] for kind in ("running_mean", "running_var"))
    gamma, beta = (state[f"{at}.{kind}"][:, None, None] for kind in ("weight", "bias"))
    return gamma * (x - mean) / torch.sqrt(var + 1e-5) + beta


def lrelu(x: torch.Tensor) -> torch.Tensor:
    return torch.where(x > 0, x, 0.2 * x)


def generated(state: dict[str, torch.Tensor], x: torch.Tensor, training: bool) -> torch.Tensor:
    """The generator of four halvings as functions of its state dict."""
    x = lrelu(F.conv2d(x, state["main.0.weight"], stride=2, padding=1))
    for at in (2, 5, 8):
        x = lrelu(bn(state, f"main.{at + 1}", F.conv2d(x, state[f"main.{at}.weight"], stride=2, padding=1), training))
    for at in (11, 14, 17):
        x = F.conv_transpose2d(x, state[f"main.{at}.weight"], stride=2, padding=1)
        x = bn(state, f"main.{at + 1}", x, training).clamp(min=0)
    return 1 / (1 + torch.exp(-F.conv_transpose2d(x, state["main.20.weight"], stride=2, padding=1)))


def judged(state: dict[str, torch.Tensor], x: torch.Tensor) -> list[torch.Tensor]:
    """relu2, relu3, relu4 and the logits of the discriminator of four halvings in training."""
    x, found = lrelu(F.conv2d(x, state["conv1.weight"], stride=2, padding=1)), []
    for at in (2, 3, 4):
        x = lrelu(bn(state, f"bn{at}", F.conv2d(x, state[f"conv{at}.weight"], stride=2, padding=1), True))
        found.append(x)
    return [*found, F.conv2d(x, state["conv5.weight"])]


def randomised(net: torch.nn.Module) -> torch.nn.Module:
    """In float64, with norms and statistics that do something."""
    for value in net.double().state_dict().values():
        if value.ndim == 1:
            value.uniform_(0.5, 1.5)
        elif value.ndim == 4:
            value.mul_(2)
    return net


def test_parameters_by_hand():
    with torch.device("meta"):
        generator, discriminator = DiscoGANGenerator(), DiscoGANDiscriminator()
    # 4x4 weights between neighbouring widths, without biases; two numbers for each channel of a batch norm
    encoder = 16 * (3 * 64 + 64 * 128 + 128 * 256 + 256 * 512) + 2 * (128 + 256 + 512)
    decoder = 16 * (512 * 256 + 256 * 128 + 128 * 64 + 64 * 3) + 2 * (256 + 128 + 64)
    assert sum(p.numel() for p in generator.parameters()) == encoder + decoder == 5_513_856
    assert sum(p.numel() for p in discriminator.parameters()) == encoder + 16 * 512 * 1 == 2_765_568


def test_state_dicts_have_the_authors_names_in_order():
    expected = ["main.0.weight"]
    for at in (2, 5, 8, 11, 14, 17):
        expected += [f"main.{at}.weight", *(f"main.{at + 1}.{kind}" for kind in NORM)]
    assert list(DiscoGANGenerator(num_feat=1).state_dict()) == [*expected, "main.20.weight"]
    expected = ["conv1.weight"]
    for at in (2, 3, 4):
        expected += [f"conv{at}.weight", *(f"bn{at}.{kind}" for kind in NORM)]
    assert list(DiscoGANDiscriminator(num_feat=1).state_dict()) == [*expected, "conv5.weight"]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("channels", [1, 3])
def test_generator_is_the_authors_arithmetic(training, channels):
    torch.manual_seed(0)
    net = randomised(DiscoGANGenerator(channels, channels, num_feat=3)).train(training)
    state, image = copy.deepcopy(net.state_dict()), torch.rand(2, channels, 32, 48, dtype=torch.float64)
    torch.testing.assert_close(net(image), generated(state, image, training))


def test_in_evaluation_an_image_does_not_depend_on_its_batch():
    net, images = randomised(DiscoGANGenerator(num_feat=2)).eval(), torch.rand(2, 3, 32, 32, dtype=torch.float64)
    torch.testing.assert_close(net(images)[:1], net(images[:1]))


def test_discriminator_is_the_authors_arithmetic_and_shows_its_features():
    torch.manual_seed(0)
    net, image = randomised(DiscoGANDiscriminator(num_feat=3)), torch.rand(2, 3, 80, 64, dtype=torch.float64)
    *features, logits = judged(copy.deepcopy(net.state_dict()), image)
    got, seen = net.features(image)
    torch.testing.assert_close(got, logits)
    assert len(seen) == 3
    for one, other in zip(seen, features, strict=True):
        torch.testing.assert_close(one, other)
    assert net(image).shape == logits.shape == (2, 1, 2, 1)


@settings(max_examples=30, deadline=None)
@given(
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    channels=st.sampled_from([1, 3]),
    num_block=st.integers(1, 4),
    scale=st.sampled_from([1, 2, 3]),
    training=st.booleans(),
)
def test_every_size_comes_out_scaled_and_in_range(height, width, channels, num_block, scale, training):
    net = DiscoGANGenerator(channels, channels, num_feat=2, num_block=num_block, scale=scale).train(training)
    with torch.no_grad():
        restored = net(torch.rand(1, channels, height, width))
    assert restored.shape == (1, channels, scale * height, scale * width)
    assert restored.min() >= 0 and restored.max() <= 1


@settings(max_examples=20, deadline=None)
@given(
    num_block=st.integers(2, 4), height=st.integers(0, 20), width=st.integers(0, 20), channels=st.sampled_from([1, 3])
)
def test_every_image_from_the_smallest_has_its_map(num_block, height, width, channels):
    stride = 2**num_block
    height, width = height + 4 * stride, width + 4 * stride
    net = DiscoGANDiscriminator(channels, num_feat=2, num_block=num_block)
    logits, seen = net.features(torch.rand(1, channels, height, width))
    assert logits.shape == (1, 1, height // stride - 3, width // stride - 3)
    shapes = [(1, 2 * 2 ** (n - 1), height // 2**n, width // 2**n) for n in range(2, num_block + 1)]
    assert [tuple(one.shape) for one in seen] == shapes


@pytest.mark.parametrize(("num_block", "size"), [(4, (63, 64)), (4, (64, 63)), (2, (1, 20))])
def test_a_smaller_image_is_one_error_naming_both_sizes(num_block, size):
    least = 4 * 2**num_block
    with pytest.raises(ValueError, match=rf"^[^\n]* at least {least} x {least} pixels and got {size[0]} x {size[1]}: "):
        DiscoGANDiscriminator(num_feat=2, num_block=num_block)(torch.rand(1, 3, *size))


@pytest.mark.parametrize("num_block", [1, 2, 4])
def test_a_state_dict_tells_the_arguments(num_block):
    kwargs = {"num_in_ch": 1, "num_out_ch": 2, "num_feat": 3, "num_block": num_block}
    state = DiscoGANGenerator(**kwargs).state_dict()
    assert DiscoGANGenerator.arguments(state) == kwargs
    assert DiscoGANGenerator.arguments({**state, "more": torch.ones(1)}) is None


@pytest.mark.parametrize("kind", [DiscoGANGenerator, DiscoGANDiscriminator])
def test_every_parameter_learns_and_a_copy_after_training_is_the_same(kind):
    torch.manual_seed(0)
    net, image = kind(num_feat=4, num_block=3), torch.rand(2, 3, 35, 41)
    before = image.clone()
    net(image).square().mean().backward()
    assert torch.equal(image, before)
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())
    assert torch.equal(copy.deepcopy(net).eval()(image), net.eval()(image))


@pytest.mark.parametrize("kind", [DiscoGANGenerator, DiscoGANDiscriminator])
def test_initialisation_is_the_default(kind):
    torch.manual_seed(0)
    for module in kind(num_feat=16).modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.ConvTranspose2d):
            bound = 1 / module.weight[0].numel() ** 0.5  # PyTorch's: uniform within 1 / sqrt(fan_in)
            assert 0.95 * bound < module.weight.abs().max() <= bound and module.bias is None
        elif isinstance(module, torch.nn.BatchNorm2d):
            assert (module.weight == 1).all() and not module.bias.any()


def test_refuses_what_it_cannot_do_in_one_line():
    with pytest.raises(UsageError, match=r"^DiscoGANGenerator cannot have num_block=0: it takes whole numbers from 1$"):
        DiscoGANGenerator(num_block=0)
    with pytest.raises(UsageError, match=r"^DiscoGANGenerator cannot do scale 0: it has the whole numbers from 1$"):
        DiscoGANGenerator(scale=0)
    with pytest.raises(UsageError, match=r"^DiscoGANDiscriminator cannot have num_block=1: [^\n]+ from 2$"):
        DiscoGANDiscriminator(num_block=1)
