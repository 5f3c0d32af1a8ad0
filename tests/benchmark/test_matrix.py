"""Trained on i, judged on j: a hand-made set of results, and what may never be mixed, averaged or guessed."""

import io
from itertools import product

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

from gan_bench.benchmark import Result, board, render_markdown, render_rich

FACTS = {
    "psnr": {"higher_is_better": True, "unit": "dB", "digits": 2},
    "lpips": {"higher_is_better": False, "unit": "", "digits": 3},
    "fid": {"higher_is_better": False, "unit": "", "digits": 2, "ranked_from": 1000},
}
QUICK = {"name": "quick", "steps": 400, "batch": 4, "patch": 64}


def degradation(name, **parameters):
    return {"name": name, "parameters": {"scale": 1, **parameters}}


JPEG, NOISE, BLUR = degradation("jpeg", quality=20), degradation("noise", sigma=25), degradation("blur", sigma=2)


def made(score, judged, trained=None, provenance=None, metric="psnr", limit=None, **what):
    """A result of `net`, trained under a degradation; of `bicubic` where that is None."""
    label = "net" if trained else "bicubic"
    trained_on = {"dataset": "photos", "degradation": trained} | ({"limit": limit} if limit else {})
    return Result(
        what={
            "label": label,
            "restorer": f"net_{trained['name']}_s0" if trained else "bicubic",
            "model": label,
            "set": "photos",
            "degradation": judged,
            "scale": 1,
            "protocol": {"name": "y"},
            "metrics": [metric],
            "budget": QUICK if trained else None,
            "seed": 0 if trained else None,
            "selection": "last" if trained else None,
            "checkpoint_sha256": f"{trained}{limit}{what.get('seed')}{what.get('budget')}" if trained else None,
            "lq_sha256": f"{judged}",
            "code": "0.1.0",
            "trained_on": trained_on if trained else None,
        }
        | what,
        scores={metric: score},
        images={"a": {metric: score}},
        facts=FACTS,
        provenance=provenance or {},
    )


def crossed(**more):
    """Three trainings under three conditions; noise was not judged on blur, bicubic on noise and jpeg only."""
    scores = {("noise", "noise"): 30.0, ("noise", "jpeg"): 27.5, ("jpeg", "noise"): 22.25, ("jpeg", "jpeg"): 29.0,
              ("jpeg", "blur"): 24.0, ("blur", "noise"): 20.5, ("blur", "jpeg"): 21, ("blur", "blur"): 28}  # fmt: skip
    known = {one["name"]: one for one in (JPEG, NOISE, BLUR)}
    rows = [made(score, known[judged], known[trained], **more) for (trained, judged), score in scores.items()]
    return [*rows, made(22.25, NOISE), made(30.5, JPEG)]


def shown(matrix):
    """(row, column) -> (text, best, own)"""
    return {
        (label, column.head): (*tuple(cell)[:2], cell.own)
        for column in matrix.columns
        for label, cell in zip(matrix.labels, column.cells, strict=True)
    }


def test_the_matrix_of_a_hand_made_set():
    [matrix] = board(crossed()).matrices
    assert matrix.labels == ("blur", "jpeg", "noise", "(bicubic)")
    assert [column.head for column in matrix.columns] == ["blur", "jpeg", "noise"]
    assert shown(matrix) == {
        ("blur", "blur"): ("28.00", True, True),
        ("blur", "jpeg"): ("21.00", False, False),
        ("blur", "noise"): ("20.50", False, False),
        ("jpeg", "blur"): ("24.00", False, False),
        ("jpeg", "jpeg"): ("29.00", False, True),
        ("jpeg", "noise"): ("22.25", False, False),
        ("noise", "blur"): ("–", False, False),
        ("noise", "jpeg"): ("27.50", False, False),
        ("noise", "noise"): ("30.00", True, True),
        ("(bicubic)", "blur"): ("–", False, False),
        ("(bicubic)", "jpeg"): ("30.50", True, False),
        ("(bicubic)", "noise"): ("22.25", False, False),
    }
    assert matrix.title == (
        "photos · net ×1, trained on (rows) and judged on (columns) · protocol y · budget quick (400 steps) · seed 0 · "
        "psnr dB ↑"
    )


