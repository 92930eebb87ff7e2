"""Scores of every architecture of a space by each proxy, with the baselines, from tables and counts. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import DataError
from hwnas.proxies import BASELINES, Proxy, get_proxy
from hwnas.proxies.table import ScoreTable, find_scores
from hwnas.results import Role
from hwnas.spaces import Space


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class ScoreColumn:
    """Scores by one proxy, higher is better, NaN where not scored.

    source: where they are from. note: what to beware of. minus_infinity: what a score of -inf says.
    """

    name: str
    role: Role
    scores: Float[Array, " n"]
    source: str
    note: str = ""
    minus_infinity: str = ""


def score_columns(
    space: Space,
    dataset: str,
    proxies: Sequence[str],
    *,
    vectors: Integer[Array, "n v"],
    network_ids: Integer[Array, " n"],
) -> list[ScoreColumn]:
    """One column per proxy asked for, then one per baseline; a row for each of `vectors`, whose network ids are given.

    Raises `UnknownNameError`, and `DataError` where a proxy is not scored.
    """
    asked = list(dict.fromkeys(get_proxy(name).name for name in proxies))
    names = asked + [name for name in BASELINES if name not in asked]
    counts = space.counts(vectors, dataset=dataset)
    tables = _tables(space, dataset, [name for name in names if name not in counts])
    columns = []
    for name in names:
        role: Role = "proxy" if name in asked else "baseline"
        if name in counts:
            source = "counted from the architecture as written"
            columns.append(ScoreColumn(name=name, role=role, scores=counts[name].astype(np.float64), source=source))
        else:
            columns.append(_from_table(get_proxy(name), role, tables[name], dataset, network_ids))
    return columns


def _tables(space: Space, dataset: str, names: Sequence[str]) -> Mapping[str, ScoreTable]:
    """A table for each proxy. Raises `DataError` where one is not scored."""
    tables = {name: find_scores(space.name, dataset, proxies=[name]) for name in names}
    absent = [name for name, table in tables.items() if table is None]
    if absent:
        raise DataError(
            f"proxy {absent[0]!r} is not scored for {space.name} on {dataset}; "
            f"run `hwnas score --all --space {space.name} --dataset {dataset} --proxy {absent[0]}`"
        )
    return {name: table for name, table in tables.items() if table is not None}


def _from_table(
    proxy: Proxy, role: Role, table: ScoreTable, dataset: str, network_ids: Integer[Array, " n"]
) -> ScoreColumn:
    scored_on = table.recipe["dataset"]
    note = "" if scored_on == dataset else f"scores of {scored_on} stand in for {dataset}, which is not scored"
    return ScoreColumn(
        name=proxy.name,
        role=role,
        scores=table.column(proxy.name, network_ids),
        source=f"{proxy.source}; computed by hwnas on {table.recipe['images']}, seed {table.recipe['seed']}",
        note=note,
        minus_infinity=proxy.minus_infinity,
    )
