"""Frozen ImageNet networks whose layers have names, with torchvision's weights from torch's cache; no loss here.

Layers are named as in the papers: `conv5_4` of VGG (https://arxiv.org/abs/1409.1556) is the fourth convolution of the
fifth block; `conv1`, `fire2` to `fire9` are those of SqueezeNet (https://arxiv.org/abs/1602.07360). Torchvision is
imported when used.
"""

from __future__ import annotations

import logging
from pathlib import Path

import torch
from torch import nn

from gan_bench.errors import UsageError, WorkError, did_you_mean
from gan_bench.weights import FILES, defect, fetch, is_published, sha256

__all__ = ["NETWORKS", "fill", "layer_indices", "outline"]

log = logging.getLogger(__name__)

NETWORKS = ("vgg19", "squeezenet")  # keys of FILES


def outline(network: str) -> nn.Sequential:
    """The convolutional part of a network on the meta device, without in-place operations and without weights.

    Args:
        network: one of `NETWORKS`.

    Raises:
        UsageError: another network.
    """
    from torchvision.models import get_model

    if network not in NETWORKS:
        raise UsageError(f"perceptual: no network {network!r}{did_you_mean(network, NETWORKS)}")
    with torch.device("meta"):
        features: nn.Sequential = get_model(FILES[network].network, weights=None).features
    for module in features.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False  # else "before ReLU" would be overwritten by what comes after it
    return features


def fill(features: nn.Sequential, network: str, weights: str = "imagenet") -> None:
    """Give an outline its weights, frozen, in float32 on the CPU.

    Torch's generator is neither read nor moved: a generator's first weights do not depend on the loss beside it.

    Args:
        features: of `outline`.
        network: that it was made of.
        weights: `imagenet`, or `random`, always the same, for tests and measurements of speed.

    Raises:
        UsageError: other words, or weights that are not there and cannot be fetched, or not those of the network.
    """
    if weights not in ("imagenet", "random"):
        raise UsageError(f"perceptual: no weights {weights!r}{did_you_mean(weights, ('imagenet', 'random'))}")
    if weights == "random":
        _draw(features.to_empty(device="cpu"))
    else:
        state = torch.load(_published(network), map_location="cpu", weights_only=True)
        own = {name: value for name, value in state.items() if name.startswith("features.")}
        features.load_state_dict({name.removeprefix("features."): value for name, value in own.items()}, assign=True)
    features.float().requires_grad_(False)


def layer_indices(features: nn.Sequential) -> dict[str, int]:
    """By the papers' names, the place of each convolution (before its ReLU) and of each fire module (after it).

    Args:
        features: of VGG or SqueezeNet.

    Returns:
        Indices into `features`; of VGG19, conv1_2 is 2 and conv5_4 is 34, as in KAIR and mmagic.
    """
    kinds = [type(module).__name__ for module in features]
    if "Fire" in kinds:
        fires = [index for index, kind in enumerate(kinds) if kind == "Fire"]
        return {"conv1": 0} | {f"fire{number}": index for number, index in enumerate(fires, start=2)}
    names, block, conv = {}, 1, 0
    for index, kind in enumerate(kinds):
        if kind == "MaxPool2d":
            block, conv = block + 1, 0
        elif kind == "Conv2d":
            conv += 1
            names[f"conv{block}_{conv}"] = index
    return names


def _draw(features: nn.Sequential) -> None:
    """Kaiming's normal weights, in a stream of their own."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for module in features.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
                assert module.bias is not None
                nn.init.zeros_(module.bias)


def _published(network: str) -> Path:
    """The file in torch's cache, fetched where it is missing and a network may be asked."""
    file = FILES[network]
    if not file.path.is_file():
        try:
            fetch(file)
        except WorkError as error:
            raise UsageError(
                f"perceptual: {file.name} is not in {file.path.parent} ({error}); carry the file there, or run "
                f"gan-bench weights fetch {network} where there is a network, or take perceptual=none"
            ) from None
    if cause := defect(file):
        raise UsageError(f"perceptual: {file.path} {cause}; remove it, then run gan-bench weights fetch {network}")
    if not is_published(file):
        log.warning("perceptual: %s is not the published file; its SHA-256 is %s", file.path, sha256(file.path))
    return file.path
