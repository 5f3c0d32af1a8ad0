"""JPEG against Pillow bit for bit, the model of JPEG against JPEG, WebP, rounding."""

import io
import json
import re

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import stats

from gan_bench.chance import generator
from gan_bench.degradations import JPEG, Round, WebP
from gan_bench.errors import UsageError
from gan_bench.image import to_tensor, to_uint8

SUBSAMPLINGS = {"4:4:4": 0, "4:2:2": 1, "4:2:0": 2}  # as Pillow numbers them
SIZES = [(1, 1), (1, 7), (7, 1), (2, 3), (8, 8), (15, 16), (17, 33), (40, 41)]


def rngs(count):
    return [generator("test", "codec", index) for index in range(count)]


def random_levels(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def as_pixels(levels):
    return np.ascontiguousarray(to_tensor(levels).permute(1, 2, 0).numpy())


def by_pillow(levels, kind="JPEG", **settings):
    """(H, W, C) uint8, through a file."""
    file = io.BytesIO()
    Image.fromarray(levels if levels.shape[2] == 3 else levels[..., 0]).save(file, kind, **settings)
    return np.atleast_3d(np.array(Image.open(file)))


def jpeg(levels, quality, subsampling="4:2:0", **more):
    pixels = as_pixels(levels)
    degradation = JPEG(quality, subsampling, **more)
    return np.atleast_3d(degradation.on_pixels(pixels, {"quality": quality}, pixels.shape[:2]))


def psnr(one, other):
    return -10 * np.log10(np.mean((one.astype(np.float64) - other) ** 2))


@pytest.fixture(scope="module")
def photos(reference):
    """Four photographs of 120x133: neither side whole blocks."""
    files = sorted((reference / "data" / "sr" / "BSD100_x4_20" / "HR").glob("*.png"))[:4]
    photos = [np.array(Image.open(path).convert("RGB"))[60:180, 40:173] for path in files]
    assert len(photos) == 4
    return photos


@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
@pytest.mark.parametrize("quality", [1, 2, 5, 10, 25, 50, 60, 75, 90, 95, 99, 100])
def test_jpeg_is_pillows_bit_for_bit_on_photographs(photos, quality, subsampling):
    for levels in photos:
        right = by_pillow(levels, quality=quality, subsampling=SUBSAMPLINGS[subsampling])
        np.testing.assert_array_equal(jpeg(levels, quality, subsampling), as_pixels(right))


@pytest.mark.parametrize("size", SIZES)
def test_jpeg_is_pillows_bit_for_bit_at_any_size_and_quality(size):
    levels = random_levels(*size, 3)
    for quality in range(1, 101):
        for subsampling, number in SUBSAMPLINGS.items():
            right = by_pillow(levels, quality=quality, subsampling=number)
            np.testing.assert_array_equal(jpeg(levels, quality, subsampling), as_pixels(right))


@pytest.mark.parametrize("size", SIZES)
def test_one_channel_becomes_a_gray_jpeg(size):
    levels = random_levels(*size, 1)
    for quality in range(1, 101):
        right = as_pixels(by_pillow(levels, quality=quality))
        for subsampling in SUBSAMPLINGS:
            np.testing.assert_array_equal(jpeg(levels, quality, subsampling), right)


def test_jpeg_sees_8_bit_levels_rounded_halves_up_and_clamped():
    pixels = np.array([-0.3, 0.0, 0.5, 1.5, 254.4, 254.5, 255.0, 300.0], np.float32).reshape(1, 8, 1) / np.float32(255)
    levels = np.array([0, 0, 1, 2, 254, 255, 255, 255], np.uint8).reshape(1, 8, 1)
    made = JPEG(100).on_pixels(pixels, {"quality": 100}, (1, 8))
    np.testing.assert_array_equal(np.atleast_3d(made), as_pixels(by_pillow(levels, quality=100)))
    np.testing.assert_array_equal(np.atleast_3d(Round().on_pixels(pixels, {}, (1, 8))), as_pixels(levels))


def test_quality_is_drawn_as_real_esrgan_draws_it_and_rounded():
    for degradation in (JPEG([30, 95]), WebP([30, 95])):
        draw = degradation.draw(rngs(6500), np.random.default_rng(0))
        assert json.loads(json.dumps(draw)) == draw
        qualities = [drawn["quality"] for drawn in draw]
        assert all(isinstance(quality, int) for quality in qualities)
        expected = np.array([50.0, *[100.0] * 64, 50.0])  # the ends are hit from one side only
        assert stats.chisquare(np.bincount(qualities, minlength=96)[30:], expected).pvalue > 1e-4
    assert JPEG(20).draw(rngs(2)) == [{"quality": 20}] * 2


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2", "4:4:4"])
@pytest.mark.parametrize("quality", [1, 10, 30, 49, 50, 60, 80, 95, 100])
def test_the_model_loses_what_the_real_codec_does(photos, quality, subsampling):
    for levels in photos:
        pixels = as_pixels(levels)
        real, model = (
            JPEG(quality, subsampling, codec).on_pixels(pixels, {"quality": quality}, levels.shape[:2])
            for codec in ("real", "model")
        )
        near = 0.1 if quality <= 95 else 1.0  # at 100 there are 50 dB left, and every rounding of the machine's counts
        assert psnr(model, pixels) == pytest.approx(psnr(real, pixels), abs=near)
        assert np.abs(model - real).mean() * 255 < 1
        assert np.array_equal(np.round(model * 255), model * 255)


def test_the_model_takes_a_batch_with_a_quality_each(photos):
    image = torch.stack([to_tensor(levels) for levels in photos])
    draw = [{"quality": quality} for quality in (10, 40, 70, 95)]
    made = JPEG([10, 95], codec="model").on_batch(image, draw, (120, 133))
    assert made.shape == image.shape and made.min() >= 0 and made.max() <= 1
    for one, levels, drawn in zip(made, photos, draw, strict=True):
        alone = jpeg(levels, drawn["quality"], codec="model")
        np.testing.assert_allclose(one.permute(1, 2, 0).numpy(), alone, atol=1e-5)


def test_the_model_knows_gray_and_odd_sizes():
    for size in SIZES:
        levels = cv2.GaussianBlur(random_levels(*size), (0, 0), 2)[..., None]
        real, model = jpeg(levels, 50), jpeg(levels, 50, codec="model")
        assert model.shape == levels.shape
        assert psnr(model, real) > 35


def test_auto_is_the_real_codec_on_the_cpu(photos):
    image, draw = to_tensor(photos[0])[None], [{"quality": 40}]
    real = as_pixels(by_pillow(photos[0], quality=40, subsampling=2))
    for degradation in (JPEG(40), JPEG(40, codec="real")):
        for made in (degradation.on_batch(image, draw, (120, 133)), degradation.apply_8bit(image, draw)):
            np.testing.assert_array_equal(made[0].permute(1, 2, 0).numpy(), real)
    modelled = JPEG(40, codec="model").on_batch(image, draw, (120, 133))
    assert not np.array_equal(modelled[0].permute(1, 2, 0).numpy(), real)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_auto_is_the_model_on_a_gpu(photos):
    image, draw = to_tensor(photos[0])[None], [{"quality": 40}]
    model = JPEG(40, codec="model").on_batch(image, draw, (120, 133))
    torch.testing.assert_close(JPEG(40).on_batch(image.cuda(), draw, (120, 133)).cpu(), model, atol=1e-3, rtol=0)
    made = JPEG(40, codec="real").on_batch(image.cuda(), draw, (120, 133))
    assert torch.equal(made.cpu(), JPEG(40).on_batch(image, draw, (120, 133)))


@pytest.mark.parametrize("channels", [1, 3])
def test_webp_is_pillows_and_loses_less_at_higher_quality(photos, channels):
    for levels in photos:
        levels = levels[..., :channels]
        pixels, losses = as_pixels(levels), []
        for quality in (1, 20, 60, 100):
            made = np.atleast_3d(WebP(quality).on_pixels(pixels, {"quality": quality}, (120, 133)))
            passed = by_pillow(np.repeat(levels, 3 // channels, 2), "WEBP", quality=quality, method=4)
            if channels == 1:  # the three differ by one level at most; their luma, ITU-R 601, by Pillow's whole weights
                assert np.ptp(passed, axis=2).max() <= 1
                passed = ((passed @ np.array([19595, 38470, 7471]) + 32768) >> 16).astype(np.uint8)[..., None]
            np.testing.assert_array_equal(made, as_pixels(passed))
            losses.append(psnr(made, pixels))
        assert losses == sorted(losses) and losses[0] + 8 < losses[-1]


@given(
    quality=st.integers(1, 100),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3])),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_files_give_8_bit_levels_and_leave_the_argument_alone(quality, size, seed):
    pixels = np.random.default_rng(seed).random(size, np.float32) * 1.2 - 0.1
    before = pixels.copy()
    for degradation in (JPEG(quality), WebP(quality), Round()):
        made = np.atleast_3d(degradation.on_pixels(pixels, {"quality": quality}, size[:2]))
        assert made.shape == size and made.dtype == np.float32
        np.testing.assert_array_equal(made, as_pixels(to_uint8(torch.from_numpy(made.transpose(2, 0, 1)))))
        np.testing.assert_array_equal(pixels, before)


def test_rounding_keeps_levels_and_takes_the_nearest_otherwise():
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, 2)
    pixels = as_pixels(levels)
    np.testing.assert_array_equal(Round().on_pixels(pixels, {}, (16, 16)), pixels)
    other = np.random.default_rng(0).uniform(-0.2, 1.2, (50, 60, 3)).astype(np.float32)
    right = to_tensor(to_uint8(torch.from_numpy(other.transpose(2, 0, 1))))
    np.testing.assert_array_equal(Round().on_pixels(other, {}, (50, 60)), right.permute(1, 2, 0).numpy())
    assert torch.equal(Round().on_batch(torch.from_numpy(other.transpose(2, 0, 1)[None]), [{}], (50, 60))[0], right)


