"""Images to the 2048 features that FID and KID are defined on: the only importer of torch-fidelity's network.

The network is Inception of TensorFlow's release of 2015-12-05 with its own weights, as converted for torch-fidelity
(https://github.com/toshas/torch-fidelity), not torchvision's. Images are brought to 299x299 by torch-fidelity's copy of
TensorFlow 1's resize, bilinear without antialiasing; torchmetrics would antialias unless told otherwise. An image goes
through the network alone, so that its features do not depend on those beside it.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from gan_bench.errors import WorkError
from gan_bench.weights import obtain, sha256

__all__ = ["Inception", "inception", "inception_weights"]

FEATURES: Final = 2048
KEPT: Final = 4096  # images whose features are kept: 32 MB


class Inception(nn.Module):
    """The network, in evaluation, on the GPU where there is one; what it has seen it does not compute again."""

    num_features = FEATURES

    def __init__(self, path: Path) -> None:
        """Builds it.

        Args:
            path: of its weights; pickled code in it would be run, so it is one that `obtain` found sound.
        """
        from torchmetrics.image.fid import NoTrainInceptionV3

        super().__init__()
        network = NoTrainInceptionV3("inception-v3-compat", [str(FEATURES)], str(path), antialias=False)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network = network.to(self.device)
        self._known: dict[bytes, Tensor] = {}

    def forward(self, image: Tensor) -> Tensor:
        """(1, 3, H, W) uint8 -> (1, 2048) float32 on the CPU."""
        digest = hashlib.sha256(f"{tuple(image.shape)}".encode() + image.contiguous().numpy().tobytes()).digest()
        if digest not in self._known:
            self._known[digest] = self._features(image)
            if len(self._known) > KEPT:
                del self._known[next(iter(self._known))]
        return self._known[digest]

    def _features(self, image: Tensor) -> Tensor:
        exact = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
        with torch.inference_mode(), exact:
            features: Tensor = self.network(image.to(self.device)).cpu()
        return features


def inception_weights() -> str:
    """SHA-256 of the weights, once they and torch-fidelity are sure to be here.

    Raises:
        WorkError: one of them is not to be had.
    """
    if importlib.util.find_spec("torch_fidelity") is None:
        raise WorkError("needs torch-fidelity; pip install torch-fidelity")
    return sha256(obtain("inception"))


def inception() -> Inception:
    """The network, one for all metrics.

    Raises:
        WorkError: its weights are not to be had.
    """
    path = obtain("inception")
    return _built(path, sha256(path))


@functools.lru_cache(maxsize=1)
def _built(path: Path, _weights: str) -> Inception:
    with torch.inference_mode(False):  # what is kept may be used outside of it
        return Inception(path)
