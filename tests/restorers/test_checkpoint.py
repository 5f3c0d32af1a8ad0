"""Weights from anywhere as restorers: ours told by their state dicts, spandrel's, run files, and what is refused."""

import io
import pickle
import sys
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import gan_bench
from gan_bench.batch import Batch
from gan_bench.cli import main
from gan_bench.config import to_yaml
from gan_bench.errors import UsageError
from gan_bench.networks import SRCNN, VDSR, MSRResNet, RRDBNet, Spandrel, SRResNet, SRVGGNetCompact
from gan_bench.networks.foreign import Foreign
from gan_bench.restorers import NetworkRestorer, checkpoint, load_restorer, read_states, run_of, trained
from gan_bench.weights import sha256

# Networks and what their state dicts tell: all arguments, or all but the scale.
NETWORKS = [
    *((RRDBNet, {"num_in_ch": ch, "num_out_ch": ch, "scale": scale, "num_feat": 8, "num_block": 2, "num_grow_ch": grow})
      for ch in (1, 3) for scale in (1, 2, 4) for grow in (4, 32)),
    *((kind, {"num_in_ch": ch, "num_out_ch": ch, "num_feat": 8, "num_block": 2, "scale": scale})
      for kind in (MSRResNet, SRResNet, SRVGGNetCompact) for ch in (1, 3) for scale in (1, 2, 3, 4, 8)),
    (SRResNet, {"num_in_ch": 1, "num_out_ch": 3, "num_feat": 4, "num_block": 3, "scale": 2}),
    (SRVGGNetCompact, {"num_in_ch": 3, "num_out_ch": 3, "num_feat": 8, "num_block": 0, "scale": 5}),
    *((SRCNN, {"num_in_ch": ch, "num_out_ch": ch, "num_feat": 8, "num_map": 6, "kernels": kernels})
      for ch in (1, 3) for kernels in ([9, 1, 5], [9, 5, 5])),
    *((VDSR, {"num_in_ch": ch, "num_out_ch": ch, "num_feat": 8, "num_block": 3}) for ch in (1, 3)),
]  # fmt: skip
KINDS = (RRDBNet, MSRResNet, SRResNet, SRVGGNetCompact, SRCNN, VDSR)


def told(kind, arguments):
    return f"{kind.__name__}-{arguments['num_in_ch']}-x{arguments.get('scale', '')}"


def network(kind=MSRResNet, seed=0, **arguments):
    torch.manual_seed(seed)
    return kind(**{"num_feat": 8, "num_block": 1, "scale": 2, **arguments}).eval()


def image(channels=3, height=9, width=7):
    lq = torch.rand(1, channels, height, width, generator=torch.Generator().manual_seed(0))
    return Batch(lq, lq, ("a",))


def saved(content, path):
    torch.save(content, path)
    return path


def restored(module, batch):
    with torch.no_grad():
        return module(batch.lq).clamp(0, 1)


# Ours


@pytest.mark.parametrize(("kind", "arguments"), NETWORKS, ids=[told(*one) for one in NETWORKS])
def test_a_state_dict_tells_its_network_and_no_other(kind, arguments):
    state = kind(**arguments).state_dict()
    assert kind.arguments(state) == arguments
    assert [one for one in KINDS if one.arguments(state) is not None] == [kind]


@pytest.mark.parametrize("kind", KINDS)
def test_a_state_dict_with_a_name_more_or_less_is_another_networks(kind):
    state = kind().state_dict()
    assert kind.arguments({**state, "head.weight": torch.zeros(1)}) is None
    assert kind.arguments({name: value for name, value in state.items() if not name.endswith("bias")}) is None
    assert kind.arguments({}) is None


@pytest.mark.parametrize("suffix", ["pth", "pt", "ckpt", "safetensors"])
def test_a_file_of_weights_restores_as_its_network_does(tmp_path, suffix):
    module, path = network(), tmp_path / f"my_model.{suffix}"
    if suffix == "safetensors":
        save_file(module.state_dict(), path)
    else:
        saved(module.state_dict(), path)
    restorer = load_restorer(str(path))
    assert isinstance(restorer, NetworkRestorer)
    assert torch.equal(restorer.restore(image()), restored(module, image()))
    assert (restorer.scale, restorer.num_in_ch) == (2, 3)
    origin = restorer.origin
    assert (origin.model, origin.checkpoint_sha256) == ("my_model", sha256(path))
    assert origin.parameters == sum(parameter.numel() for parameter in module.parameters())
    assert (origin.budget, origin.config, origin.selection, origin.seed) == (None, None, None, None)


