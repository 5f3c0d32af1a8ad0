"""What all tests share: where reference data lie, one thread, caches of their own."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HYDRA_FULL_ERROR", "1")


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """OpenMP's threads spin beside those of other test workers."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def own_caches(tmp_path_factory):
    """Nothing that a test lists or fits lands in the user's caches."""
    import datasets

    datasets.config.HF_DATASETS_CACHE = tmp_path_factory.mktemp("datasets")
    os.environ["GAN_BENCH_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    os.environ["TORCH_HOME"] = str(tmp_path_factory.mktemp("torch"))  # no weights, whatever this machine has


@pytest.fixture(scope="session")
def reference():
    """The folder of real images and weights."""
    folder = os.environ.get("GAN_BENCH_REFERENCE")
    if not folder:
        pytest.skip("GAN_BENCH_REFERENCE does not name the folder of reference data")
    return Path(folder)


@pytest.fixture
def train(tmp_path, monkeypatch, capsys):
    """Run `train.py` in this process, in a folder of its own; gives exit code, standard output and error."""
    from hydra.core.global_hydra import GlobalHydra

    from gan_bench import cli

    monkeypatch.chdir(tmp_path)

    def run(*overrides, budget="smoke"):
        GlobalHydra.instance().clear()
        chosen = [f"budget={budget}"] if budget else []
        code = cli.train([*chosen, "trainer=cpu", *overrides])
        return code, *capsys.readouterr()

    return run
