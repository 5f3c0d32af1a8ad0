"""Where a number comes from: the checkout, the recipe that seeds share, the weights, how the test set was made."""

import json
import subprocess

import pytest

from gan_bench import provenance
from gan_bench.config import build, default_config
from gan_bench.data import Photos, describe
from gan_bench.degradations import Bicubic as Downscale
from gan_bench.inputs import again
from gan_bench.judge import Question, answer
from gan_bench.metrics import get_protocol
from gan_bench.naming import recipe
from gan_bench.ordering import in_order, orders
from gan_bench.restorers import Bicubic, Origin


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout whose package lies at src/gan_bench."""
    package = tmp_path / "src" / "gan_bench"
    package.mkdir(parents=True)
    monkeypatch.setattr(provenance, "__file__", str(package / "provenance.py"))
    return tmp_path


def git(folder, *words):
    names = ["-c", "user.name=a", "-c", "user.email=a@b"]
    done = subprocess.run(["git", "-C", str(folder), *names, *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_a_checkout_is_clean_until_a_file_differs(checkout):
    assert {name: provenance.provenance()[name] for name in ("commit", "clean")} == {"commit": None, "clean": None}
    git(checkout, "init", "-q")
    (checkout / "a.txt").write_text("a")
    git(checkout, "add", ".")
    git(checkout, "commit", "-qm", "a")
    head = git(checkout, "rev-parse", "HEAD")
    told = provenance.provenance()
    assert (told["commit"], told["clean"]) == (head, True)
    (checkout / "a.txt").write_text("b")
    told = provenance.provenance()
    assert (told["commit"], told["clean"]) == (head + "+", False)


def test_seeds_of_one_training_share_a_recipe_and_nothing_else_does():
    config = default_config({"model": "srgan", "budget": "smoke"}, 0, 4)
    same = [
        default_config({"model": "srgan", "budget": "smoke"}, 7, 4),
        {**config, "trainer": {"name": "gpu"}, "suite": {"name": "photos"}, "paths": {"runs": "elsewhere"}},
        {**config, "metrics": {**config["metrics"], "names": ["psnr"], "name": "mine", "instead": {}}},
        dict(reversed(config.items())),
    ]
    others = [
        default_config({"model": "srgan_msr", "budget": "smoke"}, 0, 4), default_config({"model": "srgan"}, 0, 4),
        default_config({"model": "srgan", "budget": "smoke"}, 0, 2), {**config, "pool": 16},
        {**config, "metrics": {**config["metrics"], "validation": ["ssim"]}},
    ]  # fmt: skip
    assert {recipe(one) for one in same} == {recipe(config)}
    assert len({recipe(config), *map(recipe, others)}) == len(others) + 1
    assert len(recipe(config)) == 16


def question(weights, **changes):
    restorer = Bicubic(4)
    restorer.origin = Origin("net", "0" * 64, weights=weights)
    tests = Photos().tests("test", "photos", Downscale(4), {"name": "bicubic", "parameters": {"scale": 4}})
    return Question("net", "net", restorer, tests, ("psnr",), get_protocol("y"), **changes)


def test_weights_of_the_same_run_are_named_from_the_result_and_others_as_typed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "runs" / "one"
    (run / "checkpoints").mkdir(parents=True)
    inside, outside = run / "checkpoints" / "best.ckpt", tmp_path.joinpath("x.pth").relative_to(tmp_path)
    places = [question(path).provenance(run / "results")["weights"] for path in (inside, outside, None)]
    assert places == [inside.as_posix(), "x.pth", None]  # no config: no run
    (run / "config.yaml").write_text("")
    places = [question(path).provenance(run / "results")["weights"] for path in (inside, outside, None)]
    assert places == ["../checkpoints/best.ckpt", "x.pth", None]
    assert (run / "results" / places[0]).resolve() == inside


def test_a_question_that_does_not_say_how_its_set_was_made_has_no_inputs():
    result = answer(question(None))
    assert result.provenance["inputs"] is None and result.what["suite"] is None and result.what["recipe"] is None
    made = question(None, made_of={"gt": "x"}, judged_for={"name": "mine"})
    assert made.provenance()["inputs"] == {"gt": "x", "metrics": ["psnr"], "instead": {}, "protocol": "y"}
    assert made.what["suite"] == {"name": "mine"}


def test_the_order_of_steps_outlives_sorted_keys():
    node = {"b": {"z": 1, "a": [{"y": 0, "x": 1}, 2]}, "a": None}
    found = orders(node)
    assert found == {"": ["b", "a"], ".b": ["z", "a"], ".b.a.0": ["y", "x"]}
    assert json.dumps(in_order(json.loads(json.dumps(node, sort_keys=True)), found)) == json.dumps(node)


def test_keys_that_are_numbers_have_an_order_too():
    assert orders({2: 0, 1: {"b": 0, 3: 0}}) == {"": ["2", "1"], ".1": ["b", "3"]}


def test_a_set_is_made_again_from_what_a_file_keeps():
    dataset = default_config({"dataset": "photos"}, 0, None)["dataset"]
    degradation = default_config({"degradation": "realesrgan"}, 0, 4)["degradation"]
    kept = {"dataset": dataset, "degradation": degradation, "split": "test", "set": "photos"}
    kept["order"] = orders(degradation)
    tests = again(json.loads(json.dumps(kept, sort_keys=True)))
    first = Photos().tests("test", "photos", build(degradation), describe(degradation))
    assert (tests.name, tests.names, tests.lq_sha256) == ("photos", first.names, first.lq_sha256)
