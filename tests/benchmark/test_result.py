"""One evaluation, one file: what is written is read back, never half, never twice, never guessed."""

import json
import math
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_bench.benchmark import Result, find, key, read, record
from gan_bench.errors import UsageError, WorkError

WHAT = {
    "label": "esrgan",
    "restorer": "esrgan_photos_bicubic_x4_quick_s0",
    "model": "esrgan",
    "set": "photos",
    "degradation": {"name": "bicubic", "antialias": True},
    "scale": 4,
    "protocol": {"name": "y", "border": 4},
    "metrics": ["psnr", "ssim", "lpips"],
    "budget": {"name": "quick", "steps": 400, "batch": 4, "patch": 64},
    "seed": 0,
    "selection": "last",
    "checkpoint_sha256": "c" * 64,
    "lq_sha256": "a" * 64,
    "code": "0.1.0",
}
FACTS = {
    "psnr": {"higher_is_better": True, "unit": "dB", "digits": 2},
    "ssim": {"higher_is_better": True, "unit": "", "digits": 4},
}


def made(what=None, **groups):
    """A valid result with some fields of `what` and some groups replaced."""
    given_groups = {
        "scores": {"psnr": 26.5, "ssim": 0.75},
        "images": {"coffee": {"psnr": 26.0, "ssim": 0.7}, "rocket": {"psnr": 27.0, "ssim": 0.8}},
        "unavailable": {"lpips": "no weights"},
        "facts": FACTS,
        "cost": {"seconds": 2.5, "parameters": 1000},
        "provenance": {"command": "gan-bench benchmark"},
    }
    return Result(what=WHAT | (what or {}), **(given_groups | groups))


def altered(path, change):
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    return path


def test_what_is_written_is_read_back(tmp_path):
    path = made().write(tmp_path / "new" / "results")
    assert path.name == f"photos_{key(WHAT)}.json"
    assert read(path) == made()
    assert read(path).path == path


_text = st.text(max_size=12)
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=6,
)
_score = st.none() | st.floats(-1e70, 1e70) | st.sampled_from([math.nan, math.inf])  # beyond it is no score
_row = st.dictionaries(st.sampled_from(["psnr", "ssim"]), _score)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_result_survives_the_round_trip(tmp_path_factory, data):
    result = made(
        {"set": data.draw(_text), "label": data.draw(_text)},
        scores=data.draw(_row),
        images=data.draw(st.dictionaries(_text, _row, max_size=3)),
        provenance=data.draw(st.dictionaries(_text, _json, max_size=3)),
    )
    path = result.write(tmp_path_factory.mktemp("r"))
    assert read(path) == result


def test_infinite_scores_are_null_and_counted(tmp_path):
    rows = {"a": {"psnr": math.inf, "ssim": 1.0}, "b": {"psnr": 30.0, "ssim": math.nan}}
    result = read(made(scores={"psnr": math.inf, "ssim": math.nan}, images=rows).write(tmp_path))
    assert result.scores == {"psnr": None, "ssim": None}
    assert result.images["a"] == {"psnr": None, "ssim": 1.0}
    assert result.n_inf == {"psnr": 1}


def test_numpy_numbers_become_plain(tmp_path):
    result = made({"scale": np.int64(4)}, scores={"psnr": np.float32(26.5)}, cost={"seconds": np.float64(1)})
    assert type(result.scores["psnr"]) is float
    assert read(result.write(tmp_path)) == result


def test_undecodable_file_names_are_spelled_out(tmp_path):
    result = made(images={"caf\udce9": {"psnr": 1.0}})
    assert list(read(result.write(tmp_path)).images) == ["caf\\udce9"]


@pytest.mark.parametrize("name", ["../../etc/x", "a/b", "..", "", "x" * 300, "日本" * 90, "a\nb"])
def test_the_sets_name_cannot_leave_the_folder(tmp_path, name):
    assert made({"set": name}).write(tmp_path).parent == tmp_path
    assert len(list(tmp_path.iterdir())) == 1


def test_an_equal_result_is_left_as_it_is(tmp_path):
    path = made(provenance={"date": "monday"}).write(tmp_path)
    before = path.read_bytes()
    assert made(provenance={"date": "tuesday"}).write(tmp_path) == path
    assert path.read_bytes() == before


