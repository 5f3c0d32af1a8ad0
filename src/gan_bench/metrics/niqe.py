"""NIQE: how far an image's local statistics are from those of pristine photographs; needs no ground truth, nor pyiqa.

Mittal, Soundararajan, Bovik 2013, https://doi.org/10.1109/LSP.2012.2227726. As in the authors' MATLAB code, two
Gaussians are compared: that of the image's blocks and that of pristine ones. An image with fewer than two blocks that
have statistics (a flat one has none) has no score: NaN.

The published model is `niqe`. Every other is a metric of its own name: `niqe_photos`, fitted on bundled photographs,
and `niqe_<name>` of what `gan-bench weights fit-niqe` left in the cache.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import scipy.io
import torch
from torch import Tensor

from gan_bench.errors import UsageError, WorkError
from gan_bench.files import write_atomically
from gan_bench.image import read, to_rgb, to_uint8
from gan_bench.metrics.fidelity import ImageMetric
from gan_bench.metrics.nss import FEATURES, block_features
from gan_bench.weights import cache_folder, obtain

__all__ = ["NIQE", "PHOTOS", "Pristine", "fit", "fitted", "niqe", "of_photos", "published"]

log = logging.getLogger(__name__)

SHARP: Final = 0.75  # of the sharpest block: what a photograph shows out of focus is not pristine
DIGITS: Final = 6  # significant: so that machines that differ in the last bits fit one model

# Everyday scenes among scikit-image's photographs that no test set holds. With those of a microscope, a telescope
# and an eye the score does not grow with blur, and ranks images unlike the published model.
PHOTOS: Final = (
    "brick.png", "camera.png", "coins.png", "grass.png", "gravel.png", "motorcycle_left.png", "motorcycle_right.png",
    "rocket.jpg",
)  # fmt: skip


@dataclass(frozen=True)
class Pristine:
    """The Gaussian of pristine blocks.

    Attributes:
        mean: (36,).
        covariance: (36, 36).
        sha256: of the file that holds it.
    """

    mean: np.ndarray
    covariance: np.ndarray
    sha256: str = ""

    @classmethod
    def parse(cls, data: bytes) -> Pristine:
        """A model from the bytes of its .mat or .npz.

        Raises:
            ValueError: they hold none.
        """
        try:
            arrays: Any = scipy.io.loadmat(io.BytesIO(data)) if data[:6] == b"MATLAB" else np.load(io.BytesIO(data))
            mean, covariance = arrays["mu_prisparam"].ravel(), np.ascontiguousarray(arrays["cov_prisparam"])
        except Exception as error:  # zip, pickle and scipy each have their own
            raise ValueError(f"not a NIQE model ({error})") from error
        finite = np.isfinite(mean).all() and np.isfinite(covariance).all()
        if mean.shape != (FEATURES,) or covariance.shape != (FEATURES, FEATURES) or not finite:
            raise ValueError("not a NIQE model of 36 features")
        return cls(mean, covariance, hashlib.sha256(data).hexdigest())

    def to_bytes(self, suffix: str = ".npz") -> bytes:
        """As .npz, equal models to equal bytes, or as .mat, which pyiqa and MATLAB read."""
        arrays = {"mu_prisparam": self.mean[None], "cov_prisparam": self.covariance}
        out = io.BytesIO()
        if suffix == ".mat":
            scipy.io.savemat(out, arrays)
        else:
            np.savez(out, **arrays)  # type: ignore[arg-type]
        return out.getvalue()


class NIQE(ImageMetric):
    """The distance from a pristine model, 0 at best, of the whole 8-bit image; NaN where it has no statistics."""

    higher_is_better = False
    needs_gt = False
    digits = 3

    def __init__(self, name: str, pristine: Pristine) -> None:
        self.name, self.pristine, self.weights = name, pristine, pristine.sha256

    def score(self, restored: Tensor, gt: Tensor | None, lq: Tensor | None) -> Tensor:
        """(B, C, H, W) in [0, 1] -> (B,); gt and lq are not looked at."""
        scores = [niqe(to_uint8(to_rgb(image)), self.pristine) for image in restored]
        return torch.tensor(scores, dtype=torch.float64)


def published() -> Pristine:
    """The authors' model, as pyiqa distributes it.

    Raises:
        WorkError: it is not there and cannot be fetched, or is damaged.
    """
    return Pristine.parse(obtain("niqe").read_bytes())


def of_photos() -> Pristine:
    """The model of `PHOTOS`: from the cache, or fitted within seconds and kept there where it can be written.

    Raises:
        WorkError: the photographs are not there.
    """
    spec = importlib.util.find_spec("skimage")  # where it lies; nothing is imported
    if spec is None or spec.origin is None:
        raise WorkError("the photographs of scikit-image are not installed")
    paths = [Path(spec.origin).parent / "data" / name for name in PHOTOS]
    content = hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()
    path = cache_folder() / f"niqe_photos-{content[:8]}.npz"
    try:
        return Pristine.parse(path.read_bytes())
    except (OSError, ValueError):  # not there yet, or damaged: it is made anew
        data = fit(read(photo).pixels for photo in paths).to_bytes()
    try:
        write_atomically(path, data)
    except WorkError as error:
        log.warning("niqe_photos: its model is not kept: %s (GAN_BENCH_CACHE)", error)
    return Pristine.parse(data)


def fitted(name: str) -> Pristine:
    """The model `niqe_<name>.npz` or `.mat` of the cache.

    Raises:
        WorkError: it is damaged.
        FileNotFoundError: there is none.
    """
    for path in (cache_folder() / f"{name}{suffix}" for suffix in (".npz", ".mat")):
        if path.is_file():
            try:
                return Pristine.parse(path.read_bytes())
            except (OSError, ValueError) as error:
                raise WorkError(f"{path}: {error}; gan-bench weights fit-niqe makes one") from error
    raise FileNotFoundError(name)


def niqe(pixels: np.ndarray, pristine: Pristine) -> float:
    """The distance of an image from a pristine model; NaN where it has fewer than two blocks with statistics.

    Args:
        pixels: (H, W, 1 or 3) uint8.
        pristine: published or fitted.
    """
    features, _ = block_features(pixels)
    features = features[np.isfinite(features).all(1)]
    if len(features) < 2:
        return float("nan")
    gap = pristine.mean - features.mean(0)
    pooled = (pristine.covariance + np.cov(features, rowvar=False)) / 2
    return float(np.sqrt(gap @ np.linalg.pinv(pooled) @ gap))


def fit(images: Iterable[np.ndarray]) -> Pristine:
    """The model of the sharp blocks of photographs, as the paper makes it.

    Args:
        images: (H, W, 1 or 3) uint8 each; those smaller than a block count for nothing.

    Raises:
        UsageError: fewer blocks than a covariance of 36 features needs.
    """
    kept = [np.empty((0, FEATURES))]
    for features, sharpness in map(block_features, images):
        kept.append(features[sharpness > SHARP * sharpness.max(initial=0)])
    features = np.concatenate(kept)
    features = features[np.isfinite(features).all(1)]
    if len(features) <= FEATURES:
        raise UsageError(
            f"{len(features)} sharp blocks of 96x96 pixels, at least {FEATURES + 1} are needed: add images"
        )
    return Pristine(_rounded(features.mean(0)), _rounded(np.cov(features, rowvar=False)))


def _rounded(array: np.ndarray) -> np.ndarray:
    return np.array([float(f"{value:.{DIGITS}g}") for value in array.ravel()]).reshape(array.shape)
