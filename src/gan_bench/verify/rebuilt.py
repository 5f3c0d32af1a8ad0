"""Level 2: the test set and the restorer of a result made again, and what the file says of them against what they are.

What a result says of a training is held against the run's own config.yaml; what weights went through no file tells.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gan_bench.benchmark import Result
from gan_bench.benchmark.sums import SETS, Check
from gan_bench.config import conf_dir, default_config
from gan_bench.data import TestSet
from gan_bench.errors import GanBenchError, UsageError
from gan_bench.inputs import again
from gan_bench.judge import Question
from gan_bench.metrics import get_protocol
from gan_bench.provenance import code_version
from gan_bench.restorers import Restorer, load_restorer
from gan_bench.verify.difference import difference
from gan_bench.verify.rescored import rescored
from gan_bench.verify.stamped import stamp_check

__all__ = ["level_2"]

OF_THE_TRAINING = ("model", "budget", "seed", "selection", "recipe", "trained_on")
FROM_A_FILE_NAME = ("model", "selection")  # of weights without a run
REST = "label, the restorer's name, date, times, operations and memory: nothing here says what is right"
DAMAGED = (LookupError, TypeError, AttributeError, ValueError, ArithmeticError, OSError, RecursionError)


def level_2(result: Result, weights: str | None = None) -> Iterator[Check]:
    """Equal inputs, the same conditions, equal weights, the same training; then what comes out of them.

    Args:
        result: read from a file.
        weights: where they are, if not where the result says.
    """
    try:
        tests = _tests(result)
    except GanBenchError as error:
        yield Check(2, "inputs", "cannot be checked", str(error))
        return
    first = [_inputs(result, tests), *_conditions(result, tests)]
    yield from first
    try:
        restorer = _restorer(result, tests, weights)
    except GanBenchError as error:
        yield Check(2, "weights", "cannot be checked", str(error))
        return
    stored, found = result.what["checkpoint_sha256"], restorer.origin.checkpoint_sha256
    says = f"sha256 {str(found)[:16]}..." if stored else "none: nothing was learnt"
    yield _check("weights", stored == found, says if stored == found else f"{says}, not {str(stored)[:16]}...")
    if stored != found or any(one.verdict != "holds" for one in first):
        return
    posed = Question("", "", restorer, tests, (), get_protocol(result.what["protocol"]["name"]))
    yield _training(result, posed, named=bool(weights))
    if result.what.get("suite"):
        yield stamp_check(result, posed)
    yield from rescored(result, posed)
    yield from _rest(result)


def _check(name: str, good: bool, says: str) -> Check:
    return Check(2, name, "holds" if good else "does not hold", says)


def _tests(result: Result) -> TestSet:
    inputs = result.provenance.get("inputs")
    if not isinstance(inputs, Mapping):
        raise UsageError("the result does not say how its test set was made; judge it again to have it said")
    try:
        return again(inputs)
    except DAMAGED as error:
        raise UsageError(f"provenance.inputs is damaged ({type(error).__name__}: {error}); judge it again") from None


def _inputs(result: Result, tests: TestSet) -> Check:
    """The pixels, by their digests."""
    what = result.what
    names = ["lq_sha256", "gt_sha256"]
    names += ["reals_sha256"] if what.get("reals_sha256") or SETS & result.scores.keys() else []
    try:
        odd = [name for name in names if getattr(tests, name) != what.get(name)]
    except GanBenchError as error:  # a file that went, or changed its size
        return _check("inputs", False, str(error))
    return _check(
        "inputs",
        not odd,
        f"{', '.join(odd)}: not what was judged" if odd else f"equal to the last bit, {len(tests)} images",
    )


def _conditions(result: Result, tests: TestSet) -> Iterator[Check]:
    """Set, degradation and scale as the inputs have them, under names that mean them; and the protocol."""
    what, found = result.what, {"set": tests.name, "degradation": tests.degradation, "scale": tests.scale}
    if _typed(result):
        del found["set"]
    odd = difference({name: what[name] for name in found}, found) or _misnamed(result.provenance["inputs"])
    yield _check("conditions", not odd, odd or f"{tests.name}, {_made(tests)} x{tests.scale}")
    name = what["protocol"]["name"]
    try:
        same = get_protocol(name).describe() == what["protocol"]
        says = name if same else f"{name} meant something else then; take its code"
    except UsageError as error:
        same, says = False, str(error)
    yield Check(2, "protocol", "holds" if same else "cannot be checked", says)


def _typed(result: Result) -> bool:
    """Whether the images are a folder that somebody named: it may be called otherwise where it lies today."""
    return "dataset" not in result.provenance["inputs"]


def _made(tests: TestSet) -> str:
    return str(tests.degradation["name"]) if tests.degradation else "given inputs"


def _misnamed(inputs: Mapping[str, Any]) -> str:
    """What bears the name of a data set or a degradation of ours and is another class; empty where nothing does."""
    for group in ("dataset", "degradation"):
        node = inputs.get(group)
        name = node.get("name") if isinstance(node, Mapping) else None
        if name is None or not (conf_dir() / group / f"{name}.yaml").is_file():
            continue
        if node is not None and node.get("_target_") != (ours := _class_of(group, name)):
            return f"{group} {name} is {ours}, and here {node.get('_target_')}"
    return ""


@functools.cache
def _class_of(group: str, name: str) -> Any:
    return default_config({group: name}, 0, None)[group].get("_target_")


def _restorer(result: Result, tests: TestSet, weights: str | None) -> Restorer:
    assert result.path is not None
    what, kept = result.what, result.provenance.get("weights")
    if not isinstance(kept, str | None):
        raise UsageError(f"provenance.weights cannot be {kept!r}; name the weights by --weights FILE")
    if weights or what["checkpoint_sha256"] is None:
        return load_restorer(weights or what["restorer"], tests.scale)
    places = [result.path.parent / kept, Path(kept)] if kept else [Path(what["restorer"])]
    try:
        place = next((str(place) for place in places if place.exists()), None)
    except OSError:  # no name of a file
        place = None
    if place is None:
        raise UsageError(f"{kept or what['restorer']}: the weights are not here; name them by --weights FILE")
    return load_restorer(place, tests.scale)


def _training(result: Result, posed: Question, named: bool) -> Check:
    """What the file says of the restorer and its training, against the run's files."""
    origin, what, config = posed.restorer.origin, result.what, result.provenance.get("config")
    found = {name: posed.what[name] for name in OF_THE_TRAINING}
    if origin.config is None and any(what.get(name) is not None for name in OF_THE_TRAINING if name != "model"):
        says = "no config.yaml of the run beside the weights: how they were trained is not known"
        return Check(2, "restorer", "cannot be checked", says)
    unknown = FROM_A_FILE_NAME if named and origin.config is None else ()
    found = {name: value for name, value in found.items() if name in what and name not in unknown}
    stated = {name: what[name] for name in found}
    if "parameters" in result.cost:
        found["parameters"], stated["parameters"] = origin.parameters, result.cost["parameters"]
    if config and origin.config:
        found["config"], stated["config"] = origin.config, config
    odd = difference(stated, found)
    return _check("restorer", not odd, odd or f"{', '.join(found) or 'nothing is said of it'}")


def _rest(result: Result) -> Iterator[Check]:
    """What was not looked at."""
    then, now = result.what["code"], code_version()
    if then == now:
        yield Check(2, "code", "holds", f"{now}, which is at work here")
    else:
        yield Check(2, "code", "not checked", f"{then} then, {now} here")
    yield Check(2, "rest", "not checked", f"set, {REST}" if _typed(result) else REST)
