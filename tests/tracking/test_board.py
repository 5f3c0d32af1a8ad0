"""What a board says at W&B, read back from the files of an offline run: no number that the results do not have."""

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tests.benchmark.seeds import FACTS, bicubic, method, result
from tests.tracking.offline import BIN, call, read_back

from gan_bench.benchmark import answer, board, find
from gan_bench.benchmark.statistics import difference

HOSTILE = "=cmd|' /C'!A0\n<script>\x1b[31m"
FILES = ("leaderboard.html", "leaderboard.md", "leaderboard.csv", "leaderboard_images.csv")
FAST = {"parameters": 24000, "training_seconds": 8.5} | {
    "inference": {"flops_per_megapixel": 5_000_000_000, "ms_per_megapixel": 40.5, "machine": "a CPU · 2 threads",
                  "stack": "torch 2", "precision": "float32"}
}  # fmt: skip
JPEG = {"name": "jpeg", "parameters": {"quality": 40}}
BICUBIC = {"name": "bicubic", "parameters": {"scale": 4}}


def crossed():
    """Two trainings of one model, each judged under both degradations."""
    for home in (BICUBIC, JPEG):
        for here, digest in ((BICUBIC, "1"), (JPEG, "2")):
            gain = 25.25 + (home == BICUBIC) + 0.5 * (home == here)  # the first is best wherever it is judged
            yield result("msrresnet", {"psnr": [gain] * 7}, 0, set="cross", degradation=here, lq_sha256=digest * 64,
                         trained_on={"dataset": "cross", "degradation": home}, recipe=f"on {home['name']}",
                         checkpoint_sha256=home["name"])  # fmt: skip


def results():
    """Boards of all kinds, by the names of their sets."""
    yield from [bicubic(cost={"parameters": 0}), *method("srgan", 0.5, cost=FAST), *method("srcnn", 0.1, seeds=1)]
    yield from method(HOSTILE, -0.4, seeds=2)
    yield from method("other", 0.2, facts={**FACTS, "psnr": FACTS["psnr"] | {"digest": "f" * 12}})
    yield from method("lone", 0.0, seeds=1, set="lone", lq_sha256="3" * 64)
    yield from [*method("a", 0.9, set="free"), *method("b", 0.1, set="free"), *method("c", 0.1, set="free")]
    yield from [bicubic(5, set="few"), *method("a", 2.0, images=5, set="few")]
    yield from [bicubic(1, set="one"), *method("a", 2.0, images=1, set="one")]
    yield from [bicubic(set="..//"), result("a", {"psnr": np.linspace(20, 30, 20)}, set="..//")]
    yield from crossed()


@pytest.fixture(scope="module")
def sent(tmp_path_factory):
    """A folder's board, sent to an offline run by the command."""
    cwd = tmp_path_factory.mktemp("board")
    for one in results():
        one.write(cwd / "runs" / "results")
    done = call([BIN / "gan-bench", "leaderboard", "runs", "--wandb"], cwd)
    assert done.returncode == 0, done.stderr
    assert "Weights & Biases" not in done.stderr
    seen = read_back(cwd / "runs")
    keys = {name: row[name] for row in seen.history for name in row}
    return SimpleNamespace(
        **vars(seen), keys=keys, runs=cwd / "runs", board=board(find(cwd / "runs")[0]), told=done.stdout
    )


def lines(sent, key):
    """The lines of a table, each by its heads."""
    table = json.loads((sent.file.parent / "files" / sent.keys[f"{key}.path"]).read_text())
    return [dict(zip(table["columns"], line, strict=True)) for line in table["data"]]


def row(sent, name, label):
    (found,) = [line for line in lines(sent, f"leaderboard/{name}") if line["label"] == label]
    return found


def table_of(sent, name):
    (found,) = [table for table in sent.board.tables if table.rows[0].what["set"] == name]
    return found


def images(label, metric="psnr", name="photos"):
    """(seeds, images) as the results were made."""
    rows = [one for one in results() if (one.what["label"], one.what["set"]) == (label, name)]
    return np.array([[one.images[image][metric] for image in sorted(one.images)] for one in rows])


def chart(sent, key):
    """The kind, title and points of a chart."""
    facts = sent.config[f"_wandb.visualize.{key}"]["panel_config"]
    return facts["panelDefId"], facts["stringSettings"]["title"], facts["fieldSettings"], lines(sent, f"{key}_table")


