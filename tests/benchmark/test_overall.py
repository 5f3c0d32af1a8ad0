"""Over the sets of a suite: each counts alike, intervals are SciPy's where it has them, what is missing is no mean."""

import io

import numpy as np
import pytest
from rich.console import Console
from scipy import stats
from seeds import QUICK, bicubic, method, result

from gan_bench.benchmark import answer, board, render_markdown, render_rich
from gan_bench.benchmark.document import document
from gan_bench.benchmark.page import render
from gan_bench.benchmark.statistics import pairs

SUITE = {"name": "sr_x4", "version": 1, "sha256": "0", "role": "rank"}
SETS = {"bsd100": 20, "urban100": 8, "manga109": 11}


def over(*sets, suite=SUITE):
    """Three methods of three seeds and bicubic on each set."""
    found = []
    for name in sets:
        more = {"set": name, "suite": suite, "lq_sha256": name}
        found += [
            one
            for label, shift in (("far", 2.0), ("a", 1.0), ("b", 1.01))
            for one in method(label, shift, SETS[name], **more)
        ]
        found.append(bicubic(SETS[name], **more))
    return found


def cells(table, head):
    column = next(column for column in table.columns if column.head == head)
    return dict(zip(table.labels, (cell.text for cell in column.cells), strict=True))


def test_each_set_counts_alike_however_many_images_it_has():
    results = over(*SETS)
    [table] = board(results).overall
    for row in table.rows:
        of_sets = [
            [
                one.scores["psnr"]
                for one in results
                if one.what["set"] == name and one.what["label"] == row.what["label"]
            ]
            for name in SETS
        ]
        assert row.score("psnr") == pytest.approx(np.mean([np.mean(scores) for scores in of_sets]))
    shared = "suite sr_x4, version 1 · bicubic ×4 · protocol y · budget quick (400 steps)"
    assert table.title == f"{shared} · mean of bsd100, manga109, urban100 · 39 images · psnr dB ↑"
    assert cells(table, "rank") == {"far": "1", "a": "2–3", "b": "2–3", "bicubic": "4"}
    assert answer(table).startswith("On 39 images of 3 sets, each counting alike, by PSNR far is best: ")


def test_two_sets_of_fixed_weights_are_welchs_test():
    rng = np.random.default_rng(0)
    one, other = rng.normal(30, 1, (2, 1, 17))
    found = pairs([one, other], [True, True], [12, 5])
    apart = (one - other)[0]
    expected = stats.ttest_ind(apart[:12], -apart[12:], equal_var=False)
    assert (found.p[0, 1], found.df[0, 1]) == pytest.approx((expected.pvalue, expected.df), rel=1e-9)
    ends = expected.confidence_interval(0.95)
    assert found.mean[0, 1] == pytest.approx((ends.low + ends.high) / 4)
    assert found.half[0, 1] == pytest.approx((ends.high - ends.low) / 4)


@pytest.mark.parametrize("sets", [(9,), (5, 4), (2, 3, 4)])
def test_sets_whose_images_do_not_matter_are_welchs_test_of_the_seeds(sets):
    rng = np.random.default_rng(1)
    rows = [np.repeat(rng.normal(30, 1, (k, len(sets))), sets, axis=1) for k in (3, 5)]
    means = [
        np.stack([part.mean(axis=1) for part in np.split(row, np.cumsum(sets)[:-1], axis=1)]).mean(axis=0)
        for row in rows
    ]
    found, expected = pairs(rows, [False, False], sets), stats.ttest_ind(*means, equal_var=False)
    assert (found.p[0, 1], found.df[0, 1]) == pytest.approx((expected.pvalue, expected.df), rel=1e-9)
    assert set(found.claim.ravel()) == {"method"}


@pytest.mark.full
@pytest.mark.parametrize("seeds", [(3, 3), (5, 5), (3, 5)])
@pytest.mark.parametrize("sets", [(14, 100), (30, 8, 8)])
def test_the_interval_over_sets_covers_what_it_promises(seeds, sets):
    """Means that differ from set to set, methods that suit a set better than another, and seeds that do on each."""
    rng, covered, rounds = np.random.default_rng(2), 0, 2000
    of_set = rng.normal(0, 2, (2, len(sets)))
    truth = float(of_set[0].mean() - of_set[1].mean())
    for _ in range(rounds):
        images = rng.normal(0, 1, sum(sets))
        rows = []
        for k, means in zip(seeds, of_set, strict=True):
            seed = rng.normal(0, 0.3, (k, 1)) + np.repeat(rng.normal(0, 0.2, (k, len(sets))), sets, axis=1)
            rows.append(images + np.repeat(means, sets) + seed + rng.normal(0, 0.5, (k, sum(sets))))
        found = pairs(rows, [False, False], sets)
        covered += abs(found.mean[0, 1] - truth) <= found.half[0, 1]
    assert 0.93 <= covered / rounds <= 0.975


def test_a_method_that_lacks_a_set_is_named_and_stands_in_no_mean():
    results = [one for one in over(*SETS) if (one.what["label"], one.what["set"]) != ("a", "manga109")]
    [table] = board(results).overall
    assert sorted(table.labels) == ["b", "bicubic", "far"]
    assert table.notes == ("no ranked number on manga109: a",)
    assert cells(table, "mean")["b"] == cells(board(over(*SETS)).overall[0], "mean")["b"]


