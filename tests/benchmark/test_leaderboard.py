"""A leaderboard is a pure function of results: it mixes nothing, hides nothing and ranks no missing number."""

import csv
import io
import math
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from gan_bench.benchmark import Result, board, render_csv, render_markdown, render_rich, write_board
from gan_bench.benchmark.words import count, duration
from gan_bench.errors import WorkError

FACTS = {
    "psnr": {"higher_is_better": True, "unit": "dB", "digits": 2},
    "ssim": {"higher_is_better": True, "unit": "", "digits": 4},
    **{name: {"higher_is_better": False, "unit": "", "digits": 4} for name in ("lpips", "niqe", "niqe_photos")},
    "fid": {"higher_is_better": False, "unit": "", "digits": 2, "ranked_from": 1000},
    **{f"m{n}": {"higher_is_better": True, "unit": "", "digits": 4} for n in range(12)},
}
QUICK = {"name": "quick", "steps": 400, "batch": 4, "patch": 64}


def made(label, scores, budget=QUICK, unavailable=None, images=3, cost=None, path=None, n_inf=None, **what):
    """A result of one row; what was trained has weights of its own."""
    trained = budget is not None
    return Result(
        what={
            "label": label,
            "restorer": f"{label}_photos_s{what.get('seed', 0)}" if trained else label,
            "model": label if trained else None,
            "set": "photos",
            "degradation": {"name": "bicubic"},
            "scale": 4,
            "protocol": {"name": "y"},
            "metrics": [*scores, *(unavailable or {})],
            "budget": budget,
            "seed": 0 if trained else None,
            "selection": "last" if trained else None,
            "checkpoint_sha256": f"{label}{what.get('seed')}{budget}" if trained else None,
            "lq_sha256": "a" * 64,
            "code": "0.1.0",
        }
        | what,
        scores=scores,
        images={f"image{n}": scores for n in range(images)},
        unavailable=unavailable or {},
        facts=FACTS,
        n_inf=n_inf or {},
        cost=cost or {},
        path=path,
    )


def bicubic(psnr=25.0, **more):
    return made("bicubic", {"psnr": psnr}, budget=None, **more)


def texts(table, head):
    """Label -> text of one column."""
    column = next(column for column in table.columns if column.head.startswith(head))
    return dict(zip(table.labels, (cell.text for cell in column.cells), strict=True))


def marked(table, head):
    column = next(column for column in table.columns if column.head.startswith(head))
    return [label for label, cell in zip(table.labels, column.cells, strict=True) if cell.best]


def terminal(shown, width=80):
    console = Console(width=width, record=True, file=io.StringIO())
    for part in render_rich(shown):
        console.print(part)
    return console.export_text()


OTHER = {
    "set": "set5",
    "lq_sha256": "b" * 64,
    "degradation": {"name": "bicubic", "antialias": False},
    "scale": 2,
    "protocol": {"name": "rgb"},
    "budget": QUICK | {"steps": 800},
}


@pytest.mark.parametrize("name", OTHER)
def test_leaderboard_refuses_mixed_settings(name):
    tables = board([made("a", {"psnr": 1.0}), made("b", {"psnr": 2.0}, **{name: OTHER[name]})]).tables
    assert sorted(table.labels for table in tables) == [("a",), ("b",)]
    assert tables[0].title != tables[1].title


def test_a_budget_may_give_each_model_its_own_batch_and_patch():
    [table] = board(
        [made("a", {"psnr": 1.0}), made("b", {"psnr": 2.0}, budget=QUICK | {"batch": 1, "patch": 32})]
    ).tables
    assert table.labels == ("b", "a")


