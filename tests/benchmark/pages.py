"""Documents for the page's tests, made up by rule: no result, no statistics of ours, the same numbers each time."""

import base64
import io
import math
import random

from PIL import Image, ImageFilter

METRICS = [
    ("psnr", "dB", True, 2, 0.05, (27.0, 0.9)),
    ("ssim", "", True, 4, 0.002, (0.79, 0.03)),
    ("lpips", "", False, 4, 0.003, (0.21, 0.05)),
    ("niqe", "", False, 3, None, (5.2, 0.6)),
    ("consistency", "dB", True, 2, None, (46.0, 3.0)),
]
LABELS = ["msrresnet", "rrdb", "srgan", "esrgan", "ragan", "wgan_gp", "lsgan", "spsr", "bsrgan", "bicubic", "lanczos"]
LABELS += ["interpolation"]
HOSTILE = [
    "<script>alert(1)</script>",
    "a \"quoted\", 'label', with commas",
    "two\nlines\u2028and\u202e more",
    "=cmd|' /C calc'!A0",
    "[x](javascript:alert(1))",
    "</script><!--<script>",
    "&amp;&lt;\x00\ud800",
    "long " * 30,
]
PHOTOS = ["astronaut", "coffee", "chelsea", "rocket", "motorcycle", "page", "text", "coins", "brick", "grass"]
MACHINE = "AMD EPYC 7B13 · 2 threads · torch 2.15.0 · float32"
OTHER_MACHINE = "NVIDIA H100 · torch 2.15.0 · float32"


def document(rows=12, images=10, tables=2, *, labels=None, crops=3, shown=None, leave_out=(), facts=9, picture=None):
    """A board as `benchmark/document.py` would make it.

    Args:
        rows: of each table.
        images: in its test set.
        tables: of them.
        labels: names of the rows, as many as `rows`.
        crops: images with crops.
        shown: rows with per-image values, pairs and crops; all by default.
        leave_out: metrics that have no number in any row.
        facts: about as many in each group of a row's provenance.
        picture: gives an RGB image of 128 x 128 for a number; a drawn one by default.
    """
    titles = [("photos · bicubic ×4", "bicubic"), ("photos · realesrgan ×4", "realesrgan"), ("photos · jpeg", "jpeg")]
    made = []
    for number in range(tables):
        name, slug = titles[number] if number < len(titles) else (f"photos · set {number}", f"set{number}")
        made.append(_table(slug, name, rows, images, labels, crops, rows if shown is None else shown, leave_out, facts,
                           picture, seed=number))  # fmt: skip
    left_out = [{"reason": "cut in half: no JSON", "count": 1, "files": ["results/photos_x.json"]}]
    return {
        "counts": {"results": 3 * rows * tables, "tables": tables},
        "code": ["0.1.0+1a2b3c4d"],
        "newest": "2026-11-26",
        "tables": made,
        "heat": [_heat(made)] if made and rows else [],
        "overall": [_overall()] if made else [],
        "matrices": [_matrix()] if made else [],
        "left_out": left_out,
        "fits": "Per-image values and crops of all rows are on this page.",
    }


def empty():
    """A board of no results."""
    return {
        "counts": {"results": 0, "tables": 0},
        "code": [], "newest": "", "tables": [], "heat": [], "overall": [], "matrices": [], "left_out": [], "fits": "",
    }  # fmt: skip


