"""Where a number comes from: code, versions, machine, command; nothing heavy is imported to say it."""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from gan_bench import __version__

__all__ = ["code_version", "command", "processor", "provenance"]

PACKAGES = (
    "torch",
    "torchvision",
    "lightning",
    "torchmetrics",
    "torch-fidelity",
    "pyiqa",
    "numpy",
    "opencv-python-headless",
    "pillow",
)


@lru_cache
def code_version() -> str:
    """The package's version and 8 hex digits over its source files: changed code gives new results."""
    digest = hashlib.sha256()
    root = Path(__file__).parent
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{__version__}+{digest.hexdigest()[:8]}"


def command() -> str:
    """The command line that is running, ready to be typed again."""
    name = Path(sys.argv[0]).name
    words = {"cli.py": ["gan-bench", "train"]}.get(name) or (["python", name] if name.endswith(".py") else [name])
    return shlex.join([*words, *sys.argv[1:]])


def provenance(config: dict[str, Any] | None = None) -> dict[str, Any]:
    """What a result keeps about its making.

    Args:
        config: the resolved configuration behind it.
    """
    return {
        "config": config,
        "command": command(),
        "code": code_version(),
        **_checkout(),
        "versions": {"python": platform.python_version(), **_versions()},
        "machine": {"system": platform.platform(), "processor": processor(), "cores": os.cpu_count()},
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _checkout() -> dict[str, Any]:
    """The commit of a source checkout, with `+` where files differ from it, and whether none does; None elsewhere."""
    root, nothing = Path(__file__).parents[2], {"commit": None, "clean": None}
    if not (root / ".git").exists():
        return nothing
    git = ["git", "-C", str(root)]
    try:
        commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
        dirty = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True, check=True).stdout  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return nothing
    return {"commit": commit + ("+" if dirty.strip() else ""), "clean": not dirty.strip()}


def processor() -> str:
    """The model of the machine's processor, as far as it says."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
