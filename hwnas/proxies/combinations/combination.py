"""What a combination is: a pure function from the scores of a set of networks by several proxies to one score each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hwnas.arrays import Array, Float
from hwnas.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Combination:
    """Scores within a set of networks, from their ranks by several proxies.

    name: how commands call it. title: one line for a person.
    components: names of the proxies, in the order of the columns that `aggregate` takes.
    aggregate: (n, p) scores without NaN to (n,), of which more is better; it sees nothing but the order in each column.
    aggregation: what it does, in words. source: publication and equation. fails: where it is known to mislead.
    """

    name: str
    title: str
    components: tuple[str, ...]
    aggregate: Callable[[Float[Array, "n p"]], Float[Array, " n"]]
    aggregation: str
    source: str
    fails: str
    unit: str = ""
    minus_infinity: str = ""

    @property
    def made_of(self) -> str:
        """Its aggregation and components in one phrase."""
        return f"{self.aggregation} of {', '.join(self.components)}"

    def score(self, scores: Float[Array, "n p"]) -> Float[Array, " n"]:
        """Scores of n networks, one row each, by the components; each network should be there once.

        Infinite scores rank below or above all finite ones. A network with a NaN gets NaN and counts for no other.
        Raises `UsageError` where the columns are not those of the components.
        """
        if scores.shape[1] != len(self.components):
            raise UsageError(
                f"{self.name} expected a column for each of {', '.join(self.components)}, got {scores.shape[1]} columns"
            )
        known = ~np.isnan(scores).any(axis=1)
        combined = np.full(len(scores), np.nan)
        if known.any():
            combined[known] = self.aggregate(scores[known])
        return combined

    def score_among(self, scores: Float[Array, "n p"], reference: Float[Array, "m p"]) -> Float[Array, " n"]:
        """Scores of n networks, each as if it alone were one more of a set of m: none depends on the others.

        reference: scores of that set by the components, without NaN; a network of it may be asked for, too.
        Raises `UsageError` where the columns are not those of the components.
        """
        return np.array([self.score(np.vstack([reference, row]))[-1] for row in scores], dtype=np.float64)