def test_other_scores_under_the_same_key_are_refused(tmp_path):
    path = made().write(tmp_path)
    before = path.read_bytes()
    with pytest.raises(WorkError, match=f"{path.name}: holds another result under the same key"):
        made(scores={"psnr": 99.0, "ssim": 0.75}).write(tmp_path)
    assert path.read_bytes() == before


def test_a_damaged_file_is_not_overwritten(tmp_path):
    path = made().write(tmp_path)
    path.write_text("{")
    with pytest.raises(WorkError, match=r"half-written.*remove the file"):
        made().write(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"label": "other"},
        {"checkpoint_sha256": "d" * 64},
        {"set": "set5"},
        {"lq_sha256": "b" * 64},
        {"degradation": {"name": "bicubic", "antialias": False}},
        {"degradation": None},
        {"scale": 2},
        {"protocol": {"name": "y", "border": 0}},
        {"metrics": ["psnr"]},
        {"selection": "best"},
        {"code": "0.2.0"},
    ],
)
def test_the_key_changes_with_all_that_scores_depend_on(change):
    assert key(WHAT | change) != key(WHAT)


def test_the_key_ignores_spelling_and_order():
    assert key(WHAT | {"restorer": "./runs/x", "metrics": WHAT["metrics"][::-1]}) == key(dict(reversed(WHAT.items())))


def test_without_weights_the_restorer_makes_the_key():
    folder = WHAT | {"checkpoint_sha256": None}
    assert key(folder) != key(folder | {"restorer": "folder:other"})


_FULL_DISK = """
    import resource, sys
    from pathlib import Path
    sys.path.insert(0, {tests!r})
    from test_result import made
    from gan_bench.errors import WorkError
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))
    try:
        made().write(Path({folder!r}))
    except WorkError as error:
        print(error)
"""


def test_write_is_atomic_on_full_disk(tmp_path):
    code = textwrap.dedent(_FULL_DISK).format(tests=str(Path(__file__).parent), folder=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "cannot be written (File too large); make room" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_write_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        made().write(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda d: d.update(schema=2), "newer than this gan-bench reads"),
        (lambda d: d.update(schema=0), "unknown schema 0"),
        (lambda d: d.update(schema="1"), "unknown schema '1'"),
        (lambda d: d.pop("schema"), "no schema"),
        (lambda d: d.pop("scores"), "has no scores"),
        (lambda d: d.update(skores={}), "unknown group 'skores'"),
        (lambda d: d.update(scores=[]), "scores is not a mapping"),
        (lambda d: d.update(images={"a": 3}), "images is not a mapping"),
        (lambda d: d["scores"].update(psnr="26"), "scores.psnr cannot be '26'"),
        (lambda d: d["scores"].update(psnr=True), "scores.psnr cannot be True"),
        (lambda d: d["scores"].update(psnr=10**400), "scores.psnr cannot be"),
        (lambda d: d["scores"].update(psnr=math.nan), "holds NaN"),
        (lambda d: d["images"]["coffee"].update(psnr=-math.inf), "holds -Infinity"),
        (lambda d: d["scores"].update(lpips=0.1), "lpips is both scored and unavailable"),
        (lambda d: d["scores"].update(fid=0.1), "scores.fid is not among what.metrics"),
        (lambda d: d["what"].pop("label"), "what has no label"),
        (lambda d: d["what"].update(scale="4"), "what.scale cannot be '4'"),
        (lambda d: d["what"].update(protocol={}), "what.protocol has no name"),
        (lambda d: d["what"].update(budget={"name": "quick"}), "what.budget has no steps"),
        (lambda d: d["facts"].pop("psnr"), "facts has no psnr"),
        (lambda d: d["facts"]["psnr"].pop("digits"), "facts.psnr lacks one of"),
        (lambda d: d["facts"]["psnr"].update(ranked_from=0), "facts.psnr.ranked_from is no whole number from 1"),
        (lambda d: d["facts"]["psnr"].update(ranked_from=1e3), "facts.psnr.ranked_from is no whole number from 1"),
        (lambda d: d["facts"]["psnr"].update(reals="many"), "facts.psnr.reals is no whole number"),
        (lambda d: d["facts"]["psnr"].update(margin=10**400), "facts.psnr.margin is no positive number"),
        (lambda d: d["images"]["coffee"].update(psnr=10**400), "images.coffee.psnr cannot be"),
        (lambda d: d["what"].update(reals_sha256=3), "what.reals_sha256 is odd"),
        (lambda d: d["what"].update(suite={"name": "sr", "role": [1]}), "what.suite is odd"),
        (lambda d: d["what"].update(suite={"name": "sr", "version": [1]}), "what.suite is odd"),
        (lambda d: d["images"]["coffee"].update(psnr=1e250), "images.coffee.psnr cannot be"),
        (lambda d: d["what"].update(seed=10**400), "what.seed is no number that counts"),
        (lambda d: d["what"].update(scale=10**400), "what.scale is no number that counts"),
        (lambda d: d["what"]["budget"].update(steps=10**400), "what.budget.steps is no number that counts"),
        (lambda d: d["what"]["budget"].update(start_from=5), "what.budget.start_from is odd"),
        (lambda d: d["what"]["budget"].update(start_from=[5]), "what.budget.start_from is odd"),
        (lambda d: d["what"]["budget"].update(max_time=10**400), "what.budget.max_time is odd"),
        (lambda d: d["what"]["budget"].update(max_time=0), "what.budget.max_time is odd"),
        (lambda d: d["cost"].update(parameters=10**400), "cost.parameters is no number from 0"),
        (lambda d: d["cost"].update(seconds="nan"), "cost.seconds is no number from 0"),
        (lambda d: d["cost"].update(training_seconds=-1), "cost.training_seconds is no number from 0"),
        (lambda d: d["cost"].update(inference={"peak_bytes": True}), "cost.inference.peak_bytes is no number from 0"),
        (
            lambda d: d["cost"].update(inference={"ms_per_megapixel": 10**400}),
            "cost.inference.ms_per_megapixel is no number from 0",
        ),
        (lambda d: d["n_inf"].update(psnr=-1), "n_inf is not a mapping of counts"),
    ],
)
def test_what_is_no_result_is_refused_in_one_line(tmp_path, change, cause):
    path = altered(made().write(tmp_path), change)
    with pytest.raises(UsageError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert cause in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b"1" * 5000, b'"x"'])
