"""Which differences between rows of scores are real: intervals, verdicts and ranks, of arrays alone and without chance.

A row's scores are (k, n): k seeds by n images, as the metric gives them. Seeds and images were drawn, so the difference
of two methods, D, has three sources of error, and there is one t interval over all of them:

    d[i] = a[:, i].mean() - b[:, i].mean(),  D = d.mean(),  I = d.var(ddof=1) / n
    A, B = the variance over the seeds of a[s].mean(), of b[s].mean(), / k
    E    = the two-way residual variances of a and of b, each / (k n), summed: so much is in I, and again in A + B
    C, S = max(I - E, 0), A + B
    v    = C + S, the squared standard error
    1/df = C / v / (n - 1) + S / v / f, where f = S^2 / (A^2 / (k_a - 1) + B^2 / (k_b - 1))

The degrees of freedom f of the seeds are Satterthwaite's approximation. Those of images and seeds are weighed by their
shares of v, and not by the squares of these, as his are: with three seeds that gives too many, and of tables of eleven
equal methods 3 to 20 % had a pair that Holm's method called different, against 1 to 10 % so.
Where a side was trained fewer than three times, v = I and df = n - 1: the paired t interval, which speaks of these
weights and not of the method. Of a fixed row nothing was drawn: its A and E are 0.

Over M sets of images, which are fixed and count alike however large they are, the means of D, A and B are means over
the sets' means; I and E are the sums of the sets' own over M^2, and n - 1 becomes the df of that sum:

    I = sum I_s / M^2,  df of I = I^2 / sum((I_s / M^2)^2 / (n_s - 1))

Simulated for 3 or 5 seeds on a side, or on one side against a fixed row, normal or skewed images, seeds that matter or
not, a 95 % interval covers 93 to 97.5 % with 14 and 100 images, and 91 to 97.5 % with 5. Methods that are equal on the
whole are called different in at most 6 %, and one method, trained twice 3 or 5 times, in at most 4.8 %. Two cases are
worse. With 14 images whose differences are skewed, where seeds do not matter, it is 7 %. And Holm's 5 % for a whole
table need five seeds: with three, 100 images, and seeds that matter somewhat more than images and residuals do, 9 to
10 % of tables of eleven equal methods have a pair that is called different, and 12 % of twenty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special  # scipy.stats takes a second to import

__all__ = [
    "LEAST_IMAGES",
    "SEEDS",
    "WORDS",
    "Difference",
    "Pairs",
    "bands",
    "detectable",
    "difference",
    "holm",
    "interval",
    "pairs",
    "ranks",
    "resolvable",
    "sign_flip",
    "verdicts",
    "wins",
]

Floats = NDArray[np.float64]
Codes = NDArray[np.str_]
Claim = Literal["method", "weights"]

WORDS = {"b": "better", "w": "worse", "e": "equivalent", "u": "unresolved", "-": "none", "=": "itself"}
SEEDS = 3  # fewer say nothing about a method
LEAST_IMAGES = 6  # with fewer no sign test can reach 5 %, and there is no verdict
FLIPS = 20  # up to here all 2^n signs are tried
FAR = 40.0  # bounds, of very few degrees of freedom, beyond which the noncentral t is not computed
ROUNDING = 1e-12  # of the largest score: what is smaller is an error of float64, not a difference


@dataclass(frozen=True)
class Difference:
    """One row's mean minus another's, in the metric's unit.

    Attributes:
        mean: a minus b, over images, of the means over seeds.
        low: of the interval; NaN, as all below but `images` and `claim`, with a single image.
        high: of the interval.
        p: two-sided, of a difference of 0.
        df: degrees of freedom of the interval.
        images: how many there are.
        claim: of what it speaks: the methods, over new seeds and images, or these weights, over new images.
    """

    mean: float
    low: float
    high: float
    p: float
    df: float
    images: int
    claim: Claim


@dataclass(frozen=True)
class Pairs:
    """All differences of K rows: [i, j] is row i minus row j, as `difference` has it. The diagonal is 0, with p 1.

    Attributes:
        mean: (K, K).
        half: (K, K), half the width of the 95 % interval; NaN, as all below, with a single image.
        error: (K, K), the standard error.
        df: (K, K).
        p: (K, K), two-sided, of each pair alone.
        claim: (K, K) of "method" and "weights".
        images: how many there are.
    """

    mean: Floats
    half: Floats
    error: Floats
    df: Floats
    p: Floats
    claim: Codes
    images: int


def difference(a: Floats, b: Floats, a_fixed: bool = False, b_fixed: bool = False, level: float = 0.95) -> Difference:
    """One row minus another on the same images, with its interval.

    Args:
        a: (k_a, n), finite.
        b: (k_b, n), of the same images in the same order.
        a_fixed: nothing in a was drawn, as in an interpolation: it never weakens the claim.
        b_fixed: nothing in b was drawn.
        level: of the interval.
    """
    rows, fixed = [a, b], [a_fixed, b_fixed]
    mean, error, df, p = (float(one[0]) for one in _compared(rows, fixed))
    half = float(_quantile((1 + level) / 2, df)) * error
    claim: Claim = "method" if all(map(_of_method, rows, fixed)) else "weights"
    return Difference(mean, mean - half, mean + half, p, df, a.shape[1], claim)


def pairs(rows: Sequence[Floats], fixed: Sequence[bool], sets: Sequence[int] = ()) -> Pairs:
    """The differences between all rows.

    Args:
        rows: K of (k, n), each with a k of its own, on the same images in the same order; finite.
        fixed: K, whether nothing in the row was drawn.
        sets: how many of the n images, in their order, are of each set, at least two; none: all are of one.

    Raises:
        ValueError: a set of fewer than two images.
    """
    if min(sets, default=2) < 2:
        raise ValueError(f"sets={list(sets)}: each needs two images to have an interval")
    mean, error, df, p = _compared(rows, fixed, sets)
    images, of_method = rows[0].shape[1], np.array([*map(_of_method, rows, fixed)])
    itself = 0.0 if images > 1 else np.nan
    return Pairs(
        mean=_square(mean, len(rows), 0.0, mirrored=-1.0),
        half=_square(_quantile(0.975, df) * error, len(rows), itself),
        error=_square(error, len(rows), itself),
        df=_square(df, len(rows), itself + images - max(len(sets), 1)),
        p=_square(p, len(rows), itself + 1),
        claim=np.where(of_method[:, None] & of_method, "method", "weights"),
        images=images,
    )


def _quantile(p: float, df: Any) -> Any:
    """Of Student's t distribution; p as a number, degrees of freedom as one or as an array."""
    return special.stdtrit(df, p)


