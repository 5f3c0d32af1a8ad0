"""Spandrel's architectures as generators: trainable, of any size, and opened again by spandrel, the reference here."""

from __future__ import annotations

import copy
import re
import sys

import lightning as L
import pytest
import torch
from spandrel import MAIN_REGISTRY, ModelLoader

from gan_bench.config import build
from gan_bench.errors import UsageError
from gan_bench.networks import RRDBNet, Spandrel, SRVGGNetCompact
from gan_bench.networks.spandrel import opened

# By name: a scale, arguments that make it small, and what its forward pass never reads.
CASES = {
    "Compact": (2, {"num_feat": 8, "num_conv": 2}, ""),
    "SwiftSRGAN": (4, {"num_channels": 8, "num_blocks": 2}, r"block2\.act|convblock\.act"),
    "HAT": (2, {"embed_dim": 24, "depths": [1, 1], "num_heads": [2, 2], "num_feat": 8, "squeeze_factor": 4}, ""),
    "GRL": (
        2,
        {"embed_dim": 24, "depths": [1, 1], "num_heads_window": [2, 2], "num_heads_stripe": [2, 2]},
        "",
    ),
    "Swin2SR": (2, {"embed_dim": 12, "depths": [2], "num_heads": [2]}, ""),
    "SwinIR": (3, {"embed_dim": 12, "depths": [2], "num_heads": [2]}, ""),
    "GFPGAN": (1, {}, "toRGB|style_mlp"),
    "RestoreFormer": (
        1,
        {"ch": 32, "embed_dim": 32, "z_channels": 32, "n_embed": 16, "num_res_blocks": 1},
        r"norm2",
    ),
    "OmniSR": (2, {"num_feat": 16}, ""),
    "SCUNet": (1, {"config": [1] * 7}, ""),
    "FBCNN": (1, {"nc": [8, 16, 16, 512]}, ""),
    "Uformer": (1, {"embed_dim": 16, "depths": [1] * 9, "num_heads": [1] * 9}, ""),
    "RGT": (2, {"depth": [1], "num_heads": [2]}, ""),
    "DAT": (2, {"depth": [1], "num_heads": [2]}, ""),
    "CRAFT": (2, {"depths": [1], "num_heads": [6]}, r"\.pos\."),  # a layer norm over one feature stops all
    "KBNet_s": (1, {"width": 8, "middle_blk_num": 1, "enc_blk_nums": [1, 1], "dec_blk_nums": [1, 1]}, ""),
    "KBNet_l": (1, {"num_blocks": [1, 1, 1, 1], "num_refinement_blocks": 1}, ""),
    "DITN": (2, {"dim": 12, "ITL_blocks": 1, "SAL_blocks": 1}, ""),
    "MMRealSR": (4, {"num_feat": 16, "num_block": 1}, ""),
    "SPAN": (2, {"feature_channels": 8}, "eval_conv"),
    "UpCunet2x": (2, {}, ""),
    "UpCunet3x": (3, {}, ""),
    "UpCunet4x": (4, {}, ""),
    "UpCunet2x_fast": (2, {}, ""),
    "SAFMN": (2, {"dim": 16, "n_blocks": 2}, ""),
    "SAFMNBCIE": (1, {"dim": 16, "n_blocks": 2, "num_layers": 2}, ""),
    "DCTLSA": (2, {"nf": 20}, ""),
    "FFTformer": (1, {"dim": 8, "num_blocks": [1, 1, 1], "num_refinement_blocks": 1}, "reduce_chan_level2"),
    "NAFNet": (1, {"width": 8, "enc_blk_nums": [1, 1], "dec_blk_nums": [1, 1]}, ""),
    "ATD": (2, {"embed_dim": 24, "depths": [2], "num_heads": [2]}, ""),
    "MixDehazeNet": (1, {"embed_dims": [8, 16, 32, 16, 8]}, ""),
    "DRUNet": (1, {"nc": [8, 16, 16, 32], "nb": 2}, ""),
    "DnCNN": (1, {"nc": 8, "nb": 9}, ""),
    "IPT": (2, {"num_layers": 1, "n_feats": 12}, ""),
    "DRCT": (2, {"embed_dim": 24, "depths": [6], "num_heads": [2], "gc": 8}, ""),
    "ESRGAN": (2, {"num_filters": 8, "num_blocks": 1}, ""),
    "PLKSR": (2, {"dim": 16, "n_blocks": 1}, ""),
    "RealPLKSR": (2, {"dim": 16, "n_blocks": 1}, ""),
    "RetinexFormer": (1, {"n_feat": 8, "stage": 1}, ""),
    "HVICIDNet": (1, {"channels": [8, 8, 16, 32]}, "I_LCA5"),
    "SeemoRe": (2, {"num_layers": 1, "embedding_dim": 16, "num_experts": 2}, r"\.experts\."),  # those not chosen
    "MoSR": (2, {"n_block": 1, "dim": 16}, ""),
    "MoESR": (2, {"n_blocks": 1, "n_block": 1, "dim": 16}, ""),
    "RCAN": (2, {"n_resgroups": 1, "n_resblocks": 1, "n_feats": 16}, ""),
    "FDAT": (2, {"embed_dim": 24, "num_groups": 1, "depth_per_group": 2, "num_heads": 2}, r"inter\.(sg|cg)"),
    "AuraSR": (
        4,
        {
            "dim": 8,
            "image_size": None,
            "input_image_size": None,
            "style_network": {"dim_in": 8, "dim_out": 32, "depth": 2},
        },
        r"attend\.scale",
    ),
}
QUICK = ("Compact", "SwinIR", "SPAN", "SAFMN", "OmniSR", "RealPLKSR", "DRUNet", "NAFNet", "RCAN", "UpCunet3x", "IPT")
ALL = [name if name in QUICK else pytest.param(name, marks=pytest.mark.full) for name in CASES]
PARTS = {"KBNet_s": "KBNet", "KBNet_l": "KBNet", "RealPLKSR": "PLKSR"}  # classes of an architecture of another name
NEED_ARGUMENTS = {"SAFMN", "SAFMNBCIE", "AuraSR", "NAFNet"}
SMALL = {"name": "SwinIR", "embed_dim": 12, "depths": [1], "num_heads": [2]}