@pytest.mark.parametrize("wrapping", ["params_ema", "params", "state_dict", "model", "generator"])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_wrappings_and_prefixes_are_taken_off(tmp_path, wrapping, prefix):
    module = network()
    state = {prefix + name: value for name, value in module.state_dict().items()}
    path = saved({wrapping: state, "step": 3, "optimizer": {"lr": 0.1}}, tmp_path / "a.pth")
    assert torch.equal(load_restorer(str(path)).restore(image()), restored(module, image()))


def test_the_average_is_preferred_to_what_it_averages(tmp_path):
    ema, plain = network(seed=1), network(seed=2)
    path = saved({"params": plain.state_dict(), "params_ema": ema.state_dict()}, tmp_path / "a.pth")
    assert torch.equal(load_restorer(str(path)).restore(image()), restored(ema, image()))


@pytest.mark.parametrize("averaged", [True, False])
def test_a_lightning_checkpoint_gives_its_generator(tmp_path, averaged):
    ema, plain = network(seed=1), network(seed=2)
    state = {f"generator.{name}": value for name, value in plain.state_dict().items()}
    state |= {f"averaged.{name}": value for name, value in ema.state_dict().items() if averaged}
    state |= {"discriminator.conv.weight": torch.zeros(1)}
    path = saved({"state_dict": state, "epoch": 3}, tmp_path / "last.ckpt")
    assert torch.equal(load_restorer(str(path)).restore(image()), restored(ema if averaged else plain, image()))


def test_half_precision_runs_in_float32(tmp_path):
    module = network().half()
    path = saved(module.state_dict(), tmp_path / "a.pth")
    assert torch.equal(load_restorer(str(path)).restore(image()), restored(module.float(), image()))


@pytest.mark.parametrize("kind", [SRCNN, VDSR])
def test_what_tells_no_scale_is_asked_for_it(tmp_path, kind, capsys):
    module = kind(scale=3)
    path = saved(module.state_dict(), tmp_path / "a.pth")
    with pytest.raises(UsageError, match=rf"a\.pth: the weights of {kind.__name__} do not tell its scale; add --scale"):
        load_restorer(str(path))
    assert torch.equal(load_restorer(str(path), 3).restore(image()), restored(module, image()))
    assert gan_bench.load(path, scale=3).restore(np.zeros((4, 5, 3), np.uint8)).shape == (12, 15, 3)


def test_a_gray_network_refuses_colour(tmp_path):
    path = saved(network(num_in_ch=1, num_out_ch=1).state_dict(), tmp_path / "gray.pth")
    restorer = load_restorer(str(path))
    assert restorer.restore(image(1)).shape == (1, 1, 18, 14)
    with pytest.raises(UsageError, match=r"^a: gray takes images of 1 channels, this one has 3; [^\n]+$"):
        restorer.restore(image(3))


# Spandrel's


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("SwinIR", {"embed_dim": 12, "depths": [2], "num_heads": [2]}),
        ("ESRGAN", {"num_filters": 8, "num_blocks": 1}),
        ("DITN", {"dim": 12, "ITL_blocks": 1, "SAL_blocks": 1}),
    ],
)
@pytest.mark.parametrize("size", [(9, 7), (16, 24)])
def test_networks_that_only_spandrel_knows_restore_any_size(tmp_path, name, arguments, size):
    torch.manual_seed(0)
    module = Spandrel(name, 2, **arguments).eval()
    path = saved({"params": module.state_dict()}, tmp_path / "theirs.pth")
    restorer = load_restorer(str(path))
    assert isinstance(restorer.network, Foreign)
    assert (restorer.scale, restorer.num_in_ch, restorer.origin.model) == (2, 3, "theirs")
    torch.testing.assert_close(restorer.restore(image(3, *size)), restored(module, image(3, *size)), atol=1e-6, rtol=0)


