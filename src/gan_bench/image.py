"""Pixels from and to files, and nothing else: the one decoder and the one encoder of the package.

A file's own depth decides: 8 bit comes back as uint8, 16 bit as uint16; a TIFF may have many pages. Pillow reads 16-bit
colour as 8 bit without a word, and OpenCV fills what a truncated file lacks, so Pillow judges every file and OpenCV
decodes the 16-bit ones.
Colour profiles are not applied: restoration benchmarks compare the stored numbers.
PNG: https://www.w3.org/TR/png-3/
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import cv2
import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from gan_bench.errors import UsageError
from gan_bench.files import write_atomically

__all__ = ["SUFFIXES", "Picture", "decode", "encode_png", "pages", "read", "to_rgb", "to_tensor", "to_uint8"]
__all__ += ["encode_webp", "verify", "write_png"]

SUFFIXES: Final[frozenset[str]] = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})
TIFF_SUFFIXES: Final = (".tif", ".tiff")
FORMATS: Final = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")
MAX_PIXELS: Final = 250_000_000  # above the 200-megapixel photographs of today's phones
PNG_END: Final = b"IEND\xaeB`\x82"  # the last chunk is the same eight bytes in every PNG
EXIF_ORIENTATION: Final = 0x0112
TIFF_BITS: Final = 258
TIFF_KIND: Final = 254
TIFF_LESSER: Final = 0b101  # bits of the kind: a smaller copy, a transparency mask

# Pillow warns above this size and refuses twice of it; its default would warn about ordinary large photographs.
Image.MAX_IMAGE_PIXELS = max(MAX_PIXELS, Image.MAX_IMAGE_PIXELS or 0)


class Picture(NamedTuple):
    """A decoded file, upright.

    Attributes:
        pixels: (H, W, C) uint8 or uint16; C is 1 (gray) or 3 (RGB).
        alpha: (H, W) of the same dtype, where the file has transparency; never multiplied into the pixels.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None


