"""How results are named and numbers spelled on a board; whatever comes from a file is made printable here."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gan_bench.benchmark.conditions import differing, names_of
from gan_bench.benchmark.result import Result, inputs
from gan_bench.benchmark.rows import Row
from gan_bench.benchmark.schema import canonical

__all__ = [
    "budget_words",
    "cell_name",
    "count",
    "duration",
    "labels",
    "listed",
    "note",
    "plural",
    "rank_words",
    "seed_words",
    "seen_from",
    "signed",
]
__all__ += ["suffixes", "title", "titles", "unranked", "visible"]

NAMED = 4  # of a list


def visible(text: str, instead: str = " ") -> str:
    """The text on one line without control characters (a file may hold escape sequences for the terminal).

    Args:
        text: from a file.
        instead: stands for each of them.
    """
    return text if text.isprintable() else "".join(c if c.isprintable() else instead for c in text)


def plural(number: int, noun: str) -> str:
    """`1 image`, `2 images`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def count(value: Any) -> str:
    """A number of parameters in three digits: 1.52 M; a dash for what is no number."""
    number = _finite(value)
    if number is None:
        return "–"
    for unit in ("", " k", " M", " G"):
        if number < 999.5 or unit == " G":
            break
        number /= 1000
    digits = 0 if not unit or number >= 99.95 else 1 if number >= 9.995 else 2
    return f"{number:.{digits}f}{unit}"


def duration(value: Any) -> str:
    """Seconds as 47s, 1m 52s or 2h 05m; a dash for what is no number."""
    number = _finite(value)
    if number is None:
        return "–"
    seconds, minutes = round(number), round(number / 60)
    if seconds < 60:
        return f"{seconds}s"
    return f"{seconds // 60}m {seconds % 60:02}s" if seconds < 3600 else f"{minutes // 60}h {minutes % 60:02}m"


def note(result: Result, metric: str) -> str:
    """Why a result has no number for a metric; empty where it has one, or where the metric was not asked for."""
    name = visible(metric)
    if metric in result.unavailable:
        return f"{name}: {visible(result.unavailable[metric])}"
    if metric not in result.scores or result.scores[metric] is not None:
        return ""
    if not any(metric in row for row in result.images.values()):
        return f"{name}: not a finite number"
    images, infinite = plural(len(result.images), "image"), result.n_inf.get(metric, 0)
    if undefined := sum(row.get(metric) is None for row in result.images.values()) - infinite:
        return f"{name}: no mean, undefined on {undefined} of {images}"
    return f"{name}: no finite mean, infinite on {infinite} of {images} (equal to the ground truth)"


def listed(names: Sequence[str]) -> str:
    """`a, b and c`; of more than a few, how many more."""
    shown = [*names[:NAMED], *([f"{len(names) - NAMED} more"] if len(names) > NAMED else [])]
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))


def seed_words(seeds: Sequence[int]) -> str:
    """`0`, `0, 1, 2`, or from five on `5 seeds`; a dash for none."""
    if len(seeds) > 4:
        return f"{len(seeds)} seeds"
    return ", ".join(map(str, seeds)) or "–"


def rank_words(rank: tuple[int, int]) -> str:
    """`1`, or of a rank that is not resolved `1–3`."""
    best, worst = rank
    return str(best) if best == worst else f"{best}–{worst}"


def signed(value: float, digits: int) -> str:
    """`+0.91`, `−0.20`, and `0.00` for what has no digit to show."""
    text = f"{abs(value):.{digits}f}"
    return text if not float(text) else f"{'−' if value < 0 else '+'}{text}"


def unranked(result: Result, metric: str) -> str:
    """Why a result's number does not rank it: it has fewer images than the metric needs; empty where it does."""
    facts = result.facts.get(metric, {})
    least, images = facts.get("ranked_from", 0), min(len(result.images), facts.get("reals", len(result.images)))
    if result.scores.get(metric) is None or images >= least:
        return ""
    why = "at small numbers its error is larger than most differences"
    return f"{visible(metric)}: {plural(images, 'image')}; not ranked under {least:,}: {why}"


def titles(leads: Sequence[Result]) -> list[str]:
    """One title per table, from one result of each: no two alike, and saying what tells them apart.

    Args:
        leads: results that differ in set, inputs, degradation, scale, protocol or budget.
    """
    names = [title(lead) for lead in leads]
    for more in (_settings, _inputs):
        peers = defaultdict(list)
        for name, lead in zip(names, leads, strict=True):
            peers[name].append(lead)
        pairs = list(zip(names, leads, strict=True))
        names = [name if len(peers[name]) == 1 else title(lead, more(lead, peers[name])) for name, lead in pairs]
    return names


def title(result: Result, more: Mapping[str, Sequence[str]] | None = None) -> str:
    """`photos · bicubic ×4 · protocol y · budget quick (400 steps) · 3 images`.

    Args:
        result: any of the table's.
        more: words for `degradation`, `protocol` and `inputs` that tell the table from others of the same names.
    """
    what, more = result.what, more or {}
    degradation, budget = what["degradation"], what["budget"]
    words = [
        what["set"],
        ", ".join(
            [f"{degradation['name'] if degradation else 'given inputs'} ×{what['scale']}", *more.get("degradation", ())]
        ),
        ", ".join([f"protocol {what['protocol']['name']}", *more.get("protocol", ())]),
        budget_words(budget),
        plural(len(result.images), "image"),
        *more.get("inputs", ()),
    ]
    return visible(" · ".join(words))


