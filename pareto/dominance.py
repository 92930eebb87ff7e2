"""Non-dominated sets and the two indicators: pure functions on points, all axes minimised. The one file of moocore.

A point dominates another if it is nowhere worse and somewhere better. moocore takes NaN for a value that nothing
beats, so NaN is refused here; callers drop such rows first (`hwnas.pareto.known`). Infinite values only order: a volume
has none of minus infinity. moocore ends its lists with infinite points of its own: of infinite values in three axes its
masks are wrong, or it reads beyond its arrays (0.3.2), so it gets large numbers instead.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from hwnas.arrays import Array, Bool, Float, Int
from hwnas.errors import UsageError

_LARGEST: Final = 1e308  # stands for infinity where only the order matters; floats end at 1.8e308


def non_dominated(points: Float[Array, "n m"], *, keep_duplicates: bool = True) -> Bool[Array, " n"]:
    """Which points no other point dominates.

    Equal points do not dominate each other: all of them are kept (they may be different networks), or with
    `keep_duplicates=False` only the first. O(n log n) up to three axes, O(n log^(m-2) n) beyond (Kung et al. 1975).
    Raises `UsageError` for NaN.
    """
    import moocore

    if not len(points):
        return np.zeros(0, dtype=np.bool_)
    mask = moocore.is_nondominated(_ordered(points), keep_weakly=keep_duplicates)
    return np.asarray(mask, dtype=np.bool_)


def non_dominated_ranks(points: Float[Array, "n m"]) -> Int[Array, " n"]:
    """Rank of each point: 0 if non-dominated, r if non-dominated once all points of ranks below r are taken away.

    Equal points share a rank (Deb et al. 2002). Raises `UsageError` for NaN.
    """
    import moocore

    if not len(points):
        return np.zeros(0, dtype=np.int64)
    return np.asarray(moocore.pareto_rank(_ordered(points)), dtype=np.int64)


def hypervolume(points: Float[Array, "n m"], reference: Float[Array, " m"]) -> float:
    """Volume that is dominated by at least one point and lies within `reference`; points beyond it add nothing.

    0 for no points. Exact (Fonseca et al. 2006; Guerreiro & Fonseca 2018). Raises `UsageError` for NaN,
    minus infinity and an infinite reference, whose volumes are no numbers to compare.
    """
    import moocore

    if not np.isfinite(reference).all():
        raise UsageError(f"expected a finite reference point, got {reference}; take the worst known value")
    endless = int(np.isneginf(points).any(axis=1).sum())
    if endless:
        raise UsageError(
            f"expected points above minus infinity for a volume, got it in {endless} of {len(points)}; give a finite "
            "value that is better than any"
        )
    if not len(points):
        return 0.0
    return float(moocore.hypervolume(_checked(points), ref=_checked(reference[None])[0]))


def igd_plus(points: Float[Array, "n m"], front: Float[Array, "f m"]) -> float:
    """Mean over `front` of the distance to the nearest point, where only axes in which the point is worse count.

    IGD+ = 1/f sum_z min_a ||max(a - z, 0)||_2 (Ishibuchi et al. 2015, eq. 17-18); 0 is best.
    Raises `UsageError` for NaN, and where either set is empty: the distance to nothing has no value.
    """
    import moocore

    if not len(points) or not len(front):
        raise UsageError(
            f"IGD+ expects at least one point and one point of the front, got {len(points)} and "
            f"{len(front)}; check that some listed net is feasible"
        )
    return float(moocore.igd_plus(_checked(points), ref=_checked(front)))


def _checked(points: Float[Array, "n m"]) -> Float[Array, "n m"]:
    """The points as contiguous float64, as moocore's C code reads them."""
    unknown = int(np.isnan(points).any(axis=1).sum())
    if unknown:
        raise UsageError(
            f"expected points without NaN, got NaN in {unknown} of {len(points)}; "
            "leave out nets without a value (hwnas.pareto.known)"
        )
    return np.ascontiguousarray(points, dtype=np.float64)


def _ordered(points: Float[Array, "n m"]) -> Float[Array, "n m"]:
    """Checked points in the same order on each axis, infinite values replaced by the largest that are not."""
    return np.asarray(np.clip(_checked(points), -_LARGEST, _LARGEST))
