"""Files of weights: found where the libraries look, sound or refused, fetched or named, and never waited for."""

import http.server
import shutil
import socket
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gan_bench import download, weights
from gan_bench.cli import main
from gan_bench.errors import WorkError
from gan_bench.weights import FILES, WeightFile, obtain, sha256


@pytest.fixture
def torch_home(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "torch/hub"


@pytest.fixture
def squeezenet(torch_home, reference):
    path = FILES["squeezenet"].path
    path.parent.mkdir(parents=True)
    return shutil.copyfile(reference / "weights" / path.name, path)


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A network that may be asked: a folder, served on this machine, in which every file is looked for."""
    (tmp_path / "served").mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *words):
            super().__init__(*words, directory=tmp_path / "served")

        def log_message(self, *words):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name in download.OFFLINE:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(download, "_unreachable", {})
    monkeypatch.setattr(WeightFile, "url", property(lambda file: f"http://127.0.0.1:{server.server_port}/{file.name}"))
    yield tmp_path / "served"
    server.shutdown()


def test_files_are_looked_for_where_the_libraries_look(torch_home, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    assert FILES["alexnet"].path.parent == Path(torch.hub.get_dir()) / "checkpoints"
    assert FILES["niqe"].path.parent == Path(torch.hub.get_dir()) / "pyiqa"
    assert FILES["vit"].belongs.parent == tmp_path / "hf/hub"
    monkeypatch.delenv("TORCH_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert FILES["alexnet"].path.parent == Path(torch.hub.get_dir()) / "checkpoints"
    monkeypatch.delenv("GAN_BENCH_CACHE")
    assert weights.cache_folder() == tmp_path / "xdg/gan-bench"


@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_addresses_are_those_of_the_libraries(file):
    assert file.url.startswith("https://")
    assert file.url.endswith(file.name)


def test_list_says_what_for_and_where(torch_home, capsys):
    assert main(["weights", "list"]) == 0
    out = capsys.readouterr().out
    for file in FILES.values():
        assert f"{file.key}: {file.belongs}" in out
    assert main(["weights", "list", "lpips"]) == 0
    assert "vgg16" not in capsys.readouterr().out
    assert main(["weights", "list", "lpisp"]) == 2
    assert "did you mean 'lpips'" in capsys.readouterr().err


def test_another_checksum_is_used_and_named(squeezenet, capsys):
    assert obtain("squeezenet") == squeezenet
    assert main(["weights", "check", "squeezenet"]) == 0
    out = capsys.readouterr().out
    assert "not the published file" in out
    assert sha256(squeezenet) in out


def test_check_names_damaged_files(squeezenet, capsys):
    squeezenet.write_bytes(squeezenet.read_bytes()[:-1000])
    assert main(["weights", "check"]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith(f"error: squeezenet: {squeezenet} cannot be read")
    assert captured.err.count("\n") == 1
    assert "alexnet: not here" in captured.out


def test_inception_is_listed_for_both_metrics_of_sets(torch_home, capsys):
    assert main(["weights", "list", "kid"]) == 0
    out = capsys.readouterr().out
    assert "fid, kid" in out and "6726825d" in out
    assert f"inception: {torch_home / 'checkpoints/weights-inception-2015-12-05-6726825d.pth'}" in out


@pytest.mark.parametrize("key", ["niqe", "musiq"])
@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"PK\x03\x04"], ids=["empty", "page", "half"])
def test_what_is_no_file_of_weights_is_refused(torch_home, key, content):
    path = FILES[key].path
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(WorkError, match=f"cannot be read .*: remove it, then gan-bench weights fetch {key}"):
        obtain(key)


def test_offline_fetch_is_one_line_for_each_file(torch_home, capsys, monkeypatch):
    monkeypatch.setenv("GAN_BENCH_OFFLINE", "1")
    assert main(["weights", "fetch"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all("GAN_BENCH_OFFLINE forbids to fetch it" in line and str(torch_home) in line for line in lines)


def test_fetch_downloads_a_sound_file(torch_home, served, reference, capsys):
    source = reference / "data/metrics/niqe" / FILES["niqe"].name
    shutil.copyfile(source, served / source.name)
    assert main(["weights", "fetch", "niqe"]) == 0
    assert FILES["niqe"].path.read_bytes() == source.read_bytes()
    assert main(["weights", "fetch", "niqe"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("niqe: here")


def test_a_download_of_another_checksum_leaves_nothing(torch_home, served, reference, capsys):
    shutil.copyfile(reference / "weights" / FILES["squeezenet"].name, served / FILES["squeezenet"].name)
    assert main(["weights", "fetch", "squeezenet"]) == 1
    assert "invalid hash value" in capsys.readouterr().err
    assert not list(FILES["squeezenet"].path.parent.iterdir())


def test_a_missing_file_on_the_server_is_one_line(torch_home, served, capsys):
    assert main(["weights", "fetch", "niqe"]) == 1
    assert "404" in capsys.readouterr().err


def test_an_unwritable_cache_is_one_line(tmp_path, served, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "file"))
    assert main(["weights", "fetch", "niqe"]) == 1
    assert "Not a directory" in capsys.readouterr().err


def test_a_host_without_an_answer_is_asked_once_and_not_for_long(monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 0.3)
    monkeypatch.setattr(download, "_unreachable", {})
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/file"
        for limit in (1.0, 0.05):
            start = time.monotonic()
            assert download._unanswered(url)
            assert time.monotonic() - start < limit


def test_what_libraries_fetch_by_themselves_fails_at_once_offline(monkeypatch):
    monkeypatch.setenv("GAN_BENCH_OFFLINE", "1")
    with download.no_long_waits("https://host.invalid/"), pytest.raises(OSError, match="GAN_BENCH_OFFLINE"):
        socket.create_connection(("host.invalid", 443))
    assert socket.getaddrinfo("127.0.0.1", 80)


def test_fit_niqe_makes_a_metric(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GAN_BENCH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "Noise").mkdir()
    for seed in range(3):
        pixels = np.random.default_rng(seed).integers(0, 256, (500, 500, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "Noise" / f"{seed}.png")
    assert main(["weights", "fit-niqe", str(tmp_path / "Noise")]) == 0
    assert (tmp_path / "cache/niqe_noise.npz").is_file()
    assert "--metrics niqe_noise" in capsys.readouterr().out
    words = ["bicubic", "--gt", str(tmp_path / "Noise"), "--degradation", "bicubic", "--metrics", "psnr,niqe_noise"]
    assert main(["benchmark", *words, "--limit", "1"]) == 0
    assert "niqe_noise" in capsys.readouterr().out
    assert main(["weights", "fit-niqe", str(tmp_path / "Noise"), "--out", str(tmp_path / "model.mat")]) == 0
    assert (tmp_path / "model.mat").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [(["nowhere"], "no such folder"), (["empty"], "no images"), (["empty", "--out", "model.txt"], ".npz, or .mat")],
)
def test_fit_niqe_says_what_is_wrong(tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    assert main(["weights", "fit-niqe", *words]) == 2
    assert said in capsys.readouterr().err
