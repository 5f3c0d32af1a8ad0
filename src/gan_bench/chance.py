"""The one source of random numbers for data: generators keyed by what they are for, never by when they are asked.

A key such as `("crop", seed, position)` or `("degradation", seed, "baboon")` gives the same numbers on every machine,
in any order, in any worker and on any rank; so a run resumes exactly and a degradation replays from its key alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

__all__ = ["generator", "seed_of", "undisturbed"]


def _digest(key: tuple[str | int, ...]) -> bytes:
    return hashlib.sha256("/".join(map(str, key)).encode()).digest()


def generator(*key: str | int) -> np.random.Generator:
    """A Philox generator keyed by 128 bits of the SHA-256 of the key's words, joined by slashes.

    Args:
        key: a purpose, then whatever identifies the draw: seed, position, pass, image name.
    """
    return np.random.Generator(np.random.Philox(key=int.from_bytes(_digest(key)[:16], "little")))


def seed_of(*key: str | int) -> int:
    """A seed in [0, 2**63) from the same digest, for libraries that take a number."""
    return int.from_bytes(_digest(key)[16:24], "little") >> 1


@contextmanager
def undisturbed(devices: Sequence[Any] | None = None) -> Iterator[None]:
    """Let what is drawn inside move no generator outside, neither NumPy's nor torch's.

    Args:
        devices: torch's, beside the CPU, whose generators are put back; None: all.
    """
    import torch

    state = np.random.get_state()
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        np.random.set_state(state)
