"""What stands behind one row as markup that needs no script: seeds, provenance in its groups, the two commands."""

from __future__ import annotations

from gan_bench.benchmark.page.charts import dots
from gan_bench.benchmark.page.text import (
    Json,
    claim_words,
    clean,
    cut,
    esc,
    known,
    machine,
    name_of,
    number,
    short,
    tag,
)
from gan_bench.benchmark.words import duration

__all__ = ["detail", "explained"]


def explained(table: Json, index: int, places: list[int]) -> str:
    """The details of the rows at `places`, each folded."""
    lines = "".join(detail(table, index, place) for place in places)
    rest = len(table["rows"]) - len(places)
    more = (
        f"<p>The other {rest:,} rows are explained by the script, or by <code>gan-bench show</code>.</p>"
        if rest
        else ""
    )
    return f'<section class="details nojs"><h3>Behind each row</h3>{lines}{more}</section>'


def detail(table: Json, index: int, place: int) -> str:
    """One row: a number of each metric with its seeds, cost, provenance, commands."""
    row = table["rows"][place]
    summary = f"<summary>{esc(cut(row['label'], 80))} <small>{esc(claim_words(row))}</small></summary>"
    parts = [_seeds(table, row), _cost(row)]
    parts += [f"<h4>{esc(group)}</h4>{_pairs(pairs)}" for group, pairs in row["provenance"]]
    parts += [f"<h4>{word}</h4><pre><code>{_kept(row[name])}</code></pre>" for name, word in _COMMANDS if row[name]]
    return f'<details id="t{index}d{place}">{summary}{"".join(parts)}</details>'


_COMMANDS = (("make", "Make it again"), ("verify", "Check it"))


def _kept(text: str) -> str:
    """A command may have line ends, which `esc` would take for spaces."""
    return "\n".join(esc(line) for line in clean(text).split("\n"))


def _pairs(pairs: list[tuple[str, str]]) -> str:
    return tag("dl", "".join(f"<div><dt>{esc(name)}</dt><dd>{esc(value)}</dd></div>" for name, value in pairs))


def _seeds(table: Json, row: Json) -> str:
    lines = []
    for metric in table["metrics"]:
        score = row["scores"].get(metric["name"]) or {}
        if not known(score.get("mean")) or len(score["seeds"]) < 2:
            continue
        values = ", ".join(number(seed, metric["digits"]) for seed in score["seeds"])
        words = f"{name_of(metric['name'])}: {values}; mean {number(score['mean'], metric['digits'])}"
        lines.append(f"<div>{dots(score['seeds'], score['mean'], words)}<span>{esc(words)}</span></div>")
    return f"<h4>seeds</h4>{''.join(lines)}" if lines else ""


def _cost(row: Json) -> str:
    cost = row["cost"]
    peak, seconds = cost.get("peak_bytes"), cost.get("training_seconds")
    facts = [
        ("measured on", machine(row)),
        ("peak memory", f"{short(peak)}B" if known(peak) else ""),
        ("training", duration(seconds) if known(seconds) else ""),
    ]
    return "<h4>at a glance</h4>" + _pairs([(name, value) for name, value in facts if value])