def test_the_order_of_results_does_not_matter():
    rows = crossed()
    mixed = [rows[i] for i in np.random.default_rng(3).permutation(len(rows))]
    assert board(rows).matrices == board(mixed).matrices


@pytest.mark.parametrize(
    "rows",
    [
        [made(1.0, JPEG, JPEG), made(1.0, NOISE, JPEG)],
        [made(1.0, JPEG, JPEG), made(1.0, JPEG, NOISE)],
        [made(1.0, JPEG), made(1.0, NOISE), made(1.0, BLUR)],
        [made(1.0, judged, trained, trained_on=None)
         for judged, trained in product((JPEG, NOISE), repeat=2)],
    ],
    ids=["one training", "one condition", "nothing trained", "old files"],
)  # fmt: skip
def test_without_two_trainings_and_two_conditions_there_is_none(rows):
    assert board(rows).matrices == ()


OTHER = {
    "scale": 2,
    "protocol": {"name": "rgb"},
    "budget": QUICK | {"steps": 800},
    "seed": 1,
    "label": "other",
    "selection": "best",
}


@pytest.mark.parametrize("name", OTHER)
def test_a_matrix_mixes_nothing(name):
    matrices = board([*crossed(), *crossed(**{name: OTHER[name]})[:-2]]).matrices
    assert len(matrices) == 2
    assert len({matrix.title for matrix in matrices}) == 2
    for matrix in matrices:
        trained = [result for result in matrix.results if result.what["budget"]]
        assert len({str(result.what[name]) for result in trained}) == 1
        references = [label for label in matrix.labels if label == "(bicubic)"]
        assert len(references) == (name not in ("scale", "protocol") or trained[0].what[name] != OTHER[name])


def test_other_inputs_of_the_same_name_are_another_column():
    here = [made(30.0, JPEG, JPEG), made(20.0, JPEG, NOISE)]
    elsewhere = [made(31.0, JPEG, BLUR, lq_sha256="e" * 64), made(29.0, JPEG, JPEG, lq_sha256="e" * 64)]
    [matrix] = board([*here, *elsewhere]).matrices
    heads = [column.head for column in matrix.columns]
    assert sorted(heads) == ["jpeg, inputs eeeeeeee", f"jpeg, inputs {str(JPEG)[:8]}"]
    assert shown(matrix)["blur", "jpeg, inputs eeeeeeee"] == ("31.00", True, False)
    assert shown(matrix)["blur", f"jpeg, inputs {str(JPEG)[:8]}"][0] == "–"


def test_values_stand_in_their_own_order_and_are_named_alone():
    sigmas = [degradation("noise", sigma=sigma) for sigma in (50, 5, 15)]
    [matrix] = board([made(1.0, judged, trained) for judged, trained in product(sigmas, sigmas)]).matrices
    assert matrix.labels == ("sigma 5", "sigma 15", "sigma 50") == tuple(column.head for column in matrix.columns)
    assert matrix.title.startswith("photos · noise · net")


def test_what_was_left_out_in_training_stands_under_the_full_degradation():
    full, *cut = (degradation("chain", without=word) for word in (None, "blur1", ["noise1", "noise2"]))
    trained = [full, *cut]
    rows = [made(9.0 - place, judged, one) for judged in (full, cut[0]) for place, one in enumerate(trained)]
    [matrix] = board([*rows, made(6.0, cut[1], cut[1])]).matrices
    assert matrix.labels == ("chain", "without blur1", "without noise1+noise2")
    assert [column.head for column in matrix.columns] == ["chain", "without blur1"]  # one number compares with nothing
    cells = shown(matrix)
    assert cells["without blur1", "chain"] == ("8.00", False, False)
    assert cells["without blur1", "without blur1"] == ("8.00", False, True)


def test_trainings_with_one_condition_in_common_are_a_table_not_a_matrix():
    full, cut = (degradation("chain", without=word) for word in (None, "blur1"))
    shown = board([made(9.0, full, full), made(5.0, full, cut), made(6.0, cut, cut)])
    assert shown.matrices == ()
    assert {label for table in shown.tables for label in table.labels} >= {"net [without blur1]"}


