"""Kernels against their formulas written anew, and as they lie in files, against scipy and h5py."""

import json
import math

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.io import loadmat, savemat
from scipy.linalg import inv
from scipy.special import jv

from gan_bench.degradations import kernels
from gan_bench.degradations.kernel_files import load_kernels
from gan_bench.errors import UsageError

sizes = st.integers(0, 15).map(lambda half: 2 * half + 1)
sigmas = st.floats(0.05, 8)
angles = st.floats(-math.pi, math.pi)
betas = st.floats(0.5, 4)


def by_the_formula(size, sigma_x, sigma_y, angle, profile):
    """A matrix S per axis pair, inverted by SciPy, and a loop over pixels."""
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    inverse = inv(turn @ np.diag([sigma_x**2, sigma_y**2]) @ turn.T)
    kernel = np.empty((size, size))
    for row in range(size):
        for column in range(size):
            place = np.array([column - (size - 1) / 2, row - (size - 1) / 2])
            kernel[row, column] = profile(max(0.0, place @ inverse @ place))
    return kernel / kernel.sum()


@given(sizes, sigmas, sigmas, angles)
def test_gaussian_is_its_formula(size, sigma_x, sigma_y, angle):
    wanted = by_the_formula(size, sigma_x, sigma_y, angle, lambda q: math.exp(-0.5 * q))
    assert np.abs(kernels.gaussian(size, sigma_x, sigma_y, angle) - wanted).max() < 1e-8


@given(sizes, sigmas, sigmas, angles, betas)
def test_generalized_gaussian_is_its_formula(size, sigma_x, sigma_y, angle, beta):
    wanted = by_the_formula(size, sigma_x, sigma_y, angle, lambda q: math.exp(-0.5 * q**beta))
    assert np.abs(kernels.generalized(size, sigma_x, sigma_y, angle, beta) - wanted).max() < 1e-7


@given(sizes, sigmas, sigmas, angles, betas)
def test_plateau_is_its_formula(size, sigma_x, sigma_y, angle, beta):
    wanted = by_the_formula(size, sigma_x, sigma_y, angle, lambda q: 1 / (1 + q**beta))
    assert np.abs(kernels.plateau(size, sigma_x, sigma_y, angle, beta) - wanted).max() < 1e-7


@given(sizes, st.floats(0.3, math.pi))
def test_sinc_is_its_formula(size, cutoff):
    wanted = np.empty((size, size))
    for row in range(size):
        for column in range(size):
            radius = math.dist((row, column), ((size - 1) / 2, (size - 1) / 2))
            ring = cutoff * jv(1, cutoff * radius) / (2 * math.pi * radius) if radius else cutoff**2 / (4 * math.pi)
            wanted[row, column] = ring
    assert np.abs(kernels.sinc(size, cutoff) - wanted / wanted.sum()).max() < 1e-9


@given(sizes, st.floats(0, 8), st.floats(0, 8), angles, betas, st.floats(0.3, math.pi))
def test_formulas_sum_to_one_and_are_symmetric_about_their_middle(size, sigma_x, sigma_y, angle, beta, cutoff):
    for kernel in (
        kernels.gaussian(size, sigma_x, sigma_y, angle),
        kernels.generalized(size, sigma_x, sigma_y, angle, beta),
        kernels.plateau(size, sigma_x, sigma_y, angle, beta),
        kernels.sinc(size, cutoff),
    ):
        assert kernel.shape == (size, size) and kernel.dtype == np.float64
        assert math.isclose(kernel.sum(), 1, abs_tol=1e-12)
        assert np.allclose(kernel, kernel[::-1, ::-1], rtol=0, atol=1e-12)


@given(sizes, sigmas)
def test_one_sigma_makes_a_kernel_alike_on_both_axes(size, sigma):
    for kernel in (kernels.gaussian(size, sigma), kernels.plateau(size, sigma, beta=1.5)):
        assert np.array_equal(kernel, kernel.T) and np.array_equal(kernel, kernel[:, ::-1])


def test_sigma_zero_is_a_single_pixel():
    for kernel in (kernels.gaussian(7, 0), kernels.gaussian(7, 0, 0, 0.3), kernels.plateau(7, 0)):
        assert kernel[3, 3] == pytest.approx(1, abs=1e-4)


def test_the_angle_turns_from_x_towards_y():
    along = kernels.gaussian(21, 3.0, 0.5, math.pi / 4)
    assert along[15, 15] > 100 * along[15, 5]


