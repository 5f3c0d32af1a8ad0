"""Test sets that are made once: files in the cache, equal to what is made, keyed by all that they depend on."""

import logging

import numpy as np
import pytest
import torch
from PIL import Image

from gan_bench.data import frozen
from gan_bench.data.images import Images
from gan_bench.data.testset import Degraded
from gan_bench.degradations import JPEG, Bicubic, Chain, GaussianNoise, KernelBlur, Speckle


@pytest.fixture
def gt(tmp_path):
    rng = np.random.default_rng(0)
    for name, shape in (("a", (18, 20, 3)), ("b", (16, 16)), ("c/d e", (24, 16, 3))):
        path = tmp_path / "gt" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, shape).astype(np.uint8)).save(path)
    return Images((tmp_path / "gt").rglob("*.png"), tmp_path / "gt", num_ch=None)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_BENCH_CACHE", str(tmp_path / "cache"))
    frozen._warn.cache_clear()
    frozen._code.cache_clear()
    return tmp_path / "cache"


def made(gt, sigma=25, seed=0, scale=2, files=True):
    described = {"name": "gaussian_noise", "parameters": {"sigma": sigma, "scale": scale}}
    return Degraded("set", gt, GaussianNoise(sigma, scale=scale), described, seed, frozen=files)


def files(cache):
    return sorted(cache.rglob("*.png"))


class Refusing(GaussianNoise):
    """A degradation that must not be asked."""

    def apply_8bit(self, image, draw):
        raise AssertionError


def test_files_hold_what_is_made_and_the_next_evaluation_reads_them(gt, cache):
    plain = [batch.lq for batch in made(gt, files=False)]
    assert not cache.exists()
    written = [batch.lq for batch in made(gt)]
    assert len(files(cache)) == 3
    again = made(gt)
    again.made_by = Refusing(25, scale=2)  # the folder was chosen before
    for one, other, third in zip(plain, written, [batch.lq for batch in again], strict=True):
        assert torch.equal(one, other) and torch.equal(one, third)
        assert one.dtype == third.dtype == torch.float32
    assert again.lq_sha256 == made(gt, files=False).lq_sha256


def test_a_file_is_the_lq_image_to_look_at(gt, cache):
    lq = made(gt)[0].lq
    (path,) = [path for path in files(cache) if path.name.startswith("a_")]
    assert path.parent.name.startswith("set_gaussian_noise_x2_")
    np.testing.assert_array_equal(np.array(Image.open(path)), (lq[0].permute(1, 2, 0).numpy() * 255).round())


@pytest.mark.parametrize("change", [{"sigma": 15}, {"seed": 1}, {"scale": 1}], ids=str)
def test_other_values_are_other_files(gt, cache, change):
    list(made(gt))
    list(made(gt, **change))
    assert len({path.parent for path in files(cache)}) == 2


def test_other_gt_pixels_of_the_same_name_are_another_file(gt, cache, tmp_path):
    list(made(gt))
    Image.fromarray(np.zeros((18, 20, 3), np.uint8)).save(tmp_path / "gt" / "a.png")
    fresh = Images(gt.paths, tmp_path / "gt", num_ch=None)
    assert torch.equal(made(fresh)[0].lq, made(fresh, files=False)[0].lq)
    assert len([path for path in files(cache) if path.name.startswith("a_")]) == 2


def test_changed_code_never_reads_old_files(gt, cache, monkeypatch):
    list(made(gt))
    monkeypatch.setattr(frozen, "_code", lambda: "changed")
    list(made(gt))
    assert len({path.parent for path in files(cache)}) == 2


@pytest.mark.parametrize("content", [b"", b"no image", None], ids=["empty", "no image", "other pixels"])
def test_a_damaged_file_is_made_anew(gt, cache, content):
    expected = made(gt)[0].lq
    (path,) = [path for path in files(cache) if path.name.startswith("a_")]
    whole = path.read_bytes()
    if content is None:
        Image.fromarray(np.zeros((9, 10, 3), np.uint8)).save(path)
    else:
        path.write_bytes(content)
    assert torch.equal(made(gt)[0].lq, expected)
    assert path.read_bytes() == whole


def test_a_cache_that_cannot_be_written_is_said_once_and_the_work_goes_on(gt, cache, caplog):
    caplog.set_level(logging.WARNING, logger="gan_bench")
    cache.write_text("a file in its place")
    assert torch.equal(made(gt)[1].lq, made(gt, files=False)[1].lq)
    list(made(gt))
    (message,) = [record.getMessage() for record in caplog.records]
    assert "GAN_BENCH_CACHE" in message and "\n" not in message
    assert cache.read_text() == "a file in its place"


def test_bicubic_reads_back_the_published_arithmetic(gt):
    sets = [Degraded("set", gt, Bicubic(2), {"name": "bicubic", "parameters": {}}, frozen=files) for files in (0, 1, 1)]
    for batches in zip(*sets, strict=True):
        assert torch.equal(batches[0].lq, batches[1].lq) and torch.equal(batches[0].lq, batches[2].lq)


def test_a_kernel_file_that_changed_makes_other_files(gt, cache, tmp_path):
    path = tmp_path / "kernel.npy"
    pixels = []
    for kernel in (np.eye(3), np.ones((3, 3))):
        np.save(path, kernel)
        described = {"name": "mine", "parameters": {"path": str(path)}}
        pixels.append(Degraded("set", gt, KernelBlur(str(path)), described, frozen=True)[0].lq)
    assert not torch.equal(*pixels)
    assert len({path.parent for path in files(cache)}) == 2


def test_another_class_of_the_same_name_and_values_makes_other_files(gt, cache):
    list(made(gt))
    other = Degraded("set", gt, Speckle(25, scale=2), made(gt).degradation, frozen=True)
    assert not torch.equal(other[0].lq, made(gt)[0].lq)
    assert len({path.parent for path in files(cache)}) == 2


def test_steps_in_another_order_make_other_files(gt, cache):
    steps = {"few": JPEG(5), "many": JPEG(95)}
    for names in (["few", "many"], ["many", "few"]):
        named = {"steps": {name: {"quality": name} for name in names}}
        chain = Chain({name: steps[name] for name in names})
        plain, kept = (
            [batch.lq for batch in Degraded("set", gt, chain, {"name": "mine", "parameters": named}, 0, frozen=frozen)]
            for frozen in (False, True)
        )
        assert all(torch.equal(one, other) for one, other in zip(plain, kept, strict=True))
    assert len({path.parent for path in files(cache)}) == 2
