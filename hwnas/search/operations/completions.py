"""Budgets while an architecture is decided edge by edge: which choices leave a completion that meets them."""

from __future__ import annotations

from typing import final

import numpy as np

from hwnas.arrays import Array, Bool, Float, Int, Integer
from hwnas.errors import InfeasibleError, UsageError
from hwnas.pareto import feasible


@final
class Completions:
    """All architectures of a space that meet the budgets, asked for by what is decided already.

    A choice is allowed if the cheapest way to complete it meets every budget. With all architectures at hand that is
    exact for any cost model, additive or not; a space of millions needs a bound instead.
    """

    def __init__(
        self, vectors: Integer[Array, "n v"], costs: Float[Array, "k m"], bounds: tuple[float | None, ...]
    ) -> None:
        """vectors: every architecture of the space. Raises `InfeasibleError` where none meets the budgets."""
        if len(vectors) != len(costs):
            raise UsageError(f"expected costs of each of {len(vectors)} architectures, got {len(costs)}")
        meets = feasible(costs, bounds)
        if not meets.any():
            raise InfeasibleError("no architecture meets the budgets; raise one")
        self.vectors = vectors[meets]
        self.operations = int(vectors.max()) + 1

    def allowed(self, decided: Int[Array, " v"], edge: int) -> Bool[Array, " o"]:
        """Operations of an edge with which what is decided (-1: not yet) can still be completed within the budgets."""
        known = np.flatnonzero(decided >= 0)
        rows = (self.vectors[:, known] == decided[known]).all(axis=1)
        mask = np.zeros(self.operations, dtype=np.bool_)
        mask[np.unique(self.vectors[rows, edge])] = True
        return mask
