"""The yaml files of conf/degradation as they stand: published numbers, replay, any order, size and number of channels.

The golden draws are written anew by `python -m tests.degradations.test_yamls`, which is only right where a degradation
was meant to change.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra.core.override_parser.overrides_parser import OverridesParser
from scipy.stats import chisquare, kstest, uniform
from skimage import data
from tests.references.degradation import AsPublished, ImageByImage
from tests.references.realsr import needed
from torch.utils.data import DataLoader, Dataset

from gan_bench.chance import generator
from gan_bench.config import build, conf_dir, degradation_node, experiments_dir, read_yaml

NAMES = sorted(path.stem for path in (conf_dir() / "degradation").glob("*.yaml") if path.stem != "given")  # makes no lq
GOLDEN = Path(__file__).parent / "golden_draws.json"


def made(name, scale=None, **values):
    return build(degradation_node(name, {**needed(name), **values}, scale), key="degradation")


def draws(degradation, count, seed=0):
    return degradation.draw([generator("degradation", seed, position) for position in range(count)])


def photo(channels=3, size=96, top=40, left=170):
    pixels = data.astronaut()[top : top + size, left : left + size, :channels]
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))[None] / np.float32(255)


def golden(names=NAMES):
    keyed = {name: [generator("degradation", 0, image) for image in ("baboon", "lenna")] for name in names}
    return {name: made(name).draw(rngs) for name, rngs in keyed.items()}


@pytest.mark.parametrize("name", NAMES)
def test_draws_are_the_same_on_every_machine(name):
    assert golden([name])[name] == json.loads(GOLDEN.read_text())[name]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scale", [1, pytest.param(2, marks=pytest.mark.full), 4])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_degradation_at_every_scale_gives_8_bit_levels_of_the_lq_size_and_replays(name, scale, channels):
    if name == "identity" and scale > 1:
        pytest.skip("identity declares a scale and makes no lq")
    degradation, image = made(name, scale), photo(channels)
    (drawn,) = draws(degradation, 1)
    lq = degradation.apply_8bit(image, [drawn])
    assert lq.shape == (1, channels, 96 // scale, 96 // scale) and lq.dtype == torch.float32
    assert torch.equal(lq, torch.round(lq * 255) / 255) and lq.min() >= 0 and lq.max() <= 1
    again = json.loads(json.dumps(drawn, allow_nan=False))
    assert torch.equal(made(name, scale).apply_8bit(image, [again]), lq)


@pytest.mark.parametrize("name", NAMES)
def test_odd_sizes_and_the_smallest_image_that_is_allowed(name):
    degradation = made(name, 1)
    size = max(degradation.reach, 1)
    for height, width in ((size, size), (size + 36, size + 1)):
        image = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))
        assert degradation.apply_8bit(image, draws(degradation, 1)).shape == image.shape


@pytest.mark.parametrize("name", NAMES)
def test_no_sample_sees_another_nor_the_threads(name):
    degradation = made(name)
    image, drawn = torch.cat([photo(left=left) for left in (10, 120, 170)]), draws(degradation, 3)
    before, together = image.clone(), degradation.apply(image, drawn)
    assert torch.equal(image, before)
    threads = torch.get_num_threads()
    last_bits = 1e-6 if name == "bicubic" else 0  # one product for the batch: torch sums it as its threads allow
    try:
        torch.set_num_threads(3)
        torch.testing.assert_close(degradation.apply(image, drawn), together, atol=last_bits, rtol=0)
    finally:
        torch.set_num_threads(threads)
    for i in (2, 0, 1):
        torch.testing.assert_close(degradation.apply(image[i : i + 1], [drawn[i]])[0], together[i], atol=1e-6, rtol=0)


class Lq(Dataset):
    """The lq of each position, made in whatever process asks."""

    def __init__(self, name):
        self.degradation, self.image = made(name), photo()

    def __len__(self):
        return 6

    def __getitem__(self, position):
        rngs = [generator("degradation", 0, position)]
        return self.degradation.apply_8bit(self.image, self.degradation.draw(rngs))[0]


@pytest.mark.parametrize(
    "name", ["realesrgan", *(pytest.param(x, marks=pytest.mark.full) for x in ("bsrgan", "old_photo"))]
)
def test_order_and_worker_processes_change_no_bit(name):
    forwards = torch.cat(list(DataLoader(Lq(name), 2)))
    backwards = [Lq(name)[position] for position in reversed(range(6))][::-1]
    assert torch.equal(torch.stack(backwards), forwards)
    for workers in (1, 2):
        assert torch.equal(torch.cat(list(DataLoader(Lq(name), 2, num_workers=workers))), forwards)


# Real-ESRGAN, methods.md 2.3.2


@pytest.fixture(scope="module")
def realesrgan():
    return draws(made("realesrgan"), 5000)


def passes(values, low, high):
    return kstest(values, uniform(low, high - low).cdf).pvalue > 0.001


def is_share(hits, share):
    count = sum(hits)
    return chisquare([count, len(hits) - count], [share * len(hits), (1 - share) * len(hits)]).pvalue > 0.001


@pytest.mark.parametrize(("step", "sigma", "strength"), [("noise1", 30, 3), ("noise2", 25, 2.5)])
def test_noise_is_drawn_as_published(realesrgan, step, sigma, strength):
    drawn = [one[step] for one in realesrgan]
    gaussian = [one for one in drawn if one["is"] == "gaussian"]
    poisson = [one for one in drawn if one["is"] == "poisson"]
    assert is_share([one["is"] == "gaussian" for one in drawn], 0.5)
    assert passes([one["sigma"] for one in gaussian], 1, sigma)
    assert passes([one["strength"] for one in poisson], 0.05, strength)
    assert is_share([one["gray"] for one in gaussian], 0.4) and is_share([one["gray"] for one in poisson], 0.4)


@pytest.mark.parametrize(
    ("step", "sigma", "of", "up", "down", "shares"),
    [("1", 3.0, "image", 1.5, 0.15, (0.2, 0.7, 0.1)), ("2", 1.5, "lq", 1.2, 0.3, (0.3, 0.4, 0.3))],
)
def test_blur_and_resize_are_drawn_as_published(realesrgan, step, sigma, of, up, down, shares):
    blurs = [one[f"blur{step}"] for one in realesrgan]
    done = ["skipped" not in one for one in blurs]
    assert all(done) if step == "1" else is_share(done, 0.8)
    assert passes([one["sigma_x"] for one in blurs if "sigma_x" in one], 0.2, sigma)
    factors = np.array([one[f"resize{step}"]["factor"] for one in realesrgan])
    kinds = [(factors > 1).sum(), (factors < 1).sum(), (factors == 1).sum()]
    assert chisquare(kinds, [5000 * share for share in shares]).pvalue > 0.001
    assert passes(factors[factors > 1], 1, up) and passes(factors[factors < 1], down, 1)
    assert made("realesrgan").steps[f"resize{step}"].of == of


def test_the_end_is_drawn_as_published(realesrgan):
    last = [one["final"] for one in realesrgan]
    assert is_share([one["order"] == ["jpeg", "shrink"] for one in last], 0.5)
    sincs = [one["shrink"]["sinc"] for one in last]
    assert is_share(["skipped" not in one for one in sincs], 0.8)
    done = [one for one in sincs if "skipped" not in one]
    assert passes([one["cutoff"] for one in done], np.pi / 3, np.pi)
    assert {one["size"] for one in done} == set(range(7, 22, 2))
    for qualities in ([one["jpeg1"]["quality"] for one in realesrgan], [one["jpeg"]["quality"] for one in last]):
        expected = [5000 / 65 * (0.5 if quality in (30, 95) else 1) for quality in range(30, 96)]  # rounded U(30, 95)
        assert chisquare(np.bincount(qualities, minlength=96)[30:], expected).pvalue > 0.001


NO_CHANCE = {"noise1": None, "noise2": None, "jpeg1": None, "final": {"steps": {"jpeg": None}}, "round": None}


def test_without_noise_and_codec_realesrgan_is_both_plain_references():
    degradation = made("realesrgan", steps=NO_CHANCE)
    image, drawn = torch.cat([photo(left=left) for left in (10, 60, 120, 170)]), draws(degradation, 4)
    lq = degradation.apply(image, drawn)
    expected = ImageByImage(degradation)(image, drawn)
    assert (lq - expected).abs().mean() < 1e-5 and (lq - expected).abs().max() < 1e-2  # masks on their threshold
    # torch's area resize differs, and its padding beyond a small image
    if all("area" not in json.dumps(one) for one in drawn):
        assert (lq - AsPublished(degradation)(image, drawn)).abs().mean() < 1e-3


def test_a_batch_on_a_device_follows_the_same_draws():
    degradation = made("realesrgan", steps=NO_CHANCE, granularity="batch")
    image = torch.cat([photo(left=left) for left in (10, 60, 120, 170)])
    for number in range(4):
        rngs = [generator("degradation", number, position) for position in range(4)]
        drawn = degradation.draw(rngs, generator("step", number))
        lq = degradation.apply(image, drawn)
        device = degradation._batched(image, drawn, (24, 24)).clamp(0, 1)
        assert (lq - device).abs().mean() < 1e-5 and (lq - device).abs().max() < 1e-2


WITHOUT_CHANCE = {
    **{name: {} for name in ("bicubic", "gaussian_blur", "motion_blur", "defocus", "identity", "realsr")},
    "bsrgan": {"steps": {"mixed": {"steps": {"noise": None, "jpeg": None}}, "final": None}},
    "realesrgan": {"steps": NO_CHANCE},
    "realesrgan_light": {"steps": NO_CHANCE},
    "realesrgan_heavy": {"steps": NO_CHANCE},
}


@pytest.mark.parametrize("name", WITHOUT_CHANCE)
def test_what_a_device_does_is_what_the_cpu_does_sample_by_sample(name):
    degradation = made(name, **WITHOUT_CHANCE[name])
    image = torch.cat([photo(left=left) for left in (10, 60, 120, 170)])
    drawn = draws(degradation, 4)
    device = degradation._batched(image, drawn, (96 // degradation.scale,) * 2)
    if degradation.shrinks == "after" and degradation.scale > 1:
        pytest.skip("the downscaling is apply's own")
    difference = (device.clamp(0, 1) - degradation.apply(image, drawn)).abs()
    assert difference.mean() < 1e-5 and difference.max() < 1e-2  # a mask or a nearest pixel on its threshold


@pytest.mark.parametrize("variant", ["realesrgan_light", "realesrgan_heavy"])
def test_the_variants_have_realesrgans_steps_and_other_values(variant):
    one, other = draws(made(variant), 1)[0], draws(made("realesrgan"), 1)[0]
    assert list(one) == list(other)
    assert one != other


@pytest.mark.full
def test_every_operator_that_the_ablation_takes_out_is_there():
    study = read_yaml(experiments_dir() / "ablate_operators.yaml")
    words = study["hydra"]["sweeper"]["params"]["degradation.without"]
    for choice in OverridesParser.create().parse_override(f"without={words}").sweep_iterator():
        names = choice if isinstance(choice, str) or choice is None else list(choice)
        left = made("realesrgan", without=names).steps
        assert set(left) == set(made("realesrgan").steps) - set([names] if isinstance(names, str) else names or [])


def test_light_is_closer_to_the_gt_than_realesrgan_and_heavy_farther():
    image = photo(size=128)
    distance = {}
    for name in ("realesrgan_light", "realesrgan", "realesrgan_heavy"):
        degradation = made(name, 1)
        drawn = draws(degradation, 40)
        lq = degradation.apply(image.expand(40, -1, -1, -1), drawn)
        distance[name] = (lq - image).square().mean().item()
    assert distance["realesrgan_light"] < distance["realesrgan"] < distance["realesrgan_heavy"]


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(golden(), indent=1) + "\n")
