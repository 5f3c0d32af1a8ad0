"""Comparing refuses what does not answer the same question, and names the first thing that differs."""

import numpy as np
import pytest
from scipy import stats
from seeds import FACTS, bicubic, method, result

from gan_bench.benchmark import NotComparableError, compare, obstacle, rows_of

OTHER = {
    "set photos against set5": {"set": "set5"},
    "degradation.parameters.scale 4 against 2": {"degradation": {"name": "bicubic", "parameters": {"scale": 2}}},
    "degradation.name bicubic against jpeg": {"degradation": {"name": "jpeg", "parameters": {"scale": 4}}},
    "degradation": {"degradation": None},
    "scale 4 against 2": {"scale": 2},
    "protocol.border scale against 0": {"protocol": {"name": "y", "border": 0}},
    f"inputs {'c' * 16} against {'d' * 16}": {"lq_sha256": "d" * 64},
    "inputs": {"gt_sha256": "d" * 64},
    "metric.weights": {"metric_weights": {"psnr": "e"}},
}


@pytest.mark.parametrize(("told", "change"), OTHER.items(), ids=list(OTHER))
def test_it_refuses_and_says_why(told, change):
    one, other = bicubic(), bicubic(**change)
    assert obstacle(one, other, "psnr").startswith(told)
    with pytest.raises(NotComparableError, match=r"^not comparable: "):
        compare(rows_of([one])[0], rows_of([other])[0], "psnr")


def test_another_implementation_of_the_metric_is_refused():
    facts = FACTS | {"psnr": FACTS["psnr"] | {"digest": "f" * 12}}
    told = obstacle(bicubic(), bicubic(facts=facts), "psnr")
    assert told == f"metric.digest {'a' * 12} against {'f' * 12}"


def test_other_real_images_matter_to_metrics_of_sets_alone():
    one, other = bicubic(reals_sha256="1" * 64), bicubic(reals_sha256="2" * 64)
    assert obstacle(one, other, "psnr") == ""
    sets = [result("a", {"psnr": [1.0]}, reals_sha256=sha * 64) for sha in "12"]
    for one in sets:
        one.scores["fid"] = 3.0
    assert obstacle(*sets, "fid") == f"metric.reals {'1' * 16} against {'2' * 16}"


@pytest.mark.parametrize(
    "same", [{"code": "2"}, {"suite": {"name": "photos", "version": 1}}, {"budget": None}, {"restorer": "b"}], ids=str
)
def test_what_does_not_change_the_question_is_no_obstacle(same):
    assert obstacle(bicubic(), bicubic(**same), "psnr") == ""
    assert obstacle(bicubic(), method("b", 1.0, **same)[1], "psnr") == ""


def test_a_missing_number_is_refused():
    one = result("a", {"psnr": [1.0, float("inf")]})
    with pytest.raises(NotComparableError, match="a has no number of each image for psnr"):
        compare(rows_of([one])[0], rows_of([one])[0], "psnr")


def test_of_one_seed_each_it_is_the_paired_t_test():
    one, other = (rows_of(method(label, shift, seeds=1))[0] for label, shift in (("a", 0.2), ("b", 0.0)))
    found = compare(one, other, "psnr")
    expected = stats.ttest_rel(one.images("psnr")[0], other.images("psnr")[0])
    interval = expected.confidence_interval()
    assert (found.mean, found.p) == pytest.approx((np.mean(one.images("psnr") - other.images("psnr")), expected.pvalue))
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.claim == "weights"