@given(st.floats(0.5, 9))
def test_disk_is_the_share_of_each_pixel_inside(radius):
    kernel = kernels.disk(radius)
    half = len(kernel) // 2
    assert half - 0.5 < radius <= half + 0.5 + 1e-12  # of what is covered by less, nothing is left in float64

    def covered(x, bottom):
        edge = math.sqrt(max(0.0, radius**2 - x**2))
        return max(0.0, min(edge, bottom + 1) - max(-edge, bottom))

    for column, row in ((0, 0), (half, 0), (half // 2, half // 2), (max(half - 1, 0), half // 2)):
        left = column - 0.5
        crossings = [math.sqrt(max(0, radius**2 - (row + side) ** 2)) for side in (-0.5, 0.5)]
        kinks = [x for x in (*crossings, radius) if left < x < left + 1]
        share = quad(covered, left, left + 1, args=(row - 0.5,), points=kinks or None, limit=200)[0]
        assert kernel[half + row, half + column] == pytest.approx(share / (math.pi * radius**2), abs=1e-7)


def test_no_radius_gives_nan_where_the_circle_ends():
    """The square root of what rounding makes negative: at 5.081506454554716, among others."""
    radii = [5.081506454554716, *np.random.default_rng(0).uniform(0.5, 9, 2000)]
    for radius in radii:
        kernel = kernels.disk(radius)
        assert np.isfinite(kernel).all() and (kernel >= -1e-15).all() and math.isclose(kernel.sum(), 1, abs_tol=1e-12)


def test_a_disk_within_a_pixel_is_that_pixel():
    assert np.array_equal(kernels.disk(0), [[1]]) and np.array_equal(kernels.disk(0.5), [[1]])


@given(st.floats(0, 60), st.floats(0, 20), st.floats(0, 100), st.floats(0, 5), st.integers(0, 2**53 - 1))
def test_motion_kernel_holds_its_path_and_has_its_mass_in_the_middle(length, tremor, pull, jolts, seed):
    kernel = kernels.motion(length, tremor, pull, jolts, seed)
    assert len(kernel) == kernels.motion_size(length) and len(kernel) % 2
    assert math.isclose(kernel.sum(), 1, abs_tol=1e-12) and (kernel >= 0).all()
    places = np.arange(len(kernel)) - len(kernel) // 2
    assert abs(kernel.sum(0) @ places) < 1e-9 and abs(kernel.sum(1) @ places) < 1e-9
    assert np.array_equal(kernel, kernels.motion(length, tremor, pull, jolts, seed))


@pytest.mark.parametrize("length", [5.0, 17.3, 60.0])
def test_without_deflection_the_path_is_a_straight_line_of_its_length(length):
    """A uniform line has the variance length^2 / 12 along itself and, but for bilinear weights, none across."""
    kernel = kernels.motion(length, 0, 0, 0, seed=3)
    y, x = np.indices(kernel.shape) - len(kernel) // 2
    spread = np.array([[(kernel * a * b).sum() for a in (x, y)] for b in (x, y)])
    across, along = np.linalg.eigvalsh(spread)
    assert across < 0.26 and along == pytest.approx(length**2 / 12, abs=0.26)


def test_tremor_and_pull_keep_the_camera_near():
    def extent(tremor, pull):
        spreads = []
        for seed in range(60):
            kernel = kernels.motion(40, tremor, pull, 0, seed)
            y, x = np.indices(kernel.shape) - len(kernel) // 2
            spreads.append((kernel * (x * x + y * y)).sum())
        return np.mean(spreads)

    assert extent(0, 0) > 2 * extent(3, 0) > 4 * extent(10, 0)
    assert extent(3, 0) > 1.5 * extent(3, 30)


def test_jolts_reverse_the_direction():
    straight = kernels.motion(40, 0, 0, 0, seed=1)
    jolted = [kernels.motion(40, 0, 0, 3, seed) for seed in range(20)]
    assert np.median([np.count_nonzero(kernel) for kernel in jolted]) < np.count_nonzero(straight)


# files


@pytest.fixture
def folder(reference):
    return reference / "data" / "restoration" / "blur_kernels"


def test_kernels_of_a_version_5_cell_array(folder):
    loaded = load_kernels(folder / "kernels_12.mat")
    wanted = loadmat(folder / "kernels_12.mat")["kernels"][0]
    assert len(loaded) == len(wanted) == 12
    for kernel, raw in zip(loaded, wanted, strict=True):
        assert kernel.shape == (25, 25) and np.abs(kernel - raw).max() < 1e-6
        assert math.isclose(kernel.sum(), 1, abs_tol=1e-12)


def test_kernels_of_a_version_73_cell_array(folder):
    loaded = load_kernels(folder / "Levin09.mat", "kernels")
    with h5py.File(folder / "Levin09.mat") as file:
        wanted = [file[reference][()].T for reference in file["kernels"][:, 0]]
    assert [len(kernel) for kernel in loaded] == [19, 17, 15, 27, 13, 21, 23, 23]
    for kernel, raw in zip(loaded, wanted, strict=True):
        assert np.abs(kernel - raw).max() < 1e-12 and not np.allclose(kernel, raw.T)


STACK = np.random.default_rng(0).random((4, 5, 5))


def test_stacks_of_every_format_are_the_same(tmp_path):
    np.save(tmp_path / "a.npy", STACK)
    np.savez(tmp_path / "b.npz", kernels=STACK)
    savemat(tmp_path / "c.mat", {"kernels": STACK.transpose(1, 2, 0)})  # MATLAB's last axis counts
    with h5py.File(tmp_path / "d.mat", "w", userblock_size=512) as file:
        file["kernels"] = STACK.transpose(1, 2, 0).T
    for name in ("a.npy", "b.npz", "c.mat", "d.mat"):
        loaded = load_kernels(tmp_path / name)
        assert np.allclose(loaded, STACK / STACK.sum((1, 2), keepdims=True), rtol=1e-14), name


def test_a_cell_array_keeps_matlabs_order(tmp_path):
    cells = np.empty((2, 2), object)
    for i, j in np.ndindex(2, 2):
        cells[i, j] = np.eye(3) + 10 * i + 20 * j
    savemat(tmp_path / "k.mat", {"kernels": cells})
    firsts = [np.round(kernel[0, 1] / (kernel[0, 0] - kernel[0, 1])) for kernel in load_kernels(tmp_path / "k.mat")]
    assert firsts == [0, 10, 20, 30]


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (4, 4), (3, 5), (4, 7), (6, 3)])
def test_even_and_oblong_kernels_keep_their_middle(tmp_path, shape):
    from scipy.ndimage import convolve

    raw = np.random.default_rng(1).random(shape)
    np.save(tmp_path / "k.npy", raw)
    (kernel,) = load_kernels(tmp_path / "k.npy")
    assert kernel.shape[0] == kernel.shape[1] and kernel.shape[0] % 2
    image = np.random.default_rng(2).random((20, 20))
    assert np.allclose(convolve(image, kernel, mode="mirror"), convolve(image, raw / raw.sum(), mode="mirror"))


