"""Charts as static SVG: the planes of two quantities, the strips and bars of a table's rows, the dots of seeds.

`page.js` draws the planes by the same geometry and the same words; `test_page_in_chromium.py` holds the two together.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gan_bench.benchmark.page.text import cut, esc, number, short, tag

__all__ = ["Axis", "Plane", "Point", "apart", "dots", "front", "plane", "rank_bar", "strip"]

WIDTH, HEIGHT = 560, 380
LEFT, RIGHT, TOP, BOTTOM = 62, 18, 30, 52
STRIP = 120  # units of a strip's width
GAP = 46  # units that nought has to itself at the low end of a logarithmic axis


@dataclass(frozen=True)
class Axis:
    """One quantity of a plane.

    Attributes:
        title: with its unit.
        higher: whether more of it is better.
        digits: of its numbers; None for prefixes (159 k).
        log: whether its scale is logarithmic; no value is then below nought, which has a place apart.
        turned: whether numbers fall along it, so that better is right or up.
    """

    title: str
    higher: bool
    digits: int | None = None
    log: bool = False
    turned: bool = False


@dataclass(frozen=True)
class Point:
    """One row of a plane; `x` and `y` are (low, value, high)."""

    row: int
    label: str
    claim: str
    x: tuple[float, float, float]
    y: tuple[float, float, float]


@dataclass(frozen=True)
class Plane:
    """Rows by two quantities."""

    title: str
    x: Axis
    y: Axis
    points: Sequence[Point] = field(default_factory=tuple)
    missing: Sequence[str] = ()  # labels of rows that have not both quantities


class _Scale:
    """From a quantity to units of the drawing."""

    def __init__(self, axis: Axis, values: Iterable[float], start: float, end: float) -> None:
        self.axis = axis
        given = list(values)
        known = [self._bent(value) for value in given if value or not axis.log] or [0.0]
        low, high = min(known), max(known)
        room = 0.08 * (high - low) or (0.3 if axis.log else abs(high) * 0.02 or 1.0)
        self.low, self.high = low - room, high + room
        self.start, self.end = (end, start) if axis.turned else (start, end)
        self.broken = axis.log and not all(given)  # nought has no logarithm: it stands beyond a break of the axis
        if self.broken:
            self.start += math.copysign(GAP, self.end - self.start)

    def _bent(self, value: float) -> float:
        return math.log10(value) if self.axis.log else value

    def __call__(self, value: float) -> float:
        if self.broken and not value:
            return self.start - math.copysign(GAP / 2, self.end - self.start)
        share = (self._bent(value) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        if not self.axis.log:
            return _ticks(self.low, self.high)
        return [0.0] * self.broken + _log_ticks(self.low, self.high)

    def words(self, value: float) -> str:
        """A tick's number, with as many digits as tell it from its neighbours."""
        if self.axis.digits is None:
            small = 0 < value < 0.1
            return (
                number(value, 1 - math.floor(math.log10(value))) if small else re.sub(r"\.0+(?= |$)", "", short(value))
            )
        return number(value, max(0, -math.floor(math.log10(_step(self.low, self.high)) + 1e-9)))


def plane(chart: Plane, name: str) -> str:
    """The whole drawing; `name` begins the ids of its title and description."""
    if len(chart.points) < 2:
        return ""
    x = _Scale(chart.x, (v for point in chart.points for v in point.x), LEFT, WIDTH - RIGHT)
    y = _Scale(chart.y, (v for point in chart.points for v in point.y), HEIGHT - BOTTOM, TOP)
    ahead = front(chart)
    parts = [_grid(chart, x, y), _line(chart, ahead, x, y)]
    parts += [_point(point, x, y, chart) for point in chart.points]
    parts.append(_labels(chart, ahead, x, y))
    leaders = ", ".join(cut(chart.points[i].label, 40) for i in ahead[:12])
    words = f"{len(chart.points)} rows. On the Pareto front: {leaders}. The numbers are in the table above."
    head = tag("title", esc(chart.title), id=f"{name}-title") + tag("desc", esc(words), id=f"{name}-desc")
    return tag("svg", head + "".join(parts), class_="plane", viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img",
               aria_labelledby=f"{name}-title {name}-desc")  # fmt: skip


