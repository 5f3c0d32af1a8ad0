"""Network interpolation between a run's stages, against NumPy; the ends, the counters, and what is refused."""

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from safetensors.torch import save_file
from torch import nn

from gan_bench.cli import main
from gan_bench.config import to_yaml
from gan_bench.interpolate import blend
from gan_bench.networks import SRResNet
from gan_bench.restorers import load_restorer

STAGES = [{"name": "pixel", "fraction": 0.5}, {"name": "gan", "fraction": 0.5}]


def generator(seed):
    """With batch norm, whose statistics are floats and whose counter is not."""
    torch.manual_seed(seed)
    network = SRResNet(num_feat=4, num_block=1, scale=2)
    for number, module in enumerate(network.modules()):
        if isinstance(module, nn.BatchNorm2d):
            module.num_batches_tracked.fill_(10 * seed + number)
            nn.init.normal_(module.running_mean)
    return network


@pytest.fixture
def run_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "run"
    (folder / "checkpoints").mkdir(parents=True)
    arguments = {"_target_": "gan_bench.networks.SRResNet", "num_feat": 4, "num_block": 1, "scale": 2}
    write_config(folder, arguments, STAGES)
    save_file(generator(1).state_dict(), folder / "checkpoints" / "pixel.safetensors")
    save_file(generator(2).state_dict(), folder / "generator.safetensors")
    return folder


def write_config(folder, arguments, stages):
    config = {
        "model": {"_target_": "gan_bench.models.SRGAN", "name": "tiny", "generator": arguments, "stages": stages},
        "degradation": {"name": "bicubic", "scale": 2},
        "budget": {"name": "smoke", "steps": 4},
        "seed": 0,
    }
    (folder / "config.yaml").write_text(to_yaml(config))


@pytest.mark.parametrize("alpha", [0.2, 0.8, 0.125])
def test_each_tensor_is_the_weighted_mean_and_counters_are_the_gans(run_folder, alpha, capsys):
    assert main(["interpolate", "run", "--alpha", str(alpha)]) == 0
    pixel, gan = load_file("run/checkpoints/pixel.safetensors"), load_file("run/generator.safetensors")
    name = f"run/interpolated_{alpha if alpha == 0.125 else f'{alpha:.2f}'}.safetensors"
    found = load_file(name)
    assert set(found) == set(gan)
    for key, value in found.items():
        assert value.dtype == gan[key].dtype
        if key.endswith("num_batches_tracked"):
            assert value == gan[key] != pixel[key]
        else:
            expected = (1 - alpha) * pixel[key].astype(np.float64) + alpha * gan[key].astype(np.float64)
            np.testing.assert_array_equal(value, expected.astype(np.float32))
    written, judge = capsys.readouterr().out.splitlines()
    assert written == f"written: {name}"
    assert judge.startswith("judge: ") and f"gan-bench benchmark {name} " in judge


def test_the_ends_are_the_ends_bit_for_bit(run_folder):
    assert main(["interpolate", "run", "--alpha", "0", "--alpha", "1"]) == 0
    for name, end in (("0.00", "checkpoints/pixel"), ("1.00", "generator")):
        assert (run_folder / f"interpolated_{name}.safetensors").read_bytes() == (
            run_folder / f"{end}.safetensors"
        ).read_bytes()


def test_negative_zeros_and_the_unrepresentable_survive_at_the_ends():
    pixel, gan = {"a": torch.tensor([-0.0, torch.inf, 1.0])}, {"a": torch.tensor([torch.nan, -0.0, -torch.inf])}
    for alpha, end in ((0, pixel), (1.0, gan)):
        assert blend(pixel, gan, alpha)["a"].numpy().tobytes() == end["a"].numpy().tobytes()


def test_the_result_restores_by_the_runs_config(run_folder):
    assert main(["interpolate", str(run_folder), "--alpha", "0.8"]) == 0
    restorer = load_restorer("run/interpolated_0.80.safetensors")
    assert (restorer.origin.model, restorer.origin.selection) == ("tiny", "interpolated_0.80")


def test_out_names_the_file_which_is_a_checkpoint_by_itself(run_folder, capsys):
    assert main(["interpolate", "run", "--alpha", "0.5", "--out", "else/where.safetensors"]) == 0
    assert capsys.readouterr().out.startswith("written: else/where.safetensors\n")
    assert load_restorer("else/where.safetensors").scale == 2
    assert not list(run_folder.glob("interpolated*"))


def test_stages_without_names_are_numbered(run_folder):
    write_config(run_folder, {}, [{"fraction": 0.5}, {"fraction": 0.5}])
    (run_folder / "checkpoints" / "pixel.safetensors").rename(run_folder / "checkpoints" / "stage1.safetensors")
    assert main(["interpolate", "run", "--alpha", "0.5"]) == 0


def incomplete(folder):
    (folder / "generator.safetensors").unlink()


def of_one_stage(folder):
    write_config(folder, {}, STAGES[:1])


def without_stage_file(folder):
    (folder / "checkpoints" / "pixel.safetensors").unlink()


def damaged(folder):
    path = folder / "checkpoints" / "pixel.safetensors"
    path.write_bytes(path.read_bytes()[:100])


def of_two_networks(folder):
    save_file({"a": torch.zeros(1)}, folder / "checkpoints" / "pixel.safetensors")


def nothing(folder):
    pass


@pytest.mark.parametrize(
    ("change", "words", "message"),
    [
        (nothing, ["run", "--alpha", "1.1"], "--alpha 1.1: a number from 0"),
        (nothing, ["run", "--alpha", "-0.1"], "--alpha -0.1: a number from 0"),
        (nothing, ["run", "--alpha", "nan"], "--alpha nan: a number from 0"),
        (nothing, ["run", "--alpha", "much"], "invalid float value: 'much'"),
        (nothing, ["run"], "--alpha"),
        (nothing, ["nowhere", "--alpha", "0.5"], "nowhere: not a run"),
        (nothing, ["run/generator.safetensors", "--alpha", "0.5"], "not a run"),
        (nothing, ["run", "--alpha", "0.5", "--alpha", "0.6", "--out", "a.safetensors"], "it takes one --alpha"),
        (nothing, ["run", "--alpha", "0.5", "--out", "a.pth"], "NAME.safetensors"),
        (incomplete, ["run", "--alpha", "0.5"], "run: the run is not complete"),
        (of_one_stage, ["run", "--alpha", "0.5"], "run: the run has one stage"),
        (without_stage_file, ["run", "--alpha", "0.5"], "checkpoints/pixel.safetensors: no such file"),
        (damaged, ["run", "--alpha", "0.5"], "pixel.safetensors: not a whole file of weights"),
        (of_two_networks, ["run", "--alpha", "0.5"], "its stages hold different networks"),
    ],
)
def test_a_refusal_is_one_line(run_folder, capsys, change, words, message):
    change(run_folder)
    before = sorted(run_folder.parent.rglob("*"))
    try:
        code = main(["interpolate", *words])
    except SystemExit as left:
        code = left.code
    captured = capsys.readouterr()
    assert code == 2
    assert message in captured.err
    assert len(captured.err.splitlines()) == 1
    assert not captured.out
    assert sorted(run_folder.parent.rglob("*")) == before
