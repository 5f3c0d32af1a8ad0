"""Bicubic against the published lq files and a dense NumPy resampler; identity; what is drawn."""

import json
import math
from collections import Counter

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import chisquare, kstest, uniform

from gan_bench.chance import generator
from gan_bench.degradations import Bicubic, Degradation, Identity, Resize, ToSize
from gan_bench.errors import UsageError

SCALES = (1, 2, 3, 4, 8)
SETS = ("Set5_x4", "BSD100_x4_20")


def keys_cubic(x):
    x = abs(x)
    if x <= 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def matrix(length, scale):
    """(length / scale, length): the antialiased Keys kernel with a = -0.5, edges replicated, from its formula."""
    rows = np.zeros((length // scale, length))
    for out, row in enumerate(rows):
        centre = (out + 0.5) * scale - 0.5
        taps = range(math.floor(centre - 2 * scale), math.ceil(centre + 2 * scale) + 1)
        weights = [keys_cubic((centre - tap) / scale) for tap in taps]
        for tap, weight in zip(taps, weights, strict=True):
            row[min(max(tap, 0), length - 1)] += weight / sum(weights)
    return rows


def resized(pixels, scale):
    """(H, W, C) levels -> after the first pass over the rows, and after both; float64, neither rounded nor clipped."""
    first = np.einsum("oh,hwc->owc", matrix(pixels.shape[0], scale), pixels.astype(np.float64))
    return first, np.einsum("pw,owc->opc", matrix(pixels.shape[1], scale), first)


def as_batch(pixels):
    return torch.from_numpy(pixels.transpose(2, 0, 1)[None].astype(np.float32) / np.float32(255))


def as_levels(batch):
    return batch[0].permute(1, 2, 0).double().numpy() * 255


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


@pytest.fixture(scope="module", params=SETS)
def pairs(request, reference):
    folder = reference / "data" / "sr" / request.param
    files = sorted((folder / "HR").glob("*.png"))
    assert len(files) in (5, 20)
    load = lambda path: np.atleast_3d(np.array(Image.open(path)))  # noqa: E731
    return [(load(path), load(folder / "LR" / path.name)) for path in files]


def test_evaluation_makes_the_published_lq_files_bit_for_bit(pairs):
    degradation = Bicubic(4)
    for gt, lq in pairs:
        made = degradation.apply_8bit(as_batch(gt), [{}])
        np.testing.assert_array_equal(np.rint(as_levels(made)), lq)
        assert torch.equal(made, as_batch(lq))


def test_training_is_within_one_level_of_the_published_files_where_nothing_is_clipped(pairs):
    for gt, lq in pairs:
        made = as_levels(Bicubic(4).apply(as_batch(gt), [{}]))
        first, both = resized(gt, 4)
        outside = (first < -0.5) | (first > 255.5)  # what 8-bit arithmetic clips between its passes
        touched = np.einsum("pw,owc->opc", np.abs(matrix(gt.shape[1], 4)), outside.astype(float)) > 0
        free = ~touched & (both >= 0) & (both <= 255)
        assert free.mean() > 0.5
        assert np.abs(np.rint(made) - lq)[free].max() <= 1


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("channels", [1, 3])
def test_training_is_the_formula(scale, channels):
    pixels = noise(5 * scale, 7 * scale, channels)
    made = Bicubic(scale).apply(as_batch(pixels), [{}])
    assert made.shape == (1, channels, 5, 7)
    np.testing.assert_allclose(as_levels(made), resized(pixels, scale)[1].clip(0, 255), atol=2e-3)


@pytest.mark.parametrize("scale", SCALES)
def test_evaluation_rounds_the_formula_after_each_pass(scale):
    pixels = noise(6 * scale, 4 * scale, 3, seed=scale)
    made = Bicubic(scale).apply_8bit(as_batch(pixels), [{}])
    rounded = np.floor(resized(pixels, scale)[0] + 0.5).clip(0, 255)
    expected = np.einsum("pw,owc->opc", matrix(pixels.shape[1], scale), rounded)
    np.testing.assert_array_equal(np.rint(as_levels(made)), np.floor(expected + 0.5).clip(0, 255))


def test_each_image_of_a_batch_is_degraded_as_if_alone():
    batch = torch.cat([as_batch(noise(16, 24, 3, seed=seed)) for seed in range(3)])
    for work in (Bicubic(2).apply, Bicubic(2).apply_8bit):
        alone = torch.cat([work(one[None], [{}]) for one in batch])
        torch.testing.assert_close(work(batch, [{}] * 3), alone, atol=1e-6, rtol=0)


def test_training_lq_stays_in_range_and_lets_gradients_through():
    image = torch.ones(1, 3, 16, 16)
    image[..., ::3] = 0
    image.requires_grad_()
    lq = Bicubic(2).apply(image, [{}])
    assert 0 <= lq.min() <= lq.max() <= 1
    lq.sum().backward()
    assert image.grad.abs().sum() > 0


@pytest.mark.parametrize("cls", [Bicubic, Identity])
@pytest.mark.parametrize("scale", [0, -2, 5, 16])
def test_a_bad_scale_is_one_line(cls, scale):
    with pytest.raises(UsageError, match=rf"^degradation\.scale: {scale} is not one of 1, 2, 3, 4, 8$"):
        cls(scale)


def test_identity_returns_the_image():
    image = as_batch(noise(9, 7, 3))
    assert Identity().apply(image, [{}]) is image
    assert torch.equal(Identity().apply_8bit(image, [{}]), image)


def test_identity_at_scale_2_refuses_in_one_line():
    with pytest.raises(UsageError, match=r"^degradation=identity: at scale 2 [^\n]+ pairs, [^\n]+$"):
        Identity(2).apply(as_batch(noise(8, 8, 3)), [{}])


@pytest.mark.parametrize("degradation", [Bicubic(4), Identity(), Identity(2)])
def test_one_draw_for_each_generator_as_plain_json(degradation):
    assert isinstance(degradation, Degradation)
    draws = degradation.draw([generator("degradation", 0, position) for position in range(3)])
    assert len(draws) == 3
    assert all(isinstance(draw, dict) for draw in draws)
    assert json.loads(json.dumps(draws, allow_nan=False)) == draws


def test_evaluation_rounds_halves_up_and_clamps():
    class Plus(Degradation):
        def apply(self, image, draw):
            return image + torch.tensor([one["plus"] for one in draw])[:, None, None, None]

    image = torch.tensor([-2.0, 0.5 / 255, 1.49 / 255, 254.5 / 255, 3.0]).reshape(1, 1, 1, 5)
    made = Plus().apply_8bit(image, [{"plus": 0.0}])
    assert (made * 255).round().flatten().tolist() == [0, 1, 1, 255, 255]


# The resizes of blind chains


def area(pixels, size):
    """(H, W, C): each output pixel is the mean of the input it covers, by whole and by part; float64."""

    def weights(count, target):
        edges = np.arange(target + 1) * count / target
        starts = np.arange(count)
        return np.clip(np.minimum(edges[1:, None], starts + 1) - np.maximum(edges[:-1, None], starts), 0, None)

    rows, columns = (weights(count, target) for count, target in zip(pixels.shape[:2], size, strict=True))
    summed = np.einsum("oh,pw,hwc->opc", rows, columns, pixels.astype(np.float64))
    return summed / rows.sum(1)[:, None, None] / columns.sum(1)[None, :, None]


@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "area", "nearest", "matlab_bicubic"])
@pytest.mark.parametrize("size", [(7, 5), (31, 40), (24, 32), (1, 1)])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_mode_is_what_its_name_says_on_both_ways(mode, size, channels):
    image = as_batch(noise(24, 32, channels))
    operator, drawn = ToSize(mode), {"mode": mode}
    one = np.atleast_3d(operator.on_pixels(np.ascontiguousarray(image[0].permute(1, 2, 0).numpy()), drawn, size))
    batch = operator.on_batch(image, [drawn], size)[0].permute(1, 2, 0).numpy()
    assert one.shape == (*size, channels)
    np.testing.assert_allclose(one, batch, atol=2e-5)
    if mode in ("bilinear", "bicubic"):
        expected = torch.nn.functional.interpolate(image.double(), size, mode=mode, align_corners=False)
        np.testing.assert_allclose(one, expected[0].permute(1, 2, 0).numpy(), atol=2e-5)
    if mode == "area":
        np.testing.assert_allclose(one, area(image[0].permute(1, 2, 0).numpy(), size), atol=2e-5)


