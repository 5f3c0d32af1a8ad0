"""The section of one table: the answer, the table with its notes, its planes, crops, rows in detail and protocol."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from gan_bench.benchmark.page.details import explained
from gan_bench.benchmark.page.planes import cost_plane, figure, quality_plane
from gan_bench.benchmark.page.tables import Notes, footnotes, main, order
from gan_bench.benchmark.page.text import Json, cut, esc, joined, known, name_of, number, tag
from gan_bench.benchmark.words import plural, visible

__all__ = ["board"]

NAMED = 200  # images whose names are told
_RANKS = (
    "<b>Bold</b> is the best of its column among ranked rows.",
    "<b>1–3</b>: the rank lies between 1 and 3; rows of one shade are tied.",
)


def board(table: Json, i: int, each: int) -> str:
    """The section of the table at place `i`; `each` of its rows, from the top, are explained without the script."""
    notes = Notes(f"t{i}n")
    grid = main(table, i, notes, each)
    planes = figure(quality_plane(table), i, "plane") + figure(cost_plane(table), i, "cost")
    parts = [
        f'<p class="kicker">{esc(table["title"])}</p><h2 id="t{i}-name">{esc(table["name"])}</h2>',
        _answer(table),
        f'<div class="slot" id="t{i}-controls"></div>',
        grid,
        _legend(table),
        footnotes(notes),
        _below(table),
        f'<div class="charts">{planes}</div>',
        f'<div class="slot" id="t{i}-compare"></div>',
        _crops(table, i),
        explained(table, i, order(table)[:each]) if each else "",
        _protocol(table, i),
    ]
    return f'<section class="board" id="t{i}" aria-labelledby="t{i}-name">{"".join(parts)}</section>'


def _answer(table: Json) -> str:
    """The first sentence large, the others under it."""
    units = [str(metric["unit"]) for metric in table["metrics"]]
    first, *rest = re.split(r"(?<=[.!?])\s+(?=\S)", visible(table["answer"]), maxsplit=1)
    lines = [tag("p", joined(esc(first), units), class_="answer")]
    return "".join([*lines, *(tag("p", joined(esc(more), units), class_="more") for more in rest)])


def _legend(table: Json) -> str:
    """How to read the table, under it."""
    notes: dict[str, list[str]] = {}
    for metric in table["metrics"]:
        if metric["note"]:
            notes.setdefault(metric["note"], []).append(esc(name_of(metric["name"])))
    words = [
        *(_RANKS if any(row["rank"] is not None for row in table["rows"]) else ()),
        '<b>±</b> is half of the 95\u00a0% interval of <span class="of">a method’s mean over its seeds</span>.',
        "Speeds are compared within one machine only; the fastest ranked row is marked where it leads by 10\u00a0%.",
        _finest(table["metrics"]),
        *(f"{', '.join(names)}: {esc(note)}." for note, names in notes.items()),
    ]
    return f'<p class="legend">{" ".join(filter(None, words))}</p>'


def _finest(metrics: Sequence[Json]) -> str:
    """How small a difference may be and yet be found; empty where that is not known of any metric."""
    sizes = [_size(metric) for metric in metrics if known(metric["resolvable"])]
    if not sizes:
        return ""
    if len(sizes) == 1:
        return f"A difference of <b>{sizes[0]}</b> or more is found in 4 of 5 cases between any two rows."
    told = "A difference of this size or more is found in 4 of 5 cases between any two rows"
    return f"{told}: <b>{', '.join(sizes)}</b>."


def _size(metric: Json) -> str:
    size = f"{name_of(metric['name'])} {number(metric['resolvable'], metric['digits'])} {metric['unit']}"
    return joined(esc(size.rstrip()), [str(metric["unit"])])


def _below(table: Json) -> str:
    if not table["below"]:
        return ""
    items = "".join(f"<li><b>{esc(cut(one['label'], 80))}</b> {esc(one['why'])}</li>" for one in table["below"])
    return f'<div class="below"><h3>In this setting, and not in the table</h3><ul>{items}</ul></div>'


def _crops(table: Json, i: int) -> str:
    """All crops as plain pictures, one line for each image: the script takes them from here."""
    if not table["crops"]:
        return ""
    rows = {row["id"]: (str(place), str(row["label"])) for place, row in enumerate(table["rows"])}
    sheets = "".join(_sheet(crop, n, rows) for n, crop in enumerate(table["crops"]))
    summary = "<summary>All crops side by side</summary>"
    return f'<details class="crops" id="t{i}-crops" open>{summary}{sheets}</details>'


def _sheet(crop: Json, n: int, rows: Mapping[str, tuple[str, str]]) -> str:
    shown = [("lq", "input, enlarged", crop["lq"]), ("gt", "ground truth", crop["gt"])]
    shown += [(*rows[row], data) for row, data in crop["restored"].items() if row in rows]
    figures = "".join(
        f'<figure data-k="{key}"><img src="{esc(data)}" alt="{esc(crop["image"])}: {esc(cut(label, 60))}">'
        f"<figcaption>{esc(cut(label, 60))}</figcaption></figure>"
        for key, label, data in shown
        if _picture(data)
    )
    named = {"tabindex": 0, "role": "region", "aria_label": f"Crops of {crop['image']}"}
    return f"<h4>{esc(crop['image'])}</h4>" + tag("div", figures, class_="sheet", data_c=n, **named)


def _picture(data: str | None) -> bool:
    """Whether it is an image in the page itself: nothing else becomes a source."""
    return bool(data and re.fullmatch(r"data:image/(webp|png|jpeg);base64,[A-Za-z0-9+/=]+", data))


def _protocol(table: Json, i: int) -> str:
    names = table["images"]
    items = "".join(f"<div><dt>{esc(name)}</dt><dd>{esc(value)}</dd></div>" for name, value in table["protocol"])
    notes = tag("ul", "".join(tag("li", esc(note)) for note in table["notes"])) if table["notes"] else ""
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    images = f"<p>{plural(len(names), 'image')}: {', '.join(map(esc, names[:NAMED]))}{more}</p>"
    summary = "<summary>Protocol and images of this table</summary>"
    return f'<details class="protocol" id="t{i}-protocol">{summary}<dl>{items}</dl>{notes}{images}</details>'
