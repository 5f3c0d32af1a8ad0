"""PSNR and SSIM as others compute them; `gan-bench perf --metrics` loads them to measure ours against.

Each is made for one pair of planes, (H, W) float64 whole numbers on 0..255, in the form that it takes; called, it gives
the number. All leave the border's windows out and shrink nothing.

- SciPy: the paper's formula in float64, five Gaussian means by two passes each. What the others are compared with.
- filter2D: the usual Python code of super-resolution papers (BasicSR and its descendants): OpenCV with a square window.
- pyiqa: its own metric with test_y_channel, no crop_border and no downsample. A plane of luma is to it an image of one
  channel, so that its own luma, which is another one, plays no part. Where no covariance is negative (it takes zero for
  these), SSIM is equal but for its window, rounded to float32: some 2e-8. Its PSNR adds 1e-8 to the mean square.
"""

import math

import cv2
import numpy as np
import torch
from scipy.ndimage import correlate1d

C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def psnr_exact(a, b):
    return lambda: 10 * math.log10(255**2 / math.fsum(((a - b) ** 2).ravel()) * a.size)


def psnr_plain(a, b):
    return lambda: 20.0 * np.log10(255.0 / np.sqrt(np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2)))


def ssim_scipy(a, b):
    window = np.exp(-((np.arange(11) - 5.0) ** 2) / (2 * 1.5**2))
    window /= window.sum()

    def mean(plane):
        return correlate1d(correlate1d(plane, window, 0), window, 1)[5:-5, 5:-5]

    return lambda: formula(mean, a, b)


def ssim_filter2d(a, b):
    kernel = cv2.getGaussianKernel(11, 1.5)
    window = np.outer(kernel, kernel.transpose())

    def mean(plane):
        return cv2.filter2D(plane, -1, window)[5:-5, 5:-5]

    return lambda: formula(mean, a.astype(np.float64), b.astype(np.float64))


def formula(mean, a, b):
    """The paper's, with its five means."""
    mean_a, mean_b = mean(a), mean(b)
    square_a, square_b, product = mean_a**2, mean_b**2, mean_a * mean_b
    var_a, var_b, both = mean(a**2) - square_a, mean(b**2) - square_b, mean(a * b) - product
    return (((2 * product + C1) * (2 * both + C2)) / ((square_a + square_b + C1) * (var_a + var_b + C2))).mean()


def of_pyiqa(name):
    """Raises ImportError where pyiqa is not installed."""
    import pyiqa

    metric = pyiqa.create_metric(name, device=torch.device("cpu"), test_y_channel=True, crop_border=0, **MORE[name])

    def made(a, b):
        images = [torch.from_numpy(plane / 255)[None, None] for plane in (a, b)]
        return lambda: float(metric(*images))

    return made


MORE = {"ssim": {"downsample": False}, "psnr": {}}
REFERENCES = {
    "ssim": {"SciPy float64": ssim_scipy, "OpenCV filter2D": ssim_filter2d},
    "psnr": {"float64, summed exactly": psnr_exact, "NumPy": psnr_plain},
}