def read(path: str | os.PathLike[str], page: int = 0) -> Picture:
    """Reads and decodes one PNG, JPEG, BMP, TIFF or WebP file, of a TIFF one of its `pages`.

    Raises:
        UsageError: the file is missing, may not be read, or is not a readable image.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error
    return decode(data, str(path), page)


def pages(path: str | os.PathLike[str]) -> tuple[int, ...]:
    """The pages of a TIFF file that are images of their own, not smaller copies or masks; any other file has page 0.

    Raises:
        UsageError: as `read` does.
    """
    if Path(path).suffix.lower() not in TIFF_SUFFIXES:
        return (0,)
    try:
        with Image.open(path, formats=FORMATS) as image:
            return tuple(_pages(image)) or (0,)
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise _unreadable(path, error) from error
    except Exception as error:  # as in decode
        raise _refusal(str(path), error) from error


def decode(data: bytes, name: str, page: int = 0) -> Picture:
    """Decodes one page of an image file's bytes, the first frame of films; whatever is broken or incomplete is refused.

    Raises:
        UsageError: `<name>: not a readable image (<cause>)`.
    """
    try:
        _check_png(data)
        image = _open(data, page)
        # OpenCV turns a TIFF by itself but no PNG, and Pillow's loading of a TIFF does away with the tag: ask before.
        turned = image.getexif().get(EXIF_ORIENTATION, 1) if image.format == "PNG" else 1
        image.load()
        if _is_deep(data, image):
            return _decode_deep(data, turned, page)
        return _from_pillow(ImageOps.exif_transpose(image))
    except Exception as error:  # parsers of broken files raise whatever they stumble over
        raise _refusal(name, error) from error


def verify(data: bytes, name: str) -> None:
    """Checks that a file's bytes can be decoded, at less than the price of decoding where the format allows.

    Raises:
        UsageError: as `decode` does.
    """
    try:
        image = _open(data)
        if image.format == "PNG":
            return _check_png(data)
        image.draft("L", (1, 1))  # JPEG: every code is read, an eighth of the pixels is computed
        image.load()
        for _ in _pages(image):
            _accepted(image).load()
    except Exception as error:  # as in decode
        raise _refusal(name, error) from error


def to_tensor(pixels: np.ndarray) -> Tensor:
    """(H, W, C) uint8 or uint16 -> (C, H, W) float32 in [0, 1], each value correctly rounded.

    Raises:
        ValueError: the pixels have another dtype or shape.
    """
    if pixels.dtype not in (np.uint8, np.uint16) or pixels.ndim != 3:
        raise ValueError(f"pixels are (H, W, C) uint8 or uint16, not {pixels.shape} {pixels.dtype}")
    peak = np.float32(np.iinfo(pixels.dtype).max)
    planes = np.ascontiguousarray(pixels.transpose(2, 0, 1))
    return torch.from_numpy(np.divide(planes, peak, dtype=np.float32))


def to_uint8(image: Tensor) -> np.ndarray:
    """(C, H, W) or (H, W) float, clamped to [0, 1] -> (H, W, C) uint8, rounded as MATLAB does: halves up.

    Raises:
        ValueError: NaN among the values, or another shape or type.
    """
    if image.ndim not in (2, 3) or not image.is_floating_point():
        raise ValueError(f"an image is a float (C, H, W) or (H, W), not {image.dtype} {tuple(image.shape)}")
    planes = image.detach().clamp(0, 1)
    if planes.sum().isnan():  # NaN passes the clamp, infinities do not
        raise ValueError("NaN in an image cannot be rounded to 8 bit")
    levels = planes.double().mul_(255).add_(0.5).to(torch.uint8).cpu()
    return (levels[..., None] if levels.ndim == 2 else levels.permute(1, 2, 0)).contiguous().numpy()


def to_rgb(image: Tensor) -> Tensor:
    """(C, H, W) or (B, C, H, W): one channel becomes three equal ones, a view without a copy; three stay.

    Raises:
        ValueError: C is neither 1 nor 3.
    """
    channels = image.shape[-3]
    if channels not in (1, 3):
        raise ValueError(f"an image has 1 or 3 channels, not {channels}")
    return image if channels == 3 else image.expand(*image.shape[:-3], 3, *image.shape[-2:])


def encode_png(pixels: np.ndarray) -> bytes:
    """(H, W, 1 or 3) uint8 or uint16, gray or RGB -> a PNG without date or comment: equal pixels give equal bytes.

    Raises:
        ValueError: the pixels have another dtype or shape.
    """
    if (
        pixels.dtype not in (np.uint8, np.uint16)
        or pixels.ndim != 3
        or pixels.shape[2] not in (1, 3)
        or not pixels.size
    ):
        raise ValueError(f"a PNG needs (H, W, 1 or 3) uint8 or uint16, not {pixels.shape} {pixels.dtype}")
    _, data = cv2.imencode(".png", np.ascontiguousarray(pixels[..., ::-1]), [cv2.IMWRITE_PNG_COMPRESSION, 4])
    return data.tobytes()


def encode_webp(pixels: np.ndarray, quality: int = 90) -> bytes:
    """(H, W, 3) uint8 RGB -> a lossy WebP file without date or comment, small enough to be sent.

    Args:
        pixels: of the picture.
        quality: libwebp's, 1 to 100.

    Raises:
        ValueError: the pixels have another dtype or shape.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise ValueError(f"a WebP file needs (H, W, 3) uint8, not {pixels.shape} {pixels.dtype}")
    _, data = cv2.imencode(".webp", np.ascontiguousarray(pixels[..., ::-1]), [cv2.IMWRITE_WEBP_QUALITY, quality])
    return data.tobytes()


def write_png(path: str | os.PathLike[str], pixels: np.ndarray) -> None:
    """Writes pixels, as `encode_png` takes them, at once or not at all: a reader never meets half a file.

    Raises:
        WorkError: it cannot be written.
    """
    write_atomically(Path(path), encode_png(pixels))


