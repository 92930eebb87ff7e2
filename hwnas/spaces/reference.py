"""Networks by which others can be ranked in a space of which no table can be made."""

from __future__ import annotations

import numpy as np

from hwnas.arrays import Array, Integer
from hwnas.errors import UsageError
from hwnas.spaces.space import Space


def reference_networks(space: Space, *, dataset: str, n: int, seed: int = 0) -> Integer[Array, "k v"]:
    """At most n distinct networks, in canonical form, from the fewest FLOPs that a space has to the most.

    Half are drawn uniformly. Networks of many positions that are drawn so all have about the same size, and leave out
    where budgets are tight. The other half is on the way from the smallest network to the largest: one that is at a
    share t of the first half of the way has the smallest one's choice at each position with probability 1 - t, else
    one that is drawn; beyond the middle the largest takes its place.

    Raises `UsageError` for less than 4 networks.
    """
    if n < 4:
        raise UsageError(f"expected at least 4 reference networks, got {n}")
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, space.choices, size=(n, len(space.choices)))
    way = np.concatenate([np.zeros(n - n // 2), np.linspace(-1, 1, n // 2)])[:, None]
    end = np.where(way < 0, _extreme(space, dataset, sign=1), _extreme(space, dataset, sign=-1))
    vectors = space.canonical(np.where(rng.random(drawn.shape) < abs(way), end, drawn).astype(np.int8))
    _, first = np.unique(space.canonical_id(space.network_id(vectors)), return_index=True)
    return np.asarray(vectors[np.sort(first)])


def _extreme(space: Space, dataset: str, *, sign: int) -> Integer[Array, " v"]:
    """The architecture with the fewest FLOPs, or for sign -1 the most, as far as changing one position at a time finds.

    Twice through all positions: what a position costs may depend on those after it.
    """
    vector = np.zeros(len(space.choices), dtype=np.int8)
    for position in (*range(len(vector)), *range(len(vector))):
        options = np.repeat(vector[None], space.choices[position], axis=0)
        options[:, position] = np.arange(len(options))
        vector = options[(sign * space.counts(options, dataset=dataset)["flops"]).argmin()]
    return np.asarray(vector)
