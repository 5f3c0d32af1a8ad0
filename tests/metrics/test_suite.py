"""The suite's table of metrics, and means that do not depend on order."""

import math
import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_bench.errors import UsageError, WorkError
from gan_bench.metrics import METRICS, ImageMetric, SetMetric, Suite, aggregate, get_protocol
from gan_bench.metrics import suite as room


class Brightness(ImageMetric):
    """A metric without ground truth."""

    name, higher_is_better, needs_gt = "brightness", False, False

    def score(self, restored, gt, lq):
        return restored.double().mean((1, 2, 3))


class Gap(SetMetric):
    """How far the mean of the restored images is from that of the real ones."""

    name, higher_is_better, digits, ranked_from, weights = "gap", False, 2, 10, "f" * 64

    def __init__(self):
        self.reset()

    def reset(self):
        self.real, self.restored = [], []

    def add_real(self, images):
        self.real += [image.mean().item() for image in images]

    def add_restored(self, images):
        self.restored += [image.mean().item() for image in images]

    def compute(self):
        if not self.real:
            raise WorkError("needs real images")
        return abs(sum(self.real) / len(self.real) - sum(self.restored) / len(self.restored))


@pytest.fixture
def with_gap(monkeypatch):
    monkeypatch.setitem(room.METRICS, "gap", lambda *_: Gap())


@pytest.fixture
def with_brightness(monkeypatch):
    def lacking(*_):
        raise WorkError("weights are not on this machine")

    table = {**METRICS, "brightness": lambda *_: Brightness(), "lacking": lacking}
    monkeypatch.setattr(room, "METRICS", table)


def suite(*names):
    return Suite(names, get_protocol("y"), 2)


def test_one_mapping_per_image_in_the_order_of_names():
    restored, gt = torch.rand(2, 3, 3, 24, 24)
    scores = suite("ssim", "psnr").score(restored, gt, None)
    assert [list(image) for image in scores] == [["ssim", "psnr"]] * 3
    alone = [suite("ssim", "psnr").score(restored[i : i + 1], gt[i : i + 1], None)[0] for i in range(3)]
    assert scores == alone


def test_identical_images_score_infinite_psnr():
    gt = torch.rand(1, 3, 24, 24)
    assert suite("psnr").score(gt, gt, None)[0]["psnr"] == math.inf


def test_unknown_metric_suggests_the_nearest():
    with pytest.raises(UsageError, match="no metric 'pnsr'; did you mean 'psnr'"):
        suite("pnsr")


@pytest.mark.usefixtures("with_brightness")
def test_without_ground_truth_only_blind_metrics_score():
    blind = suite("psnr", "brightness")
    scores = blind.score(torch.full((2, 3, 24, 24), 0.25), None, None)
    assert scores == [{"brightness": 0.25}] * 2
    assert blind.unavailable == {"psnr": "needs ground truth"}


@pytest.mark.usefixtures("with_brightness")
def test_a_metric_that_cannot_be_built_is_named_at_the_start():
    partial = suite("lacking", "psnr")
    assert partial.unavailable == {"lacking": "weights are not on this machine"}
    assert list(partial.facts()) == ["psnr"]


@pytest.mark.usefixtures("with_brightness")
def test_a_stand_in_takes_the_place_of_what_is_unavailable():
    partial = Suite(["psnr", "lacking", "ssim"], get_protocol("y"), 2, {"lacking": "brightness", "psnr": "lacking"})
    assert partial.names == ["psnr", "brightness", "ssim"]
    assert list(partial.metrics) == ["psnr", "brightness", "ssim"]
    assert partial.unavailable == {"lacking": "weights are not on this machine; brightness is computed instead"}


@pytest.mark.usefixtures("with_brightness")
def test_what_is_unavailable_is_said_once(caplog):
    room._say.cache_clear()
    for _ in range(2):
        suite("psnr", "lacking").report()
    assert caplog.messages == ["lacking: n/a: weights are not on this machine"]