def front(chart: Plane) -> list[int]:
    """The places of the points that no other beats in both quantities, from worse to better x."""

    def gain(axis: Axis, value: float) -> float:
        return value if axis.higher else -value

    found = [(gain(chart.x, point.x[1]), gain(chart.y, point.y[1]), -i) for i, point in enumerate(chart.points)]
    ahead: list[int] = []
    best = -math.inf
    for _, height, place in sorted(found, reverse=True):
        if height > best:
            ahead.append(-place)
            best = height
    return ahead[::-1]


def rank_bar(low: int, high: int, rows: int) -> str:
    """The interval of a rank on the line of all ranks."""
    wide = 56
    start, end = (low - 1) / rows * wide, high / rows * wide
    start, end = min(start + 2.5, wide - 2.5), max(end - 2.5, 2.5)
    paths = f'<path d="M0 2.5h{wide}"/><path d="M{start:.1f} 2.5h{max(end - start, 0.1):.1f}"/>'
    return f'<svg class="rankbar" viewBox="0 0 {wide} 5" aria-hidden="true">{paths}</svg>'


def strip(low: float, high: float, mean: float, seeds: Sequence[float], ends: tuple[float, float] | None) -> str:
    """A mean, its seeds and its interval on a line from `low` to `high`."""

    def place(value: float) -> str:
        return f"{6 + (value - low) / (high - low or 1) * (STRIP - 12):.1f}"

    whisker = f'<path d="M{place(ends[0])} 7H{place(ends[1])}"/>' if ends else ""
    marks = "".join(f'<path class="seed" d="M{place(seed)} 12v5"/>' for seed in seeds if len(seeds) > 1)
    centre = f'<circle cx="{place(mean)}" cy="7" r="3.5"/>'
    return f'<svg viewBox="0 0 {STRIP} 18" aria-hidden="true">{marks}{whisker}{centre}</svg>'


def apart(low: float, high: float, digits: int) -> list[str]:
    """The ends of a scale in words that differ: with more digits where they need them, one where they are equal."""
    if low == high:
        return [number(low, digits)]
    told = ([number(low, more), number(high, more)] for more in range(digits, digits + 7))
    return next((words for words in told if words[0] != words[1]), [number(low, digits)])


def dots(seeds: Sequence[float], mean: float, words: str) -> str:
    """The seeds of a row as dots, and their mean as a line."""
    low, high = min(*seeds, mean), max(*seeds, mean)

    def place(value: float) -> str:
        return f"{10 + (value - low) / (high - low or 1) * 140:.1f}"

    circles = "".join(f'<circle cx="{place(seed)}" cy="11" r="4"/>' for seed in seeds)
    line = f'<path class="mean" d="M{place(mean)} 2v18"/>'
    return f'<svg class="dots" viewBox="0 0 160 22" role="img" aria-label="{esc(words)}">{line}{circles}</svg>'


def _step(low: float, high: float) -> float:
    rough = (high - low) / 5
    size = float(10 ** math.floor(math.log10(rough)))
    return next(step * size for step in (1, 2, 5, 10) if step * size >= rough * 0.999)


