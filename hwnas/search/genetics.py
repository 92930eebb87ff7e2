"""Selection, crossover, mutation and survival of NSGA-II on choice vectors, through pymoo: the one file that knows it.

Pure functions on arrays. Deb et al. 2002: feasible before infeasible, infeasible ones by their violation, feasible ones
by non-dominated rank, then by crowding distance.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import numpy as np

from hwnas.arrays import Array, Float, Int, Integer
from hwnas.errors import MissingExtraError
from hwnas.search.problem import placed

CROSSOVER: Final = 0.9  # probability that two parents are mixed, as Deb et al. 2002
_UNKNOWN: Final = 1e30  # stands for a cost that is not known: pymoo compares numbers only


def offspring(
    vectors: Integer[Array, "p v"],
    costs: Float[Array, "p m"],
    violations: Float[Array, " p"],
    *,
    choices: tuple[int, ...],
    n: int,
    rng: np.random.Generator,
) -> Integer[Array, "n v"]:
    """n children of a population: parents by binary tournament, uniform crossover, mutation of one position on average.

    A mutated position takes another of its choices, all equally likely: choices have no order. Children may be equal to
    each other or to parents. Raises `MissingExtraError` without pymoo.
    """
    parts = _parts()
    population, problem = parts.population(vectors, costs, violations, choices)
    parts.survival.do(problem, population, n_survive=len(population), random_state=rng)  # sets rank and crowding
    children = parts.mating.do(problem, population, n, random_state=rng, algorithm=parts.algorithm(rng))
    return np.asarray(children.get("X"), dtype=np.int8)


def survivors(
    costs: Float[Array, "p m"], violations: Float[Array, " p"], *, n: int, rng: np.random.Generator
) -> Int[Array, " k"]:
    """Rows of the n best. Raises `MissingExtraError` without pymoo."""
    parts = _parts()
    population, problem = parts.population(np.zeros((len(costs), 1), dtype=np.int8), costs, violations, (1,))
    chosen = parts.survival.do(problem, population, n_survive=n, random_state=rng, return_indices=True)
    return np.asarray(chosen, dtype=np.int64)


@cache
def _parts() -> Any:
    """pymoo's classes, imported and put together once."""
    try:
        from pymoo.algorithms.moo.nsga2 import binary_tournament
        from pymoo.core.crossover import Crossover
        from pymoo.core.mating import Mating
        from pymoo.core.mutation import Mutation
        from pymoo.core.population import Population
        from pymoo.core.problem import Problem
        from pymoo.operators.selection.tournament import TournamentSelection
        from pymoo.operators.survival.rank_and_crowding import RankAndCrowding
    except ImportError:
        raise MissingExtraError("NSGA-II", "search") from None

    class Uniform(Crossover):  # type: ignore[misc]
        """Each position from either parent."""

        def __init__(self) -> None:
            super().__init__(n_parents=2, n_offsprings=2, prob=CROSSOVER)

        def _do(self, problem: Any, X: Any, *_: Any, random_state: Any = None, **__: Any) -> Any:  # noqa: ARG002, N803
            swap = random_state.random(X.shape[1:]) < 0.5
            return np.stack([np.where(swap, X[1], X[0]), np.where(swap, X[0], X[1])])

    class OtherChoice(Mutation):  # type: ignore[misc]
        """Each position with probability 1 / v takes another of its choices."""

        def _do(self, problem: Any, X: Any, *_: Any, random_state: Any = None, **__: Any) -> Any:  # noqa: N803
            counts = problem.xu + 1
            change = (random_state.random(X.shape) < 1 / X.shape[1]) & (counts > 1)
            steps = random_state.integers(1, np.maximum(counts, 2), size=X.shape)
            return np.where(change, (X + steps) % counts, X)

    class Parts:
        survival = RankAndCrowding()
        mating = Mating(TournamentSelection(func_comp=binary_tournament), Uniform(), OtherChoice())

        @staticmethod
        def population(vectors: Any, costs: Any, violations: Any, choices: Any) -> tuple[Any, Any]:
            upper = np.asarray(choices, dtype=np.int64) - 1
            problem = Problem(n_var=len(upper), n_obj=costs.shape[1], n_ieq_constr=1, xl=0 * upper, xu=upper, vtype=int)
            finite = np.nan_to_num(placed(costs), nan=_UNKNOWN)
            excess = np.minimum(violations, _UNKNOWN)[:, None]
            found = Population.new(X=vectors.astype(np.int64), F=finite, G=excess, H=np.zeros((len(costs), 0)))
            return found, problem

        @staticmethod
        def algorithm(rng: np.random.Generator) -> Any:
            from types import SimpleNamespace

            return SimpleNamespace(tournament_type="comp_by_dom_and_crowding", random_state=rng)

    return Parts
