"""The U-Net discriminator of Real-ESRGAN (https://arxiv.org/abs/2107.10833, section 3.4); no loss, no sigmoid here.

Differs from BasicSR's code: an image of any size is padded to a multiple of 8 and its logits are cropped, where theirs
demands the multiple; the skips cannot be switched off. Names and shapes of the state dict are BasicSR's, spectral norm
in its older form included (`weight_orig`, `weight_u`, `weight_v`): published `net_d` files load here.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import spectral_norm

from gan_bench.networks.blocks import conv3x3, pad_to_multiple

__all__ = ["UNetDiscriminatorSN"]

_STRIDE = 8  # of the coarsest features


class UNetDiscriminatorSN(nn.Module):
    """Three halvings and three doublings with skips, spectral norm inside; 4 376 897 parameters at 64 of 3 channels.

    All convolutions but the first and the last are divided by an estimate of their largest singular value. In training
    mode each forward improves the estimate by one power iteration.

    Args:
        num_in_ch: channels of the image.
        num_feat: width at full size; the coarsest features have eight times as many.
    """

    def __init__(self, num_in_ch: int = 3, num_feat: int = 64) -> None:
        super().__init__()
        self.conv0 = conv3x3(num_in_ch, num_feat)
        self.conv1 = _halving(num_feat, num_feat * 2)
        self.conv2 = _halving(num_feat * 2, num_feat * 4)
        self.conv3 = _halving(num_feat * 4, num_feat * 8)
        self.conv4 = _keeping(num_feat * 8, num_feat * 4)
        self.conv5 = _keeping(num_feat * 4, num_feat * 2)
        self.conv6 = _keeping(num_feat * 2, num_feat)
        self.conv7 = _keeping(num_feat, num_feat)
        self.conv8 = _keeping(num_feat, num_feat)
        self.conv9 = conv3x3(num_feat, 1)
        self.lrelu = nn.LeakyReLU(negative_slope=0.2, inplace=True)

    def forward(self, image: Tensor) -> Tensor:
        """Judge each pixel.

        Args:
            image: (B, C, H, W) in [0, 1], of any size.

        Returns:
            (B, 1, H, W) logits; above 0 is real.
        """
        height, width = image.shape[-2:]
        full = self.lrelu(self.conv0(pad_to_multiple(image, _STRIDE)))
        half = self.lrelu(self.conv1(full))
        quarter = self.lrelu(self.conv2(half))
        feat = self.lrelu(self.conv3(quarter))
        for conv, skip in ((self.conv4, quarter), (self.conv5, half), (self.conv6, full)):
            doubled = F.interpolate(feat, scale_factor=2, mode="bilinear", align_corners=False)
            feat = self.lrelu(conv(doubled)) + skip
        for conv in (self.conv7, self.conv8):
            feat = self.lrelu(conv(feat))
        logits: Tensor = self.conv9(feat)
        return logits[..., :height, :width]


def _halving(num_in_ch: int, num_out_ch: int) -> nn.Conv2d:
    return spectral_norm(nn.Conv2d(num_in_ch, num_out_ch, kernel_size=4, stride=2, padding=1, bias=False))


def _keeping(num_in_ch: int, num_out_ch: int) -> nn.Conv2d:
    return spectral_norm(nn.Conv2d(num_in_ch, num_out_ch, kernel_size=3, padding=1, bias=False))