def _of_method(row: Floats, fixed: bool) -> bool:
    return fixed or len(row) >= SEEDS


def _compared(rows: Sequence[Floats], fixed: Sequence[bool], sets: Sequence[int] = ()) -> Floats:
    """(4, K (K - 1) / 2): mean, standard error, degrees of freedom and p of each row minus each that follows it."""
    first, second = np.triu_indices(len(rows), 1)
    parts = _parts(sets or rows[0].shape[1:])
    # Sorted, so that the order of the seeds changes no digit.
    mean, image, free = _moments(np.stack([np.sort(row, axis=0).mean(axis=0) for row in rows]), parts)
    largest = np.array([np.abs(row).max() for row in rows])
    rounding = ROUNDING * np.maximum(largest[first], largest[second])
    mean = np.where(np.abs(mean) <= rounding, 0.0, mean)
    if rows[0].shape[1] == 1:
        return np.stack([mean, *np.full((3, len(mean)), np.nan)])
    drawn = [not still and len(row) >= SEEDS for row, still in zip(rows, fixed, strict=True)]
    of_method = np.array([*map(_of_method, rows, fixed)])
    alone = np.array([_seeds(row, parts) if new else (0.0, 0.0, 0.0) for row, new in zip(rows, drawn, strict=True)])
    a, b = (np.where(of_method[first] & of_method[second], alone[side].T, 0.0) for side in (first, second))
    error, df = _error(image, free, a, b, rounding)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * special.stdtr(df, -np.abs(mean) / error)
    return np.stack([mean, error, df, np.where(error > 0, p, np.where(mean == 0, 1.0, 0.0))])


def _parts(sets: Sequence[int]) -> list[slice]:
    ends = np.cumsum(sets).tolist()
    return [slice(end - images, end) for end, images in zip(ends, sets, strict=True)]


def _moments(images: Floats, parts: Sequence[slice]) -> tuple[Floats, Floats, Floats]:
    """Mean, its squared standard error and its degrees of freedom, of each row of (K, n) minus each that follows it.

    Row by row: sums of squares of all rows at once would cancel, and depend on which other rows there are.
    """
    found = [np.empty((3, 0))]
    for place in range(len(images) - 1):
        apart = images[place] - images[place + 1 :]
        found.append(np.stack(_moments_of([apart[:, part] for part in parts])))
    mean, image, free = np.concatenate(found, axis=1)
    return mean, image, free


