"""How sharp and how true in colour an image is beside several others, which stand for the gt that it has not."""

import numpy as np
import pytest
import torch

from gan_bench.callbacks.evaluation import colour_drift, sharpness


def image(*shape, seed=0):
    return np.random.default_rng(seed).random((1, *shape))


def detail(pixels):
    """Mean absolute difference of neighbours, of rows and of columns alike, on the mean of the channels."""
    gray = pixels[0].mean(axis=0)
    down = [
        abs(a - b) for above, below in zip(gray[:-1], gray[1:], strict=True) for a, b in zip(above, below, strict=True)
    ]
    right = [abs(a - b) for row in gray for a, b in zip(row[:-1], row[1:], strict=True)]
    return (sum(down) / len(down) + sum(right) / len(right)) / 2


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("channels", [1, 3])
def test_several_images_of_any_sizes_stand_for_gt_together(count, channels):
    restored = image(channels, 9, 7) * 0.4 + 0.1
    reals = [image(channels, 6 + 3 * seed, 11 - seed, seed=seed + 1) ** (seed + 1) for seed in range(count)]
    given = [torch.from_numpy(pixels) for pixels in (restored, *reals)]
    typical = np.mean([detail(pixels) for pixels in reals])
    assert sharpness(*given) == pytest.approx(detail(restored) / typical)
    colours = np.mean([pixels.mean(axis=(0, 2, 3)) for pixels in reals], axis=0)  # each image counts once
    expected = 255 * np.abs(restored.mean(axis=(0, 2, 3)) - colours).mean()
    assert colour_drift(*given) == pytest.approx(expected)


def test_the_order_of_the_real_images_changes_nothing():
    restored, *reals = (torch.from_numpy(image(3, 8, 8 + seed, seed=seed)) for seed in range(4))
    assert sharpness(restored, *reals) == pytest.approx(sharpness(restored, *reals[::-1]))
    assert colour_drift(restored, *reals) == pytest.approx(colour_drift(restored, *reals[::-1]))


def test_flat_images_are_no_division_by_zero():
    flat = torch.full((1, 3, 8, 8), 0.5)
    assert np.isfinite(sharpness(torch.rand(1, 3, 8, 8), flat, flat))
