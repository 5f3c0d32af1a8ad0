"""NIQE against its published numbers, and the model of the bundled photographs against the published one."""

import re

import cv2
import numpy as np
import pytest
import torch
from scipy.special import gamma
from scipy.stats import spearmanr

from gan_bench.data import photos
from gan_bench.errors import UsageError, WorkError
from gan_bench.image import read
from gan_bench.metrics import Pristine, Suite, fit, get_protocol, niqe
from gan_bench.metrics.niqe import NIQE, PHOTOS, fitted, of_photos
from gan_bench.metrics.nss import block_features


@pytest.fixture(scope="session")
def shared(reference):
    return Pristine.parse((reference / "data/metrics/niqe/niqe_modelparameters.mat").read_bytes())


@pytest.fixture(scope="session")
def bsd(reference):
    return [read(path).pixels for path in sorted((reference / "data/sr/BSD100_x4_20/HR").glob("*.png"))]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def noise(size=200, channels=1, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (size, size, channels), dtype=np.uint8)


def blurred(pixels, sigma):
    return cv2.GaussianBlur(pixels, (0, 0), sigma) if sigma else pixels


def noisy(pixels, sigma):
    return np.clip(np.rint(pixels + np.random.default_rng(0).normal(0, sigma, pixels.shape)), 0, 255).astype(np.uint8)


def as_jpeg(pixels, quality):
    return cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