def made(name):
    """A network of a case that starts nowhere at zero, where a gradient would stop."""
    torch.manual_seed(0)
    scale, arguments, _ = CASES[name]
    network = Spandrel(name, scale, **arguments)
    with torch.no_grad():
        for parameter in network.parameters():
            if not parameter.any():
                parameter.normal_(std=0.05)
    return network, scale


def test_every_architecture_of_spandrel_that_restores_whole_images_has_a_case():
    ids = {support.architecture.id for support in MAIN_REGISTRY}
    covered = {"RealCUGAN" if name.startswith("UpCunet") else PARTS.get(name, name) for name in CASES}
    assert ids - covered == {"LaMa"}


@pytest.mark.parametrize("name", ALL)
def test_gradients_reach_every_parameter_and_the_input_stays(name):
    network, scale = made(name)
    lq = torch.rand(2, 3, 37, 33)
    before = lq.clone()
    restored = network.train()(lq)
    assert restored.shape == (2, 3, 37 * scale, 33 * scale)
    restored.square().mean().backward()
    unused = CASES[name][2]
    for key, parameter in network.named_parameters():
        if parameter.requires_grad and not (unused and re.search(unused, key)):
            assert parameter.grad is not None and parameter.grad.abs().sum() > 0, key
    assert torch.equal(lq, before)


@pytest.mark.parametrize("name", ALL)
def test_any_size_is_restored_as_spandrel_does_it(name):
    network, scale = made(name)
    network.eval()
    theirs = ModelLoader().load_from_state_dict(dict(network.state_dict()))
    assert (theirs.scale, theirs.input_channels, theirs.output_channels) == (scale, 3, 3)
    for height, width in [(17, 13)] if name == "GFPGAN" else [(1, 1), (7, 2), (17, 13), (33, 50)]:
        lq = torch.rand(1, 3, height, width)
        torch.manual_seed(1)
        expected = theirs(lq.clone())
        torch.manual_seed(1)
        with torch.no_grad():
            restored = network(lq).clamp(0, 1)
        assert restored.shape == (1, 3, height * scale, width * scale)
        torch.testing.assert_close(restored, expected, atol=1e-6, rtol=0)


@pytest.mark.full
@pytest.mark.parametrize("name", sorted({PARTS.get(name, name) for name in CASES} - NEED_ARGUMENTS))
def test_defaults_are_enough_where_the_class_has_them(name):
    scale = CASES.get(name, (1,))[0]
    assert Spandrel(name, scale).scale == scale


