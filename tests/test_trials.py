"""On what a run is judged: its own set first, equal cells once, what cannot be judged named and left out."""

import dataclasses
import logging

import numpy as np
import pytest
from omegaconf import OmegaConf
from PIL import Image

from gan_bench.cells import Cell
from gan_bench.config import build, cells, degradation_node, plain
from gan_bench.errors import UsageError
from gan_bench.judge import Question
from gan_bench.metrics import get_protocol
from gan_bench.restorers import Bicubic
from gan_bench.trials import judge, trials

PHOTOS = {"_target_": "gan_bench.data.Photos", "name": "photos", "num_ch": 3, "limit": None}
GIVEN = {"_target_": "gan_bench.degradations.AsGiven", "name": "given", "scale": 1}


def asked(*words, degradation="bicubic", scale=2):
    """The cells of a run on `photos`."""
    own = GIVEN | {"scale": scale} if degradation == "given" else plain(degradation_node(degradation, scale=scale))
    return cells(OmegaConf.create({"dataset": PHOTOS, "degradation": own, "suite": {"cells": list(words)}}))


def bicubic(tests):
    return Question("bicubic", "bicubic", Bicubic(tests.scale), tests, ("psnr",), get_protocol("y"))


def test_the_runs_own_stands_first_and_equal_cells_stand_once():
    found = asked({"degradation": "bicubic"}, {"degradation": "jpeg"}, {"degradation": "jpeg", "quality": 20},
                  {"dataset": "photos"}, {"degradation": "jpeg", "quality": 5})  # fmt: skip
    assert [(cell.place, cell.name) for cell in found] == [
        ("", "photos"), ("suite.cells[1]", "photos_jpeg"), ("suite.cells[4]", "photos_jpeg_quality5")]  # fmt: skip
    assert all(cell.degradation["scale"] == 2 for cell in found)


def test_values_without_a_degradation_are_values_of_the_runs_own():
    [own, cell] = asked({"steps.noise1": None}, degradation="realesrgan", scale=4)
    assert own.degradation["steps"]["noise1"] and cell.degradation["steps"]["noise1"] is None
    assert {**cell.degradation["steps"], "noise1": 0} == {**own.degradation["steps"], "noise1": 0}


def test_a_named_degradation_is_that_of_its_file_whatever_the_run_left_out():
    own = plain(degradation_node("realesrgan", {"without": "blur1"}))
    config = {"dataset": PHOTOS, "degradation": own, "suite": {"cells": [{"degradation": "realesrgan"}]}}
    [_, full] = cells(OmegaConf.create(config))
    assert full.degradation == plain(degradation_node("realesrgan"))


def test_two_cells_of_one_name_get_their_digests():
    own = plain(degradation_node("jpeg", {"subsampling": "4:4:4"}))
    words = [{"quality": 5}, {"degradation": "jpeg"}, {"degradation": "jpeg", "quality": 5}, {"quality": 5.0}]
    found = cells(OmegaConf.create({"dataset": PHOTOS, "degradation": own, "suite": {"cells": words}}))
    assert len({cell.name for cell in found}) == len(found) == 4


def test_a_split_is_a_cell_of_its_own_with_a_name_of_its_own():
    found = asked({"split": "train"}, {"split": "test"}, {"split": "validation", "degradation": "jpeg"},
                  {"split": "train"}, {"split": "train", "dataset": "photos"})  # fmt: skip
    assert [(cell.name, cell.set, cell.split) for cell in found] == [
        ("photos", "photos", "test"),
        ("photos_train", "photos_train", "train"),
        ("photos_jpeg_validation", "photos_validation", "validation"),
    ]


