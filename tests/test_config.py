"""config and check, against a small conf tree of their own."""

import copy
import dataclasses
import functools
import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf, open_dict

from gan_bench import config
from gan_bench.config import (
    build,
    check,
    default_config,
    differences,
    fingerprint,
    plain,
    register_experiments,
    run_name,
)
from gan_bench.errors import UsageError, WorkError
from gan_bench.naming import recipe
from gan_bench.values import check_values

FILES = {
    "conf/train.yaml": """
        defaults:
          - model: srcnn
          - dataset: photos
          - degradation: bicubic
          - suite: small
          - metrics: basic
          - perceptual: none
          - budget: ${oc.env:GAN_BENCH_TEST_BUDGET,quick}
          - trainer: auto
          - optional logger: csv
          - _self_
          - experiment: null
          - override hydra/job_logging: none
        seed: 0
        allow: [toys]
        paths: {runs: runs}
        """,
    "conf/model/srcnn.yaml": """
        name: srcnn
        _target_: toys.Model
        generator: {_target_: toys.Net, num_feat: "${oc.select:budget.srcnn.num_feat,64}", num_block: 3}
        pixel: {_target_: torch.nn.L1Loss}
        optimizer: {_target_: torch.optim.Adam, _partial_: true, betas: [0.9, 0.999]}
        stages:
          - {fraction: 0.5, weights: {pixel: 1}, lr: 1e-4}
          - {fraction: 0.5, weights: {pixel: 1, adversarial: 0.005}, lr: 1e-4, patch: 8}
        """,
    "conf/model/esrgan.yaml": """
        defaults: [srcnn, _self_]
        name: esrgan
        """,
    "conf/dataset/photos.yaml": "{name: photos, _target_: toys.Photos, count: 4}",
    "conf/dataset/folder.yaml": "{name: folder, _target_: toys.Folder, root: '???', val: '${dataset.root}/val'}",
    "conf/degradation/bicubic.yaml": "{name: bicubic, _target_: toys.Resize, scale: 4}",
    "conf/degradation/noise.yaml": """
        name: real_noise
        _target_: toys.Compose
        steps: [{_target_: toys.Resize, scale: 1}, {_target_: toys.Noise, sigma: {low: 1, high: 5}}]
        """,
    "conf/suite/small.yaml": "{name: small, sets: {photos: {count: 2}}, free: {}}",
    "conf/metrics/basic.yaml": "{name: basic, names: [psnr], protocol: y}",
    "conf/perceptual/none.yaml": "{name: none, pixel: 1}",
    "conf/budget/quick.yaml": "{name: quick, steps: 400, batch: 4, srcnn: {num_feat: 16, x2: {batch: 2}}}",
    "conf/budget/smoke.yaml": "{name: smoke, steps: 2, batch: 1}",
    "conf/trainer/auto.yaml": "{name: auto, max_epochs: 1}",
    "conf/logger/csv.yaml": "{name: csv}",
    "experiments/e1.yaml": """
        # @package _global_
        defaults:
          - override /model: esrgan
          - override /budget: smoke
        seed: 7
        model: {generator: {num_block: 5}}
        hydra:
          mode: MULTIRUN
          sweeper: {params: {seed: "1,2"}}
        """,
    "toys.py": """
        import functools
        from gan_bench.errors import UsageError, WorkError

        class Net:
            def __init__(self, num_feat, num_block=3):
                if num_feat < 1:
                    raise ValueError(f"num_feat must be at least 1,\\n not {num_feat}")
                self.num_feat, self.num_block = num_feat, num_block

        class Recipe:
            def __init__(self, *, generator, optimizer, stages=(), criteria=None, clip=None):
                self.generator, self.optimizer, self.stages = generator, optimizer, stages

        class Model(Recipe):
            __forwards_to__ = Recipe
            def __init__(self, pixel, perceptual=None, **recipe):
                super().__init__(**recipe)
                self.pixel, self.perceptual = pixel, perceptual

        class Exact(Model):
            __forwards_to__ = Net

        class Photos:
            def __init__(self, count, extra=None):
                self.count, self.extra = count, extra

        class Folder:
            def __init__(self, root, val=None): ...

        class Resize:
            def __init__(self, scale): ...

        class Compose:
            def __init__(self, steps): ...

        class Noise:
            def __init__(self, sigma, **anything): ...

        class Ordered:
            def __init__(self, first, second, /, third): ...

        class MisconfigurationException(Exception): ...

        def fail(how):
            raise {"usage": UsageError, "work": WorkError, "defect": RuntimeError, "type": TypeError,
                   "lightning": MisconfigurationException}[how](f"{how} failed")
        """,
}


