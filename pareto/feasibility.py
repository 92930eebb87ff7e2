"""Which nets meet the bounds, and in which order nets are cheap.

The rule for NaN, everywhere in this package: a net with a NaN cost was not measured; it is never feasible and in no
front, and results count such nets in `missing`. Infinite costs are refused: nothing honest can be said of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from hwnas.arrays import Array, Bool, Float, Int, Integer
from hwnas.errors import UsageError

Bounds = Sequence[float | None]


def check_costs(costs: Float[Array, "n m"], bounds: Bounds) -> Float[Array, "n m"]:
    """The costs as float64. Raises `UsageError` for infinite costs, or bounds that do not fit them."""
    if costs.ndim != 2 or costs.shape[1] != len(bounds) or not len(bounds):
        raise UsageError(
            f"expected costs of shape (n, m) and m bounds (None for no bound), m at least 1; "
            f"got shape {costs.shape} and {len(bounds)} bounds"
        )
    wrong = [bound for bound in bounds if bound is not None and not math.isfinite(bound)]
    if wrong:
        raise UsageError(f"expected finite bounds, or None for no bound; got {wrong[0]}")
    infinite = int(np.isinf(costs).any(axis=1).sum())
    if infinite:
        raise UsageError(
            f"expected finite costs, or NaN where a net was not measured; got infinity for {infinite} "
            f"of {len(costs)} nets"
        )
    return np.asarray(costs, dtype=np.float64)


def check_length(what: str, column: Array, n: int) -> None:
    """Raise `UsageError` unless the column has one entry per net; `what` names it in the message: "one score"."""
    if len(column) != n:
        raise UsageError(f"expected {what} for each net ({n}), got {len(column)}; give columns of the same nets")


def known(costs: Float[Array, "n m"]) -> Bool[Array, " n"]:
    """Which nets have a value on every axis."""
    return np.asarray(~np.isnan(costs).any(axis=1))


def feasible(costs: Float[Array, "n m"], bounds: Bounds) -> Bool[Array, " n"]:
    """Which nets have every cost and none above its bound; a cost at its bound is feasible.

    Raises `UsageError` for infinite costs, or bounds that do not fit the costs.
    """
    costs = check_costs(costs, bounds)
    mask = known(costs)
    for column, bound in zip(costs.T, bounds, strict=True):
        if bound is not None:
            mask &= column <= bound
    return mask


def closest_to_feasible(costs: Float[Array, "n m"], bounds: Bounds) -> int | None:
    """Row of the net whose largest excess over a bound, relative to that bound, is smallest; the first on ties.

    With one bound this is the cheapest net, the one to name where a budget is too small. A bound of 0 counts its
    excess as it is. None where no net has all costs, or there is no bound.
    """
    costs = check_costs(costs, bounds)
    bounded = [(column, bound) for column, bound in zip(costs.T, bounds, strict=True) if bound is not None]
    rows = np.flatnonzero(known(costs))
    if not bounded or not len(rows):
        return None
    excess = np.stack([(column[rows] - bound) / (abs(bound) or 1.0) for column, bound in bounded])
    return int(rows[excess.max(axis=0).argmin()])


def axis_order(bounds: Bounds) -> list[int]:
    """Axes in the order in which "cheaper" is decided: bounded axes first, each group as given.

    The first of them is the leading axis, along which lists are sorted and spaced.
    """
    return sorted(range(len(bounds)), key=lambda axis: bounds[axis] is None)


def cheapest_first(
    costs: Float[Array, "n m"], bounds: Bounds, rows: Integer[Array, " r"], *ties: Float[Array, " n"]
) -> Int[Array, " r"]:
    """`rows` by ascending cost on the leading axis, equal costs by the next axis, then by `ties`, then as given."""
    keys = [costs[rows, axis] for axis in axis_order(bounds)] + [tie[rows] for tie in ties]
    return np.asarray(rows[np.lexsort(keys[::-1])], dtype=np.int64)  # lexsort's last key decides first


def first_of_each(groups: Integer[Array, " n"], rows: Integer[Array, " r"]) -> Int[Array, " s"]:
    """Of rows with the same group the first one, in the order of `rows`."""
    _, first = np.unique(groups[rows], return_index=True)
    return np.asarray(rows[np.sort(first)], dtype=np.int64)