def test_weights_made_here_by_spandrels_compact_open_as_ours(tmp_path):
    module = Spandrel("Compact", 2, num_feat=8, num_conv=2)
    restorer = load_restorer(str(saved(module.state_dict(), tmp_path / "a.pth")))
    assert isinstance(restorer.network, SRVGGNetCompact)
    torch.testing.assert_close(restorer.restore(image()), restored(module, image()), atol=1e-6, rtol=0)


def test_a_network_that_fills_masks_is_refused(tmp_path):
    from spandrel.architectures.LaMa import LaMa

    state = {name.replace("model.", "generator.", 1): value for name, value in LaMa(in_nc=4).state_dict().items()}
    path = saved(state, tmp_path / "lama.pt")
    with pytest.raises(UsageError, match=r"^[^\n]+lama\.pt: LaMa fills in what a mask leaves out [^\n]+$"):
        load_restorer(str(path))


def test_without_spandrel_the_extra_is_named_and_ours_work_on(tmp_path, monkeypatch):
    ours = saved(network().state_dict(), tmp_path / "ours.pth")
    theirs = saved(Spandrel("ESRGAN", 2, num_filters=8, num_blocks=1).state_dict(), tmp_path / "theirs.pth")
    monkeypatch.setitem(sys.modules, "spandrel", None)
    assert load_restorer(str(ours)).scale == 2
    with pytest.raises(UsageError, match=r'^[^\n]+theirs\.pth: [^\n]+ pip install "gan-bench\[interop\]"$'):
        load_restorer(str(theirs))


def test_a_published_denoiser_opens(reference):
    restorer = load_restorer(str(reference / "weights" / "KAIR_dncnn_25.pth"))
    assert (restorer.scale, restorer.num_in_ch, restorer.origin.model) == (1, 1, "KAIR_dncnn_25")
    assert restorer.restore(image(1)).shape == (1, 1, 9, 7)


@pytest.mark.parametrize(
    ("name", "psnr", "ssim"), [("realesr-general-x4v3", 26.638, 0.8246), ("realesr-animevideov3", 28.220, 0.8256)]
)
def test_published_weights_score_as_published(reference, tmp_path, capsys, name, psnr, ssim):
    """One of them was saved on a GPU: its storages are tagged cuda:0."""
    import json

    root = reference / "data" / "sr" / "Set5_x4"
    words = [str(reference / "weights" / f"{name}.pth"), "--gt", str(root / "HR"), "--lq", str(root / "LR")]
    assert main(["benchmark", *words, "--json", "-"]) == 0
    (record,) = json.loads(capsys.readouterr().out)
    assert (record["label"], record["scale"]) == (name, 4)
    assert record["scores"]["psnr"] == pytest.approx(psnr, abs=0.01)
    assert record["scores"]["ssim"] == pytest.approx(ssim, abs=0.0005)


# At the command line


@pytest.fixture
def sets(tmp_path, monkeypatch):
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    for side, size in (("gt", (32, 24)), ("lq", (16, 12))):
        (tmp_path / side).mkdir()
        Image.fromarray(np.zeros((*size, 3), np.uint8) + 90).save(tmp_path / side / "0.png")
    return tmp_path


def test_a_checkpoint_decides_the_scale_of_a_degradation(sets, capsys):
    saved(network().state_dict(), sets / "mine.pth")
    assert main(["benchmark", "mine.pth", "bicubic", "--gt", "gt", "--degradation", "bicubic", "--json", "o.json"]) == 0
    assert "×2" in capsys.readouterr().out


def test_another_scale_is_refused_in_one_line(sets, capsys):
    saved(network(scale=4).state_dict(), sets / "mine.pth")
    assert main(["benchmark", "mine.pth", "bicubic", "--gt", "gt", "--lq", "lq"]) == 1
    error = capsys.readouterr().err
    assert error == "error: mine: it restores at scale 4, the images have scale 2\n"


