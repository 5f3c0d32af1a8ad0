"""Perceptual losses against networks sliced by hand; where weights come from, and what is said where they do not."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from gan_bench.errors import UsageError
from gan_bench.losses import Perceptual
from gan_bench.losses import features as room

VGG_FILE, SQUEEZENET_FILE = "vgg19-dcbb9e9d.pth", "squeezenet1_1-b8a52dc0.pth"
BEFORE = {"conv1_2": 2, "conv2_2": 7, "conv3_4": 16, "conv4_4": 25, "conv5_4": 34}  # KAIR's and mmagic's indices
FIRES = {"fire2": 3, "fire3": 4, "fire4": 6, "fire5": 7, "fire6": 9, "fire7": 10, "fire8": 11, "fire9": 12}


@pytest.fixture(scope="module")
def vgg():
    torch.manual_seed(0)
    features = torchvision.models.vgg19(weights=None, init_weights=False).features.eval()
    for module in features:
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)  # else nothing is left of an image after sixteen layers
    return features


@pytest.fixture(scope="module")
def images():
    return torch.rand(2, 2, 3, 32, 32, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of torch's, and no way to fetch."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("GAN_BENCH_OFFLINE", "1")
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture(scope="module")
def perceptual(vgg, tmp_path_factory):
    """VGG19 losses on the untrained weights, read from a file as those of ImageNet would be."""
    path = tmp_path_factory.mktemp("torch") / VGG_FILE  # without the head, which is 500 MB
    torch.save({f"features.{name}": tensor for name, tensor in vgg.state_dict().items()}, path)

    def make(*args, **given):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(room, "_published", lambda _: path)
            return Perceptual(*args, **given)

    yield make
    path.unlink()


def by_hand(network, image, index):
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = (image - mean[:, None, None]) / std[:, None, None]
    for module in network[: index + 1]:
        x = F.relu(x) if isinstance(module, nn.ReLU) else module(x)
    return x


# The loss -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before_relu", [True, False])
@pytest.mark.parametrize("layer", BEFORE)
def test_each_layer_of_vgg_equals_a_slice_by_hand(perceptual, vgg, images, layer, before_relu):
    preds, target = images
    index = BEFORE[layer] + (not before_relu)
    difference = by_hand(vgg, preds, index) - by_hand(vgg, target, index)
    assert isinstance(vgg[index], nn.Conv2d if before_relu else nn.ReLU)
    for criterion, expected in (("l1", difference.abs().mean()), ("mse", difference.square().mean())):
        loss = perceptual({layer: 1.0}, before_relu=before_relu, criterion=criterion)(preds, target)
        assert expected > 0
        torch.testing.assert_close(loss, expected, rtol=1e-4, atol=0)


def test_vgg54_as_in_srgan_is_the_mse_of_features_divided_by_12_75(perceptual, vgg, images):
    a, b = (by_hand(vgg, image, 35) / 12.75 for image in images)
    loss = perceptual({"conv5_4": 1.0}, before_relu=False, criterion="mse", scale=1 / 12.75)(*images)
    torch.testing.assert_close(loss, (a - b).square().mean(), rtol=1e-4, atol=0)


def test_layers_are_weighed_and_summed_in_any_order_and_weight_zero_costs_nothing(perceptual, vgg, images):
    weights = {"conv3_4": 1.0, "conv1_2": 0.1, "conv5_4": 0.0, "conv2_2": 0.25}
    loss = perceptual(weights)
    assert len(loss.features) == BEFORE["conv3_4"] + 1
    expected = sum(
        weight * (by_hand(vgg, images[0], BEFORE[name]) - by_hand(vgg, images[1], BEFORE[name])).abs().mean()
        for name, weight in weights.items()
    )
    torch.testing.assert_close(loss(*images), expected, rtol=1e-4, atol=0)


def test_gt_takes_no_gradient_and_parameters_none(perceptual, images):
    loss = perceptual({"conv2_2": 1.0})
    preds, target = (image.clone().requires_grad_() for image in images)
    loss(preds, target).backward()
    assert preds.grad.abs().sum() > 0
    assert target.grad is None
    assert not loss.training
    assert list(loss.parameters())
    assert all(not parameter.requires_grad and parameter.grad is None for parameter in loss.parameters())


def test_under_autocast_the_loss_and_its_gradient_stay_near_those_in_float32(perceptual, images):
    loss = perceptual({"conv3_4": 1.0})

    def found(preds):
        preds = preds.clone().requires_grad_()
        value = loss(preds, images[1])
        value.backward()
        return value.detach(), preds.grad.flatten()

    expected, gradient = found(images[0])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value, rough = found(images[0])
    assert value.dtype == torch.float32 and value != expected
    torch.testing.assert_close(value, expected, rtol=1e-2, atol=0)
    assert torch.cosine_similarity(gradient, rough, dim=0) > 0.98


def test_one_channel_is_stacked(perceptual, images):
    loss, (preds, target) = perceptual({"conv1_2": 1.0}), images[:, :, :1]
    assert torch.equal(loss(preds, target), loss(preds.repeat(1, 3, 1, 1), target.repeat(1, 3, 1, 1)))


@pytest.mark.parametrize("layer", FIRES)
def test_each_layer_of_the_published_squeezenet_equals_a_slice_by_hand(reference, cache, images, layer, caplog):
    (cache / SQUEEZENET_FILE).symlink_to(reference / "weights" / SQUEEZENET_FILE)
    network = torchvision.models.squeezenet1_1(weights=None)
    network.load_state_dict(torch.load(reference / "weights" / SQUEEZENET_FILE, weights_only=True))
    a, b = (by_hand(network.features.eval(), image, FIRES[layer]) for image in images)
    loss = Perceptual({layer: 2.0}, "squeezenet", before_relu=False)(*images)
    torch.testing.assert_close(loss, 2 * (a - b).abs().mean(), rtol=1e-5, atol=0)
    assert "not the published file" in caplog.text  # it went through half precision


def test_random_weights_are_always_the_same_and_leave_torchs_generator_alone():
    torch.manual_seed(3)
    first = Perceptual({"fire2": 1.0}, "squeezenet", before_relu=False, weights="random")
    drawn = torch.rand(1)
    again = Perceptual({"fire2": 1.0}, "squeezenet", before_relu=False, weights="random")
    torch.manual_seed(3)
    assert torch.equal(drawn, torch.rand(1))
    for a, b in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)


# What is refused ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"layers": {"conv5_5": 1.0}}, "did you mean 'conv5_"),
        ({"layers": {"conv5_4": 0.0}}, "no layer has a weight"),
        ({"layers": {}}, "no layer has a weight"),
        ({"network": "vgg91"}, "did you mean 'vgg19'"),
        ({"criterion": "l3"}, "known: l1, mse"),
        ({"weights": "imagnet"}, "did you mean 'imagenet'"),
        ({"network": "squeezenet", "layers": {"fire2": 1.0}}, "before_relu must be false"),
    ],
)
def test_a_mistake_is_named_in_one_line(given, named):
    with pytest.raises(UsageError) as error:
        Perceptual(**{"layers": {"conv5_4": 1.0}, "weights": "random", **given})
    assert named in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("network", "layer", "size"), [("vgg19", "conv5_4", 15), ("squeezenet", "fire9", 9), ("squeezenet", "fire9", 2)]
)
def test_images_of_which_nothing_is_left_are_refused(network, layer, size):
    loss = Perceptual({layer: 1.0}, network, before_relu=False, weights="random")
    image = torch.rand(1, 3, size, size)
    with pytest.raises(UsageError, match=f"{size} x {size} .* budget.patch"):
        loss(image, image)


def refused(network="vgg19"):
    layers = {"vgg19": {"conv5_4": 1.0}, "squeezenet": {"fire9": 1.0}}[network]
    with pytest.raises(UsageError) as error:
        Perceptual(layers, network, before_relu=False)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_missing_weights_say_where_they_are_looked_for_and_what_to_do(cache, monkeypatch):
    monkeypatch.setattr("socket.socket", None)  # offline means that nothing is tried
    message = refused()
    for part in (VGG_FILE, str(cache), "gan-bench weights fetch", "perceptual=none", "GAN_BENCH_OFFLINE"):
        assert part in message


def test_a_truncated_file_is_refused(reference, cache):
    whole = (reference / "weights" / SQUEEZENET_FILE).read_bytes()
    for size in (0, 1000, len(whole) - 1000):
        (cache / SQUEEZENET_FILE).write_bytes(whole[:size])
        assert str(cache / SQUEEZENET_FILE) in refused("squeezenet")


def test_weights_of_another_network_are_refused(reference, cache):
    (cache / VGG_FILE).symlink_to(reference / "weights" / SQUEEZENET_FILE)
    assert "remove it" in refused()
    torch.save([1, 2], cache / SQUEEZENET_FILE)
    assert "remove it" in refused("squeezenet")


# In a training --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["perceptual=vgg19"], VGG_FILE),
        (["perceptual=vgg19", "perceptual.weights=random"], "perceptual.weights=random"),
        (["perceptual=vgg19", "perceptual.weights=imagnet"], "imagenet"),
        (["perceptual=squeezenet", "+perceptual.criterion.layers.fire10=1"], "fire1"),
        (["perceptual=squeezenet", "+perceptual.criterion.layers.fire2=-1"], "a weight is a number >= 0"),
    ],
)
def test_a_training_without_weights_is_refused_in_one_line_and_leaves_nothing(train, cache, tmp_path, words, named):
    code, out, error = train("model=srgan", *words)
    assert code == 2, error
    (line,) = error.splitlines()
    assert line.startswith("error: ")
    assert named in line
    assert not out
    assert not (tmp_path / "runs").exists()


def test_a_truncated_file_ends_a_training_before_it_begins(train, cache, tmp_path):
    (cache / VGG_FILE).write_bytes(b"PK\x03\x04")
    code, _, error = train("model=esrgan", "perceptual=vgg19")
    assert code == 2
    assert VGG_FILE in error
    assert len(error.splitlines()) == 1
    assert not (tmp_path / "runs").exists()


def test_a_training_on_features_has_its_own_folder_and_label(train, reference, cache, tmp_path):
    (cache / SQUEEZENET_FILE).symlink_to(reference / "weights" / SQUEEZENET_FILE)
    code, out, _ = train("model=srgan", "perceptual=squeezenet", "+perceptual.criterion.layers.fire2=0.1")
    assert code == 0
    assert "srgan (squeezenet) on photos" in out
    code, out, _ = train("model=srgan")
    assert code == 0
    assert "srgan (mse) on photos" in out
    folders = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert folders[0] == "srgan_photos_bicubic_x4_smoke_s0"
    assert folders[1].startswith("srgan_photos_bicubic_x4_smoke_s0_")
    state = torch.load(tmp_path / "runs" / folders[1] / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    assert {key.split(".")[0] for key in state} == {"generator", "discriminator"}