@pytest.mark.parametrize(
    ("arguments", "distribution"),
    [
        ({"weights": {"up": 1.0}, "up": [1.0, 1.5]}, uniform(1.0, 0.5)),
        ({"weights": {"down": 1.0}, "down": [0.15, 1.0]}, uniform(0.15, 0.85)),
        ({"weights": {"up": 1.0}, "up": [1.0, 1.2], "of": "lq"}, uniform(1.0, 0.2)),
    ],
)
def test_factors_are_uniform(arguments, distribution):
    draws = Resize(**arguments).draw([generator("test", position) for position in range(3000)])
    assert kstest([one["factor"] for one in draws], distribution.cdf).pvalue > 0.001
    modes = Counter(one["mode"] for one in draws)
    assert set(modes) == {"area", "bilinear", "bicubic"} and chisquare(list(modes.values())).pvalue > 0.001


def test_a_divisor_is_uniform_where_it_divides():
    resize = Resize({"down": 1.0}, down=[1.0, 8.0], divide=True)
    draws = resize.draw([generator("test", position) for position in range(3000)])
    assert kstest([1 / one["factor"] for one in draws], uniform(1.0, 7.0).cdf).pvalue > 0.001


@pytest.mark.parametrize(("of", "size"), [("image", (12, 17)), ("lq", (3, 4))])
def test_a_factor_is_of_the_image_at_hand_or_of_the_lq_size_rounded_down(of, size):
    resize = Resize({"down": 1.0}, down=0.55, modes="bilinear", of=of)
    (drawn,) = resize.draw([generator("test")])
    assert resize.on_pixels(np.zeros((22, 32, 3), np.float32), drawn, (6, 8)).shape[:2] == size
    assert resize.on_batch(torch.zeros(2, 3, 22, 32), [drawn] * 2, (6, 8)).shape[-2:] == size
