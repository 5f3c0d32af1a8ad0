"""The processes of a training, played by threads: each has a rank, and they wait for each other where they gather."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import mock

from gan_bench import processes

PATIENCE = 30  # seconds, after which one that waits in vain gives up


class Ranks:
    """In the place of torch.distributed, as far as `processes` asks for it."""

    def __init__(self, count: int) -> None:
        self.count, self.mine, self.table = count, threading.local(), [b""] * count
        self.barrier = threading.Barrier(count, timeout=PATIENCE)

    def is_available(self) -> bool:
        return True

    is_initialized = is_available

    def get_rank(self) -> int:
        return self.mine.rank

    def get_world_size(self) -> int:
        return self.count

    def all_gather_object(self, states: list[Any], state: Any) -> None:
        self.table[self.mine.rank] = pickle.dumps(state)
        self.barrier.wait()
        states[:] = [pickle.loads(one) for one in self.table]  # noqa: S301 - its own bytes
        self.barrier.wait()

    def broadcast(self, tensor: Any, source: int) -> None:
        states: list[Any] = [None] * self.count
        self.all_gather_object(states, tensor)
        tensor.copy_(states[source])


def in_ranks(count: int, work: Callable[[int], Any]) -> list[Any]:
    """What work(rank) gives, or raises, in each of so many processes."""
    ranks = Ranks(count)

    def one(rank: int) -> Any:
        ranks.mine.rank = rank
        try:
            return work(rank)
        except Exception as error:
            return error

    with mock.patch.object(processes, "distributed", ranks), ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))
