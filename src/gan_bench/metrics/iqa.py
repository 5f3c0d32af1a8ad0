"""Perceptual metrics of single images, LPIPS first: the only importer of pyiqa, and of torchmetrics' LPIPS and MS-SSIM.

All of them see the whole image as an RGB file of 8 bit would hold it: rounded, gray stacked, no border cut. LPIPS
(Zhang et al. 2018, https://arxiv.org/abs/1801.03924; AlexNet, as its authors report it) and MS-SSIM (Wang et al. 2003)
are torchmetrics'; every other name is one of pyiqa, whose licence is non-commercial. Both are imported when used.
Networks are on the GPU where there is one, and never part of a model: no checkpoint holds them.
"""

from __future__ import annotations

import abc
import functools
import hashlib
import importlib.metadata
import importlib.util
import io
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from gan_bench.chance import undisturbed
from gan_bench.download import no_long_waits
from gan_bench.errors import WorkError, one_line
from gan_bench.image import to_rgb, to_tensor, to_uint8
from gan_bench.metrics.fidelity import ImageMetric
from gan_bench.weights import hub_url, needed, obtain, sha256

__all__ = ["LPIPS", "MSSSIM", "Pyiqa", "pyiqa_names"]

log = logging.getLogger(__name__)

MARGINS: Final = {"dists": 0.003}
OF_SETS: Final = frozenset({"FID", "InceptionScore"})  # pyiqa's types whose score is not that of an image


class _WholeImage(ImageMetric):
    """A metric that sees whole 8-bit RGB images; NaN where it cannot look at one, said once."""

    def score(self, restored: Tensor, gt: Tensor | None, lq: Tensor | None) -> Tensor:
        if gt is None and self.needs_gt:
            raise ValueError(f"{self.name} needs ground truth")
        images = [_as_files(restored)] + ([_as_files(gt)] if gt is not None and self.needs_gt else [])
        try:
            with torch.inference_mode(), _float32():
                return self._measure(*images).reshape(-1).double().cpu()
        except (RuntimeError, ValueError, AssertionError, IndexError) as error:  # too small, mostly
            size = "x".join(str(side) for side in restored.shape[-2:])
            self._tell(f"{self.name}: no score for an image of {size} (HxW): {one_line(error, 160)}")
            return torch.full((len(restored),), torch.nan, dtype=torch.float64)

    @abc.abstractmethod
    def _measure(self, *images: Tensor) -> Tensor:
        """Restored and, where it is needed, gt, each (B, 3, H, W) in [0, 1] -> (B,)."""

    @functools.cached_property
    def _tell(self) -> Callable[[str], None]:
        return functools.cache(log.warning)


class LPIPS(_WholeImage):
    """Distance of features of an ImageNet network, 0 at best, with torchmetrics' copy of the authors' linear heads.

    Raises:
        WorkError: the network's weights are not to be had.
    """

    higher_is_better = False
    needs_gt = True
    margin = 0.003

    def __init__(self, name: str, network: str, backbone: str) -> None:
        """Makes sure of the weights; the network is built when it is first used.

        Args:
            name: of the metric.
            network: `alex`, `vgg` or `squeeze`.
            backbone: key of the file of weights.
        """
        self.name, self.network, self.weights = name, network, sha256(obtain(backbone))

    def _measure(self, *images: Tensor) -> Tensor:
        model = _lpips(self.network, self.weights)
        values: Tensor = model(*images)
        model.reset()
        return values


class MSSSIM(_WholeImage):
    """SSIM at five scales on RGB, 1 at best; a side of at least 161 pixels is needed."""

    name = "ms_ssim"
    higher_is_better = True
    needs_gt = True

    def _measure(self, *images: Tensor) -> Tensor:
        from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

        restored, gt = images
        values = multiscale_structural_similarity_index_measure(restored, gt, reduction="none", data_range=1.0)
        assert isinstance(values, Tensor)
        return values


class Pyiqa(_WholeImage):
    """Any metric of pyiqa by its name; direction and need of ground truth are read from its own table.

    Raises:
        WorkError: its weights or its packages are not to be had.
    """

    def __init__(self, name: str) -> None:
        facts = _table()[name]
        for file in needed(name):
            obtain(file.key)
        self.name = name
        self.higher_is_better = not facts.get("lower_better", False)
        self.needs_gt = facts["metric_mode"] == "FR"
        self.version = f"pyiqa {importlib.metadata.version('pyiqa')}"  # what it changes, it does not say
        self.margin = MARGINS.get(name)
        self._model = _create(name)
        self.weights = _digest(self._model)

    def _measure(self, *images: Tensor) -> Tensor:
        """One image at a time: some draw crops, and no score may depend on the images beside it."""
        with undisturbed():
            return torch.cat([self._alone(*(image[None] for image in pair)) for pair in zip(*images, strict=True)])

    def _alone(self, *images: Tensor) -> Tensor:
        torch.manual_seed(0)
        np.random.seed(0)
        value = self._model(*images)
        return torch.as_tensor(value[0] if isinstance(value, tuple) else value).reshape(1).float().cpu()


def pyiqa_names() -> list[str]:
    """All metrics of single images that pyiqa has; it is not imported for that."""
    return [name for name, facts in _table().items() if facts["metric_opts"]["type"] not in OF_SETS]


@functools.lru_cache(maxsize=4)
def _lpips(network: Any, _weights: str) -> Any:
    from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

    with torch.inference_mode(False):  # what is kept may be used outside of it
        return LearnedPerceptualImagePatchSimilarity(network, reduction="none", normalize=True).to(_device())


@functools.cache
def _table() -> Mapping[str, Any]:
    """Pyiqa's own table of metrics, from its file: importing the package takes 10 to 20 seconds."""
    package = importlib.util.find_spec("pyiqa")
    if package is None or package.origin is None:
        return {}
    file = Path(package.origin).with_name("default_model_configs.py")
    spec = importlib.util.spec_from_file_location("pyiqa_default_model_configs", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    table: Mapping[str, Any] = module.DEFAULT_CONFIGS
    return table


@functools.lru_cache(maxsize=4)
def _create(name: str) -> nn.Module:
    """The network, quietly: pyiqa prints and logs what it fetches."""
    with no_long_waits(hub_url()), redirect_stdout(io.StringIO()), _quiet():
        try:
            import pyiqa

            model: nn.Module = pyiqa.create_metric(name, device=_device())
        except Exception as error:  # whatever a metric of an author of its own stumbles over
            raise WorkError(f"pyiqa cannot build it: {one_line(error, 160)}") from error
    return model.eval().requires_grad_(False)


def _digest(model: nn.Module) -> str:
    """SHA-256 over all parameters and buffers: which files they came from pyiqa does not say."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode() + value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _as_files(images: Tensor) -> Tensor:
    """(B, 1 or 3, H, W) -> (B, 3, H, W) float32, what reading the images back from 8-bit files would give."""
    return torch.stack([to_tensor(to_uint8(to_rgb(image))) for image in images]).to(_device())


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@contextmanager
def _float32() -> Iterator[None]:
    """No TF32, no choice of algorithm by speed: the same scores as on a CPU, to rounding."""
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
        yield


@contextmanager
def _quiet() -> Iterator[None]:
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
