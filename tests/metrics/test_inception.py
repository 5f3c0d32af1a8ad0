"""The network behind FID and KID, with random weights in the published shapes: as torch-fidelity runs it, or n/a."""

import math

import pytest
import torch
from torchvision.models import get_model

from gan_bench.metrics import FID, Suite, get_protocol, inception
from gan_bench.weights import FILES, sha256


@pytest.fixture
def torch_home(tmp_path, monkeypatch):
    """A cache of torch's with nothing in it, on a machine without a network."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("GAN_BENCH_OFFLINE", "1")
    FILES["inception"].path.parent.mkdir(parents=True)
    inception._built.cache_clear()
    return tmp_path / "torch/hub/checkpoints"


@pytest.fixture(scope="module")
def weights():
    """Random, scaled so that values neither vanish nor grow from layer to layer."""
    torch.manual_seed(0)
    network = get_model("inception_v3", weights=None, num_classes=1008, aux_logits=False, init_weights=False)
    for name, value in network.state_dict().items():
        if name.endswith("conv.weight"):
            torch.nn.init.kaiming_normal_(value)
    return network.state_dict()


@pytest.fixture
def path(torch_home, weights):
    torch.save(weights, FILES["inception"].path)
    return FILES["inception"].path


def test_features_are_those_of_torch_fidelity(path):
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    theirs = FeatureExtractorInceptionV3("inception-v3-compat", ["2048"], feature_extractor_weights_path=str(path))
    image = torch.randint(0, 256, (1, 3, 40, 32), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    features = inception.inception()(image)
    assert features.shape == (1, 2048)
    assert features.std() > 0.1
    torch.testing.assert_close(features.cpu(), theirs(image)[0], rtol=1e-3, atol=1e-3)


def test_fid_and_kid_of_a_few_images_are_finite_and_name_their_weights(path):
    built = Suite(["psnr", "fid", "kid"], get_protocol("y"), 1)
    assert built.unavailable == {}
    assert built.weights() == dict.fromkeys(("fid", "kid"), sha256(path))
    images = torch.rand(5, 1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    for image in images[:3]:
        built.collect(image)
    scores = built.score_sets(images[3:])
    assert list(scores) == ["fid", "kid"]
    assert all(map(math.isfinite, scores.values()))
    assert scores["fid"] > 0


def test_an_image_goes_through_the_network_once(path, monkeypatch):
    network, runs = inception.inception(), []
    monkeypatch.setattr(network, "_features", lambda image: runs.append(image) or torch.ones(1, 2048))
    monkeypatch.setattr(inception, "KEPT", 2)
    for seed in (0, 0, 1, 0, 2, 0):
        network(torch.full((1, 3, 4, 4), seed, dtype=torch.uint8))
    assert len(runs) == 4  # 0, 1, 2, and 0 again, which the third image drove out
    network(torch.zeros(1, 3, 2, 8, dtype=torch.uint8))
    assert len(runs) == 5


def test_without_the_file_both_are_unavailable_with_the_way_out(torch_home):
    built = Suite(["fid", "kid", "psnr"], get_protocol("y"), 1)
    assert list(built.facts()) == ["psnr"]
    for name in ("fid", "kid"):
        assert f"needs {FILES['inception'].name}" in built.unavailable[name]
        assert "gan-bench weights list inception" in built.unavailable[name]


def test_weights_of_another_network_are_refused_before_they_are_unpickled(torch_home, weights):
    torch.save({**weights, "fc.weight": torch.zeros(1000, 2048)}, FILES["inception"].path)
    reason = Suite(["fid"], get_protocol("y"), 1).unavailable["fid"]
    assert "holds other weights (fc.weight: (1000, 2048), not (1008, 2048))" in reason
    torch.save(FID, FILES["inception"].path)  # code, which the library itself would run
    assert "cannot be read" in Suite(["fid"], get_protocol("y"), 1).unavailable["fid"]


def test_without_torch_fidelity_the_package_is_named(path, monkeypatch):
    monkeypatch.setattr(inception.importlib.util, "find_spec", lambda _: None)
    assert Suite(["kid"], get_protocol("y"), 1).unavailable == {
        "kid": "needs torch-fidelity; pip install torch-fidelity"
    }