@pytest.mark.parametrize("name", ["DRUNet", "IPT", "Compact"])
def test_a_batch_is_its_images(name):
    network, _ = made(name)
    lq = torch.rand(3, 3, 9, 11)
    with torch.no_grad():
        together = network.eval()(lq)
        apart = torch.cat([network(one[None]) for one in lq])
    torch.testing.assert_close(together, apart, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "scale", "arguments"),
    [
        ("Compact", 4, {"num_feat": 8, "num_conv": 2}),
        ("SwinIR", 2, {"embed_dim": 12, "depths": [1], "num_heads": [2]}),
        ("DnCNN", 1, {"nb": 9}),
        ("DRUNet", 1, {"nc": [8, 16, 16, 32], "nb": 2}),
        ("ESRGAN", 4, {"num_filters": 8, "num_blocks": 1}),
    ],
)
def test_one_channel_in_and_out(name, scale, arguments):
    network = Spandrel(name, scale, 1, 1, **arguments)
    assert network.num_in_ch == 1
    assert network(torch.rand(1, 1, 9, 7)).shape == (1, 1, 9 * scale, 7 * scale)


@pytest.mark.parametrize("scale", [1, 2, 3, 4, 8])
def test_swinir_has_every_scale(scale):
    network = Spandrel(scale=scale, **SMALL)
    assert network(torch.rand(1, 3, 9, 7)).shape == (1, 3, 9 * scale, 7 * scale)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_an_architecture_of_several_classes_takes_the_one_of_the_scale(scale):
    assert type(Spandrel("realcugan", scale).network).__name__ == f"UpCunet{scale}x"


@pytest.mark.parametrize("name", ["compact", "COMPACT", "SRVGGNetCompact"])
def test_names_are_those_of_architecture_or_class_in_any_case(name):
    assert type(Spandrel(name, 4, num_conv=2).network).__name__ == "SRVGGNetCompact"


def test_the_same_seed_makes_the_same_weights():
    one, other = made("SwinIR")[0].state_dict(), made("SwinIR")[0].state_dict()
    assert all(torch.equal(one[key], other[key]) for key in one)


# Its state dict


