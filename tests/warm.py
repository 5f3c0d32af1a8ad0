"""Imported by the process that `faults` forks trainings from: it imports all, and lets Hydra read a configuration."""

from importlib import import_module

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from gan_bench.config import conf_dir, register_experiments

for name in ("datasets", "gan_bench.commands", "gan_bench.losses", "gan_bench.run", "gan_bench.sweep"):
    import_module(name)
register_experiments()
with initialize_config_dir(str(conf_dir()), version_base="1.3"):
    compose("train", overrides=["experiment=realesrgan_paper", "budget=smoke"])
GlobalHydra.instance().clear()
