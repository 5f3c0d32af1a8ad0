"""Two rows beside each other in words: by each metric the difference, how sure it is, and on how many images."""

from __future__ import annotations

from collections.abc import Sequence

from gan_bench.benchmark.comparison import NotComparableError, compare
from gan_bench.benchmark.rows import Row
from gan_bench.benchmark.scores import fact, higher, metrics_of, why
from gan_bench.benchmark.standing import standing
from gan_bench.benchmark.statistics import WORDS, sign_flip, wins
from gan_bench.benchmark.words import cell_name, plural, seed_words, signed, visible

__all__ = ["contrast", "contrasts"]

SPEAKS = {"method": "the methods", "weights": "these weights"}


def contrasts(rows: Sequence[Row], others: Sequence[Row]) -> list[tuple[str, list[str]]]:
    """Each row against each other row that answers the same question by some metric: a title, and a line per metric.

    Args:
        rows: what is told.
        others: against what.

    Raises:
        NotComparableError: none compares with any; the first obstacle.
    """
    told, obstacles = [], []
    for row in rows:
        for other in others:
            try:
                told.append((f"{_name(row)} against {_name(other)}", contrast(row, other)))
            except NotComparableError as error:
                obstacles.append(error)
    if told and obstacles:
        more = plural(len(obstacles), "pair")
        told.append((f"{more} left out, the first: {obstacles[0]}", []))
    if not told:
        raise obstacles[0] if obstacles else NotComparableError("not comparable: there is nothing to compare with")
    return told


def contrast(row: Row, other: Row) -> list[str]:
    """One line for each metric of both: `psnr +0.35 dB [+0.28, +0.42], better: ...`, or why they do not compare.

    Raises:
        NotComparableError: they compare by no metric; the first obstacle.
    """
    lines, obstacles, found = [], [], False
    for metric in metrics_of([row, other]):
        try:
            lines.append(_line(row, other, metric))
            found = True
        except NotComparableError as error:
            obstacles.append(error)
            lines.append(f"{visible(metric)}: {error}")
    if not found:
        raise obstacles[0] if obstacles else NotComparableError("not comparable: they have no metric in common")
    return lines


def _line(row: Row, other: Row, metric: str) -> str:
    found = compare(row, other, metric)
    rows, facts = [row, other], fact([row, other], metric)
    stands = standing(rows, metric)
    digits, unit = facts.get("digits", 4), visible(str(facts.get("unit", "")))
    number = f"{visible(metric)} {signed(found.mean, digits)}{f' {unit}' if unit else ''}"
    if found.images == 1 or stands is None:
        told = why(row, metric) or why(other, metric) or "a single image has no interval"
        return f"{number}: {told.removeprefix(f'{visible(metric)}: ')}"
    around = f"[{signed(found.low, digits)}, {signed(found.high, digits)}]"
    said = f"no verdict, {stands.silent}" if stands.silent else WORDS[str(stands.verdicts[0, 1])]
    left, right = row.images(metric), other.images(metric)
    assert left is not None
    assert right is not None
    won, tied, lost = wins(left.mean(axis=0) - right.mean(axis=0), higher(rows, metric))
    images = f"{plural(found.images, 'image')}: {won} won, {tied} tied, {lost} lost"
    signs = sign_flip(left.mean(axis=0) - right.mean(axis=0))
    p = f"p {found.p:.2g}" + ("" if signs is None else f", by signs {signs:.2g}")
    return f"{number} {around}, {said} ({p}, of {SPEAKS[found.claim]}; {images})"


def _name(row: Row) -> str:
    what, seeds = row.what, seed_words(row.seeds)
    of_seeds = f" (seed{'s' * (len(row.seeds) > 1)} {seeds})" if row.seeds else ""
    return visible(f"{what['label']}{of_seeds} on {cell_name(what)}")
