"""What a search minimises: columns of costs of architectures, bounds on some of them, and what is known already."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import final

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import UsageError
from hwnas.pareto.feasibility import check_bounds
from hwnas.search.known import KnownCosts
from hwnas.spaces import Space

Evaluate = Callable[[Integer[Array, "n v"]], Float[Array, "n m"]]


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """Costs of the architectures of a space.

    bounds: the largest feasible value of each cost, None for no bound: `hwnas.pareto.bounds_of` makes them.
    evaluate: costs of architectures it was not asked for before, all of a generation in one call; NaN where not known,
        infinite, in a cost without a bound, where one is worse (or minus infinity, better) than any number.
    known: costs that it gave before, perhaps in an earlier process.

    Raises `DataError` where the file of `known`, `UsageError` where its memory has costs of another space, or another
    number of costs than there are bounds.
    """

    space: Space
    bounds: tuple[float | None, ...]
    evaluate: Evaluate
    known: KnownCosts = field(default_factory=KnownCosts)

    def __post_init__(self) -> None:
        check_bounds(self.bounds)
        self.known.belong_to(self.space, costs=len(self.bounds))

    def costs(self, vectors: Integer[Array, "n v"]) -> Float[Array, "n m"]:
        """Costs of architectures: those that are not known yet by one call of `evaluate`, each once.

        Raises `UsageError` where `evaluate` gives another number of costs, or infinite ones of a
        cost with a bound.
        """
        keys = self.space.key(vectors)
        new = vectors[self.known.lacks(keys)]
        if len(new):
            costs = np.asarray(self.evaluate(new), dtype=np.float64)
            if costs.shape != (len(new), len(self.bounds)):
                raise UsageError(
                    f"expected costs of shape ({len(new)}, {len(self.bounds)}), one for each bound, got {costs.shape}"
                )
            if np.isinf(costs[:, [bound is not None for bound in self.bounds]]).any():
                raise UsageError("expected finite costs where there is a bound, or NaN for unknown ones; got infinity")
            self.known.add(self.space.key(new), costs)
        return self.known.costs(keys).reshape(len(vectors), len(self.bounds))

    def violations(self, costs: Float[Array, "n m"]) -> Float[Array, " n"]:
        """By how much the bounds do not hold, each excess relative to its bound, summed.

        Infinite for unknown costs, but where a bound is broken and every cost with a bound is known, the excess.
        """
        violations = np.zeros(len(costs))
        for column, bound in zip(costs.T, self.bounds, strict=True):
            if bound is not None:
                violations += np.maximum(column - bound, 0) / (abs(bound) or 1.0)
        unknown = np.isnan(violations) | (np.isnan(costs).any(axis=1) & (violations == 0))
        return np.where(unknown, np.inf, violations)


def placed(costs: Float[Array, "n m"]) -> Float[Array, "n m"]:
    """Costs with infinite ones just beyond the finite ones of their column, for what needs numbers."""
    finite = np.isfinite(costs)
    if not np.isinf(costs).any():
        return costs
    low = np.where(finite, costs, np.inf).min(axis=0, initial=np.inf)
    high = np.where(finite, costs, -np.inf).max(axis=0, initial=-np.inf)
    some = finite.any(axis=0)
    low, high = np.where(some, low, 0.0), np.where(some, high, 0.0)
    reach = np.where(high > low, high - low, 1.0)
    found = np.where(np.isposinf(costs), high + reach, costs)
    return np.asarray(np.where(np.isneginf(costs), low - reach, found))
