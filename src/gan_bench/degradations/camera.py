"""Blurs that a camera makes: by shaking, by being out of focus, and those that were measured and are kept in a file.

Shakes: Boracchi and Foi, IEEE TIP 2012; `kernels.motion` says what differs. A file's kernels are used as the deblurring
literature uses them, by true convolution. Differs: the borders are mirrored.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from gan_bench.degradations import kernels
from gan_bench.degradations.blur import Blurring
from gan_bench.degradations.kernel_files import centred as centre
from gan_bench.degradations.kernel_files import load_kernels
from gan_bench.degradations.ranges import Range, between, seed, uniform

__all__ = ["Defocus", "KernelBlur", "MotionBlur"]


class MotionBlur(Blurring):
    """The blur of a shaken camera: a random path during the exposure. The kernel holds the whole path.

    Args:
        length: of the path in pixels, up to 200.
        tremor: how much a Gaussian tremor deflects it; 0 is a straight line, 10 a tangle.
        pull: how strongly the camera comes back to where it began.
        jolts: how many reversals are expected in an exposure.
        scale: 1, 2, 3, 4 or 8; the blurred image is downscaled.
    """

    def __init__(self, length: Range, tremor: Range, pull: Range, jolts: Range, scale: int = 1) -> None:
        self.ranges = {
            "length": between("length", length, 0, 200),
            "tremor": between("tremor", tremor, 0, 100),
            "pull": between("pull", pull, 0, 1000),
            "jolts": between("jolts", jolts, 0, 100),
        }
        super().__init__(scale, kernels.motion_size(self.ranges["length"][1]))

    def draw_one(self, rng: np.random.Generator) -> dict[str, Any]:
        """The numbers of a kernel."""
        return {**{name: uniform(rng, ends) for name, ends in self.ranges.items()}, "seed": seed(rng)}

    def kernel(self, drawn: dict[str, Any]) -> kernels.Kernel:
        """The (k, k) kernel of a sample's drawn numbers, its sum 1."""
        return kernels.motion(**drawn)


class Defocus(Blurring):
    """The blur of a lens out of focus: a disk.

    Args:
        radius: of the disk in pixels; up to 0.5 it is a single pixel.
        scale: 1, 2, 3, 4 or 8; the blurred image is downscaled.
    """

    def __init__(self, radius: Range, scale: int = 1) -> None:
        self.radius = between("radius", radius, 0, 100)
        super().__init__(scale, kernels.disk_size(self.radius[1]))

    def draw_one(self, rng: np.random.Generator) -> dict[str, Any]:
        """The numbers of a kernel."""
        return {"radius": uniform(rng, self.radius)}

    def kernel(self, drawn: dict[str, Any]) -> kernels.Kernel:
        """The (k, k) kernel of a sample's drawn numbers, its sum 1."""
        return kernels.disk(**drawn)


class KernelBlur(Blurring):
    """A blur by one of the kernels of a file or a folder, each as probable as any other.

    Args:
        path: of a .mat, .npy or .npz file, or of a folder of them, as `kernel_files.load_kernels` reads it.
        key: the variable's name, where the file has several.
        scale: 1, 2, 3, 4 or 8; the blurred image is downscaled.
        centred: move each kernel until its centre of mass is its middle; KernelGAN's files have it beside.
    """

    def __init__(self, path: str, key: str | None = None, scale: int = 1, centred: bool = False) -> None:
        self.kernels = [centre(kernel) if centred else kernel for kernel in load_kernels(path, key)]
        self.content = hashlib.sha256(b"".join(kernel.tobytes() for kernel in self.kernels)).hexdigest()
        super().__init__(scale, max(len(kernel) for kernel in self.kernels))

    def draw_one(self, rng: np.random.Generator) -> dict[str, Any]:
        """The numbers of a kernel."""
        return {"kernel": int(rng.integers(len(self.kernels)))}

    def kernel(self, drawn: dict[str, Any]) -> kernels.Kernel:
        """The (k, k) kernel of a sample's drawn number, its sum 1."""
        chosen: kernels.Kernel = self.kernels[drawn["kernel"]]
        return chosen
