"""Normal and Poisson numbers by table, from random bits alone: fast, and the same bits on every machine.

No logarithm, sine or branch per pixel: an integer looks up a number that was computed once, in float64. Torch's and
NumPy's own samplers take three to ten times as long, and promise no bits from one release to the next.
Bits: SFC64 (Doty-Humphrey; https://pracrand.sourceforge.net). Alias tables: Walker 1977, doi 10.1145/355744.355749;
here in whole numbers, so that they are exact.
"""

from __future__ import annotations

import functools
import math

import cv2
import numpy as np
from numpy.typing import DTypeLike
from scipy.special import gammaln, ndtri, xlogy

__all__ = ["TAIL", "normal", "normal_table", "poisson", "poisson_table"]

CELLS = 1 << 16
"""Cells of equal probability into which the normal distribution is cut."""
TAIL = 16
"""Outermost cells, on either side, in which a number is computed instead of interpolated."""
BLOCK = 1 << 17
"""Numbers made at a time: what lies between bits and numbers then stays in the processor's cache."""
SLOTS = 256
"""Counts that one Poisson distribution can have, after its lowest; a mean of 256 has eight deviations above it."""
UNITS = 1 << 16
"""What one slot weighs: probabilities are whole multiples of 1 / (SLOTS * UNITS) = 2**-24."""


def normal(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    """Standard normal numbers.

    16 bits choose one of 65536 cells of equal probability, 8 more the place within it, evenly; the cumulative
    distribution so made is within 2e-7 of the normal one everywhere. A number in the outermost cells (beyond 3.5) is
    the inverse cumulative distribution at a place drawn with 53 more bits, so that the tails do not end early.

    Args:
        seed: from 0.
        shape: of the result.

    Returns:
        `shape` float32.
    """
    bits, numbers = np.random.SFC64(seed), np.empty(math.prod(shape), np.float32)
    for start in range(0, numbers.size, BLOCK):
        _fill_normal(bits, numbers[start : start + BLOCK])
    return numbers.reshape(shape)


def poisson(seed: int, levels: np.ndarray, values: int) -> np.ndarray:
    """Poisson counts whose means are `levels / 255 * values`; probabilities are right to 2**-24.

    Args:
        seed: from 0.
        levels: uint8 of any shape.
        values: a power of two from 1 to 256.

    Returns:
        Counts, uint16 of the same shape.
    """
    bits = np.random.SFC64(seed)
    slot, part = _words(bits, levels.size, np.uint8), _words(bits, levels.size, np.uint16)
    kept, other, lowest = poisson_table(values)
    place = levels.ravel().astype(np.uint16)
    place <<= 8
    place |= slot
    # No choice by np.where: its branches are random ones, which no processor foresees.
    changed = (part >= _look_up(place, kept)).view(np.uint8)
    changed *= _look_up(place, other)
    slot ^= changed
    counts: np.ndarray = np.add(slot, cv2.LUT(levels.reshape(1, -1), lowest).ravel(), dtype=np.uint16)
    return counts.reshape(levels.shape)


@functools.cache
def normal_table() -> tuple[np.ndarray, np.ndarray]:
    """(65536,) float32 centres of the cells, and (65536,) float32 256ths of their widths; tails included, unused."""
    edges = ndtri(np.arange(1, CELLS) / CELLS)
    edges = np.concatenate([edges[:1], edges, edges[-1:]])
    width = np.diff(edges) / 256
    # The 256 places are -128 to 127, so their mean lies half a place below the centre.
    return (edges[:-1] + 128.5 * width).astype(np.float32), width.astype(np.float32)


@functools.cache
def poisson_table(values: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Alias tables of the 256 Poisson distributions with means of `level / 255 * values`.

    A slot is one of 256 counts from the lowest. Of the 65536 units of slot s, the first `kept[s]` mean s itself, the
    rest mean its alias.

    Args:
        values: a power of two from 1 to 256.

    Returns:
        (256 * 256,) uint16 kept units, (256 * 256,) uint8 slot XOR its alias, (256,) uint8 lowest counts.
    """
    means = np.arange(256) / 255 * values
    lowest = np.maximum(np.floor(means) - SLOTS // 2 + 1, 0)
    counts = lowest[:, None] + np.arange(SLOTS)
    below = np.cumsum(np.exp(xlogy(counts, means[:, None]) - means[:, None] - gammaln(counts + 1)), 1)
    total = SLOTS * UNITS
    units = np.diff(np.rint(below / below[:, -1:] * total).astype(np.int64), prepend=0)
    kept, alias = _alias(units)
    other = alias ^ np.arange(SLOTS)
    return kept.ravel().astype(np.uint16), other.ravel().astype(np.uint8), lowest.astype(np.uint8)


def _fill_normal(bits: np.random.SFC64, numbers: np.ndarray) -> None:
    cell, place = _words(bits, numbers.size, np.uint16), _words(bits, numbers.size, np.uint8)
    centre, width = normal_table()
    np.multiply(_look_up(cell, width), place.view(np.int8), out=numbers)  # -128 to 127
    numbers += _look_up(cell, centre)
    outer = np.flatnonzero(cell + np.uint16(TAIL) < 2 * TAIL)  # in 16 bits the last cells lie before the first
    numbers[outer] = _tail(cell[outer], _words(bits, outer.size, np.uint64))


def _alias(units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(D, SLOTS) whole units, each row SLOTS * UNITS in all -> the kept units and the alias of each slot.

    The slot with the least is filled up from the one with the most, again and again, for all rows at once.
    """
    rows = np.arange(len(units))
    left, kept, alias = units.copy(), np.zeros_like(units), np.tile(np.arange(SLOTS), (len(units), 1))
    done = np.zeros(units.shape, bool)
    for _ in range(SLOTS):
        least = np.where(done, SLOTS * UNITS + 1, left).argmin(1)
        most = np.where(done, -1, left).argmax(1)
        held = left[rows, least]
        full = held == UNITS  # then all that is left is full: each is its own alias
        kept[rows, least] = np.where(full, 0, held)
        alias[rows, least] = np.where(full, least, most)
        left[rows, most] -= np.where(full, 0, UNITS - held)
        done[rows, least] = True
    return kept, alias


def _words(bits: np.random.SFC64, count: int, dtype: DTypeLike) -> np.ndarray:
    """(count,) random unsigned integers, of little-endian words wherever this runs."""
    raw = bits.random_raw(-(-count * np.dtype(dtype).itemsize // 8)).astype("<u8", copy=False)
    return raw.view(np.dtype(dtype).newbyteorder("<"))[:count].astype(dtype, copy=False)


def _look_up(place: np.ndarray, table: np.ndarray) -> np.ndarray:
    """`table[place]`, of 16-bit places in a table of 65536; twice as fast as NumPy's."""
    return cv2.LUT(place.reshape(1, -1), table).reshape(-1)


def _tail(cell: np.ndarray, more: np.ndarray) -> np.ndarray:
    """Inverse cumulative distribution at a place within the outermost cells."""
    upper = cell >= CELLS // 2
    index = np.where(upper, CELLS - 1 - cell.astype(np.int64), cell)
    numbers: np.ndarray = ndtri((index + ((more >> 11) + 0.5) / (1 << 53)) / CELLS)
    numbers[upper] *= -1
    return numbers
