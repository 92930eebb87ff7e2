"""NSGA-II (Deb et al. 2002) over choice vectors; a model of the costs chooses among its children."""

from __future__ import annotations

from typing import Final, final

import numpy as np

from hwnas.arrays import Array, Bool, Float, Int, Integer
from hwnas.pareto import feasible, non_dominated
from hwnas.pareto.fronts import worst_point
from hwnas.search.genetics import offspring, survivors
from hwnas.search.improvements import choose
from hwnas.search.problem import placed
from hwnas.search.search import Search, SearchSettings
from hwnas.search.surrogate import Belief, Surrogate
from hwnas.spaces import Space

_CHILDREN: Final = 200  # of a generation, among which the model chooses
_NEIGHBOURS: Final = 400  # of the front, at most, beside them
_PARENTS: Final = 40  # neighbours of the front whose neighbours are looked at in turn


@final
class NSGA2(Search):
    """The population are the best of all that was told, feasible ones first.

    Without a model its children are what is looked at next. With one (surrogate.py) children and neighbours of the
    front are candidates, and those are looked at that may add most to the hypervolume (improvements.py): the model
    knows nothing but what the search was told, and costs no evaluation.
    """

    name = "nsga2"

    def __init__(self, space: Space, settings: SearchSettings | None = None) -> None:
        super().__init__(space, settings)
        self._alive: Int[Array, " p"] = np.zeros(0, dtype=np.int64)
        self._known_neighbours: dict[bytes, Integer[Array, "k v"]] = {}
        self._middle: Float[Array, " m"] | None = None
        self._surrogate = Surrogate(space, seed=self.settings.seed) if self.settings.model else None
        self._without_quality: Surrogate | None = None

    def propose(self, n: int) -> Integer[Array, "k v"]:
        """Random architectures until the population is full, then children, best first."""
        if len(self._alive) < self.settings.population:
            return self.space.sample(min(n, self.space.size), seed=int(self.rng.integers(2**32)))
        if self._surrogate is None or not ((known := self._known()).any() or self._without_quality):
            return self._children(n)
        pool = self.canonical(np.concatenate([self._children(_CHILDREN), self._neighbours()]))
        pool = pool[self.unknown(pool)]
        if not len(pool):
            return np.asarray(pool)
        costs = placed(self.known_costs)
        judged = known if known.any() else ~np.isnan(costs[:, :-1]).any(axis=1)
        # A cost that all share says nothing, and the box of what is better than it is empty.
        wide = np.flatnonzero((costs[judged] != costs[judged][0]).any(axis=0) & ~np.isnan(costs[judged]).all(axis=0))
        if not len(wide):
            return np.asarray(self.rng.permutation(pool))
        front, reference = costs[self._front()][:, wide], self._reference(costs, judged)[wide]
        chosen = choose(self._believe(pool, wide), front, reference, n=n, rng=self.rng)
        rest = np.setdiff1d(np.arange(len(pool)), chosen)
        return np.asarray(pool[np.concatenate([chosen, self.rng.permutation(rest)])])

    def learn(self, new: int) -> None:
        """Survivors of the population and what is new, which the model takes in."""
        rows = np.concatenate([self._alive, np.arange(len(self.vectors) - new, len(self.vectors))])
        best = survivors(self.known_costs[rows], self.violations[rows], n=self.settings.population, rng=self.rng)
        self._alive = rows[best]
        costs, known = placed(self.known_costs), self._known()
        latest = np.flatnonzero(known[-new:])
        if self._surrogate is not None and len(latest):
            self._surrogate.add(self.vectors[-new:][latest], costs[-new:][latest])
        self._learn_without_quality(costs, new)
        half, full = self.settings.population // 2, self.settings.population
        if self._middle is None and known.sum() >= half and len(self.vectors) >= full:
            self._middle = np.nanmedian(costs, axis=0)

    def _known(self) -> Bool[Array, " n"]:
        """Which of all that was told have every cost."""
        return np.asarray(~np.isnan(self.known_costs).any(axis=1))

    def _learn_without_quality(self, costs: Float[Array, "n m"], new: int) -> None:
        """Take in the other costs of all rows in a model of their own, once some lack the quality alone.

        A quality need not be looked at where a bound is broken; that it is broken is worth knowing.
        """
        if self._surrogate is None or not self.settings.quality or costs.shape[1] < 2:
            return
        rows = ~np.isnan(costs[:, :-1]).any(axis=1)
        if self._without_quality is None:
            if not (rows & np.isnan(costs[:, -1])).any():
                return
            self._without_quality = Surrogate(self.space, seed=self.settings.seed)
            new = len(costs)
        latest = rows[-new:]
        if latest.any():
            self._without_quality.add(self.vectors[-new:][latest], costs[-new:][latest][:, :-1])

    def _believe(self, pool: Integer[Array, "n v"], columns: Int[Array, " k"]) -> Belief:
        """What candidates may cost, of some costs alone."""
        assert self._surrogate is not None
        if self._without_quality is None:
            return self._surrogate.believe(pool).of(columns)
        belief = self._without_quality.believe(pool)
        return (belief.beside(self._surrogate.believe(pool)) if self._known().any() else belief).of(columns)

    def _children(self, n: int) -> Integer[Array, "n v"]:
        alive = self._alive
        return offspring(
            self.vectors[alive],
            self.known_costs[alive],
            self.violations[alive],
            choices=self.space.choices,
            n=n,
            rng=self.rng,
        )

    def _front(self) -> Int[Array, " f"]:
        """Rows of feasible architectures that no other one dominates."""
        rows = np.flatnonzero(self.violations == 0)
        return np.asarray(rows[non_dominated(self.known_costs[rows])], dtype=np.int64)

    def _neighbours(self) -> Integer[Array, "k v"]:
        """Some of the architectures one choice away from the front; once most of them are known, two choices away."""
        rows, found = self.vectors[self._front()], self.vectors[:0]
        for _ in range(2):
            if len(rows) and len(found) < _NEIGHBOURS:
                around = np.concatenate([self._around(vector) for vector in rows])
                around = around[self.rng.permutation(len(around))]
                found = np.concatenate([found, self._first_unknown(around, _NEIGHBOURS - len(found))])
                rows = around[:_PARENTS]
        return np.asarray(found)

    def _around(self, vector: Integer[Array, " v"]) -> Integer[Array, "k v"]:
        """Neighbours; the front hardly changes from one generation to the next."""
        key = vector.tobytes()
        if key not in self._known_neighbours:
            self._known_neighbours[key] = self.space.neighbours(vector)
        return self._known_neighbours[key]

    def _first_unknown(self, vectors: Integer[Array, "n v"], wanted: int) -> Integer[Array, "k v"]:
        """The first rows that were never asked for. To key all 50,000 around a front was half of a search."""
        looked = 2 * wanted
        while True:
            some = vectors[:looked]
            found = some[self.unknown(self.canonical(some))]
            if len(found) >= wanted or looked >= len(vectors):
                return np.asarray(found[:wanted])
            looked *= 2

    def _reference(self, costs: Float[Array, "n m"], known: Bool[Array, " n"]) -> Float[Array, " m"]:
        """The worst cost that counts: the bound, the median of the first population for a quality, else the worst."""
        bounds = self.settings.bounds or (None,) * costs.shape[1]
        within = known & feasible(costs, bounds)
        reference = worst_point(costs[within if within.any() else known], bounds)
        if self.settings.quality and bounds[-1] is None and self._middle is not None:
            reference[-1] = self._middle[-1]
        return reference
