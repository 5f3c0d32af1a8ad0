"""The page's markup, whole and self-contained: sections in the order of reading, style, script, and their hashes."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from gan_bench.benchmark.page.board import board
from gan_bench.benchmark.page.data import embedded
from gan_bench.benchmark.page.tables import heat, matrix
from gan_bench.benchmark.page.text import Json, cut, esc, tag
from gan_bench.benchmark.words import plural

__all__ = ["assemble", "shell"]

HERE = Path(__file__).parent
DETAILED, OF_MANY = 48, 16  # rows of the page that are explained without the script; of more than MANY
MANY = 200
_EARLY = """const e=document.documentElement;e.classList.add("js");try{const t=localStorage.getItem("gan-bench-theme");
if(t==="light"||t==="dark")e.dataset.theme=t}catch{}"""


@cache
def shell() -> tuple[str, str]:
    """Style and script of the page, as they stand in it."""
    return _file("page.css"), _file("page.js")


def assemble(document: Json, detailed: int | None, said: str) -> str:
    """The whole page.

    Args:
        document: as the contract of `render` has it.
        detailed: of how many rows of each table the script can tell the provenance; None for all.
        said: what was left out to keep the page small; empty for nothing.
    """
    style, script = shell()
    parts = [
        f'<!doctype html>\n<html lang="en"><head>{_head(style, script)}</head>\n<body>',
        _header(document),
        _main(document),
        _footer(document, said),
        _file("pieces/dialogs.html"),
        f'<script type="application/json" id="data">{embedded(document, detailed)}</script>',
        f"<script>{script}</script></body></html>\n",
    ]
    return "\n".join(parts)


@cache
def _file(name: str) -> str:
    return (HERE / name).read_text("utf-8").strip()


def _head(style: str, script: str) -> str:
    """Nothing may be loaded, and only this style and these scripts may run."""
    rules = {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": _hash(style),
        "script-src": f"{_hash(_EARLY)} {_hash(script)}",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    policy = "; ".join(f"{kind} {values}" for kind, values in rules.items())
    return (
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><title>gan-bench leaderboard</title>'
        f"<script>{_EARLY}</script><style>{style}</style>"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _header(document: Json) -> str:
    rows = sum(len(table["rows"]) for table in document["tables"])
    counts = ((document["counts"]["results"], "result"), (rows, "row"), (document["counts"]["tables"], "table"))
    facts = [plural(number, noun) for number, noun in counts]
    facts += [f"code {', '.join(document['code'])}"] if document["code"] else []
    facts += [f"newest {document['newest']}"] if document["newest"] else []
    items = "".join(tag("li", esc(fact)) for fact in facts)
    title = '<h1><span class="mark" aria-hidden="true"></span>gan-bench <span>leaderboard</span></h1>'
    tools = _tool("help", "?", "Keys", "") + _tool("theme", "◐", "Dark", ' aria-pressed="false"')
    inside = f'{title}<ul class="facts">{items}</ul><div class="tools">{tools}</div>'
    skip = '<a class="skip" href="#main">To the results</a>'
    return f'{skip}<header class="top"><div class="wrap">{inside}</div></header>'


def _tool(name: str, sign: str, word: str, more: str) -> str:
    words = f'<span aria-hidden="true">{sign}</span><span>{word}</span>'
    return f'<button type="button" id="{name}" class="js-only icon"{more}>{words}</button>'


def _main(document: Json) -> str:
    tables = document["tables"]
    many = sum(len(table["rows"]) for table in tables) > MANY
    each = max(2, (OF_MANY if many else DETAILED) // max(1, len(tables)))
    parts = [_nav(tables)] if len(tables) > 1 else []
    parts += [board(table, i, min(each, len(table["rows"]))) for i, table in enumerate(tables)]
    parts.append(_file("pieces/controls.html") if tables else _NOTHING)
    parts += [_overall(document["overall"]), _grids(document), _trust(document)]
    return f'<main id="main" class="wrap" tabindex="-1">{"".join(parts)}</main>'


_NOTHING = (
    '<section class="board"><h2>Nothing to compare</h2><p class="answer">There are no results yet.</p>'
    '<p class="more">A training run writes one, and so does <code>gan-bench benchmark</code>.</p></section>'
)


def _nav(tables: Sequence[Json]) -> str:
    links = "".join(
        tag("li", tag("a", esc(cut(table["name"], 60)), href=f"#t{i}", data_i=i, aria_current=None if i else "true"))
        for i, table in enumerate(tables)
    )
    return f'<nav class="tabs" aria-label="Tables"><ul>{links}</ul></nav>'


def _overall(grids: Sequence[Json]) -> str:
    """What holds over all sets of a suite."""
    if not grids:
        return ""
    parts = [f'<p class="lead">{esc(grid["answer"])}</p>{matrix(grid, f"overall{i}")}' for i, grid in enumerate(grids)]
    title = '<h2 id="overall-name">Across data sets</h2>'
    return f'<section class="grids" aria-labelledby="overall-name">{title}{"".join(parts)}</section>'


def _grids(document: Json) -> str:
    links = {table["id"]: f"#t{i}" for i, table in enumerate(document["tables"])}
    references = {
        table["id"]: str(row["label"])
        for table in document["tables"]
        for row in table["rows"]
        if row["id"] == table["reference"]
    }
    parts = [heat(grid, links, references, i) for i, grid in enumerate(document["heat"])]
    if document["matrices"]:
        parts.append("<h3>Trained on, judged on</h3>")
        parts += [matrix(grid, f"matrix{i}") for i, grid in enumerate(document["matrices"])]
        words = "<b>Bold</b> is the best of its column; framed cells were judged on what they were trained on."
        parts.append(f'<p class="legend">{words}</p>')
    if not parts:
        return ""
    title = '<h2 id="grids-name">Across degradations</h2>'
    return f'<section class="grids" aria-labelledby="grids-name">{title}{"".join(parts)}</section>'


def _trust(document: Json) -> str:
    items = "".join(_left(one) for one in document["left_out"])
    left = f"<ul>{items}</ul>" if items else "<p>Nothing: every result that was found is on this page.</p>"
    return _file("pieces/trust.html").replace("<!--left-->", left)


def _left(one: Json) -> str:
    files = ", ".join(esc(name) for name in one["files"])
    return f"<li><b>{plural(one['count'], 'file')}</b>: {esc(one['reason'])} <small>{files}</small></li>"


def _footer(document: Json, said: str) -> str:
    words = " ".join(filter(None, (esc(document["fits"]), esc(said))))
    csv = "All numbers, unrounded: <code>leaderboard.csv</code> beside this page."
    last = "One file that asks nothing of the network, made by gan-bench from results and from nothing else."
    return f'<footer class="wrap"><p>{words} {csv}</p><p>{last}</p></footer>'