def _open(data: bytes, page: int = 0) -> Image.Image:
    if not data:
        raise ValueError("empty file")
    image = Image.open(io.BytesIO(data), formats=FORMATS)
    if page:
        image.seek(page)
    return _accepted(image)


def _accepted(image: Image.Image) -> Image.Image:
    if image.width * image.height > MAX_PIXELS:
        raise ValueError(f"{image.width}x{image.height} is more than {MAX_PIXELS // 1_000_000} megapixels")
    if image.mode in ("I", "F"):
        raise ValueError("neither 8-bit nor 16-bit unsigned samples")
    return image


def _pages(image: Image.Image) -> Iterator[int]:
    """The pages of a TIFF, each while the image stands at it; of another format none but the first."""
    for page in range(getattr(image, "n_frames", 1) if image.format == "TIFF" else 1):
        image.seek(page)
        if not getattr(image, "tag_v2", {}).get(TIFF_KIND, 0) & TIFF_LESSER:
            yield page


def _check_png(data: bytes) -> None:
    """Pillow's load looks at no checksum and does not miss the end; its verify does, up to the last chunk's own."""
    if data.startswith(b"\x89PNG"):
        _open(data).verify()
        if data.rfind(PNG_END) < 0:
            raise ValueError("truncated: the end is missing")


def _is_deep(data: bytes, image: Image.Image) -> bool:
    if image.format == "PNG":
        return data[24] == 16  # IHDR's bit depth
    return image.mode.startswith("I;16") or 16 in getattr(image, "tag_v2", {}).get(TIFF_BITS, ())


def _decode_deep(data: bytes, turned: int, page: int) -> Picture:
    buffer = np.frombuffer(data, np.uint8)
    if page:
        _, found = cv2.imdecodemulti(buffer, cv2.IMREAD_UNCHANGED, range=(page, page + 1))
        pixels = found[0] if found else None
    else:
        pixels = cv2.imdecode(buffer, cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16:
        raise ValueError("unsupported layout of 16-bit samples")
    pixels = np.ascontiguousarray(_upright(np.atleast_3d(pixels), turned))
    alpha = np.ascontiguousarray(pixels[..., 3]) if pixels.shape[2] == 4 else None
    gray = pixels.shape[2] == 1 or (data.startswith(b"\x89PNG") and data[25] == 4)  # gray and alpha arrive as BGRA
    return Picture(np.ascontiguousarray(pixels[..., :1] if gray else pixels[..., 2::-1]), alpha)


def _upright(pixels: np.ndarray, turned: int) -> np.ndarray:
    """(H, W, C) as stored -> as meant, by EXIF's orientation 1 to 8 (5 to 8 swap the axes)."""
    if turned in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 0, 2)
    flip_rows, flip_columns = turned in (3, 4, 7, 8), turned in (2, 3, 6, 7)
    return pixels[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1]


def _from_pillow(image: Image.Image) -> Picture:
    gray = image.mode in ("1", "L", "LA", "La")
    if not image.has_transparency_data:
        return Picture(np.atleast_3d(np.array(image.convert("L" if gray else "RGB"))), None)
    pixels = np.array(image.convert("LA" if gray else "RGBA"))
    return Picture(np.ascontiguousarray(pixels[..., :-1]), np.ascontiguousarray(pixels[..., -1]))


def _unreadable(path: str | os.PathLike[str], error: OSError) -> UsageError:
    cause = "no such file" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror or error})"
    return UsageError(f"{path}: {cause}")


def _refusal(name: str, error: Exception) -> UsageError:
    known = "not a PNG, JPEG, BMP, TIFF or WebP file"
    cause = known if isinstance(error, UnidentifiedImageError) else " ".join(str(error).split())
    return UsageError(f"{name}: not a readable image ({cause or type(error).__name__})")
