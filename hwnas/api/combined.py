"""Scores by combinations: ranks within the networks of a space, each network once. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.proxies.combinations import Combination
from hwnas.proxies.table import ScoreTable
from hwnas.spaces import Space


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Combined:
    """Scores of architectures by a combination, NaN where a component is missing.

    networks: how many distinct networks they were ranked among.
    """

    scores: Float[Array, " n"]
    networks: int


def combined(
    combination: Combination,
    space: Space,
    dataset: str,
    *,
    tables: Mapping[str, ScoreTable],
    vectors: Integer[Array, "n v"],
    network_ids: Integer[Array, " n"],
) -> Combined:
    """Rank `vectors`, whose network ids are given, among all networks that the tables of the components have.

    tables: for each component that is no count. Isomorphic networks are one, so that twins neither weigh twice nor
    differ: a count is that of the network without dead operations. A space that cannot be enumerated does not tell
    what networks its tables have: there the architectures are ranked among themselves.
    """
    asked = space.canonical_id(network_ids)
    ids = _networks(space, tables, asked)
    representatives = space.vector(ids) if space.enumerable else vectors[np.unique(asked, return_index=True)[1]]
    counts = space.counts(representatives, dataset=dataset)
    columns = [
        tables[name].column(name, ids) if name in tables else counts[name].astype(np.float64)
        for name in combination.components
    ]
    scores = combination.score(np.stack(columns, axis=1))
    return Combined(scores=scores[np.searchsorted(ids, asked)], networks=int((~np.isnan(scores)).sum()))


def _networks(space: Space, tables: Mapping[str, ScoreTable], asked: Integer[Array, " n"]) -> Integer[Array, " k"]:
    """Canonical ids, ascending, of the networks to rank; among them are those asked for."""
    if not space.enumerable:
        return np.unique(asked)
    if not tables:
        return np.unique(space.canonical_id(space.network_id(space.all_vectors())))
    return np.unique(np.concatenate([asked, *(space.canonical_id(table.network_ids) for table in tables.values())]))