def test_the_image_is_made_smaller_before_the_file():
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    made = JPEG(20, scale=2).apply(image, [{"quality": 20}])
    assert made.shape == (1, 3, 32, 32)
    assert torch.equal(made, Round().apply(made, [{}]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: JPEG(0), "quality=0: outside of 1 to 100"),
        (lambda: JPEG([95, 30]), "quality=[95, 30]: the range is in the wrong order; write [30, 95]"),
        (lambda: JPEG(50, 14520), "subsampling=14520: write one of '4:4:4', '4:2:2', '4:2:0', quoted"),
        (lambda: JPEG(50, codec="modle"), "codec=modle: no such codec; did you mean 'model'?"),
        (lambda: WebP(101), "quality=101: outside of 1 to 100"),
    ],
)
def test_wrong_values_are_refused_in_one_line(make, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        make()


@pytest.mark.parametrize(("degradation", "longest"), [(JPEG(50), 65500), (WebP(50), 16383)])
def test_images_longer_than_the_format_are_refused_in_one_line(degradation, longest):
    drawn = {"quality": 50}
    assert np.atleast_3d(degradation.on_pixels(np.zeros((1, longest, 1), np.float32), drawn, ())).shape[1] == longest
    with pytest.raises(UsageError, match=rf"^degradation: \w+ has no images of {longest + 1}x1, only up to {longest} "):
        degradation.on_pixels(np.zeros((1, longest + 1, 1), np.float32), drawn, ())