def test_what_was_learnt_by_heart_is_judged_on_the_training_images_as_a_set_of_its_own(tmp_path):
    source = build({**PHOTOS, "limit": 2})
    found = trials(asked({"split": "train"}, {"split": "validation"}), source)
    own, train, validation = (trial.tests for trial in found)
    assert (own.name, train.name, validation.name) == ("photos", "photos_train", "photos_validation")
    assert train.names == source.gt["train"].names and len(train) == 2
    assert validation.names == ("rocket",)
    learnt = source.gt["train"][0]
    height, width = (size - size % 2 for size in learnt.shape[:2])  # to a multiple of the scale
    np.testing.assert_array_equal((train[0].gt[0] * 255).round().permute(1, 2, 0), learnt[:height, :width])
    results = judge(found[:2], bicubic, tmp_path)
    assert [result.what["set"] for result in results.values()] == ["photos", "photos_train"]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ({"split": "trian"}, r"^suite\.cells\[0\]\.split: no split 'trian'; did you mean 'train'\?$"),
        ({"split": "training"}, r"^suite\.cells\[0\]\.split: no split 'training'; did you mean 'train'\?$"),
        ({"split": None}, r"^suite\.cells\[0\]\.split: no split None"),
        ({"split": ["train"]}, r"^suite\.cells\[0\]\.split: no split \['train'\]"),
        (
            {"degradation": "realesrgn"},
            r"^suite\.cells\[0\]\.degradation=realesrgn: no such degradation; did you mean 'realesrgan",
        ),
        (
            {"degradation": "realesrgan", "steps.nois1": None},
            r"^suite\.cells\[0\]\.steps\.nois1: .*did you mean 'noise1'",
        ),
        ({"dataset": "folder"}, r"^suite\.cells\[0\]\.dataset: folder leaves root open"),
    ],
)
def test_a_mistake_names_the_cell(word, message):
    with pytest.raises(UsageError, match=message) as caught:
        asked(word)
    assert "\n" not in str(caught.value)


def test_what_cannot_be_judged_is_named_and_the_rest_is_judged(tmp_path, caplog):
    missing = Cell("suite.cells[7]", "nowhere", {"_target_": "gan_bench.data.Folder", "name": "n", "root": "/nowhere"},
                   plain(degradation_node("bicubic", scale=2)))  # fmt: skip
    words = [*asked({"degradation": "identity"}, {"degradation": "jpeg"}), missing]
    with caplog.at_level(logging.WARNING):
        found = trials(words, build(PHOTOS))
    assert [trial.cell.name for trial in found] == ["photos", "photos_jpeg"]
    told = [record.getMessage() for record in caplog.records]
    assert [line.partition(" is left out: ")[0] for line in told] == [
        "suite.cells[0] (photos_identity)", "suite.cells[7] (nowhere)"]  # fmt: skip
    results = judge(found, bicubic, tmp_path)
    assert list(results) == ["photos", "photos_jpeg"]
    assert len(list((tmp_path / "results").iterdir())) == 2
    panels = {path.name for path in (tmp_path / "panels").iterdir()}
    assert {"photos_coffee.png", "photos_jpeg_coffee.png"} <= panels


def test_a_value_that_a_degradation_refuses_ends_the_run_before_it_begins():
    with pytest.raises(UsageError, match=r"^suite\.cells\[0\][^\n]*quality"):
        trials(asked({"degradation": "jpeg", "quality": [90, 10]}), build(PHOTOS))


def test_the_runs_own_set_is_never_left_out():
    words = asked({"degradation": "jpeg"}, degradation="given", scale=1)
    with pytest.raises(UsageError, match=r"^degradation=given: this data set has no lq images of its own; [^\n]+$"):
        trials(words, build(PHOTOS))


def folders(root, lq=("a", "b", "c"), gt=("a", "b", "c"), scale=1):
    """Two sides of pictures."""
    for side, names in (("lq", lq), ("gt", gt)):
        (root / side).mkdir(parents=True)
        for number, name in enumerate(names):
            size = (24, 24, 3) if side == "lq" else (24 * scale, 24 * scale, 3)
            pixels = np.random.default_rng(number).integers(0, 256, size).astype(np.uint8)
            Image.fromarray(pixels).save(root / side / f"{name}.png")
    return {"_target_": "gan_bench.data.Pairs", "name": "mine", "lq": str(root / "lq"), "gt": str(root / "gt")}


