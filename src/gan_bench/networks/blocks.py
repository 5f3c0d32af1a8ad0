"""What several networks are made of: checks, initialisations, padding, noise and norm at test time, reading of weights.

From the structures of https://arxiv.org/abs/1809.00219 (ESRGAN) and https://arxiv.org/abs/1611.07004 (pix2pix); nothing
here is a network of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from gan_bench.errors import UsageError

__all__ = [
    "BatchStatisticsNorm2d",
    "NoiseDropout",
    "check_scale",
    "conv3x3",
    "count_numbers",
    "draw_normal_",
    "ends",
    "has_names",
    "pad_to_multiple",
    "scaled_kaiming_",
    "shuffled_scale",
]


def check_scale(network: str, scale: int, known: Sequence[int]) -> None:
    """Refuse a scale that the network was not built for.

    Args:
        network: its name, for the message.
        scale: what was asked for.
        known: what it has, two or more, in the order in which they are to be named.

    Raises:
        UsageError: `scale` is none of them.
    """
    if scale not in known:
        words = ", ".join(str(one) for one in known[:-1])
        raise UsageError(f"{network} cannot do scale {scale}: it has {words} and {known[-1]}")


def count_numbers(state: Mapping[str, Tensor], prefix: str) -> int:
    """How many numbers follow a prefix in the names of a state dict: `body.0.`, `body.1.` are two.

    Args:
        state: a state dict.
        prefix: as in `body`.
    """
    return len({name.split(".")[prefix.count(".") + 1] for name in state if name.startswith(f"{prefix}.")})


def ends(state: Mapping[str, Tensor]) -> dict[str, int]:
    """Channels and width as `conv_first` and `conv_last` of a state dict tell them.

    Returns:
        num_in_ch, num_out_ch and num_feat.
    """
    num_feat, num_in_ch = state["conv_first.weight"].shape[:2]
    return {"num_in_ch": num_in_ch, "num_out_ch": state["conv_last.weight"].shape[0], "num_feat": num_feat}


def shuffled_scale(state: Mapping[str, Tensor], stages: int, first: str) -> int:
    """The scale of a network's pixel shuffles: each doubles, but for a single one that triples.

    Args:
        state: a state dict.
        stages: how many shuffles there are.
        first: the name of the convolution before the first of them.
    """
    triples = stages == 1 and state[f"{first}.weight"].shape[0] == 9 * state[f"{first}.weight"].shape[1]
    return 3 if triples else 2**stages


def has_names(state: Mapping[str, Tensor], make: Callable[[], nn.Module]) -> bool:
    """Whether a state dict has the names of a network, no fewer and no more; shapes are not looked at.

    The counters of batch norms are left out: files from before PyTorch 0.4.1 lack them, and load without.

    Args:
        state: a state dict.
        make: the network; it takes no memory.
    """
    with torch.device("meta"):
        names = make().state_dict().keys()
    return _without_counters(names) == _without_counters(state)


def _without_counters(names: Iterable[str]) -> set[str]:
    return {name for name in names if not name.endswith(".num_batches_tracked")}


def conv3x3(num_in_ch: int, num_out_ch: int) -> nn.Conv2d:
    """A 3x3 convolution that keeps height and width, padded with zeros, with bias."""
    return nn.Conv2d(num_in_ch, num_out_ch, kernel_size=3, padding=1)


def scaled_kaiming_(convs: Iterable[nn.Conv2d], factor: float) -> None:
    """Draw weights from N(0, (factor * sqrt(2 / fan_in))^2) and set biases to 0, in place.

    Args:
        convs: the convolutions to initialise.
        factor: below 1 it makes a residual branch start near the identity; ESRGAN's is 0.1.
    """
    for conv in convs:
        nn.init.kaiming_normal_(conv.weight)
        conv.weight.data.mul_(factor)
        if conv.bias is not None:
            nn.init.zeros_(conv.bias)


def draw_normal_(network: nn.Module, std: float) -> None:
    """Draw weights from N(0, std^2) and those of a batch norm from N(1, std^2), set biases to 0, in place, as pix2pix.

    Args:
        network: of convolutions, plain or transposed, and norms.
        std: 0.02 in the papers of pix2pix and CycleGAN.

    Raises:
        UsageError: a negative `std`.
    """
    if std < 0:
        raise UsageError(f"init_std={std}: a standard deviation from 0 is needed, or null for PyTorch's initialisation")
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        else:  # of all weights only a batch norm's have one dimension
            nn.init.normal_(parameter, 1.0 if parameter.ndim == 1 else 0.0, std)


def pad_to_multiple(image: Tensor, factor: int, least: int = 1) -> Tensor:
    """Pad at the right and bottom until both sides are multiples of `factor`.

    Args:
        image: (B, C, H, W).
        factor: in pixels; 1 pads nothing.
        least: pixels that each side has afterwards at least, of which `factor` is a divisor.

    Returns:
        (B, C, H', W') by reflection, there and back again where a side is too short; a side of one pixel is repeated.
    """
    height, width = image.shape[-2:]
    bottom, right = (max(side + -side % factor, least) - side for side in (height, width))
    if not bottom and not right:
        return image
    if bottom < height and right < width:
        return F.pad(image, (0, right, 0, bottom), mode="reflect")
    rows, columns = (_mirrored(*side, image.device) for side in ((height, bottom), (width, right)))
    return image[..., rows[:, None], columns]


def _mirrored(side: int, pad: int, device: torch.device) -> Tensor:
    """(side + pad,): which pixel each one shows, to and fro between the first and the last."""
    period = max(2 * (side - 1), 1)
    at = torch.arange(side + pad, device=device) % period
    return torch.minimum(at, period - at)


class BatchStatisticsNorm2d(_NormBase):
    """A batch norm that normalises by its batch, in evaluation too, as pix2pix does (section 3.3).

    Buffers keep their names, so that published weights load; they are neither read nor changed. With one image in the
    batch it is an instance norm; what an image becomes depends on the others in its batch.

    Of several processes each normalises by its own part of the batch. So this is no `nn.BatchNorm2d`: torch makes
    those into `SyncBatchNorm`, which reads the buffers in evaluation.
    """

    def forward(self, feat: Tensor) -> Tensor:
        """Normalise features of (B, num_features, H, W), of more than one number for each channel."""
        return F.batch_norm(feat, None, None, self.weight, self.bias, training=True, eps=self.eps)


class NoiseDropout(nn.Module):
    """A dropout that is noise in evaluation too, as pix2pix's; in evaluation a seed decides it on every device.

    In evaluation the mask comes from torch's generator of the CPU, wherever the features are; in training from that of
    their device.

    Args:
        share: of the numbers, each of which becomes 0; those left are divided by 1 - share.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, feat: Tensor) -> Tensor:
        """Drop from features of any shape, unbounded."""
        if self.training:
            return F.dropout(feat, self.share)
        kept = torch.rand(feat.shape, device="cpu") >= self.share
        return feat * kept.to(feat.device) / (1 - self.share)
