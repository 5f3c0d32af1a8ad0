"""ImageToImage: enlarged by MATLAB's bicubic, padded by reflection, cropped to the size that came in."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_bench.errors import UsageError
from gan_bench.networks import (
    DiscoGANDiscriminator,
    DiscoGANGenerator,
    ImageToImage,
    PatchDiscriminator,
    ResNetGenerator,
    RRDBNet,
    SRResNet,
    UNetGenerator,
)
from gan_bench.resize import imresize


class Inverted(ImageToImage):
    """Notes what it is given and inverts it."""

    def _translate(self, image):
        self.given = image
        return 1 - image


@settings(max_examples=40, deadline=None)
@given(
    scale=st.integers(1, 5),
    height=st.integers(1, 20),
    width=st.integers(1, 20),
    channels=st.sampled_from([1, 3]),
    multiple=st.sampled_from([1, 4, 16]),
)
def test_what_comes_out_is_the_translated_enlargement(scale, height, width, channels, multiple):
    net, lq = Inverted(scale, multiple, smallest=2 * multiple), torch.rand(2, channels, height, width)
    enlarged = lq if scale == 1 else imresize(lq, size=(scale * height, scale * width)).clamp(0, 1)
    torch.testing.assert_close(net(lq), 1 - enlarged)
    sides = enlarged.shape[2:]
    pads = [(0, 0), (0, 0)] + [(0, max(-(-side // multiple), 2) * multiple - side) for side in sides]
    np.testing.assert_array_equal(net.given.numpy(), np.pad(enlarged.numpy(), pads, mode="reflect"))


def test_enlarging_stays_in_range_and_is_the_image_itself_at_scale_1():
    edge = torch.zeros(1, 1, 6, 6)
    edge[..., 3:] = 1
    assert imresize(edge, scale=3).max() > 1, "bicubic overshoots here"
    enlarged = Inverted(3, 1).enlarge(edge)
    assert enlarged.min() == 0 and enlarged.max() == 1
    assert Inverted(1, 8).enlarge(edge) is edge


def test_whole_images_and_noise_are_told():
    kwargs = {"num_feat": 2, "num_block": 2}
    assert not ImageToImage.whole_image and not Inverted(1, 1).noisy
    assert not DiscoGANGenerator(**kwargs).whole_image and not DiscoGANGenerator(**kwargs).noisy
    for kind in (UNetGenerator, ResNetGenerator):
        assert kind.whole_image
        assert kind(**kwargs, dropout=0.5).noisy and not kind(**kwargs, dropout=0).noisy


def test_refuses_what_it_cannot_do_in_one_line():
    with pytest.raises(UsageError, match=r"^Inverted cannot do scale 0: it has the whole numbers from 1$"):
        Inverted(0, 1)
    for dropout in (-0.1, 1.0):
        with pytest.raises(UsageError, match=rf"^UNetGenerator cannot drop a share of {dropout}: [^\n]+$"):
            UNetGenerator(dropout=dropout)


def test_weights_are_known_as_their_own_networks_and_no_other():
    kinds = (UNetGenerator, ResNetGenerator, DiscoGANGenerator)
    states = [kind(num_feat=2, num_block=3).state_dict() for kind in (*kinds, RRDBNet, SRResNet)]
    states += [
        PatchDiscriminator(num_feat=2, norm="batch").state_dict(),
        DiscoGANDiscriminator(num_feat=2).state_dict(),
    ]
    states += [{}, {"main.0.weight": torch.ones(1)}, {"model.model.1.model.1.weight": torch.ones(1, 1, 4, 4)}]
    states += [{f"model.{number}.weight": torch.ones(1, 1, 3, 3) for number in range(3000)}]
    states += [{f"model.{number}.conv_block.1.weight": torch.ones(1, 1, 3, 3) for number in range(10, 19)}]
    for number, state in enumerate(states):
        known = [kind for kind in kinds if kind.arguments(state) is not None]
        assert known == list(kinds[number : number + 1]), number
