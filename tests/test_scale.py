"""Several processes: the samples, draws and pixels of one; synchronized batch norms; torchrun, SLURM and nodes."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from PIL import Image
from torch import nn

import gan_bench
from gan_bench.config import build, conf_dir, degradation_node
from gan_bench.data.datamodule import DataModule
from gan_bench.data.images import Images
from gan_bench.data.source import Source
from gan_bench.degradations import AsGiven
from gan_bench.networks.blocks import BatchStatisticsNorm2d

ROOT = Path(gan_bench.__file__).parents[2]
SCRIPT = [sys.executable, str(ROOT / "train.py")]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run"]

# One process with eight samples, two with four, four with two ---------------------------------------------------------

BATCH, PATCH, STEPS, FIRST = 8, 32, 4, 1


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return stored(tmp_path_factory.mktemp("gt"), 1)


@pytest.fixture(scope="module")
def halves(tmp_path_factory):
    return stored(tmp_path_factory.mktemp("lq"), 2)


def stored(folder, scale):
    """Five images, a coarse noise each, so that an operator changes something; scale divides their size."""
    rng = np.random.default_rng(0)
    for number in range(5):
        coarse = Image.fromarray(rng.integers(0, 256, (20, 18, 3)).astype(np.uint8))
        coarse.resize((144 // scale, 160 // scale), Image.Resampling.BICUBIC).save(folder / f"{number}.png")
    return {"train": Images(folder.glob("*.png"), folder)}


def made(name, granularity):
    return build(degradation_node(name, {"granularity": granularity}, 2), key="degradation")


def stream(source, degradation, rank, ranks):
    """What a process trains on from the second step on: by step, its batch and its draws."""
    drawn, draw = [], degradation.draw

    def spied(rngs, shared=None):
        drawn.append(draw(rngs, shared))
        return drawn[-1]

    degradation.draw = spied
    data = DataModule(source, degradation, BATCH, [(0, PATCH)], STEPS, seed=3)
    strategy = SimpleNamespace(root_device=torch.device("cpu"))
    module = SimpleNamespace(step=FIRST)
    data.trainer = SimpleNamespace(world_size=ranks, global_rank=rank, strategy=strategy, lightning_module=module)
    batches = [
        (sample.position.tolist(), data.on_after_batch_transfer(sample, 0)) for sample in data.train_dataloader()
    ]
    return [(*one, draws) for one, draws in zip(batches, drawn, strict=True)]


SOURCES = {
    "made": lambda gt, lq: Source(gt),
    "unpaired": lambda gt, lq: Source(gt, unpaired=True),
    "pairs": lambda gt, lq: Source(gt, 3, lq),
    "two sides": lambda gt, lq: Source(gt, 3, lq, paired=False),
}
CASES = [
    ("realesrgan", "sample", "made"),
    ("given", "sample", "pairs"),
    *(
        pytest.param(*case, marks=pytest.mark.full)
        for case in (
            ("realesrgan", "batch", "made"),
            ("bsrgan", "sample", "made"),
            ("bsrgan", "batch", "made"),
            ("realesrgan", "batch", "unpaired"),
            ("given", "sample", "two sides"),
        )
    ),
]


@pytest.mark.parametrize(("name", "granularity", "source"), CASES)
def test_any_number_of_processes_sees_what_one_would(images, halves, name, granularity, source):
    def by(rank, ranks):
        degradation = AsGiven(2) if name == "given" else made(name, granularity)
        return stream(SOURCES[source](images, halves), degradation, rank, ranks)

    alone = by(0, 1)
    assert [positions for positions, _, _ in alone] == [list(range(8 * step, 8 * step + 8)) for step in (1, 2, 3)]
    for ranks in (2, 4):
        parts = zip(*(by(rank, ranks) for rank in range(ranks)), strict=True)
        for (positions, batch, draws), of_ranks in zip(alone, parts, strict=True):
            assert [one for of_rank, _, _ in of_ranks for one in of_rank] == positions
            assert [one for _, _, of_rank in of_ranks for one in of_rank] == list(draws)
            assert [one for _, of_rank, _ in of_ranks for one in of_rank.name] == list(batch.name)
            for part in ("lq", "gt"):
                together = torch.cat([getattr(one, part) for _, one, _ in of_ranks])
                assert torch.equal(together, getattr(batch, part)), part


# Batch norms ----------------------------------------------------------------------------------------------------------


def model_of(name):
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("train", overrides=[f"model={name}", "budget=smoke"])
    torch.manual_seed(0)
    model = build(cfg.model, key="model", steps=2, seed=0)
    for one in model.modules():
        if isinstance(one, nn.BatchNorm2d | BatchStatisticsNorm2d):  # a history that no batch has
            nn.init.normal_(one.running_mean)
            nn.init.uniform_(one.running_var, 0.5, 2)
    return model


@pytest.mark.parametrize("name", ["srgan", "pix2pix", "pix2pix_attention", "discogan", "esrgan"])
def test_synchronizing_batch_norms_changes_nothing_in_one_process(name):
    lq, gt = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 32, 32)
    model, converted = model_of(name), nn.SyncBatchNorm.convert_sync_batchnorm(model_of(name))
    kinds = [[type(one) for one in each.modules()] for each in (model, converted)]
    assert kinds[0].count(nn.BatchNorm2d) == kinds[1].count(nn.SyncBatchNorm) > 0
    assert kinds[0].count(BatchStatisticsNorm2d) == kinds[1].count(BatchStatisticsNorm2d)
    assert list(model.state_dict()) == list(converted.state_dict())
    assert [key for key, _ in model.named_parameters()] == [key for key, _ in converted.named_parameters()]
    for training in (False, True):
        outputs = []
        for each in (model, converted):
            torch.manual_seed(1)  # pix2pix's noise
            shown = torch.cat([gt, gt], 1) if each.conditional else gt
            each.train(training)
            judges = each.players()["discriminator"]
            judges = judges if isinstance(judges, nn.ModuleList) else [judges]
            outputs.append([each.generator(lq), *(judge(shown) for judge in judges)])
        assert all(torch.equal(one, other) for one, other in zip(*outputs, strict=True)), training
    assert all(torch.equal(one, converted.state_dict()[key]) for key, one in model.state_dict().items())


def test_a_norm_by_its_batch_is_not_synchronized_and_loads_what_a_batch_norm_saved():
    norm = nn.SyncBatchNorm.convert_sync_batchnorm(BatchStatisticsNorm2d(3))
    assert type(norm) is BatchStatisticsNorm2d
    saved = {f"{key}": torch.full_like(value, 2) for key, value in nn.BatchNorm2d(3).state_dict().items()}
    norm.load_state_dict(saved)
    assert norm.weight.tolist() == [2, 2, 2] and norm.num_batches_tracked == 2
    del saved["num_batches_tracked"]  # files from before PyTorch 0.4.1 lack it
    norm.load_state_dict(saved)


# Several processes ----------------------------------------------------------------------------------------------------

CPU = ["trainer.accelerator=cpu", "trainer.precision=32-true", "trainer.sync_batchnorm=false"]


def environment(**further):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM", "TORCHELASTIC"))}
    return {**kept, "OMP_NUM_THREADS": "1", **further}


def together(commands, cwd, environments=None):
    """Start processes that wait for each other; exit codes, and what each said."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": cwd}
    started = [
        subprocess.Popen(command, env=given, **pipes)
        for command, given in zip(commands, environments or [environment()] * len(commands), strict=True)
    ]
    try:
        told = [one.communicate(timeout=240) for one in started]
    finally:
        for one in started:
            one.kill()
    return [one.returncode for one in started], [out for out, _ in told], [error for _, error in told]


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


