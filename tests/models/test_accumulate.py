"""A batch in parts: the gradients of the whole."""

import lightning as L
import pytest
import torch
from gradients import Watch, models
from torch import nn

from gan_bench.batch import Batch


def gradients(name, accumulate, precision="32-true"):
    torch.manual_seed(0)
    model, watch = models()[name](), Watch()
    model.accumulate = accumulate
    gt = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    batch = Batch(nn.functional.avg_pool2d(gt, 4), gt, tuple("abcd"))
    trainer = L.Trainer(
        max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, callbacks=[watch], precision=precision,
    )  # fmt: skip
    trainer.fit(model, torch.utils.data.DataLoader([batch] * model.steps, batch_size=None))
    return watch.gradients


@pytest.mark.parametrize("accumulate", [2, 4])
@pytest.mark.parametrize("name", ["srgan", "pix2pix", "cyclegan"])  # whose losses are means over samples
@pytest.mark.usefixtures("double")
def test_parts_have_the_gradients_of_the_whole(name, accumulate):
    whole, parts = gradients(name, 1), gradients(name, accumulate)
    assert whole.keys() == parts.keys() == {"generator", "discriminator"}
    for player, expected in whole.items():
        largest = max(gradient.norm() for gradient in expected.values())  # that of a bias before a norm is rounding
        for key, gradient in expected.items():
            error = (parts[player][key] - gradient).norm() / torch.maximum(gradient.norm(), 1e-6 * largest)
            assert error < 1e-6, f"{player} {key}: {error}"


@pytest.mark.parametrize("name", ["srgan", "pix2pix"])  # generator first, discriminator first
def test_under_autocast_what_was_made_without_a_graph_is_learnt_from_all_the_same(name):
    whole, parts = gradients(name, 1, "bf16-mixed"), gradients(name, 2, "bf16-mixed")
    for player, expected in whole.items():
        ours, theirs = (torch.cat([one.flatten() for one in found.values()]) for found in (parts[player], expected))
        assert torch.cosine_similarity(ours, theirs, dim=0) > 0.99
        assert ours.norm() > 0.5 * theirs.norm()
