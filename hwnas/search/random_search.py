"""Random search: the baseline that every other search has to beat."""

from __future__ import annotations

from typing import final

from hwnas.arrays import Array, Integer
from hwnas.search.search import Search


@final
class RandomSearch(Search):
    """Architectures drawn uniformly, each once."""

    name = "random"

    def propose(self, n: int) -> Integer[Array, "k v"]:
        """n draws."""
        return self.space.sample(min(n, self.space.size), seed=int(self.rng.integers(2**32)))