def test_rows_stand_in_the_boards_order_with_what_they_claim(sent):
    shown = lines(sent, "leaderboard/photos")
    hostile = HOSTILE.replace("\n", " ").replace("\x1b", " ")
    assert [line["label"] for line in shown] == list(table_of(sent, "photos").labels)
    assert {line["label"]: (line["claim"], line["seeds"]) for line in shown} == {
        "srgan": ("method", "0, 1, 2"), "bicubic": ("fixed", None), "srcnn": ("these weights", "0"),
        hostile: ("these weights", "0, 1"), "other": ("method", "0, 1, 2")}  # fmt: skip


@pytest.mark.parametrize("metric", ["psnr", "lpips"])
def test_means_and_deviations_are_those_of_the_seeds(sent, metric):
    scores = images("srgan", metric).mean(axis=1)
    shown = row(sent, "photos", "srgan")
    assert shown[f"{metric} mean"] == pytest.approx(scores.mean(), abs=1e-12)
    assert shown[f"{metric} sd"] == pytest.approx(scores.std(ddof=1), abs=1e-12)
    assert row(sent, "photos", "srcnn")[f"{metric} sd"] is None


@pytest.mark.parametrize("metric", ["psnr", "lpips"])
@pytest.mark.parametrize("label", ["srgan", "srcnn"])
def test_intervals_are_those_of_the_difference(sent, label, metric):
    wanted = difference(images(label, metric), images("bicubic", metric), False, True)
    shown = row(sent, "photos", label)
    (line,) = [line for line in lines(sent, "differences/photos") if (line["label"], line["metric"]) == (label, metric)]
    for told in ([shown[f"{metric} {part}"] for part in ("difference", "low", "high")],
                 [line["difference"], line["low"], line["high"]]):  # fmt: skip
        assert told == pytest.approx([wanted.mean, wanted.low, wanted.high], abs=1e-9)
    assert line["claim"] == {"method": "method", "weights": "these weights"}[wanted.claim]
    assert (line["reference"], line["images"], line["unit"]) == ("bicubic", 20, "dB" if metric == "psnr" else None)


def test_verdicts_and_ranks_are_words_and_numbers(sent):
    first = row(sent, "photos", "srgan")
    assert (first["rank"], first["rank_low"], first["rank_high"], first["psnr verdict"]) == ("1", 1, 1, "better")
    reference = row(sent, "photos", "bicubic")
    assert (reference["psnr verdict"], reference["psnr difference"], reference["psnr low"]) == ("reference", None, None)
    standing = table_of(sent, "photos").standing("psnr")
    told = [(line["rank_low"], line["rank_high"]) for line in lines(sent, "leaderboard/photos") if line["rank"]]
    assert told == list(standing.ranks)


def test_costs_are_there_or_empty(sent):
    names = ("parameters", "flops_per_megapixel", "ms_per_megapixel", "training_seconds", "machine")
    assert [row(sent, "photos", "srgan")[name] for name in names] == [
        24000, 5_000_000_000, 40.5, 8.5, "a CPU · 2 threads · torch 2 · float32"]  # fmt: skip
    assert [row(sent, "photos", "bicubic")[name] for name in names] == [0, None, None, None, None]


def test_what_does_not_compare_has_a_number_and_no_verdict_and_no_bar(sent):
    other = row(sent, "photos", "other")
    assert other["psnr mean"] == pytest.approx(images("other").mean())
    assert [other[name] for name in ("rank", "rank_low", "psnr difference", "psnr low", "psnr verdict")] == [None] * 5
    assert "psnr: not comparable: metric.digest" in other["note"]
    assert other["lpips verdict"] in ("better", "worse", "unresolved")
    assert "other" not in [line["label"] for line in chart(sent, "leaderboard/photos/psnr")[3]]
    assert "other" in [line["label"] for line in chart(sent, "leaderboard/photos/lpips")[3]]


def test_a_bar_is_a_mean(sent):
    kind, title, fields, bars = chart(sent, "leaderboard/photos/psnr")
    assert (kind, title, fields) == ("wandb/bar/v0", "photos: psnr dB ↑", {"label": "label", "value": "psnr"})
    assert {line["label"]: line["psnr"] for line in bars}["srgan"] == pytest.approx(images("srgan").mean())


def test_perception_stands_against_distortion(sent):
    kind, title, fields, points = chart(sent, "perception/photos")
    assert (kind, title, fields) == (
        "wandb/scatter/v0", "photos: lpips ↓ against psnr dB ↑", {"x": "psnr", "y": "lpips"})  # fmt: skip
    shown = {line["label"]: (line["psnr"], line["lpips"]) for line in points}
    assert shown["srgan"] == pytest.approx((images("srgan").mean(), images("srgan", "lpips").mean()))
    assert len(shown) == 4
    assert not [key for key in sent.keys if key.startswith("perception/lone")]


