"""What the processes of one training tell each other for a checkpoint, and what each takes back from it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from torch import distributed

__all__ = ["gathered", "own"]

log = logging.getLogger(__name__)


def gathered(state: Any) -> list[Any]:
    """The states of all processes, in the order of their ranks; all of them call for it together."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return [state]
    states = [None] * distributed.get_world_size()
    distributed.all_gather_object(states, state)
    return states


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