GROUPS = {Path(name).parent.name for name in FILES if name.startswith("conf/")}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("bench")
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(textwrap.dedent(text).lstrip())
    return root


@pytest.fixture(autouse=True)
def bench(root, monkeypatch):
    monkeypatch.setattr(config, "conf_dir", lambda: root / "conf")
    monkeypatch.setattr(config, "experiments_dir", lambda: root / "experiments")
    monkeypatch.syspath_prepend(root)
    return root


@functools.cache
def composed_once(conf, choices):
    with initialize_config_dir(str(conf), version_base="1.3"):
        return compose("train", list(choices))


def override(cfg, parsed):
    """What Hydra does with an override of a value; composing anew for each would take most of this file's time."""
    parent, _, leaf = parsed.key_or_group.rpartition(".")
    if parsed.is_delete():
        with open_dict(cfg):
            del (OmegaConf.select(cfg, parent) if parent else cfg)[leaf]
    else:
        OmegaConf.update(cfg, parsed.key_or_group, parsed.value(), force_add=True)


@pytest.fixture
def composed(bench):
    def compose_them(*overrides):
        groups = tuple(o for o in overrides if o.split("=")[0] in GROUPS and "{" not in o)
        cfg = copy.deepcopy(composed_once(bench / "conf", groups))
        for parsed in OverridesParser.create().parse_overrides([o for o in overrides if o not in groups]):
            override(cfg, parsed)
        return cfg

    return compose_them


@pytest.fixture
def refusal(composed):
    def message(*overrides, **keywords):
        with pytest.raises(UsageError) as caught:
            check(composed(*overrides), **keywords)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    return message


# Where the yaml files are --------------------------------------------------------------------------------------------


def test_conf_is_found_in_the_package_first_then_in_the_repository(tmp_path, monkeypatch):
    package = tmp_path / "src/gan_bench"
    package.mkdir(parents=True)
    monkeypatch.undo()
    monkeypatch.setattr(config, "__file__", str(package / "config.py"))
    with pytest.raises(UsageError, match="conf/: neither in"):
        config.conf_dir()
    (tmp_path / "conf").mkdir()
    assert config.conf_dir() == tmp_path / "conf"
    (package / "conf").mkdir()
    assert config.conf_dir() == package / "conf"
    with pytest.raises(UsageError, match="experiments/"):
        config.experiments_dir()


def test_importing_config_imports_neither_torch_nor_lightning():
    code = "import sys, gan_bench.config; print(sorted({'torch', 'lightning'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


# Experiments ---------------------------------------------------------------------------------------------------------


def test_an_experiment_overrides_groups_values_and_hydra(bench):
    assert register_experiments() == ["e1"]
    try:
        with initialize_config_dir(str(bench / "conf"), version_base="1.3"):
            cfg = compose("train", ["experiment=e1"], return_hydra_config=True)
            smaller = compose("train", ["experiment=e1", "budget=quick", "seed=3"])
    finally:
        ConfigStore.instance().repo.pop("experiment")
    assert (cfg.model.name, cfg.budget.name, cfg.seed, cfg.model.generator.num_block) == ("esrgan", "smoke", 7, 5)
    assert cfg.hydra.mode.name == "MULTIRUN"
    assert cfg.hydra.sweeper.params == {"seed": "1,2"}
    assert (smaller.budget.name, smaller.seed) == ("quick", 3)
    check(smaller, provided={"model": ["perceptual"]})


APP = """
import json, sys
from pathlib import Path
import hydra
from hydra.core.hydra_config import HydraConfig
from gan_bench import config
ROOT = Path({root!r})
sys.path.insert(0, str(ROOT))
config.conf_dir = lambda: ROOT / "conf"
config.register_experiments(ROOT / "experiments")

@hydra.main(config_path=str(ROOT / "conf"), config_name="train", version_base="1.3")
def main(cfg):
    mine = config.plain(cfg)
    before = HydraConfig.get().runtime.output_dir
    default = config.default_config(HydraConfig.get().runtime.choices, cfg.seed, cfg.degradation.get("scale"))
    assert HydraConfig.get().runtime.output_dir == before
    with (ROOT / "names").open("a") as file:
        print(config.run_name(mine, default), config.differences(default, mine), file=file)

main()
"""