def test_equal_minutes_are_one_budget_whatever_the_steps():
    def timed(label, steps, minutes=10.0, **more):
        budget = QUICK | {"steps": steps, "max_time": minutes}
        return made(label, {"psnr": 1.0 * steps}, budget=budget, recipe=label, **more)

    seeds = [timed("a", steps, seed=seed) for seed, steps in enumerate((7, 9))]
    others = [timed("b", 400), made("by steps", {"psnr": 3.0}), timed("b", 401, minutes=0.5), bicubic()]
    tables = board(seeds + others).tables
    found = {re.search(r"budget quick \((.*?)\)", table.title)[1]: table for table in tables}
    assert {words: table.labels for words, table in found.items()} == {
        "10 min each": ("b", "bicubic", "a"),
        "0.5 min each": ("b", "bicubic"),
        "400 steps": ("bicubic", "by steps"),
    }
    assert texts(found["10 min each"], "psnr")["a"] == "8.00"  # its two seeds, of 7 steps and of 9, are one row


def test_minutes_of_two_machines_are_two_budgets():
    budgets = [QUICK | {"max_time": 10.0, **more} for more in ({"machine": "a laptop"}, {"machine": "a cluster"}, {})]
    tables = board([made("a", {"psnr": 1.0}, budget=budget) for budget in budgets]).tables
    words = {re.search(r"budget quick \((.*?)\)", table.title)[1] for table in tables}
    assert words == {"10 min each on a laptop", "10 min each on a cluster", "10 min each"}
    steps = [made(label, {"psnr": 1.0}, budget=QUICK | {"machine": label}) for label in "ab"]
    assert len(board(steps).tables) == 1


def test_untrained_rows_stand_in_every_budget_table():
    standard = {"name": "standard", "steps": 200_000}
    tables = board([bicubic(), made("a", {"psnr": 26.0}), made("b", {"psnr": 24.0}, budget=standard)]).tables
    assert [table.labels for table in tables] == [("a", "bicubic"), ("bicubic", "b")]


def test_untrained_rows_alone_have_a_table():
    [table] = board([bicubic()]).tables
    assert table.labels == ("bicubic",)
    assert "no budget" in table.title


def test_untrained_rows_of_another_setting_stay_out():
    tables = board([bicubic(scale=2), made("a", {"psnr": 26.0})]).tables
    assert sorted(table.labels for table in tables) == [("a",), ("bicubic",)]


def test_the_title_says_what_the_table_is():
    [table] = board([made("a", {"psnr": 26.0})]).tables
    assert table.title == "photos · bicubic ×4 · protocol y · budget quick (400 steps) · 3 images"
    [table] = board([made("a", {"psnr": 26.0}, degradation=None, scale=1, images=1)]).tables
    assert table.title == "photos · given inputs ×1 · protocol y · budget quick (400 steps) · 1 image"


def test_titles_name_the_parameters_that_differ():
    noises = [{"name": "noise", "sigma": sigma, "gray": False} for sigma in (25, 50)]
    tables = board([made("a", {"psnr": 1.0}, degradation=noise, lq_sha256=str(noise)) for noise in noises]).tables
    assert [table.title.split(" · ")[1] for table in tables] == ["noise ×4, sigma 25", "noise ×4, sigma 50"]


def test_titles_name_inputs_where_nothing_else_differs():
    tables = board([made("a", {"psnr": 1.0}, lq_sha256=x * 64) for x in "ab"]).tables
    assert [table.title.split(" · ")[-1] for table in tables] == ["inputs aaaaaaaa", "inputs bbbbbbbb"]


def test_best_first_by_psnr_wherever_it_stands():
    [table] = board([made("a", {"ssim": 0.9, "psnr": 1.0}), made("b", {"ssim": 0.1, "psnr": 2.0})]).tables
    assert table.labels == ("b", "a")


def test_without_psnr_the_first_metric_ranks_in_its_own_direction():
    [table] = board([made("a", {"lpips": 0.2}), made("b", {"lpips": 0.1})]).tables
    assert table.labels == ("b", "a")
    assert marked(table, "lpips ↓") == ["b"]


def test_ties_stand_alphabetically_and_are_all_marked():
    [table] = board([made(label, {"psnr": 26.0}) for label in "cab"] + [made("d", {"psnr": 25.0})]).tables
    assert table.labels == ("a", "b", "c", "d")
    assert marked(table, "psnr") == ["a", "b", "c"]


