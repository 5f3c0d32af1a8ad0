"""From what a user types to a restorer, and a front door for Python: `gan_bench.load(spec).restore(image)`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gan_bench.batch import Batch
from gan_bench.config import build, conf_dir, read_yaml
from gan_bench.errors import UsageError, did_you_mean
from gan_bench.image import to_tensor, to_uint8
from gan_bench.restorers.base import Restorer
from gan_bench.restorers.checkpoint import checkpoint
from gan_bench.restorers.folder import FolderRestorer
from gan_bench.restorers.states import SUFFIXES
from gan_bench.restorers.trained import is_run, run_of, trained

__all__ = ["Loaded", "load", "load_restorer"]

DTYPES = ("uint8", "uint16", "float16", "float32", "float64")


def load_restorer(spec: str, scale: int | None = None) -> Restorer:
    """A restorer from its spec.

    Args:
        spec: a model of conf/model that needs no training, a run folder (or a file of weights in it), a file of
            weights from anywhere, or a folder of restored images.
        scale: for what does not know its own; default 4.

    Raises:
        UsageError: the spec is none of these.
    """
    if not spec:
        raise UsageError("no restorer is named: a run, a file of weights, a folder of images, or bicubic is needed")
    path = Path(spec).expanduser()
    if is_run(path):
        return trained(path)
    if run_of(path):
        raise UsageError(f"{spec}: the run is not complete; the command that began it goes on with it")
    if path.is_dir():
        return FolderRestorer(path)
    if path.suffix.lower() in SUFFIXES:
        return checkpoint(path, scale)
    ready = untrained()
    if spec not in ready:
        wanted = "neither a run, a file of weights, a folder of images nor a model that needs no training"
        raise UsageError(f"{spec}: {wanted}{did_you_mean(spec, ready)}")
    return build({**ready[spec], "scale": scale or 4})  # type: ignore[no-any-return]


def untrained() -> dict[str, dict[str, Any]]:
    """The models in conf/model that need no training, by name."""
    nodes = {path.stem: read_yaml(path) for path in sorted((conf_dir() / "model").glob("*.yaml"))}
    return {name: node for name, node in nodes.items() if str(node.get("_target_")).startswith("gan_bench.restorers.")}


def load(spec: str | Path, scale: int | None = None) -> Loaded:
    """Load anything that restores: `gan_bench.load("runs/...").restore(image)`.

    Args:
        spec: a run folder, a file of weights, or a model that needs no training such as `bicubic`.
        scale: for what does not know its own.

    Raises:
        UsageError: nothing that can be loaded.
    """
    return Loaded(load_restorer(str(spec), scale))


class Loaded:
    """A restorer for single images of any usual kind.

    Attributes:
        restorer: the inner one.
        scale: gt over lq.
    """

    def __init__(self, restorer: Restorer) -> None:
        self.restorer, self.scale = restorer, restorer.scale

    def restore(self, image: Any, name: str = "0") -> Any:
        """Restore one image; large ones go through blended tiles, unless the network sees an image as a whole.

        Args:
            image: array (H, W) or (H, W, C), uint8, uint16 or float in [0, 1]; PIL image; tensor (C, H, W) or
                (B, C, H, W) in [0, 1].
            name: of the image, which seeds what noise a generator has: with the stem of its file, what was judged
                comes out again. Several in a batch are `name_1`, `name_2` after the first.

        Returns:
            the kind it was given, `scale` times as large.

        Raises:
            UsageError: another kind.
        """
        if isinstance(image, Tensor) and image.ndim in (3, 4) and image.is_floating_point():
            batch = image if image.ndim == 4 else image.unsqueeze(0)
            restored = self._restore(batch.float(), name).to(image.device, image.dtype)
            return restored if image.ndim == 4 else restored[0]
        if isinstance(image, Image.Image):
            plain = image if image.mode in ("L", "RGB", "I;16") else image.convert("RGB")
            return Image.fromarray(self._array(np.asarray(plain), name))
        if isinstance(image, np.ndarray) and image.ndim in (2, 3) and image.dtype.name in DTYPES:
            return self._array(image, name)
        shape, dtype = tuple(getattr(image, "shape", ())), getattr(image, "dtype", "")
        raise UsageError(
            "restore takes a PIL image, an array (H, W) or (H, W, C) of uint8, uint16 or floats, or a float tensor "
            f"(C, H, W) or (B, C, H, W), not {type(image).__name__} {shape or ''} {dtype}".rstrip()
        )

    def _array(self, pixels: np.ndarray, name: str) -> np.ndarray:
        deep = pixels if pixels.ndim == 3 else pixels[..., None]
        floating = np.issubdtype(pixels.dtype, np.floating)
        lq = torch.from_numpy(deep.transpose(2, 0, 1).astype(np.float32)) if floating else to_tensor(deep)
        restored = self._restore(lq.unsqueeze(0), name)[0]
        out = _like(restored, pixels.dtype)
        return out if pixels.ndim == 3 else out[..., 0]

    def _restore(self, lq: Tensor, name: str) -> Tensor:
        names = (name, *(f"{name}_{number}" for number in range(1, len(lq))))
        return self.restorer.restore(Batch(lq, lq, names))


def _like(image: Tensor, dtype: np.dtype[Any]) -> np.ndarray:
    if dtype == np.uint8:
        return to_uint8(image)
    array = image.permute(1, 2, 0).numpy()
    return np.floor(array * 65535 + 0.5).astype(np.uint16) if dtype == np.uint16 else array.astype(dtype)