def test_one_row_alone_is_a_score_and_nothing_more(sent):
    (line,) = lines(sent, "leaderboard/lone")
    assert line["psnr mean"] == pytest.approx(images("lone", name="lone").mean())
    empty = ("rank", "rank_low", "rank_high", "psnr sd", "psnr difference", "psnr low", "psnr high", "psnr verdict")
    assert [line[name] for name in empty] == [None] * len(empty)
    assert "differences/lone.path" not in sent.keys


def test_without_a_reference_there_are_ranks_and_no_differences(sent):
    first, *tied = lines(sent, "leaderboard/free")
    assert [(line["rank"], line["rank_low"], line["rank_high"]) for line in tied] == [("2–3", 2, 3)] * 2
    assert (first["label"], first["rank"]) == ("a", "1")
    assert first["psnr difference"] is first["psnr low"] is first["psnr verdict"] is None
    assert "differences/free.path" not in sent.keys


def test_few_images_give_an_interval_and_no_verdict(sent):
    shown = row(sent, "few", "a")
    wanted = difference(images("a", name="few"), images("bicubic", name="few"), False, True)
    told = [shown[f"psnr {part}"] for part in ("difference", "low", "high")]
    assert told == pytest.approx([wanted.mean, wanted.low, wanted.high], abs=1e-9)
    assert (shown["psnr verdict"], shown["rank"]) == ("no verdict", None)


def test_one_image_gives_a_difference_and_no_interval(sent):
    shown = row(sent, "one", "a")
    apart = images("a", name="one").mean() - images("bicubic", name="one").mean()
    assert shown["psnr difference"] == pytest.approx(apart)
    assert (shown["psnr low"], shown["psnr high"], shown["psnr verdict"]) == (None, None, "no verdict")
    (line,) = [line for line in lines(sent, "differences/one") if line["metric"] == "psnr"]
    assert (line["low"], line["high"]) == (None, None)


def test_a_name_that_is_no_name_is_harmless(sent):
    assert {line["label"] for line in lines(sent, "leaderboard/unnamed")} == {"bicubic", "a"}
    assert not [path for path in sent.runs.rglob("*") if path.is_file() and ".." in path.parts]


def test_a_matrix_is_what_each_training_scored_on_each_degradation(sent):
    (key,) = [name for name in sent.keys if name.startswith("matrix/") and name.endswith(".path")]
    shown = lines(sent, key.removesuffix(".path"))
    assert shown == [
        {"trained on": "bicubic", "bicubic": 26.75, "jpeg": 26.25, "own": "bicubic"},
        {"trained on": "jpeg", "bicubic": 25.25, "jpeg": 25.75, "own": "jpeg"},
    ]


def test_the_generated_sentences_are_told(sent):
    told = {line["title"]: (line["table"], line["answer"]) for line in lines(sent, "answers")}
    for table in sent.board.tables:
        name, sentence = told[table.title]
        assert sentence == answer(table) == sent.summary[f"answer/{name}"]
    assert len([name for name in sent.summary if name.startswith("answer/")]) == len(sent.board.tables)


def test_tables_of_one_set_have_names_of_their_own(sent):
    names = [name for name in sent.keys if name.startswith("leaderboard/cross") and name.endswith(".path")]
    tables = [name for name in names if name.count("/") == 1]
    assert len(tables) == 2
    assert {"bicubic", "jpeg"} == {word for name in tables for word in ("bicubic", "jpeg") if word in name}


def test_the_page_is_shown_as_it_is(sent):
    page = sent.file.parent / "files" / sent.keys["page.path"]
    assert page.read_bytes() == (sent.runs / "leaderboard.html").read_bytes()


def test_the_artifact_has_every_result_and_what_was_written(sent):
    (files,) = [artifact for artifact in sent.artifacts if artifact["type"] == "results"]
    kept = {entry["path"]: Path(entry["local_path"]) for entry in files["manifest"]["contents"]}
    assert set(kept) == {f"results/{path.name}" for path in (sent.runs / "results").iterdir()} | set(FILES)
    digests = {name: hashlib.sha256(path.read_bytes()).digest() for name, path in kept.items()}
    assert digests == {name: hashlib.sha256((sent.runs / name).read_bytes()).digest() for name in kept}


def test_what_the_next_board_writes_anew_is_kept_with_the_run(sent):
    (files,) = [artifact for artifact in sent.artifacts if artifact["type"] == "results"]
    kept = {entry["path"]: Path(entry["local_path"]).resolve() for entry in files["manifest"]["contents"]}
    assert all(kept[name].is_relative_to((sent.runs / "wandb").resolve()) for name in FILES)
    assert kept["leaderboard.md"].stat().st_ino != (sent.runs / "leaderboard.md").stat().st_ino