def test_what_looks_equal_is_marked_equal():
    [table] = board([made("a", {"psnr": 26.001}), made("b", {"psnr": 26.002}), made("c", {"psnr": 25.0})]).tables
    assert table.labels == ("b", "a", "c")
    assert marked(table, "psnr") == ["b", "a"]


def test_null_mean_is_never_first():
    perfect = made("perfect", {"psnr": math.inf, "ssim": 1.0})
    [table] = board([perfect, made("a", {"psnr": -3.0, "ssim": 0.2})]).tables
    assert table.labels == ("a", "perfect")
    assert texts(table, "psnr")["perfect"] == "n/a"
    assert marked(table, "psnr") == []
    assert marked(table, "ssim") == ["perfect"]
    assert table.notes == ("psnr: no finite mean, infinite on 3 of 3 images (equal to the ground truth)",)


def test_nan_mean_is_last_with_its_reason():
    [table] = board([made("broken", {"psnr": math.nan}), made("a", {"psnr": 1.0})]).tables
    assert table.labels == ("a", "broken")
    assert table.notes == ("psnr: no mean, undefined on 3 of 3 images",)


def test_unavailable_is_noted_once_and_unasked_is_a_dash():
    missing = {"lpips": "no weights"}
    rows = [made(label, {"psnr": 1.0}, unavailable=missing) for label in "ab"]
    [table] = board([*rows, made("c", {"psnr": 1.0}), made("d", {"psnr": 1.0, "lpips": 0.5})]).tables
    assert texts(table, "lpips ↓") == {"a": "n/a", "b": "n/a", "c": "–", "d": "0.5000"}
    assert table.notes == ("lpips: no weights",)


def test_a_metric_nobody_could_compute_still_stands():
    [table] = board([Result(**{**vars(made("a", {}, unavailable={"fid": "no network"})), "facts": {}})]).tables
    assert texts(table, "fid") == {"a": "n/a"}


def test_seeds_are_told_apart_by_a_column():
    rows = [made("a", {"psnr": 1.0 + seed}, seed=seed) for seed in (0, 1)]
    [table] = board([*rows, bicubic()]).tables
    assert table.labels == ("bicubic", "a", "a")
    assert table.columns[0].head == "seed"
    assert [cell.text for cell in table.columns[0].cells] == ["–", "1", "0"]


def test_equal_labels_get_the_end_of_the_runs_name():
    runs = ["a_photos_s0", "a_photos_s0_1a2b3c4d", "a_photos_s0_ffff0000"]
    rows = [made("a", {"psnr": 9.0 - n}, restorer=run, checkpoint_sha256=run) for n, run in enumerate(runs)]
    assert board(rows).tables[0].labels == ("a", "a [1a2b3c4d]", "a [ffff0000]")


def test_labels_are_unique_even_for_contradicting_results():
    rows = [made("a", {"psnr": psnr}) for psnr in (1.0, 2.0, 3.0)]
    [table] = board(rows).tables
    assert table.labels == ("a [1]", "a [2]", "a [3]")
    assert table.notes == (f"a: 3 results of one key, {rows[0].key}, differ: not reproducible; see gan-bench verify",)


def test_a_copy_counts_once_and_is_reported():
    shown = board([made("a", {"psnr": 1.0}, path=Path(name)) for name in ("x.json", "y.json")])
    assert shown.tables[0].labels == ("a",)
    assert shown.left_out == (("is a copy of a result that is shown", (Path("y.json"),)),)


def test_cost_and_mixed_selection_are_columns():
    cost = {"parameters": 1_517_571, "training_seconds": 112.4}
    rows = [made("a", {"psnr": 2.0}, cost=cost), made("b", {"psnr": 1.0}, selection="best"), bicubic(0.0)]
    [table] = board(rows).tables
    assert [column.head for column in table.columns] == ["psnr dB ↑", "params", "training", "selection"]
    assert texts(table, "params") == {"a": "1.52 M", "b": "–", "bicubic": "–"}
    assert texts(table, "training")["a"] == "1m 52s"
    assert texts(table, "selection") == {"a": "last", "b": "best", "bicubic": "–"}


