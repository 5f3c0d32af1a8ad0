"""The one way in which anything is judged: a restorer, a test set, metrics under a protocol; one result."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any

from torch import Tensor

from gan_bench.batch import Batch
from gan_bench.benchmark import Result
from gan_bench.benchmark.result import key, take
from gan_bench.data import TestSet, describe
from gan_bench.errors import UsageError
from gan_bench.metrics import Protocol, Suite, aggregate
from gan_bench.naming import recipe
from gan_bench.processes import share, together
from gan_bench.provenance import code_version, provenance
from gan_bench.restorers import Restorer, inference_cost

__all__ = ["Question", "answer", "evaluate", "score_images"]

OnImage = Callable[[Batch, Tensor], None]


def score_images(
    restorer: Restorer, tests: TestSet, suite: Suite, on_image: OnImage | None = None, shared: bool = False
) -> tuple[dict[str, dict[str, float]], float]:
    """Restore every image of a set and score it; metrics of sets have no part in it, as in validation.

    Args:
        restorer: what is judged.
        tests: the set.
        suite: the metrics.
        on_image: called with each pair and what became of it; of a shared set, in the process that restored it.
        shared: all processes of a training call for it together and restore a share each. All get the same scores.

    Returns:
        scores by image name, in the order of the set, and the seconds spent restoring, of all processes together.

    Raises:
        UsageError: an image that cannot be restored or scored, in whichever process.
    """

    def one(index: int) -> tuple[int, dict[str, float], float]:
        batch = tests[index]
        start = time.perf_counter()
        restored = restorer.restore(batch)
        seconds = time.perf_counter() - start
        try:
            again = partial(tests.again, index, restored) if tests.degradation else None
            row = suite.score(restored, batch.gt, batch.lq, again)[0]
        except (UsageError, ValueError) as error:  # an image that a metric cannot look at: of another size, no number
            raise UsageError(f"{batch.name[0]}: {error}") from None
        if on_image:
            on_image(batch, restored)
        return index, row, seconds

    if shared:
        parts = together(lambda: [one(index) for index in share(len(tests))])
        scored = sorted(chain(*parts), key=itemgetter(0))
    else:
        scored = [one(index) for index in range(len(tests))]
    images = {tests.names[index]: row for index, row, _ in scored}
    return images, sum(seconds for *_, seconds in scored)


@dataclass(frozen=True)
class Question:
    """Who is judged on what, and how; two equal questions have one answer.

    Attributes:
        label: of the row.
        spec: the restorer as typed, or the run's name.
        restorer: what is judged.
        tests: on what.
        metrics: by which.
        protocol: how.
        instead: the metric that is computed in the place of one that is unavailable.
        made_of: how the test set was made, enough to make it again.
        judged_for: name, version and sha256 of the suite that asks, and the role of this cell in it.
    """

    label: str
    spec: str
    restorer: Restorer
    tests: TestSet
    metrics: Sequence[str]
    protocol: Protocol
    instead: Mapping[str, str] = field(default_factory=dict)
    made_of: Mapping[str, Any] | None = None
    judged_for: Mapping[str, Any] | None = None

    @cached_property
    def suite(self) -> Suite:
        """The metrics, as far as this machine has their weights."""
        return Suite(self.metrics, self.protocol, self.tests.scale, self.instead)

    @property
    def what(self) -> dict[str, Any]:
        """The first group of the result; it decides its key."""
        origin = self.restorer.origin
        return {
            "label": self.label,
            "restorer": self.spec,
            "model": origin.model,
            "set": self.tests.name,
            "degradation": self.tests.degradation,
            "scale": self.tests.scale,
            "protocol": self.protocol.describe(),
            "metrics": list(self.suite.names),
            "metric_weights": self.suite.weights(),
            "budget": origin.budget,
            "seed": origin.seed,
            "selection": origin.selection,
            "checkpoint_sha256": origin.checkpoint_sha256,
            "lq_sha256": self.tests.lq_sha256,
            "gt_sha256": self.tests.gt_sha256,
            "reals_sha256": self.tests.reals_sha256 if self.suite.sets else None,
            "code": code_version(),
            "trained_on": _training(origin.config),
            "recipe": recipe(origin.config) if origin.config else None,
            "suite": dict(self.judged_for) if self.judged_for else None,
        }

    @property
    def inference(self) -> dict[str, Any] | None:
        """What restoring costs; measured once for each restorer and number of channels."""
        channels = int(self.tests[0].lq.shape[1])
        known: dict[int, Any] = vars(self.restorer).setdefault("_inference_cost", {})
        if channels not in known:
            known[channels] = inference_cost(self.restorer, self.tests.scale, channels)
        return known[channels]  # type: ignore[no-any-return]

    def provenance(self, folder: Path | None = None) -> dict[str, Any]:
        """The last group of the result.

        Args:
            folder: in which the result will lie; the weights of its own run are named from there.
        """
        origin = self.restorer.origin
        asked = {"metrics": list(self.metrics), "instead": dict(self.instead), "protocol": self.protocol.name}
        inputs = {**self.made_of, **asked} if self.made_of else None
        return provenance(origin.config) | {"inputs": inputs, "weights": _place(origin.weights, folder)}


def answer(question: Question, on_image: OnImage | None = None, folder: Path | None = None) -> Result:
    """Judge, and say all that the result must keep; nothing is written.

    Args:
        question: to be answered.
        on_image: called with each pair and what became of it.
        folder: in which the result will lie.
    """
    suite = question.suite
    suite.reset()
    images, seconds = score_images(question.restorer, question.tests, suite, _collecting(suite, on_image))
    scores, n_inf = aggregate(images)
    origin = question.restorer.origin
    return Result(
        what=question.what,
        scores={**scores, **suite.score_sets(question.tests.reals())},
        n_inf={name: count for name, count in n_inf.items() if count},
        images={name: dict(row) for name, row in images.items()},
        unavailable=dict(suite.unavailable),
        facts={name: dict(facts) for name, facts in suite.facts().items()},
        cost={
            "seconds": seconds,
            "parameters": origin.parameters,
            "training_seconds": origin.training_seconds,
            "inference": question.inference,
        },
        provenance=question.provenance(folder),
    )


def evaluate(question: Question, folder: Path, on_image: OnImage | None = None) -> Result:
    """The result from a folder where the same question was answered before, else a new one, written there.

    Raises:
        UsageError: the one that is there is damaged, or an image cannot be restored or scored.
        WorkError: it cannot be written.
    """
    wanted = key(question.what)
    for path in sorted(folder.glob(f"*_{wanted}.json")):
        return take(path)
    result = answer(question, on_image, folder)
    result.write(folder)
    return result


def _collecting(suite: Suite, on_image: OnImage | None) -> OnImage:
    """The callback that also hands every restored image to the metrics of sets."""

    def collect(batch: Batch, restored: Tensor) -> None:
        try:
            suite.collect(restored)
        except ValueError as error:
            raise UsageError(f"{batch.name[0]}: {error}") from None
        if on_image:
            on_image(batch, restored)

    return collect


def _place(weights: Path | None, folder: Path | None) -> str | None:
    """The file of weights as seen from the folder of a result in the same run, else as it was typed."""
    if weights is None:
        return None
    run = folder.parent.resolve() if folder else None
    inside = run is not None and (run / "config.yaml").is_file() and weights.resolve().is_relative_to(run)
    return f"../{weights.resolve().relative_to(run).as_posix()}" if run and inside else weights.as_posix()


def _training(config: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Data set and degradation of the training behind a restorer; None for what was not trained here."""
    if not config:
        return None
    dataset, degradation = config["dataset"], config["degradation"]
    given = str(degradation["_target_"]).endswith(".AsGiven")
    trained = {"dataset": dataset["name"], "degradation": None if given else describe(degradation)}
    return trained | {name: dataset[name] for name in ("limit", "unpaired") if dataset.get(name)}
