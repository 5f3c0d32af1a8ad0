"""The decoder against Pillow, tifffile-like hand-made files and broken ones; the encoder against the decoder."""

import contextlib
import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gan_bench import image as room
from gan_bench.errors import UsageError, WorkError
from gan_bench.image import decode, encode_png, read, to_rgb, to_tensor, to_uint8, verify, write_png

REFERENCE = os.environ.get("GAN_BENCH_REFERENCE")
real = pytest.mark.skipif(not REFERENCE, reason="GAN_BENCH_REFERENCE is unset: no real images")


def noise(*shape, dtype=np.uint8, seed=0):
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, shape).astype(dtype)


def saved(image, suffix="PNG", **options):
    stream = io.BytesIO()
    image.save(stream, suffix, **options)
    return stream.getvalue()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png16(array, extra=b""):
    """A 16-bit PNG written by hand from the specification: (H, W, 1 to 4)."""
    height, width, channels = array.shape
    header = struct.pack(">IIBBBBB", width, height, 16, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in array)
    body = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + body + chunk(b"IEND", b"")


def tiff16(array, orientation=1):
    """An uncompressed little-endian 16-bit TIFF written by hand: (H, W, 1, 3 or 4)."""
    height, width, channels = array.shape
    data = array.astype("<u2").tobytes()
    bits = 8 + len(data)
    tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, channels, 16 if channels == 1 else bits)]
    tags += [(259, 3, 1, 1), (262, 3, 1, 1 if channels == 1 else 2), (273, 4, 1, 8), (274, 3, 1, orientation)]
    tags += [(277, 3, 1, channels), (278, 4, 1, height), (279, 4, 1, len(data))]
    tags += [(338, 3, 1, 2)] if channels == 4 else []
    head = b"II*\0" + struct.pack("<I", bits + 2 * channels)
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return head + data + struct.pack("<H", 16) * channels + struct.pack("<H", len(tags)) + entries + b"\0\0\0\0"


@pytest.mark.parametrize("suffix", ["PNG", "BMP", "TIFF", "WEBP"])
def test_lossless_8_bit_colour_comes_back(suffix):
    pixels = noise(9, 7, 3)
    options = {"lossless": True} if suffix == "WEBP" else {}
    picture = decode(saved(Image.fromarray(pixels), suffix, **options), "x")
    assert picture.alpha is None
    np.testing.assert_array_equal(picture.pixels, pixels)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bit_png_keeps_its_depth_channels_and_alpha(channels):
    array = noise(5, 6, channels, dtype=np.uint16)
    picture = decode(png16(array), "x")
    assert picture.pixels.dtype == np.uint16
    np.testing.assert_array_equal(picture.pixels, array[..., : 1 if channels < 3 else 3])
    if channels % 2:
        assert picture.alpha is None
    else:
        np.testing.assert_array_equal(picture.alpha, array[..., -1])


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bit_tiff_keeps_its_depth(channels):
    array = noise(5, 6, channels, dtype=np.uint16)
    picture = decode(tiff16(array), "x")
    np.testing.assert_array_equal(picture.pixels, array[..., :3])
    assert (picture.alpha is not None) == (channels == 4)


def test_gray_stays_one_channel_with_its_alpha():
    array = noise(5, 6, 2)
    picture = decode(saved(Image.fromarray(array, "LA")), "x")
    np.testing.assert_array_equal(picture.pixels, array[..., :1])
    np.testing.assert_array_equal(picture.alpha, array[..., 1])


def test_one_bit_becomes_black_and_white():
    array = noise(5, 6) > 127
    np.testing.assert_array_equal(decode(saved(Image.fromarray(array)), "x").pixels[..., 0], array * np.uint8(255))


def test_palette_becomes_colour_and_its_transparency_alpha():
    image = Image.fromarray(noise(5, 6) % 4, "P")
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90, 1, 2, 3])
    opaque = decode(saved(image), "x")
    assert opaque.pixels.shape == (5, 6, 3)
    assert opaque.alpha is None
    seen = decode(saved(image, transparency=2), "x")
    np.testing.assert_array_equal(seen.pixels, opaque.pixels)
    np.testing.assert_array_equal(seen.alpha == 0, (opaque.pixels == (70, 80, 90)).all(-1))


def test_colour_key_becomes_alpha():
    pixels = noise(4, 4, 3)
    picture = decode(saved(Image.fromarray(pixels), transparency=tuple(int(v) for v in pixels[1, 2])), "x")
    assert picture.alpha[1, 2] == 0
    assert picture.alpha.sum() == 15 * 255


