"""What the processes of one training tell each other, how they share work, and what each takes back of a checkpoint."""

from __future__ import annotations

import logging
import pickle
import traceback
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from torch import Tensor, distributed

from gan_bench.started import is_main_process

__all__ = ["from_first", "gathered", "own", "share", "tells", "together"]

log = logging.getLogger(__name__)

T = TypeVar("T")
TOLD = "gan_bench/told"  # a key of the store that the processes share


def gathered(state: Any) -> list[Any]:
    """The states of all processes, in the order of their ranks; all of them call for it together."""
    if not _several():
        return [state]
    states = [None] * distributed.get_world_size()
    distributed.all_gather_object(states, state)
    return states


def share(count: int) -> range:
    """Which of `count` pieces of work are this process's: piece i is that of rank i % processes, so none is done twice.

    A process without any has an empty range.
    """
    rank, processes = _place()
    return range(rank, count, processes)


def together(work: Callable[[], T]) -> list[T]:
    """Let each process do its work, and tell all of what came of it; all of them call for it together.

    Nobody is left waiting for one that failed: where some did, the error of the lowest rank is raised in all. One that
    comes from another process and is a defect has the traceback of that process as a note.

    Args:
        work: of this process; it waits for no other one.

    Returns:
        What each gave, in the order of the ranks.

    Raises:
        Exception: what one of them raised.
    """
    error: Exception | None = None
    result: T | None = None
    try:
        result = work()
    except Exception as raised:
        error = raised
    told = gathered((result, _portable(error)))
    for rank, (_, other) in enumerate(told):
        if other is not None:
            raise error if error is not None and rank == _place()[0] else other
    return [one for one, _ in told]


def from_first(tensors: Iterable[Tensor]) -> None:
    """Give tensors, in place, the values that they have in rank 0; all processes call for it together.

    Running statistics need it: until the next forward through DDP each process has those of its own samples.
    """
    if not _several():
        return
    for tensor in tensors:
        values = tensor.detach().contiguous()
        distributed.broadcast(values, 0)
        tensor.detach().copy_(values)


def own(states: Sequence[Any], rank: int, processes: int, what: str) -> Any:
    """The state of one process; None, and a warning, where there were more or fewer of them.

    Args:
        states: as `gathered` gave them.
        rank: of this process.
        processes: how many there are now.
        what: is lost, for the warning.
    """
    if len(states) == processes:
        return states[rank]
    if not rank:
        log.warning("%s fills anew: there were %d processes, now there are %d", what, len(states), processes)
    return None


def tells(patience: float) -> bool:
    """Whether this process is to tell of the error that ends it: all may have the same, or this one its own.

    Args:
        patience: seconds after which the first process is taken to have none.

    Returns:
        True in the first, which by this says that it tells; in another where the first said no such thing in time.
    """
    if not _several():
        return is_main_process()
    try:
        store = distributed.distributed_c10d._get_default_store()
        if not distributed.get_rank():
            store.set(TOLD, "yes")
            return True
        store.wait([TOLD], timedelta(seconds=patience))
    except distributed.DistNetworkError:  # the first has gone already
        return not distributed.get_rank()
    except distributed.DistStoreError:  # it said nothing
        return True
    return False


def _several() -> bool:
    return distributed.is_available() and distributed.is_initialized()


def _place() -> tuple[int, int]:
    """Rank of this process, and how many there are."""
    return (distributed.get_rank(), distributed.get_world_size()) if _several() else (0, 1)


def _portable(error: Exception | None) -> Exception | None:
    """A copy that another process can read, its traceback a note: an error need not survive pickling."""
    if error is None:
        return None
    try:
        copy: Exception = pickle.loads(pickle.dumps(error))  # noqa: S301 - its own bytes
    except Exception:  # whatever its class does there
        copy = RuntimeError(f"{type(error).__name__}: {error}")
    copy.add_note(f"In process {_place()[0]}:\n{''.join(traceback.format_exception(error))}")
    return copy