def _moments_of(sets: Sequence[Floats]) -> tuple[Floats, Floats, Floats]:
    """Of differences (K, n_s) on each set."""
    means = np.stack([apart.mean(axis=1) for apart in sets])
    images = np.stack([_squared_error(apart) for apart in sets])
    image, free = images.sum(axis=0), np.array([[max(apart.shape[1] - 1, 1)] for apart in sets])
    shares = np.divide(images, image, out=np.full(images.shape, 1 / len(sets)), where=image > 0)
    return means.mean(axis=0), image / len(sets) ** 2, 1 / (shares**2 / free).sum(axis=0)


def _squared_error(apart: Floats) -> Floats:
    """Of the mean of each row."""
    n = apart.shape[1]
    apart = apart - apart.mean(axis=1)[:, None]
    return np.asarray(np.square(apart, out=apart).sum(axis=1) / max(n - 1, 1) / n)


def _seeds(row: Floats, parts: Sequence[slice]) -> tuple[float, float, float]:
    """Of a row of several seeds: its A, its E and k - 1."""
    k, residual, means = len(row), 0.0, np.zeros(len(row))
    for one in (row[:, part] for part in parts):
        n, mean = one.shape[1], one.mean(axis=1)
        left = one - one.mean(axis=0) - mean[:, None] + one.mean()
        residual += float((left**2).sum()) / ((k - 1) * max(n - 1, 1)) / (k * n)
        means += mean
    return float(np.sort(means / len(parts)).var(ddof=1)) / k, residual / len(parts) ** 2, k - 1.0


def _error(image: Floats, free: Floats, a: Floats, b: Floats, rounding: Floats) -> tuple[Floats, Floats]:
    """The standard error of each difference and its degrees of freedom, of I, its own, and both sides' `_seeds`."""
    clear, seeds = np.maximum(image - a[1] - b[1], 0.0), a[0] + b[0]
    variance = clear + seeds
    # Seeds whose means are equal to the last digit leave nothing where the images differ less than the residuals do.
    known = np.sqrt(variance) > rounding
    variance = np.where(known, variance, image)
    drawn = known & (seeds > 0)
    of_seed = np.where(drawn, seeds / np.where(drawn, variance, 1.0), 0.0)
    parts = (
        np.where(drawn, side[0] / np.where(drawn, seeds, 1.0), 0.0) ** 2 / np.maximum(side[2], 1) for side in (a, b)
    )
    error = np.sqrt(variance)
    return np.where(error <= rounding, 0.0, error), 1 / ((1 - of_seed) / free + of_seed * sum(parts))


def _square(upper: Floats, rows: int, diagonal: float, mirrored: float = 1.0) -> Floats:
    square = np.full((rows, rows), diagonal)
    above = np.triu_indices(rows, 1)
    square[above] = upper
    square.T[above] = mirrored * upper
    return square


def holm(p: Floats) -> Floats:
    """Holm's adjusted p: what is under 5 % is different at 5 % for the family as a whole. (m,) to (m,), none NaN."""
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    return adjusted


def verdicts(differences: Pairs, margin: float | None, higher: bool) -> Codes:
    """What may be said of row i against row j: (K, K) of the letters of `WORDS`.

    In this order: better or worse, where Holm's p over all pairs of the table is under 5 %, however small the
    difference, so that ranks do not depend on the margin; equivalent, where the 90 % interval lies within the margin,
    which is two one-sided tests at 5 %; unresolved. With fewer than six images none.

    Args:
        differences: of the table.
        margin: the largest difference that counts as none, in the metric's unit; None: no pair is equivalent.
        higher: whether the higher score is the better.
    """
    rows = len(differences.mean)
    codes = np.full((rows, rows), "u" if differences.images >= LEAST_IMAGES else "-")
    above = np.triu_indices(rows, 1)
    if differences.images >= LEAST_IMAGES:
        mean, error, df = (array[above] for array in (differences.mean, differences.error, differences.df))
        different = holm(differences.p[above]) < 0.05
        ahead = (mean > 0) == higher
        near = np.zeros(len(mean), dtype=bool) if margin is None else _within(mean, error, df, margin)
        codes[above] = np.where(different, np.where(ahead, "b", "w"), np.where(near, "e", "u"))
        codes.T[above] = np.where(different, np.where(ahead, "w", "b"), codes[above])
    np.fill_diagonal(codes, "=")
    return codes