def test_cells_of_pairs_are_judged_as_given_and_as_made(tmp_path, caplog):
    dataset = folders(tmp_path, scale=2)
    config = {"dataset": dataset, "degradation": GIVEN | {"scale": 2}}
    words = [{"split": "train"}, {"degradation": "bicubic"}]
    found = trials(cells(OmegaConf.create({**config, "suite": {"cells": words}})), build(dataset))
    assert [trial.cell.name for trial in found] == ["mine", "mine_train", "mine_bicubic"]
    assert [trial.tests.degradation and trial.tests.degradation["name"] for trial in found] == [None, None, "bicubic"]
    assert {trial.tests.scale for trial in found} == {2} and not caplog.records
    results = judge(found, bicubic, tmp_path / "run")
    assert list(results) == ["mine", "mine_train", "mine_bicubic"]
    digests = {result.what["lq_sha256"] for result in results.values()}
    assert len(digests) == 3


def test_of_unpaired_folders_the_given_cells_stay_and_the_others_are_named(tmp_path, caplog):
    dataset = {**folders(tmp_path, gt=("x", "y", "z")), "paired": False}
    config = {"dataset": dataset, "degradation": GIVEN}
    words = [{"split": "train"}, {"degradation": "jpeg"}]
    found = trials(cells(OmegaConf.create({**config, "suite": {"cells": words}})), build(dataset))
    assert [trial.cell.name for trial in found] == ["mine", "mine_train"]
    [told] = [record.getMessage() for record in caplog.records]
    assert told.startswith("suite.cells[1] (mine_jpeg) is left out: dataset.paired=false: ")


def test_a_cell_may_be_a_data_set_of_ones_own_that_chooses_a_degradation(tmp_path, train):
    folders(tmp_path, scale=2)
    (tmp_path / "conf" / "dataset").mkdir(parents=True)
    (tmp_path / "conf" / "dataset" / "mine.yaml").write_text(
        "defaults:\n  - override /degradation@_global_.degradation: given\n"
        f"_target_: gan_bench.data.Pairs\nname: mine\nlq: {tmp_path}/lq\ngt: {tmp_path}/gt\n"
    )
    words = ["model=bicubic", "metrics.names=[psnr]", f"hydra.searchpath=[file://{tmp_path}/conf]"]
    cell = "suite.cells=[{dataset: mine, degradation: given}]"
    code, out, err = train(*words, "degradation.scale=2", cell)
    assert code == 0 and "photos" in out and "mine" in out and "left out" not in err
    code, _, err = train(*words, "dataset=mine", "degradation.scale=2")
    assert code == 0, err
    names = sorted(path.name for path in (tmp_path / "runs").iterdir() if not path.name.startswith("."))
    assert names[0].startswith("bicubic_mine_given_x2_smoke_s0")
    assert names[1].startswith("bicubic_photos_bicubic_x2_smoke_s0")


def test_a_run_on_images_that_are_not_given_ends_with_one_line(train):
    code, out, err = train("model=bicubic", "degradation=given")
    assert code == 2 and not out
    assert (
        err.strip().splitlines()[-1].startswith("error: degradation=given: this data set has no lq images of its own")
    )


class Refusing(Bicubic):
    """What restores nothing."""

    def restore(self, batch):
        raise UsageError("it cannot")


def refusing(place):
    """A question that only the cells of this place cannot answer."""

    def pose(tests):
        restorer = Refusing(2) if (tests.degradation["name"] == "jpeg") is bool(place) else Bicubic(2)
        return dataclasses.replace(bicubic(tests), restorer=restorer)

    return pose


def test_a_cell_that_fails_in_the_end_costs_only_itself(tmp_path, caplog):
    found = trials(asked({"degradation": "jpeg"}), build(PHOTOS))
    assert list(judge(found, refusing("suite.cells[0]"), tmp_path)) == ["photos"]
    assert "suite.cells[0] (photos_jpeg) is left out: it cannot" in caplog.text


def test_a_run_whose_own_images_cannot_be_judged_fails(tmp_path):
    with pytest.raises(UsageError, match="it cannot"):
        judge(trials(asked({"degradation": "jpeg"}), build(PHOTOS)), refusing(""), tmp_path)
