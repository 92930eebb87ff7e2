"""From a study to its answer: fronts, their nets and comparisons, sources and notes, as plain values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hwnas.api.columns import ScoreColumn
from hwnas.api.methods import EXHAUSTIVE
from hwnas.api.objectives import INTERVAL_LEVEL, CostAxis
from hwnas.api.study import Study
from hwnas.arrays import Array, Float, Integer
from hwnas.pareto import Comparison, Truth, compare_random, compare_scores, shortlist
from hwnas.results import (
    Candidates,
    ComparisonResult,
    CostResult,
    FrontResult,
    NetResult,
    ObjectiveResult,
    ParetoResult,
)


def answer(study: Study) -> ParetoResult:
    """Every front of the study, compared with its truth where there is one."""
    fronts = [_listed_front(study, column) for column in study.columns]
    if study.method == EXHAUSTIVE:  # a search looked at architectures by chance as well
        fronts.append(_random_front(study))
    if study.truth is not None:
        fronts.append(_truth_front(study, study.truth))
    return ParetoResult(
        space=study.space.name,
        dataset=study.dataset,
        device=study.device.reference,
        seed=study.question.seed,
        raw=study.question.raw,
        confidence=study.question.confidence,
        interval_level=INTERVAL_LEVEL,
        accuracy_source=study.accuracy.source,
        reference_point=_reference_point(study),
        objectives=tuple(map(_objective, study.axes)),
        other_costs=tuple(map(_objective, study.others)),
        fronts=tuple(fronts),
        notes=notes(study),
        candidates=_candidates(study),
    )


def _listed_front(study: Study, column: ScoreColumn) -> FrontResult:
    question = study.question
    listed = shortlist(
        study.costs, column.scores, bounds=study.bounds, k=question.nets, groups=study.groups, seed=question.seed
    )
    comparison = None
    if study.truth is not None:
        comparison = compare_scores(column.scores, study.truth, costs=study.costs, k=question.nets)
    return FrontResult(
        name=column.name,
        role=column.role,
        method=study.method,
        evaluations=len(study.vectors) if column.evaluations is None else column.evaluations,
        nets=_nets(study, listed.indices, listed.ranks, scores=column.scores),
        comparison=_comparison(study, comparison),
        source=column.source,
    )


def _random_front(study: Study) -> FrontResult:
    """The baseline of uniform scores; its list is that of one draw, its comparison the mean over draws."""
    question = study.question
    scores = np.random.default_rng(question.seed).random(len(study.vectors))
    listed = shortlist(
        study.costs, scores, bounds=study.bounds, k=question.nets, groups=study.groups, seed=question.seed
    )
    comparison = None
    if study.truth is not None:
        comparison = compare_random(study.truth, costs=study.costs, k=question.nets)
    return FrontResult(
        name="random",
        role="baseline",
        method="exhaustive",
        evaluations=len(study.vectors),
        nets=_nets(study, listed.indices, listed.ranks),
        comparison=_comparison(study, comparison),
        source="uniform random scores",
    )


def _truth_front(study: Study, truth: Truth) -> FrontResult:
    """The front of true accuracies; over predicted costs it is a reference and not called true."""
    indices = truth.front.indices
    return FrontResult(
        name="truth",
        role="truth" if all(axis.measured for axis in study.judges) else "reference",
        method=truth.front.method,
        evaluations=truth.front.evaluations,
        nets=_nets(study, indices, np.zeros(len(indices), dtype=np.int64), axes=[*study.judges, *study.others]),
        comparison=ComparisonResult(
            k=len(indices),
            relative_hypervolume=None,
            igd_plus=None,
            accuracy_lost_points=None,
            infeasible=None,
            reason_if_null="the other fronts are compared with this one",
        ),
        source=study.accuracy.source,
    )


def _nets(
    study: Study,
    indices: Integer[Array, " k"],
    ranks: Integer[Array, " k"],
    *,
    scores: Float[Array, " n"] | None = None,
    axes: Sequence[CostAxis] = (),
) -> tuple[NetResult, ...]:
    """The listed nets; their costs are those that they were chosen by, unless other axes are given."""
    benchmark, truth = study.accuracy.benchmark_index, study.truth
    strings = study.space.strings(study.vectors[indices])
    return tuple(
        NetResult(
            arch=arch,
            index=int(row) if study.space.enumerable else None,
            benchmark_index=None if benchmark is None else int(benchmark[row]),
            network_id=int(study.network_ids[row]),
            rank=int(rank) + 1,
            score=None if scores is None else _finite(scores[row]),
            costs={axis.objective.id: _cost(axis, int(row)) for axis in axes or (*study.axes, *study.others)},
            accuracy_percent=None if truth is None else _finite(-truth.points[row, -1]),
        )
        for arch, row, rank in zip(strings, indices, ranks, strict=True)
    )


def _objective(axis: CostAxis) -> ObjectiveResult:
    return ObjectiveResult(
        id=axis.objective.id,
        device=axis.device,
        unit=axis.objective.unit,
        direction=axis.objective.direction,
        bound=axis.objective.bound,
        source=axis.estimate.provenance.summary,
        measured=axis.measured,
        covered=axis.estimate.covered,
        lower_bound=axis.estimate.lower_bound,
    )


def _cost(axis: CostAxis, row: int) -> CostResult:
    lower, upper = axis.estimate.lower, axis.estimate.upper
    return CostResult(
        mean=_finite(axis.estimate.mean[row]),
        lower=None if lower is None else _finite(lower[row]),
        upper=None if upper is None else _finite(upper[row]),
    )


def _comparison(study: Study, comparison: Comparison | None) -> ComparisonResult:
    if comparison is None:
        return ComparisonResult(
            k=study.question.nets,
            relative_hypervolume=None,
            igd_plus=None,
            accuracy_lost_points=None,
            infeasible=None,
            reason_if_null=_why_not_compared(study),
        )
    return ComparisonResult(
        k=comparison.k,
        relative_hypervolume=comparison.relative_hypervolume,
        igd_plus=comparison.igd_plus,
        accuracy_lost_points=comparison.accuracy_lost_points,
        infeasible=comparison.infeasible,
        reason_if_null=comparison.reason_if_null,
    )


def _why_not_compared(study: Study) -> str:
    if study.complete:
        return f"true accuracy is {study.accuracy.source}"
    return (
        f"{study.space.name} has {study.space.size:.1e} architectures, of which all searches looked at "
        f"{len(study.vectors):,}: there is no front of all of them to compare with"
    )


def _reference_point(study: Study) -> dict[str, float]:
    if study.truth is None:
        return {}
    *costs, accuracy = study.truth.reference_point.tolist()
    point = {axis.objective.id: cost for axis, cost in zip(study.axes, costs, strict=True)}
    return {**point, "accuracy_percent": -accuracy}


def _candidates(study: Study) -> Candidates:
    return Candidates(
        costs={axis.objective.id: axis.estimate.mean for axis in (*study.axes, *study.others)},
        scores={column.name: column.scores for column in study.columns},
        accuracy_percent=None if study.truth is None else -study.truth.points[:, -1],
        feasible=study.feasible,
    )


def notes(study: Study) -> tuple[str, ...]:
    """What a careful reader should know of the columns of a study."""
    said = [column.note for column in study.columns if column.note] + list(study.missing)
    if study.judged_apart:
        said.append("nets are chosen by predicted costs; the true front and the comparison use measured ones")
    if study.truth is not None and study.truth.reason_if_null is None:
        same = [axis.objective.id for axis, flat in zip(study.axes, study.truth.flat, strict=False) if flat]
        said += [
            f"{name} is the same in all of the true front: shares of the hypervolume leave it out" for name in same
        ]
    budgeted = [axis for axis in study.axes if axis.objective.bound is not None]
    if study.question.confidence is None and any(axis.estimate.upper is not None for axis in budgeted):
        said.append("budgets hold on the best estimate of a net; confidence 0.9 makes them hold for nine nets in ten")
    for axis in (*study.axes, *study.others):
        said += [f"{axis.objective.id}: {note}" for note in axis.estimate.notes]
    for axis in study.axes:
        absent = int(np.isnan(axis.selection).sum())
        if absent:
            said.append(f"{axis.objective.id} is not known for {absent:,} of {len(study.vectors):,} nets")
        if study.question.confidence is not None and axis.device and axis.estimate.upper is None:
            said.append(f"{axis.objective.id} is a single measurement without an interval: a budget holds on it")
    for column in study.columns:
        if np.isneginf(column.scores[study.feasible]).any() and column.role == "proxy":
            said.append(f"a {column.name} score that is null (-) is minus infinity: {column.minus_infinity}")
        unscored = int((np.isnan(column.scores) & study.feasible).sum())
        if unscored and column.evaluations is None:
            said.append(f"{column.name} has no score for {unscored:,} feasible nets: none of them is listed")
    return tuple(dict.fromkeys(said))


def _finite(value: float) -> float | None:
    """The value as a float, or None for NaN and infinity, which JSON does not have."""
    return float(value) if np.isfinite(value) else None
