"""How names and numbers are spelled in the page's markup: everything from a document is made harmless here."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard

from gan_bench.benchmark.words import signed, visible

__all__ = ["CLAIMS", "COSTS", "MINUS", "Json", "claim_words", "clean", "cut", "esc", "machine", "name_of", "number"]
__all__ += ["TIMES", "breakable", "joined", "known", "short", "signed", "tag"]

Json = Mapping[str, Any]

MINUS = "\u2212"
CLAIMS = {"method": "method", "weights": "these weights", "fixed": "nothing learnt"}
COSTS = {
    "parameters": ("Params", "count", "parameters"),
    "flops_per_megapixel": ("FLOPs", "per MP", "FLOPs per megapixel of output"),
    "ms_per_megapixel": ("Speed", "ms per MP", "milliseconds per megapixel of output"),
    "training_seconds": ("Training", "time", "seconds of training"),
}
TIMES = ("ms_per_megapixel", "training_seconds")  # costs that depend on the machine
_ACRONYMS = {"psnr", "ssim", "lpips", "dists", "niqe", "fid", "kid", "ms", "lq", "gt", "musiq", "maniqa", "clipiqa"}
_ACRONYMS |= {"brisque", "pi", "nrqm", "vif", "fsim", "topiq", "mse", "mae", "rmse"}
_UNITS = ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k"), (1.0, ""))


def clean(text: Any) -> str:
    """The text without control characters; line ends stay, as in a command of several lines."""
    return "\n".join(visible(line) for line in str(text).split("\n"))


def esc(text: Any) -> str:
    """The text on one line, for an element or a quoted attribute."""
    return html.escape(visible(str(text)))


def breakable(text: str) -> str:
    """The text as `esc` has it, that may go on in the next line behind each `_`."""
    return esc(text).replace("_", "_<wbr>")


def joined(markup: str, units: Iterable[str] = ()) -> str:
    """Escaped text with no line break between a number and its unit: one of `units`, dB, ms or per cent."""
    names = "|".join(re.escape(esc(unit)) for unit in sorted({"dB", "ms", "%", *filter(None, units)}))
    return re.sub(rf"(?<=\d) (?=(?:{names})(?!\w))", "\u00a0", markup)


def cut(text: Any, length: int) -> str:
    """At most `length` characters, the last of which then is an ellipsis."""
    line = visible(str(text))
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def number(value: float, digits: int) -> str:
    """Fixed decimals with a true minus sign, and no negative nought."""
    text = f"{value:.{digits}f}"
    if text.startswith("-"):
        text = text[1:] if not float(text) else MINUS + text[1:]
    return text


def short(value: float) -> str:
    """Three digits and a prefix: 1.52 M, 98.0 G, 340."""
    size, unit = next(((s, u) for s, u in _UNITS if abs(value) >= 0.9995 * s), _UNITS[-1])
    scaled = value / size
    digits = (
        0 if abs(scaled) >= 99.95 or (not unit and float(scaled).is_integer()) else 1 if abs(scaled) >= 9.995 else 2
    )
    return f"{number(scaled, digits)}{unit}"


def name_of(metric: str) -> str:
    """A metric as people write it: PSNR, NIQE photos, colour shift."""
    words = visible(metric).split("_")
    return " ".join(word.upper() if word.lower() in _ACRONYMS else word for word in words)


def claim_words(row: Json) -> str:
    """Of what a row speaks: `method · 3 seeds`."""
    word, seeds = CLAIMS.get(row["claim"], str(row["claim"])), len(row["seeds"])
    return f"{word} · {seeds} seed{'' if seeds == 1 else 's'}" if seeds else word


def machine(row: Json) -> str:
    """On what a row's speed was measured; empty where that is unknown."""
    return visible(row["cost"].get("machine") or "")


def known(value: Any) -> TypeGuard[float]:
    """Whether it is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def tag(name: str, content: str, **attributes: Any) -> str:
    """An element; attributes are escaped, `content` is markup. `class_` and `data_x` give class and data-x."""
    shown = ((key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items() if value is not None)
    text = "".join(f' {key}="{html.escape(visible(str(value)))}"' for key, value in shown)
    return f"<{name}{text}>{content}</{name}>"