def run_app(root, *overrides):
    (root / "names").unlink(missing_ok=True)
    command = [sys.executable, "-c", APP.format(root=str(root)), *overrides, f"hydra.run.dir={root}/out"]
    done = subprocess.run([*command, f"hydra.sweep.dir={root}/outs"], capture_output=True, text=True, cwd=root)
    assert done.returncode == 0, done.stderr
    return (root / "names").read_text().splitlines()


def test_default_config_composes_inside_a_running_command(root):
    (line,) = run_app(root, "degradation.scale=2", "seed=5", "model.generator.num_block=9")
    assert line.startswith("srcnn_photos_bicubic_x2_quick_s5_")
    assert line.endswith("['model.generator.num_block: 3 against 9']")


def test_default_config_composes_inside_a_sweep_set_by_an_experiment(root):
    lines = run_app(root, "experiment=e1")
    assert [line.split()[0].rpartition("_")[0] for line in lines] == [
        "esrgan_photos_bicubic_x4_smoke_s1",
        "esrgan_photos_bicubic_x4_smoke_s2",
    ]


def test_default_config_finds_a_users_own_yaml(root, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model/mine.yaml").write_text("{name: mine, _target_: toys.Photos, count: 1}")
    assert run_app(root, f"hydra.searchpath=[file://{tmp_path}]", "model=mine") == [
        "mine_photos_bicubic_x4_quick_s0 []"
    ]


# check: what is accepted ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["model=esrgan", "degradation=noise", "budget=smoke"],
        ["dataset=folder", "dataset.root=/tmp"],
        ["+budget.esrgan={num_feat: 8, x4: {batch: 1}}"],
        ["+model.perceptual=null", "+model.clip=1.0"],
        ["perceptual.pixel=2", "model.stages=[{fraction: 1, weights: {anything: 0}, lr: 1, name: a}]"],
        ["+suite.free.anything={x: 1}"],
        ["degradation=noise", "degradation.steps=[{_target_: toys.Noise, sigma: 1, whatever: 2}]"],
        ["model.name=mine", "+budget.mine={x2: {batch: 1}}"],
        ["~logger"],
    ],
)
def test_a_config_without_mistakes_passes(composed, overrides):
    check(composed(*overrides))


def test_lightnings_trainer_is_checked_through_its_wrapper(composed, refusal):
    trainer = "trainer={_target_: lightning.Trainer, name: auto, max_epochs: 1, accelerator: cpu}"
    check(composed("~trainer", f"+{trainer}"))
    message = refusal("~trainer", f"+{trainer.replace('max_epochs', 'max_epoch')}")
    assert message == "trainer.max_epoch: Trainer takes no such argument; did you mean 'max_epochs'?"


def test_arguments_given_at_build_time_are_not_missing(composed, refusal):
    assert refusal("~model.pixel") == "model: Model needs pixel; add model.pixel"
    check(composed("~model.pixel"), provided={"model": ["pixel"]})
    assert "Adam needs params" in refusal("model.optimizer._partial_=false")
    check(composed("model.optimizer._partial_=false"), provided={"model.optimizer": ["params"]})


def test_positional_arguments_count_as_given(composed, refusal):
    ordered = "dataset={_target_: toys.Ordered, _args_: [1, 2], third: 3}"
    check(composed("~dataset", f"+{ordered}"))
    assert "needs second" in refusal("~dataset", f"+{ordered.replace('[1, 2]', '[1]')}")


