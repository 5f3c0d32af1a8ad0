"""Who is better than whom: ranks are intervals, ties are shown, and what cannot be told is not told."""

import re

import pytest
from seeds import FACTS, bicubic, method

from gan_bench.benchmark import answer, board
from gan_bench.benchmark.statistics import difference


def table_of(*results):
    [table] = board([one for group in results for one in (group if isinstance(group, list) else [group])]).tables
    return table


def cells(table, head):
    column = next(column for column in table.columns if column.head.startswith(head))
    return dict(zip(table.labels, (cell.text for cell in column.cells), strict=True))


def three(images=20, **more):
    return [method(label, shift, images, **more) for label, shift in (("far", 2.0), ("a", 1.0), ("b", 1.0))]


def test_what_is_surely_apart_has_ranks_of_its_own_and_ties_share_theirs():
    table = table_of(*three(), bicubic())
    assert cells(table, "rank") == {"far": "1", "a": "2–3", "b": "2–3", "bicubic": "4"}
    assert table.standing("psnr").bands == (0, 1, 1, 2)


def test_differences_to_the_reference_are_the_combined_interval():
    table = table_of(*three(), bicubic())
    far, reference = (next(row for row in table.rows if row.what["label"] == x) for x in ("far", "bicubic"))
    found = difference(far.images("psnr"), reference.images("psnr"), b_fixed=True)
    half = (found.high - found.low) / 2
    assert cells(table, "against bicubic")["far"] == f"▲ +{found.mean:.2f} ±{half:.2f}"
    assert cells(table, "against bicubic")["bicubic"] == "–"


def test_adding_a_method_changes_no_other_rows_numbers():
    before, after = table_of(*three(), bicubic()), table_of(*three(), method("new", 0.5), bicubic())
    numbers = cells(before, "against bicubic")
    assert numbers == {label: text for label, text in cells(after, "against bicubic").items() if label != "new"}
    assert {row.id for row in before.rows} < {row.id for row in after.rows}


@pytest.mark.parametrize("images", [1, 2, 5])
def test_under_six_images_there_is_no_verdict(images):
    table = table_of(*three(images), bicubic(images))
    assert [column.head for column in table.columns if column.head.startswith(("rank", "against"))] == []
    stands = table.standing("psnr")
    assert set(stands.verdicts.ravel()) == {"-", "="}
    assert "too few for a verdict: 6 are needed" in answer(table)


def test_a_smoke_set_is_never_ranked():
    suite = {"name": "sr_x4", "version": 1, "sha256": "0", "role": "smoke"}
    table = table_of(*three(14, suite=suite), bicubic(14, suite=suite))
    assert table.standing("psnr").ranks == ()
    assert "A smoke set is shown and never ranked." in answer(table)


def test_a_row_of_another_implementation_is_shown_and_not_ranked():
    facts = FACTS | {"psnr": FACTS["psnr"] | {"digest": "0" * 12}}
    table = table_of(*three(), method("old", 5.0, facts=facts), bicubic())
    assert table.labels[-1] == "old"
    assert cells(table, "rank")["old"] == "–"
    assert f"psnr: not comparable: metric.digest {'0' * 12} against {'a' * 12}" in table.notes
    column = next(column for column in table.columns if column.metric == "psnr")
    assert [label for label, cell in zip(table.labels, column.cells, strict=True) if cell.best] == ["far"]


def test_within_the_margin_rows_are_equivalent():
    table = table_of(method("a", 1.0, noise=0.001, spread=0.001), method("b", 1.0, noise=0.001, spread=0.001))
    assert set(table.standing("psnr").verdicts.ravel()) == {"e", "="}


def test_the_answer_names_the_leader_its_lead_and_whose_weights_speak():
    table = table_of(*three(), method("one", 1.5, seeds=1), bicubic())
    text = answer(table)
    assert text.startswith("On 20 images, by PSNR far is best: ")
    assert "against bicubic" in text
    assert text.endswith("Rows of fewer than three seeds speak of these weights, not of the method.")
    assert "fewer than three" not in answer(table_of(*three(), bicubic()))


def test_the_answer_admits_what_is_not_resolved():
    text = answer(table_of(method("a", 1.0), method("b", 1.0), bicubic()))
    assert " leads (26.52 dB), and is not surely better than " in text
    assert " is best" not in text


def test_what_is_equivalent_is_told_to_be_so():
    text = answer(table_of(method("a", 1.0, noise=0.001, spread=0.001), method("b", 1.0, noise=0.001, spread=0.001)))
    assert " are equivalent within 0.05 dB (" in text


def test_the_answer_says_what_size_of_difference_is_found():
    steady = answer(table_of(*three(seeds=1)))
    assert re.search(r"Differences of \d\.\d\d dB or more are found here in 4 of 5 cases\.", steady), steady
    mixed = answer(table_of(*three(), method("shaky", 0.5, spread=2.0), bicubic()))
    assert re.search(r"at least \d\.\d\d dB between the steadiest two rows, \d+\.\d\d dB between the least", mixed), (
        mixed
    )


def test_a_single_row_has_nothing_to_compare_with():
    assert answer(table_of(bicubic())).startswith("Nothing to compare")
