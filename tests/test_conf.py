"""Every yaml of conf/ composes, is checked and can be built; every experiment composes."""

from itertools import product

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from gan_bench.config import (
    build,
    check,
    conf_dir,
    default_config,
    experiments_dir,
    plain,
    read_yaml,
    register_experiments,
    run_name,
)

PROVIDED = {"model": ("steps", "seed")}
GROUPS = {
    folder.name: sorted(file.stem for file in folder.glob("*.yaml"))
    for folder in conf_dir().iterdir()
    if folder.is_dir()
}
EXPERIMENTS = sorted(file.stem for file in experiments_dir().glob("*.yaml"))
NEEDED = {
    "dataset=folder": ["dataset.root=somewhere"],
    "dataset=unpaired": ["dataset.lq=here", "dataset.gt=there"],
    "degradation=realsr": ["degradation.steps.blur.path=somewhere", "degradation.steps.noise.root=somewhere"],
}
MODELS = GROUPS["model"]


def composed(*overrides):
    GlobalHydra.instance().clear()
    register_experiments()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return compose("train", overrides=list(overrides))


def fitting(suite):
    """What a run needs so that a suite may judge it."""
    node = read_yaml(conf_dir() / "suite" / f"{suite}.yaml")
    return [f"degradation.scale={node.get('scale', 4)}", f"metrics.protocol={node.get('protocol', 'y')}"]


@pytest.mark.parametrize("choice", [f"{group}={name}" for group, names in GROUPS.items() for name in names])
def test_every_yaml_is_checked_and_named(choice):
    group, name = choice.split("=")
    cfg = composed(choice, *(fitting(name) if group == "suite" else NEEDED.get(choice, [])))
    check(cfg, provided=PROVIDED)
    assert cfg[group].name == name


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_experiment_is_checked(experiment):
    given = {
        "realsr_like": NEEDED["degradation=realsr"],
        **dict.fromkeys(("cyclegan_paper", "discogan_paper"), NEEDED["dataset=unpaired"]),
    }.get(experiment, [])
    check(composed(f"experiment={experiment}", "budget=smoke", *given), provided=PROVIDED)


def test_the_benchmark_is_of_all_gans_and_two_baselines():
    gans = {
        model for model in MODELS if any(str(key).endswith("discriminator") for key in composed(f"model={model}").model)
    }
    swept = read_yaml(experiments_dir() / "benchmark.yaml")["hydra"]["sweeper"]["params"]["model"].split(",")
    assert len(swept) == len(set(swept)) and set(swept) == {"bicubic", "msrresnet", *gans}


@pytest.mark.parametrize(("model", "scale"), list(product(MODELS, [1, 2, 3, 4, 8])))
def test_every_model_runs_at_every_scale_or_says_why_not(model, scale):
    from gan_bench.errors import UsageError

    cfg = composed(f"model={model}", "budget=smoke", f"degradation.scale={scale}")
    node = cfg.model.get("generator", cfg.model)
    try:
        network = build(node, key="model.generator")
    except UsageError as error:
        assert f"cannot do scale {scale}: it has 1, 2 and 4" in str(error)
        assert node._target_.endswith("RRDBNet") and scale in (3, 8)
        return
    if isinstance(network, torch.nn.Module):
        assert network(torch.rand(1, 3, 12, 9)).shape == (1, 3, 12 * scale, 9 * scale)


@pytest.mark.parametrize("model", [name for name in MODELS if name != "bicubic"])
def test_every_model_takes_images_of_one_channel(model):
    cfg = composed(f"model={model}", "budget=smoke", "dataset.num_ch=1", "degradation.scale=2")
    module = build(cfg.model, key="model", steps=2, seed=0)
    with torch.no_grad():
        assert module.generator(torch.rand(1, 1, 12, 9)).shape == (1, 1, 24, 18)
        for judge in module.players().get("discriminator", torch.nn.Identity()).modules():
            if type(judge).__name__.endswith(("Discriminator", "DiscriminatorSN")):
                channels = next(one.shape[1] for one in judge.parameters() if one.ndim == 4)
                assert channels == 1 + module.conditional
                assert judge(torch.rand(2, channels, 32, 32)).shape[1] == 1


PARAMETERS = {
    "srcnn": 20_099,
    "vdsr": 668_227,
    "msrresnet": 1_517_571,
    "srresnet": 1_549_462,
    "srgan": 1_549_462,
    "srgan_msr": 1_517_571,
    "rrdbnet": 16_697_987,
    "esrgan": 16_697_987,
    "realesrnet": 16_697_987,
    "realesrgan": 16_697_987,
    "realesrgan_anime": 4_467_779,
    "realesrgan_compact": 1_213_296,
    "bsrgan": 16_697_987,
    "realsr": 16_697_987,
    "swinir_gan": 11_900_199,
    "pix2pix": 54_413_955,
    "pix2pix_residual": 11_383_427,
    "pix2pix_attention": 54_413_955 + 4 * 256 * 32 + 1,
    "cgan": 54_413_955,
    "cyclegan": 11_378_179,
    "cyclegan_id0": 11_378_179,
    "discogan": 5_513_856,
}


@pytest.mark.parametrize("model", [name for name in MODELS if name != "bicubic"])
def test_standard_budget_is_the_published_network(model):
    with torch.device("meta"):
        network = build(composed(f"model={model}", "budget=standard").model.generator, key="model.generator")
    assert sum(parameter.numel() for parameter in network.parameters()) == PARAMETERS[model]


@pytest.mark.parametrize(("model", "count"), [("srcnn", 8_129), ("vdsr", 665_921)])
def test_one_channel_data_make_one_channel_networks(model, count):
    network = build(composed(f"model={model}", "budget=standard", "dataset.num_ch=1").model.generator)
    assert sum(parameter.numel() for parameter in network.parameters()) == count


@pytest.mark.parametrize("budget", GROUPS["budget"])
def test_patches_fit_every_scale(budget):
    budgets = [read_yaml(conf_dir() / "budget" / f"{budget}.yaml")]
    for one in budgets:  # of a model, and of a model at a scale, further down
        budgets += [inner for inner in one.values() if isinstance(inner, dict)]
    patches = [one["patch"] for one in budgets if "patch" in one]
    assert patches and all(patch % 8 == 0 for patch in patches)


def test_a_name_without_a_hash_is_that_of_the_yaml_defaults():
    cfg = composed("model=esrgan", "seed=3", "degradation.scale=2", "budget=smoke")
    choices = {"model": "esrgan", "dataset": "photos", "degradation": "bicubic", "budget": "smoke"}
    name = run_name(plain(cfg), default_config(choices, 3, 2))
    assert name == "esrgan_photos_bicubic_x2_smoke_s3"
    other = composed("model=esrgan", "seed=3", "degradation.scale=2", "budget=smoke", "budget.steps=5")
    assert run_name(plain(other), default_config(choices, 3, 2)).startswith(name + "_")
