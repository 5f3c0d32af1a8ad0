"""On what a run is judged: its own set first, equal cells once, what cannot be judged named and left out."""

import dataclasses
import logging

import pytest
from omegaconf import OmegaConf

from gan_bench.cells import Cell
from gan_bench.config import build, cells, degradation_node, plain
from gan_bench.errors import UsageError
from gan_bench.judge import Question
from gan_bench.metrics import get_protocol
from gan_bench.restorers import Bicubic
from gan_bench.trials import judge, trials

PHOTOS = {"_target_": "gan_bench.data.Photos", "name": "photos", "num_ch": 3, "limit": None}


def asked(*words, degradation="bicubic", scale=2):
    """The cells of a run on `photos`."""
    own = plain(degradation_node(degradation, scale=scale))
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


@pytest.mark.parametrize(
    ("word", "message"),
    [
        (
            {"degradation": "realesrgn"},
            r"^suite\.cells\[0\]\.degradation: no such degradation; did you mean 'realesrgan",
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