def test_any_other_content_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"x\.json: "):
        read(path)


def test_every_truncation_is_half_written(tmp_path):
    path = made().write(tmp_path)
    whole = path.read_bytes()
    for end in range(0, len(whole) - 2, 37):
        path.write_bytes(whole[:end])
        with pytest.raises(UsageError, match="half-written"):
            read(path)


def test_results_are_found_from_root_run_and_results_folder(tmp_path):
    path = made().write(tmp_path / "runs" / "a" / "results")
    (tmp_path / "runs" / "a" / "panels").mkdir()
    (tmp_path / "runs" / "a" / "panels" / "x.json").write_text("{}")
    for folder in (tmp_path, tmp_path / "runs", path.parents[1], path.parent):
        found, left_out = find(folder)
        assert [result.path for result in found] == [path]
        assert left_out == []


def test_results_in_any_folder_named_by_the_user_are_found(tmp_path):
    path = made().write(tmp_path / "mine")
    assert [result.path for result in find(tmp_path / "mine")[0]] == [path]
    assert [result.path for result in find(tmp_path)[0]] == [path]


def test_other_json_below_a_folder_is_none_of_ours(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "training.json").write_text("{}")
    assert find(tmp_path) == ([], [])


def test_a_result_whose_means_are_not_those_of_its_images_is_left_out(tmp_path):
    images = {name: {"psnr": value} for name, value in (("a", 20.0), ("b", 30.0))}
    good = made({"label": "a"}, scores={"psnr": 25.0}, images=images).write(tmp_path)
    for label, scores, rows in (
        ("b", {"psnr": 26.0}, images),
        ("c", {"psnr": 20.0}, {"a": {"psnr": 20.0}, "b": {"psnr": None}}),
        ("d", {"psnr": None}, images),
    ):
        made({"label": label}, scores=scores, images=rows).write(tmp_path)
    found, left_out = find(tmp_path)
    assert [result.path for result in found] == [good]
    assert {reason for _, reason in left_out} == {"scores.psnr is not the mean of its images"}
    assert len(left_out) == 3


@pytest.mark.parametrize(("error", "found"), [(2e-12, 0), (1e-14, 1)])
def test_a_mean_may_be_off_by_what_another_order_of_adding_makes(tmp_path, error, found):
    values = [0.1 * number for number in range(20)]
    images = {str(number): {"psnr": value} for number, value in enumerate(values)}
    made(scores={"psnr": sum(values) / 20 * (1 + error)}, images=images).write(tmp_path)
    assert len(find(tmp_path)[0]) == found