# check: what is refused, and how -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("+sed=1", "sed: no such key; did you mean 'seed'?"),
        ("+budget.stepz=3", "budget.stepz: no such key; did you mean 'steps'?"),
        ("+budget.esrgam={batch: 1}", "budget.esrgam: no such key; did you mean 'esrgan'?"),
        ("+budget.esrgan={bach: 1}", "budget.esrgan.bach: no such key; did you mean 'batch'?"),
        ("+budget.esrgan={x4: {x2: {batch: 1}}}", "budget.esrgan.x4.x2: no such key"),
        ("+budget.esrgan={x4: {batc: 1}}", "budget.esrgan.x4.batc: no such key; did you mean 'batch'?"),
        ("+budget.x4={batch: 1}", "budget.x4: no such key"),
        ("+budget.esrgan=3", "budget.esrgan: a mapping is needed"),
        ("+model.stages.0.fractoin=1", "model.stages[0].fractoin: no such key; did you mean 'fraction'?"),
        ("model.stages.1.weights.pixel=-1", "model.stages[1].weights.pixel: a weight is a number >= 0, not -1"),
        ("model.stages.1.weights.pixel=high", "model.stages[1].weights.pixel: a weight is a number >= 0, not 'high'"),
        ("model.stages.1.weights.pixel=nan", "model.stages[1].weights.pixel: a weight"),
        ("model.stages.1.weights.pixel=true", "model.stages[1].weights.pixel: a weight"),
        ("+metrics.name_s=[psnr]", "metrics.name_s: no such key; did you mean 'names'?"),
        ("+perceptual.pixl=1", "perceptual.pixl: no such key; did you mean 'pixel'?"),
        ("+trainer.max_epoch=2", "trainer.max_epoch: no such key; did you mean 'max_epochs'?"),
        ("+paths.run=x", "paths.run: no such key; did you mean 'runs'?"),
        ("+suite.sets.photos.cuont=1", "suite.sets.photos.cuont: no such key; did you mean 'count'?"),
        (
            "+model.generator.num_blok=3",
            "model.generator.num_blok: Net takes no such argument; did you mean 'num_block'?",
        ),
        ("+model.generatr=1", "model.generatr: Model takes no such argument; did you mean 'generator'?"),
        ("+model.generator.name=n", "model.generator.name: Net takes no such argument"),
        (
            "+model.pixel.reductoin=sum",
            "model.pixel.reductoin: L1Loss takes no such argument; did you mean 'reduction'?",
        ),
        ("+model.optimizer.beta=1", "model.optimizer.beta: Adam takes no such argument; did you mean 'betas'?"),
        ("+model.optimizer._partail_=true", "model.optimizer._partail_: no such key; did you mean '_partial_'?"),
        ("+perceptual._targt_=x", "perceptual._targt_: no such key; did you mean '_target_'?"),
        ("~model.generator.num_feat", "model.generator: Net needs num_feat; add model.generator.num_feat"),
        (
            "model.pixel._target_=torch.nn.L1Los",
            "model.pixel._target_: torch.nn has no 'L1Los'; did you mean 'L1Loss'?",
        ),
        ("model.pixel._target_=torch.nn.modulez.L1Loss", "model.pixel._target_: torch.nn has no 'modulez'; did you"),
        ("model.pixel._target_=torch.nn.L1Loss.nope", "model.pixel._target_: torch.nn.L1Loss has no 'nope'"),
        ("model.pixel._target_=torch.nn.modules", "model.pixel._target_: torch.nn.modules cannot be called"),
        ("model.pixel._target_=gan_bench.erors.UsageError", "gan_bench has no 'erors'; did you mean 'errors'?"),
        ("model.pixel._target_=gan_bench.config.json.loads", "gan_bench.config has no 'json'"),
        ("model.pixel._target_=os.getcwd", "model.pixel._target_: os.getcwd is in none of gan_bench, torch.nn"),
        ("model.pixel._target_=os.getcwd", "trust it by allow: [os]"),
        ("model.pixel._target_=torch.load", "trust it by allow: [torch]"),
        ("model.pixel._target_=torch.nnx.L1Loss", "is in none of"),
        ("model.pixel._target_=3", "model.pixel._target_: a dotted name is needed, not 3"),
        ("allow=toys", "allow: a list of packages is needed, e.g. allow=[mypackage], not 'toys'"),
        ("model.generator.num_block=${nope.x}", "model.generator.num_block: Interpolation key 'nope.x' not found"),
        ("model.generator.num_block=${foo:3}", "model.generator.num_block: Unsupported interpolation type foo"),
        ("dataset=folder", "dataset.root: a value is needed, e.g. dataset.root=..."),
    ],
)
def test_a_mistake_is_one_line_with_its_key(refusal, override, message):
    assert message in refusal(override)


@pytest.mark.parametrize("node", ["{_target_: toys.Rezise, scale: 1}", "{_target_: toys.Resize, scal: 1}"])
def test_targets_inside_lists_are_checked(refusal, node):
    message = refusal("degradation=noise", f"degradation.steps=[{{_target_: toys.Resize, scale: 1}}, {node}]")
    assert message.startswith("degradation.steps[1].")
    assert "did you mean" in message


def test_a_package_that_is_not_installed_is_named(refusal):
    message = refusal("allow=[toys,no_such_pkg]", "model.pixel._target_=no_such_pkg.L1")
    assert message == "model.pixel._target_: no_such_pkg.L1 needs the package 'no_such_pkg', which is not installed"


