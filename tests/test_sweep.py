"""Training from Python: as on the command line, but errors are exceptions and the folder is given back."""

import sys
from pathlib import Path

import pytest

import gan_bench
from gan_bench.errors import UsageError


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GAN_BENCH_BUDGET", "smoke")


def test_train_gives_the_folder_and_prints_as_the_command_does(capsys):
    typed = list(sys.argv)
    folder = gan_bench.train("model=bicubic", "degradation.scale=2")
    assert folder == Path("runs/bicubic_photos_bicubic_x2_smoke_s0")
    assert f"complete: {folder}" in capsys.readouterr().out
    assert sys.argv == typed


def test_train_gives_the_folder_of_a_sweep(capsys):
    assert gan_bench.train("-m", "model=bicubic", "degradation.scale=2,4") == Path("runs")
    assert "×2" in capsys.readouterr().out


def test_a_mistake_is_an_exception_and_the_next_call_works():
    with pytest.raises(UsageError, match="did you mean 'seed'"):
        gan_bench.train("+sed=1")
    assert gan_bench.train("model=bicubic").is_dir()
