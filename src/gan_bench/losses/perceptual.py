"""Distances between features of a frozen ImageNet network (https://arxiv.org/abs/1603.08155); no pixels compared here.

One class for SRGAN's VGG54 loss (https://arxiv.org/abs/1609.04802, eq. 5), ESRGAN's before activation
(https://arxiv.org/abs/1809.00219) and Real-ESRGAN's five layers. Differs from the common code: images and distances are
float32 under any precision, the target's features have no graph, and nothing is computed behind the last layer.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_bench.batch import widened
from gan_bench.errors import UsageError, did_you_mean
from gan_bench.image import to_rgb
from gan_bench.losses.features import fill, layer_indices, outline

__all__ = ["Perceptual"]

_DISTANCES = {"l1": F.l1_loss, "mse": F.mse_loss}
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, RGB in [0, 1]


class Perceptual(nn.Module):
    """sum over layers of weight * distance(scale * features(preds), scale * features(target)), a mean in each layer.

    Args:
        layers: weights by the papers' layer names, `{conv5_4: 1.0}`; those of weight 0 are not computed.
        network: `vgg19` or `squeezenet`.
        before_relu: compare convolutions, not what their ReLU leaves of them; a fire module ends in its ReLUs.
        criterion: `l1` or `mse`.
        scale: factor on the features; SRGAN's is 1 / 12.75, which makes its MSE 0.006 of the plain one.
        weights: `imagenet`, or `random` for tests and measurements of speed.

    Raises:
        UsageError: a layer, network or criterion that does not exist, or weights that are not to be had.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        layers: Mapping[str, float],
        network: str = "vgg19",
        before_relu: bool = True,
        criterion: str = "l1",
        scale: float = 1.0,
        weights: str = "imagenet",
    ) -> None:
        super().__init__()
        if criterion not in _DISTANCES:
            raise UsageError(f"perceptual: no criterion {criterion!r}{did_you_mean(criterion, _DISTANCES)}")
        features = outline(network)
        self.layers = _places(layers, features, before_relu)
        fill(features, network, weights)
        self.features = features[: max(self.layers) + 1]
        self.distance, self.scale = _DISTANCES[criterion], scale
        self.register_buffer("mean", torch.tensor(_MEAN, dtype=torch.float32).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(_STD, dtype=torch.float32).view(1, 3, 1, 1))
        self.eval()

    def forward(self, preds: Tensor, target: Tensor) -> Tensor:
        """The loss of a batch; under autocast the network computes in that precision, as most of its time goes there.

        Args:
            preds: (B, C, H, W) in [0, 1], RGB, or one channel, which is stacked.
            target: (B, C, H, W) in [0, 1]; takes no gradient.

        Returns:
            A scalar in float32.

        Raises:
            UsageError: images of which the pooling leaves nothing.
        """
        with torch.no_grad():
            wanted = self._features(target)
        distances = [
            weight * self.distance(self.scale * widened(found), self.scale * widened(goal))
            for found, goal, weight in zip(self._features(preds), wanted, self.layers.values(), strict=True)
        ]
        return torch.stack(distances).sum()

    def _features(self, image: Tensor) -> list[Tensor]:
        """Of each layer, in the network's order."""
        feat = (to_rgb(image).float() - self.mean) / self.std
        kept = []
        for index, module in enumerate(self.features):
            try:
                feat = module(feat)
            except RuntimeError as error:
                if "too small" not in str(error) and "greater than actual input" not in str(error):
                    raise
                size = " x ".join(str(side) for side in image.shape[-2:])
                raise UsageError(
                    f"perceptual: images of {size} pixels end before the last of its layers; take a larger budget.patch"
                ) from None
            if index in self.layers:
                kept.append(feat)
        return kept


def _places(layers: Mapping[str, float], features: nn.Sequential, before_relu: bool) -> dict[int, float]:
    """Weights by index into the features, ascending."""
    indices, places = layer_indices(features), {}
    for name, weight in layers.items():
        if name not in indices:
            raise UsageError(f"perceptual: no layer {name!r}{did_you_mean(name, indices)}")
        is_conv = isinstance(features[indices[name]], nn.Conv2d)
        if before_relu and not is_conv:
            raise UsageError(f"perceptual: {name} ends in its ReLUs; before_relu must be false for it")
        if weight:
            places[indices[name] + (is_conv and not before_relu)] = float(weight)
    if not places:
        raise UsageError("perceptual: no layer has a weight; give one, or take perceptual=none")
    return dict(sorted(places.items()))