def test_a_mistyped_key_is_reported_before_a_missing_value(refusal):
    assert (
        refusal("dataset=folder", "+dataset.rot=/x")
        == "dataset.rot: Folder takes no such argument; did you mean 'root'?"
    )


def test_a_mistyped_plain_key_is_reported_before_any_target_is_imported(refusal):
    assert refusal("model._target_=toys.Nope", "+budget.stepz=3").startswith("budget.stepz")


def test_kwargs_are_checked_against_what_they_forward_to(composed, refusal):
    exact = "model={_target_: toys.Exact, pixel: 1, num_feat: 2"
    check(composed("~model", f"+{exact}}}"))
    assert "did you mean 'num_block'" in refusal("~model", f"+{exact}, num_blok: 1}}")


# build ---------------------------------------------------------------------------------------------------------------


def test_build_makes_the_object_with_plain_containers(composed):
    extra = dataclasses.make_dataclass("Extra", ["x"])(1)
    model = build(composed().model, key="model", perceptual=extra)
    assert model.perceptual is extra  # Hydra itself would take a dataclass for a config
    assert (model.generator.num_feat, model.generator.num_block) == (16, 3)
    assert type(model.stages) is list
    assert type(model.stages[0]["weights"]) is dict
    assert model.optimizer.keywords == {"betas": [0.9, 0.999]}


def test_build_takes_plain_mappings_and_given_arguments_win(composed):
    node = plain(composed())["dataset"]
    assert build(node, count=9).count == 9
    assert node["name"] == "photos"
    assert build({**node, "_partial_": True}, extra=1)(count=2).extra == 1


def test_build_fills_a_missing_value(composed):
    cfg = composed("dataset.count=???")
    assert build(cfg.dataset, count=1).count == 1
    with pytest.raises(UsageError, match=r"dataset: .*'count'"):
        build(cfg.dataset, key="dataset")


@pytest.mark.parametrize("node", [None, {}, {"name": "none"}, OmegaConf.create({"name": "none"})])
def test_build_of_nothing_is_none(node):
    assert build(node) is None


@pytest.mark.parametrize(
    ("override", "key", "message"),
    [
        ("model.generator.num_feat=0", "model", "model.generator: num_feat must be at least 1, not 0"),
        ("model.generator.num_feat=0", "", "generator: num_feat must be at least 1, not 0"),
        ("model={_target_: toys.fail, how: type}", "model", "model: type failed"),
        ("model={_target_: toys.fail, how: type}", "", "type failed"),
        ("model={_target_: toys.fail, how: lightning}", "model", "model: lightning failed"),
        ("model={_target_: toys.fail, how: usage}", "model", "usage failed"),
        ("model={_target_: toys.Photos, count: {_target_: toys.fail, how: usage}}", "model", "usage failed"),
        ("model={_target_: toys.Photos, count: {_target_: os.system, command: x}}", "model", "model.count: Target"),
        ("model={_target_: toys.Nope}", "model", "model: Error l"),
    ],
)
def test_a_constructors_refusal_is_one_line(composed, override, key, message):
    overrides = ["~model", f"+{override}"] if override.startswith("model={") else [override]
    with pytest.raises(UsageError) as caught:
        build(composed(*overrides).model, key=key)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    assert "full_key" not in str(caught.value)
    assert "Error in call" not in str(caught.value)


@pytest.mark.parametrize(("how", "kind"), [("work", WorkError), ("defect", RuntimeError)])
@pytest.mark.parametrize("nested", [False, True])
def test_other_errors_pass_through_unchanged(how, kind, nested):
    node = {"_target_": "toys.fail", "how": how}
    with pytest.raises(kind, match=f"^{how} failed$"):
        build({"_target_": "toys.Photos", "count": node} if nested else node)


# Names ---------------------------------------------------------------------------------------------------------------

CHOICES = {"model": "srcnn", "hydra/launcher": "basic", "experiment": "e1", "logger": None}


def test_the_default_run_has_a_name_without_a_hash(composed):
    default = default_config(CHOICES, seed=0, scale=4)
    assert run_name(plain(composed()), default) == "srcnn_photos_bicubic_x4_quick_s0"


def test_choices_seed_and_scale_are_in_the_name_and_need_no_hash(composed):
    cfg = composed("model=esrgan", "budget=smoke", "degradation.scale=2", "seed=3")
    default = default_config({"model": "esrgan", "budget": "smoke"}, seed=3, scale=2)
    assert run_name(plain(cfg), default) == "esrgan_photos_bicubic_x2_smoke_s3"


