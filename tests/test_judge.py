"""Judging: one question is answered once, other questions anew; what a result says where scores are missing."""

import dataclasses
import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gan_bench.data import Degraded, Given, Images
from gan_bench.degradations import Bicubic as Downscale
from gan_bench.degradations import Identity
from gan_bench.errors import UsageError, WorkError
from gan_bench.judge import Question, answer, evaluate, score_images
from gan_bench.metrics import SetMetric, Suite, get_protocol
from gan_bench.metrics import suite as room
from gan_bench.restorers import Bicubic, Origin
from tests.ranks import in_ranks


class Spy(Bicubic):
    """Bicubic that remembers what it was asked to restore."""

    def __init__(self, scale=2, origin=None):
        super().__init__(scale)
        self.seen = []
        if origin:
            self.origin = origin

    computes = False  # its cost is not asked for

    def restore(self, batch):
        self.seen.append(batch.name[0])
        return super().restore(batch)


def images(folder, count=3, first=0):
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        pixels = np.random.default_rng(number).integers(0, 256, (26, 24, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return Images(folder.glob("*.png"), folder, num_ch=None)


@pytest.fixture
def tests(tmp_path):
    described = {"name": "bicubic", "parameters": {"scale": 2}}
    return Degraded("little", images(tmp_path / "gt"), Downscale(2), described)


def question(tests, restorer=None, **changes):
    asked = Question("bicubic", "bicubic", restorer or Spy(), tests, ("psnr", "ssim"), get_protocol("y"))
    return dataclasses.replace(asked, **changes)


def test_the_same_question_is_answered_once(tests, tmp_path):
    restorer, shown = Spy(), []
    folder = tmp_path / "results"
    first = evaluate(question(tests, restorer), folder, lambda batch, _: shown.append(batch.name[0]))
    assert restorer.seen == shown == ["0", "1", "2"]
    again = evaluate(question(tests, restorer), folder, lambda batch, _: shown.append(batch.name[0]))
    assert restorer.seen == shown == ["0", "1", "2"]
    assert again == first
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize("cut", [500, None])
def test_an_answer_that_was_cut_or_changed_is_not_taken_and_says_so(tests, tmp_path, cut):
    folder = tmp_path / "results"
    evaluate(question(tests), folder)
    (file,) = folder.iterdir()
    document = json.loads(file.read_text())
    document["scores"]["psnr"] += 1
    file.write_text(json.dumps(document)[:cut])
    with pytest.raises(UsageError, match=r"^[^\n]*\.json: [^\n]+; remove the file to judge again$"):
        evaluate(question(tests), folder)


def test_another_process_finds_the_answer(tests, tmp_path):
    evaluate(question(tests), tmp_path / "results")
    restorer = Spy()
    same = Degraded("little", images(tmp_path / "gt"), Downscale(2), tests.degradation)
    evaluate(question(same, restorer), tmp_path / "results")
    assert restorer.seen == []


@pytest.mark.parametrize(
    "changes",
    [
        {"label": "cubic"},
        {"spec": "cubic"},
        {"metrics": ("psnr",)},
        {"protocol": get_protocol("rgb")},
        {"restorer": Spy(origin=Origin(model="net", checkpoint_sha256="0" * 64))},
        {"restorer": Spy(origin=Origin(model="net", selection="best"))},
    ],
    ids=["label", "spec", "metrics", "protocol", "weights", "selection"],
)
def test_another_question_is_answered_anew(tests, tmp_path, changes):
    evaluate(question(tests), tmp_path)
    restorer = changes.get("restorer", Spy())
    restorer.seen.clear()
    evaluate(question(tests, **{"restorer": restorer, **changes}), tmp_path)
    assert restorer.seen == ["0", "1", "2"]
    assert len(list(tmp_path.glob("little_*.json"))) == 2


def test_the_order_of_metrics_is_no_other_question(tests, tmp_path):
    evaluate(question(tests), tmp_path)
    restorer = Spy()
    evaluate(question(tests, restorer, metrics=("ssim", "psnr")), tmp_path)
    assert restorer.seen == []


def test_other_images_under_the_same_name_are_another_question(tests, tmp_path):
    first = evaluate(question(tests), tmp_path / "results")
    other = Degraded("little", images(tmp_path / "other", first=5), Downscale(2), tests.degradation)
    assert evaluate(question(other), tmp_path / "results").scores != first.scores


def test_scores_are_those_of_an_independent_computation(tests):
    """PSNR on all channels, no border, in plain NumPy."""
    result = answer(question(tests, protocol=get_protocol("rgb"), metrics=("psnr",)))
    expected = {}
    for batch in tests:
        restored = np.floor(Bicubic(2).restore(batch).double().numpy() * 255 + 0.5)
        error = np.mean((restored - batch.gt.double().numpy() * 255) ** 2)
        expected[batch.name[0]] = 10 * math.log10(255**2 / error)
    assert result.images.keys() == expected.keys()
    for name, value in expected.items():
        assert result.images[name]["psnr"] == pytest.approx(value, abs=1e-4)
    assert result.scores["psnr"] == pytest.approx(np.mean(list(expected.values())), abs=1e-4)


def test_a_result_says_what_was_judged(tests):
    origin = Origin("net", "f" * 64, {"name": "smoke", "steps": 3, "batch": 2, "patch": 16}, 7, "last", 99, 1.5)
    result = answer(question(tests, Spy(origin=origin), label="Net", spec="runs/net"))
    what = result.what
    assert (what["label"], what["restorer"], what["model"], what["set"]) == ("Net", "runs/net", "net", "little")
    assert (what["scale"], what["seed"], what["selection"]) == (2, 7, "last")
    assert what["lq_sha256"] == tests.lq_sha256
    assert what["degradation"] == {"name": "bicubic", "parameters": {"scale": 2}}
    assert what["budget"] == {"name": "smoke", "steps": 3, "batch": 2, "patch": 16}
    assert (result.cost["parameters"], result.cost["training_seconds"]) == (99, 1.5)
    assert result.cost["seconds"] > 0
    told = {"higher_is_better": True, "unit": "dB", "digits": 2, "margin": 0.05}
    assert {name: fact for name, fact in result.facts["psnr"].items() if name != "digest"} == told
    assert torch.__version__.startswith(result.provenance["versions"]["torch"])


def test_what_restoring_costs_is_measured_once_for_each_restorer_and_written_into_each_result(tests, monkeypatch):
    from gan_bench import judge

    asked = []
    monkeypatch.setattr(judge, "inference_cost", lambda *given: asked.append(given) or {"ms_per_megapixel": 7.0})
    restorer = Bicubic(2)
    for protocol in ("y", "rgb"):
        result = answer(question(tests, restorer, protocol=get_protocol(protocol)))
        assert result.cost["inference"] == {"ms_per_megapixel": 7.0}
    assert asked == [(restorer, 2, 3)]


def test_identical_images_have_infinite_psnr_which_is_null_and_counted(tmp_path):
    tests = Degraded("same", images(tmp_path / "gt"), Identity(), {"name": "identity", "parameters": {}})
    result = evaluate(question(tests, Spy(1)), tmp_path / "results")
    assert result.scores["psnr"] is None
    assert result.scores["ssim"] == pytest.approx(1)
    assert result.n_inf == {"psnr": 3}
    assert all(row["psnr"] is None for row in result.images.values())
    (path,) = (tmp_path / "results").iterdir()
    document = json.loads(path.read_text(), parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert document["n_inf"] == {"psnr": 3}
    assert evaluate(question(tests, Spy(1)), tmp_path / "results") == result


def test_one_infinite_image_among_others_leaves_no_mean(tests):
    class Oracle(Spy):
        def restore(self, batch):
            return batch.gt if batch.name[0] == "1" else super().restore(batch)

    result = answer(question(tests, Oracle()))
    assert result.scores["psnr"] is None
    assert result.n_inf == {"psnr": 1}
    assert result.images["1"]["psnr"] is None
    assert result.images["0"]["psnr"] > 0


def test_without_gt_what_needs_it_is_unavailable(tmp_path):
    tests = Given("wild", images(tmp_path / "lq"), None, 2)
    result = evaluate(question(tests), tmp_path / "results")
    assert result.scores == {}
    assert result.unavailable == {"psnr": "needs ground truth", "ssim": "needs ground truth"}
    assert result.images == {"0": {}, "1": {}, "2": {}}
    assert result.what["degradation"] is None


def test_every_image_is_handed_on_with_what_became_of_it(tests):
    kept = {}
    suite = Suite(["psnr"], get_protocol("y"), 2)
    scores, seconds = score_images(Spy(), tests, suite, lambda batch, restored: kept.update({batch.name[0]: restored}))
    assert list(scores) == list(kept) == ["0", "1", "2"]
    assert seconds > 0
    for batch in tests:
        assert torch.equal(kept[batch.name[0]], Bicubic(2).restore(batch))


def test_what_was_unavailable_is_asked_again_once_it_is_there(tests, tmp_path, monkeypatch):
    from gan_bench.metrics import PSNR

    def lacking(*_):
        raise WorkError("needs weights")

    def there(*words):
        metric = PSNR(*words)
        metric.name, metric.weights = "learnt", "f" * 64
        return metric

    asked = {"metrics": ("psnr", "learnt")}
    monkeypatch.setitem(room.METRICS, "learnt", lacking)
    first = evaluate(question(tests, **asked), tmp_path)
    assert first.unavailable == {"learnt": "needs weights"}
    assert first.what["metric_weights"] == {}
    monkeypatch.setitem(room.METRICS, "learnt", there)
    second = evaluate(question(tests, **asked), tmp_path)
    assert second.what["metric_weights"] == {"learnt": "f" * 64}
    assert second.scores["learnt"] == second.scores["psnr"]
    assert len(list(tmp_path.glob("little_*.json"))) == 2


@pytest.mark.parametrize("limit", [None, 5])
def test_a_result_says_what_was_trained_on(tests, limit):
    config = {
        "dataset": {"name": "photos", "_target_": "x", "limit": limit},
        "degradation": {"name": "jpeg", "_target_": "y", "quality": 20, "scale": 2},
    }
    what = answer(question(tests, Spy(origin=Origin("net", "f" * 64, config=config)))).what
    trained = {"dataset": "photos", "degradation": {"name": "jpeg", "parameters": {"quality": 20, "scale": 2}}}
    assert what["trained_on"] == (trained if limit is None else trained | {"limit": limit})


def test_a_result_says_that_its_training_was_unpaired_and_its_lq_given(tests):
    config = {
        "dataset": {"name": "pairs", "_target_": "x", "limit": None, "unpaired": True},
        "degradation": {"name": "given", "_target_": "gan_bench.degradations.AsGiven", "scale": 1},
    }
    what = answer(question(tests, Spy(origin=Origin("net", "f" * 64, config=config)))).what
    assert what["trained_on"] == {"dataset": "pairs", "degradation": None, "unpaired": True}


def test_what_was_not_trained_here_was_trained_on_nothing(tests):
    assert answer(question(tests)).what["trained_on"] is None


class Gap(SetMetric):
    """How far the mean of the restored images is from that of the real ones."""

    name, higher_is_better, ranked_from = "gap", False, 10

    def __init__(self):
        self.reset()

    def reset(self):
        self.real, self.restored = [], []

    def add_real(self, images):
        self.real += [image.double().mean().item() for image in images]

    def add_restored(self, images):
        if images.isnan().any():
            raise ValueError("NaN")
        self.restored += [image.double().mean().item() for image in images]

    def compute(self):
        if len(self.real) < 2:
            raise WorkError("needs two real images")
        return abs(np.mean(self.real) - np.mean(self.restored))


@pytest.fixture
def with_gap(monkeypatch):
    monkeypatch.setitem(room.METRICS, "gap", lambda *_: Gap())


class Unpaired(Given):
    """Images without ground truth, beside real ones of other scenes."""

    def __init__(self, folder, first=7, count=4):
        super().__init__("unpaired", images(folder / "lq"), None, 2)
        self.others = Given("others", images(folder / f"real{first}", count, first), None, 1)

    def reals(self):
        return (batch.lq for batch in self.others)


@pytest.mark.usefixtures("with_gap")
def test_a_metric_of_sets_scores_the_set_and_no_image(tests, tmp_path):
    seen, asked = [], question(tests, metrics=("gap", "psnr"))
    result = evaluate(asked, tmp_path / "results", lambda batch, _: seen.append(batch.name[0]))
    assert seen == ["0", "1", "2"]
    restored = [Bicubic(2).restore(batch).double().mean().item() for batch in tests]
    expected = abs(np.mean(restored) - np.mean([batch.gt.double().mean().item() for batch in tests]))
    assert result.scores["gap"] == pytest.approx(expected, abs=1e-7)
    assert all(list(row) == ["psnr"] for row in result.images.values())
    told = {"higher_is_better": False, "unit": "", "digits": 4, "ranked_from": 10, "reals": 3}
    assert {name: fact for name, fact in result.facts["gap"].items() if name != "digest"} == told
    assert evaluate(question(tests, metrics=("psnr", "gap")), tmp_path / "results") == result
    assert answer(asked).scores == result.scores  # nothing is left over from the first time


@pytest.mark.usefixtures("with_gap")
def test_without_gt_restored_sets_are_compared_with_the_real_ones(tmp_path):
    result = answer(question(Unpaired(tmp_path), metrics=("psnr", "gap")))
    assert list(result.scores) == ["gap"]
    assert result.unavailable == {"psnr": "needs ground truth"}
    assert result.images == {"0": {}, "1": {}, "2": {}}


@pytest.mark.usefixtures("with_gap")
def test_other_real_images_are_another_question_only_to_metrics_of_sets(tmp_path):
    asked = [question(Unpaired(tmp_path, first), metrics=("gap",)) for first in (7, 20)]
    first, second = (evaluate(one, tmp_path / "results") for one in asked)
    assert first.scores != second.scores
    assert len(first.what["reals_sha256"]) == 64
    assert question(Unpaired(tmp_path), metrics=("psnr",)).what["reals_sha256"] is None


@pytest.mark.usefixtures("with_gap")
@pytest.mark.parametrize("count", [0, 1])
def test_too_few_real_images_leave_the_metric_unavailable_and_the_rest_judged(tmp_path, count):
    (tmp_path / "real7").mkdir()
    tests = Unpaired(tmp_path, count=1)
    tests.others.names = tests.others.names[:count]
    result = evaluate(question(tests, metrics=("gap",)), tmp_path / "results")
    assert (result.scores, result.unavailable) == ({}, {"gap": "needs two real images"})


@pytest.mark.usefixtures("with_gap")
def test_validation_leaves_metrics_of_sets_alone(tests):
    suite = Suite(["psnr", "gap"], get_protocol("y"), 2)
    scores, _ = score_images(Spy(), tests, suite)
    assert all(list(row) == ["psnr"] for row in scores.values())
    assert suite.sets["gap"].restored == []


@pytest.mark.usefixtures("with_gap")
def test_an_image_that_no_set_can_take_is_named(tests):
    class Broken(Spy):
        def restore(self, batch):
            return super().restore(batch) * (torch.nan if batch.name[0] == "1" else 1)

    with pytest.raises(UsageError, match=r"^1: NaN$"):
        answer(question(tests, Broken(), metrics=("gap",)))


# Judging that is shared


@pytest.fixture(scope="module")
def eight(tmp_path_factory):
    """Pixels of eight images."""
    folder = tmp_path_factory.mktemp("eight")
    images(folder, 8)
    return sorted(folder.glob("*.png"))


def of(paths):
    gt = Images(paths, paths[0].parent, num_ch=None)
    return Degraded("some", gt, Downscale(2), {"name": "bicubic", "parameters": {"scale": 2}})


def scored(tests, on_image=None, shared=False, restorer=None):
    suite = Suite(["psnr", "ssim"], get_protocol("y"), 2)
    return score_images(restorer or Spy(), tests, suite, on_image, shared)


@settings(max_examples=20, deadline=None)
@given(count=st.integers(1, 8), ranks=st.sampled_from([1, 2, 3, 7]))
def test_a_shared_set_has_the_scores_that_one_process_gives_it(eight, count, ranks):
    paths, spies, shown = eight[:count], [Spy() for _ in range(ranks)], [[] for _ in range(ranks)]
    alone, _ = scored(of(paths))

    def work(rank):
        return scored(of(paths), lambda batch, _: shown[rank].append(batch.name[0]), True, spies[rank])

    told = in_ranks(ranks, work)
    for scores, seconds in told:
        assert scores == alone and list(scores) == list(alone)  # to the last bit, in the order of the set
        assert seconds == told[0][1] > 0
    assert shown == [spy.seen for spy in spies] == [list(alone)[rank::ranks] for rank in range(ranks)]


@pytest.mark.parametrize("ranks", [2, 3, 7])
@pytest.mark.parametrize("broken", [0, 2])
def test_an_image_that_cannot_be_judged_ends_all_processes_alike(eight, ranks, broken):
    class Broken(Spy):
        def restore(self, batch):
            if batch.name[0] == str(broken):
                raise UsageError(f"{batch.name[0]}: not enough memory")
            return super().restore(batch)

    raised = in_ranks(ranks, lambda rank: scored(of(eight[:4]), None, True, Broken()))
    assert [(type(one), str(one)) for one in raised] == [(UsageError, f"{broken}: not enough memory")] * ranks


def test_unshared_judging_asks_no_other_process(eight):
    """As at the end of a run, where the first process judges alone."""
    told = in_ranks(2, lambda rank: scored(of(eight[:3])) if rank == 0 else None)
    assert told[0][0] == scored(of(eight[:3]))[0]
