"""What is judged: named pairs of lq and gt images, the lq made once per image or read from files, on 8-bit levels."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from torch import Tensor

from gan_bench.batch import Batch
from gan_bench.chance import generator
from gan_bench.data.frozen import Frozen
from gan_bench.data.images import Images
from gan_bench.degradations.base import Degradation
from gan_bench.errors import UsageError
from gan_bench.image import to_rgb, to_tensor, to_uint8

__all__ = ["Degraded", "Given", "TestSet", "describe"]

log = logging.getLogger(__name__)


class TestSet:
    """Images to restore, one `Batch` of one image each, in the order of their names.

    Attributes:
        name: of the set, as it stands on the board.
        scale: gt is larger than lq by this factor.
        names: of the images.
        degradation: name and parameters of what made the lq images, None where they were given.
    """

    __test__ = False  # pytest collects what is called Test
    name: str
    scale: int
    names: tuple[str, ...]
    degradation: dict[str, Any] | None = None

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Batch]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> Batch:
        raise NotImplementedError

    def again(self, index: int, restored: Tensor) -> Tensor:
        """What the degradation that made an lq image makes, with the same draw, of the restored one.

        Args:
            index: of the image.
            restored: (1, C, H, W) in [0, 1]; rounded to 8 bit first, as a file would be. Colour is reduced to its mean
                where gt has one channel, one channel stacked where gt has three.

        Returns:
            (1, C, H/s, W/s) in [0, 1], on 8-bit levels.

        Raises:
            UsageError: lq was given, and so nobody knows its degradation; or the image is not as large as gt.
        """
        raise UsageError(f"{self.name}: lq was given; what made it is not known")

    def reals(self) -> Iterator[Tensor]:
        """The images that sets of restored ones are compared with, each (1, C, H, W) in [0, 1]; none without gt."""
        return (batch.gt for batch in self if batch.gt is not None)

    def _cropped(self, images: Images, index: int) -> Tensor:
        """One gt image, cropped at the right and bottom to a multiple of the scale."""
        pixels = images[index]
        before = pixels.shape[:2]
        height, width = (size - size % self.scale for size in before)
        if not height or not width:
            raise UsageError(f"{images.paths[index]}: {before[1]}x{before[0]} is smaller than the scale {self.scale}")
        if (height, width) != before:
            _say_cropped(self.scale)
        return _tensor(pixels[:height, :width])

    @cached_property
    def lq_sha256(self) -> str:
        """SHA-256 over name, shape and 8-bit pixels of every lq image: equal inputs, equal digest."""
        return _sha256((batch.name[0], batch.lq) for batch in self)

    @cached_property
    def gt_sha256(self) -> str | None:
        """The same of gt, where lq was given beside it; None where lq was made of it, or there is none."""
        return None

    @cached_property
    def reals_sha256(self) -> str:
        """The same of `reals`, whatever they are called."""
        return _sha256(("", image) for image in self.reals())


class Degraded(TestSet):
    """lq made from gt by a degradation that is drawn from (seed, image name), on the CPU, rounded to 8 bit.

    gt is cropped at the right and bottom to a multiple of the scale.

    Args:
        name: of the set.
        gt: images.
        degradation: makes the lq.
        described: its name and parameters, for the result.
        seed: of the set; the same for every model that is compared.
        frozen: the lq images are files in the cache, which the next evaluation reads; else they are in memory only.
    """

    def __init__(
        self,
        name: str,
        gt: Images,
        degradation: Degradation,
        described: dict[str, Any],
        seed: int = 0,
        frozen: bool = False,
    ) -> None:
        self.name, self.gt, self.made_by, self.degradation, self.seed = name, gt, degradation, described, seed
        self.names, self.scale = gt.names, degradation.scale
        self._frozen = Frozen(name, described, degradation, seed) if frozen else None
        self._lq: dict[int, Tensor] = {}

    def __getitem__(self, index: int) -> Batch:
        """The pair of one image: lq (1, C, H/s, W/s) on 8-bit levels, gt (1, C, H, W)."""
        gt = self._cropped(self.gt, index)
        name = self.names[index]

        def make() -> Tensor:
            return self._degraded(gt, name)

        if index not in self._lq:
            try:
                self._lq[index] = self._frozen.lq(name, gt, make) if self._frozen else make()
            except UsageError as error:
                raise UsageError(f"{self.gt.paths[index]}: {error}") from None
        return Batch(self._lq[index], gt, (name,))

    def again(self, index: int, restored: Tensor) -> Tensor:
        """See `TestSet.again`."""
        gt = self._cropped(self.gt, index)
        if restored.shape[-2:] != gt.shape[-2:]:
            sizes = ("x".join(map(str, image.shape[-2:])) for image in (restored, gt))
            raise UsageError("restored is {} and ground truth {} (HxW): they must be equal".format(*sizes))
        image = to_rgb(restored) if gt.shape[1] == 3 else restored.clamp(0, 1).mean(1, keepdim=True)
        return self._degraded(_tensor(to_uint8(image[0])), self.names[index])

    def _degraded(self, image: Tensor, name: str) -> Tensor:
        draw = self.made_by.draw([generator("degradation", self.seed, name)])
        return self.made_by.apply_8bit(image, draw)


class Given(TestSet):
    """lq from files, with gt of the same stems, or without gt.

    Args:
        name: of the set.
        lq: images.
        gt: images with the same names, or None.
        scale: gt over lq; None takes it from the first pair.
        others: what gt images look like, where there is none of these lq.

    Raises:
        UsageError: stems or sizes that do not match.
    """

    def __init__(
        self, name: str, lq: Images, gt: Images | None, scale: int | None, others: Images | None = None
    ) -> None:
        self.name, self.lq, self.gt, self.names, self.others = name, lq, gt, lq.names, others
        if gt is not None:
            _same_names(gt.names, lq.names)
            self._gt_of = {name: index for index, name in enumerate(gt.names)}
        self.scale = scale or (self._first_scale() if gt is not None else 1)

    def _first_scale(self) -> int:
        assert self.gt is not None
        (height, width), (h, w) = self.gt[self._gt_of[self.names[0]]].shape[:2], self.lq[0].shape[:2]
        scale = round(height / h)
        if scale < 1 or scale != round(width / w):
            raise UsageError(
                f"{self.names[0]}: gt {width}x{height} is no whole multiple of lq {w}x{h}; check the folders"
            )
        return int(scale)

    def __getitem__(self, index: int) -> Batch:
        """Lq (1, C, h, w), gt (1, C, h*s, w*s) or None."""
        lq = _tensor(self.lq[index])
        if self.gt is None:
            return Batch(lq, None, (self.names[index],))  # type: ignore[arg-type]
        gt = self._cropped(self.gt, self._gt_of[self.names[index]])
        if gt.shape[2] != lq.shape[2] * self.scale or gt.shape[3] != lq.shape[3] * self.scale:
            raise UsageError(
                f"{self.names[index]}: gt {gt.shape[3]}x{gt.shape[2]} does not fit lq {lq.shape[3]}x{lq.shape[2]} "
                f"at scale {self.scale}; nothing is resized in silence"
            )
        return Batch(to_rgb(lq) if gt.shape[1] == 3 else lq, gt, (self.names[index],))

    @cached_property
    def gt_sha256(self) -> str | None:
        """Over the gt images, which say as much of a score as the lq images do."""
        if self.gt is None:
            return None
        return _sha256((name, self._cropped(self.gt, self._gt_of[name])) for name in self.names)

    def reals(self) -> Iterator[Tensor]:
        """The gt images, or those that stand in for them."""
        return super().reals() if self.others is None else (_tensor(pixels) for pixels in self.others)


def describe(node: Mapping[str, Any]) -> dict[str, Any]:
    """A degradation's name and parameters, from its yaml, as a result keeps them."""
    parameters = {key: _whole(value) for key, value in node.items() if key not in ("name", "_target_")}
    return {"name": node["name"], "parameters": parameters}


def _whole(value: Any) -> Any:
    """25.0 is 25: values that are equal are spelled alike."""
    if isinstance(value, Mapping):
        return {key: _whole(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@lru_cache
def _say_cropped(scale: int) -> None:
    """Once in a process."""
    log.info("gt is cropped at the right and bottom to a multiple of the scale %d", scale)


def _sha256(images: Iterable[tuple[str, Tensor]]) -> str:
    """Over name, shape and 8-bit pixels of each."""
    digest = hashlib.sha256()
    for name, image in images:
        pixels = to_uint8(image[0])
        digest.update(f"{name}\0{pixels.shape}\0".encode() + pixels.tobytes())
    return digest.hexdigest()


def _tensor(pixels: np.ndarray) -> Tensor:
    return to_tensor(pixels).unsqueeze(0)


def _same_names(gt: tuple[str, ...], lq: tuple[str, ...]) -> None:
    missing, extra = sorted(set(gt) - set(lq)), sorted(set(lq) - set(gt))
    if missing:
        raise UsageError(f"gt {missing[0]!r} has no lq of the same stem ({len(missing)} such); match the names")
    if extra:
        raise UsageError(f"lq {extra[0]!r} has no gt of the same stem ({len(extra)} such); match the names")