def test_cmyk_jpeg_becomes_rgb():
    image = Image.new("RGB", (16, 16), (200, 30, 60)).convert("CMYK")
    pixels = decode(saved(image, "JPEG", quality=98), "x").pixels
    np.testing.assert_allclose(pixels.reshape(-1, 3).mean(0), (200, 30, 60), atol=4)


@pytest.mark.parametrize("turned", range(1, 9))
def test_exif_rotation_is_applied_at_either_depth(turned):
    exif = Image.Exif()
    exif[0x0112] = turned
    gray = noise(4, 6)
    flat = decode(saved(Image.fromarray(gray), exif=exif), "x").pixels
    meant = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM}
    meant |= {5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE}
    meant |= {8: Image.Transpose.ROTATE_90}
    upright = Image.fromarray(gray).transpose(meant[turned]) if turned > 1 else Image.fromarray(gray)
    np.testing.assert_array_equal(flat[..., 0], np.array(upright))
    deep = gray[..., None].astype(np.uint16) * 257
    deep_png = png16(deep, chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")))
    np.testing.assert_array_equal(decode(deep_png, "x").pixels, flat * np.uint16(257))
    np.testing.assert_array_equal(decode(tiff16(deep, turned), "x").pixels, flat * np.uint16(257))
    assert Image.open(io.BytesIO(saved(Image.fromarray(gray), "TIFF", exif=exif))).getexif().get(0x0112, 1) == turned
    tiff = decode(saved(Image.fromarray(gray), "TIFF", exif=exif), "x").pixels
    np.testing.assert_array_equal(tiff, flat)


@pytest.mark.parametrize("suffix", ["TIFF", "WEBP", "PNG"])
def test_first_frame_of_several(suffix):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    options = {"lossless": True} if suffix == "WEBP" else {}
    data = saved(frames[0], suffix, save_all=True, append_images=frames[1:], **options)
    np.testing.assert_array_equal(decode(data, "x").pixels, np.array(frames[0]))


@pytest.mark.parametrize("suffix", ["PNG", "JPEG", "BMP", "TIFF", "WEBP"])
@pytest.mark.parametrize("kept", [0.02, 0.5, 0.9, 0.995])
def test_truncated_is_refused_by_decode_and_verify(suffix, kept):
    data = saved(Image.fromarray(noise(64, 64, 3)), suffix)
    for work in (decode, verify):
        with pytest.raises(UsageError, match=r"^cut: not a readable image \(.+\)$"):
            work(data[: int(kept * len(data))], "cut")


def test_truncated_progressive_jpeg_and_16_bit_png_are_refused():
    progressive = saved(Image.fromarray(noise(64, 64, 3)), "JPEG", progressive=True)
    deep = png16(noise(32, 32, 3, dtype=np.uint16))
    for data in (progressive[:-20], deep[:-1], deep[:-20], deep[:-2000]):
        for work in (decode, verify):
            with pytest.raises(UsageError):
                work(data, "cut")


def test_flipped_bit_in_a_png_is_refused():
    data = bytearray(saved(Image.fromarray(noise(64, 64, 3))))
    data[len(data) // 2] ^= 16
    for work in (decode, verify):
        with pytest.raises(UsageError):
            work(bytes(data), "x")


@pytest.mark.parametrize(
    "data", [b"", b"hello, I am text\n" * 9, b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM", b"II*\0"]
)
def test_what_is_no_image_is_refused_in_one_line(data):
    for work in (decode, verify):
        with pytest.raises(UsageError, match=r"^a\.png: not a readable image \([^\n]+\)$") as caught:
            work(data, "a.png")
        assert "object at 0x" not in str(caught.value)


def test_float_tiff_is_refused():
    with pytest.raises(UsageError, match="8-bit nor 16-bit"):
        decode(saved(Image.fromarray(np.zeros((4, 4), np.float32)), "TIFF"), "x")


def test_decompression_bomb_is_refused_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr(room, "MAX_PIXELS", 1000)
    for work in (decode, verify):
        with pytest.raises(UsageError, match="64x64 is more than"):
            work(saved(Image.new("L", (64, 64))), "x")


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["PNG", "JPEG", "BMP", "TIFF", "WEBP"]))
def test_damaged_files_raise_nothing_but_usage_errors(seed, suffix):
    rng = np.random.default_rng(seed)
    data = np.frombuffer(saved(Image.fromarray(noise(16, 16, 3)), suffix), np.uint8).copy()
    where = rng.integers(0, len(data), 4)
    data[where] = rng.integers(0, 256, 4)
    for work in (decode, verify):
        with contextlib.suppress(UsageError):
            work(data.tobytes(), "x")


def test_read_names_missing_files_and_folders(tmp_path):
    with pytest.raises(UsageError, match=r"none\.png: no such file"):
        read(tmp_path / "none.png")
    with pytest.raises(UsageError, match="cannot be read"):
        read(tmp_path)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_to_tensor_rounds_each_level_correctly(dtype):
    peak = np.iinfo(dtype).max
    levels = np.arange(peak + 1, dtype=dtype).reshape(-1, 16, 1)
    tensor = to_tensor(levels)
    assert tensor.dtype == torch.float32
    np.testing.assert_array_equal(tensor[0].numpy(), (levels[..., 0] / np.float64(peak)).astype(np.float32))


def test_every_level_survives_the_round_trip():
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, 2)
    np.testing.assert_array_equal(to_uint8(to_tensor(levels)), levels)
    np.testing.assert_array_equal(to_uint8(to_tensor(levels).double()), levels)


