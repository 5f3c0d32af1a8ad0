"""Who is better than whom in one table, by one metric, and how surely; the arithmetic is in `statistics`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np

from gan_bench.benchmark.rows import Row
from gan_bench.benchmark.scores import fact, higher, rank_by
from gan_bench.benchmark.statistics import LEAST_IMAGES, Pairs, bands, pairs, ranks, resolvable, verdicts
from gan_bench.benchmark.words import plural, signed

__all__ = ["GLYPHS", "REFERENCE", "Standing", "against_reference", "standing"]

REFERENCE = "bicubic"  # the row against which all others are told, where it stands in the table
GLYPHS = {"b": "▲", "w": "▼", "e": "≈", "u": "?", "-": ""}
SMOKE = "smoke"  # the role in its suite of a set too small to say much
MOST = 1000  # rows whose pairs are compared


@dataclass(frozen=True)
class Standing:
    """How the rows of a table stand to each other by one metric.

    Attributes:
        metric: its name.
        places: of the rows that take part, as the table has them: those with a number for each image.
        order: the numbers of those places from the best to the worst.
        pairs: of any two of them, the difference and its interval.
        verdicts: (K, K) letters: b better, w worse, e equivalent, u unresolved, - no verdict, = itself.
        ranks: (best, worst) place that each may have; empty where no verdict is given.
        bands: a number for each; those of one band are tied.
        resolvable: the smallest differences that are found between two rows in 4 of 5 cases: between those that are the
            easiest to tell apart, and the hardest; None where that cannot be said.
        images: how many, of all sets.
        reference: the number among the places of the row against which the others are told, or None.
        margin: within which two rows are equivalent, or None.
        silent: why no verdict is given; empty where one is.
    """

    metric: str
    places: tuple[int, ...]
    order: tuple[int, ...]
    pairs: Pairs
    verdicts: np.ndarray
    ranks: tuple[tuple[int, int], ...]
    bands: tuple[int, ...]
    resolvable: tuple[float, float] | None
    images: int
    reference: int | None
    margin: float | None
    silent: str

    @cached_property
    def numbers(self) -> dict[int, int]:
        """Of each place that takes part its number among them."""
        return {place: number for number, place in enumerate(self.places)}

    def between(self, one: int, other: int) -> tuple[float, float, str]:
        """One row minus another: the difference, half of its 95 % interval (NaN of one image), the verdict's letter.

        Args:
            one: number of a row, among the places.
            other: number of another.
        """
        found = self.pairs
        return float(found.mean[one, other]), float(found.half[one, other]), str(self.verdicts[one, other])


def standing(rows: Sequence[Row], metric: str, apart: Mapping[str, str] = MappingProxyType({})) -> Standing | None:
    """Compare all rows with each other; None where fewer than two can be.

    Args:
        rows: of one table, in its order.
        metric: of single images.
        apart: by their ids, rows that do not compare with the others.
    """
    there = [place for place, row in enumerate(rows) if row.id not in apart and rank_by(row, metric) is not None]
    scored = [(place, images) for place in there if (images := rows[place].images(metric)) is not None][:MOST]
    if len(scored) < 2:
        return None
    places, arrays = [place for place, _ in scored], [images for _, images in scored]
    fixed = [rows[place].fixed for place in places]
    found, margin = pairs(arrays, fixed, rows[places[0]].sets), fact(rows, metric).get("margin")
    number = arrays[0].shape[1]
    silent = _silent(rows, number)
    told = verdicts(found, margin, higher(rows, metric))
    if silent:
        told = np.where(told == "=", "=", "-")
    better_first = sorted(range(len(places)), key=lambda i: _place_of(rows[places[i]], metric, higher(rows, metric)))
    return Standing(
        metric=metric,
        places=tuple(places),
        order=tuple(better_first),
        pairs=found,
        verdicts=told,
        ranks=() if silent else tuple(ranks(told)),
        bands=() if silent else tuple(bands(told, better_first)),
        resolvable=resolvable(found),
        images=number,
        reference=next((i for i, place in enumerate(places) if _is_reference(rows[place])), None),
        margin=margin,
        silent=silent,
    )


def against_reference(stands: Standing, number: int, digits: int) -> str:
    """`▲ +0.91 ±0.12`: better or worse than the reference, by how much, and half the width of the 95 % interval.

    Args:
        stands: with a reference.
        number: of the row, among the places.
        digits: behind the decimal point.
    """
    assert stands.reference is not None
    if number == stands.reference:
        return "–"
    difference, half, verdict = stands.between(number, stands.reference)
    return f"{GLYPHS[verdict]} {signed(difference, digits)} ±{half:.{digits}f}".strip()


def _silent(rows: Sequence[Row], images: int) -> str:
    """Why these images are no basis of a verdict; empty where they are."""
    if images < LEAST_IMAGES:
        verb = "is" if images == 1 else "are"
        return f"{plural(images, 'image')} {verb} too few for a verdict: {LEAST_IMAGES} are needed"
    suites = [suite for row in rows for result in row.results if (suite := result.what.get("suite"))]
    small = bool(suites) and all(suite.get("role") == SMOKE for suite in suites)
    return "a smoke set is shown and never ranked" if small else ""


def _place_of(row: Row, metric: str, more_is_better: bool) -> tuple[float, str]:
    score = row.score(metric) or 0.0
    return -score if more_is_better else score, row.id


def _is_reference(row: Row) -> bool:
    return row.fixed and row.what["model"] == REFERENCE