def hostile():
    """Names, notes, commands and values that try to be markup, formulas, links or control characters."""
    board = document(rows=len(HOSTILE), labels=HOSTILE, images=8, tables=1)
    table, bad = board["tables"][0], "<img src=x onerror=alert(1)>\"'&</script>\u2028"
    table.update(title=bad, name=bad, answer=bad, notes=[bad], images=[f"{bad}{i}" for i in range(8)])
    table["id"] = 'x" onclick="alert(1)'
    table["protocol"] = [[bad, bad]]
    table["below"] = [{"label": bad, "why": bad}]
    table["quoted"] = [{"label": bad, "source": bad, "protocol": bad, "scores": {"psnr": 29.4}}]
    for crop in table["crops"]:
        crop["image"] = bad
        crop["lq"] = 'javascript:alert(1)"'
    for row in table["rows"]:
        row.update(make=f"python train.py model={bad}", verify=bad, file=bad, why=bad if row["rank"] is None else "")
        row["cost"]["machine"] = bad
        row["provenance"] = [[bad, [[bad, bad]]]]
    board.update(code=[bad], newest=bad, fits=bad, left_out=[{"reason": bad, "count": 1, "files": [bad]}])
    board["heat"][0].update(title=bad, columns=[{"name": bad, "table": table["id"]}])
    board["overall"][0].update(title=bad, head=bad, columns=[bad, bad, bad], notes=[bad], answer=bad)
    board["matrices"][0].update(title=bad, head=bad, columns=[bad, bad, bad], notes=[bad])
    return board


def _table(slug, name, count, images, labels, crops, shown, leave_out, facts, picture, seed):
    rng = random.Random(seed)  # noqa: S311
    names = [PHOTOS[i] if i < len(PHOTOS) else f"image{i:03}" for i in range(images)]
    labels = labels or [LABELS[i] if i < len(LABELS) else f"method_{i:04}" for i in range(count)]
    rows, per_image = [], {name: {} for name, *_ in METRICS}
    strengths = sorted((rng.gauss(0, 1) for _ in range(count)), reverse=True)
    for place, strength in enumerate(strengths):
        rows.append(_row(place, labels[place], strength, count, names, leave_out, per_image, shown, facts, rng))
    shown_rows = [row["id"] for row in rows if row["images_shown"]]
    return {
        "id": f"photos-{slug}",
        "title": f"{name} · protocol y · budget quick (400 steps) · {images} images",
        "name": name,
        "answer": _answer(rows, images),
        "protocol": [["colour", "Y of BT.601"], ["border", "4 pixels"], ["range", "8 bit"], ["digest", "3f2a91c0"]],
        "images": names,
        "notes": ["lpips: the weights of AlexNet, version 0.1", "niqe: judged without ground truth"],
        "metrics": [
            {"name": metric, "unit": unit, "higher": higher, "digits": digits, "margin": margin,
             "primary": metric == "psnr", "resolvable": 0.12 if metric == "psnr" else None, "note": ""}
            for metric, unit, higher, digits, margin, _ in METRICS
        ],
        "reference": next((row["id"] for row in rows if row["label"] == "bicubic"), None),
        "rows": rows,
        "pairs": {metric[0]: _pairs(metric, shown_rows, per_image[metric[0]], rows) for metric in METRICS[:3]},
        "per_image": {metric: values for metric, values in per_image.items() if values},
        "crops": [_crop(names[i], i, shown_rows, picture) for i in range(min(crops, images))],
        "quoted": [
            {"label": "SRGAN", "source": "Ledig et al. 2017, table 2", "protocol": "Set5, y, border 4",
             "scores": {"psnr": 29.40, "ssim": 0.8472}},
            {"label": "ESRGAN", "source": "Wang et al. 2018, table 1", "protocol": "Set5, y, border 4",
             "scores": {"psnr": 30.44}},
        ],
        "below": [{"label": "swinir [full]", "why": "trained with a budget of its own: full (500,000 steps)"}],
    }  # fmt: skip


