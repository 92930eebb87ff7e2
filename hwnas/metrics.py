"""How good predictions are: rank correlations, relative errors and intervals. Pure numpy, n = 15,625 in milliseconds.

Errors are in percent of the true value, shares in percent of the nets, so that 90 % is 90.0.

The rule for NaN: none is averaged away. A NaN in any input raises `UsageError`, which names how many there are; leave
out nets without a value first, and report the number of nets that remain. Infinite values order in the correlations
and raise everywhere else. Correlations need two values, the others one. Where one input of a correlation is constant
it orders nothing, and the correlation is NaN: the only NaN that is ever returned.
"""

from __future__ import annotations

import math

import numpy as np

from hwnas.arrays import Array, Bool, Float, Int
from hwnas.errors import UsageError


def spearman(x: Float[Array, " n"], y: Float[Array, " n"]) -> float:
    """Spearman's rho: the linear correlation of the ranks, ties with their average rank; NaN if x or y is constant."""
    x, y = _checked(x, y, at_least=2, infinite=True)
    # Centred on the mean rank; doubled, average ranks are whole numbers, so that all sums below are exact.
    a, b = (_doubled_ranks(values) - (len(values) + 1) for values in (x, y))
    norm = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / norm if norm else math.nan


def kendall(x: Float[Array, " n"], y: Float[Array, " n"]) -> float:
    """Kendall's tau-b, (C - D) / sqrt((N - ties in x) (N - ties in y)) over N pairs; NaN if x or y is constant.

    O(n log n) as in Knight 1966: discordant pairs are the inversions of y once the nets are sorted by x, then y.
    """
    x, y = _checked(x, y, at_least=2, infinite=True)
    a, b = (np.unique(values, return_inverse=True)[1] for values in (x, y))
    pairs = len(a) * (len(a) - 1) // 2
    ties_x, ties_y = _tied_pairs(a), _tied_pairs(b)
    ties_both = _tied_pairs(a * (int(b.max()) + 1) + b)
    discordant = _inversions(b[np.lexsort((b, a))])
    difference = pairs - ties_x - ties_y + ties_both - 2 * discordant
    norm = math.sqrt((pairs - ties_x) * (pairs - ties_y))
    return difference / norm if norm else math.nan


def median_ape(truth: Float[Array, " n"], predicted: Float[Array, " n"]) -> float:
    """Median absolute percentage error, in percent. Raises `UsageError` where a true value is 0."""
    return float(np.median(_percentage_errors(truth, predicted)))


def mape(truth: Float[Array, " n"], predicted: Float[Array, " n"]) -> float:
    """Mean absolute percentage error, in percent; a few tiny true values dominate it. Raises where one is 0."""
    return float(np.mean(_percentage_errors(truth, predicted)))


def within(truth: Float[Array, " n"], predicted: Float[Array, " n"], *, percent: float = 10.0) -> float:
    """Share of the nets, in percent, whose prediction is off by at most `percent` of the true value."""
    return 100.0 * float(np.mean(_percentage_errors(truth, predicted) <= percent))


def coverage(truth: Float[Array, " n"], lower: Float[Array, " n"], upper: Float[Array, " n"]) -> float:
    """Share of the nets, in percent, whose true value lies in [lower, upper]; a 90 % interval should have 90."""
    truth, lower, upper = _checked_interval(truth, lower, upper)
    return 100.0 * float(np.mean((lower <= truth) & (truth <= upper)))


def interval_score(
    truth: Float[Array, " n"], lower: Float[Array, " n"], upper: Float[Array, " n"], *, confidence: float = 0.9
) -> float:
    """Mean interval score, in the unit of the values; smaller is better.

    Width plus 2 / (1 - confidence) times the distance by which the interval misses the true value, so that neither
    wide nor overconfident intervals pay (Gneiting & Raftery 2007, eq. 43).
    """
    truth, lower, upper = _checked_interval(truth, lower, upper)
    if not 0 < confidence < 1:
        raise UsageError(f"expected a confidence between 0 and 1, got {confidence}")
    miss = np.maximum(lower - truth, 0.0) + np.maximum(truth - upper, 0.0)
    return float(np.mean((upper - lower) + 2.0 / (1.0 - confidence) * miss))


