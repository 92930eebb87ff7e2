"""Ageing evolution (Real et al. 2019, algorithm 1), with dominance in the place of a single fitness."""

from __future__ import annotations

from typing import Final, final

import numpy as np

from hwnas.arrays import Array, Float, Int, Integer
from hwnas.pareto import non_dominated_ranks
from hwnas.search.search import Search

_SAMPLE: Final = 0.25  # share of the population in a tournament: Real et al. take 25 of 100


@final
class AgeingEvolution(Search):
    """The population are the architectures told last; the best of a random quarter has one child, one choice away.

    Best is: by violation first, then by non-dominated rank within the population, ties by chance.
    """

    name = "evolution"

    def propose(self, n: int) -> Integer[Array, "k v"]:
        """Random architectures until the population is full, then children."""
        size = self.settings.population
        if len(self.vectors) < size:
            return self.space.sample(min(n, self.space.size), seed=int(self.rng.integers(2**32)))
        alive = slice(len(self.vectors) - size, None)
        order = _order(np.nan_to_num(self.known_costs[alive], nan=np.inf), self.violations[alive])
        sampled = self.rng.permuted(np.tile(np.arange(size), (n, 1)), axis=1)[:, : max(2, round(_SAMPLE * size))]
        parents = np.take_along_axis(sampled, order[sampled].argmin(axis=1)[:, None], axis=1)[:, 0]
        return self._mutated(self.vectors[alive][parents])

    def _mutated(self, vectors: Integer[Array, "n v"]) -> Integer[Array, "n v"]:
        """One position of each, out of those that have a choice, takes another of its choices."""
        choices = np.asarray(self.space.choices)
        position = self.rng.choice(np.flatnonzero(choices > 1), size=len(vectors))
        step = self.rng.integers(1, choices[position])
        rows, mutated = np.arange(len(vectors)), vectors.astype(np.int64)
        mutated[rows, position] = (mutated[rows, position] + step) % choices[position]
        return mutated.astype(np.int8)


def _order(costs: Float[Array, "p m"], violations: Float[Array, " p"]) -> Int[Array, " p"]:
    """A number for each row by which rows are ordered, smaller is better; ties share one."""
    keys = np.stack([violations, np.where(violations == 0, non_dominated_ranks(costs), 0)], axis=1)
    return np.asarray(np.unique(keys, axis=0, return_inverse=True)[1].ravel(), dtype=np.int64)