def slurm_tasks(count, per_node, words, cwd, **further):
    """As srun would start them: their exit codes, and what each said."""
    given = {
        "SLURM_JOB_ID": "4711", "SLURM_STEP_ID": "0", "SLURM_JOB_NAME": "train", "SLURM_NTASKS": str(count),
        "SLURM_NTASKS_PER_NODE": str(per_node), "SLURM_NNODES": str(count // per_node), "SLURM_NODELIST": "localhost",
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port(), **further,
    }  # fmt: skip
    tasks = [
        {"SLURM_PROCID": str(rank), "SLURM_LOCALID": str(rank % per_node), "SLURM_NODEID": str(rank // per_node)}
        for rank in range(count)
    ]
    return together([[*SCRIPT, *words]] * count, cwd, [environment(**given, **task) for task in tasks])


def lines(texts, word):
    return [line for text in texts for line in text.splitlines() if word in line]


def test_of_several_processes_one_tells_what_is_wrong_with_the_words(tmp_path):
    words = ["model=srcn", "trainer=slurm", *CPU]
    codes, outs, errors = slurm_tasks(2, 2, words, tmp_path)
    assert codes == [2, 2] and not any(outs)
    assert len(errors[0].splitlines()) == 1 and "srcnn" in errors[0] and not errors[1]


@pytest.mark.full
def test_torchrun_tells_what_is_wrong_once(tmp_path):
    words = ["model=srcn", "trainer=ddp_cpu"]
    [code], _, errors = together([[*TORCHRUN, "--nproc-per-node", "2", SCRIPT[1], *words]], tmp_path)
    assert code == 1 and len(lines(errors, "error: model=srcn: no such choice")) == 1


@pytest.mark.full
def test_torchrun_tells_of_a_divergence_once(tmp_path):
    words = ["model=srcnn", "trainer=ddp_cpu", "budget=smoke", "model.stages.0.lr=1e30", "budget.steps=40"]
    [code], _, errors = together([[*TORCHRUN, "--nproc-per-node", "2", SCRIPT[1], *words]], tmp_path)
    assert code == 1 and len(lines(errors, "error: training diverged")) == 1


@pytest.mark.full
def test_torchrun_gives_the_weights_that_lightning_alone_does_and_tells_all_once(tmp_path):
    words = ["model=srgan", "budget=smoke", "metrics=offline", "trainer=ddp_cpu"]
    commands = {
        "alone": [*SCRIPT, *words],
        "torchrun": [*TORCHRUN, "--nproc-per-node", "2", SCRIPT[1], *words],
    }
    weights = {}
    for name, command in commands.items():
        [code], outs, errors = together([[*command, f"hydra.run.dir={name}"]], tmp_path)
        assert code == 0, errors
        assert len(lines(outs, "complete:")) == 1
        told = [line for line in errors[0].splitlines() if "torch/distributed/run.py" not in line]
        assert len(told) == len(set(told)) and not lines(told, "Initializing")
        weights[name] = (tmp_path / name / "generator.safetensors").read_bytes()
    assert weights["alone"] == weights["torchrun"]


def two_nodes(words, cwd):
    port = free_port()
    start = [*TORCHRUN, "--nnodes", "2", "--nproc-per-node", "1", "--master-addr", "127.0.0.1", "--master-port", port]
    return together([[*start, "--node-rank", rank, SCRIPT[1], *words] for rank in "01"], cwd)


@pytest.mark.full
def test_nodes_of_torchrun_and_of_slurm_are_processes_like_others(tmp_path):
    words, one = ["model=srgan", "budget=smoke", "metrics=offline"], ["trainer.devices=1"]
    on_slurm = ["trainer=slurm", *CPU]
    starts = {
        "torchrun": lambda own: two_nodes([*own, "trainer=ddp_cpu", "trainer.num_nodes=2", *one], tmp_path),
        "slurm nodes": lambda own: slurm_tasks(2, 1, [*own, *on_slurm, *one], tmp_path),
        "slurm tasks": lambda own: slurm_tasks(2, 2, [*own, *on_slurm, "trainer.devices=2"], tmp_path),
    }
    weights = set()
    for name, start in starts.items():
        codes, outs, errors = start([*words, f"hydra.run.dir={name.replace(' ', '_')}"])
        assert codes == [0, 0], errors
        assert len(lines(outs, "complete:")) == 1 and "complete:" in outs[0]
        assert not lines(errors[1:], "warning") and not lines(errors[1:], "srgan")
        weights.add((tmp_path / name.replace(" ", "_") / "generator.safetensors").read_bytes())
    assert len(weights) == 1


@pytest.mark.full
def test_other_counts_than_slurm_has_are_one_line(tmp_path):
    words = ["model=srcnn", "budget=smoke", "metrics=offline", "trainer=slurm", *CPU, "trainer.devices=3"]
    codes, _, errors = slurm_tasks(2, 2, words, tmp_path)
    assert codes == [2, 2]
    [line] = lines(errors, "error:")
    assert "devices=3" in line and "--ntasks-per-node=2" in line
    assert not lines(errors, "Traceback")


@pytest.mark.full
def test_an_error_of_another_process_than_the_main_one_is_told(tmp_path):
    """The second process's share of the second step has the image that is too small."""
    folder = tmp_path / "images" / "train"
    folder.mkdir(parents=True)
    for name in ("validation", "test"):
        (tmp_path / "images" / name).mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    for name in ("train/0", "train/1", "validation/2", "test/3"):
        Image.fromarray(noise).save(tmp_path / "images" / f"{name}.png")
    Image.fromarray(noise[:20, :20]).save(folder / "small.png")
    words = ["model=srcnn", "budget=smoke", "metrics=offline", "dataset=folder", f"dataset.root={tmp_path}/images"]
    for seed in range(20):  # one whose first small crop is not the main process's
        order = np.concatenate([_order(seed, turn) for turn in range(4)])
        if int(np.argmax(order == 2)) % 4 >= 2:
            break
    [code], _, errors = together(
        [[*TORCHRUN, "--nproc-per-node", "2", SCRIPT[1], *words, f"seed={seed}", "trainer=ddp_cpu", "budget.batch=4"]],
        tmp_path,
    )
    assert code == 1
    [line] = lines(errors, "error: ")
    assert "small.png: 20x20 is smaller than the patch" in line


def _order(seed, turn):
    from gan_bench.data.sampler import _order as order

    return order(seed, turn, 3)