class Trained(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.generator = Spandrel("Compact", 2, num_feat=8, num_conv=2)
        self.averaged = copy.deepcopy(self.generator)


def test_names_are_the_foreign_networks_own_at_any_depth():
    own = [f"body.{number}.{kind}" for number in (0, 2, 4) for kind in ("weight", "bias")]
    own += [f"body.{number}.weight" for number in (1, 3)]
    own += ["body.6.weight", "body.6.bias", "body.5.weight"]
    names = set(own) & set(Trained().generator.network.state_dict())
    state = Trained().state_dict()
    assert {f"{part}.{name}" for part in ("generator", "averaged") for name in names} == set(state)
    assert list(Trained().generator.state_dict()) == list(Trained().generator.network.state_dict())


def test_a_state_dict_goes_back_to_where_it_came_from():
    torch.manual_seed(0)
    one = Trained()
    torch.manual_seed(1)
    other = Trained()
    assert not torch.equal(one.generator.network.body[0].weight, other.generator.network.body[0].weight)
    other.load_state_dict(one.state_dict())
    for module in (other.generator, other.averaged, copy.deepcopy(other).generator):
        assert torch.equal(module.network.body[0].weight, one.generator.network.body[0].weight)
    plain = copy.deepcopy(other.generator)
    plain.load_state_dict(one.generator.network.state_dict())
    state = one.state_dict()
    del state["generator.body.0.weight"]
    with pytest.raises(RuntimeError, match="Missing key"):
        other.load_state_dict(state)


def test_a_copy_is_apart():
    network = Spandrel("Compact", 2, num_feat=8, num_conv=2)
    other = copy.deepcopy(network)
    with torch.no_grad():
        other.network.body[0].weight.zero_()
    assert network.state_dict()["body.0.weight"].any()
    assert not other.state_dict()["body.0.weight"].any()


# Ours there, theirs here


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_rrdbnet_opens_in_spandrel_with_equal_output(scale):
    torch.manual_seed(0)
    ours = RRDBNet(scale=scale, num_feat=8, num_block=2, num_grow_ch=32).eval()
    lq = torch.rand(1, 3, 12, 8)  # at other sizes spandrel pads to multiples of 4 also at scale 2, where 2 is enough
    theirs = opened(ours.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(theirs.eval()(lq), ours(lq), atol=1e-5, rtol=0)


def test_the_compact_network_opens_in_spandrel_and_theirs_here():
    torch.manual_seed(0)
    ours = SRVGGNetCompact(num_feat=8, num_block=2, scale=2).eval()
    theirs = Spandrel("Compact", 2, num_feat=8, num_conv=2).eval()
    lq = torch.rand(1, 3, 13, 9)
    with torch.no_grad():
        torch.testing.assert_close(opened(ours.state_dict()).eval()(lq), ours(lq), atol=1e-6, rtol=0)
        ours.load_state_dict(theirs.state_dict())
        torch.testing.assert_close(ours(lq), theirs(lq), atol=1e-6, rtol=0)


def test_what_spandrel_does_not_know_opens_as_nothing():
    assert opened({"a": torch.zeros(1)}) is None


# From yaml


def test_a_yaml_names_it_and_only_a_groups_own_name_is_dropped():
    node = {"_target_": "gan_bench.networks.Spandrel", "name": "Compact", "scale": 2, "num_conv": 2}
    assert isinstance(build(node, key="model.generator"), Spandrel)
    assert isinstance(build({**node, "_partial_": True}, key="model.generator")(num_feat=8), Spandrel)
    nested = {"_target_": "torch.nn.ModuleDict", "modules": {"generator": node}, "name": "a group's own"}
    assert isinstance(build(nested, key="model")["generator"], Spandrel)
    with pytest.raises(UsageError, match=r"^model: .*'name'"):
        build(node, key="model")


def test_it_needs_no_memory_of_its_own_device():
    with torch.device("meta"):
        network = Spandrel("SwinIR", embed_dim=180, depths=[6] * 6, num_heads=[6] * 6, mlp_ratio=2)
    assert sum(parameter.numel() for parameter in network.parameters()) == 11_900_199  # as published, classical x4


# Refusals


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "SwinRI"}, r"spandrel has no network 'SwinRI'; did you mean 'swinir'\?"),
        ({"name": 3}, r"spandrel has no network 3; known: atd, .*"),
        ({**SMALL, "scale": 5}, "SwinIR cannot be built with upscale=5, .*: scale 5 is not supported.*"),
        ({"name": "NAFNet", "enc_blk_nums": [1], "dec_blk_nums": [1]}, "NAFNet cannot do scale 4 .*it does scale 1 .*"),
        ({"name": "ESRGAN", "scale": 3}, "ESRGAN cannot do scale 3 with .*: it does scale 2 .*"),
        ({"name": "MMRealSR", "scale": 2}, "MMRealSR cannot do scale 2: spandrel runs it at 4 alone"),
        ({"name": "SAFMN", "dim": 8, "num_in_ch": 1, "num_out_ch": 1}, "SAFMN cannot do scale 4 with 1 channels in .*"),
        ({**SMALL, "embed_dims": 8}, r"SwinIR.embed_dims: it takes no such argument; did you mean 'embed_dim'\?"),
        ({"name": "SAFMN"}, "SAFMN needs dim"),
        ({**SMALL, "depths": [2], "window_size": 7}, "SwinIR cannot be built with .*window_size=7.*"),
        ({**SMALL, "img_range": 255.0}, "SwinIR.img_range: no weights tell it, and spandrel would read 1.0; leave it"),
        ({"name": "Compact", "act_type": "relu"}, "Compact with these arguments would not open in spandrel; .*"),
        ({"name": "LaMa", "scale": 1}, "LaMa with these .* LaMa fills in what a mask leaves out and .*"),
    ],
)
def test_a_refusal_is_one_line(arguments, message):
    with pytest.raises(UsageError) as caught:
        Spandrel(**arguments)
    assert re.fullmatch(message, str(caught.value))


def test_what_matters_in_training_alone_may_be_set():
    network = Spandrel(scale=2, drop_path_rate=0.4, **{**SMALL, "depths": [2]})
    rates = [module.drop_prob for module in network.modules() if type(module).__name__ == "DropPath"]
    assert rates == pytest.approx([0.4])


def test_without_spandrel_one_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "spandrel", None)
    with pytest.raises(UsageError, match=r'^spandrel is needed here; pip install "gan-bench\[interop\]"$'):
        Spandrel("SwinIR")