def test_a_folder_that_cannot_be_read_is_left_out_with_its_reason(tmp_path, monkeypatch):
    made().write(tmp_path / "results")
    closed, scan = tmp_path / "closed", os.scandir
    closed.mkdir()

    def scandir(path):
        if Path(path) == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found, left_out = find(tmp_path)
    assert len(found) == 1 and left_out == [(closed, "cannot be read (Permission denied)")]


def test_half_written_file_is_left_out_with_its_reason(tmp_path):
    good = made().write(tmp_path / "results")
    bad = made({"label": "b"}).write(tmp_path / "results")
    bad.write_bytes(bad.read_bytes()[:100])
    found, left_out = find(tmp_path)
    assert [result.path for result in found] == [good]
    [(path, reason)] = left_out
    assert path == bad
    assert "half-written" in reason
    assert str(path) not in reason


def test_hidden_folders_and_files_are_not_read(tmp_path):
    made().write(tmp_path / ".trash" / "results")
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "._x.json").write_text("?")
    assert find(tmp_path) == ([], [])


def test_a_missing_folder_is_wrong_usage(tmp_path):
    with pytest.raises(UsageError, match="no such folder"):
        find(tmp_path / "typo")


def test_many_files_are_read_fast(tmp_path):
    row = {"psnr": 26.5, "ssim": 0.75}
    path = made(scores=row, images={f"image{n}": row for n in range(14)}).write(tmp_path / "results")
    for n in range(1000):
        (path.parent / f"copy{n}.json").write_bytes(path.read_bytes())
    start = time.perf_counter()
    assert len(find(tmp_path)[0]) == 1001
    assert time.perf_counter() - start < 5


def test_the_record_is_flat_and_strict():
    rows = {"a": {"psnr": math.inf, "ssim": 1.0}}
    flat = record(made(scores={"psnr": None, "ssim": 1.0}, images=rows))
    assert flat == {
        "schema": 1,
        "restorer": "esrgan_photos_bicubic_x4_quick_s0",
        "label": "esrgan",
        "scale": 4,
        "protocol": "y",
        "degradation": "bicubic",
        "lq_sha256": "a" * 64,
        "scores": {"psnr": None, "ssim": 1.0},
        "n_inf": {"psnr": 1},
        "images": {"a": {"psnr": None, "ssim": 1.0}},
        "unavailable": {"lpips": "no weights"},
        "seconds": 2.5,
    }
    json.dumps(flat, allow_nan=False)
    assert record(made({"degradation": None}))["degradation"] is None


def test_the_room_imports_no_torch():
    code = "import sys, gan_bench.benchmark; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_it_was_trained_on_is_kept_and_no_part_of_the_key(tmp_path):
    training = {"dataset": "photos", "degradation": {"name": "jpeg", "parameters": {"quality": 20}}}
    assert key(WHAT | {"trained_on": training}) == key(WHAT | {"trained_on": None}) == key(WHAT)
    assert read(made({"trained_on": training}).write(tmp_path)).what["trained_on"] == training


@pytest.mark.parametrize("odd", ["jpeg", {}, {"dataset": "photos"}, {"dataset": 1, "degradation": {"name": "jpeg"}},
                                 {"dataset": "photos", "degradation": {}}])  # fmt: skip
def test_an_odd_training_is_refused(odd):
    with pytest.raises(ValueError, match=r"^what\.trained_on is odd$"):
        made({"trained_on": odd})


def test_a_score_of_the_whole_set_needs_no_number_of_an_image(tmp_path):
    facts = FACTS | {"fid": {"higher_is_better": False, "unit": "", "digits": 2, "ranked_from": 1000}}
    scores = {"psnr": 26.5, "ssim": 0.75, "fid": 12.5}
    result = made({"metrics": [*WHAT["metrics"], "fid"]}, scores=scores, facts=facts)
    assert read(result.write(tmp_path)) == result
    assert record(result)["scores"]["fid"] == 12.5


def test_the_key_changes_with_the_real_images_and_not_without_them():
    keys = [key(WHAT | {"reals_sha256": digest}) for digest in (None, "a" * 64, "b" * 64)]
    assert keys[0] == key(WHAT)
    assert len(set(keys)) == 3