@pytest.mark.parametrize(
    ("number", "text"),
    [
        *[(0, "0"), (734, "734"), (999.6, "1.00 k"), (9_996, "10.0 k"), (734_211, "734 k"), (999_900, "1.00 M")],
        *[(1_517_571, "1.52 M"), (16.7e6, "16.7 M"), (2.5e9, "2.50 G")],
        *[(None, "–"), ("x", "–"), (True, "–"), (10**400, "–")],
    ],
)
def test_counts_have_three_digits(number, text):
    assert count(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0s"), (59.6, "1m 00s"), (112, "1m 52s"), (3599.7, "1h 00m"), (7530, "2h 06m"), (None, "–"), (-1, "–")],
)
def test_durations_never_show_sixty(seconds, text):
    assert duration(seconds) == text


_some = st.builds(
    made,
    st.sampled_from(["a", "b", "c"]),
    st.dictionaries(st.sampled_from(["psnr", "ssim", "lpips"]), st.none() | st.floats(0, 50), max_size=3),
    budget=st.sampled_from([None, QUICK, QUICK | {"steps": 800}]),
    scale=st.sampled_from([1, 4]),
    seed=st.sampled_from([0, 1]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_some, max_size=7).flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(rows))))
def test_the_order_of_results_does_not_matter(pair):
    first, second = map(board, pair)
    assert first == second
    assert render_markdown(first) == render_markdown(second)
    assert render_csv(first) == render_csv(second)


@settings(max_examples=60, deadline=None)
@given(st.lists(_some, max_size=7))
def test_every_result_is_shown_and_tables_hold_one_setting(rows):
    shown = board(rows)
    standing = [id(result) for table in shown.tables for result in table.results]
    assert {id(result) for result in shown.results} == set(standing)
    for table in shown.tables:
        assert len({result.what["scale"] for result in table.results}) == 1
        assert len({result.what["budget"]["steps"] for result in table.results if result.what["budget"]}) <= 1
    assert len({table.title for table in shown.tables}) == len(shown.tables)


def test_adding_a_result_changes_no_other_row():
    rows = [made("a", {"psnr": 3.0}), made("b", {"psnr": 2.0}), bicubic(1.0), made("n", {"psnr": None})]
    [before] = board(rows).tables
    for new in (
        made("z", {"psnr": 9.0}),
        made("z", {"psnr": 2.5}),
        made("z", {"psnr": None}),
        made("lanczos", {"psnr": 7.0}, budget=None),
    ):
        [after] = board([*rows, new]).tables
        assert [label for label in after.labels if label in before.labels] == list(before.labels)
        assert texts(before, "psnr").items() <= texts(after, "psnr").items()
        assert after.title == before.title


HOSTILE = "[red]x[/red] | <script>\x1b[2J\n*bold* _u_ `c` [a](b) =1+1"


def test_names_from_files_cannot_break_the_terminal():
    shown = terminal(board([made(HOSTILE, {"psnr": 1.0}, set=HOSTILE)], [(Path("[b]x\x1b.json"), "[i]bad")]), width=200)
    assert "[red]x[/red] | <script>" in shown
    assert "\x1b" not in shown
    assert "[b]x .json: [i]bad" in shown


def test_names_from_files_cannot_break_markdown():
    text = render_markdown(board([made(HOSTILE, {"psnr": 1.0, "ssim": 0.5}, set=HOSTILE)], [(Path("a|b"), "<b>")]))
    [row] = [line for line in text.splitlines() if line.startswith("| \\[red")]
    assert len(re.findall(r"(?<!\\)\|", row)) == 4
    assert "<" not in text
    assert r"\*bold\* \_u\_ \`c\` \[a\](b)" in row
    assert "a_b" in render_markdown(board([made("a_b", {"psnr": 1.0})]))


