"""What a shortlist is compared with: true costs and accuracies, their front, and the box that scales the axes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwnas.arrays import Array, Bool, Float, Integer
from hwnas.errors import UsageError
from hwnas.pareto.dominance import hypervolume
from hwnas.pareto.feasibility import Bounds, check_column, check_costs, check_groups
from hwnas.pareto.fronts import Front, exhaustive_front, worst_point


@dataclass(frozen=True, kw_only=True, eq=False)
class Truth:
    """True values of all nets of a space; made by `ground_truth`.

    points: (costs, -accuracy) of every net, the accuracy as it is compared; NaN where unknown.
    groups: network ids, where nets that are the same network count as one; None where each counts (`--raw`).
    front: the feasible nets that none dominates on these axes. It may be called true only where all axes are
        measured; with predicted costs it is the reference front (predicted cost).
    reference_point: one cost per axis, the accuracy negative; ideal_point: the best of the front on each axis.
    front_hypervolume: of the front in scaled axes; 0 where `reason_if_null` is set.
    reason_if_null: why shares of the hypervolume have no meaning here; None where they have one.
    """

    points: Float[Array, "n p"]
    groups: Integer[Array, " n"] | None
    front: Front
    reference_point: Float[Array, " p"]
    ideal_point: Float[Array, " p"]
    front_hypervolume: float
    reason_if_null: str | None

    @property
    def costs(self) -> Float[Array, "n m"]:
        """The true costs, without the accuracy."""
        return self.points[:, :-1]

    @property
    def bounds(self) -> tuple[float | None, ...]:
        """The bound of each cost."""
        return self.front.bounds[:-1]

    @property
    def flat(self) -> Bool[Array, " p"]:
        """Axes on which the front has one value, that of the reference point: they have no part in the hypervolume."""
        return np.asarray(self.ideal_point >= self.reference_point)

    def scale(self, points: Float[Array, "k p"]) -> Float[Array, "k p"]:
        """Points in the box in which the ideal point is 0, and the reference point is 1 on every axis with spread."""
        return _scaled(points, self.ideal_point, self.reference_point)


def reference_point(
    costs: Float[Array, "n m"], accuracy: Float[Array, " n"], *, bounds: Bounds
) -> Float[Array, " m+1"]:
    """Bounded costs at their bounds, unbounded ones at the worst of the space, and minus the median accuracy.

    The median is over every architecture whose accuracy is known, as published (not over twins' means): an accuracy
    of 0 would make every front look 97 % good. Raises `UsageError` where an axis has no value at all.
    """
    costs = check_costs(costs, bounds)
    accuracy = check_column("one accuracy", accuracy, len(costs))
    measured = accuracy[~np.isnan(accuracy)]
    point = np.append(worst_point(costs, bounds), -np.median(measured) if len(measured) else np.nan)
    if np.isnan(point).any():
        raise UsageError(f"expected at least one known value on each axis, got none on axis {np.isnan(point).argmax()}")
    return point


def twin_means(accuracy: Float[Array, " n"], groups: Integer[Array, " n"]) -> Float[Array, " n"]:
    """For each net the mean accuracy of the nets of its group whose accuracy is known; NaN where none is.

    Nets that are the same network differ in published accuracy by training noise alone (0.4 points on
    NAS-Bench-201): their mean is the better estimate, and no list gains from picking the lucky twin.
    """
    groups = check_groups(groups, len(accuracy))
    _, group = np.unique(groups, return_inverse=True)
    measured = ~np.isnan(accuracy)
    total = np.bincount(group, np.where(measured, accuracy, 0.0))
    count = np.bincount(group, measured)
    means = np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)
    return np.asarray(means[group])


def ground_truth(
    costs: Float[Array, "n m"],
    accuracy: Float[Array, " n"],
    *,
    bounds: Bounds,
    groups: Integer[Array, " n"] | None = None,
    provenance: tuple[str, ...] = (),
) -> Truth:
    """True values to compare shortlists with, for one set of bounds.

    accuracy: more is better, in any unit (percent); NaN where unknown.
    groups: network ids; each net then has the mean accuracy of its identical twins. None: its own (`--raw`).
    provenance: one line per cost and one for the accuracy.
    Raises `UsageError` for infinite costs, an axis without values, or arguments that do not fit together.
    """
    costs = check_costs(costs, bounds)
    accuracy = check_column("one accuracy", accuracy, len(costs))
    groups = None if groups is None else check_groups(groups, len(costs))
    reference = reference_point(costs, accuracy, bounds=bounds)
    compared = accuracy if groups is None else twin_means(accuracy, groups)
    points = np.column_stack([costs, -compared]).astype(np.float64)
    front = exhaustive_front(points, bounds=(*bounds, None), groups=groups, reference=reference, provenance=provenance)
    ideal = front.costs.min(axis=0) if len(front) else np.full(len(reference), np.nan)
    reason, volume = _reason_if_null(front, ideal, reference), 0.0
    if reason is None:
        volume = hypervolume(_scaled(front.costs, ideal, reference), np.ones(len(reference)))
    if reason is None and volume == 0.0:
        reason = "every feasible net that beats the median accuracy of the space has a cost at its reference point"
    return Truth(
        points=points,
        groups=groups,
        front=front,
        reference_point=reference,
        ideal_point=ideal,
        front_hypervolume=volume,
        reason_if_null=reason,
    )


def _reason_if_null(front: Front, ideal: Float[Array, " p"], reference: Float[Array, " p"]) -> str | None:
    """Why there is no box between the ideal and the reference point; None where there is one."""
    if not len(front):
        return "no net with known costs and accuracy meets the bounds"
    if ideal[-1] >= reference[-1]:
        return (
            f"no feasible net beats the median accuracy of the space, {-reference[-1]:.2f}; "
            f"the best feasible one has {-ideal[-1]:.2f}"
        )
    if (ideal[:-1] >= reference[:-1]).all():
        return f"no feasible cost on axis 0 is below its reference point, {reference[0]:g}"
    return None


def _scaled(
    points: Float[Array, "k p"], ideal: Float[Array, " p"], reference: Float[Array, " p"]
) -> Float[Array, "k p"]:
    """On an axis without spread all are at 0, a factor of 1 in every volume."""
    wide = reference > ideal
    return np.where(wide, (points - ideal) / np.where(wide, reference - ideal, 1.0), 0.0)
