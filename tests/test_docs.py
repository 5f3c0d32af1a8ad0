"""The leaderboard that the README shows is what this code makes of the results beside it, and those hold."""

import shutil
from pathlib import Path

import pytest

import gan_bench
from gan_bench.benchmark import board, find, write_board
from gan_bench.cli import main

SHOWN = Path(gan_bench.__file__).parents[2] / "docs" / "leaderboard"
pytestmark = pytest.mark.skipif(not SHOWN.exists(), reason="the docs are not part of an installed package")


def test_the_page_is_made_of_the_results_beside_it(tmp_path):
    for name in ("results", "panels"):
        shutil.copytree(SHOWN / name, tmp_path / name)
    made = write_board(tmp_path, board(*find(tmp_path)))
    stale = [path.name for path in made if path.read_bytes() != (SHOWN / path.name).read_bytes()]
    assert stale == [], "run: gan-bench leaderboard docs/leaderboard"


def test_it_holds_and_was_made_by_a_clean_commit(capsys):
    assert main(["verify", str(SHOWN / "results"), "--level", "1"]) == 0
    results, left_out = find(SHOWN)
    assert left_out == []
    assert {result.provenance["clean"] for result in results} == {True}
    assert len({result.provenance["commit"] for result in results}) == 1


def test_pictures_are_of_the_bundled_photographs_alone():
    names = {path.name for path in (SHOWN / "panels" / "crops").iterdir()}
    assert names
    assert all(any(photo in name for photo in ("astronaut", "chelsea", "coffee")) for name in names)