@pytest.mark.parametrize(
    "label", ["=cmd()", "+a", "-a", "@a", "\t=x", "\nx", "a,b", 'a"b', "a\nb", "a\rb", "plain", "\x1b[2J"]
)
def test_csv_cells_are_quoted_and_never_formulas(label):
    text = render_csv(board([made(label, {"psnr": -1.5}, code="-1.5")]))
    [row] = csv.DictReader(io.StringIO(text, newline=""))
    plain = "".join(letter if letter.isprintable() else " " for letter in label)
    assert row["label"] == (f"'{plain}" if plain.strip()[0] in "=+-@" else plain)
    assert (row["psnr"], row["code"]) == ("-1.5", "-1.5")


def test_csv_has_one_line_per_result_and_no_invented_numbers():
    rows = [bicubic(25.123456789), made("a", {"psnr": math.inf}, unavailable={"lpips": "no weights"})]
    rows.append(made("a", {"psnr": 24.0}, budget=QUICK | {"steps": 800}))
    lines = list(csv.DictReader(io.StringIO(render_csv(board(rows)), newline="")))
    assert [(line["label"], line["steps"], line["psnr"], line["lpips"]) for line in lines] == [
        ("bicubic", "", "25.123456789", ""),
        ("a", "400", "", ""),
        ("a", "800", "24.0", ""),
    ]
    assert "lpips: no weights" in lines[1]["missing"]
    assert lines[0]["degradation"] == "bicubic"


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_wide_board_fits_the_terminal_and_loses_no_number(width):
    values = {"psnr": 26.12} | {f"m{n}": n + 0.1234 for n in range(12)}
    long = "a_run_with_many_overrides_" * 3
    shown = terminal(board([made("a", values), made(long, {**values, "psnr": 25.0}), bicubic()]), width)
    assert max(map(cell_len, shown.splitlines())) <= width
    assert "…" not in shown
    for n in range(12):
        assert f"{n + 0.1234:.4f}*" in shown


def test_what_was_left_out_is_said_once_per_reason():
    left_out = [(Path("b.json"), "is old"), (Path("a.json"), "is old"), (Path("c.json"), "is half-written")]
    for text in (terminal(board([], left_out)), render_markdown(board([], left_out))):
        assert "3 files left out:" in text
        assert "- a.json and 1 more file: is old" in text
        assert "- c.json: is half-written" in text
        assert "No results yet" in text


def test_the_board_is_written_with_equal_bytes(tmp_path):
    rows = [made("a", {"psnr": 1.0}), bicubic()]
    first = {path.name: path.read_bytes() for path in write_board(tmp_path / "x", board(rows))}
    second = {path.name: path.read_bytes() for path in write_board(tmp_path / "y", board(rows[::-1]))}
    assert first == second
    assert list(first) == ["leaderboard.html", "leaderboard.md", "leaderboard.csv", "leaderboard_images.csv"]
    assert len(list((tmp_path / "x").iterdir())) == 4


def test_a_board_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkError, match="cannot be written"):
        write_board(tmp_path / "file", board([]))


def part(scores, unavailable=None, **what):
    """A result of one restorer, as far as the weights were there."""
    return made("net", scores, unavailable=unavailable, **what)


def test_of_two_results_the_one_with_more_of_the_same_metrics_is_shown():
    lacking = part({"psnr": 1.0}, {"lpips": "needs weights"}, path=Path("old.json"))
    full = part({"psnr": 1.0, "lpips": 0.2}, metric_weights={"lpips": "a"})
    shown = board([lacking, full])
    assert shown.results == (full,)
    assert shown.left_out == (("lacks metrics that a result of the same, which is shown, has", (Path("old.json"),)),)
    assert board([full, lacking]).results == (full,)


def test_a_stand_in_gives_way_to_what_it_stood_in_for():
    names = {"metrics": ["psnr", "niqe_photos"]}
    lacking = part({"psnr": 1.0, "niqe_photos": 6.0}, {"niqe": "needs weights"}, **names)
    full = part({"psnr": 1.0, "niqe": 4.0}, metric_weights={"niqe": "a"})
    assert board([lacking, full]).results == (full,)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (part({"psnr": 1.0}), part({"psnr": 1.0, "lpips": 0.2})),
        (part({"psnr": 1.0}, {"lpips": "needs weights"}), part({"lpips": 0.2})),
        (part({"psnr": 1.0}, {"lpips": "needs weights"}), made("other", {"psnr": 1.0, "lpips": 0.2})),
    ],
    ids=["asked for less", "asked for something else", "another restorer"],
)
def test_what_was_asked_otherwise_stays(one, other):
    assert len(board([one, other]).results) == 2


