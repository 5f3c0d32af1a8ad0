"""Trained on i, judged on j: one matrix per model that was trained and judged under several conditions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gan_bench.benchmark.comparison import allowance
from gan_bench.benchmark.conditions import Condition, differing, names_of
from gan_bench.benchmark.parties import apart
from gan_bench.benchmark.result import Result, inputs
from gan_bench.benchmark.rows import Row
from gan_bench.benchmark.schema import canonical
from gan_bench.benchmark.scores import head, metrics_of, notes_of, primary
from gan_bench.benchmark.table import Column, Table, score_cells
from gan_bench.benchmark.words import budget_words, plural, suffixes, visible

__all__ = ["matrices"]

Lines = list[dict[str, Row]]
"""By what a column is, the cell of each line."""


def matrices(results: Sequence[Result]) -> tuple[Table, ...]:
    """One matrix for each model (label, budget, protocol, scale) of several trainings with conditions in common.

    Rows are trainings, then what needed none and was judged under the same conditions; columns are those conditions, in
    the order of the rows. A cell holds the primary metric's mean, over the seeds of a training too; nothing is averaged
    over cells.

    Args:
        results: in the board's order.
    """
    models = defaultdict(list)
    for result in results:
        if result.what["budget"] and result.what.get("trained_on"):
            models[_model(result)].append(result)
    ready = [result for result in results if not result.what["budget"]]
    found = sorted((group for group in models.values() if _crosses(group)), key=lambda group: _place(group[0]))
    titles = _titles(found)
    return tuple(_matrix(title, group, ready) for title, group in zip(titles, found, strict=True))


def _model(result: Result) -> str:
    what = result.what
    budget = allowance(what["budget"])
    seed = None if what.get("recipe") else what["seed"]  # without a recipe nothing says whose seed it is
    return canonical([what["label"], budget, seed, what["selection"], _frame(result)])


def _place(result: Result) -> tuple[Any, ...]:
    what = result.what
    budget, seed = what["budget"], what["seed"]
    trained = (*allowance(budget), -1 if seed is None else seed)
    return (what["label"], what["scale"], canonical(what["protocol"]), *trained)


def _frame(result: Result) -> str:
    """What all numbers of a matrix share, trained or not."""
    return canonical([result.what["protocol"], result.what["scale"]])


def _crosses(group: Sequence[Result]) -> bool:
    return len(_columns(group)) > 1


def _columns(group: Sequence[Result]) -> dict[str, Result]:
    """What two trainings or more were judged on, each with a result: a single number compares with nothing."""
    trainings = defaultdict(set)
    for result in group:
        trainings[_column(result)].add(canonical(result.what["trained_on"]))
    return {_column(result): result for result in group if len(trainings[_column(result)]) > 1}


def _column(result: Result) -> str:
    """What a result was judged on, to the last pixel of its inputs."""
    return canonical([*(result.what[name] for name in ("set", "degradation")), inputs(result.what)])


def _matrix(title: str, group: Sequence[Result], ready: Sequence[Result]) -> Table:
    trainings, columns = _lines(group, _training), _columns(group)
    trainings.sort(key=lambda line: _order(_trained(_first(line))))
    peers = [one for one in ready if _column(one) in columns and _frame(one) == _frame(group[0])]
    others = _lines(peers, lambda one: (one.what["label"], one.what["checkpoint_sha256"]))
    lines, leads = trainings + others, [_first(line) for line in trainings]
    names, heads = _names(leads, list(columns.values()))
    shown = [row for line in lines for name, row in line.items() if name in columns]
    own_rows = [row for line in trainings for row in line.values()]
    metric = primary(own_rows, metrics_of(own_rows))
    strangers = {name: why for column in columns for name, why in _apart(lines, column, metric).items()}
    notes = (*dict.fromkeys([*notes_of(shown, [metric]), *strangers.values()]), *_versions(shown))
    order = sorted(columns, key=lambda name: _order(_judged(columns[name])))

    def column(name: str) -> Column:
        home = canonical(_judged(columns[name]))
        own = [canonical(_trained(lead)) == home for lead in leads] + [False] * len(others)
        cells = score_cells(metric, [line.get(name) for line in lines], notes, own, strangers)
        return Column(heads[name], cells, metric)

    labels = [*names, *(visible(f"({_first(line).what['label']})") for line in others)]
    about = [*_shared([*map(_trained, leads), *map(_judged, columns.values())]), title, head(own_rows, metric)]
    return Table(" · ".join(about), tuple(shown), tuple(labels), tuple(map(column, order)), notes, "trained on")


def _apart(lines: Lines, column: str, metric: str) -> dict[str, str]:
    return apart([line[column] for line in lines if column in line], metric)


def _shared(conditions: Sequence[Condition]) -> list[str]:
    """The data set, and the degradation, where there is but one."""
    sets, names = {dataset for dataset, _ in conditions}, {str((known or {}).get("name")) for _, known in conditions}
    return [visible(next(iter(words))) for words in (sets, names) if len(words) == 1]


def _training(result: Result) -> tuple[str, str]:
    what = result.what
    return canonical(what["trained_on"]), what.get("recipe") or what["checkpoint_sha256"] or what["restorer"]


def _lines(results: Sequence[Result], line_of: Callable[[Result], Any]) -> Lines:
    """Of several results of one cell and seed, as of several versions of the code, the one that was computed last."""
    last: dict[Any, dict[str, dict[Any, Result]]] = defaultdict(lambda: defaultdict(dict))
    for result in sorted(results, key=lambda one: (str(one.provenance.get("date", "")), one.key)):
        last[line_of(result)][_column(result)][result.what["seed"]] = result
    return [
        {name: Row(tuple(seeds[seed] for seed in sorted(seeds, key=str))) for name, seeds in cells.items()}
        for cells in last.values()
    ]


def _first(line: Mapping[str, Row]) -> Result:
    return next(iter(line.values())).lead


def _trained(result: Result) -> Condition:
    training = result.what["trained_on"]
    return training["dataset"], training["degradation"]


def _judged(result: Result) -> Condition:
    return result.what["set"], result.what["degradation"]


def _order(condition: Condition) -> tuple[Any, ...]:
    """By name, then by the values in their own order: 5 before 15, and null, as of nothing left out, before all."""
    dataset, degradation = condition
    return (dataset, str((degradation or {}).get("name", "")), *_values(degradation))


def _values(node: Any) -> tuple[Any, ...]:
    if isinstance(node, Mapping):
        return tuple(place for name in sorted(node) for place in _values(node[name]))
    number = isinstance(node, int | float) and not isinstance(node, bool)
    return ((0 if node is None else 1 if number else 2, node if number else 0, "" if number else canonical(node)),)


def _names(leads: Sequence[Result], columns: Sequence[Result]) -> tuple[list[str], dict[str, str]]:
    """Rows and columns called alike where they are the same; equal rows and columns of other inputs told apart."""
    names = names_of([*map(_trained, leads), *map(_judged, columns)], short=True)
    rows, heads = names[: len(leads)], names[len(leads) :]
    limits = differing([{name: lead.what["trained_on"].get(name) for name in ("limit", "unpaired")} for lead in leads])
    rows = [", ".join([name, *limit]) for name, limit in zip(rows, limits, strict=True)]
    for name in {name for name in rows if rows.count(name) > 1}:
        places = [place for place, other in enumerate(rows) if other == name]
        for place, suffix in zip(places, suffixes([leads[i] for i in places]), strict=True):
            rows[place] += f" [{suffix}]" if suffix else ""
    told = {}
    for name, result in zip(heads, columns, strict=True):
        more = f", inputs {inputs(result.what)[:8]}" if heads.count(name) > 1 else ""
        told[_column(result)] = visible(name + more)
    return list(map(visible, rows)), told


def _versions(rows: Sequence[Row]) -> list[str]:
    codes = sorted({result.what["code"] for row in rows for result in row.results})
    return (
        [visible(f"numbers of {plural(len(codes), 'version')} of gan-bench: {', '.join(codes)}")] if codes[1:] else []
    )


def _titles(groups: Sequence[Sequence[Result]]) -> list[str]:
    """`msrresnet ×4, trained on (rows) and judged on (columns) · protocol y · budget quick (400 steps) · seed 0`."""
    titles, leads = [], [group[0] for group in groups]
    for lead, group in zip(leads, groups, strict=True):
        what, seeds = lead.what, sorted({one.what["seed"] for one in group}, key=str)
        words = [
            f"{what['label']} ×{what['scale']}, trained on (rows) and judged on (columns)",
            f"protocol {what['protocol']['name']}",
            budget_words(lead.what["budget"]),
            f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}",
            *([] if what["selection"] in (None, "last") else [what["selection"]]),
        ]
        titles.append(visible(" · ".join(words)))
    for name in {name for name in titles if titles.count(name) > 1}:
        places = [place for place, other in enumerate(titles) if other == name]
        told = differing([leads[i].what["protocol"] for i in places])
        for place, words in zip(places, told, strict=True):
            titles[place] += visible("".join(f", {word}" for word in words))
    return titles