def _within(mean: Floats, error: Floats, df: Floats, margin: float) -> NDArray[np.bool_]:
    return np.asarray(np.abs(mean) + _quantile(0.95, df) * error <= margin)


def ranks(codes: Codes) -> list[tuple[int, int]]:
    """The best and the worst place of each row: 1 + the surely better, K - the surely worse."""
    return [(1 + int((row == "w").sum()), len(codes) - int((row == "b").sum())) for row in codes]


def bands(codes: Codes, order: Sequence[int]) -> list[int]:
    """Which rows are tied: for each row its class, from 0.

    The best row leads the first class, and all rows that are not surely worse than it are of that class; the best row
    of what is left leads the next. A class has one anchor, so that ties do not chain through the whole table. A row
    whose seeds scatter may stand below one that is surely worse than the leader, and yet be of the leader's class.

    Args:
        codes: of `verdicts`.
        order: all rows, from the best point value to the worst.
    """
    band, left, count = [0] * len(codes), list(order), 0
    while left:
        leader = left[0]
        tied = [row for row in left if row == leader or codes[leader, row] != "b"]
        for row in tied:
            band[row] = count
        left, count = [row for row in left if row not in set(tied)], count + 1
    return band


def resolvable(differences: Pairs) -> tuple[float, float] | None:
    """The smallest true differences that a table finds in 4 of 5 cases, in the metric's unit: see `detectable`.

    By a test at 5 % over the number of its pairs, the strictest of Holm's steps.

    Returns:
        that of the pair which is the easiest to tell apart, and of the hardest; None where there is no pair or a single
        image.
    """
    above = np.triu_indices(len(differences.mean), 1)
    if differences.images < 2 or not len(above[0]):
        return None
    error, df = differences.error[above], differences.df[above]
    ends = (int(np.argmin(error)), int(np.argmax(error)))
    low, high = (detectable(float(error[end]), float(df[end]), 0.05 / len(error)) for end in ends)
    return low, high


def detectable(error: float, df: float, level: float = 0.05) -> float:
    """The true difference that a two-sided t test finds in 80 % of the cases: its power by the noncentral t.

    Args:
        error: standard error of the difference; of n images with the paired standard deviation s, s / sqrt(n).
        df: its degrees of freedom, at least 1; n - 1.
        level: of the test.
    """
    from scipy import optimize  # it takes a quarter of a second to import

    bound = float(_quantile(1 - level / 2, df))
    near = bound + float(_quantile(0.8, df))
    if bound > FAR:
        return error * near

    def lacking(shift: float) -> float:
        # The wrong sign, which a two-sided test could also find, is left out: it is one case in 100 000.
        power = 1 - float(special.nctdtr(df, shift, bound))
        return (power if np.isfinite(power) else float(shift > near)) - 0.8  # few df and a large bound: no number

    return error * float(optimize.brentq(lacking, 0.1, 3 * bound, xtol=1e-10))


def sign_flip(apart: Floats) -> float | None:
    """Exact two-sided p of the mean difference by images, all signs tried; None above 20 images.

    Args:
        apart: (n,) differences, one for each image.
    """
    if len(apart) > FLIPS:
        return None
    sums = np.zeros(1)
    for one in np.abs(apart):
        sums = np.concatenate([sums + one, sums - one])
    reached = abs(float(np.sum(apart))) - ROUNDING * float(np.abs(apart).sum())
    return float((np.abs(sums) >= reached).mean())


def wins(apart: Floats, higher: bool) -> tuple[int, int, int]:
    """On how many images the first row is better, equal, worse.

    Args:
        apart: (n,) the first row minus the second.
        higher: whether the higher score is the better.
    """
    up, down = int((apart > 0).sum()), int((apart < 0).sum())
    return (up if higher else down), len(apart) - up - down, (down if higher else up)


def interval(row: Floats) -> tuple[float, float] | None:
    """The 95 % t interval of one method's mean on these images, over new seeds; None with fewer than three.

    Args:
        row: (k, n).
    """
    seeds = np.sort(row.mean(axis=1))
    if len(seeds) < SEEDS:
        return None
    half = _quantile(0.975, len(seeds) - 1) * seeds.std(ddof=1) / np.sqrt(len(seeds))
    return float(seeds.mean() - half), float(seeds.mean() + half)