def _row(place, label, strength, count, names, leave_out, per_image, shown, facts, rng):
    claim = "fixed" if label in ("bicubic", "lanczos") else "weights" if place % 5 == 3 else "method"
    seeds = [0, 1, 2] if claim == "method" else [0] if claim == "weights" else []
    unranked = place == count - 1 and count > 3
    identity, scores = f"r{place:06x}", {}
    for metric, _, higher, digits, _, (centre, spread) in METRICS:
        missing = metric in leave_out or (metric == "lpips" and place == 4) or (metric == "niqe" and place % 3 == 2)
        if missing:
            scores[metric] = {"mean": None, "seeds": [], "low": None, "high": None,
                              "note": f"{metric}: n/a, needs images of 96 pixels and more"}  # fmt: skip
            continue
        good = (1 if higher else -1) * (strength if metric != "niqe" else -0.5 * strength + rng.gauss(0, 0.8))
        mean, wide = centre + 0.5 * spread * good, 0.06 * spread
        values = [mean + rng.gauss(0, wide) for _ in seeds] or [mean]
        mean = math.fsum(values) / len(values)
        half = 2.2 * wide if claim == "method" else None
        scores[metric] = {"mean": mean, "seeds": values if seeds else [], "note": "",
                          "low": mean - half if half else None, "high": mean + half if half else None}  # fmt: skip
        if place < shown:
            noise = [spread * (0.8 * math.sin(i) + rng.gauss(0, 0.15)) for i in range(len(names))]
            shift = math.fsum(noise) / len(noise)
            per_image[metric][identity] = [round(mean + n - shift, digits + 3) for n in noise]
    low = max(1, place + 1 - (place % 3 == 1) - 2 * (place % 3 == 2))
    machine = OTHER_MACHINE if place % 6 == 5 else MACHINE
    speed = (12 if machine == OTHER_MACHINE else 310) * (1 + 0.4 * (place % 4))
    return {
        "id": identity, "label": label, "claim": claim, "seeds": seeds,
        "rank": None if unranked else [low, min(count, low + 2)], "band": None if unranked else place // 3,
        "why": "psnr: 3 images; not ranked under 5" if unranked else "",
        "scores": scores,
        "cost": {
            "parameters": 0 if claim == "fixed" else 159_000 * (1 + place % 7) ** 2,
            "flops_per_megapixel": None if claim == "fixed" else 9_800_000_000 * (1 + place % 7),
            "ms_per_megapixel": speed if claim != "fixed" else 4.1 * (1 + (label == "lanczos")),
            "peak_bytes": 2**27 * (1 + place % 3),
            "training_seconds": None if claim == "fixed" else 240.0 + 61 * place,
            "machine": machine,
        },
        "images_shown": place < shown,
        "provenance": _provenance(identity, label, facts),
        "make": f"python train.py model={label} dataset=photos degradation=bicubic budget=quick seed=0,1,2",
        "verify": f"gan-bench verify results/photos_bicubic_{identity}.json  # in the folder of this page",
        "file": f"results/photos_bicubic_{identity}.json",
    }  # fmt: skip


def _provenance(identity, label, facts):
    digest = random.Random(identity).randbytes(32).hex()  # noqa: S311
    groups = {
        "what": [["label", label], ["checkpoint sha256", digest], ["suite", "photos 1"], ["seed", "0, 1, 2"]],
        "scores": [["psnr", "gan-bench psnr 1"], ["lpips", "torchmetrics 1.9.0, AlexNet"], ["digest", digest[:12]]],
        "images": [["set", "photos"], ["lq sha256", "4be6" * 16], ["gt", "bundled photographs"]],
        "cost": [["machine", MACHINE], ["rounds", "9"], ["tile", "128 × 128"], ["peak", "134 MB"]],
        "provenance": [["commit", "1a2b3c4d5e6f, clean"], ["python", "3.11.9"], ["torch", "2.15.0"], ["seed", "0"]],
    }
    for name, pairs in groups.items():
        pairs += [[f"{name} {i}", f"value {i} of the {name}"] for i in range(facts - len(pairs))]
        del pairs[facts:]
    return [[name, pairs] for name, pairs in groups.items()]


def _pairs(metric, ids, per_image, rows):
    name, _, higher, _, margin, (_, spread) = metric
    means = {row["id"]: row["scores"][name]["mean"] for row in rows}
    known = [identity for identity in ids if means[identity] is not None]
    difference = [[means[a] - means[b] for b in known] for a in known]
    half = [[None if a == b else 0.25 * spread for b in known] for a in known]

    def verdict(i, j):
        if i == j:
            return "="
        if abs(difference[i][j]) + half[i][j] <= (margin or 0):
            return "e"
        if abs(difference[i][j]) <= half[i][j]:
            return "u"
        return "b" if (difference[i][j] > 0) == higher else "w"

    words = ["".join(verdict(i, j) for j in range(len(known))) for i in range(len(known))]
    return {"rows": known, "difference": difference, "half": half, "verdict": words}


