"""A network as a restorer: channels fitted, large images through blended tiles, no graph, output clamped."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gan_bench.batch import Batch
from gan_bench.errors import UsageError
from gan_bench.image import to_rgb
from gan_bench.restorers.base import Origin
from gan_bench.tiling import tiled

__all__ = ["NetworkRestorer"]

TILE, OVERLAP = 512, 32


class NetworkRestorer:
    """Runs a generator in evaluation mode, in float32, on its own device.

    An lq of more than 512 pixels on a side goes through windows of 512 that share 32 pixels; the rule does not depend
    on the machine, so neither do the scores.

    Args:
        network: (B, C, h, w) -> (B, C, h*s, w*s), both in [0, 1].
        scale: gt over lq.
        num_in_ch: channels that the network takes; one-channel images are stacked to three.
        origin: for results.
    """

    def __init__(self, network: nn.Module, scale: int, num_in_ch: int, origin: Origin) -> None:
        self.network, self.scale, self.num_in_ch, self.origin = network, scale, num_in_ch, origin

    @torch.no_grad()
    def restore(self, batch: Batch) -> Tensor:
        """(B, C, h, w) -> (B, C, h*s, w*s) in [0, 1], on the CPU; a stacked gray image is reduced to its mean.

        Raises:
            UsageError: colour for a network of one channel.
        """
        device = next(self.network.parameters()).device
        gray = batch.lq.shape[1] == 1 and self.num_in_ch == 3
        lq = (to_rgb(batch.lq) if gray else batch.lq).float().to(device)
        if lq.shape[1] != self.num_in_ch:
            takes = f"{self.origin.model} takes images of {self.num_in_ch} channels"
            raise UsageError(f"{batch.name[0]}: {takes}, this one has {lq.shape[1]}; convert it first")
        training = self.network.training
        self.network.eval()
        try:
            restored = self._run(lq).float().cpu().clamp(0, 1)
        finally:
            self.network.train(training)
        return restored.mean(dim=1, keepdim=True) if gray else restored

    def _run(self, lq: Tensor) -> Tensor:
        if max(lq.shape[2:]) <= TILE:
            restored: Tensor = self.network(lq)
            return restored
        return tiled(self.network, lq, self.scale, TILE, OVERLAP)
