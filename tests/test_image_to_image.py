"""Pairs and unpaired folders from the command line to the board: what runs, what is scored, what is one line."""

import csv
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from gan_bench.cli import main
from gan_bench.restorers import trained

SIZE = 96


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Twelve pictures with two sides, as `facades` has them, and the sides in folders of their own."""
    rng = np.random.default_rng(0)
    for number in range(12):
        small = Image.fromarray(rng.integers(0, 256, (6, 6, 3), np.uint8))
        gt = small.resize((SIZE, SIZE))
        lq = gt.point(lambda level: 255 - level)
        both = Image.new("RGB", (2 * SIZE, SIZE))
        both.paste(gt, (0, 0))
        both.paste(lq, (SIZE, 0))
        small_lq = gt.resize((SIZE // 2, SIZE // 2))
        for folder, image in (("facades", both), ("gt", gt), ("lq", lq), ("small", small_lq)):
            (tmp_path / folder).mkdir(exist_ok=True)
            image.save(tmp_path / folder / f"{number:02}.png")
    monkeypatch.setenv("GAN_BENCH_DATA", str(tmp_path))
    return tmp_path


def results(folder):
    return [json.loads(path.read_text()) for path in sorted(folder.glob("runs/*/results/*.json"))]


def one_line(error):
    (line,) = [line for line in error.splitlines() if line.startswith("error: ")]
    assert "Traceback" not in error
    return line


def curve(folder):
    with (folder / "validation.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("model", ["pix2pix", "cyclegan", "discogan"])
def test_pairs_train_and_are_judged_by_what_they_are(train, data, model):
    code, _, err = train(f"model={model}", "dataset=pairs", "dataset.lq=lq", "dataset.gt=gt", "metrics=offline")
    assert code == 0, err
    (one,) = results(data)
    assert one["what"]["degradation"] is None and one["what"]["trained_on"] == {"dataset": "pairs", "degradation": None}
    assert one["scores"]["psnr"] > 0


def test_super_resolution_learns_from_pairs_on_the_grid_of_lq(train, data):
    words = ["dataset=pairs", "dataset.lq=small", "dataset.gt=gt", "degradation.scale=2", "metrics=offline"]
    for model in ("msrresnet", "pix2pix", "bicubic"):
        code, _, err = train(f"model={model}", *words)
        assert code == 0, err
    assert len({one["what"]["lq_sha256"] for one in results(data)}) == 1  # one board


def test_side_by_side_pictures_are_pairs_and_other_degradations_make_lq_of_gt(train, data):
    for degradation in ("given", "jpeg"):
        words = [f"degradation={degradation}", "degradation.scale=1", "metrics=offline"]
        code, _, err = train("model=pix2pix", "dataset=facades", *words)
        assert code == 0, err
    given, made = sorted(results(data), key=lambda one: one["what"]["degradation"] is not None)
    assert given["what"]["lq_sha256"] != made["what"]["lq_sha256"]
    assert made["what"]["degradation"]["name"] == "jpeg"


@pytest.mark.parametrize("model", ["cyclegan", "discogan"])
def test_unpaired_folders_are_never_compared_with_a_gt(train, data, model):
    code, out, err = train(
        f"model={model}", "dataset=unpaired", "dataset.lq=lq", "dataset.gt=gt", "metrics=translation"
    )
    assert code == 0, err
    (one,) = results(data)
    for metric in ("psnr", "ssim"):
        assert metric not in one["scores"] and "needs ground truth" in one["unavailable"][metric]
    assert all("psnr" not in row for row in one["images"].values())
    (folder,) = (data / "runs").glob("*_s0*")
    assert set(curve(folder)[0]) == {"step", "sharpness", "colour"}
    assert (folder / "checkpoints" / "last.ckpt").exists() and not (folder / "checkpoints" / "best.ckpt").exists()
    assert json.loads((folder / "training.json").read_text())["best"] == {}
    assert "PSNR n/a" in out


def test_scores_follow_a_gt_that_was_mended(train, data):
    words = ["model=bicubic", "dataset=pairs", "dataset.lq=lq", "dataset.gt=gt", "metrics=offline"]
    assert train(*words)[0] == 0
    for path in (data / "gt").glob("*.png"):
        Image.open(path).point(lambda level: 255 - level).save(path)
    assert train(*words)[0] == 0
    before, after = sorted((one["scores"]["psnr"] or 99, one["what"]["gt_sha256"]) for one in results(data))
    assert before[0] < 30 and before[1] != after[1]
    assert after[0] == 99  # now lq itself


def test_noise_of_a_restoration_is_that_of_the_judgement(train, data):
    words = ["model=pix2pix", "dataset=pairs", "dataset.lq=lq", "dataset.gt=gt", "metrics=offline"]
    assert train(*words)[0] == 0
    (folder,) = (data / "runs").glob("*_s0*")
    ((name, scores),) = results(data)[0]["images"].items()
    for side in ("lq", "gt"):
        (data / f"one_{side}").mkdir()
        shutil.copy(data / side / f"{name}.png", data / f"one_{side}")
    assert main(["restore", "one_lq", "--with", str(folder), "--out", "restored"]) == 0
    assert main(["benchmark", "restored", "--gt", "one_gt", "--lq", "one_lq", "--json", "all.json"]) == 0
    (record,) = json.loads((data / "all.json").read_text())
    assert record["scores"]["psnr"] == scores["psnr"]


def test_a_gan_of_two_directions_leaves_both_and_shows_both(train, data):
    sides = ["dataset=unpaired", "dataset.lq=small", "dataset.gt=gt", "degradation.scale=2"]
    code, _, err = train("model=cyclegan", *sides, "metrics=offline")
    assert code == 0, err
    (folder,) = (data / "runs").glob("*_s0*")
    there, back = (trained(folder / f"{name}.safetensors").network.state_dict() for name in ("generator", "degrader"))
    assert there.keys() == back.keys() and any((there[name] != back[name]).any() for name in there)
    words = ["restore", "gt/00.png", "--with", str(folder / "degrader.safetensors"), "--out", "degraded"]
    assert main(words) == 0
    with Image.open(data / "degraded" / "00.png") as degraded:
        assert degraded.size == (SIZE, SIZE)  # at gt's size
    with Image.open(folder / "panels" / "validation_0000004.png") as panel:
        assert panel.height > 2 * SIZE
    assert "that of lq on" in json.loads((folder / "training.json").read_text())["health"]


@pytest.mark.full
def test_halves_of_a_set_train_what_its_pairs_judge(train, data):
    for words in (["dataset.unpaired=true"], []):
        code, _, err = train(
            "model=cyclegan", "degradation=gaussian_noise", "degradation.scale=1", *words, "metrics=offline"
        )
        assert code == 0, err
    one, other = results(data)
    assert one["what"]["lq_sha256"] == other["what"]["lq_sha256"]  # one board
    assert sorted(bool(result["what"]["trained_on"].get("unpaired")) for result in (one, other)) == [False, True]


def test_the_images_of_training_can_be_judged_too(train, data):
    code, _, err = train("model=pix2pix", "dataset=facades", "degradation=given", "suite.cells=[{split: train}]")
    assert code == 0, err
    names = {one["what"]["set"]: len(one["images"]) for one in results(data)}
    assert names == {"facades": 1, "facades_train": 10}


PAPERS = {
    "pix2pix_paper": [],
    "cyclegan_paper": ["dataset.lq=lq", "dataset.gt=gt"],
    "discogan_paper": ["dataset.lq=lq", "dataset.gt=gt"],
}


@pytest.mark.parametrize("experiment", PAPERS)
def test_the_published_recipes_run(train, data, experiment):
    code, out, err = train(f"experiment={experiment}", *PAPERS[experiment], "dataset.resize=50")
    assert code == 0, err
    assert "complete: " in out and "the discriminator is right on" in err


@pytest.mark.full
def test_the_study_of_pairs_trains_one_method_on_pairs_and_one_without(train, data):
    words = ["dataset.limit=4", "degradation=given,gaussian_noise", "metrics=offline"]
    code, _, err = train("experiment=paired_or_unpaired", *words)
    assert code == 0, err
    unpaired = {(one["what"]["model"], bool(one["what"]["trained_on"].get("unpaired"))) for one in results(data)}
    assert unpaired == {("pix2pix", False), ("cyclegan", True)}
    assert {one["what"]["set"] for one in results(data)} == {"facades", "facades_train"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["dataset=pairs"], "dataset.lq: a folder is needed"),
        (["dataset=pairs", "dataset.lq=lq"], "dataset.gt: a folder is needed"),
        (["dataset=pairs", "dataset.lq=few", "dataset.gt=gt"], "do not pair"),
        (["dataset=pairs", "dataset.lq=small", "dataset.gt=gt"], "at scale 1"),
        (["dataset=pairs", "dataset.lq=lq", "dataset.gt=gt", "dataset.num_ch=1"], "a colour image"),
        (["dataset=unpaired", "dataset.lq=lq", "dataset.gt=empty"], "dataset.gt=empty: no images found"),
        (["dataset=unpaired", "dataset.lq=lq"], "dataset.gt: a value is needed"),
        (
            ["model=cyclegan", "dataset=unpaired", "dataset.lq=lq", "dataset.gt=gt", "degradation=jpeg"],
            "degradation=given",
        ),
        (["degradation=given"], "no lq images of its own"),
        (["dataset=facades", "dataset.part=top"], "dataset.part=top"),
        (["model=cyclegan", "dataset.unpaired=true", "dataset.limit=1"], "two training images are needed"),
        (["dataset.unpaired=true"], "pix2pix learns from an lq and its own gt"),
        (["dataset=unpaired", "dataset.lq=lq", "dataset.gt=gt"], "pix2pix learns from an lq and its own gt"),
        (["dataset=pairs", "dataset.lq=gt", "dataset.gt=gt"], "the same folder as dataset.gt"),
        (["dataset=pairs", "dataset.lq=lq", "dataset.gt=gt", "dataset.peak=file"], "it would scale lq and gt apart"),
        (
            ["dataset=pairs", "dataset.lq=small", "dataset.gt=gt", "degradation.scale=2", "dataset.resize=50"],
            "resize=50",
        ),
        (["model.discriminator.num_cond_ch=0"], "the discriminator cannot judge"),
        (["model.discriminator=null"], "model.discriminator=null"),
        (["model.stages.0.schedule.start=x"], "a share of the stage"),
        (["model.generator.init_std=-1"], "init_std=-1"),
        (["model.discriminator.num_block=5"], "budget.patch=32"),
        (
            ["~budget.pix2pix", "~model.generator", "+model.generator={_target_: gan_bench.networks.MSRResNet}"],
            "model.generator: MSRResNet has no `enlarge`",
        ),
    ],
)
def test_each_mistake_is_one_line_and_leaves_nothing(train, data, words, said):
    (data / "few").mkdir()
    (data / "empty").mkdir()
    Image.new("RGB", (SIZE, SIZE)).save(data / "few" / "00.png")
    code, _, err = train("model=pix2pix", "metrics=offline", *words)
    assert code == 2, err
    assert said in one_line(err)
    assert not list(data.glob("runs/*/checkpoints"))


def test_what_a_worker_finds_is_one_line_too(train, data):
    for number in range(12):
        Image.new("RGB", (SIZE // 2, SIZE)).save(data / "lq" / f"{number:02}.png")
    small = ["dataset=unpaired", "dataset.lq=lq", "dataset.gt=gt", "budget.patch=64", "workers=1", "metrics=offline"]
    code, _, err = train("model=cyclegan", *small)
    assert code == 2, err
    assert "is smaller than the patch of 64 pixels" in one_line(err) and "Caught" not in one_line(err)


def test_a_stage_that_is_called_as_a_loss_can_be_opened(train, data):
    code, _, err = train(
        "model=discogan", "degradation=jpeg", "degradation.scale=1", "metrics=offline", "budget.steps=20"
    )
    assert code == 0, err
    (folder,) = (data / "runs").glob("*_s0*")
    stages = sorted(path.stem for path in (folder / "checkpoints").glob("*.safetensors"))
    assert stages == ["cycle", "gan"]
    for stage in stages:
        assert trained(folder / "checkpoints" / f"{stage}.safetensors").origin.selection == stage
