"""A search from its first generation to its last: budget, progress by hypervolume, early stop, checkpoint."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, final

import numpy as np

from hwnas.arrays import Array, Bool, Float, Int, Integer
from hwnas.errors import UsageError
from hwnas.pareto import hypervolume, non_dominated
from hwnas.pareto.fronts import worst_point
from hwnas.search.checks import whole_number
from hwnas.search.problem import Problem, placed
from hwnas.search.search import Search

_SAVE_SECONDS: Final = 5.0
_GROWTH: Final = 0.02  # a generation is at least this share of what was looked at: 10,000 in 165 generations
Ended = Literal["evaluations", "patience", "exhausted"]


@final
@dataclass(frozen=True, kw_only=True)
class Generation:
    """Where a search stands: evaluations so far and of how many, size of the front, its hypervolume.

    hypervolume: of the feasible front, up to each bound, or the worst cost of the first generation on an axis without
        one; in units of the costs, without those that were all the same so far. It never falls, but that it is counted
        anew where one of these differs for the first time: up to its worst cost until then.
    violation: the least of all that was looked at, 0 where something is feasible.
    """

    evaluations: int
    budget: int
    front: int
    hypervolume: float
    violation: float = 0.0


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Limits:
    """When a search ends.

    evaluations: architectures that are looked at. patience: generations in a row without a better front, after which
    it ends early; None: never early. least: relative growth of the hypervolume that counts as better; while nothing is
    feasible, relative fall of the least violation; where no front has a volume, any change of it is better.

    Raises `UsageError` for values that cannot be.
    """

    evaluations: int = 1000
    patience: int | None = None
    least: float = 1e-3

    def __post_init__(self) -> None:
        object.__setattr__(self, "evaluations", whole_number("evaluations of a search", self.evaluations))
        if self.patience is not None:
            object.__setattr__(self, "patience", whole_number("the patience of a search", self.patience))
        if not self.least >= 0:
            raise UsageError(f"expected least growth of at least 0, got {self.least}; 0.001 is a thousandth")
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


@dataclass(frozen=True, kw_only=True, eq=False)
class _Box:
    """In which hypervolume is measured. reference: its worst point, NaN on axes where nothing is known yet.

    wide: axes along which costs differ, or nothing is known; one that all networks share is left out.
    """

    reference: Float[Array, " m"]
    wide: Bool[Array, " m"]

    @property
    def counted(self) -> Bool[Array, " m"]:
        """Axes that are wide and known: their worst point stays."""
        return np.asarray(self.wide & ~np.isnan(self.reference))

    def volume(self, front: Float[Array, "f m"]) -> float:
        """Hypervolume of a front; 0 while the box is not known, or where no axis is wide."""
        reference = self.reference[self.wide]
        if np.isnan(reference).any() or not len(reference):
            return 0.0
        return hypervolume(front[:, self.wide], reference)


def _box_of(costs: Float[Array, "n m"], bounds: tuple[float | None, ...], before: _Box | None) -> _Box:
    """Up to each bound; without one up to the worst of these costs, or where it was before on axes that counted."""
    finite = np.where(np.isinf(costs), np.nan, costs)
    reference = worst_point(finite, bounds)
    if before is not None:
        reference = np.where(before.counted, before.reference, reference)
    wide = np.isnan(reference) | ((finite < reference) | (finite > reference)).any(axis=0)
    return _Box(reference=reference, wide=wide)


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
    Raises what `problem.costs` raises, and `UsageError` where search and problem differ in space or bounds.
    """
    _require_same(search, problem)
    limits, saved = limits or Limits(), time.monotonic()
    generations: list[Generation] = []
    fronts: list[Float[Array, "_ m"]] = []
    box: _Box | None = None
    since = 0  # the first generation whose volume is along the same axes as that of the latest
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
            # One network, the only one within a bound, says nothing of how far qualities lie apart.
            if box is None or not box.counted.all():
                before, box = box, _box_of(search.known_costs, problem.bounds, box)
                if before is not None and (before.counted != box.counted).any():
                    since = len(generations)
            rows = feasible_front(search.known_costs, search.violations)
            fronts = [*fronts[-(limits.patience or 1) :], np.unique(search.known_costs[rows], axis=0)]
            generations.append(
                Generation(
                    evaluations=len(search.vectors),
                    budget=limits.evaluations,
                    front=len(rows),
                    hypervolume=box.volume(placed(search.known_costs)[rows]),
                    violation=float(search.violations.min()),
                )
            )
            progress(generations[-1])
            if time.monotonic() - saved > _SAVE_SECONDS:
                problem.known.save()
                saved = time.monotonic()
            if _stands_still(generations[since:], fronts, limits):
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


def _require_same(search: Search, problem: Problem) -> None:
    """Raise `UsageError` where a search was made for another space or other bounds than those of the problem."""
    told = search.settings.bounds
    if search.space.name != problem.space.name or search.space.choices != problem.space.choices:
        raise UsageError(
            f"expected a search of the space of the problem, {problem.space.name!r}, got one of {search.space.name!r}; "
            "make both of the same space"
        )
    if told is not None and tuple(told) != tuple(problem.bounds):
        raise UsageError(
            f"expected a search with the bounds of the problem, {tuple(problem.bounds)}, got {tuple(told)}; give "
            "SearchSettings and Problem the same"
        )


def _stands_still(generations: list[Generation], fronts: list[Float[Array, "_ m"]], limits: Limits) -> bool:
    """Whether the front did not get better enough over the last `patience` generations.

    generations: those whose volumes can be compared. fronts: the distinct costs of the front, after each of the last
    `patience` generations and the one before.
    """
    if limits.patience is None or len(generations) <= limits.patience:
        return False
    before, now = generations[-1 - limits.patience], generations[-1]
    if not now.front:
        return now.violation >= before.violation * (1 - limits.least)
    if not before.front:
        return False
    if now.hypervolume > 0:
        return now.hypervolume <= before.hypervolume * (1 + limits.least)
    return np.array_equal(fronts[0], fronts[-1])