def _ticks(low: float, high: float) -> list[float]:
    step = _step(low, high)
    return [i * step for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    steps = (1, 1.5, 2, 3, 4, 5, 7) if high - low < 0.7 else (1, 2, 5) if high - low < 2.2 else (1,)
    found = [s * 10.0**e for e in range(math.floor(low), math.ceil(high) + 1) for s in steps]
    return [value for value in found if low <= math.log10(value) <= high]


def _grid(chart: Plane, x: _Scale, y: _Scale) -> str:
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts, end = [], -math.inf
    for value in x.ticks():
        at, words = x(value), x.words(value)
        parts.append(f'<path class="grid" d="M{at:.1f} {TOP}V{bottom}"/>')
        if at - 3.2 * len(words) >= end + 8:  # a number without room beside the one before is left out
            end = at + 3.2 * len(words)
            parts.append(f'<text class="tick" x="{at:.1f}" y="{bottom + 17}" text-anchor="middle">{words}</text>')
    if x.broken:
        cut_at = f"M{x.start - 4:.1f} {bottom + 5}l4 -10M{x.start:.1f} {bottom + 5}l4 -10"
        parts.append(
            f'<path class="break" d="M{LEFT} {bottom}H{x.start - 2:.1f}M{x.start + 2:.1f} {bottom}H{right}{cut_at}"/>'
        )
    for value in y.ticks():
        down = y(value)
        parts.append(f'<path class="grid" d="M{LEFT} {down:.1f}H{right}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 8}" y="{down + 4:.1f}" text-anchor="end">{y.words(value)}</text>')
    better = "better →" if chart.x.higher != chart.x.turned else "← better"
    parts.append(f'<text class="axis" x="{LEFT}" y="{HEIGHT - 10}">{esc(chart.x.title)}</text>')
    parts.append(f'<text class="axis better" x="{right}" y="{HEIGHT - 10}" text-anchor="end">{better}</text>')
    parts.append(
        f'<text class="axis" x="{LEFT - 54}" y="16">{esc(chart.y.title)} <tspan class="better">↑ better</tspan></text>'
    )
    return "".join(parts)


def _line(chart: Plane, ahead: Sequence[int], x: _Scale, y: _Scale) -> str:
    """Steps around all that is no better than a point of the front."""
    places = sorted((x(chart.points[i].x[1]), y(chart.points[i].y[1])) for i in ahead)
    if len(places) < 2:
        return ""
    rightwards = chart.x.higher != chart.x.turned
    path = f"M{places[0][0]:.1f} {places[0][1]:.1f}"
    for across, down in places[1:]:
        path += f"V{down:.1f}H{across:.1f}" if rightwards else f"H{across:.1f}V{down:.1f}"
    return f'<path class="front" d="{path}"/>'


def _point(point: Point, x: _Scale, y: _Scale, chart: Plane) -> str:
    across, down = x(point.x[1]), y(point.y[1])
    cross = ""
    if point.x[0] != point.x[2]:
        cross += f"M{min(x(point.x[0]), x(point.x[2])):.1f} {down:.1f}H{max(x(point.x[0]), x(point.x[2])):.1f}"
    if point.y[0] != point.y[2]:
        cross += f"M{across:.1f} {min(y(point.y[0]), y(point.y[2])):.1f}V{max(y(point.y[0]), y(point.y[2])):.1f}"
    error = f'<path class="error" d="{cross}"/>' if cross else ""
    shape = {
        "method": f'<circle cx="{across:.1f}" cy="{down:.1f}" r="5"/>',
        "weights": f'<path d="M{across:.1f} {down - 6.5:.1f}l6.5 6.5l-6.5 6.5l-6.5 -6.5z"/>',
    }.get(point.claim, f'<path d="M{across - 4.5:.1f} {down - 4.5:.1f}h9v9h-9z"/>')
    words = f"{cut(point.label, 60)}: {_said(chart.x, point.x[1])}, {_said(chart.y, point.y[1])}"
    return f'<g class="pt {_class(point.claim)}" data-r="{point.row}"><title>{esc(words)}</title>{error}{shape}</g>'


def _class(claim: str) -> str:
    return claim if claim in ("method", "weights") else "fixed"


def _said(axis: Axis, value: float) -> str:
    return f"{axis.title} {short(value) if axis.digits is None else number(value, axis.digits)}"


def _labels(chart: Plane, ahead: Sequence[int], x: _Scale, y: _Scale) -> str:
    """Names beside their points, those of the front first; a name without room is left out."""
    centres = [(x(point.x[1]), y(point.y[1])) for point in chart.points]
    taken = [(across - 6, down - 6, across + 6, down + 6) for across, down in centres]
    order = [*reversed(ahead), *(i for i in range(len(chart.points)) if i not in set(ahead))][:40]
    parts = []
    for i in order:
        label = cut(chart.points[i].label, 22)
        across, down = centres[i]
        wide = 6.6 * len(label)
        spots = [(across + 8, down - 7, "start"), (across + 8, down + 15, "start"), (across - 8, down - 7, "end"),
                 (across - 8, down + 15, "end")]  # fmt: skip
        for left, base, anchor in spots:
            begin = left - (wide if anchor == "end" else 0)
            area = (begin, base - 10, begin + wide, base + 3)
            inside = area[0] >= LEFT and area[2] <= WIDTH - 4 and area[1] >= TOP - 6 and area[3] <= HEIGHT - BOTTOM
            if inside and not any(_overlap(area, other) for other in taken):
                taken.append(area)
                parts.append(f'<text class="name" data-r="{chart.points[i].row}" x="{left:.1f}" y="{base:.1f}"'
                             f' text-anchor="{anchor}">{esc(label)}</text>')  # fmt: skip
                break
    return "".join(parts)


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
