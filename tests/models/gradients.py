"""The gradients of one turn of each player of each GAN, in one process or in one of several: run by test_ddp.py.

python gradients.py FOLDER PROCESSES MODEL... writes FOLDER/<rank>_of_<processes>.pt: by model and player, every
gradient; and the weights that the step left.
"""

import hashlib
import os
import sys
from functools import partial
from pathlib import Path

import lightning as L
import torch
from torch import nn

from gan_bench.batch import Batch
from gan_bench.degradations import Sharpen
from gan_bench.losses import FeatureMatching, LeastSquares, RelativisticAverage, SignedL1, Vanilla
from gan_bench.models import BSRGAN, ESRGAN, SRGAN, CycleGAN, DiscoGAN, Pix2Pix, RealESRGAN
from gan_bench.networks import (
    DiscoGANDiscriminator,
    DiscoGANGenerator,
    PatchDiscriminator,
    ResNetGenerator,
    RRDBNet,
    SRGANDiscriminator,
    SRResNet,
    UNetDiscriminatorSN,
    VGGStyleDiscriminator,
)

JOINT = 4  # samples over all processes


def models():
    """Each with the networks of its paper, small."""
    rrdb = partial(RRDBNet, num_feat=8, num_block=1, num_grow_ch=4)
    vgg, unet = partial(VGGStyleDiscriminator, num_feat=4, input_size=32), partial(UNetDiscriminatorSN, num_feat=4)
    srgan = partial(SRGAN, adversarial=Vanilla())
    # A batch norm that takes its batch's statistics in evaluation too, as those of pix2pix's U-Net, sees one process's
    # part, and dropout draws for it alone: so pix2pix's generator has instance norms here, and no dropout.
    resnet, patches = partial(ResNetGenerator, num_feat=4, num_block=1), partial(PatchDiscriminator, num_feat=4)
    disco = [partial(one, num_feat=4, num_block=2) for one in (DiscoGANGenerator, DiscoGANDiscriminator)]
    return {
        "srgan": lambda: made(srgan, SRResNet(num_feat=8, num_block=1), SRGANDiscriminator(num_feat=4, input_size=32)),
        "esrgan": lambda: made(partial(ESRGAN, adversarial=RelativisticAverage()), rrdb(), vgg()),
        "esrgan_basicsr": lambda: made(
            partial(ESRGAN, adversarial=RelativisticAverage(detach_means=True)), rrdb(), vgg()
        ),
        "realesrgan": lambda: made(partial(RealESRGAN, adversarial=Vanilla(), sharpen=Sharpen()), rrdb(), unet()),
        "bsrgan": lambda: made(partial(BSRGAN, adversarial=LeastSquares()), rrdb(), unet()),
        "patches": lambda: made(partial(ESRGAN, adversarial=RelativisticAverage()), rrdb(), patches(norm="batch")),
        "pix2pix": lambda: learning(
            Pix2Pix,
            {"pixel": SignedL1(), "adversarial": Vanilla()},
            generator=resnet(scale=4),
            discriminator=patches(norm="batch", num_cond_ch=3),
        ),
        # No buffer: each process has a history of its own.
        "cyclegan": lambda: two_way(CycleGAN, LeastSquares(), "identity", SignedL1(), resnet, patches, buffer=0),
        "discogan": lambda: two_way(DiscoGAN, Vanilla(), "features", FeatureMatching(), *disco, interval=2, steps=2),
    }


def made(kind, generator, discriminator):
    criteria = {"pixel": nn.L1Loss(), "perceptual": None}
    criteria["adversarial"] = kind.keywords["adversarial"]
    return learning(kind, criteria, generator=generator, discriminator=discriminator)


def two_way(kind, adversarial, name, criterion, generator, discriminator, **further):
    return learning(
        kind,
        {"adversarial": adversarial, "cycle": SignedL1(), name: criterion},
        generator=generator(scale=4),
        degrader=generator(),
        discriminator=discriminator(),
        lq_discriminator=discriminator(),
        **further,
    )


def learning(kind, criteria, steps=1, **parts):
    """All terms at the same weight."""
    stage = {"fraction": 1.0, "weights": dict.fromkeys(criteria, 1.0), "lr": 1e-3}
    return kind(
        optimizer=partial(torch.optim.Adam), stages=[stage], steps=steps, seed=0, ema=0.9, **{**criteria, **parts}
    )


class Watch(L.Callback):
    """Batch norm in evaluation mode; keeps the gradients that the optimizers get."""

    def __init__(self):
        self.gradients = {}

    def on_train_batch_start(self, trainer, pl_module, *_):
        for module in pl_module.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()

    def on_before_optimizer_step(self, trainer, pl_module, optimizer):
        player = list(pl_module.players())[trainer.optimizers.index(optimizer)]
        named = pl_module.players()[player].named_parameters()
        self.gradients[player] = {name: one.grad.clone() for name, one in named}


def main(folder, processes, names):
    rank = int(os.environ.get("RANK", "0"))
    generator = torch.Generator().manual_seed(1)
    gt = torch.rand(JOINT, 3, 32, 32, generator=generator)
    share = slice(rank * JOINT // processes, (rank + 1) * JOINT // processes)
    batch = Batch(nn.functional.avg_pool2d(gt, 4)[share], gt[share], tuple("abcd"[share]))
    found = {}
    for name in names:
        torch.manual_seed(0)
        module, watch = models()[name](), Watch()
        trainer = L.Trainer(
            max_epochs=1, accelerator="cpu", devices=processes, logger=False, enable_checkpointing=False,
            strategy="ddp_find_unused_parameters_true" if processes > 1 else "auto", use_distributed_sampler=False,
            enable_progress_bar=False, enable_model_summary=False, callbacks=[watch],
        )  # fmt: skip
        trainer.fit(module, torch.utils.data.DataLoader([batch] * module.steps, batch_size=None))
        weights = b"".join(tensor.numpy().tobytes() for tensor in module.state_dict().values())
        found[name] = {"gradients": watch.gradients, "weights": hashlib.sha256(weights).hexdigest()}
    torch.save(found, Path(folder) / f"{rank}_of_{processes}.pt")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
