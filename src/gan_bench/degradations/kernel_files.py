"""Blur kernels of published files: MATLAB's two formats and NumPy's, as float64 arrays that sum to one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat
from scipy.ndimage import center_of_mass, shift

from gan_bench.degradations.kernels import Kernel
from gan_bench.errors import GanBenchError, UsageError, did_you_mean

__all__ = ["centred", "load_kernels"]

HDF5 = b"\x89HDF\r\n\x1a\n"
CLOSE = 0.05  # pixels; a centre of mass this near to the middle stays where it is


def load_kernels(path: str | Path, key: str | None = None) -> list[Kernel]:
    """The kernels of a file, or of all files of a folder by their names, made to sum to one.

    A kernel of even size gets a row below or a column on the right of zeros: its middle is the element size // 2, as
    for scipy.ndimage.convolve and MATLAB's conv2. One that is not square gets zeros around its shorter side.

    Args:
        path: .mat (version 5; 7.3 with h5py), .npy or .npz; a (k, k) array, a stack, or a cell array of kernels; or
            a folder of such files. Stacks are (n, k, k), in .mat as MATLAB has them: (k, k, n).
        key: the variable's name; needed where a file has several.

    Returns:
        Kernels (k, k), each with an odd k of its own.

    Raises:
        ValueError: no such file or variable, or an array that is no kernel; the file is named.
        UsageError: h5py is missing.
    """
    path = Path(path).expanduser()
    if path.is_dir():
        return _of_folder(path, key)
    reader = READERS.get(path.suffix)
    if reader is None:
        raise ValueError(f"path={path}: kernels are read from .mat, .npy or .npz")
    if not path.is_file():
        raise ValueError(f"path={path}: no such file")
    try:
        variables = reader(path)
    except GanBenchError:
        raise
    except Exception as error:  # each format has its own ways to be broken
        cause = str(error).partition("\n")[0] or type(error).__name__
        raise ValueError(f"path={path}: it is damaged, or no {path.suffix} file: {cause}") from error
    name = _name(path, key, variables)
    kernels = [_checked(array, f"path={path}: {name}[{i}]") for i, array in enumerate(variables[name])]
    if not kernels:
        raise ValueError(f"path={path}: {name} is empty; at least one kernel is needed")
    return kernels


def centred(kernel: Kernel) -> Kernel:
    """A kernel whose centre of mass is its middle, moved by a cubic spline, so that what it blurs stays in its place.

    Args:
        kernel: (k, k), k odd; its sum is 1.

    Returns:
        (k', k'), k' odd and as much larger as the way is long; the argument itself where it is centred already.
    """
    way = len(kernel) // 2 - np.array(center_of_mass(kernel))
    if np.abs(way).max() < CLOSE:
        return kernel
    moved = shift(np.pad(kernel, int(np.ceil(np.abs(way).max()))), way)
    fitting: Kernel = moved / moved.sum()
    return fitting


def _of_folder(folder: Path, key: str | None) -> list[Kernel]:
    files = sorted(path for path in folder.iterdir() if path.suffix in READERS)
    if not files:
        raise ValueError(f"path={folder}: no .mat, .npy or .npz file in it; gan-bench kernels makes them")
    return [kernel for path in files for kernel in load_kernels(path, key)]


def _name(path: Path, key: str | None, variables: dict[str, list[Any]]) -> str:
    if key is not None and key not in variables:
        raise ValueError(f"key={key}: {path} has no such variable{did_you_mean(key, variables)}")
    if key is None and len(variables) != 1:
        raise ValueError(f"path={path}: it has {len(variables)} variables; write key={' or '.join(variables) or '?'}")
    return key if key is not None else next(iter(variables))


def _npy(path: Path) -> dict[str, list[Any]]:
    array = np.load(path, allow_pickle=False)
    return {path.stem: list(array) if array.ndim == 3 else [array]}


def _npz(path: Path) -> dict[str, list[Any]]:
    with np.load(path, allow_pickle=False) as arrays:
        return {name: list(array) if array.ndim == 3 else [array] for name, array in arrays.items()}


def _mat(path: Path) -> dict[str, list[Any]]:
    with path.open("rb") as file:
        head = file.read(520)
    if HDF5 in (head[:8], head[512:]):  # MATLAB puts 512 bytes of its own before it
        return _mat73(path)
    variables = loadmat(str(path))
    return {name: _cells(value) for name, value in variables.items() if not name.startswith("__")}


def _mat73(path: Path) -> dict[str, list[Any]]:
    try:
        import h5py
    except ImportError:
        raise UsageError(f"path={path}: MATLAB 7.3 files need h5py; pip install gan-bench[interop]") from None
    with h5py.File(path, "r") as file:

        def value(item: Any) -> NDArray[Any]:
            """As MATLAB has it: HDF5 keeps its arrays transposed, and empty ones as their shape."""
            return np.empty((0, 0)) if item.attrs.get("MATLAB_empty", 0) else np.asarray(item[()]).T

        def cells(item: Any) -> list[Any]:
            refers = h5py.check_ref_dtype(item.dtype) is not None
            return [value(file[one]) for one in item[()].ravel()] if refers else _cells(value(item))

        return {name: cells(item) for name, item in file.items() if isinstance(item, h5py.Dataset)}


def _cells(value: NDArray[Any]) -> list[Any]:
    """MATLAB's cells in its order, its stacks by their last axis."""
    if value.dtype == object:
        return list(value.ravel(order="F"))
    return list(np.moveaxis(value, -1, 0)) if value.ndim == 3 else [value]


def _checked(array: Any, where: str) -> Kernel:
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "buif" or array.ndim != 2:
        raise ValueError(f"{where} is no kernel: a two-dimensional array of numbers is needed")
    if array.size == 0:
        raise ValueError(f"{where} is empty: a kernel has at least one element")
    kernel = array.astype(np.float64)
    if not np.isfinite(kernel).all():
        raise ValueError(f"{where} has NaN or infinity")
    if kernel.sum() <= 0:
        raise ValueError(f"{where} sums to {kernel.sum():g}: a blur kernel's sum is above zero")
    kernel = np.pad(kernel, [(0, 1 - length % 2) for length in kernel.shape])
    size = max(kernel.shape)
    square: Kernel = np.pad(kernel, [((size - length) // 2,) * 2 for length in kernel.shape]) / kernel.sum()
    return square


READERS = {".mat": _mat, ".npy": _npy, ".npz": _npz}
