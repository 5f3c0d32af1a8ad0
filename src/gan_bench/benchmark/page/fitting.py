"""A document as a page of at most two megabytes: what does not fit is left out in an order, and the page says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gan_bench.benchmark.page.html import assemble

__all__ = ["LIMIT", "render"]

LIMIT = 2_000_000  # bytes


def render(document: Mapping[str, Any]) -> str:
    """The whole page: HTML in one file that asks nothing of the network.

    Equal documents give equal bytes. Where the page would pass LIMIT, it leaves out, until it fits, the provenance of
    the later rows, then crops from the last image, then per-image values, then differences of pairs; the footer says
    so. A table of very many rows may still pass it: nothing of the table itself is left out.

    Args:
        document: what `gan_bench.benchmark.document` makes: plain types, everything computed.

    Returns:
        HTML5. Everything of the document is escaped.
    """
    page = ""
    for smaller, detailed, said in _ever_smaller(document):
        page = assemble(smaller, detailed, said)
        if len(page.encode()) <= LIMIT:
            break
    return page


def _ever_smaller(document: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], int | None, str]]:
    yield document, None, ""
    detailed = 0
    longest = max((len(table["rows"]) for table in document["tables"]), default=0)
    for detailed in (800, 600, 400, 200, 100, 50):
        if detailed < longest:
            yield document, detailed, f"Provenance: of the first {detailed} rows of each table."
    said = f"Provenance: of the first {detailed} rows of each table." if detailed < longest else ""
    crops = max((len(table["crops"]) for table in document["tables"]), default=0)
    for count in range(crops - 1, -1, -1):
        words = f"{said} Crops: of {count} images of each table, to keep this page small."
        document = _with(document, "crops", lambda crops, count=count: crops[:count])
        yield document, detailed, words
    said = f"{said} Crops: none, to keep this page small." if crops else said
    for name, words in (("per_image", "Per-image values"), ("pairs", "Differences of two rows")):
        document = _with(document, name, lambda _: {})
        said = f"{said} {words}: none, to keep this page small."
        yield document, detailed, said


def _with(document: Mapping[str, Any], name: str, change: Any) -> dict[str, Any]:
    tables = [{**table, name: change(table[name])} for table in document["tables"]]
    return {**document, "tables": tables}
