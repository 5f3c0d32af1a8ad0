"""What the README shows is run: its commands in order, its Python, its table of choices."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gan_bench
from gan_bench.cli import main
from gan_bench.config import conf_dir, experiments_dir

ROOT = Path(gan_bench.__file__).parents[2]
README = ROOT / "README.md"
pytestmark = pytest.mark.skipif(not README.exists(), reason="the README is not part of an installed package")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README.read_text(), flags=re.M | re.S)


@pytest.fixture
def files(tmp_path):
    """The files that the README's commands speak of."""
    rng = np.random.default_rng(0)
    large = ("images", "restored", "damaged", "clean", "old", "new")
    for folder, size in (*((name, (64, 64)) for name in large), ("lq", (16, 16))):
        (tmp_path / "path" / "to" / folder).mkdir(parents=True)
        for number in range(4):
            small = Image.fromarray(rng.integers(0, 256, (6, 8, 3), np.uint8))
            small.resize(size).save(tmp_path / "path" / "to" / folder / f"{number}.png")
    Image.fromarray(rng.integers(0, 256, (20, 30, 3), np.uint8)).save(tmp_path / "photo.jpg")


def test_every_command_and_every_python_block_runs(train, files, monkeypatch, capsys):
    monkeypatch.setenv("GAN_BENCH_BUDGET", "smoke")
    targets = (ROOT / "Makefile").read_text()
    for line in "".join(blocks("bash")).splitlines():
        words = shlex.split(line.replace("_quick_", "_smoke_"))
        if words[0] == "make":
            assert re.search(rf"^{words[1]}:", targets, flags=re.M), line
        elif words[:2] == ["python", "train.py"]:
            code, _, error = train(*words[2:], budget=None)
            assert code == 0, f"{line}: {error}"
        else:
            assert words[0] == "gan-bench"
            assert main(words[1:]) == 0, f"{line}: {capsys.readouterr().err}"
    for block in blocks("python"):
        exec(block.replace("_quick_", "_smoke_"), {})  # noqa: S102


@pytest.mark.parametrize("group", sorted(path.name for path in conf_dir().iterdir() if path.is_dir()))
def test_every_choice_stands_in_the_table(group):
    (row,) = [line for line in README.read_text().splitlines() if line.startswith(f"| `{group}` |")]
    for path in (conf_dir() / group).glob("*.yaml"):
        assert re.search(rf"`{path.stem}[` ]", row), path.stem


def test_every_experiment_has_its_question():
    text = (ROOT / "experiments" / "README.md").read_text()
    assert all(path.stem in text for path in experiments_dir().glob("*.yaml"))


def test_make_help_lists_every_target_that_the_readme_names():
    told = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"`make ([a-z-]+)`", README.read_text())):
        assert re.search(rf"^{target}:.*## ", told, flags=re.M), target
