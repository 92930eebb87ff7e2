"""Columns of scores of given architectures, as far as tables have them: complete tables, samples, counts. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hwnas.api.columns import ScoreColumn, components_of
from hwnas.api.combined import combined
from hwnas.arrays import Array, Float, Integer
from hwnas.errors import AbsentError
from hwnas.proxies import BASELINES, PROXIES, Proxy, known_proxies
from hwnas.proxies.combinations import COMBINATIONS, Combination, Scorer, get_scorer
from hwnas.proxies.registry import as_typed
from hwnas.proxies.table import ScoreTable, tables_of
from hwnas.results import Role
from hwnas.spaces import Space
from hwnas.spaces.registry import typed_name


def scored_columns(
    space: Space, dataset: str, names: Sequence[str], *, vectors: Integer[Array, "n v"]
) -> list[ScoreColumn]:
    """A column for each proxy or combination asked for, NaN where it is not scored, then the baselines.

    Without names, all that are scored. Raises `AbsentError` for one that was asked for and is not scored at all,
    `UnknownNameError`.
    """
    named = {scorer.name: scorer for scorer in map(get_scorer, names)}  # however each is spelt
    asked = [*named.values()] or [*known_proxies().values(), *COMBINATIONS.values()]
    asked += [PROXIES[name] for name in BASELINES if PROXIES[name] not in asked]
    network_ids = space.network_id(vectors)
    counts = space.counts(vectors, dataset=dataset)
    tables = _fullest(tables_of(space.name, dataset), network_ids)
    columns = []
    for scorer in asked:
        components = scorer.components if isinstance(scorer, Combination) else (scorer.name,)
        absent = [name for name in components if name not in counts and name not in tables]
        if not absent:
            columns.append(
                _ranked(scorer, space, dataset, tables, vectors=vectors, network_ids=network_ids)
                if isinstance(scorer, Combination)
                else _scored(scorer, counts, tables, network_ids)
            )
        elif names:
            raise AbsentError(
                f"proxy {absent[0]!r} is not scored for {space.name} on {dataset}; "
                f"run `hwnas score --all --space {typed_name(space)} --dataset {dataset} --proxy {as_typed(absent[0])}`"
            )
    return columns


def is_scored(space: Space, dataset: str, scorer: Scorer, *, vectors: Integer[Array, "n v"]) -> bool:
    """Whether tables have each part of a proxy or combination that is no count for all architectures, defined or not.

    Raises `DataError` for a damaged table.
    """
    ids, tables = space.network_id(vectors), tables_of(space.name, dataset)
    names = [name for name in components_of(scorer) if not PROXIES[name].by_architecture]
    return all(any(name in table.proxies and table.scored(name, ids).all() for table in tables) for name in names)


def _fullest(tables: Sequence[ScoreTable], network_ids: Integer[Array, " n"]) -> dict[str, ScoreTable]:
    """For each proxy the table that scores most of the networks, the first of equal ones."""
    fullest: dict[str, tuple[int, ScoreTable]] = {}
    for table in tables:
        for proxy in table.proxies:
            scored = int((~np.isnan(table.column(proxy, network_ids))).sum())
            if scored > fullest.get(proxy, (0, table))[0]:
                fullest[proxy] = (scored, table)
    return {proxy: table for proxy, (_, table) in fullest.items()}


def _scored(
    proxy: Proxy,
    counts: Mapping[str, Integer[Array, " n"]],
    tables: Mapping[str, ScoreTable],
    network_ids: Integer[Array, " n"],
) -> ScoreColumn:
    role: Role = "baseline" if proxy.name in BASELINES else "proxy"
    if proxy.name in counts:
        scores, source = counts[proxy.name].astype(np.float64), "counted from the architecture as written"
        return ScoreColumn(name=proxy.name, role=role, scores=scores, source=source)
    table = tables[proxy.name]
    scores = table.column(proxy.name, network_ids)
    known = int((~np.isnan(scores)).sum())
    part = "" if known == len(scores) else f"; a sample, {known:,} of {len(scores):,} nets"
    return ScoreColumn(
        name=proxy.name,
        role=role,
        scores=scores,
        source=f"computed by hwnas on {table.recipe['images']}, seed {table.recipe['seed']}{part}",
        minus_infinity=proxy.minus_infinity,
    )


def _ranked(
    combination: Combination,
    space: Space,
    dataset: str,
    tables: Mapping[str, ScoreTable],
    *,
    vectors: Integer[Array, "n v"],
    network_ids: Integer[Array, " n"],
) -> ScoreColumn:
    used = {name: tables[name] for name in combination.components if name in tables}
    found = combined(combination, space, dataset, tables=used, vectors=vectors, network_ids=network_ids)
    scores: Float[Array, " n"] = found.scores
    source = f"{combination.made_of}, among {found.networks:,} networks"
    return ScoreColumn(name=combination.name, role="proxy", scores=scores, source=source)
