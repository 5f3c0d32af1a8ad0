"""What a measured training looks like on a terminal of 80 columns; the numbers come from `training`."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from gan_bench.perf.place import table
from gan_bench.perf.rounds import OURS, PLAIN

__all__ = ["show"]


def show(document: dict[str, Any], console: Console) -> None:
    """Print what `training.measure` gave."""
    for line in (*_head(document), ""):
        console.print(line, highlight=False, markup=False)
    console.print(_steps(document))
    for line in (*_remarks(document), ""):
        console.print(line, highlight=False, markup=False)
    console.print(_parts(document))
    for line in (*_uses(document), *_memory(document.get("memory")), ""):
        console.print(line, highlight=False, markup=False)
    for name, frame in (document.get("inference") or {}).items():
        _frame(name, frame, console)


def _head(document: dict[str, Any]) -> list[str]:
    last = document["channels_last"]
    lines = [
        f"{document['model']}, stage {document['stage']}: batch {document['batch']}, gt {document['gt']}x"
        f"{document['gt']}, lq {document['lq']}x{document['lq']}, degradation {document['degradation']}",
        f"{document['device']}, {document['threads']} threads, {document['workers']} workers, {document['precision']}"
        f"{', compiled' if document['compiled'] else ''}",
        f"channels_last: {', '.join(last) or 'none'}",
        f"median of {document['rounds']} rounds, interleaved, behind {document['warm_up']} to warm up",
    ]
    if document["budget_steps_before"]:
        lines.append(f"the budget's {document['budget_steps_before']} steps were too few, and were stretched")
    return lines


def _steps(document: dict[str, Any]) -> Any:
    rows = []
    for name, row in document["step"].items():
        whole = document["step_with_data"][name]
        rows.append(
            (
                name,
                f"{row['ms']:.1f}",
                f"{row['times_as_long_as_ours']:.2f}",
                f"{row['times_as_long_least_of_a_round']:.2f}",
                f"{whole['ms']:.1f}",
                f"{whole['times_as_long_as_ours']:.2f}",
            )
        )
    return table(("", "ms/step", "times ours", "least round", "with data", "times ours"), rows)


def _remarks(document: dict[str, Any]) -> list[str]:
    alone, lines = document["alone"], []
    if "overhead" in document:
        lines.append(f"Lightning and our mechanics: {document['overhead']:+.1%} over the bare twin")
    lines.append(
        f"undisturbed: {alone['ms']:.1f} ms/step, {alone['images_per_second']:.3g} images/s, waits for data "
        f"{alone['share_waiting_for_data']:.1%}"
    )
    return lines


def _parts(document: dict[str, Any]) -> Any:
    parts = document["breakdown_ms"]
    whole = sum(parts.values())
    return table(
        (f"{OURS} by part", "ms", "share"),
        [(part, f"{ms:.2f}", f"{ms / whole:.1%}") for part, ms in parts.items()],
    )


def _uses(document: dict[str, Any]) -> list[str]:
    """The device's arithmetic."""
    lines = [f"largest part: {document['bottleneck']}"]
    if flops := document["flops"]:
        peak = flops["matmul_peak"]
        lines.append(
            f"{_large(flops['of_a_step'])}FLOP/step, {_large(flops['per_second'])}FLOP/s: "
            f"{flops['utilization']:.1%} of the {_large(peak['flops_per_second'])}FLOP/s"
        )
        lines.append(f"that a matmul of side {peak['side']} in {peak['dtype']} reached here")
    return lines


def _large(number: float) -> str:
    """With three digits and a prefix."""
    prefix, size = next((one for one in (("T", 1e12), ("G", 1e9)) if number >= one[1]), ("M", 1e6))
    return f"{number / size:.3g} {prefix}"


def _memory(memory: dict[str, Any] | None) -> list[str]:
    if memory is None:
        return []
    lines = [f"peak memory of {name}: {size / 1e6:.0f} MB" for name, size in memory["bytes"].items()]
    if "ratio" in memory:
        lines.append(
            f"ours over the {PLAIN}'s: {memory['ratio']:.3f}; its + 5 % + a copy of G is {memory['bar'] / 1e6:.0f} MB: "
            f"{'kept' if memory['within'] else 'exceeded'}"
        )
    return lines + [f"peak memory of {name}: not measured, {why}" for name, why in memory.get("failed", {}).items()]


def _frame(name: str, frame: dict[str, Any], console: Console) -> None:
    lq, on = ("x".join(map(str, frame[key])) for key in ("lq", "measured_on"))
    of = f"; extrapolated from {on}" if lq != on else ""
    console.print(f"restoring to {name} from lq {lq}{of}", highlight=False, markup=False)
    rows = [
        (
            way,
            f"{row['ms_per_megapixel_output']:.1f}",
            f"{row['ms_per_megapixel_lq']:.0f}",
            f"{row['fps']:.3g}",
            f"{row['times_plain']:.2f}",
        )
        for way, row in frame["ways"].items()
    ]
    console.print(table(("", "ms/MP output", "ms/MP lq", "frames/s", "speed"), rows))
    console.print()
