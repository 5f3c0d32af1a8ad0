"""Which rows stand in the two planes of a table, by which quantities: perception by distortion, quality by cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gan_bench.benchmark.page.charts import Axis, Plane, Point, plane
from gan_bench.benchmark.page.tables import order
from gan_bench.benchmark.page.text import COSTS, TIMES, Json, cut, esc, known, machine, name_of
from gan_bench.benchmark.scores import DISTORTION, PERCEPTION, foremost

__all__ = ["cost_plane", "figure", "quality_plane"]

DRAWN = 100  # points of a plane without the script
NAMED = 6  # rows that are not drawn, and said by name
Triples = Mapping[int, tuple[float, float, float]]  # by row: low, value, high
_KEYS = (
    ("method", '<circle r="5"/>', "method"),
    ("weights", '<path d="M0 -6.5l6.5 6.5l-6.5 6.5l-6.5 -6.5z"/>', "these weights"),
    ("fixed", '<path d="M-4.5 -4.5h9v9h-9z"/>', "nothing learnt"),
)


def figure(chart: Plane, i: int, kind: str) -> str:
    """The plane with its title, its key and where its numbers are; `i` is the table's place, `kind` begins the ids."""
    picture = plane(chart, f"t{i}-{kind}")
    drawn = picture or '<p class="nothing">Too few rows have both numbers.</p>'
    words = "The line is the Pareto front: no row is better in both numbers than a row on it. Numbers: the table above."
    if len(chart.points) == DRAWN:
        words += f" Drawn without the script: the first {DRAWN} rows."
    keys = "".join(
        f'<li class="{claim}"><svg viewBox="-8 -8 16 16" aria-hidden="true">{shape}</svg>{word}</li>'
        for claim, shape, word in _KEYS
    )
    head = f'<h3>{esc(chart.title)}</h3><div class="slot pick"></div>'
    hidden = "" if picture else " hidden"
    missing = f'<span class="missing">{esc(_missing(chart.missing))}</span>'
    caption = f'<figcaption{hidden}><ul class="keys">{keys}</ul>{words} {missing}</figcaption>'
    return f'<figure class="chart" data-kind="{kind}">{head}<div class="drawn">{drawn}</div>{caption}</figure>'


def _missing(labels: Sequence[str]) -> str:
    """Which rows are not drawn, and why; empty for none."""
    if not labels:
        return ""
    shown = [cut(label, 40) for label in labels[:NAMED]]
    shown += [f"{len(labels) - NAMED:,} more"] if len(labels) > NAMED else []
    return f"Not drawn, without both numbers: {', '.join(shown)}."


def quality_plane(table: Json) -> Plane:
    """Distortion across, perception up; without points where the table has not both."""
    x, y = _pick(table, DISTORTION), _pick(table, PERCEPTION)
    if not x or not y:
        return Plane("Perception against distortion", Axis("", True), Axis("", True))
    found = _points(table, _values(table, x), _values(table, y))
    return Plane(f"{name_of(y['name'])} against {name_of(x['name'])}", _axis(x), _axis(y), *found)


def cost_plane(table: Json) -> Plane:
    """The primary metric against the first cost that two rows or more have, and not all as nought."""
    lead = next((metric for metric in table["metrics"] if metric["primary"]), None)
    for cost, (_, _, words) in COSTS.items():
        if lead is None:
            break
        points, missing = _points(table, _costs(table, cost), _values(table, lead))
        if len(points) > 1 and any(point.x[1] for point in points):
            axis = Axis(words[0].upper() + words[1:], False, None, True)
            return Plane(f"{name_of(lead['name'])} against {words}", axis, _axis(lead), points, missing)
    return Plane("Quality against cost", Axis("", True), Axis("", True))


def _costs(table: Json, cost: str) -> Triples:
    """Times are of the first machine that has any: those of others are no match for them."""
    rows = table["rows"]
    found = {i: row["cost"].get(cost) for i, row in enumerate(rows)}
    known_ones = {i: float(value) for i, value in found.items() if known(value) and value >= 0}
    if cost in TIMES:
        one = next((machine(rows[i]) for i in known_ones), "")
        known_ones = {i: value for i, value in known_ones.items() if machine(rows[i]) == one}
    return {i: (value, value, value) for i, value in known_ones.items()}


def _values(table: Json, metric: Json) -> Triples:
    found = {}
    for i, row in enumerate(table["rows"]):
        score = row["scores"].get(metric["name"]) or {}
        mean = score.get("mean")
        if known(mean):
            ends = known(score["low"]) and known(score["high"])
            found[i] = (score["low"], mean, score["high"]) if ends else (mean, mean, mean)
    return found


def _axis(metric: Json) -> Axis:
    unit = f" ({metric['unit']})" if metric["unit"] else ""
    return Axis(name_of(metric["name"]) + unit, metric["higher"], metric["digits"], False, not metric["higher"])


def _points(table: Json, x: Triples, y: Triples) -> tuple[list[Point], list[str]]:
    """What is drawn, and the labels of the rows that have not both quantities."""
    rows = table["rows"]
    both = [i for i in order(table) if i in x and i in y]
    missing = [str(rows[i]["label"]) for i in order(table) if not (i in x and i in y)]
    return [Point(i, rows[i]["label"], rows[i]["claim"], x[i], y[i]) for i in both[:DRAWN]], missing


def _pick(table: Json, kind: Sequence[str]) -> Json | None:
    """The foremost metric of a kind, of those with values in two rows."""
    metrics: dict[str, Json] = {one["name"]: one for one in table["metrics"] if len(_values(table, one)) > 1}
    return next((metrics[name] for name in foremost(metrics, kind)), None)