@pytest.mark.usefixtures("with_brightness")
def test_facts_say_direction_unit_and_digits():
    facts = suite("psnr", "brightness", "psnr").facts()
    assert len({one.pop("digest") for one in facts.values()}) == 2
    assert facts == {
        "psnr": {"higher_is_better": True, "unit": "dB", "digits": 2, "margin": 0.05},
        "brightness": {"higher_is_better": False, "unit": "", "digits": 4},
    }


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_of_the_table_has_its_name_and_facts(name):
    built = suite(name)
    if name in built.unavailable:
        assert "needs " in built.unavailable[name]
        return
    metric = (built.metrics | built.sets)[name]
    assert metric.name == name
    assert isinstance(metric.higher_is_better, bool)
    assert name in built.sets or isinstance(metric.needs_gt, bool)


@pytest.mark.usefixtures("with_gap")
def test_metrics_of_sets_stand_apart_but_in_the_order_of_names():
    both = suite("gap", "psnr")
    assert both.names == list(both.facts()) == ["gap", "psnr"]
    assert (list(both.sets), list(both.metrics)) == (["gap"], ["psnr"])
    facts = both.facts()["gap"]
    facts.pop("digest")
    assert facts == {"higher_is_better": False, "unit": "", "digits": 2, "ranked_from": 10, "reals": 0}
    assert both.weights() == {"gap": "f" * 64}


@pytest.mark.usefixtures("with_gap")
def test_images_are_scored_without_the_metrics_of_sets():
    both, images = suite("gap", "psnr"), torch.rand(2, 3, 24, 24)
    assert [list(row) for row in both.score(images, images, None)] == [["psnr"]] * 2
    assert both.sets["gap"].restored == []


@pytest.mark.usefixtures("with_gap")
def test_sets_are_scored_by_what_was_collected_since_the_reset():
    both = suite("psnr", "gap")
    both.collect(torch.ones(3, 3, 8, 8))
    both.reset()
    for level in (0.25, 0.5):
        both.collect(torch.full((1, 3, 8, 8), level))
    assert both.score_sets(torch.ones(2, 1, 3, 8, 8)) == {"gap": 0.625}
    assert both.unavailable == {}


@pytest.mark.usefixtures("with_gap")
def test_a_set_without_a_score_says_why():
    both = suite("psnr", "gap")
    both.collect(torch.ones(3, 3, 8, 8))
    assert both.score_sets([]) == {}
    assert both.unavailable == {"gap": "needs real images"}


def test_real_images_are_not_asked_for_without_metrics_of_sets():
    assert suite("psnr").score_sets(pytest.fail(text) for text in ["asked"]) == {}


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50), st.randoms(use_true_random=False))
def test_mean_is_that_of_the_images_in_any_order(values, chance: random.Random):
    images = {str(i): {"psnr": value} for i, value in enumerate(values)}
    shuffled = dict(chance.sample(sorted(images.items()), len(images)))
    means, n_inf = aggregate(images)
    assert means["psnr"] == pytest.approx(sum(values) / len(values), rel=1e-9, abs=1e-6)
    assert aggregate(shuffled) == (means, n_inf)
    assert n_inf == {"psnr": 0}


@pytest.mark.parametrize(("odd", "infinite"), [(math.inf, 1), (math.nan, 0), (-math.inf, 1)])
def test_one_odd_score_leaves_no_mean_and_only_infinite_ones_are_counted(odd, infinite):
    means, n_inf = aggregate({"a": {"psnr": 30.0, "ssim": 0.5}, "b": {"psnr": odd, "ssim": 1.0}})
    assert means == {"psnr": None, "ssim": 0.75}
    assert n_inf == {"psnr": infinite, "ssim": 0}


def test_no_images_no_scores():
    assert aggregate({}) == ({}, {})


def test_images_with_different_metrics_are_not_averaged():
    with pytest.raises(ValueError, match="b has no ssim"):
        aggregate({"a": {"psnr": 1.0, "ssim": 1.0}, "b": {"psnr": 1.0}})
