"""Which rows of a table compare by a metric, and which do not compare with most: those are shown and never ranked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from gan_bench.benchmark.comparison import measured_by, obstacle
from gan_bench.benchmark.rows import Row
from gan_bench.benchmark.words import visible

__all__ = ["ELSEWHERE", "apart", "elsewhere"]

ELSEWHERE = "was trained elsewhere, on other data and for longer or shorter than this budget: shown, not ranked"


def apart(rows: Sequence[Row], metric: str) -> dict[str, str]:
    """By their ids the rows whose numbers do not compare with those of most rows, each with the reason.

    Rows compare whose numbers were computed by one implementation with the same weights. The party of a row that is
    fixed, as bicubic, goes before all others, else the largest; of two equally large ones neither is right.

    Args:
        rows: of one table.
        metric: its name.
    """
    parties = defaultdict(list)
    told: dict[str, str] = {}
    for row in (row for row in rows if row.score(metric) is not None):
        ways = {measured_by(one, metric): one for one in row.results}
        if len(ways) > 1:
            first, second = list(ways.values())[:2]
            told[row.id] = visible(f"{metric}: its seeds do not compare: {obstacle(first, second, metric)}")
        else:
            parties[next(iter(ways))].append(row)
    if len(parties) > 1:
        told |= _minorities(list(parties.values()), metric)
    return told


def elsewhere(rows: Sequence[Row]) -> dict[str, str]:
    """By their ids the rows of weights that had another training than the budget of the table, where it has one."""
    if not any(row.what["budget"] for row in rows):
        return {}
    return {row.id: ELSEWHERE for row in rows if not row.what["budget"] and not row.fixed}


def _minorities(parties: Sequence[Sequence[Row]], metric: str) -> dict[str, str]:
    def weight(party: Sequence[Row]) -> tuple[bool, int]:
        return any(row.fixed for row in party), len(party)

    first, second = sorted(parties, key=weight, reverse=True)[:2]
    chief = first if weight(first) > weight(second) else None
    told: dict[str, str] = {}
    for party in parties:
        if party is not chief:
            other = first if party is not first else second
            why = obstacle(party[0].lead, other[0].lead, metric)
            told |= {row.id: visible(f"{metric}: not comparable: {why}") for row in party}
    return told
