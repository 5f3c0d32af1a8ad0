"""The tables of the page as markup, complete without script: rows by metric, models by degradation, matrices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from gan_bench.benchmark.page.charts import apart, rank_bar, strip
from gan_bench.benchmark.page.text import (
    COSTS,
    Json,
    breakable,
    claim_words,
    cut,
    esc,
    known,
    machine,
    name_of,
    number,
    short,
    signed,
    tag,
)
from gan_bench.benchmark.words import duration

__all__ = ["Notes", "best", "bounds", "cost_words", "footnotes", "heat", "main", "matrix", "order"]

DRAWN = 200  # rows whose strip and bar are drawn without the script
AHEAD = 1.1  # times as long takes the next row, at least, where a row is called the fastest


class Notes:
    """Footnotes of one table: equal texts have one number."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.numbers: dict[str, int] = {}

    def link(self, text: str, word: str = "") -> str:
        """A link to the note, which a keyboard reaches."""
        place = self.numbers.setdefault(text, len(self.numbers) + 1)
        return f'<a class="fn" href="#{self.prefix}{place}">{word}<sup>{place}</sup></a>'


def order(table: Json) -> list[int]:
    """The places of the rows as the document has them, but what has no rank at the end."""
    return sorted(range(len(table["rows"])), key=lambda place: table["rows"][place]["rank"] is None)


def bounds(table: Json, metric: Json) -> tuple[float, float] | None:
    """The least and the largest number of a metric's column, intervals and seeds with it; None without any."""
    scores = [row["scores"].get(metric["name"], {}) for row in table["rows"]]
    values = [v for s in scores if known(s.get("mean")) for v in (s["mean"], s["low"], s["high"], *s["seeds"])]
    found = [float(v) for v in values if known(v)]
    return (min(found), max(found)) if found else None


def best(table: Json, metric: Json) -> str | None:
    """The best number of the ranked rows as it is printed: all rows that print it share the mark."""
    means = [row["scores"].get(metric["name"], {}).get("mean") for row in table["rows"] if row["rank"] is not None]
    found = [mean for mean in means if known(mean)]
    return number((max if metric["higher"] else min)(found), metric["digits"]) if found else None


def main(table: Json, index: int, notes: Notes, detailed: int) -> str:
    """The table of one suite cell: ranked rows, then what is not ranked, then what others published.

    Args:
        table: of the document.
        index: its place in the document.
        notes: gets the reasons of what is missing.
        detailed: how many rows, from the top, have a section of details to link to.
    """
    lead = next((metric for metric in table["metrics"] if metric["primary"]), None)
    heads = _heads(table, lead)
    places = order(table)
    facts = _Facts(table, index, lead, notes)
    lines = [(i, facts.row(i, place < detailed, place < DRAWN)) for place, i in enumerate(places)]
    ranked = "".join(line for i, line in lines if table["rows"][i]["rank"] is not None)
    others = "".join(line for i, line in lines if table["rows"][i]["rank"] is None)
    wide = len(table["metrics"]) + 3 + len(COSTS)
    bodies = tag("tbody", ranked, class_="ranked")
    if others:
        bodies += tag("tbody", _divider("Below the line: not ranked", wide) + others, class_="unranked")
    if table["quoted"]:
        words = "Quoted from papers: other protocols, other images, never ranked"
        bodies += tag(
            "tbody", _divider(words, wide) + "".join(_quoted(q, table) for q in table["quoted"]), class_="quoted"
        )
    by = f", ranked by {name_of(lead['name'])}" if lead and ranked else ""
    caption = tag("caption", f"{esc(table['name'])}{esc(by)}", id=f"t{index}-caption")
    whole = tag("table", caption + tag("thead", tag("tr", heads)) + bodies, class_="main", id=f"t{index}-table")
    return tag("div", whole, class_="scroll", tabindex=0, role="region", aria_labelledby=f"t{index}-caption")


