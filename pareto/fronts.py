"""A front: the feasible nets that no other feasible net beats on every axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwnas.arrays import Array, Float, Int, Integer
from hwnas.errors import UsageError
from hwnas.pareto.dominance import non_dominated
from hwnas.pareto.feasibility import Bounds, cheapest_first, check_costs, check_groups, feasible, first_of_each, known


@dataclass(frozen=True, kw_only=True, eq=False)
class Front:
    """Nets of a front, by ascending cost on the leading axis (the first bounded one, else the first).

    indices: rows of the cost matrix that the front was found in; costs: their costs.
    bounds: the bound of each axis as a cost, None for no bound.
    method: how it was found: "exhaustive" or the name of a search.
    evaluations: nets whose costs were asked for.
    feasible: how many nets met the bounds; missing: how many had a NaN cost and could not take part.
    reference_point: one cost per axis: its bound, else the worst of the space, unless the caller gave another.
    provenance: where each axis comes from, one line per axis; empty if not told.
    """

    indices: Int[Array, " f"]
    costs: Float[Array, "f m"]
    bounds: tuple[float | None, ...]
    method: str
    evaluations: int
    feasible: int
    missing: int
    reference_point: Float[Array, " m"]
    provenance: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.indices)


def exhaustive_front(
    costs: Float[Array, "n m"],
    *,
    bounds: Bounds,
    groups: Integer[Array, " n"] | None = None,
    reference: Float[Array, " m"] | None = None,
    provenance: tuple[str, ...] = (),
) -> Front:
    """The exact front of all n nets within the bounds, for any number of axes. Equal nets are all listed.

    groups: network ids; of nets that are the same network only the cheapest takes part. None: every net does.
    reference: what to record as the reference point, where an axis has a better one than the worst of the space.
    No feasible net gives a front of length 0. Raises `UsageError` for infinite costs or arguments that do not fit.
    """
    costs = check_costs(costs, bounds)
    if provenance and len(provenance) != len(bounds):
        raise UsageError(f"expected one provenance per axis ({len(bounds)}), got {len(provenance)}")
    mask = feasible(costs, bounds)
    rows = np.flatnonzero(mask)
    if groups is not None:
        rows = first_of_each(check_groups(groups, len(costs)), cheapest_first(costs, bounds, rows))
    rows = cheapest_first(costs, bounds, rows[non_dominated(costs[rows])])
    return Front(
        indices=rows,
        costs=costs[rows],
        bounds=tuple(bounds),
        method="exhaustive",
        evaluations=len(costs),
        feasible=int(mask.sum()),
        missing=int((~known(costs)).sum()),
        reference_point=worst_point(costs, bounds) if reference is None else reference,
        provenance=provenance,
    )


def worst_point(costs: Float[Array, "n m"], bounds: Bounds) -> Float[Array, " m"]:
    """Each bounded cost at its bound, each unbounded cost at its largest known value; NaN where none is known."""
    worst = np.full(len(bounds), np.nan)
    for axis, bound in enumerate(bounds):
        column = costs[:, axis]
        column = column[~np.isnan(column)]
        if bound is not None:
            worst[axis] = bound
        elif len(column):
            worst[axis] = column.max()
    return worst