def test_any_other_value_adds_a_hash_and_two_values_two_hashes(composed):
    names = [
        run_name(plain(composed(f"model.generator.num_block={n}")), default_config({}, seed=0, scale=4))
        for n in (3, 4, 5)
    ]
    assert names[0] == "srcnn_photos_bicubic_x4_quick_s0"
    assert all(name.startswith(names[0] + "_") and len(name) == len(names[0]) + 9 for name in names[1:])
    assert len(set(names)) == 3


def test_hardware_and_tracking_are_not_in_the_name(composed):
    cfg = composed("trainer.max_epochs=9", "~logger", "paths.runs=/elsewhere")
    assert run_name(plain(cfg), default_config({}, seed=0, scale=4)) == "srcnn_photos_bicubic_x4_quick_s0"


def test_a_degradation_without_scale_is_at_scale_1_and_names_are_safe(composed):
    default = default_config({"degradation": "noise"}, seed=0, scale=None)
    assert run_name(plain(composed("degradation=noise")), default) == "srcnn_photos_real-noise_x1_quick_s0"
    assert default_config({"degradation": "noise"}, seed=0, scale=4) == default


def test_a_missing_value_in_the_default_does_not_fail_and_gives_a_folder_run_its_hash(composed):
    default = default_config({"dataset": "folder"}, seed=0, scale=4)
    assert default["dataset"]["root"] == "???"
    runs = [run_name(plain(composed("dataset=folder", f"dataset.root={r}")), default) for r in ("/a", "/b")]
    assert runs[0] != runs[1]
    assert runs[0].startswith("srcnn_folder_bicubic_x4_quick_s0_")


def test_differences_name_both_values(composed):
    old, new = plain(composed()), plain(composed("model.generator.num_feat=32", "+budget.lr=1", "trainer.max_epochs=4"))
    assert differences(old, new) == ["model.generator.num_feat: 16 against 32", "budget.lr: nothing against 1"]
    assert differences(old, copy.deepcopy(old)) == []


SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-1, 1) | st.text("ab", max_size=2)
KEYS = st.text("abc", min_size=1, max_size=2)
TREES = st.recursive(SCALARS, lambda t: st.lists(t, max_size=2) | st.dictionaries(KEYS, t, max_size=3), max_leaves=8)
CONFIGS = st.dictionaries(KEYS, TREES, max_size=4)


def reordered(node):
    if isinstance(node, dict):
        return {key: reordered(node[key]) for key in reversed(node)}
    return [reordered(item) for item in node] if isinstance(node, list) else node


@given(CONFIGS)
def test_the_order_of_keys_does_not_change_the_fingerprint(tree):
    assert fingerprint(reordered(tree)) == fingerprint(tree)
    assert len(fingerprint(tree)) == 8


def test_the_order_of_steps_is_part_of_what_a_run_is():
    noise, blur = {"sigma": 5, "gray": 0}, {"kernel": {"steps": {"b": 1, "a": 2}}}
    one, other, turned, deep = (
        {"seed": 0, "degradation": {"steps": steps}}
        for steps in (
            {"noise": noise, "blur": blur},
            {"blur": blur, "noise": noise},
            {"noise": {"gray": 0, "sigma": 5}, "blur": blur},
            {"noise": noise, "blur": {"kernel": {"steps": {"a": 2, "b": 1}}}},
        )
    )
    assert len({fingerprint(config) for config in (one, other, deep)}) == 3
    assert len({recipe(config) for config in (one, other, deep)}) == 3
    assert (fingerprint(one), recipe(one)) == (fingerprint(turned), recipe(turned))
    assert differences(one, other) == ["degradation.steps: order: noise, blur against nothing"]
    assert differences(one, turned) == []


@given(CONFIGS, st.sampled_from(["trainer", "logger", "paths", "hydra"]), TREES)
def test_where_and_how_a_run_runs_does_not_change_the_fingerprint(tree, name, value):
    assert fingerprint({**tree, name: value}) == fingerprint(tree)


@given(CONFIGS, KEYS, TREES)
def test_any_other_change_changes_the_fingerprint_and_is_named(tree, name, value):
    changed = {**tree, name: value}
    same = json.dumps(changed, sort_keys=True) == json.dumps(tree, sort_keys=True)
    assert (fingerprint(changed) == fingerprint(tree)) is same
    assert (differences(tree, changed) == []) is same


