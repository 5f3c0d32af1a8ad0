"""Who may import whom: floors of the house, and the rooms in which a heavy package may be named."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import gan_bench

ROOT = Path(gan_bench.__file__).parent
FLOOR = {
    **dict.fromkeys(("errors", "files", "chance", "ordering", "processes", "started"), 0),
    **dict.fromkeys(("batch", "image", "resize", "tiling", "panels", "sheet", "crops"), 0),
    **dict.fromkeys(("download", "weights"), 0),
    **dict.fromkeys(("networks", "losses", "degradations", "metrics", "benchmark"), 1),
    **dict.fromkeys(("targets", "check", "cells", "naming", "values", "config", "provenance"), 1),
    **dict.fromkeys(("data", "models", "draws"), 2),
    **dict.fromkeys(("restorers", "plan", "suites", "inputs"), 3),
    **dict.fromkeys(("judge",), 4),
    **dict.fromkeys(("callbacks", "tracking", "trials"), 5),
    **dict.fromkeys(("runfolder", "contest", "commands", "degrade", "perf", "run", "stock", "sweep", "cli"), 6),
    **dict.fromkeys(("explain", "verify"), 6),
    **dict.fromkeys(("interpolate", "jobs", "kernelgan", "pilot", "starting", "training", "work"), 6),
}
SAME_FLOOR = {
    ("check", "targets"), ("config", "check"), ("config", "cells"), ("config", "naming"), ("naming", "check"),
    ("config", "values"), ("values", "check"),
    ("models", "models"), ("commands", "contest"), ("degrade", "commands"),
    ("run", "runfolder"), ("run", "starting"), ("run", "training"), ("run", "work"), ("starting", "runfolder"),
    ("training", "runfolder"), ("training", "starting"), ("training", "work"),
    ("run", "pilot"), ("pilot", "training"), ("pilot", "work"),
    ("kernelgan", "commands"), ("perf", "sweep"), ("perf", "training"), ("perf", "work"),
    ("sweep", "run"), ("sweep", "commands"), ("sweep", "cli"), ("sweep", "jobs"),
    ("cli", "commands"), ("cli", "sweep"), ("explain", "commands"), ("verify", "commands"),
}  # fmt: skip
ONLY_IN = {
    "datasets": {"data/images.py"},
    "skimage": {"data/photos.py"},
    "wandb": {"tracking/wandb.py"},
    "pyiqa": {"metrics/iqa.py"},
    "h5py": {"degradations/kernel_files.py"},
    "spandrel": {"networks/spandrel.py"},
    "torch_fidelity": {"weights.py"},
    "hydra": {"config.py", "sweep.py"},
    "omegaconf": {"config.py", "check.py", "sweep.py", "run.py", "contest.py", "plan.py"},
}
FILES = sorted(ROOT.rglob("*.py"))


def imports(path):
    """Every module a file imports, wherever it does so, except for type checking."""
    tree = ast.parse(path.read_text())
    checking = {id(node) for top in ast.walk(tree) if isinstance(top, ast.If) and "TYPE_CHECKING" in ast.dump(top.test)
                for node in ast.walk(top)}  # fmt: skip
    for node in ast.walk(tree):
        if id(node) in checking:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(module):
    return module.split(".")[1] if "." in module else ""


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_imports_from_lower_floors_only(path):
    own = path.relative_to(ROOT).parts[0].removesuffix(".py")
    if own == "__init__":
        return
    for module in imports(path):
        other = room(module) if module.startswith("gan_bench") else ""
        if other and other in FLOOR and other != own:
            allowed = FLOOR[other] < FLOOR[own] or (own, other) in SAME_FLOOR or FLOOR[own] == 0 == FLOOR[other]
            assert allowed, f"{own} (floor {FLOOR[own]}) imports {module} (floor {FLOOR[other]})"


@pytest.mark.parametrize("package", sorted(ONLY_IN))
def test_a_heavy_package_has_one_door(package):
    users = {
        str(path.relative_to(ROOT)) for path in FILES for module in imports(path) if module.split(".")[0] == package
    }
    assert users <= ONLY_IN[package]


def test_every_file_has_a_floor():
    rooms = {path.relative_to(ROOT).parts[0].removesuffix(".py") for path in FILES} - {"__init__"}
    assert rooms <= set(FLOOR)


def test_benchmark_knows_no_torch():
    users = [path for path in FILES if path.parent.name == "benchmark" for module in imports(path) if "torch" in module]
    assert not users


def test_models_name_no_network():
    users = [(path, module) for path in FILES if path.parent.name == "models" for module in imports(path)
             if room(module) in ("networks", "losses", "degradations", "metrics", "data")]  # fmt: skip
    assert not users


@pytest.mark.parametrize(
    "words",
    [["gan_bench.cli", "--help"], ["gan_bench.cli", "benchmark", "--help"], ["gan_bench", ""]],
    ids=["help", "help of a command", "import"],
)
def test_help_imports_neither_torch_nor_lightning(words):
    call = "from gan_bench.cli import main\ntry:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
    code = f"import sys, {words[0]}\n{call if words[1] else ''}print(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code, *words[1:]], capture_output=True, text=True, check=True)
    loaded = done.stderr
    assert not [name for name in ("'torch'", "'lightning'", "'pyiqa'", "'wandb'", "'cv2'", "'hydra'") if name in loaded]
