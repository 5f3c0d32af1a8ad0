"""The numbers of rows: which metrics there are, which of them ranks, what is to be said of those that are missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from gan_bench.benchmark.rows import Row
from gan_bench.benchmark.words import note, unranked, visible

__all__ = ["DISTORTION", "PERCEPTION", "fact", "foremost", "head", "higher", "metrics_of", "notes_of", "primary"]
__all__ += ["rank_by", "text_of", "why"]

# Each stands for a family too: niqe_mine is of niqe. The foremost of a table speaks for it.
DISTORTION = ("psnr", "ssim", "ms_ssim")
PERCEPTION = ("lpips", "lpips_vgg", "lpips_squeeze", "dists", "niqe", "niqe_photos", "musiq", "maniqa", "clipiqa")
ORDER = (*DISTORTION, *PERCEPTION, "fid", "kid")
LOWER = ("lpips", "dists", "niqe", "fid", "kid", "colour_shift")  # is better; of which nobody has facts


def foremost(metrics: Iterable[str], kind: Sequence[str]) -> list[str]:
    """Those of a kind, the foremost first; equals in the order of their names.

    Args:
        metrics: names.
        kind: `DISTORTION` or `PERCEPTION`.
    """
    places = {name: found for name in metrics if (found := _place(name, kind)) is not None}
    return sorted(places, key=lambda name: (places[name], name))


def metrics_of(rows: Sequence[Row]) -> list[str]:
    """All metrics with a score or a reason, in the order in which they were asked for."""
    places: dict[str, int] = {}
    for result in (one for row in rows for one in row.results):
        for place, name in enumerate(result.what["metrics"]):
            if name in result.scores or name in result.unavailable:
                places[name] = min(place, places.get(name, place))
    return sorted(places, key=lambda name: (places[name], name))


def primary(rows: Sequence[Row], metrics: Sequence[str]) -> str:
    """By which rows are ranked: PSNR where half of them have it, or else what most have; empty where nobody has any.

    A metric that ranks goes before one of too few images. Equals are taken in the order of `ORDER`, so that one more
    row of other metrics does not turn the table.
    """
    order = list(dict.fromkeys([*foremost(metrics, ORDER), *sorted(metrics)]))
    ranking = {name: sum(rank_by(row, name) is not None for row in rows) for name in order}
    valued = {name: sum(row.score(name) is not None for row in rows) for name in order}
    if ORDER[0] in ranking and ranking[ORDER[0]] and 2 * ranking[ORDER[0]] >= max(valued.values()):
        return ORDER[0]
    counts = ranking if any(ranking.values()) else valued
    return max(order, key=lambda name: counts[name]) if any(counts.values()) else ""


def rank_by(row: Row, metric: str) -> float | None:
    """A row's number, None where it has none, or where it is of too few images to rank."""
    return None if any(unranked(result, metric) for result in row.results) else row.score(metric)


def notes_of(rows: Sequence[Row], metrics: Sequence[str]) -> list[str]:
    """What is to be said of missing numbers and of those that do not rank, each once."""
    texts = (text for row in rows for name in metrics if (text := why(row, name)))
    return list(dict.fromkeys(texts))


def why(row: Row, metric: str) -> str:
    """Why a row has no number for a metric, or one that does not rank; empty where it ranks, or was not asked."""
    told = (note(result, metric) or unranked(result, metric) for result in row.results)
    return next(filter(None, told), "")


def head(rows: Sequence[Row], metric: str) -> str:
    """`psnr dB ↑`; the bare name where nobody could compute it."""
    facts = fact(rows, metric)
    arrow = ("↑" if facts["higher_is_better"] else "↓") if facts else ""
    return visible(" ".join(filter(None, (metric, facts.get("unit"), arrow))))


def fact(rows: Sequence[Row], metric: str) -> dict[str, Any]:
    """A metric's facts from any result that has them."""
    return next((one.facts[metric] for row in rows for one in row.results if metric in one.facts), {})


def higher(rows: Sequence[Row], metric: str) -> bool:
    """Whether more of it is better."""
    return bool(fact(rows, metric).get("higher_is_better", not metric.startswith(LOWER)))


def text_of(rows: Sequence[Row], metric: str, value: float) -> str:
    """A number with the digits of its metric."""
    return f"{value:.{fact(rows, metric).get('digits', 4)}f}"


def _place(metric: str, kind: Sequence[str]) -> int | None:
    """Of the metric itself, or of its family."""
    found = [name for name in kind if metric == name or metric.startswith(f"{name}_")]
    return kind.index(max(found, key=len)) if found else None