def cell_name(what: Mapping[str, Any]) -> str:
    """On what a result was judged: `photos · bicubic ×4`."""
    degradation = (what["degradation"] or {"name": "given inputs"})["name"]
    return visible(f"{what['set']} · {degradation} ×{what['scale']}")


def seen_from(path: Path | None, folder: Path | None) -> str:
    """A file as seen from a folder, else by its name; empty for none."""
    if path is None:
        return ""
    return visible(str(path.relative_to(folder)) if folder and path.is_relative_to(folder) else path.name)


def budget_words(budget: Mapping[str, Any] | None) -> str:
    """`budget quick (400 steps)`, or `(10 min each on MACHINE)`, and what weights they started from, if any."""
    if not budget:
        return "no budget"
    start, minutes = budget.get("start_from"), budget.get("max_time")
    machine = f" on {budget['machine']}" if budget.get("machine") else ""
    length = plural(budget["steps"], "step") if minutes is None else f"{minutes:g} min each{machine}"
    return f"budget {budget['name']} ({length}{f', from {start[:8]}' if start else ''})"


def labels(rows: Sequence[Row]) -> tuple[str, ...]:
    """A label for each row of one table; what seeds and selection leave alike gets a suffix that tells it apart."""
    alike = defaultdict(list)
    for index, row in enumerate(rows):
        alike[row.what["label"], row.what["selection"]].append(index)
    names = [visible(row.what["label"]) for row in rows]
    for indices in alike.values():
        seeds = [rows[i].seeds for i in indices]
        if len(set(seeds)) == len(seeds) and max(map(len, seeds)) == 1:
            continue  # of one seed each, which stands in a column
        for index, suffix in zip(indices, suffixes([rows[i].lead for i in indices]), strict=True):
            names[index] += f" [{suffix}]" if suffix else ""
    return tuple(names)


def suffixes(results: Sequence[Result]) -> list[str]:
    """What tells results apart: on what they were trained, and where that is the same, run, code, key or number."""
    trained = _trainings(results)
    told = list(trained)
    for word in dict.fromkeys(trained):
        places = [place for place, other in enumerate(trained) if other == word]
        if len(places) > 1:
            for place, more in zip(places, _other_suffixes([results[i] for i in places]), strict=True):
                told[place] = ", ".join(filter(None, (word, more)))
    return told


def _trainings(results: Sequence[Result]) -> list[str]:
    """`trained on jpeg`, or of one degradation what differs, `sigma 50`; nothing where that is unknown or the same."""
    known = [(i, result.what["trained_on"]) for i, result in enumerate(results) if result.what.get("trained_on")]
    words = [""] * len(results)
    if len({canonical(training) for _, training in known}) < 2:
        return words
    conditions = [(training["dataset"], training["degradation"]) for _, training in known]
    one = len({(dataset, degradation["name"]) for dataset, degradation in conditions}) == 1
    values = differing([degradation for _, degradation in conditions])
    limits = differing([{name: training.get(name) for name in ("limit", "unpaired")} for _, training in known])
    for (place, _), name, value, limit in zip(known, names_of(conditions), values, limits, strict=True):
        words[place] = visible(", ".join([*(value if one else [f"trained on {name}"]), *limit]))
    return words


def _other_suffixes(results: Sequence[Result]) -> list[str]:
    ways: tuple[Callable[[Sequence[Result]], list[str]], ...] = (
        lambda rows: _tails([visible(row.what["restorer"]) for row in rows]),
        lambda rows: [visible(row.what["code"]) for row in rows],
        lambda rows: [row.key[:6] for row in rows],
    )
    told = (way(results) for way in ways)
    distinct = (names for names in told if len(set(names)) == len(names))
    return next(distinct, [str(number) for number in range(1, len(results) + 1)])


def _tails(names: Sequence[str]) -> list[str]:
    """The names without the words that all of them begin with."""
    parts = [name.split("_") for name in names]
    shared = next((i for i, words in enumerate(zip(*parts, strict=False)) if len(set(words)) > 1), min(map(len, parts)))
    return ["_".join(part[shared:]) for part in parts]


def _settings(result: Result, peers: Sequence[Result]) -> dict[str, list[str]]:
    """The parameters of degradation and protocol in which the peers differ."""
    return {group: _differing(group, result, peers) for group in ("degradation", "protocol")}


def _differing(group: str, result: Result, peers: Sequence[Result]) -> list[str]:
    place = next(place for place, peer in enumerate(peers) if peer is result)
    return differing([peer.what[group] or {} for peer in peers])[place]


def _inputs(result: Result, peers: Sequence[Result]) -> dict[str, list[str]]:
    """The inputs' digest, as short as tells the peers apart; the peers' other settings stay in the title."""
    digests = {inputs(peer.what) for peer in peers}
    width = 8 if len({digest[:8] for digest in digests}) == len(digests) else 64
    return _settings(result, peers) | {"inputs": [f"inputs {inputs(result.what)[:width]}"]}


def _finite(value: Any) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e15
    return float(value) if number and math.isfinite(value) else None
