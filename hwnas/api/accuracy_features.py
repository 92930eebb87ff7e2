"""What a model of accuracy sees of the networks of a space: what they are made of, and their ranks by proxies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

import numpy as np

from hwnas.api.columns import find_tables
from hwnas.arrays import Array, Float, Integer
from hwnas.errors import UsageError
from hwnas.proxies.combinations.aggregations import relative_ranks
from hwnas.spaces import Space

# Those that are scored everywhere or nearly so, each of another kind; more would only repeat them.
PROXIES: Final = ("az_expressivity", "az_progressivity", "az_trainability", "naswot", "synflow", "zen", "snip")
COUNTS: Final = ("params", "macs")


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Networks:
    """The distinct networks of a space, isomorphic ones once.

    features: (k, f), each column of mean 0 and deviation 1 over the networks. of: number of the network of each
    architecture. used: names of the proxies and counts among the features.
    """

    features: Float[Array, "k f"]
    of: Integer[Array, " n"]
    used: tuple[str, ...]


def networks_of(space: Space, dataset: str, vectors: Integer[Array, "n v"]) -> Networks:
    """Features of the networks that architectures stand for.

    Proxies without a table of the space are left out. Raises `UsageError` for a space that cannot be enumerated.
    """
    if not space.enumerable:
        raise UsageError(f"expected a space whose networks can be listed, got {space.name}; use one that can")
    ids, of = np.unique(space.canonical_id(space.network_id(vectors)), return_inverse=True)
    pruned = space.vector(ids)
    tables = find_tables(space, dataset, PROXIES)
    scores = {name: tables[name].column(name, ids) for name in PROXIES if name in tables}
    scores = {name: column for name, column in scores.items() if not np.isnan(column).any()}
    counts = space.counts(pruned, dataset=dataset)
    columns = np.stack([*scores.values(), *(counts[name].astype(np.float64) for name in COUNTS)], axis=1)
    together = np.concatenate([space.composition(pruned), relative_ranks(columns)], axis=1, dtype=np.float64)
    spread = together.std(axis=0)
    varied = together[:, spread > 0]
    return Networks(
        features=(varied - varied.mean(axis=0)) / spread[spread > 0], of=of.ravel(), used=(*scores, *COUNTS)
    )