def broken(tmp_path):
    np.save(tmp_path / "nan.npy", np.full((3, 3), np.nan))
    np.save(tmp_path / "negative.npy", -np.ones((3, 3)))
    np.save(tmp_path / "zero.npy", np.zeros((3, 3)))
    np.save(tmp_path / "empty.npy", np.empty((0, 3, 3)))
    np.save(tmp_path / "thin.npy", np.empty((0, 3)))
    np.save(tmp_path / "line.npy", np.ones(9))
    np.save(tmp_path / "words.npy", np.array([["a"]]))
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}], object), allow_pickle=True)
    np.savez(tmp_path / "two.npz", first=np.ones((3, 3)), second=np.ones((3, 3)))
    savemat(tmp_path / "struct.mat", {"kernels": {"a": 1}})
    savemat(tmp_path / "none.mat", {})
    with h5py.File(tmp_path / "hollow.mat", "w") as file:
        file.create_dataset("kernels", data=np.array([0, 0], np.uint64)).attrs["MATLAB_empty"] = 1
    (tmp_path / "cut.mat").write_bytes(b"\0" * 10)
    (tmp_path / "cut73.mat").write_bytes(b"\0" * 512 + b"\x89HDF\r\n\x1a\n")
    (tmp_path / "cut.npz").write_bytes(b"PK\3\4")
    (tmp_path / "text.npy").write_text("hello")
    (tmp_path / "k.txt").write_text("hello")


@pytest.mark.parametrize(
    ("name", "key", "cause"),
    [
        ("nan.npy", None, "NaN"),
        ("negative.npy", None, "sums to -9"),
        ("zero.npy", None, "sums to 0"),
        ("empty.npy", None, "empty"),
        ("thin.npy", None, "empty"),
        ("line.npy", None, "no kernel"),
        ("words.npy", None, "no kernel"),
        ("objects.npy", None, "damaged"),
        ("two.npz", None, "key=first or second"),
        ("two.npz", "frist", "did you mean 'first'"),
        ("struct.mat", None, "no kernel"),
        ("none.mat", None, "0 variables"),
        ("hollow.mat", None, "empty"),
        ("cut.mat", None, "damaged"),
        ("cut73.mat", None, "damaged"),
        ("cut.npz", None, "damaged"),
        ("text.npy", None, "damaged"),
        ("k.txt", None, ".mat, .npy or .npz"),
        ("missing.mat", None, "no such file"),
    ],
)
def test_a_file_without_kernels_is_named_with_the_cause(tmp_path, name, key, cause):
    broken(tmp_path)
    with pytest.raises(ValueError, match=r"^[^\n]+$") as error:
        load_kernels(tmp_path / name, key)
    message = str(error.value)
    assert message.startswith(("path=", "key=")) and name in message and cause in message and "\n" not in message


def test_matlab_73_without_h5py_says_how_to_get_it(folder, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(UsageError, match=r"Levin09.*pip install gan-bench\[interop\]"):
        load_kernels(folder / "Levin09.mat")


def test_what_makes_a_kernel_is_json():
    drawn = {"length": 12.5, "tremor": 1.0, "pull": 2.0, "jolts": 0.5, "seed": 2**53 - 1}
    assert np.array_equal(kernels.motion(**json.loads(json.dumps(drawn))), kernels.motion(**drawn))
