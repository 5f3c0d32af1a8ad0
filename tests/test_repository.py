"""What must not be in the repository: hosts of registries, absolute paths, lock files, generated runs."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

import gan_bench

ROOT = Path(gan_bench.__file__).parents[2]
pytestmark = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a checkout")


def tracked():
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


def test_constraints_name_no_host():
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[^ :/]+( ; [^:/]+)?", line), line


def test_constraints_pin_every_dependency():
    pinned = {line.split("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *(name for extra in project["optional-dependencies"].values() for name in extra),
    ]
    for requirement in wanted:
        name = re.match(r"[A-Za-z0-9._-]+", requirement)[0].lower()
        assert name in pinned | {"gan-bench"}, requirement


def test_no_lock_file_no_weights_no_runs():
    for path in tracked():
        assert path.name not in ("uv.lock", "pylock.toml"), path
        assert path.suffix not in (".pth", ".ckpt", ".safetensors", ".npz", ".mat"), path
        assert path.relative_to(ROOT).parts[0] not in ("runs", "wandb", "outputs"), path
        assert path.stat().st_size < 1_000_000, path


def test_no_text_holds_a_path_of_a_machine_or_a_registry():
    forbidden = re.compile(
        r"/(home|root|work|Users)/[a-z]|(pypi|pythonhosted)\.(org|com)|--(extra-)?index-url|find-links"
    )
    for path in tracked():
        if (
            path.suffix in (".py", ".md", ".yaml", ".toml", ".txt", ".cff", ".ipynb", "")
            and path.name != Path(__file__).name
        ):
            found = forbidden.search(path.read_text(errors="ignore"))
            assert not found, f"{path}: {found[0]}"