def test_rows_of_different_weights_are_noted():
    rows = [made(label, {"lpips": 0.2}, metric_weights={"lpips": sha}) for label, sha in (("a", "1"), ("b", "2"))]
    assert board(rows).tables[0].notes == (
        "lpips: not comparable: metric.weights 1 against 2",
        "lpips: not comparable: metric.weights 2 against 1",
    )
    assert board(rows[:1]).tables[0].notes == ()


def test_an_undefined_score_of_one_image_is_noted():
    scores = {"psnr": None, "ssim": 1.0}
    result = made("a", scores)
    result.images["image0"]["psnr"], result.images["image1"]["psnr"] = 3.0, 4.0
    assert board([result]).tables[0].notes == ("psnr: no mean, undefined on 1 of 3 images",)


def trained_on(name, dataset="photos", limit=None, **parameters):
    training = {"dataset": dataset, "degradation": {"name": name, "parameters": parameters}}
    return training if limit is None else training | {"limit": limit}


def of_trainings(*trainings):
    """Rows alike but for their trainings, best first."""
    return [
        made("net", {"psnr": 30.0 - n}, trained_on=training, checkpoint_sha256=str(n), restorer=f"net_{n}")
        for n, training in enumerate(trainings)
    ]


@pytest.mark.parametrize(
    ("trainings", "expected"),
    [
        ([trained_on("jpeg"), trained_on("noise", sigma=25)], ["net [trained on jpeg]", "net [trained on noise]"]),
        ([trained_on("noise", sigma=5), trained_on("noise", sigma=50)], ["net [sigma 5]", "net [sigma 50]"]),
        ([trained_on("chain", without="blur1"), trained_on("chain", without=None)], ["net [without blur1]", "net"]),
        ([trained_on("jpeg"), trained_on("jpeg", "faces")],
         ["net [trained on photos, jpeg]", "net [trained on faces, jpeg]"]),
        ([trained_on("jpeg", limit=5), trained_on("jpeg")], ["net [limit 5]", "net"]),
        ([trained_on("jpeg"), trained_on("noise"), trained_on("noise")],
         ["net [trained on jpeg]", "net [trained on noise, 1]", "net [trained on noise, 2]"]),
        ([trained_on("jpeg"), trained_on("jpeg")], ["net [0]", "net [1]"]),
        ([None, None], ["net [0]", "net [1]"]),
    ],
)  # fmt: skip
def test_rows_alike_are_told_apart_by_their_trainings_first(trainings, expected):
    [table] = board(of_trainings(*trainings)).tables
    assert list(table.labels) == expected


def test_equal_names_with_other_inputs_say_so_in_both_tables():
    tables = board([made("a", {"psnr": 1.0}, lq_sha256=x * 64) for x in "ab"]).tables
    for table, (own, other) in zip(tables, (("a" * 8, "b" * 8), ("b" * 8, "a" * 8)), strict=True):
        assert table.notes == (
            f"inputs {own} are not {other} of the same name (another machine, version, seed, or other images): "
            "their rows do not compare",
        )


@pytest.mark.parametrize("other", [{"set": "set5"}, {"degradation": {"name": "jpeg"}}, {"scale": 2}, {"images": 2}])
def test_inputs_of_another_name_need_no_note(other):
    rows = [made("a", {"psnr": 1.0}), made("a", {"psnr": 1.0}, lq_sha256="b" * 64, **other)]
    assert [table.notes for table in board(rows).tables] == [(), ()]


TOO_FEW = "fid: 3 images; not ranked under 1,000: at small numbers its error is larger than most differences"


def of_set(label, scores, images=3, **more):
    """A result whose images have no fid of their own."""
    result = made(label, scores, images=images, **more)
    for row in result.images.values():
        row.pop("fid", None)
    return result