def test_a_path_in_a_config_has_a_fingerprint():
    assert fingerprint({"a": Path("/x")}) == fingerprint({"a": "/x"})


# A data set that chooses its degradation, in the project's own conf/ --------------------------------------------------

STUDIES = {
    "of_pairs": "# @package _global_\ndefaults:\n  - override /dataset: pairs\n",
    "of_jpeg": "# @package _global_\ndefaults:\n  - override /dataset: pairs\n  - override /degradation: jpeg\n",
    "jpeg_first": "# @package _global_\ndefaults:\n  - override /degradation: jpeg\n  - override /dataset: pairs\n",
    "at_two": "# @package _global_\ndefaults:\n  - override /dataset: pairs\ndegradation: {scale: 2}\n",
}


@pytest.fixture
def shipped(monkeypatch, tmp_path):
    """Compose what the project ships, with studies of this test's."""
    monkeypatch.undo()
    for name, text in STUDIES.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    register_experiments(tmp_path)

    def composed(*overrides):
        with initialize_config_dir(str(config.conf_dir()), version_base="1.3"):
            return compose("train", list(overrides), return_hydra_config=True)

    yield composed
    ConfigStore.instance().repo.pop("experiment")


def without_hydra(cfg):
    return OmegaConf.masked_copy(cfg, [key for key in cfg if key != "hydra"])


UNPAIRED = ["dataset=unpaired", "dataset.lq=a", "dataset.gt=b"]