def relative_width(truth: Float[Array, " n"], lower: Float[Array, " n"], upper: Float[Array, " n"]) -> float:
    """Median width of the interval, in percent of the true value. Raises `UsageError` where a true value is 0."""
    truth, lower, upper = _checked_interval(truth, lower, upper)
    _check_not_zero(truth)
    return 100.0 * float(np.median((upper - lower) / np.abs(truth)))


def _percentage_errors(truth: Float[Array, " n"], predicted: Float[Array, " n"]) -> Float[Array, " n"]:
    truth, predicted = _checked(truth, predicted, at_least=1)
    _check_not_zero(truth)
    return np.asarray(100.0 * np.abs(predicted - truth) / np.abs(truth))


def _doubled_ranks(values: Float[Array, " n"]) -> Float[Array, " n"]:
    """Twice the average rank of each value, counted from 1: whole numbers even for ties."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((2 * last - counts + 1)[inverse], dtype=np.float64)


def _tied_pairs(labels: Int[Array, " n"]) -> int:
    counts = np.unique(labels, return_counts=True)[1]
    return int((counts * (counts - 1) // 2).sum())


def _inversions(values: Int[Array, " n"]) -> int:
    """Number of pairs i < j with values[i] > values[j], for whole numbers from 0. O(n log n) in whole-array steps.

    Two values are ordered by the highest bit in which they differ. So, bit by bit from the highest: among the values
    that agree in all higher bits, in their order, count the ones before each zero.
    """
    total = 0
    for bit in reversed(range(int(values.max()).bit_length())):
        values = values[np.argsort(values >> (bit + 1), kind="stable")]
        ones = (values >> bit) & 1
        before = np.cumsum(ones) - ones
        _, start, group = np.unique(values >> (bit + 1), return_index=True, return_inverse=True)
        total += int((before - before[start][group])[ones == 0].sum())
    return total


def _checked(*columns: Float[Array, " n"], at_least: int, infinite: bool = False) -> list[Float[Array, " n"]]:
    """The columns as float64: sums over float32 columns would lose digits."""
    lengths = [len(column) for column in columns]
    if min(lengths) != max(lengths) or min(lengths) < at_least:
        raise UsageError(f"expected columns of the same length, at least {at_least}; got lengths {lengths}")
    _refuse("NaN", np.logical_or.reduce([np.isnan(column) for column in columns]))
    if not infinite:
        _refuse("infinity", np.logical_or.reduce([np.isinf(column) for column in columns]))
    return [np.asarray(column, dtype=np.float64) for column in columns]


def _refuse(what: str, wrong: Bool[Array, " n"]) -> None:
    if wrong.any():
        raise UsageError(
            f"expected values for every net, got {what} for {int(wrong.sum())} of {len(wrong)}; "
            "leave these nets out and say how many remain"
        )


def _check_not_zero(truth: Float[Array, " n"]) -> None:
    zeros = int((truth == 0).sum())
    if zeros:
        raise UsageError(
            f"expected true values other than 0, got {zeros} of {len(truth)} that are 0; a relative error has no value "
            "there, leave these nets out"
        )


def _checked_interval(*columns: Float[Array, " n"]) -> list[Float[Array, " n"]]:
    """(truth, lower, upper) as float64."""
    truth, lower, upper = _checked(*columns, at_least=1)
    crossed = int((lower > upper).sum())
    if crossed:
        raise UsageError(f"expected lower <= upper, got the opposite for {crossed} of {len(truth)}; swap the bounds")
    return [truth, lower, upper]
