"""The document of a page holds what the board holds, computed elsewhere, and no more than fits."""

import json
from dataclasses import replace

import numpy as np
import pytest
from seeds import bicubic, method, result

from gan_bench.benchmark import allotment as fits
from gan_bench.benchmark import board, find, rows_of
from gan_bench.benchmark.document import document
from gan_bench.benchmark.result import inputs
from gan_bench.benchmark.statistics import difference, interval

HOSTILE = "<script>alert('1')</script>\n=cmd, \"x\" ](javascript:"


def of(*results, folder=None):
    flat = [one for group in results for one in (group if isinstance(group, list) else [group])]
    return document(board(flat), folder)


@pytest.fixture
def plain(tmp_path):
    return of(method("a", 1.0), method("b", 0.5), bicubic(), folder=tmp_path)


def test_it_is_plain_json_with_every_number_of_the_results(plain):
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    [table] = plain["tables"]
    rows = {row.what["label"]: row for row in rows_of([*method("a", 1.0), *method("b", 0.5), bicubic()])}
    assert [row["label"] for row in table["rows"]] == ["a", "b", "bicubic"]
    for row in table["rows"]:
        own = rows[row["label"]]
        for metric in ("psnr", "lpips"):
            assert row["scores"][metric]["mean"] == own.score(metric)
            assert row["scores"][metric]["seeds"] == [one.scores[metric] for one in own.results]
            np.testing.assert_allclose(table["per_image"][metric][row["id"]], own.images(metric).mean(0), atol=0.006)
    assert table["reference"] == table["rows"][2]["id"]
    assert plain["counts"] == {"results": 7, "tables": 1}


def test_intervals_are_those_of_the_statistics(plain):
    [table] = plain["tables"]
    one, other = (rows_of(method(label, shift))[0].images("psnr") for label, shift in (("a", 1.0), ("b", 0.5)))
    found = difference(one, other)
    pairs = table["pairs"]["psnr"]
    i, j = (pairs["rows"].index(table["rows"][place]["id"]) for place in (0, 1))
    assert pairs["difference"][i][j] == pytest.approx(found.mean, abs=1e-4)
    assert pairs["half"][i][j] == pytest.approx((found.high - found.low) / 2, abs=1e-4)
    assert pairs["verdict"][i][j] == "b"
    assert pairs["verdict"][j][i] == "w"
    score = table["rows"][0]["scores"]["psnr"]
    assert (score["low"], score["high"]) == interval(one)


def test_what_is_not_ranked_says_why(tmp_path):
    bad = result("bad", {"psnr": [float("inf")] * 20, "lpips": [0.1] * 20})
    [table] = of(method("a", 1.0), bicubic(), bad, folder=tmp_path)["tables"]
    [below] = table["below"]
    assert below["label"] == "bad"
    assert "no finite mean" in below["why"]
    last = table["rows"][-1]
    assert (last["label"], last["rank"], last["scores"]["psnr"]["mean"]) == ("bad", None, None)


def test_names_are_told_on_one_line_and_escaped_by_nobody_here(tmp_path):
    [table] = of(method(HOSTILE, 1.0), bicubic(), folder=tmp_path)["tables"]
    assert table["rows"][0]["label"] == HOSTILE.replace("\n", " ")


def test_an_empty_board_is_a_document(tmp_path):
    assert of(folder=tmp_path)["tables"] == []


def test_the_order_of_results_changes_nothing(tmp_path):
    results = [*method("a", 1.0), *method("b", 0.5), bicubic()]
    mixed = [results[i] for i in np.random.default_rng(0).permutation(len(results))]
    assert of(results, folder=tmp_path) == of(mixed, folder=tmp_path)


def test_values_beyond_the_room_are_left_to_the_csv_and_that_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(fits, "VALUES", 90)  # two rows of 20 images and two metrics
    made = of(method("a", 1.0), method("b", 0.5), bicubic(), folder=tmp_path)
    [table] = made["tables"]
    assert [row["images_shown"] for row in table["rows"]] == [True, True, False]
    assert made["fits"].startswith("The scores of each image of 2 of 3 rows, the leading ones, are on this page")


def crops(folder, results):
    place = folder / "panels" / "crops"
    place.mkdir(parents=True, exist_ok=True)
    for one in results:
        digest = inputs(one.what)[:16]
        for name in ("image000", "image001"):
            (place / f"{one.key}_{name}.webp").write_bytes(one.key.encode())
            (place / f"{digest}_{name}_lq.webp").write_bytes(b"lq")
            (place / f"{digest}_{name}_gt.webp").write_bytes(b"gt")


