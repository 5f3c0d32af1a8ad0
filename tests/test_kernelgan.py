"""`gan-bench kernels`: the machine against its parts one by one, the estimate against a known blur, the command."""

import numpy as np
import pytest
import torch
from scipy.ndimage import convolve
from scipy.signal import convolve2d
from skimage import data
from torch.nn.functional import conv2d

from gan_bench.cli import main
from gan_bench.degradations import KernelBlur
from gan_bench.degradations.kernels import gaussian
from gan_bench.errors import UsageError
from gan_bench.image import to_uint8, write_png
from gan_bench.kernelgan import Generator, _shrunk, estimate

TRUE = gaussian(13, 2.0, 1.2, 0.6)
BICUBIC = np.array([-0.0625, 0, 0.5625, 1, 0.5625, 0, -0.0625]) / 2  # a = -0.5, stretched by 2, about a pixel


def lq(kernel=TRUE, size=256):
    """A photograph that was blurred by a known kernel, of which every second pixel is left: (3, size/2, size/2)."""
    pixels = data.astronaut()[:size, 150 : 150 + size].astype(np.float64) / 255
    blurred = np.stack([convolve(pixels[..., c], kernel, mode="mirror") for c in range(3)])
    return torch.from_numpy(blurred[:, ::2, ::2].round(decimals=2)).float().clamp(0, 1)


def held(kernel, size=25):
    return np.pad(kernel, (size - len(kernel)) // 2)


def test_the_generators_kernel_does_what_its_filters_do_one_after_another():
    torch.manual_seed(0)
    network = Generator()
    for weights in network.filters:  # no longer a symmetric kernel
        weights.data += 0.02 * torch.randn_like(weights)
    image = torch.rand(1, 3, 40, 36)
    layered = image.transpose(0, 1)
    for weights in network.filters:
        layered = conv2d(layered, weights)
    torch.testing.assert_close(_shrunk(image, network()), layered.transpose(0, 1)[..., ::2, ::2], atol=1e-4, rtol=1e-4)


def test_the_generators_kernel_is_meant_for_a_true_convolution():
    kernel, image = np.random.default_rng(0).random((13, 13)), np.random.default_rng(1).random((40, 40))
    made = _shrunk(torch.from_numpy(image)[None, None], torch.from_numpy(kernel))[0, 0].numpy()
    np.testing.assert_allclose(made, convolve2d(image, kernel, "valid")[::2, ::2])


def test_a_few_steps_give_a_kernel_that_is_nearer_to_the_truth_than_bicubic_or_none():
    """Not much of a proof: where it begins is nearer too. What it is worth after all steps stands in kernelgan.py."""
    kernel = estimate(lq(), steps=40)
    assert len(kernel) % 2 == 1 and kernel.shape[0] == kernel.shape[1] and kernel.sum() == pytest.approx(1)
    delta = np.zeros((25, 25))
    delta[12, 12] = 1
    far = [np.linalg.norm(held(other) - held(TRUE)) for other in (kernel, np.outer(BICUBIC, BICUBIC), delta)]
    assert far[0] < 0.5 * far[1] < far[2]


@pytest.mark.full
def test_it_learns_that_a_kernel_is_narrower_than_where_it_begins():
    true = gaussian(13, 1.2)
    far = [np.linalg.norm(held(other) - held(true)) for other in (estimate(lq(true, 360)), gaussian(13, 1.6))]
    assert far[0] < far[1]


def test_the_kernel_of_scale_4_is_two_downscalings_by_2():
    two, four = (estimate(lq(), steps=3, scale=scale) for scale in (2, 4))
    image = np.random.default_rng(0).random((120, 120))
    twice = convolve2d(convolve2d(image, two, "same")[::2, ::2], two, "same")[::2, ::2]
    once = convolve2d(image, four, "same")[::4, ::4]
    np.testing.assert_allclose(once[6:-6, 6:-6], twice[6:-6, 6:-6], atol=2e-3)


def test_the_seed_decides_and_nothing_else_does():
    torch.manual_seed(5)
    first = estimate(lq(), steps=4)
    state = torch.get_rng_state()
    assert np.array_equal(estimate(lq(), steps=4), first)
    assert torch.equal(torch.get_rng_state(), state)
    assert not np.array_equal(estimate(lq(), steps=4, seed=1), first)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_png(tmp_path / "lq" / "a.png", to_uint8(lq()))
    write_png(tmp_path / "lq" / "below" / "gray.png", to_uint8(lq()[:1]))
    return tmp_path / "lq"


def test_the_command_writes_a_file_per_image_that_a_blur_takes_and_the_same_again(folder, capsys):
    for out in ("one", "two"):
        assert main(["kernels", "lq", "--out", out, "--steps", "3"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("one/a.png.npy: 13x13, sigma ") or said[0].startswith("one/a.png.npy: ")
    assert said[2] == "2 of 2 images: 2 kernels for scale 2 in one"
    for name in ("a.png.npy", "below_gray.png.npy"):
        assert (folder.parent / "one" / name).read_bytes() == (folder.parent / "two" / name).read_bytes()
    assert len(KernelBlur("one", centred=True).kernels) == 2


def test_a_bad_image_is_named_and_the_rest_is_done(folder, capsys):
    write_png(folder / "small.png", to_uint8(lq()[:, :63]))
    write_png(folder / "flat.png", np.full((80, 80, 3), 7, np.uint8))
    (folder / "broken.png").write_bytes(b"no image")
    assert main(["kernels", "lq", "--out", "out", "--steps", "2", "--scale", "4"]) == 1
    out, error = capsys.readouterr()
    assert out.splitlines()[-1] == "2 of 5 images: 2 kernels for scale 4 in out"
    lines = error.splitlines()
    assert len(lines) == 3 and all(line.startswith("error: lq/") for line in lines)
    for name, cause in (
        ("small", "128x63 is smaller than the 64x64"),
        ("flat", "no structure"),
        ("broken", "not a read"),
    ):
        assert any(f"lq/{name}.png: " in line and cause in line for line in lines), name


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (["nowhere"], "nowhere: no such file or folder"),
        (["lq", "--scale", "3"], "--scale 3"),
        (["lq", "--steps", "0"], "--steps 0"),
    ],
)
def test_wrong_usage_is_one_line(folder, capsys, words, cause):
    assert main(["kernels", *words]) == 2
    error = capsys.readouterr().err
    assert cause in error and error.count("\n") == 1


def test_an_image_without_structure_is_refused():
    with pytest.raises(UsageError, match="no structure"):
        estimate(torch.full((3, 80, 80), 0.3), steps=2)