def shrunk(pixels, factor):
    height, width = pixels.shape[:2]
    small = cv2.resize(pixels, (width // factor, height // factor), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


DEGRADATIONS = [
    *[(blurred, value) for value in (0, 1, 2, 3)], *[(noisy, value) for value in (10, 25)],
    *[(as_jpeg, value) for value in (10, 30)], *[(shrunk, value) for value in (2, 4)],
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), [("I03", 15.654), ("I04", 3.655), ("I06", 3.234)])
def test_published_model_gives_the_published_numbers(reference, shared, name, value):
    pixels = read(reference / f"data/metrics/calibra/dist_dir/{name}.bmp").pixels
    assert niqe(pixels, shared) == pytest.approx(value, abs=0.01)


@pytest.mark.parametrize("harm", [blurred, noisy])
def test_photos_model_grows_with_blur_and_noise_on_unseen_images(bsd, harm):
    levels = (0, 1, 2, 3) if harm is blurred else (0, 10, 25, 50)
    means = [np.mean([niqe(harm(pixels, level), of_photos()) for pixels in bsd]) for level in levels]
    assert means == sorted(means)
    assert means[-1] > 1.5 * means[0]


def test_photos_model_ranks_unseen_images_as_the_published_one(bsd, shared):
    degraded = [DEGRADATIONS[i % 10][0](pixels, DEGRADATIONS[i % 10][1]) for i, pixels in enumerate(bsd)]
    scores = np.array([[niqe(pixels, model) for model in (shared, of_photos())] for pixels in degraded])
    assert spearmanr(*scores.T)[0] > 0.85


def test_photos_are_in_no_test_set():
    assert not set(PHOTOS) & set(photos.TEST)
    assert set(PHOTOS) <= {*photos.TRAIN, *photos.VALIDATION}


def test_features_of_a_block_follow_the_paper():
    """Local normalisation and the symmetric fit of the first block, in plain NumPy with a two-dimensional window."""
    values = np.random.default_rng(0).normal(128, 30, (192, 192, 1))
    pixels = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    line = np.exp(-(np.arange(-3, 4) ** 2) / (2 * (7 / 6) ** 2))
    window = np.outer(line, line) / line.sum() ** 2
    padded = np.pad(pixels[..., 0].astype(float), 3, mode="edge")
    patches = np.lib.stride_tricks.sliding_window_view(padded, (7, 7))
    mean = (patches * window).sum((2, 3))
    deviation = np.sqrt((patches**2 * window).sum((2, 3)) - mean**2)
    block = ((pixels[..., 0] - mean) / (deviation + 1))[:96, :96]
    features, sharpness = block_features(pixels)
    assert features.shape == (4, 36)
    assert sharpness[0] == pytest.approx(deviation[:96, :96].mean(), rel=1e-5)
    scatter = np.sqrt(np.mean(block**2))
    ratio = np.mean(np.abs(block)) ** 2 / np.mean(block**2)  # that of a Gaussian is 2 / pi, of a uniform 3 / 4
    assert 2 / np.pi < ratio < 3 / 4
    assert 2 < features[0, 0] < 10
    width = scatter * np.sqrt(gamma(1 / features[0, 0]) / gamma(3 / features[0, 0]))
    assert features[0, 1] == pytest.approx(width, rel=1e-2)


def test_gray_scores_as_when_stacked(shared_or_photos):
    pixels = noise()
    assert niqe(pixels, shared_or_photos) == niqe(np.repeat(pixels, 3, axis=2), shared_or_photos)


@pytest.fixture
def shared_or_photos(cache):
    return of_photos()


@pytest.mark.parametrize("size", [10, 95, 96, 191])
def test_an_image_with_fewer_than_two_blocks_has_no_score(size, shared_or_photos):
    assert np.isnan(niqe(noise(size), shared_or_photos))


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_flat_image_has_no_score_and_a_flat_part_is_left_out(level, shared_or_photos):
    flat = np.full((288, 288, 3), level, np.uint8)
    assert np.isnan(niqe(flat, shared_or_photos))
    flat[:, :192] = noise(288, 3)[:, :192]
    assert np.isfinite(niqe(flat, shared_or_photos))


def test_a_batch_is_scored_image_by_image(shared_or_photos):
    images = torch.rand(2, 1, 200, 200)
    metric = NIQE("niqe_photos", shared_or_photos)
    assert metric.score(images, None, None).tolist() == [metric.score(i[None], None, None).item() for i in images]


def test_photos_model_is_kept_and_found_again(cache):
    first = of_photos()
    (path,) = cache.iterdir()
    assert re.fullmatch(r"niqe_photos-[0-9a-f]{8}\.npz", path.name)
    stamp = path.stat().st_mtime_ns
    assert of_photos().sha256 == first.sha256
    assert path.stat().st_mtime_ns == stamp
    path.write_bytes(path.read_bytes()[:500])
    assert of_photos().sha256 == first.sha256


def test_an_unwritable_cache_costs_one_warning(cache, caplog):
    cache.write_text("a file where the folder should be")
    assert np.isfinite(of_photos().mean).all()
    assert len(caplog.messages) == 1
    assert "its model is not kept" in caplog.text
    assert "GAN_BENCH_CACHE" in caplog.text


def test_a_fitted_model_is_a_metric_of_its_own_name(cache):
    model = fit(noise(400, seed=seed) for seed in range(4))
    cache.mkdir()
    (cache / "niqe_noise.npz").write_bytes(model.to_bytes())
    suite = Suite(["niqe_noise"], get_protocol("y"), 1)
    assert suite.weights() == {"niqe_noise": fitted("niqe_noise").sha256}
    assert suite.score(torch.rand(1, 1, 200, 200), None, None)[0]["niqe_noise"] < 20
    (cache / "niqe_noise.npz").write_bytes(b"broken")
    assert "not a NIQE model" in Suite(["niqe_noise"], get_protocol("y"), 1).unavailable["niqe_noise"]


@pytest.mark.parametrize("suffix", [".npz", ".mat"])
def test_a_model_survives_its_file(suffix):
    model = fit(noise(400, seed=seed) for seed in range(4))
    again = Pristine.parse(model.to_bytes(suffix))
    assert np.array_equal(again.mean, model.mean)
    assert np.array_equal(again.covariance, model.covariance)
    assert model.to_bytes() == again.to_bytes()


def test_too_few_sharp_blocks_are_refused():
    with pytest.raises(UsageError, match="sharp blocks of 96x96 pixels, at least 37"):
        fit([noise(), noise(50)])


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 half", b"MATLAB 5.0 half"])
def test_a_damaged_model_is_a_value_error(data):
    with pytest.raises(ValueError, match="not a NIQE model"):
        Pristine.parse(data)


def test_without_photographs_there_is_no_model(monkeypatch, cache):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(WorkError, match="not installed"):
        of_photos()