def _heads(table: Json, lead: Json | None) -> str:
    cells = [tag("th", "Rank", scope="col", data_k="rank", class_="rank", aria_sort="ascending")]
    cells.append(tag("th", "Method", scope="col", data_k="label", class_="lab"))
    ends = bounds(table, lead) if lead else None
    scale = ""
    if lead and ends:
        told = "".join(tag("span", end) for end in apart(*ends, lead["digits"]))
        scale = f'<span class="ends">{told}</span>'
    words = f"{esc(name_of(lead['name']))} interval" if lead else "Interval"
    cells.append(tag("th", f'<span class="t">{words}</span>{scale}', scope="col", class_="strip"))
    for metric in table["metrics"]:
        arrow, way = ("↑", "higher is better") if metric["higher"] else ("↓", "lower is better")
        unit = f"{esc(metric['unit'])} " if metric["unit"] else ""
        words = f'{esc(name_of(metric["name"]))}<span class="u">{unit}<span aria-hidden="true">{arrow}</span>'
        cells.append(
            tag("th", f'{words}<span class="vh">{way}</span></span>', scope="col", data_k=metric["name"], class_="n")
        )
    cells += [
        tag("th", f'{esc(word)}<span class="u">{esc(unit)}</span>', scope="col", data_k=name, class_="n", title=more)
        for name, (word, unit, more) in COSTS.items()
    ]
    return "".join(cells)


def _divider(words: str, wide: int) -> str:
    """The words stay at the left end where the table scrolls."""
    return f'<tr class="divider"><th colspan="{wide}" scope="colgroup"><span>{esc(words)}</span></th></tr>'


class _Facts:
    """What the cells of all rows of one table share."""

    def __init__(self, table: Json, index: int, lead: Json | None, notes: Notes) -> None:
        self.table, self.index, self.lead, self.notes = table, index, lead, notes
        self.best = {metric["name"]: best(table, metric) for metric in table["metrics"]}
        self.ends = bounds(table, lead) if lead else None
        bands = Counter(row["band"] for row in table["rows"] if row["band"] is not None)
        self.tied = {band for band, times in bands.items() if times > 1}
        self.fastest = _fastest(table)

    def row(self, i: int, detailed: bool, drawn: bool) -> str:
        row = self.table["rows"][i]
        label = breakable(cut(row["label"], 80))
        name = f'<a href="#t{self.index}d{i}">{label}</a>' if detailed else f"<span>{label}</span>"
        claim = f'<span class="claim {esc(row["claim"])}">{esc(claim_words(row))}</span>'
        why = f'<span class="why">{esc(row["why"])}</span>' if row["why"] else ""
        cells = [self._rank(row, drawn), f'<th scope="row" class="lab">{name}{claim}{why}</th>']
        cells.append(f'<td class="strip">{self._strip(row) if drawn else ""}</td>')
        cells += [self._score(row, metric) for metric in self.table["metrics"]]
        cells += [self._cost(row, cost) for cost in COSTS]
        band = "" if row["band"] is None else f' class="b{row["band"] % 2}"'
        return f'<tr id="t{self.index}r{i}"{band}>{"".join(cells)}</tr>'

    def _rank(self, row: Json, drawn: bool) -> str:
        if row["rank"] is None:
            return '<td class="rank"><span class="vh">not ranked</span><span aria-hidden="true">–</span></td>'
        low, high = row["rank"]
        words = str(low) if low == high else f"{low}–{high}"
        tied = '<span class="tie">tied</span>' if row["band"] in self.tied else ""
        bar = rank_bar(low, high, len(self.table["rows"])) if drawn else ""
        return f'<td class="rank"><b>{words}</b>{tied}{bar}</td>'

    def _strip(self, row: Json) -> str:
        score = row["scores"].get(self.lead["name"], {}) if self.lead else {}
        if not self.ends or not known(score.get("mean")):
            return ""
        ends = (score["low"], score["high"]) if known(score["low"]) and known(score["high"]) else None
        return strip(*self.ends, score["mean"], score["seeds"], ends)

    def _score(self, row: Json, metric: Json) -> str:
        score = row["scores"].get(metric["name"]) or {"mean": None, "note": ""}
        if not known(score["mean"]):
            return f'<td class="n">{self.notes.link(score["note"] or "not measured", "n/a")}</td>'
        text = number(score["mean"], metric["digits"])
        half = ""
        if known(score["low"]) and known(score["high"]):
            half = f"<small>±{number((score['high'] - score['low']) / 2, metric['digits'])}</small>"
        mark = self.notes.link(score["note"]) if score["note"] else ""
        if text == self.best[metric["name"]] and row["rank"] is not None:
            text = f'<strong>{text}<span class="vh"> best</span></strong>'
        return f'<td class="n">{text}{mark}{half}</td>'

    def _cost(self, row: Json, cost: str) -> str:
        words = cost_words(row, cost)
        if cost == "ms_per_megapixel" and row["id"] in self.fastest:
            words = f'<strong>{words}<span class="vh"> fastest on this machine</span></strong>'
        return f'<td class="n">{words}</td>'


