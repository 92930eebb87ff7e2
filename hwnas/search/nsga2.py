"""NSGA-II (Deb et al. 2002) over choice vectors."""

from __future__ import annotations

from typing import final

import numpy as np

from hwnas.arrays import Array, Int, Integer
from hwnas.search.genetics import offspring, survivors
from hwnas.search.search import Search, SearchSettings
from hwnas.spaces import Space


@final
class NSGA2(Search):
    """Keeps the best `population` of all that it was told, feasible ones first, and mixes and mutates them."""

    name = "nsga2"

    def __init__(self, space: Space, settings: SearchSettings | None = None) -> None:
        super().__init__(space, settings)
        self._alive: Int[Array, " p"] = np.zeros(0, dtype=np.int64)

    def propose(self, n: int) -> Integer[Array, "k v"]:
        """Random architectures until the population is full, then children."""
        if len(self._alive) < self.settings.population:
            return self.space.sample(min(n, self.space.size), seed=int(self.rng.integers(2**32)))
        alive = self._alive
        return offspring(
            self.vectors[alive],
            self.known_costs[alive],
            self.violations[alive],
            choices=self.space.choices,
            n=n,
            rng=self.rng,
        )

    def learn(self, new: int) -> None:
        """Survivors of the population and what is new."""
        rows = np.concatenate([self._alive, np.arange(len(self.vectors) - new, len(self.vectors))])
        best = survivors(self.known_costs[rows], self.violations[rows], n=self.settings.population, rng=self.rng)
        self._alive = rows[best]
