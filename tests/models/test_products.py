"""Each model under one degradation of each kind, at each scale that both have: a step of training, in this process."""

import lightning as L
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from gan_bench.config import build, conf_dir
from gan_bench.data import Photos
from gan_bench.data.datamodule import DataModule

KINDS = ("bicubic", "gaussian_noise", "gaussian_blur", "jpeg", "realesrgan", "bsrgan")
MODELS = sorted(path.stem for path in (conf_dir() / "model").glob("*.yaml") if "generator:" in path.read_text())


@pytest.fixture(scope="module")
def images():
    return Photos(num_ch=3, limit=2)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("kind", "scale"), [*((kind, 2) for kind in KINDS), ("realesrgan", 1), ("realesrgan", 4)])
def test_every_model_learns_under_every_kind_of_degradation(images, model, kind, scale):
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        words = [f"model={model}", f"degradation={kind}", f"degradation.scale={scale}", "budget=smoke"]
        cfg = compose("train", words)
    torch.manual_seed(0)
    module = build(cfg.model, key="model", steps=2, seed=0)
    before = {name: value.detach().clone() for name, value in module.generator.named_parameters()}
    data = DataModule(images, build(cfg.degradation, key="degradation"), 2, [(0, 32)], 2, 0)
    trainer = L.Trainer(
        max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, use_distributed_sampler=False,
    )  # fmt: skip
    trainer.fit(module, data)
    after = dict(module.generator.named_parameters())
    assert module.step == 2
    assert all(value.isfinite().all() for value in after.values())
    assert any(not torch.equal(before[name], after[name]) for name in before)
    assert module.product(torch.rand(1, 3, 9, 12)).shape == (1, 3, 9 * scale, 12 * scale)