def test_two_trainings_alike_are_two_rows():
    rows = [made(1.0, judged, trained) for judged, trained in product((JPEG, NOISE), repeat=2)]
    again = [
        made(2.0, judged, JPEG, checkpoint_sha256="f" * 64, restorer="net_jpeg_s0_1a2b3c4d") for judged in (JPEG, NOISE)
    ]
    [matrix] = board([*rows, *again]).matrices
    assert sorted(matrix.labels) == ["jpeg", "jpeg [1a2b3c4d]", "noise"]
    assert shown(matrix)["jpeg [1a2b3c4d]", "jpeg"] == ("2.00", True, True)


def test_a_training_on_fewer_images_says_so():
    rows = [made(1.0, judged, JPEG, limit=limit) for judged in (JPEG, NOISE) for limit in (None, 5)]
    [matrix] = board(rows).matrices
    assert sorted(matrix.labels) == ["jpeg", "jpeg, limit 5"]


def test_the_last_of_several_evaluations_is_shown_and_versions_are_noted():
    rows = [made(1.0, judged, trained) for judged, trained in product((JPEG, NOISE), repeat=2)]
    dates = [("2026-01-02", 7.0, "new"), ("2026-01-01", 6.0, "old")]
    again = [made(score, JPEG, JPEG, {"date": date}, code=code) for date, score, code in dates]
    [matrix] = board([*rows, *again]).matrices
    assert shown(matrix)["jpeg", "jpeg"][0] == "7.00"
    assert matrix.notes == ("numbers of 2 versions of gan-bench: 0.1.0, new",)


def test_a_cell_without_a_number_is_noted_and_never_best():
    rows = [made(1.0, judged, trained) for judged, trained in product((JPEG, NOISE), (NOISE, BLUR))]
    [matrix] = board([*rows, made(None, JPEG, JPEG)]).matrices
    assert shown(matrix)["jpeg", "jpeg"] == ("n/a", False, False)
    assert matrix.notes == ("psnr: no mean, undefined on 1 of 1 image",)


def test_a_metric_that_falls_marks_its_smallest():
    rows = [made(score, judged, trained, metric="lpips") for score, (judged, trained) in
            zip((0.1, 0.2, 0.4, 0.3), product((JPEG, NOISE), repeat=2), strict=True)]  # fmt: skip
    [matrix] = board(rows).matrices
    assert {place for place, (_, best, _) in shown(matrix).items() if best} == {("jpeg", "jpeg"), ("noise", "noise")}
    assert matrix.title.endswith("lpips ↓")


def test_a_metric_of_too_few_images_marks_nothing_and_is_noted_once():
    rows = [made(score, judged, trained, metric="fid") for score, (judged, trained) in
            zip((10.0, 20.0, 40.0, 30.0), product((JPEG, NOISE), repeat=2), strict=True)]  # fmt: skip
    [matrix] = board(rows).matrices
    assert not any(best for _, best, _ in shown(matrix).values())
    assert matrix.notes == (
        "fid: 1 image; not ranked under 1,000: at small numbers its error is larger than most differences",
    )


@pytest.mark.parametrize("width", [30, 60, 120])
def test_the_terminal_shows_every_cell_at_any_width(width):
    console = Console(width=width, record=True, file=io.StringIO())
    for part in render_rich(board(crossed())):
        console.print(part)
    text = console.export_text()
    assert max(map(cell_len, text.splitlines())) <= width
    for number in ("[28.00]*", "[29.00]", "[30.00]*", "30.50*", "27.50", "24.00"):
        assert number in text
    assert "judged on what it was trained on" in " ".join(text.split())


def test_markdown_shows_the_matrix_after_the_tables():
    text = render_markdown(board(crossed()))
    assert text.index("| restorer |") < text.index("| trained on | blur | jpeg | noise |")
    assert r"| jpeg | 24.00 | \[29.00\] | 22.25 |" in text
    assert r"| noise | – | 27.50 | **\[30.00\]** |" in text
    assert "| (bicubic) | – | **30.50** | 22.25 |" in text
    assert "judged on what it was trained on" not in render_markdown(board([made(1.0, JPEG, JPEG)]))