def test_a_number_of_too_few_images_is_shown_and_never_best():
    [table] = board([of_set("a", {"psnr": 1.0, "fid": 90.0}), of_set("b", {"psnr": 2.0, "fid": 123.456})]).tables
    assert texts(table, "fid ↓") == {"b": "123.46", "a": "90.00"}
    assert marked(table, "fid") == []
    assert marked(table, "psnr") == ["b"]
    assert table.notes == (TOO_FEW,)
    assert {cell.note for column in table.columns if column.metric == "fid" for cell in column.cells} == {1}


def test_rows_with_nothing_else_stand_by_label():
    [table] = board([of_set(label, {"fid": value}) for label, value in zip("cab", (1.0, 3.0, 2.0), strict=True)]).tables
    assert table.labels == ("a", "b", "c")
    assert marked(table, "fid") == []


def test_any_metric_that_ranks_goes_before_one_that_does_not():
    rows = [of_set("a", {"fid": 1.0, "lpips": 0.2}), of_set("b", {"fid": 2.0, "lpips": 0.1})]
    [table] = board(rows).tables
    assert table.labels == ("b", "a")


def test_a_thousand_images_rank():
    [table] = board([of_set("a", {"fid": 2.0}, images=1000), of_set("b", {"fid": 1.0}, images=1000)]).tables
    assert table.labels == ("b", "a")
    assert marked(table, "fid") == ["b"]
    assert table.notes == ()


def test_the_rendered_number_carries_the_note_and_no_star():
    shown = board([of_set("a", {"psnr": 1.0, "fid": 90.0}), of_set("b", {"psnr": 2.0, "fid": 91.5})])
    assert re.search(r"\b91\.50¹", terminal(shown)) and "90.00*" not in terminal(shown)
    assert TOO_FEW in " ".join(terminal(shown).split())
    assert "| b | **2.00** | 91.50¹ |" in render_markdown(shown)
    rows = list(csv.DictReader(io.StringIO(render_csv(shown), newline="")))
    assert [(row["fid"], row["missing"]) for row in rows] == [("90.0", ""), ("91.5", "")]


def test_a_set_whose_number_is_not_finite_says_so():
    [table] = board([of_set("a", {"psnr": 1.0, "fid": math.nan})]).tables
    assert table.notes == ("fid: not a finite number",)


def test_metrics_of_other_real_images_are_noted():
    rows = [of_set(x, {"psnr": 1.0, "fid": 2.0}, images=1000, reals_sha256=x * 64) for x in "ab"]
    [table] = board([*rows, of_set("c", {"psnr": 1.0}, images=1000)]).tables
    assert table.notes == tuple(
        f"fid: not comparable: metric.reals {one * 16} against {other * 16}" for one, other in ("ab", "ba")
    )


def test_metrics_of_other_real_images_rank_nobody():
    scores = {"b": 1.0, "a": 2.0}
    rows = [of_set(x, {"fid": value}, images=1000, reals_sha256=x * 64) for x, value in scores.items()]
    [table] = board(rows).tables
    assert table.labels == ("a", "b")
    assert marked(table, "fid") == []


def test_results_beside_other_real_images_do_not_give_way_to_each_other():
    lacking = part({"fid": 2.0}, {"niqe": "needs weights"}, reals_sha256="a" * 64)
    full = part({"fid": 1.0, "niqe": 3.0}, reals_sha256="b" * 64)
    assert len(board([lacking, full]).results) == 2


def test_another_gt_is_another_table():
    rows = [part({"psnr": value}, degradation=None, gt_sha256=gt * 64) for gt, value in (("a", 1.0), ("b", 2.0))]
    tables = board(rows).tables
    assert len(tables) == 2 and len({table.title for table in tables}) == 2


def test_a_result_without_the_networks_weights_gives_way_to_one_with_them():
    lacking = part({"psnr": 1.0}, {"fid": "needs weights"})
    full = part({"psnr": 1.0, "fid": 2.0}, metric_weights={"fid": "a"}, reals_sha256="b" * 64)
    assert board([lacking, full]).results == (full,)
