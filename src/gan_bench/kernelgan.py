"""`gan-bench kernels`: the blur kernels with which real images were made small, each from one image, for `KernelBlur`.

KernelGAN: Bell-Kligler, Shocher and Irani, NeurIPS 2019, https://arxiv.org/abs/1909.06581. A linear generator shrinks
crops of the image until a discriminator cannot tell its patches from the image's own; the generator is the kernel.
Differs from the authors' code: the generator is applied as the one kernel that its filters make, which is the same and
cheaper; it begins at a Gaussian, about what it comes to there in hundreds of steps, not drawn to the bicubic kernel;
least squares, as in the paper; 1000 steps, after which the code's rate is next to nothing; what is below a twentieth of
the peak is left out, where the code keeps the 40 largest elements.
Rough: of photographs of 256 pixels that Gaussians of sigma 0.8 to 2 had blurred, it makes kernels of 1.2 to 1.5. From
1.2 on they are nearer to the truth than bicubic is, but a wide blur is hardly told from a narrow one.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from scipy.signal import convolve2d
from torch import Tensor, nn
from torch.nn.functional import conv2d
from torch.nn.utils.parametrizations import spectral_norm

from gan_bench.chance import generator, seed_of
from gan_bench.commands import input_files
from gan_bench.degradations.kernel_files import centred
from gan_bench.degradations.kernels import Kernel, gaussian
from gan_bench.errors import GanBenchError, UsageError
from gan_bench.files import write_atomically
from gan_bench.image import read, to_tensor

__all__ = ["Generator", "estimate", "kernels"]

FILTERS, FEATURES = (7, 5, 3, 1, 1, 1), 64
SIZE = sum(FILTERS) - len(FILTERS) + 1  # pixels of the kernel
CROP = 64  # pixels that the generator sees in a step
SMALL = (CROP - SIZE) // 2 + 1  # pixels that it makes of them
BEGIN = 1.6  # pixels, sigma of the first kernel
RATE = 2e-4  # of learning; a tenth of it in the last quarter of the steps
NOISE = 1 / 255  # deviation of what is added to all that is judged; images lie in [-1, 1] here


def kernels(arguments: argparse.Namespace) -> int:
    """Write a kernel for each image of a folder; an image that fails is named, the rest is done.

    Returns:
        0, or 1 when some failed.

    Raises:
        UsageError: no folder, no images in it, or no such scale.
        WorkError: a kernel cannot be written.
    """
    if arguments.scale not in (2, 4) or arguments.steps < 1:
        raise UsageError(f"--scale {arguments.scale} --steps {arguments.steps}: scale 2 or 4, and steps from 1")
    folder, out = Path(arguments.folder), Path(arguments.out)
    files, done = input_files([str(folder)]), 0
    console = Console(stderr=True)
    for path in track(files, description="estimating", console=console, disable=not console.is_terminal):
        try:
            kernel = estimate(to_tensor(read(path).pixels), arguments.steps, arguments.seed, arguments.scale)
        except GanBenchError as error:
            print(f"error: {path}: {str(error).removeprefix(f'{path}: ')}", file=sys.stderr)
            continue
        target = out / f"{'_'.join(path.relative_to(folder).parts) or path.name}.npy"
        np.save(buffer := io.BytesIO(), kernel)
        write_atomically(target, buffer.getvalue())
        places = np.indices(kernel.shape).reshape(2, -1) - len(kernel) // 2
        narrow, wide = np.sqrt(np.linalg.eigvalsh((places * kernel.ravel()) @ places.T).clip(0))
        print(f"{target}: {len(kernel)}x{len(kernel)}, sigma {wide:.2f} and {narrow:.2f} pixels", flush=True)
        done += 1
    print(f"{done} of {len(files)} images: {done} kernels for scale {arguments.scale} in {out}")
    return 0 if done == len(files) else 1


def estimate(image: Tensor, steps: int = 1000, seed: int = 0, scale: int = 2) -> Kernel:
    """The kernel with which an image was made small, from the image alone.

    Args:
        image: (C, H, W) in [0, 1], both sides from 64 pixels.
        steps: of training.
        seed: of weights, crops and noise.
        scale: 2, or 4, whose kernel is that of two downscalings by 2.

    Returns:
        (k, k), k odd, to convolve the larger image with; its middle is the centre of mass, its sum is 1.

    Raises:
        UsageError: the image is too small, or has no structure to go by.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of("kernels", seed))
        kernel: Kernel = _trained(image * 2 - 1, steps, generator("kernels", seed)).double().numpy()
    kernel[kernel < 0.05 * kernel.max()] = 0
    kernel = centred(kernel / kernel.sum())
    if scale == 4:
        apart = np.zeros((2 * len(kernel) - 1,) * 2)
        apart[::2, ::2] = kernel
        kernel = convolve2d(kernel, apart)
    away = np.abs(np.argwhere(kernel > 1e-3 * kernel.max()) - len(kernel) // 2).max()
    middle = slice(len(kernel) // 2 - away, len(kernel) // 2 + away + 1)
    fitting: Kernel = kernel[middle, middle] / kernel[middle, middle].sum()
    return fitting


class Generator(nn.Module):
    """A deep linear network, at first a Gaussian; calling it gives the one kernel that its filters make."""

    def __init__(self) -> None:
        super().__init__()
        channels = (1, *[FEATURES] * (len(FILTERS) - 1), 1)
        shapes = zip(channels[1:], channels, FILTERS, strict=False)
        self.filters = nn.ParameterList(torch.empty(after, before, size, size) for after, before, size in shapes)
        for weights in self.filters:
            nn.init.xavier_normal_(weights, 0.1)
        player, wanted = torch.optim.Adam(self.parameters(), 1e-3), torch.from_numpy(gaussian(SIZE, BEGIN)).float()
        for _ in range(150):
            _improve(player, (self() - wanted).square().sum())

    def forward(self) -> Tensor:
        """(SIZE, SIZE): what the filters make of a single point."""
        point = torch.ones(1, 1, 1, 1)
        for weights in self.filters:
            point = conv2d(point, weights, padding=weights.shape[-1] - 1)
        return point[0, 0]


def _shrunk(image: Tensor, kernel: Tensor) -> Tensor:
    """(1, C, H, W) -> (1, C, (H - k) // 2 + 1, ...): convolved by a (k, k) kernel, of which every second pixel."""
    return conv2d(image.transpose(0, 1), kernel.flip(0, 1)[None, None], stride=2).transpose(0, 1)


def _discriminator(channels: int) -> nn.Sequential:
    """Judges each patch of 7x7 pixels: (1, C, H, W) -> (1, 1, H - 6, W - 6)."""
    layers: list[nn.Module] = [spectral_norm(nn.Conv2d(channels, FEATURES, 7))]
    for _ in range(5):
        layers += [spectral_norm(nn.Conv2d(FEATURES, FEATURES, 1)), nn.BatchNorm2d(FEATURES), nn.ReLU()]
    return nn.Sequential(*layers, spectral_norm(nn.Conv2d(FEATURES, 1, 1)), nn.Sigmoid())


def _trained(image: Tensor, steps: int, rng: np.random.Generator) -> Tensor:
    """(SIZE, SIZE): the kernel of a generator trained on (C, H, W) in [-1, 1]."""
    crops = zip(_crops(image, CROP, steps, rng), _crops(image, SMALL, steps, rng), strict=True)
    network, discriminator = Generator(), _discriminator(len(image))
    players = [torch.optim.Adam(one.parameters(), RATE, (0.5, 0.999)) for one in (network, discriminator)]
    schedules = [torch.optim.lr_scheduler.StepLR(one, max(1, 3 * steps // 4), 0.1) for one in players]
    for step, (large, real) in enumerate(crops):
        kernel = network()
        fake = _shrunk(large, kernel)
        loss = (discriminator(fake) - 1).square().mean() + _constraints(kernel, step >= 0.4 * steps)
        _improve(players[0], loss)
        judged = [discriminator(one + NOISE * torch.randn_like(one)) for one in (fake.detach(), real)]
        _improve(players[1], (judged[0].square().mean() + (judged[1] - 1).square().mean()) / 2)
        for schedule in schedules:
            schedule.step()
    return network.forward().detach()


def _improve(player: torch.optim.Optimizer, loss: Tensor) -> None:
    player.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    player.step()


def _constraints(kernel: Tensor, sparse: bool) -> Tensor:
    """What a kernel should be, with the authors' weights: of sum 1, no border, later of few elements and centred."""
    places = torch.arange(SIZE) - SIZE // 2
    away = 30 * (1 - torch.exp(-(places[:, None] ** 2 + places**2) / (2 * SIZE**2)))
    away[2:-2, 2:-2] = 0
    loss = 0.5 * (kernel.sum() - 1).abs() + 0.5 * (kernel * away).abs().mean()
    if sparse:
        centre = torch.stack([(kernel.sum(axis) * places).sum() for axis in (0, 1)]) / kernel.sum()
        loss = loss + 5 * (kernel.abs() + 1e-12).pow(0.2).mean() + centre.square().mean()
    return loss


def _crops(image: Tensor, size: int, count: int, rng: np.random.Generator) -> Iterator[Tensor]:
    """(1, C, size, size), the likelier the more gradient is in them."""
    height, width = image.shape[1:]
    if min(height, width) < CROP:
        raise UsageError(f"{width}x{height} is smaller than the {CROP}x{CROP} pixels that a kernel is estimated from")
    slopes = np.hypot(*np.gradient(image.mean(0).numpy()))
    sums = cv2.integral(slopes)
    inside = sums[size:, size:] - sums[:-size, size:] - sums[size:, :-size] + sums[:-size, :-size]
    weights = np.clip(inside.ravel(), 0, None)
    if weights.max() < 1e-3:
        raise UsageError("it has no structure from which a kernel could be estimated")
    for place in rng.choice(weights.size, count, p=weights / weights.sum()):
        top, left = divmod(int(place), inside.shape[1])
        yield image[None, :, top : top + size, left : left + size]
