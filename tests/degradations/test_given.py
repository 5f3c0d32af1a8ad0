"""What is given stays as it is, and nothing is made of it."""

import pytest
import torch

from gan_bench.chance import generator
from gan_bench.config import build, conf_dir, degradation_node, read_yaml
from gan_bench.degradations import AsGiven
from gan_bench.errors import UsageError


@pytest.mark.parametrize("scale", [1, 2, 3, 4, 8])
def test_an_lq_passes_whatever_its_size_and_the_scale(scale):
    degradation = AsGiven(scale)
    image = torch.rand(2, 3, 5, 7)
    drawn = degradation.draw([generator("degradation", 0, position) for position in range(2)])
    assert degradation.apply(image, drawn) is image
    assert (degradation.scale, degradation.margin, degradation.given) == (scale, 0, True)
    assert drawn == [{}, {}]


def test_it_makes_no_lq_of_a_gt():
    with pytest.raises(UsageError, match=r"^degradation=given makes no lq images: [^\n]+$"):
        AsGiven().apply_8bit(torch.rand(1, 3, 4, 4), [{}])


@pytest.mark.parametrize("scale", [0, 5, 1.5, True])
def test_a_scale_that_is_none_is_one_line(scale):
    with pytest.raises(UsageError, match=r"^degradation\.scale: [^\n]+ is not one of 1, 2, 3, 4, 8$"):
        AsGiven(scale)


def test_its_yaml_says_scale_1_and_takes_another():
    node = read_yaml(conf_dir() / "degradation" / "given.yaml")
    assert build(node, key="degradation").scale == 1
    made = build({**node, "scale": 4}, key="degradation")
    assert type(made) is AsGiven and made.scale == 4


def test_every_other_degradation_makes_its_lq():
    assert not build(degradation_node("bicubic"), key="degradation").given
    assert not build(degradation_node("identity"), key="degradation").given
