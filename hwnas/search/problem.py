"""What a search minimises: columns of costs of architectures, bounds on some of them, and what is known already."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import final

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import UsageError
from hwnas.search.known import KnownCosts
from hwnas.spaces import Space

Evaluate = Callable[[Integer[Array, "n v"]], Float[Array, "n m"]]


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """Costs of the architectures of a space.

    bounds: the largest feasible value of each cost, None for no bound: `hwnas.pareto.bounds_of` makes them.
    evaluate: costs of architectures it was not asked for before, all of a generation in one call; NaN where not known.
    known: costs that it gave before, perhaps in an earlier process.
    """

    space: Space
    bounds: tuple[float | None, ...]
    evaluate: Evaluate
    known: KnownCosts = field(default_factory=KnownCosts)

    def costs(self, vectors: Integer[Array, "n v"]) -> Float[Array, "n m"]:
        """Costs of architectures: those that are not known yet by one call of `evaluate`, each once.

        Raises `UsageError` where `evaluate` gives another number of costs, or infinite ones.
        """
        keys = self.space.key(vectors)
        new = vectors[self.known.lacks(keys)]
        if len(new):
            costs = np.asarray(self.evaluate(new), dtype=np.float64)
            if costs.shape != (len(new), len(self.bounds)):
                raise UsageError(
                    f"expected costs of shape ({len(new)}, {len(self.bounds)}), one for each bound, got {costs.shape}"
                )
            if np.isinf(costs).any():
                raise UsageError("expected finite costs, or NaN where one is not known; got infinity")
            self.known.add(self.space.key(new), costs)
        return self.known.costs(keys).reshape(len(vectors), len(self.bounds))

    def violations(self, costs: Float[Array, "n m"]) -> Float[Array, " n"]:
        """By how much the bounds do not hold, each excess relative to its bound, summed; infinite for unknown costs."""
        violations = np.zeros(len(costs))
        for column, bound in zip(costs.T, self.bounds, strict=True):
            if bound is not None:
                violations += np.maximum(column - bound, 0) / (abs(bound) or 1.0)
        return np.where(np.isnan(costs).any(axis=1), np.inf, violations)