def _heat(tables):
    labels = [row["label"] for row in tables[0]["rows"]]
    rows = []
    for place, label in enumerate(labels):
        cells = []
        for number, table in enumerate(tables):
            row = table["rows"][place]
            value = None if (place + number) % 7 == 6 else row["scores"]["psnr"]["mean"]
            cells.append({"value": value, "difference": None if value is None else value - 26.6, "row": row["id"]})
        rows.append({"label": label, "cells": cells})
    columns = [{"name": table["name"].split(" · ")[1], "table": table["id"]} for table in tables]
    return {"title": "degradation × model", "metric": "psnr", "unit": "dB", "digits": 2, "higher": True,
            "columns": columns, "rows": rows}  # fmt: skip


def _overall():
    cells = [[{"text": text, "best": best, "own": False, "note": 0} for text, best in line] for line in (
        [("1", False), ("27.10", True), ("▲ +0.51 ±0.08", False)], [("2", False), ("26.59", False), ("–", False)],
    )]  # fmt: skip
    return {
        "title": "suite sr_x4, version 1 · bicubic ×4 · mean of bsd100, urban100 · 200 images · psnr dB ↑",
        "head": "restorer", "columns": ["rank", "mean", "against bicubic"],
        "rows": [{"label": name, "cells": row} for name, row in zip(("esrgan", "bicubic"), cells, strict=True)],
        "notes": ["no ranked number on urban100: srgan"],
        "answer": "On 200 images of 2 sets, each counting alike, by PSNR esrgan is best: 27.10 dB.",
    }  # fmt: skip


def _matrix():
    names = ["bicubic ×4", "realesrgan ×4", "jpeg"]
    cells = [
        [{"text": f"{27 + (i == j) - 0.3 * abs(i - j):.2f}", "best": i == j, "own": i == j, "note": int(i > j)}
         for j in range(3)] for i in range(3)
    ]  # fmt: skip
    return {
        "title": "srgan: trained on × judged on, psnr (dB)", "head": "trained on", "columns": names,
        "rows": [{"label": name, "cells": row} for name, row in zip(names, cells, strict=True)],
        "notes": ["judged with one seed"],
    }  # fmt: skip


def _drawn(number):
    """Rings and edges: something for a slider to show."""
    pixels = bytes(
        channel
        for y in range(128)
        for x in range(128)
        for channel in (
            int(127 + 120 * math.sin((x * x + y * y) / (300 + 60 * number))),
            255 if (x // 16 + y // 16) % 2 else 40 + 20 * number,
            (2 * x + 40 * number) % 256,
        )
    )
    return Image.frombytes("RGB", (128, 128), pixels)


def _crop(name, number, ids, picture):
    gt = (picture or _drawn)(number)
    lq = gt.resize((32, 32), Image.Resampling.BICUBIC)
    restored = {}
    for place, identity in enumerate(ids[:8]):
        image = lq.resize((128, 128), Image.Resampling.BICUBIC)
        restored[identity] = _uri(image.filter(ImageFilter.UnsharpMask(2, 30 * (8 - place), 0)))
    return {"image": name, "lq": _uri(lq.resize((128, 128), Image.Resampling.NEAREST)), "gt": _uri(gt),
            "restored": restored}  # fmt: skip


def _uri(image):
    file = io.BytesIO()
    image.save(file, "WEBP", quality=90)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"


def _answer(rows, images):
    if len(rows) < 2:
        return f"On {images} images there is one row, and nothing to compare it with."
    return (
        f"On {images} images, {rows[0]['label']}, {rows[1]['label']} and one more lead on psnr, tied: their "
        "differences are within 0.05 dB or not resolved. They are better than bicubic by 0.61 to 0.74 dB. "
        "The smallest difference that these images can resolve is 0.12 dB."
    )
