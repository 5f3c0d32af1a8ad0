"""What restores: bicubic, networks, folders and runs; how each is found, and what a user gets back."""

import hashlib
import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn

import gan_bench
from gan_bench.batch import Batch
from gan_bench.config import to_yaml
from gan_bench.errors import UsageError
from gan_bench.networks import MSRResNet
from gan_bench.resize import upscale
from gan_bench.restorers import (
    Bicubic,
    FolderRestorer,
    Loaded,
    NetworkRestorer,
    Origin,
    is_run,
    load,
    load_restorer,
    trained,
)

SCALE = 2
GENERATOR = {
    "_target_": "gan_bench.networks.MSRResNet",
    "num_in_ch": 3,
    "num_out_ch": 3,
    "num_feat": 8,
    "num_block": 1,
    "scale": SCALE,
}


def noise(*shape, dtype=np.uint8, seed=0):
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, shape).astype(dtype)


def rand(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def batch(lq, name="a"):
    return Batch(lq, lq, (name,) * len(lq))


def network(seed=0, **changes):
    torch.manual_seed(seed)
    return MSRResNet(**{key: value for key, value in (GENERATOR | changes).items() if key != "_target_"})


def restorer_of(module, scale=SCALE, num_in_ch=3):
    return NetworkRestorer(module, scale, num_in_ch, Origin(model="tiny"))


@pytest.fixture
def run_folder(tmp_path):
    """A complete run, made by hand."""
    folder = tmp_path / "tiny_run"
    (folder / "checkpoints").mkdir(parents=True)
    config = {
        "model": {"_target_": "gan_bench.models.Regression", "name": "tiny", "generator": GENERATOR},
        "degradation": {"_target_": "gan_bench.degradations.Bicubic", "name": "bicubic", "scale": SCALE},
        "budget": {"name": "smoke", "steps": 3, "batch": 2, "patch": 16, "val_every": 3, "num_feat": 8},
        "seed": 5,
    }
    (folder / "config.yaml").write_text(to_yaml(config))
    save_file(network(seed=1).state_dict(), folder / "generator.safetensors")
    (folder / "training.json").write_text(json.dumps({"seconds": 1.5, "steps": 3}))
    state = {f"generator.{key}": value for key, value in network(seed=2).state_dict().items()}
    torch.save({"state_dict": {**state, "discriminator.x": torch.zeros(1)}}, folder / "checkpoints" / "best.ckpt")
    return folder


# Bicubic


@pytest.mark.parametrize("scale", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("channels", [1, 3])
def test_bicubic_is_the_resampler_clamped(scale, channels):
    lq = (rand(1, channels, 6, 5) > 0.5).float()
    restored = Bicubic(scale).restore(batch(lq))
    assert torch.equal(restored, upscale(lq, scale).clamp(0, 1))
    assert restored.shape == (1, channels, 6 * scale, 5 * scale)


def test_bicubic_at_scale_1_is_the_input():
    lq = rand(1, 3, 6, 5)
    torch.testing.assert_close(Bicubic(1).restore(batch(lq)), lq, atol=1e-6, rtol=0)


def test_bicubic_in_the_middle_is_pillows():
    """The same kernel: away from edges, and where nothing is clipped between passes, both agree to a rounding."""
    pixels = 90 + noise(24, 20) % 76
    lq = torch.from_numpy(pixels[None, None] / np.float32(255))
    ours = Bicubic(2).restore(batch(lq))[0, 0].numpy() * 255
    theirs = np.asarray(Image.fromarray(pixels).resize((40, 48), Image.Resampling.BICUBIC), dtype=float)
    assert np.abs(ours - theirs)[8:-8, 8:-8].max() < 1.6


# Networks


def test_a_network_is_run_clamped_without_graph_on_the_cpu():
    class Contrast(nn.Conv2d):
        def forward(self, lq):
            return super().forward(lq) * 9 - 4

    module, lq = Contrast(3, 3, 1, bias=False), rand(2, 3, 8, 9)
    nn.init.dirac_(module.weight)
    restored = restorer_of(module, scale=1).restore(batch(lq))
    torch.testing.assert_close(restored, (lq * 9 - 4).clamp(0, 1))
    assert not restored.requires_grad
    assert (restored.dtype, restored.device.type) == (torch.float32, "cpu")


def test_a_gray_image_is_stacked_and_its_restoration_reduced_to_the_mean():
    module, lq = network(), rand(1, 1, 9, 7)
    restored = restorer_of(module).restore(batch(lq))
    with torch.no_grad():
        expected = module(torch.cat([lq] * 3, dim=1)).clamp(0, 1).mean(1, keepdim=True)
    assert restored.shape == (1, 1, 18, 14)
    torch.testing.assert_close(restored, expected)


def test_a_gray_network_takes_gray_as_it_is_and_refuses_colour_in_one_line():
    module = network(num_in_ch=1, num_out_ch=1)
    restorer = restorer_of(module, num_in_ch=1)
    lq = rand(1, 1, 9, 7)
    with torch.no_grad():
        torch.testing.assert_close(restorer.restore(batch(lq)), module(lq).clamp(0, 1))
    with pytest.raises(UsageError, match=r"^flower: tiny takes images of 1 channels, this one has 3; [^\n]+$"):
        restorer.restore(batch(rand(1, 3, 9, 7), "flower"))


class Recorder(nn.Module):
    """Dropout in front of a convolution; remembers what it saw and in which mode."""

    def __init__(self):
        super().__init__()
        self.conv, self.drop = nn.Conv2d(3, 3, 3, padding=1), nn.Dropout(0.5)
        self.sizes, self.modes = [], []

    def forward(self, lq):
        self.sizes.append(tuple(lq.shape[-2:]))
        self.modes.append(self.training)
        return self.conv(self.drop(lq))


@pytest.mark.parametrize("training", [True, False])
def test_it_runs_in_evaluation_mode_and_leaves_the_mode_as_it_was(training):
    module = Recorder().train(training)
    restorer, lq = restorer_of(module, scale=1), batch(rand(1, 3, 8, 8))
    assert torch.equal(restorer.restore(lq), restorer.restore(lq))
    assert module.modes == [False, False]
    assert module.training is module.drop.training is training


def test_the_mode_is_restored_after_a_failure():
    module = Recorder().train()
    module.conv = nn.Conv2d(5, 3, 3)
    with pytest.raises(RuntimeError):
        restorer_of(module, scale=1).restore(batch(rand(1, 3, 8, 8)))
    assert module.training


@pytest.mark.parametrize(("height", "width", "windows"), [(512, 20, 1), (513, 20, 2), (20, 1100, 3)])
def test_a_large_image_goes_through_windows_and_looks_as_if_it_had_not(height, width, windows):
    module = Recorder().eval()
    lq = rand(1, 3, height, width)
    restored = restorer_of(module, scale=1).restore(batch(lq))
    assert len(module.sizes) == windows
    assert max(max(size) for size in module.sizes) <= 512
    with torch.no_grad():
        torch.testing.assert_close(restored, module(lq).clamp(0, 1), atol=1e-5, rtol=0)


def test_a_large_gray_image_of_a_larger_scale_keeps_its_size():
    module = network()
    lq = rand(1, 1, 16, 530)
    restored = restorer_of(module).restore(batch(lq))
    with torch.no_grad():
        whole = module(torch.cat([lq] * 3, dim=1)).clamp(0, 1).mean(1, keepdim=True)
    torch.testing.assert_close(restored, whole, atol=1e-5, rtol=0)


# Folders


@pytest.fixture
def restored_folder(tmp_path):
    folder = tmp_path / "swinir"
    (folder / "x").mkdir(parents=True)
    Image.fromarray(noise(8, 10, 3, seed=1)).save(folder / "baby.png")
    Image.fromarray(noise(8, 10, seed=2)).save(folder / "x" / "bird.png")
    return folder


def test_a_folder_restores_by_stem(restored_folder):
    restorer = FolderRestorer(restored_folder)
    assert restorer.scale is None
    assert restorer.origin.model == "swinir"
    assert len(restorer.origin.checkpoint_sha256) == 64
    for name, pixels in (("baby", noise(8, 10, 3, seed=1)), ("bird", noise(8, 10, 1, seed=2))):
        restored = restorer.restore(batch(rand(1, 3, 2, 2), name))
        assert restored.shape == (1, pixels.shape[2], 8, 10)
        np.testing.assert_array_equal((restored[0] * 255).round().permute(1, 2, 0).numpy(), pixels)


def test_a_missing_stem_is_one_line_with_a_suggestion(restored_folder):
    restorer = FolderRestorer(restored_folder)
    with pytest.raises(UsageError, match=r"^swinir: no restored image for 'babby'; did you mean 'baby'\?$"):
        restorer.restore(batch(rand(1, 3, 2, 2), "babby"))


def test_a_missing_stem_among_many_others_is_a_short_line(tmp_path):
    for number in range(40):
        Image.fromarray(noise(2, 2, seed=number)).save(tmp_path / f"{number:032}.png")
    with pytest.raises(UsageError, match=r"no restored image for 'baby'$"):
        FolderRestorer(tmp_path).restore(batch(rand(1, 3, 2, 2), "baby"))


def test_a_damaged_file_is_named(restored_folder):
    data = (restored_folder / "baby.png").read_bytes()
    (restored_folder / "baby.png").write_bytes(data[:-20])
    with pytest.raises(UsageError, match=r"^[^\n]*baby\.png: not a readable image \([^\n]+\)$"):
        FolderRestorer(restored_folder).restore(batch(rand(1, 3, 2, 2), "baby"))


# From a spec


def test_an_unknown_spec_is_one_line_with_a_suggestion():
    with pytest.raises(UsageError, match=r"^bicubik: neither a run, [^\n]+; did you mean 'bicubic'\?$"):
        load_restorer("bicubik")


def test_a_model_that_must_be_trained_is_no_spec():
    with pytest.raises(UsageError, match=r"^esrgan: neither a run, [^\n]+$"):
        load_restorer("esrgan")


@pytest.mark.parametrize(("scale", "expected"), [(None, 4), (2, 2), (8, 8)])
def test_bicubic_takes_the_scale(scale, expected):
    restorer = load_restorer("bicubic", scale)
    assert isinstance(restorer, Bicubic)
    assert restorer.scale == expected
    assert restorer.origin.model == "bicubic"


def test_a_folder_of_images_is_a_spec(restored_folder):
    restorer = load_restorer(str(restored_folder))
    assert isinstance(restorer, FolderRestorer)
    assert sorted(restorer.index) == ["baby", "bird"]


def test_a_folder_without_images_is_one_line(tmp_path):
    with pytest.raises(UsageError, match=r"^[^\n]*no images found[^\n]+$"):
        load_restorer(str(tmp_path))


def test_a_run_is_a_spec_whatever_the_scale_asked_for(run_folder):
    assert isinstance(load_restorer(str(run_folder), 8), NetworkRestorer)
    assert load_restorer(str(run_folder), 8).scale == SCALE


def test_an_incomplete_run_is_one_line(run_folder):
    (run_folder / "generator.safetensors").unlink()
    assert not is_run(run_folder)
    with pytest.raises(UsageError, match=r"^[^\n]*tiny_run: the run is not complete; [^\n]+$"):
        load_restorer(str(run_folder))


# Runs


def test_a_run_restores_as_its_network_does(run_folder):
    restorer, lq = trained(run_folder), rand(1, 3, 9, 7)
    with torch.no_grad():
        assert torch.equal(restorer.restore(batch(lq)), network(seed=1)(lq).clamp(0, 1))
    assert not restorer.network.training


def test_a_run_says_where_it_comes_from(run_folder):
    origin = trained(run_folder).origin
    weights = (run_folder / "generator.safetensors").read_bytes()
    assert (origin.model, origin.seed, origin.selection, origin.training_seconds) == ("tiny", 5, "last", 1.5)
    assert origin.checkpoint_sha256 == hashlib.sha256(weights).hexdigest()
    assert origin.budget == {"name": "smoke", "steps": 3, "batch": 2, "patch": 16}
    assert origin.parameters == sum(parameter.numel() for parameter in network().parameters())
    assert origin.config["model"]["generator"] == GENERATOR


def test_the_best_checkpoint_of_a_run_is_another_restorer(run_folder):
    path, lq = run_folder / "checkpoints" / "best.ckpt", rand(1, 3, 9, 7)
    best = load_restorer(str(path))
    assert best.origin.selection == "best"
    assert best.origin.checkpoint_sha256 != trained(run_folder).origin.checkpoint_sha256
    with torch.no_grad():
        assert torch.equal(best.restore(batch(lq)), network(seed=2)(lq).clamp(0, 1))


def test_a_run_needs_config_and_weights_alone_and_may_move(run_folder, tmp_path):
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for name in ("config.yaml", "generator.safetensors"):
        shutil.copy(run_folder / name, moved)
    assert trained(moved).origin.training_seconds is None
    lq = batch(rand(1, 3, 5, 5))
    assert torch.equal(trained(moved).restore(lq), trained(run_folder).restore(lq))


@pytest.mark.parametrize("kept", [0, 5, 200, -1])
def test_truncated_weights_are_one_line(run_folder, kept):
    path = run_folder / "generator.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UsageError, match=r"^[^\n]*generator\.safetensors: cannot be loaded \([^\n]+\); [^\n]+$"):
        load_restorer(str(run_folder))


@pytest.mark.parametrize("content", [b"", b"no zip at all", None])
def test_a_damaged_or_missing_checkpoint_is_one_line(run_folder, content):
    path = run_folder / "checkpoints" / "best.ckpt"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(UsageError, match=r"^[^\n]*best\.ckpt: cannot be loaded \([^\n]+\); [^\n]+$"):
        load_restorer(str(path))


@pytest.mark.parametrize("changes", [{"num_feat": 12}, {"num_block": 2}, {"scale": 4}])
def test_weights_of_another_network_are_one_line_that_names_the_layer(run_folder, changes):
    save_file(network(**changes).state_dict(), run_folder / "generator.safetensors")
    with pytest.raises(UsageError, match=r"^[^\n]*cannot be loaded \([^\n]+\); [^\n]+$") as caught:
        load_restorer(str(run_folder))
    assert any(layer in str(caught.value) for layer in ("conv_first", "body.1", "upconv"))


def test_a_folder_that_is_no_run_is_one_line(tmp_path):
    with pytest.raises(UsageError, match=r"^[^\n]*: not a complete run; [^\n]+$"):
        trained(tmp_path)


# What a user gets back


@pytest.fixture(params=["bicubic", "run"])
def loaded(request):
    if request.param == "bicubic":
        return load("bicubic", scale=SCALE)
    return load(request.getfixturevalue("run_folder"))


def test_the_package_loads_by_its_own_name():
    assert gan_bench.load is load
    loaded = gan_bench.load("bicubic", scale=3)
    assert isinstance(loaded, Loaded)
    assert loaded.scale == loaded.restorer.scale == 3


@pytest.mark.parametrize("shape", [(9, 7), (9, 7, 1), (9, 7, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_integer_arrays_come_back_as_they_came(loaded, shape, dtype):
    pixels = noise(*shape, dtype=dtype)
    before = pixels.copy()
    restored = loaded.restore(pixels)
    assert isinstance(restored, np.ndarray)
    assert restored.dtype == dtype
    assert restored.shape == (18, 14, *shape[2:])
    np.testing.assert_array_equal(pixels, before)
    peak = np.iinfo(dtype).max
    lq = torch.from_numpy(pixels.reshape(9, 7, -1).transpose(2, 0, 1)[None] / np.float32(peak))
    inner = loaded.restorer.restore(batch(lq))[0].permute(1, 2, 0).double().numpy() * peak
    assert np.abs(restored.reshape(inner.shape) - inner).max() <= 0.51


@pytest.mark.parametrize("shape", [(9, 7), (9, 7, 1), (9, 7, 3)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_float_arrays_come_back_as_they_came(loaded, shape, dtype):
    pixels = np.random.default_rng(0).random(shape).astype(dtype)
    restored = loaded.restore(pixels)
    assert restored.dtype == dtype
    assert restored.shape == (18, 14, *shape[2:])
    assert 0 <= restored.min() <= restored.max() <= 1


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_pictures_come_back_as_pictures(loaded, mode):
    picture = Image.fromarray(noise(9, 7, *((3,) if mode == "RGB" else ())))
    restored = loaded.restore(picture)
    assert isinstance(restored, Image.Image)
    assert (restored.mode, restored.size) == (mode, (14, 18))
    np.testing.assert_array_equal(np.asarray(restored), loaded.restore(np.asarray(picture)))


def test_a_16_bit_picture_keeps_its_depth(loaded):
    pixels = noise(9, 7, dtype=np.uint16)
    restored = loaded.restore(Image.fromarray(pixels))
    assert restored.mode == "I;16"
    np.testing.assert_array_equal(np.asarray(restored), loaded.restore(pixels))


@pytest.mark.parametrize("mode", ["P", "RGBA", "CMYK"])
def test_other_pictures_become_rgb(loaded, mode):
    picture = Image.fromarray(noise(9, 7, 3)).convert(mode)
    assert (loaded.restore(picture).mode, loaded.restore(picture).size) == ("RGB", (14, 18))


@pytest.mark.parametrize("shape", [(1, 9, 7), (3, 9, 7), (1, 1, 9, 7), (2, 3, 9, 7)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
def test_tensors_come_back_as_they_came(loaded, shape, dtype):
    image = rand(*shape).to(dtype)
    restored = loaded.restore(image)
    assert isinstance(restored, torch.Tensor)
    assert restored.dtype == dtype
    assert restored.shape == (*shape[:-2], 18, 14)


@pytest.mark.parametrize(
    "image",
    [
        "flower.png",
        None,
        [[0, 1]],
        np.zeros((9, 7), np.int64),
        np.zeros((9, 7), bool),
        np.zeros(9, np.uint8),
        np.zeros((1, 3, 9, 7), np.float32),
        torch.zeros(9, 7),
        torch.zeros(3, 9, 7, dtype=torch.uint8),
    ],
    ids=lambda image: f"{type(image).__name__} {getattr(image, 'dtype', '')} {getattr(image, 'ndim', '')}",
)
def test_another_kind_is_one_line(loaded, image):
    with pytest.raises(UsageError, match=r"^restore takes [^\n]+, not [^\n]+$"):
        loaded.restore(image)
