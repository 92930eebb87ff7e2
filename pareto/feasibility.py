"""Which nets meet the bounds, and in which order nets are cheap.

The rule for NaN, everywhere in this package: a net with a NaN cost was not measured; it is never feasible and in no
front, and results count such nets in `missing`. Infinite costs are refused: nothing honest can be said of them.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from hwnas.arrays import Array, Bool, Float, Int, Integer
from hwnas.errors import UsageError

Bounds = Sequence[float | None]


def check_costs(costs: Float[Array, "n m"], bounds: Bounds) -> Float[Array, "n m"]:
    """The costs as float64. Raises `UsageError` for infinite costs, or bounds that do not fit them."""
    costs = numbers("costs", costs)
    check_bounds(bounds)
    if costs.ndim != 2 or costs.shape[1] != len(bounds) or not len(bounds):
        raise UsageError(
            f"expected costs of shape (n, m) and m bounds (None for no bound), m at least 1; "
            f"got shape {costs.shape} and {len(bounds)} bounds"
        )
    infinite = int(np.isinf(costs).any(axis=1).sum())
    if infinite:
        raise UsageError(
            f"expected finite costs, or NaN where a net was not measured; got infinity for {infinite} "
            f"of {len(costs)} nets"
        )
    return costs


def check_bounds(bounds: Any) -> None:
    """Raise `UsageError` unless these are finite numbers, or None for no bound, in the order of the costs."""
    if not isinstance(bounds, Sequence) or isinstance(bounds, str):
        raise UsageError(f"expected a bound for each cost, None for none, got {bounds!r}; give e.g. (20.0, None)")
    for bound in bounds:
        if bound is not None and not (isinstance(bound, Real) and math.isfinite(bound)):
            raise UsageError(f"expected finite bounds, or None for no bound; got {bound!r}")


def check_length(what: str, column: Array, n: int) -> None:
    """Raise `UsageError` unless the column has one entry per net; `what` names it in the message: "one score"."""
    shape = np.shape(column)
    if shape[:1] != (n,):
        got = shape[0] if shape else repr(column)
        raise UsageError(f"expected {what} for each net ({n}), got {got}; give columns of the same nets")


def check_column(what: str, column: Any, n: int) -> Float[Array, " n"]:
    """A number for each net, as float64; `what` as in `check_length`. Raises `UsageError` for anything else."""
    read = numbers(f"{what} for each net", column)
    check_length(what, read, n)
    if read.ndim != 1:
        raise UsageError(f"expected {what} for each net, shape ({n},), got shape {read.shape}; give one column")
    return read


def check_groups(groups: Any, n: int) -> Integer[Array, " n"]:
    """A network id for each net. Raises `UsageError` for anything else."""
    read = np.asarray(groups)
    check_length("one network id", read, n)
    if read.ndim != 1 or read.dtype.kind not in "iu":
        raise UsageError(f"expected network ids as whole numbers, got {read.dtype} of shape {read.shape}")
    return read


def numbers(what: str, values: Any) -> Array:
    """Values as float64, whatever their shape. Raises `UsageError` for what is no array of numbers."""
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise UsageError(
            f"expected {what} as numbers, got {_kind(values)}; give an array of floats, NaN for no value"
        ) from None


def whole_number(what: str, value: Any) -> int:
    """An integer. Raises `UsageError` for anything else, also for 5.0: a count that was computed may be off by one."""
    try:
        return operator.index(value)
    except TypeError:
        hint = "; round it yourself" if isinstance(value, Real) else ""
        raise UsageError(f"expected {what} to be a whole number, got {value!r}{hint}") from None


def _kind(values: Any) -> str:
    return f"an array of {values.dtype}" if isinstance(values, np.ndarray) else f"a {type(values).__name__}"


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
