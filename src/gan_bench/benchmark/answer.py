"""The sentence that answers a table's question: which is better, by how much, how surely, and what cannot be said."""

from __future__ import annotations

from gan_bench.benchmark.scores import PERCEPTION, fact, foremost, higher, text_of
from gan_bench.benchmark.standing import Standing
from gan_bench.benchmark.table import Table
from gan_bench.benchmark.words import listed, plural, signed, visible

__all__ = ["answer"]


def answer(table: Table) -> str:
    """`On 20 images, by PSNR msrresnet is best: 26.91 dB, +0.35 dB [+0.28, +0.42] against bicubic. ...`.

    Args:
        table: with its rows in order.
    """
    chief = table.chief
    stands = table.standing(chief)
    if stands is None:
        return f"Nothing to compare: fewer than two rows have a {_metric(chief) if chief else 'score'} for every image."
    sets = table.rows[stands.places[0]].sets
    images = f"On {plural(stands.images, 'image')}{f' of {len(sets)} sets, each counting alike' if sets else ''}"
    if not stands.ranks:
        first, second = (stands.places[number] for number in stands.order[:2])
        told = f"the highest is {_row(table, first, chief)}, then {_row(table, second, chief)}"
        told = told if higher(table.rows, chief) else told.replace("highest", "lowest", 1)
        silent = f"{stands.silent[:1].upper()}{stands.silent[1:]}"
        return f"{images}, by {_metric(chief)} {told}. {silent}.{_of_weights(table, stands)}"
    parts = [f"{images}, by {_metric(chief)} {_leaders(table, stands)}."]
    perception = next((name for name in foremost(table.metrics, PERCEPTION) if name != chief), None)
    other = table.standing(perception) if perception else None
    if other is not None and other.ranks:
        parts.append(f"By {_metric(other.metric)} {_leaders(table, other)}.")
    return " ".join([*parts, *_resolvable(table, stands)]) + _of_weights(table, stands)


def _resolvable(table: Table, stands: Standing) -> list[str]:
    """How small a difference may be and yet be found, where that can be said."""
    if stands.resolvable is None or not stands.resolvable[1]:
        return []
    low, high = stands.resolvable
    if high <= 1.5 * low:
        return [f"Differences of {_number(table, stands.metric, high)} or more are found here in 4 of 5 cases."]
    ends = [_number(table, stands.metric, end) for end in (low, high)]
    between = f"{ends[0]} between the steadiest two rows, {ends[1]} between the least steady"
    return [f"In 4 of 5 cases a difference is found of at least {between}."]


def _leaders(table: Table, stands: Standing) -> str:
    """`a is best: ...`; `a leads (...), and is not surely better than b`; `a and b are equivalent within 0.05 dB`."""
    first = [number for number in stands.order if stands.bands[number] == 0]
    metric, best = stands.metric, first[0]
    value = _score(table, stands.places[best], metric)
    if len(first) == 1:
        others = [number for number in (stands.reference, *stands.order) if number not in (None, best)]
        against = f", {_against(table, stands, best, others[0])}" if others and others[0] is not None else ""
        return f"{_label(table, stands, best)} is best: {value}{against}"
    names = listed([_label(table, stands, number) for number in first])
    inside = {str(stands.verdicts[one, other]) for one in first for other in first if one != other}
    if inside == {"e"}:
        return f"{names} are equivalent within {stands.margin:g}{_unit(table, metric)} ({value}), and lead"
    rest = listed([_label(table, stands, number) for number in first[1:]])
    return f"{_label(table, stands, best)} leads ({value}), and is not surely better than {rest}"


def _label(table: Table, stands: Standing, number: int) -> str:
    return table.labels[stands.places[number]]


def _against(table: Table, stands: Standing, one: int, other: int) -> str:
    """`+0.35 dB [+0.28, +0.42] against bicubic`."""
    difference, half, _ = stands.between(one, other)
    digits = fact(table.rows, stands.metric).get("digits", 4)
    low, high = (signed(difference + side * half, digits) for side in (-1, 1))
    unit = _unit(table, stands.metric)
    return f"{signed(difference, digits)}{unit} [{low}, {high}] against {table.labels[stands.places[other]]}"


def _row(table: Table, place: int, metric: str) -> str:
    return f"{table.labels[place]} ({_score(table, place, metric)})"


def _score(table: Table, place: int, metric: str) -> str:
    return _number(table, metric, table.rows[place].score(metric) or 0.0)


def _number(table: Table, metric: str, value: float) -> str:
    return f"{text_of(table.rows, metric, value)}{_unit(table, metric)}"


def _unit(table: Table, metric: str) -> str:
    unit = fact(table.rows, metric).get("unit")
    return f" {visible(unit)}" if unit else ""


def _metric(name: str) -> str:
    return visible(name).upper()


def _of_weights(table: Table, stands: Standing) -> str:
    """What some rows do not speak of."""
    if all(table.rows[place].claim != "weights" for place in stands.places):
        return ""
    return " Rows of fewer than three seeds speak of these weights, not of the method."