def test_restore_takes_a_checkpoint(sets, capsys):
    saved(network().state_dict(), sets / "mine.pth")
    assert main(["restore", "lq", "--with", "mine.pth", "--out", "out"]) == 0
    assert [path.name for path in (sets / "out").iterdir()] == ["0.png"]


# What is refused


class Evil:
    def __reduce__(self):
        return print, ("it was run",)


def zipped(content):
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def archive():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("a.txt", "hello")
    return buffer.getvalue()


def scripted():
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Conv2d(1, 1, 1)), buffer)
    return buffer.getvalue()


WRONG = {
    "code": (lambda: zipped({"a": Evil()}), r"holds code, which is never run; [^\n]+\(print\)"),
    **{
        f"code{protocol}": (lambda protocol=protocol: pickle.dumps(Evil(), protocol), "holds code, which is never run;")
        for protocol in range(6)
    },
    "module": (lambda: zipped(torch.nn.Conv2d(1, 1, 1)), r"holds code, .*Conv2d"),
    "script": (scripted, r"holds code, which is never run; .*TorchScript"),
    "empty": (lambda: b"", "not a file of weights; it is empty"),
    "text": (lambda: b"hello world\n", "not a whole file of weights"),
    "page": (lambda: b"<html>404</html>", "not a whole file of weights"),
    "archive": (archive, "not a whole file of weights"),
    "cut": (lambda: zipped(network().state_dict())[:2000], "not a whole file of weights"),
    "short": (lambda: zipped(network().state_dict())[:-9], "not a whole file of weights"),
    "list": (lambda: zipped([1, 2]), "not a file of weights; it holds a list"),
    "tensor": (lambda: zipped(torch.zeros(3)), "not a file of weights; it holds a Tensor"),
    "numbers": (lambda: zipped({"lr": 0.1}), "not a file of weights; it holds no tensor, but lr"),
    "nothing": (lambda: zipped({"params": {}}), "not a file of weights; it holds nothing"),
    "unknown": (
        lambda: zipped({"params": {"a.weight": torch.zeros(2, 2)}}),
        "neither a network of gan-bench nor one that spandrel knows$",
    ),
    "shapes": (
        lambda: zipped({**network().state_dict(), "conv_hr.weight": torch.zeros(8, 9, 3, 3)}),
        r"has the names of MSRResNet and does not fit it \(.*conv_hr",
    ),
    "flat": (
        lambda: zipped({name: torch.zeros(3) for name in network().state_dict()}),
        r"has the names of MSRResNet and does not fit it",
    ),
    "theirs": (
        lambda: zipped(
            {**Spandrel("ESRGAN", 2, num_filters=8, num_blocks=1).state_dict(), "model.2.weight": torch.zeros(1)}
        ),
        "spandrel takes it for a network whose shapes it does not have",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.filterwarnings("ignore")
def test_a_wrong_file_is_one_line_without_traceback(tmp_path, capfd, kind):
    content, message = WRONG[kind]
    path = tmp_path / "wrong.pth"
    path.write_bytes(content())
    capfd.readouterr()
    assert main(["restore", str(tmp_path), "--with", str(path), "--out", str(tmp_path / "out")]) == 2
    out, error = capfd.readouterr()
    assert not out
    assert len(error.splitlines()) == 1
    with pytest.raises(UsageError, match=rf"^[^\n]+wrong\.pth: {message}"):
        load_restorer(str(path))


@pytest.mark.parametrize("suffix", ["pth", "ckpt", "safetensors"])
def test_a_missing_file_is_one_line(tmp_path, suffix):
    with pytest.raises(UsageError, match=rf"^[^\n]+a\.{suffix}: no such file$"):
        load_restorer(str(tmp_path / f"a.{suffix}"))


@pytest.mark.parametrize("kept", [0, 7, 100, -1])
def test_cut_safetensors_are_one_line(tmp_path, kept):
    path = tmp_path / "a.safetensors"
    save_file(network().state_dict(), path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UsageError, match=r"^[^\n]+a\.safetensors: not a (whole )?file of weights[^\n]+$"):
        load_restorer(str(path))


def test_a_folder_named_as_a_file_is_a_folder(tmp_path):
    (tmp_path / "odd.pth").mkdir()
    with pytest.raises(UsageError, match="no images found"):
        load_restorer(str(tmp_path / "odd.pth"))


def test_other_things_beside_tensors_stay_with_the_state(tmp_path):
    state = {"weight": torch.zeros(1), "version": 3}
    assert read_states(saved(state, tmp_path / "a.pth")) == [state]


# Files in a run


@pytest.fixture
def run_folder(tmp_path):
    folder = tmp_path / "tiny_run"
    (folder / "checkpoints").mkdir(parents=True)
    generator = {"_target_": "gan_bench.networks.MSRResNet", "num_feat": 8, "num_block": 1, "scale": 2}
    config = {
        "model": {"_target_": "gan_bench.models.Regression", "name": "tiny", "generator": generator},
        "degradation": {"name": "bicubic", "scale": 2},
        "budget": {"name": "smoke", "steps": 3, "batch": 2, "patch": 16},
        "seed": 5,
    }
    (folder / "config.yaml").write_text(to_yaml(config))
    for seed, name in enumerate(("generator", "checkpoints/pixel", "interpolated_0.80", "elsewhere/deep")):
        (folder / name).parent.mkdir(exist_ok=True)
        save_file(network(seed=seed).state_dict(), folder / f"{name}.safetensors")
    states = {"generator.": network(seed=4).state_dict(), "averaged.": network(seed=5).state_dict()}
    whole = {prefix + name: value for prefix, state in states.items() for name, value in state.items()}
    saved({"state_dict": whole}, folder / "checkpoints" / "best.ckpt")
    saved({"params": network(seed=6).state_dict()}, folder / "checkpoints" / "step3.pth")
    return folder


@pytest.mark.parametrize(
    ("name", "seed", "selection"),
    [
        ("", 0, "last"),
        ("generator.safetensors", 0, "last"),
        ("checkpoints/pixel.safetensors", 1, "pixel"),
        ("interpolated_0.80.safetensors", 2, "interpolated_0.80"),
        ("elsewhere/deep.safetensors", 3, "deep"),
        ("checkpoints/best.ckpt", 5, "best"),
        ("checkpoints/step3.pth", 6, "step3"),
    ],
)
def test_any_weights_in_a_run_restore_by_the_runs_own_config(run_folder, name, seed, selection):
    restorer = load_restorer(str(run_folder / name), 8)
    assert torch.equal(restorer.restore(image()), restored(network(seed=seed), image()))
    origin = restorer.origin
    assert (origin.model, origin.seed, origin.selection) == ("tiny", 5, selection)
    assert origin.checkpoint_sha256 == sha256(run_folder / (name or "generator.safetensors"))
    assert origin.budget["steps"] == 3


def test_a_run_of_a_foreign_generator_opens_by_its_name(run_folder):
    arguments = {"name": "Compact", "num_feat": 8, "num_conv": 2, "scale": 2}
    config = {
        "model": {"name": "tiny", "generator": {"_target_": "gan_bench.networks.Spandrel", **arguments}},
        "degradation": {"name": "bicubic", "scale": 2},
        "budget": {"name": "smoke"},
        "seed": 0,
    }
    module = Spandrel(**arguments)
    (run_folder / "config.yaml").write_text(to_yaml(config))
    save_file(module.state_dict(), run_folder / "generator.safetensors")
    assert torch.equal(trained(run_folder).restore(image()), restored(module, image()))


def test_weights_of_an_incomplete_run_are_refused(run_folder):
    (run_folder / "generator.safetensors").unlink()
    for name in ("", "checkpoints/best.ckpt", "checkpoints/pixel.safetensors", "generator.safetensors"):
        with pytest.raises(UsageError, match=r"^[^\n]+: the run is not complete; [^\n]+$"):
            load_restorer(str(run_folder / name))


def test_weights_beside_another_programs_config_are_a_checkpoint(tmp_path):
    (tmp_path / "config.yaml").write_text("network_g: {type: RRDBNet}\n")
    path = saved(network().state_dict(), tmp_path / "net_g.pth")
    assert run_of(path) is None
    assert load_restorer(str(path)).origin.model == "net_g"
    assert checkpoint(path).scale == 2