def _fastest(table: Json) -> set[str]:
    """The ids of the rows that are the fastest ranked ones of their machine, by more than timing can err."""
    by: dict[str, list[tuple[float, str]]] = {}
    for row in table["rows"]:
        speed = row["cost"].get("ms_per_megapixel")
        if known(speed) and machine(row) and row["rank"] is not None:
            by.setdefault(machine(row), []).append((speed, row["id"]))
    leading = (sorted(rows)[:2] for rows in by.values() if len(rows) > 1)
    return {first for (least, first), (second, _) in leading if second >= AHEAD * least}


def cost_words(row: Json, cost: str) -> str:
    """One cost of a row, as markup; a dash where it is unknown."""
    value = row["cost"].get(cost)
    if not known(value):
        return '<span class="vh">unknown</span><span aria-hidden="true">–</span>'
    return esc(duration(value) if cost == "training_seconds" else short(value))


def _quoted(quoted: Json, table: Json) -> str:
    source = f'<span class="why">{esc(quoted["source"])}; {esc(quoted["protocol"])}</span>'
    cells = ['<td class="rank"><span class="tie">quoted</span></td>']
    cells += [f'<th scope="row" class="lab"><span>{esc(quoted["label"])}</span>{source}</th><td class="strip"></td>']
    for metric in table["metrics"]:
        value = quoted["scores"].get(metric["name"])
        cells.append(f'<td class="n">{number(value, metric["digits"]) if known(value) else "–"}</td>')
    return tag("tr", "".join(cells) + "<td></td>" * len(COSTS))


def footnotes(notes: Notes) -> str:
    """The reasons behind the small numbers."""
    if not notes.numbers:
        return ""
    items = (f'<li id="{notes.prefix}{n}" tabindex="-1">{esc(text)}</li>' for text, n in notes.numbers.items())
    return tag("ol", "".join(items), class_="notes")


def heat(grid: Json, links: Json, references: Mapping[str, str], index: int) -> str:
    """Degradation by model: numbers in cells whose shade is the difference from the reference of their column.

    Args:
        grid: of the document's `heat`.
        links: from a table's id to the fragment of its section.
        references: from a table's id to the label of its own reference, where it has one.
        index: of the grid.
    """
    grid, base = _compared(grid, references)
    size = max((abs(c["difference"]) for r in grid["rows"] for c in r["cells"] if known(c["difference"])), default=0.0)
    arrow = "higher is better" if grid["higher"] else "lower is better"
    unit = f" in {esc(grid['unit'])}" if grid["unit"] else ""
    under = f"; under it the difference from {base}" if base else ""
    words = f"{esc(grid['title'])}: {esc(name_of(grid['metric']))}{unit}, {arrow}{under}"
    heads = "".join(
        tag("th", f'<a href="{esc(links.get(c["table"], "#main"))}">{esc(c["name"])}</a>', scope="col")
        for c in grid["columns"]
    )
    lines = []
    for row in grid["rows"]:
        cells = "".join(_heat_cell(cell, grid, size) for cell in row["cells"])
        lines.append(tag("tr", tag("th", breakable(cut(row["label"], 60)), scope="row") + cells))
    head = tag("thead", tag("tr", '<th scope="col">model</th>' + heads))
    caption = tag("caption", words, id=f"heat{index}-caption")
    whole = tag("table", caption + head + tag("tbody", "".join(lines)), class_="heat")
    box = tag("div", whole, class_="scroll", tabindex=0, role="region", aria_labelledby=f"heat{index}-caption")
    return box + _shades(grid, base)


