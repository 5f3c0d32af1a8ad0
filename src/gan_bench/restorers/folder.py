"""A folder of restored images as a restorer: what another program made is judged by the same protocol."""

from __future__ import annotations

import hashlib
from pathlib import Path

from torch import Tensor

from gan_bench.batch import Batch
from gan_bench.data.images import Images, list_images
from gan_bench.errors import UsageError
from gan_bench.image import to_tensor
from gan_bench.restorers.base import Origin
from gan_bench.targets import hint

__all__ = ["FolderRestorer"]


class FolderRestorer:
    """Finds each restored image by the stem of its gt.

    Args:
        root: folder of images.
    """

    scale = None
    computes = False  # nothing to measure

    def __init__(self, root: str | Path) -> None:
        paths = [path for paths in list_images(root, option="").values() for path in paths]
        self.images = Images(paths, root, num_ch=None)
        self.index = {name: number for number, name in enumerate(self.images.names)}
        self.origin = Origin(model=Path(root).name, checkpoint_sha256=self._sha256(), weights=Path(root))

    def _sha256(self) -> str:
        """Over names and files: what stands for the weights of a program that is not known."""
        digest = hashlib.sha256()
        for name, path in zip(self.images.names, self.images.paths, strict=True):
            digest.update(f"{name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()

    def restore(self, batch: Batch) -> Tensor:
        """(1, C, H, W) in [0, 1], as the file has it.

        Raises:
            UsageError: no image of that stem.
        """
        name = batch.name[0]
        if name not in self.index:
            raise UsageError(f"{self.origin.model}: no restored image for {name!r}{hint(name, self.index)}")
        return to_tensor(self.images[self.index[name]]).unsqueeze(0)