def test_to_uint8_rounds_halves_up_clamps_and_refuses_nan():
    halves = torch.arange(255, dtype=torch.float64).add(0.5).div(255).reshape(1, 15, 17)
    exact = halves * 255 % 1 == 0.5
    assert (torch.from_numpy(to_uint8(halves)[..., 0]) == torch.arange(1, 256).reshape(15, 17))[exact[0]].all()
    extremes = torch.tensor([[-3.0, float("-inf"), 7.0, float("inf")]])
    np.testing.assert_array_equal(to_uint8(extremes)[..., 0], [[0, 0, 255, 255]])
    with pytest.raises(ValueError, match="NaN"):
        to_uint8(torch.tensor([[0.0, float("nan")]]))


def test_to_uint8_leaves_its_argument_alone():
    image = torch.rand(3, 4, 5, dtype=torch.float64)
    before = image.clone()
    assert to_uint8(image).shape == (4, 5, 3)
    assert torch.equal(image, before)


def test_to_rgb_stacks_one_channel():
    assert torch.equal(to_rgb(torch.ones(2, 1, 4, 5)), torch.ones(2, 3, 4, 5))
    assert to_rgb(torch.zeros(1, 4, 5)).shape == (3, 4, 5)
    colour = torch.rand(3, 4, 5)
    assert to_rgb(colour) is colour
    with pytest.raises(ValueError, match="1 or 3"):
        to_rgb(torch.zeros(4, 4, 5))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 20), st.integers(1, 20), st.sampled_from([1, 3]), st.sampled_from([np.uint8, np.uint16]))
def test_png_round_trip_is_lossless_and_deterministic(height, width, channels, dtype):
    pixels = noise(height, width, channels, dtype=dtype, seed=height * width)
    data = encode_png(pixels)
    np.testing.assert_array_equal(decode(data, "x").pixels, pixels)
    verify(data, "x")
    assert encode_png(pixels) == data


def test_encode_png_refuses_other_shapes():
    for pixels in (np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((4, 4, 2), np.uint8)):
        with pytest.raises(ValueError, match="PNG needs"):
            encode_png(pixels)


def test_write_png_is_all_or_nothing(tmp_path, monkeypatch):
    path, pixels = tmp_path / "a.png", noise(4, 4, 3)
    write_png(path, pixels)
    np.testing.assert_array_equal(read(path).pixels, pixels)
    before = path.read_bytes()
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(WorkError, match="disk full"):
        write_png(path, noise(4, 4, 3, seed=1))
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == before


@real
def test_real_odd_files():
    folder = Path(REFERENCE, "data", "real", "odd")
    deep = read(folder / "tree_alpha_16bit.png")
    assert deep.pixels.shape == (256, 342, 3)
    assert deep.pixels.dtype == deep.alpha.dtype == np.uint16
    assert read(folder / "wolf_gray.jpg").pixels.shape == (236, 236, 1)
    assert read(folder / "children-alpha.png").alpha.shape == (350, 566)
    brain = read(Path(REFERENCE, "data", "medical", "skimage_brain.tiff"))
    assert (brain.pixels.shape, brain.pixels.dtype) == ((256, 256, 1), np.uint16)


@real
def test_real_files_decode_as_pillow_decodes_them_and_verify():
    paths = [p for p in Path(REFERENCE, "data").rglob("*") if p.suffix in room.SUFFIXES and p.stat().st_size < 80_000]
    assert len(paths) > 30
    for path in paths[:30]:
        verify(path.read_bytes(), str(path))
        image = Image.open(path)
        if image.mode in ("L", "RGB"):
            np.testing.assert_array_equal(np.squeeze(read(path).pixels), np.array(image))