def test_a_set_that_hardly_anybody_was_judged_on_is_left_out_by_name():
    more = {"set": "manga109", "suite": SUITE, "lq_sha256": "manga109"}
    results = [*over("bsd100", "urban100"), *method("new", 1.0, 11, **more), bicubic(11, **more)]
    [table] = board(results).overall
    assert sorted(table.labels) == ["a", "b", "bicubic", "far"]
    assert table.notes == ("left out: manga109, on which fewer than two of these were judged",)
    assert cells(table, "mean") == cells(board(over("bsd100", "urban100")).overall[0], "mean")


def ready(label, checkpoint, score=30.0, **more):
    """Results of weights that were trained elsewhere, or of a folder of images, and bicubic's, on two sets."""
    found = []
    for name in ("bsd100", "urban100"):
        given = {"set": name, "suite": SUITE, "lq_sha256": name, **more}
        images = {"psnr": np.full(SETS[name], score)}
        found.append(result(label, images, None, checkpoint_sha256=checkpoint.format(name), **given))
        found.append(bicubic(SETS[name], set=name, suite=SUITE, lq_sha256=name))
    return found


def test_weights_with_two_results_on_a_set_stand_in_no_mean():
    cost = {"parameters": 5}
    results = ready("rrdb", "other", cost=cost)
    for score, code in ((31.0, "0.1.0"), (20.0, "0.2.0")):
        results += ready("swinir", "released", score, code=code, cost=cost)
    [table] = board(results).overall
    assert sorted(table.labels) == ["bicubic", "rrdb"]
    assert table.notes == ("several results of the same weights on bsd100, urban100: swinir",)


def test_folders_of_restored_images_are_one_method_by_their_label():
    [table] = board(ready("theirs", "images of {}", 35.0)).overall
    assert (table.labels, table.notes) == (("theirs", "bicubic"), ())
    assert cells(table, "mean")["theirs"] == "35.00"


def test_of_two_versions_of_a_suite_the_newer_names_the_table():
    suites = [{**SUITE, "version": version} for version in (9, 10, 2)]
    [table] = board([one for suite in suites for one in over("bsd100", "urban100", suite=suite)]).overall
    assert table.title.startswith("suite sr_x4, version 10 · ")


def test_a_suite_that_tells_neither_version_nor_digest_has_its_table_too():
    [table] = board(over("bsd100", "urban100", suite={"name": "mine", "role": "rank"})).overall
    assert table.title.startswith("suite mine, version None · ")


def test_more_methods_than_are_compared_have_their_means(monkeypatch):
    monkeypatch.setattr("gan_bench.benchmark.standing.MOST", 2)
    [table] = board(over("bsd100", "urban100")).overall
    assert (len(table.rows), table.notes) == (4, ())


def test_seeds_of_which_not_all_sets_were_judged_are_left_out():
    results = [
        one
        for one in over("bsd100", "urban100")
        if (one.what["label"], one.what["set"], one.what["seed"]) != ("a", "bsd100", 2)
    ]
    [table] = board(results).overall
    [row] = [row for row in table.rows if row.what["label"] == "a"]
    assert (row.seeds, row.claim, row.images("psnr").shape) == ((0, 1), "weights", (2, 28))
    assert cells(table, "seed") == {"far": "0, 1, 2", "a": "0, 1", "b": "0, 1, 2", "bicubic": "–"}


def test_weights_of_another_training_are_no_part_of_the_same_method():
    results = [one for one in over("bsd100", "urban100") if one.what["label"] != "a"]
    for name in ("bsd100", "urban100"):
        more = {"set": name, "suite": SUITE, "lq_sha256": name, "checkpoint_sha256": f"weights for {name}"}
        results.append(result("a", {"psnr": np.full(SETS[name], 30.0)}, **more))
    [table] = board(results).overall
    assert table.notes == ("judged with other weights on each set: a",)


@pytest.mark.parametrize("suite", [None, {**SUITE, "role": "smoke"}, {**SUITE, "role": None}])
def test_only_sets_on_which_a_suite_ranks_are_taken_together(suite):
    assert board(over("bsd100", "urban100", suite=suite)).overall == ()
    assert board(over("bsd100")).overall == ()


def test_a_set_with_inputs_of_two_kinds_is_averaged_with_nothing():
    more = {"set": "urban100", "suite": SUITE, "lq_sha256": "other"}
    assert board([*over("bsd100", "urban100"), *method("far", 2.0, 8, **more), bicubic(8, **more)]).overall == ()


def test_degradations_and_budgets_stay_apart():
    noisy = {"name": "noise", "parameters": {"scale": 4, "sigma": 15}}
    strong = {"name": "noise", "parameters": {"scale": 4, "sigma": 50}}
    results = []
    for level in (noisy, strong):
        for name in ("bsd100", "urban100"):
            more = {"set": name, "suite": SUITE, "lq_sha256": f"{name}{level}", "degradation": level}
            results += [
                *method("a", 1.0, SETS[name], **more),
                *method("a", 1.5, SETS[name], budget=QUICK | {"steps": 9}, **more),
            ]
            results.append(bicubic(SETS[name], **more))
    found = board(results).overall
    assert len(found) == 4
    assert len({table.title for table in found}) == 4
    assert {tuple(table.labels) for table in found} == {("a", "bicubic")}


def test_it_is_shown_in_the_terminal_in_markdown_and_on_the_page(tmp_path):
    made = board(over(*SETS))
    console = Console(file=io.StringIO(), width=120)
    console.print(*render_rich(made))
    for text in (console.file.getvalue(), render_markdown(made), render(document(made, tmp_path))):
        assert "suite sr_x4, version 1" in text
        assert "of 3 sets, each counting alike" in " ".join(text.split())
