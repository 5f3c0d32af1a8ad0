"""Test sets from what was typed or kept: folders of images, or a data set under a degradation; nothing is judged."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gan_bench.cells import Cell
from gan_bench.config import build, check_nodes, dataset_root
from gan_bench.data import Degraded, Given, Images, TestSet, describe, list_images
from gan_bench.ordering import in_order

__all__ = ["again", "of_folders"]


def of_folders(
    gt: str | None,
    lq: str | None,
    reals: str | None,
    limit: int | None,
    degradation: Mapping[str, Any] | None,
    scale: int | None,
    seed: int,
    frozen: bool = True,
) -> TestSet:
    """What `gan-bench benchmark` judges on.

    Args:
        gt: folder of ground truth.
        lq: folder of low quality images; None where they are made.
        reals: folder of what metrics of sets compare with, where there is no gt.
        limit: the first images only.
        degradation: resolved node of what makes lq.
        scale: gt over lq; None takes it from the sizes of gt and lq.
        seed: of the degradation.
        frozen: lq images that are made are kept in the cache.

    Raises:
        UsageError: no folder, no images, or some that do not belong together.
    """
    if degradation is not None:
        made_by = build(degradation, key="degradation")
        images = _images(str(gt), limit, "--gt")
        return Degraded(_set_name(str(gt)), images, made_by, describe(degradation), seed, frozen=frozen)
    low = _images(str(lq), limit, "--lq")
    if not gt:
        return Given(_set_name(str(lq)), low, None, scale, _images(reals, None, "--reals") if reals else None)
    return Given(_set_name(gt), low, _images(gt, limit, "--gt"), scale)


def again(inputs: Mapping[str, Any]) -> TestSet:
    """The test set of a result, from what that keeps of its inputs; lq images that are made are made anew.

    Args:
        inputs: `provenance.inputs`.

    Raises:
        UsageError: the data are not here, or cannot be read, or it names what is not ours.
        KeyError: something is missing in the inputs.
    """
    check_nodes(dataset=inputs.get("dataset"), degradation=inputs["degradation"])
    if "dataset" in inputs:
        node, degradation = inputs["dataset"], in_order(inputs["degradation"], inputs["order"])
        source = build({**node, **dataset_root(node)}, key="dataset")
        made_by, described = build(degradation, key="degradation"), describe(degradation)
        name = Cell("", "", dict(node), dict(degradation), inputs["split"]).set  # whatever the inputs call it
        tests: TestSet = source.tests(inputs["split"], name, made_by, described)
        return tests
    typed = {name: inputs[name] for name in ("gt", "lq", "reals", "limit", "scale", "seed")}
    return of_folders(**typed, degradation=in_order(inputs["degradation"], inputs["order"]), frozen=False)


def _set_name(root: str) -> str:
    """The folder's name, with its parent's where it only says what side it is."""
    path = Path(root).resolve()
    sides = ("hr", "gt", "target", "high")
    return path.parent.name if path.name.lower() in sides and path.parent.name else path.name


def _images(root: str, limit: int | None, option: str) -> Images:
    paths = [path for paths in list_images(root, f"{option} ").values() for path in paths]
    return Images(sorted(paths)[:limit], root, num_ch=None)