def _compared(grid: Json, references: Mapping[str, str]) -> tuple[Json, str]:
    """The grid without differences from what cannot be named, and the name of what the others are from."""
    names = [references.get(column["table"], "") for column in grid["columns"]]
    lines = [
        [cell if name else {**cell, "difference": None} for cell, name in zip(row["cells"], names, strict=True)]
        for row in grid["rows"]
    ]
    used = (name for line in lines for cell, name in zip(line, names, strict=True) if known(cell["difference"]))
    found = list(dict.fromkeys(used))
    several = f"the reference of each table ({', '.join(esc(cut(name, 40)) for name in found)})"
    base = esc(cut(found[0], 40)) if len(found) == 1 else several if found else ""
    return {**grid, "rows": [{**row, "cells": line} for row, line in zip(grid["rows"], lines, strict=True)]}, base


def _shades(grid: Json, base: str) -> str:
    """What the shades of the cells mean, of those that are there."""
    steps = [("m4", f"worse than {base}"), ("m2", ""), ("h0", "equal"), ("p2", ""), ("p4", "better")] if base else []
    steps += [("none", "not run")] if any(not known(c["value"]) for row in grid["rows"] for c in row["cells"]) else []
    items = "".join(f'<li class="{step}">{word}</li>' for step, word in steps)
    return f'<ul class="scale" aria-label="Shades">{items}</ul>' if items else ""


def _heat_cell(cell: Json, grid: Json, size: float) -> str:
    if not known(cell["value"]):
        return '<td class="none"><span>not run</span></td>'
    text, shade = number(cell["value"], grid["digits"]), "h0"
    if known(cell["difference"]):
        gain = cell["difference"] if grid["higher"] else -cell["difference"]
        step = min(4, round(4 * abs(gain) / size)) if size else 0
        shade = "h0" if not step else f"{'p' if gain > 0 else 'm'}{step}"
        text += f"<small>{signed(cell['difference'], grid['digits'])}</small>"
    return f'<td class="{shade}">{text}</td>'


def matrix(grid: Json, name: str) -> str:
    """Rows and columns as they are given; the best of a column is bold, what was judged on its own training is framed.

    Args:
        grid: head, columns, rows of cells, notes.
        name: with which its ids begin.
    """
    heads = f'<th scope="col">{esc(grid["head"])}</th>' + "".join(
        tag("th", esc(c), scope="col") for c in grid["columns"]
    )
    lines = "".join(
        tag(
            "tr",
            tag("th", breakable(row["label"]), scope="row")
            + "".join(_matrix_cell(cell, name) for cell in row["cells"]),
        )
        for row in grid["rows"]
    )
    caption = tag("caption", esc(grid["title"]), id=f"{name}-caption")
    whole = tag("table", caption + tag("thead", tag("tr", heads)) + tag("tbody", lines), class_="heat matrix")
    notes = "".join(_items(grid["notes"], f"{name}n"))
    box = tag("div", whole, class_="scroll", tabindex=0, role="region", aria_labelledby=f"{name}-caption")
    return box + (tag("ol", notes, class_="notes") if notes else "")


def _items(notes: Iterable[Any], prefix: str) -> Iterable[str]:
    return (tag("li", esc(note), id=f"{prefix}{i}") for i, note in enumerate(notes, 1))


def _matrix_cell(cell: Json, name: str) -> str:
    text = esc(cell["text"])
    if cell["best"]:
        text = f'<strong>{text}<span class="vh"> best</span></strong>'
    if cell["own"]:
        text += '<span class="vh"> own training</span>'
    if cell["note"]:
        text += f'<a class="fn" href="#{name}n{int(cell["note"])}"><sup>{int(cell["note"])}</sup></a>'
    return f'<td class="{"own" if cell["own"] else ""}">{text}</td>'