def test_crops_beside_the_results_are_taken_in(tmp_path, monkeypatch):
    results = [*method("a", 1.0), *method("b", 0.5), bicubic()]
    for one in results:
        one.write(tmp_path / "results")
    crops(tmp_path, [results[0], results[3]])
    made = document(board(find(tmp_path)[0]), tmp_path)
    [table] = made["tables"]
    assert [entry["image"] for entry in table["crops"]] == ["image000", "image001"]
    assert set(table["crops"][0]["restored"]) == {row["id"] for row in table["rows"][:2]}
    assert table["crops"][0]["lq"] == "data:image/webp;base64,bHE="
    assert made["fits"].endswith("Crops are shown of all rows that have some.")
    monkeypatch.setattr(fits, "CROPS", 250)
    made = document(board(find(tmp_path)[0]), tmp_path)
    assert made["fits"].endswith("Crops are shown of 1 of the 2 rows that have some.")


def test_without_crops_there_is_no_slider(plain):
    assert plain["tables"][0]["crops"] == []
    assert plain["fits"].endswith("No crops lie beside these results: there is no slider.")


def test_methods_by_degradations(tmp_path):
    noise = {"degradation": {"name": "noise", "parameters": {}}, "lq_sha256": "d" * 64}
    made = of(method("a", 1.0), bicubic(), method("a", 0.2, **noise), method("b", 0.0, **noise), folder=tmp_path)
    [heat] = made["heat"]
    assert [column["name"] for column in heat["columns"]] == ["bicubic ×4", "noise ×4"]
    assert {column["table"] for column in heat["columns"]} == {table["id"] for table in made["tables"]}
    values = {row["label"]: [cell["value"] is not None for cell in row["cells"]] for row in heat["rows"]}
    assert values == {"a": [True, True], "bicubic": [True, False], "b": [False, True]}


def test_published_numbers_are_quoted_and_not_ranked(tmp_path):
    [table] = of(bicubic(set="set5"), method("a", 1.0, set="set5"), folder=tmp_path)["tables"]
    quoted = {one["label"]: one["scores"]["psnr"] for one in table["quoted"]}
    assert quoted["SRGAN"] == 29.40
    assert not set(quoted) & {row["label"] for row in table["rows"]} - {"bicubic"}
    [table] = of(bicubic(set="mine"), folder=tmp_path)["tables"]
    assert table["quoted"] == []


def test_each_row_tells_where_it_comes_from(tmp_path):
    provenance = {"command": "python train.py model=a", "commit": "0123", "config": {"secret": 1}}
    results = method("a", 1.0, provenance=provenance)
    for one in results:
        one.write(tmp_path / "results")
    made = document(board(find(tmp_path)[0]), tmp_path)
    row = made["tables"][0]["rows"][0]
    assert row["make"] == "python train.py model=a"
    assert row["verify"].startswith("gan-bench verify results/photos_")
    assert row["file"].startswith("results/photos_")
    groups = {group: dict(facts) for group, facts in row["provenance"]}
    assert list(groups) == ["what", "scores", "cost", "provenance"]
    assert groups["what"]["seed"] == "0, 1, 2"
    assert groups["what"]["checkpoint sha256"] == ", ".join(one.what["checkpoint_sha256"][:16] for one in results)
    numbers = ", ".join(f"{one.scores['psnr']:.2f} dB" for one in results)
    assert groups["scores"]["psnr"].startswith(f"{numbers}, higher is better")
    assert groups["provenance"] == {"commit": "0123", "config": "in the file"}


def test_what_has_no_number_says_why_once_and_long_values_are_cut(tmp_path):
    infinite = {"psnr": [float("inf")] * 20, "lpips": [0.1] * 20}
    bad = result("bad", infinite, provenance={"note": "x" * 500, "command": "once"})
    bad = replace(bad, unavailable={"niqe": "needs images\nof 96 pixels"})
    [table] = of(bad, bicubic(), folder=tmp_path)["tables"]
    [row] = [row for row in table["rows"] if row["label"] == "bad"]
    groups = {group: dict(facts) for group, facts in row["provenance"]}
    assert groups["scores"]["psnr"].startswith("no finite mean, infinite on 20 of 20 images")
    assert groups["scores"]["niqe"] == "n/a: needs images of 96 pixels"
    assert groups["provenance"]["note"] == "x" * 400 + " ..."
    assert (row["make"], "command" in groups["provenance"]) == ("once", False)


def test_a_page_has_the_leading_rows_and_the_reference_and_says_how_many_more(tmp_path, monkeypatch):
    monkeypatch.setattr(fits, "ROWS", 3)
    rows = [method(f"m{n}", 1.0 + n, seeds=1) for n in range(5)]
    [table] = of(*rows, bicubic(), folder=tmp_path)["tables"]
    assert [row["label"] for row in table["rows"]] == ["m4", "m3", "m2", "bicubic"]
    assert table["notes"] == ["2 more rows: see leaderboard.csv"]
    assert table["rows"][0]["rank"] == [1, 1]