@pytest.mark.parametrize(
    ("overrides", "name", "scale"),
    [
        ([], "bicubic", 4),
        (["dataset=facades"], "bicubic", 4),
        (["dataset=pairs"], "given", 1),
        (UNPAIRED, "given", 1),
        (["dataset=pairs", "degradation.scale=4"], "given", 4),
        (["dataset=facades", "degradation=given"], "given", 1),
        (["dataset=pairs", "degradation=jpeg"], "jpeg", 1),
        (["degradation=jpeg", "dataset=pairs"], "jpeg", 1),
        (["experiment=of_pairs"], "given", 1),
        (["experiment=of_jpeg"], "jpeg", 1),
        (["experiment=jpeg_first"], "jpeg", 1),
        (["experiment=at_two"], "given", 2),
        (["experiment=at_two", "degradation.scale=3"], "given", 3),
        (["experiment=at_two", "degradation=jpeg"], "jpeg", 2),
        (["experiment=of_jpeg", "degradation=webp"], "webp", 1),
        (["experiment=of_jpeg", "degradation=given"], "given", 1),
        (["experiment=of_pairs", "dataset=photos"], "bicubic", 4),
        (["experiment=of_jpeg", "dataset=photos"], "jpeg", 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_what_is_typed_wins_over_the_experiment_and_that_over_the_data_set(shipped, overrides, name, scale):
    cfg = shipped(*overrides)
    assert (cfg.degradation.name, cfg.degradation.scale) == (name, scale)
    assert cfg.hydra.runtime.choices.degradation == name
    assert "defaults" not in cfg.dataset and "degradation" not in cfg.dataset


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        (["dataset=pairs"], "msrresnet_pairs_given_x1_quick_s0"),
        (["dataset=pairs", "degradation.scale=2", "seed=3"], "msrresnet_pairs_given_x2_quick_s3"),
        (["dataset=pairs", "degradation=jpeg"], "msrresnet_pairs_jpeg_x1_quick_s0"),
        (["experiment=of_pairs"], "msrresnet_pairs_given_x1_quick_s0"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_the_name_of_a_run_on_pairs_has_a_hash_for_its_folders_alone(shipped, overrides, name):
    def named(*more):
        cfg = shipped(*overrides, "budget=quick", *more)
        default = default_config(dict(cfg.hydra.runtime.choices), cfg.seed, cfg.degradation.scale)
        return run_name(plain(without_hydra(cfg)), default)

    assert named() == name
    first, second = (named("dataset.lq=a", f"dataset.gt={gt}") for gt in "bc")
    assert first != second and all(one.startswith(f"{name}_") and len(one) == len(name) + 9 for one in (first, second))


def test_a_choice_of_data_set_alone_chooses_the_degradation_of_the_default(shipped):
    assert default_config({"dataset": "pairs"}, 0, None)["degradation"]["name"] == "given"
    typed = default_config({"dataset": "pairs", "degradation": "jpeg"}, 0, 2)
    assert (typed["degradation"]["name"], typed["degradation"]["scale"]) == ("jpeg", 2)


def test_a_cell_may_name_a_data_set_that_chooses_a_degradation_and_keeps_the_runs(shipped):
    run = {key: shipped()[key] for key in ("dataset", "degradation")}
    words = [{"dataset": "pairs"}, {"dataset": "pairs", "degradation": "given"}]
    [_, made, given_] = config.cells(OmegaConf.create({**run, "suite": {"cells": words}}))
    assert (made.name, made.degradation["name"], made.degradation["scale"]) == ("pairs", "bicubic", 4)
    assert (given_.name, given_.degradation["name"], given_.degradation["scale"]) == ("pairs_given", "given", 4)
    assert made.dataset == given_.dataset and made.dataset["_target_"] == "gan_bench.data.Pairs"
    with pytest.raises(UsageError, match=r"^suite\.cells\[0\]\.dataset: unpaired leaves lq open; [^\n]+$"):
        config.cells(OmegaConf.create({**run, "suite": {"cells": [{"dataset": "unpaired"}]}}))


@pytest.mark.parametrize("word", ["phots", "a b", "x=y", "a,b", "[1]"])
def test_a_cell_of_a_data_set_that_is_not_there_is_one_line(shipped, word):
    run = {key: shipped()[key] for key in ("dataset", "degradation")}
    with pytest.raises(UsageError, match=r"^suite\.cells\[0\]\.dataset=[^\n]+: no such dataset[^\n]*$"):
        config.cells(OmegaConf.create({**run, "suite": {"cells": [{"dataset": word}]}}))


VALUES = {
    "seed": 0,
    "workers": None,
    "budget": {"steps": 9, "max_time": None, "srgan": {"batch": 1, "x4": {"patch": 8}}},
}
VALUES |= {"paths": {"runs": "1"}, "dataset": {"root": "2024", "lq": None, "gt": False, "num_ch": 1}, "trainer": {}}
VALUES |= {"metrics": {"names": ["psnr"], "validation": [], "instead": {}}}


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        *(("seed", value, f"seed={value}: a whole number from 0 ") for value in (-1, 1.5, None, "abc", True, 2**63)),
        *(("workers", value, f"workers={value}: a whole number from 0 is needed") for value in (-1, "abc")),
        *(("budget.steps", value, f"budget.steps={value}: a whole number from 1 ") for value in (0, -5, 1.5, "abc")),
        ("budget.srgan.batch", 0, "budget.srgan.batch=0: a whole number from 1 is needed"),
        ("budget.srgan.x4.patch", "abc", "budget.srgan.x4.patch=abc: a whole number from 1 is needed"),
        *(("paths.runs", value, f"paths.runs={value}: a folder is needed; write ./") for value in (1, None, True, [])),
        ("paths.runs", float("nan"), "paths.runs=nan: a folder is needed; write ./"),
        ("paths.runs", " ", "paths.runs: a folder is needed, not an empty name"),
        ("dataset.root", 2024, "dataset.root=2024: a folder is needed; write ./"),
        ("dataset.lq", "", "dataset.lq: a folder is needed, not an empty name"),
        ("dataset.num_ch", 2, "dataset.num_ch=2: 3 channels or 1 are needed"),
        *(("metrics.names", value, f"metrics.names={value}: a list of at least one") for value in ("psnr", [])),
        ("metrics.validation", "psnr", "metrics.validation=psnr: a list is needed"),
        ("metrics.instead", "abc", "metrics.instead: a mapping is needed"),
        ("trainer.max_time", 1, "trainer.max_time: how long a training is, budget.max_time says"),
    ],
)
def test_a_value_that_cannot_be_is_named_before_anything_is_done(key, value, told):
    cfg = OmegaConf.create(VALUES)
    check_values(plain(cfg))
    OmegaConf.update(cfg, key, value, force_add=True)
    with pytest.raises(UsageError) as refused:
        check_values(plain(cfg))
    assert str(refused.value).startswith(told)


@pytest.mark.parametrize("overrides", [["dataset=pairs"], UNPAIRED, ["dataset=facades", "degradation=given"]])
def test_what_the_project_ships_for_two_sides_passes_the_check(shipped, overrides):
    check(without_hydra(shipped(*overrides)), provided={"model": ["steps", "seed"]})
    mistyped = without_hydra(shipped(*overrides, "+dataset.limti=3"))
    with pytest.raises(UsageError, match=r"^dataset\.limti: Pairs takes no such argument; did you mean 'limit'\?$"):
        check(mistyped, provided={"model": ["steps", "seed"]})
