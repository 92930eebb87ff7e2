"""Scores of every architecture of a space by each proxy, with the baselines, from tables and counts. No torch."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np

from hwnas.api.combined import combined
from hwnas.arrays import Array, Float, Integer
from hwnas.errors import DataError
from hwnas.proxies import BASELINES, Proxy, get_proxy
from hwnas.proxies.combinations import Combination, Scorer, get_scorer
from hwnas.proxies.registry import as_typed
from hwnas.proxies.table import ScoreTable, find_scores
from hwnas.results import Role
from hwnas.spaces import Space
from hwnas.spaces.registry import typed_name

AUTO: Final = "auto"
FALLBACK: Final = "zen"  # where a component of `auto` is not scored
COUNTED: Final = "flops"  # where that is not scored either


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class ScoreColumn:
    """Scores by one proxy or combination, higher is better, NaN where not scored.

    source: where they are from. note: what to beware of. minus_infinity: what a score of -inf says.
    evaluations: how many architectures a search looked at for it, the only ones with a score; None: all of them.
    """

    name: str
    role: Role
    scores: Float[Array, " n"]
    source: str
    note: str = ""
    minus_infinity: str = ""
    evaluations: int | None = None


def score_columns(
    space: Space,
    dataset: str,
    proxies: Sequence[str],
    *,
    vectors: Integer[Array, "n v"],
    network_ids: Integer[Array, " n"],
) -> list[ScoreColumn]:
    """One column per proxy or combination asked for, then one per baseline; a row for each of `vectors`.

    network_ids: those of `vectors`. Where a component of `auto` is not scored, `FALLBACK` takes its place, or, where
    that is not scored either, `COUNTED`, and says so.
    Raises `UnknownNameError`, and `DataError` where a proxy is not scored.
    """
    counts = space.counts(vectors, dataset=dataset)
    asked = {scorer.name: scorer for scorer in map(get_scorer, proxies)}
    tables = find_tables(space, dataset, table_names([*asked.values(), *map(get_proxy, BASELINES)], counts))
    note = ""
    if AUTO in asked and not set(table_names([asked[AUTO]], counts)) <= set(tables):
        scored = find_tables(space, dataset, [FALLBACK])
        name = FALLBACK if scored else COUNTED
        note = stands_in(name, space, dataset)
        asked = {scorer.name: scorer for scorer in (get_scorer(name), *asked.values()) if scorer.name != AUTO}
        tables = {**tables, **scored}
    columns = []
    for scorer in (*asked.values(), *(get_proxy(name) for name in BASELINES if name not in asked)):
        role: Role = "proxy" if scorer.name in asked else "baseline"
        if scorer.name in counts:
            scores, source = counts[scorer.name].astype(np.float64), "counted from the architecture as written"
            columns.append(ScoreColumn(name=scorer.name, role=role, scores=scores, source=source))
            continue
        needed = require_tables(space, dataset, scorer, tables, counts)
        if isinstance(scorer, Combination):
            column = combined_column(scorer, space, dataset, needed, vectors=vectors, network_ids=network_ids)
            columns.append(replace(column, note=f"{scorer.name}: {column.note}"))
        else:
            columns.append(_from_table(scorer, role, needed[scorer.name], dataset, network_ids))
    return [replace(columns[0], note="; ".join(filter(None, (note, columns[0].note)))), *columns[1:]]


def stands_in(name: str, space: Space, dataset: str) -> str:
    """A note that `name` takes the place of `auto`, and how its parts are scored."""
    return (
        f"{name} stands in for {AUTO}, whose parts are not all scored for {space.name} on {dataset}; "
        f"`hwnas score --all --space {typed_name(space)} --dataset {dataset} --proxy {AUTO}` scores them"
    )


def has_tables(space: Space, dataset: str, scorer: Scorer) -> bool:
    """Whether every part of a proxy or combination of an enumerable space is a count or has a table of the space."""
    names = [name for name in components_of(scorer) if not get_proxy(name).by_architecture]
    return set(names) <= set(find_tables(space, dataset, names))


def table_names(scorers: Iterable[Scorer], counted: Container[str]) -> list[str]:
    """The proxies that scores come from, those of combinations among them, without those that are counts."""
    names = [name for scorer in scorers for name in components_of(scorer)]
    return [name for name in dict.fromkeys(names) if name not in counted]


def components_of(scorer: Scorer) -> tuple[str, ...]:
    """The proxies that a combination is made of, or the proxy itself."""
    return scorer.components if isinstance(scorer, Combination) else (scorer.name,)


def find_tables(space: Space, dataset: str, names: Sequence[str]) -> dict[str, ScoreTable]:
    """A table of the whole space for each of `names` that has one; of the data set itself wherever it has one."""
    together = find_scores(space.name, dataset, proxies=names) if names else None
    # One of another data set must not stand in for all because one of them is not scored.
    if together is not None and together.recipe["dataset"] == dataset:
        return dict.fromkeys(names, together)
    single = {name: find_scores(space.name, dataset, proxies=[name]) for name in names}
    return {name: table for name, table in single.items() if table is not None}


def require_tables(
    space: Space, dataset: str, scorer: Scorer, tables: Mapping[str, ScoreTable], counted: Container[str]
) -> dict[str, ScoreTable]:
    """Those of `tables` that `scorer` reads. Raises `DataError` where one is missing."""
    names = table_names([scorer], counted)
    absent = [name for name in names if name not in tables]
    if absent:
        part = "" if scorer.name == absent[0] else f", a part of {scorer.name!r},"
        raise DataError(
            f"proxy {absent[0]!r}{part} is not scored for {space.name} on {dataset}; "
            f"run `hwnas score --all --space {typed_name(space)} --dataset {dataset} --proxy {as_typed(scorer.name)}`"
        )
    return {name: tables[name] for name in names}


def combined_column(
    combination: Combination,
    space: Space,
    dataset: str,
    tables: Mapping[str, ScoreTable],
    *,
    vectors: Integer[Array, "n v"],
    network_ids: Integer[Array, " n"],
) -> ScoreColumn:
    """Scores of `vectors` by a combination, of whose components `tables` has all that are no counts."""
    found = combined(combination, space, dataset, tables=tables, vectors=vectors, network_ids=network_ids)
    made_of = f"{combination.made_of}, among {found.networks:,} networks"
    return ScoreColumn(
        name=combination.name,
        role="proxy",
        scores=found.scores,
        source=combination.source,
        note="; ".join(filter(None, (made_of, _stand_ins(tables, dataset)))),
    )


def _stand_ins(tables: Mapping[str, ScoreTable], dataset: str) -> str:
    """Which proxies have their scores from another data set, the default one of the space; empty where none has."""
    others = {name: table.recipe["dataset"] for name, table in tables.items() if table.recipe["dataset"] != dataset}
    if not others:
        return ""
    return f"scores of {min(others.values())} stand in for {dataset}, which is not scored by {', '.join(others)}"


def _from_table(
    proxy: Proxy, role: Role, table: ScoreTable, dataset: str, network_ids: Integer[Array, " n"]
) -> ScoreColumn:
    return ScoreColumn(
        name=proxy.name,
        role=role,
        scores=table.column(proxy.name, network_ids),
        source=f"{proxy.source}; computed by hwnas on {table.recipe['images']}, seed {table.recipe['seed']}",
        note=_stand_ins({proxy.name: table}, dataset),
        minus_infinity=proxy.minus_infinity,
    )
