"""A search from its first generation to its last: budget, progress by hypervolume, early stop, checkpoint."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, final

import numpy as np

from hwnas.arrays import Array, Float, Int, Integer
from hwnas.errors import UsageError
from hwnas.pareto import hypervolume, non_dominated
from hwnas.pareto.fronts import worst_point
from hwnas.search.problem import Problem
from hwnas.search.search import Search

_SAVE_SECONDS: Final = 5.0
_GROWTH: Final = 0.02  # a generation is at least this share of what was looked at: 10,000 in 165 generations
Ended = Literal["evaluations", "patience", "exhausted"]


@final
@dataclass(frozen=True, kw_only=True)
class Generation:
    """Where a search stands: evaluations so far and of how many, size of the front, its hypervolume.

    hypervolume: of the feasible front, up to each bound, or the worst cost of the first generation on an axis without
        one; in units of the costs. It never falls.
    """

    evaluations: int
    budget: int
    front: int
    hypervolume: float


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Limits:
    """When a search ends.

    evaluations: architectures that are looked at. patience: generations in a row without a better front, after which
    it ends early; None: never early. least: relative growth of the hypervolume that counts as better.

    Raises `UsageError` for values that cannot be.
    """

    evaluations: int = 1000
    patience: int | None = None
    least: float = 1e-3

    def __post_init__(self) -> None:
        if self.evaluations < 1 or (self.patience is not None and self.patience < 1):
            raise UsageError(
                f"expected at least 1 evaluation and a patience of at least 1 generation, got {self.evaluations} and "
                f"{self.patience}"
            )


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """What a search found.

    vectors, costs, violations: every architecture that it looked at, in that order.
    front: rows of the feasible ones that no other feasible one dominates, by ascending first cost.
    generations: how it got there. ended: why it ended.
    """

    vectors: Integer[Array, "n v"]
    costs: Float[Array, "n m"]
    violations: Float[Array, " n"]
    front: Int[Array, " f"]
    generations: tuple[Generation, ...] = field(repr=False)
    ended: Ended


def run_search(
    search: Search,
    problem: Problem,
    limits: Limits | None = None,
    *,
    progress: Callable[[Generation], None] = lambda _generation: None,
) -> Run:
    """Ask, evaluate and tell until a limit.

    The costs of `problem.known` are saved every few seconds, on Ctrl-C and at the end. A search that is started again
    with the same settings asks the same, finds what it knows there, and ends with the same front as without the break.
    Raises what `problem.costs` raises.
    """
    limits, saved = limits or Limits(), time.monotonic()
    generations: list[Generation] = []
    reference: Float[Array, " m"] | None = None
    ended: Ended = "evaluations"
    try:
        while len(search.vectors) < limits.evaluations:
            seen = len(search.vectors)
            wanted = max(search.settings.generation, int(_GROWTH * seen))
            vectors = search.ask(min(wanted, limits.evaluations - seen))
            if not len(vectors):
                ended = "exhausted"
                break
            costs = problem.costs(vectors)
            search.tell(vectors, costs, problem.violations(costs))
            if reference is None or np.isnan(reference).any():
                reference = worst_point(costs, problem.bounds)
            generations.append(_generation(search, reference, limits.evaluations))
            progress(generations[-1])
            if time.monotonic() - saved > _SAVE_SECONDS:
                problem.known.save()
                saved = time.monotonic()
            if _stands_still(generations, limits):
                ended = "patience"
                break
    finally:
        problem.known.save()
    front = feasible_front(search.known_costs, search.violations)
    return Run(
        vectors=search.vectors,
        costs=search.known_costs,
        violations=search.violations,
        front=front,
        generations=tuple(generations),
        ended=ended,
    )


def feasible_front(costs: Float[Array, "n m"], violations: Float[Array, " n"]) -> Int[Array, " f"]:
    """Rows of feasible costs that no other feasible row dominates, by ascending first cost."""
    rows = np.flatnonzero(violations == 0)
    rows = rows[non_dominated(costs[rows])]
    return np.asarray(rows[np.lexsort(costs[rows].T[::-1])], dtype=np.int64)


def _generation(search: Search, reference: Float[Array, " m"], budget: int) -> Generation:
    costs = search.known_costs
    front = feasible_front(costs, search.violations)
    volume = 0.0 if np.isnan(reference).any() else hypervolume(costs[front], reference)
    return Generation(evaluations=len(costs), budget=budget, front=len(front), hypervolume=volume)


def _stands_still(generations: list[Generation], limits: Limits) -> bool:
    """Whether the hypervolume did not grow enough over the last `patience` generations."""
    if limits.patience is None or len(generations) <= limits.patience:
        return False
    before, now = generations[-1 - limits.patience].hypervolume, generations[-1].hypervolume
    return now > 0 and now <= before * (1 + limits.least)
