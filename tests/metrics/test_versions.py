"""Equal digests promise comparable numbers: whoever changes a number must raise the version."""

import numpy as np
import pytest
import torch

from gan_bench.image import to_tensor
from gan_bench.metrics import FID, KID, METRICS, Suite, get_protocol

GOLDEN = {  # of the pair below, by metric and version
    "psnr": ("1", 27.5139483),
    "ssim": ("1", 0.824874895),
    "ms_ssim": ("1", 0.948557019),
    "niqe_photos": ("1", 57.3499248),
    "colour_shift": ("1", 1.77061407),
    "consistency": ("1", 22.8797465),
}


def pair():
    rng = np.random.default_rng(8)
    rows, columns = np.mgrid[:192, :224]
    waves = 128 + 60 * np.sin(rows / 9) * np.cos(columns / 13)
    gt = np.clip(waves[..., None] + rng.normal(0, 25, (192, 224, 3)), 0, 255).astype(np.uint8)
    restored = np.clip(gt + rng.normal(4, 18, gt.shape), 0, 255).astype(np.uint8)
    return (to_tensor(image)[None] for image in (restored, gt))


@pytest.mark.parametrize("name", GOLDEN)
def test_who_changes_a_number_raises_the_version(name):
    restored, gt = pair()
    suite = Suite([name], get_protocol("y"), 1)
    value = suite.score(restored, gt, gt, lambda: restored)[0][name]
    version, expected = GOLDEN[name]
    told = f"{name} gives {value!r}; if that is meant, raise its version, and write both here"
    assert METRICS[name](get_protocol("y"), 1).version == version
    assert value == pytest.approx(expected, rel=1e-6), told


@pytest.mark.parametrize(("kind", "version", "expected"), [(FID, "1", 0.00962032974), (KID, "1", 0.000197705924)])
def test_who_changes_a_number_of_a_set_raises_the_version(kind, version, expected):
    def pooled(levels):
        return torch.nn.functional.adaptive_avg_pool2d(levels.float() / 255, 4).reshape(1, -1)

    metric = kind(pooled)
    for image, add in zip(pair(), (metric.add_restored, metric.add_real), strict=True):
        add(torch.cat(image.split(56, dim=3)))
    value = metric.compute()
    assert metric.version == version
    assert value == pytest.approx(expected, rel=1e-6), f"{metric.name} gives {value!r}; if that is meant, see above"


def test_the_digest_changes_with_name_version_and_weights(monkeypatch):
    from gan_bench.metrics import PSNR

    def digest(*names):
        return [facts["digest"] for facts in Suite(names, get_protocol("y"), 1).facts().values()]

    before = digest("psnr", "ssim")
    assert len(set(before)) == 2
    monkeypatch.setattr(PSNR, "version", "2")
    assert digest("psnr")[0] not in before
    assert digest("ssim")[0] == before[1]


def test_margins_are_facts_where_they_are_stated():
    facts = Suite(["psnr", "ssim", "ms_ssim"], get_protocol("y"), 1).facts()
    assert {name: one.get("margin") for name, one in facts.items()} == {"psnr": 0.05, "ssim": 0.002, "ms_ssim": None}
