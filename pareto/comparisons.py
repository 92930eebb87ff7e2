"""How much of the truth a shortlist of K nets finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import UsageError
from hwnas.pareto.dominance import hypervolume, igd_plus
from hwnas.pareto.feasibility import check_length, feasible, known, whole_number
from hwnas.pareto.shortlists import DEFAULT_K, shortlist
from hwnas.pareto.truths import Truth

DEFAULT_DRAWS = 5


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What a shortlist reaches of the true front; means over `draws` shortlists.

    k: nets that could be listed.
    relative_hypervolume: hypervolume of the listed nets' true values over that of the true front; 1 is what that front
        has. Above 1 where several costs count and a listed twin of a network is cheaper by another cost than by the
        leading one, by which the true front takes the cheapest.
    igd_plus: IGD+ of the listed nets' true values to the true front, in scaled axes; 0 is best.
    accuracy_lost_points: the best true accuracy that is feasible, minus the best that was listed; 0 is best.
    infeasible: listed nets that break a bound by their true costs; unknown: listed nets without a true cost or
        accuracy. Neither kind counts as found.
    reason_if_null: why a figure above is None; None where all have a value.
    """

    k: int
    relative_hypervolume: float | None
    igd_plus: float | None
    accuracy_lost_points: float | None
    infeasible: float
    unknown: float
    reason_if_null: str | None
    draws: int = 1


def compare(selected: Integer[Array, " s"], truth: Truth, *, k: int = DEFAULT_K) -> Comparison:
    """Compare one list of nets, by their rows in the true costs, with the truth.

    A listed net counts with its own true costs and with the accuracy of `truth` (the mean of its twins, if grouped).
    Raises `UsageError` for more than k nets or rows that do not exist.
    """
    selected = _rows(selected)
    if len(selected) > k or (len(selected) and not 0 <= selected.min() <= selected.max() < len(truth.points)):
        raise UsageError(
            f"expected at most k = {k} rows from 0 to {len(truth.points) - 1}, got {len(selected)} rows: "
            f"{selected[:5].tolist()} ..."
        )
    points = truth.points[selected]
    measured = known(points)
    within = measured & feasible(points, (*truth.bounds, None))
    found = points[within]
    reason = truth.reason_if_null
    if not len(found):
        reason = reason or "no listed net with known costs and accuracy meets the bounds"
    scalable = truth.reason_if_null is None
    return Comparison(
        k=k,
        relative_hypervolume=_relative_hypervolume(found, truth) if scalable and measured.any() else None,
        igd_plus=igd_plus(truth.scale(found), truth.scale(_distinct(truth))) if scalable and len(found) else None,
        accuracy_lost_points=float(found[:, -1].min() - truth.ideal_point[-1]) if len(found) else None,
        infeasible=float((measured & ~within).sum()),
        unknown=float((~measured).sum()),
        reason_if_null=reason,
    )


def compare_scores(
    scores: Float[Array, " n"],
    truth: Truth,
    *,
    costs: Float[Array, "n m"] | None = None,
    k: int = DEFAULT_K,
    draws: int = DEFAULT_DRAWS,
) -> Comparison:
    """Compare the shortlists that scores give, averaged over seeds 0 .. draws-1 (a seed settles ties).

    costs: what the shortlist is chosen by, for example predicted costs; None for the true costs.
    Raises `UsageError` as `shortlist` does, and for less than one draw.
    """
    return _average([scores] * whole_number("the number of draws", draws), truth, costs=costs, k=k)


def compare_random(
    truth: Truth, *, costs: Float[Array, "n m"] | None = None, k: int = DEFAULT_K, draws: int = DEFAULT_DRAWS
) -> Comparison:
    """The baseline `random`: scores drawn uniformly, anew for each draw, through the same shortlist rule.

    The rule alone already spreads nets over the costs; so this, and not K arbitrary nets, is what a score has to beat.
    """
    scores = [
        np.random.default_rng(seed).random(len(truth.points))
        for seed in range(whole_number("the number of draws", draws))
    ]
    return _average(scores, truth, costs=costs, k=k)


def _average(
    scores: Sequence[Float[Array, " n"]], truth: Truth, *, costs: Float[Array, "n m"] | None, k: int
) -> Comparison:
    """Mean over one shortlist per entry of `scores`, with seeds 0, 1, ..."""
    if not scores:
        raise UsageError("expected at least 1 draw, got none")
    chosen_by = truth.costs if costs is None else costs
    check_length("one row of costs", chosen_by, len(truth.points))
    # Twins of equal cost compare alike where nets are judged by the costs that they were chosen by.
    twins_matter = costs is not None and not np.array_equal(costs, truth.costs, equal_nan=True)
    results: list[Comparison] = []
    decided = False
    for seed, column in enumerate(scores):
        if decided and column is scores[0]:
            results.append(results[0])  # no draw took part: 2 ms saved for each of the other seeds
            continue
        listed = shortlist(chosen_by, column, bounds=truth.bounds, k=k, groups=truth.groups, seed=seed)
        results.append(compare(listed.indices, truth, k=k))
        decided = not (listed.drawn or (twins_matter and listed.drawn_twins))
    return Comparison(
        k=k,
        relative_hypervolume=_mean([result.relative_hypervolume for result in results]),
        igd_plus=_mean([result.igd_plus for result in results]),
        accuracy_lost_points=_mean([result.accuracy_lost_points for result in results]),
        infeasible=float(np.mean([result.infeasible for result in results])),
        unknown=float(np.mean([result.unknown for result in results])),
        reason_if_null=next((result.reason_if_null for result in results if result.reason_if_null), None),
        draws=len(results),
    )


def _rows(selected: Any) -> Integer[Array, " s"]:
    rows = np.asarray(selected) if len(np.shape(selected)) == 1 else None
    if rows is None or (len(rows) and rows.dtype.kind not in "iu"):
        raise UsageError(
            f"expected rows of nets as whole numbers, one after the other, got {selected!r}; "
            "`numpy.flatnonzero` makes them of a mask"
        )
    return rows.astype(np.int64)


def _mean(values: Sequence[float | None]) -> float | None:
    """The mean, or None where a draw has no value: an average over the others would flatter."""
    present = [value for value in values if value is not None]
    return float(np.mean(present)) if len(present) == len(values) else None


def _relative_hypervolume(found: Float[Array, "s p"], truth: Truth) -> float:
    one = np.ones(len(truth.reference_point))
    return hypervolume(truth.scale(found), one) / truth.front_hypervolume


def _distinct(truth: Truth) -> Float[Array, "f p"]:
    """The true front with equal points once, so that IGD+ weighs each point alike."""
    return np.unique(truth.front.costs, axis=0)
