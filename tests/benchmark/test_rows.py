"""The seeds of one method are one row, and nothing else is."""

import itertools

import numpy as np
import pytest
from scipy import stats
from seeds import bicubic, method, result

from gan_bench.benchmark import rows_of
from gan_bench.benchmark.rows import latest


def test_seeds_of_one_recipe_are_one_row_by_seed():
    [row] = rows_of(reversed(method("a", 0.0)))
    assert row.seeds == (0, 1, 2)
    assert row.claim == "method"


@pytest.mark.parametrize(("seeds", "claim"), [(1, "weights"), (2, "weights"), (3, "method"), (4, "method")])
def test_fewer_than_three_seeds_speak_of_weights(seeds, claim):
    [row] = rows_of(method("a", 0.0, seeds=seeds))
    assert row.claim == claim
    assert (row.half("psnr") is None) == (claim == "weights")


def test_what_has_no_weights_is_fixed():
    [row] = rows_of([bicubic()])
    assert (row.claim, row.fixed, row.seeds) == ("fixed", True, ())


def test_weights_from_elsewhere_are_weights_and_not_fixed():
    [row] = rows_of([result("theirs", {"psnr": [1.0]}, seed=None, checkpoint_sha256="e" * 64)])
    assert (row.claim, row.fixed) == ("weights", False)


@pytest.mark.parametrize("more", [{"label": "b"}, {"recipe": "other"}, {"selection": "best"}, {"recipe": None}])
def test_another_method_is_another_row(more):
    results = [*method("a", 0.0, seeds=2), result(**{"label": "a", "images": {"psnr": [1.0] * 20}, "seed": 2} | more)]
    assert sorted(len(row.results) for row in rows_of(results)) == [1, 2]


def test_of_a_seed_that_is_there_twice_the_later_stands_and_the_other_is_told():
    old = method("a", 0.0, seeds=3, provenance={"date": "2026-01-01"})
    again = result("a", {"psnr": [3.0] * 20}, seed=1, code="0.2", provenance={"date": "2026-02-01"})
    [row] = rows_of([*old, again])
    assert (row.seeds, row.claim) == ((0, 1, 2), "method")
    assert row.results[1] is again
    [(other, why)] = latest([again, *old])[1]
    assert other is old[1]
    assert why == "is of a method and seed of which a result that was computed later is shown"


def test_another_result_of_one_key_is_told_to_be_not_reproducible():
    twice = [*method("a", 0.0, seeds=2), result("a", {"psnr": [3.0] * 20, "lpips": [0.1] * 20}, seed=1)]
    [(_, why)] = latest(twice)[1]
    assert why == "has the key of a result that is shown, and other scores: not reproducible"


def test_the_score_is_the_mean_over_seeds_and_missing_where_one_is():
    seeds = method("a", 0.0)
    [row] = rows_of(seeds)
    assert row.score("psnr") == pytest.approx(np.mean([one.scores["psnr"] for one in seeds]), abs=1e-12)
    expected = stats.ttest_1samp([one.scores["psnr"] for one in seeds], 0).confidence_interval()
    assert 2 * row.half("psnr") == pytest.approx(expected.high - expected.low)
    lacking = result("a", {"psnr": [float("inf")] * 20}, seed=3)
    [row] = rows_of([*seeds, lacking])
    assert row.score("psnr") is None
    assert row.half("psnr") is None
    assert row.images("psnr") is None
    assert row.score("nothing") is None


def test_images_are_by_seed_and_name():
    seeds = method("a", 0.0, images=5)
    [row] = rows_of(seeds)
    array = row.images("psnr")
    assert array.shape == (3, 5)
    for s, n in itertools.product(range(3), range(5)):
        assert array[s, n] == seeds[s].images[f"image{n:03}"]["psnr"]


def test_costs_are_medians_and_speeds_know_their_machine():
    def measured(ms, machine="cpu"):
        place = {"machine": machine, "stack": "torch", "precision": "float32"}
        return {"training_seconds": ms, "inference": {"ms_per_megapixel": ms, **place}}

    seeds = [result("a", {"psnr": [1.0]}, seed, cost=measured(ms)) for seed, ms in enumerate((1.0, 5.0, 2.0))]
    [row] = rows_of(seeds)
    assert row.cost("training_seconds") == row.cost("inference.ms_per_megapixel") == 2.0
    assert row.machine == "cpu · torch · float32"
    [row] = rows_of([*seeds, result("a", {"psnr": [1.0]}, 3, cost=measured(1.0, "gpu"))])
    assert row.machine == ""
    [row] = rows_of(method("a", 0.0))
    assert row.cost("training_seconds") is None
    assert row.machine == ""


def test_a_rows_id_is_its_own():
    rows = rows_of([*method("a", 0.0), *method("b", 0.0), bicubic()])
    assert len({row.id for row in rows}) == 3
    assert {row.id for row in rows_of(method("a", 0.0))} <= {row.id for row in rows}
