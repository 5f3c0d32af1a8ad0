"""A network as a restorer: channels fitted, large images in blended tiles or whole, no graph, output clamped."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Final

import torch
from torch import Tensor, nn

from gan_bench.batch import Batch
from gan_bench.chance import seed_of
from gan_bench.errors import UsageError, WorkError, out_of_memory
from gan_bench.image import to_rgb
from gan_bench.restorers.base import Origin
from gan_bench.tiling import tiled

__all__ = ["NetworkRestorer"]

log = logging.getLogger(__name__)

TILE, OVERLAP = 512, 32
SMALLER: Final = {256: 128, 128: 64, 64: 48}  # where memory is short: sides of windows, and what they share
FADE: Final = 8  # pixels of what they share; the rest guards


class NetworkRestorer:
    """Runs a generator in evaluation mode, in float32, on its own device.

    An lq of more than 512 pixels on a side goes through windows of 512 that share 32 pixels; the rule does not depend
    on the machine, so neither do the scores. Where memory does not suffice for such a window, it is itself pieced
    together from windows of 256, else 128 or 64, which share half their side, those of 64 three quarters. What an
    output pixel owes to lq pixels more than 60, 28 or 20 away is then lost: of the 34 convolutions of
    realesr-general-x4v3 at most 2e-7, 3e-5 and 4e-3 (0.001 dB of PSNR). The size that fits is kept.

    A network that says `whole_image`, as it takes statistics of the image, gets each image alone and in one piece. For
    one that says `noisy`, torch's generator is seeded by the image's name.

    Args:
        network: (B, C, h, w) -> (B, C, h*s, w*s), both in [0, 1].
        scale: gt over lq.
        num_in_ch: channels that the network takes; one-channel images are stacked to three.
        origin: for results.
    """

    def __init__(self, network: nn.Module, scale: int, num_in_ch: int, origin: Origin) -> None:
        self.network, self.scale, self.num_in_ch, self.origin = network, scale, num_in_ch, origin
        self._side = TILE  # of the largest window that the network is given

    @classmethod
    def placed(cls, network: nn.Module, scale: int, num_in_ch: int, origin: Origin) -> NetworkRestorer:
        """With the network in evaluation mode on the GPU, where there is one."""
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return cls(network.float().eval().to(device), scale, num_in_ch, origin)

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.network.parameters()).device

    @torch.no_grad()
    def restore(self, batch: Batch) -> Tensor:
        """(B, C, h, w) -> (B, C, h*s, w*s) in [0, 1], on the CPU; a stacked gray image is reduced to its mean.

        Raises:
            UsageError: colour for a network of one channel; a network that sees an image as a whole, and no memory.
            WorkError: not even the smallest window fits into memory.
        """
        device = self.device
        gray = batch.lq.shape[1] == 1 and self.num_in_ch == 3
        lq = (to_rgb(batch.lq) if gray else batch.lq).float().to(device)
        if lq.shape[1] != self.num_in_ch:
            takes = f"{self.origin.model} takes images of {self.num_in_ch} channels"
            raise UsageError(f"{batch.name[0]}: {takes}, this one has {lq.shape[1]}; convert it first")
        training = self.network.training
        self.network.eval()
        try:
            with _in_float32(device):
                restored = self._fitting(lq, batch.name).float().cpu().contiguous().clamp(0, 1)
        finally:
            self.network.train(training)
        return restored.mean(dim=1, keepdim=True) if gray else restored

    def _fitting(self, lq: Tensor, names: Sequence[str]) -> Tensor:
        """The images through the largest windows that fit; each try from the start, so that noise is drawn alike."""
        while True:
            try:
                return self._run(lq, names)
            except (MemoryError, RuntimeError) as error:
                if not out_of_memory(error):
                    raise
            if lq.is_cuda:  # out of the except clause: until here its traceback held the activations
                torch.cuda.empty_cache()
            self._shrink(lq, names[0])

    def _shrink(self, lq: Tensor, name: str) -> None:
        """The next size of windows that is smaller than what did not fit."""
        failed = min(self._side, max(lq.shape[2:]))
        smaller = [side for side in SMALLER if side < failed]
        if not smaller:
            raise WorkError(
                f"{name}: not enough memory for {self.origin.model}, not even for windows of {failed} pixels; end what "
                "else takes memory, or choose a smaller network"
            )
        self._side = max(smaller)
        _say_smaller(self.origin.model, self._side)

    def _run(self, lq: Tensor, names: Sequence[str]) -> Tensor:
        whole, noisy = getattr(self.network, "whole_image", False), getattr(self.network, "noisy", False)
        if whole or noisy:
            pairs = zip(lq.unsqueeze(1), names, strict=True)
            return torch.cat([self._alone(one, name, whole, noisy) for one, name in pairs])
        return self._tiled(lq)

    def _alone(self, lq: Tensor, name: str, whole: bool, noisy: bool) -> Tensor:
        """One image, with noise of its own."""
        with torch.random.fork_rng(devices=[], enabled=noisy):
            if noisy:  # the CPU's generator alone: torch.manual_seed would set a GPU's too, which nobody sets back
                torch.default_generator.manual_seed(seed_of("noise of a generator", name))
            return self._in_one_piece(lq, name) if whole else self._tiled(lq)

    def _in_one_piece(self, lq: Tensor, name: str) -> Tensor:
        height, width = lq.shape[2:]
        if max(height, width) > TILE:
            _say_whole(self.origin.model)
        try:
            restored: Tensor = self.network(lq)
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            sees = f"{self.origin.model} sees an image as a whole, never in tiles; make it smaller"
            raise UsageError(f"{name}: not enough memory for {width}x{height} pixels: {sees}") from None
        return restored

    def _tiled(self, lq: Tensor) -> Tensor:
        if max(lq.shape[2:]) <= TILE:
            return self._window(lq)
        return tiled(self._window, lq, self.scale, TILE, OVERLAP)

    def _window(self, lq: Tensor) -> Tensor:
        if max(lq.shape[2:]) <= self._side:
            restored: Tensor = self.network(lq)
            return restored
        overlap = SMALLER[self._side]
        return tiled(self.network, lq, self.scale, self._side, overlap, guard=(overlap - FADE) // 2)


@contextmanager
def _in_float32(device: torch.device) -> Iterator[None]:
    """No autocast, no TF32, no bfloat16 within products, whatever a training around it has chosen."""
    chosen = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        exact = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
        with torch.autocast(device.type, enabled=False), exact:
            yield
    finally:
        torch.set_float32_matmul_precision(chosen)


@lru_cache
def _say_smaller(model: str, side: int) -> None:
    """Once in a process for each model and size."""
    log.warning("%s: not enough memory for larger windows, so images go through windows of %d pixels", model, side)


@lru_cache
def _say_whole(model: str) -> None:
    """Once in a process."""
    log.warning("%s sees an image as a whole: no tiles, however large it is, and memory as it grows", model)
