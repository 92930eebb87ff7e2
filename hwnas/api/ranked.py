"""Scores of single architectures by combinations: their ranks within the table of their space (no torch), or among
reference networks of a space that can have no table."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hwnas.api.columns import find_tables, require_tables, table_names
from hwnas.api.combined import combined
from hwnas.api.score_forms import ScoreColumn, ScoreSettings
from hwnas.api.scores_on_demand import Scoring, is_computed, scores_on_demand
from hwnas.arrays import Array, Integer
from hwnas.errors import AbsentError, UsageError
from hwnas.proxies.combinations import Combination
from hwnas.spaces import Space


def ranked_columns(
    space: Space,
    dataset: str,
    combinations: Sequence[Combination],
    *,
    vectors: Integer[Array, "n v"],
    network_ids: Integer[Array, " n"],
    settings: ScoreSettings,
) -> dict[str, ScoreColumn]:
    """A column for each combination: where the architectures stand among all networks of the space.

    Raises `DataError` where a component has no table, `UsageError` for settings that are not those of the tables: one
    network computed anew has no rank there.
    """
    counts = space.counts(vectors, dataset=dataset)
    tables = find_tables(space, dataset, table_names(combinations, counts))
    columns = {}
    for combination in combinations:
        needed = require_tables(space, dataset, combination, tables, counts)
        if not settings.usual_images or any(table.recipe["seed"] != settings.seed for table in needed.values()):
            raise UsageError(
                f"{combination.name} ranks within a table of the space, got other images, another batch or another "
                "seed than the table's; leave these options out"
            )
        found = combined(combination, space, dataset, tables=needed, vectors=vectors, network_ids=network_ids)
        scored_on = next((table.recipe["dataset"] for table in needed.values()), dataset)
        columns[combination.name] = ScoreColumn(
            proxy=combination,
            scores=found.scores,
            kind="ranked",
            dataset=scored_on,
            source=f"{combination.made_of}, among the {found.networks:,} networks of {space.name} on {scored_on}",
        )
    return columns


def columns_among_references(
    space: Space,
    dataset: str,
    combinations: Sequence[Combination],
    vectors: Integer[Array, "n v"],
    settings: ScoreSettings,
    progress: Callable[[int, int], None],
) -> dict[str, ScoreColumn]:
    """A column for each combination: where each architecture stands among reference networks of its space.

    progress: called while those are scored, with how many are, and of how many. Raises `MissingExtraError` without
    torch, `ProxyError`, and `AbsentError` where nothing must be computed and a component is no count.
    """

    def told(at: Scoring) -> None:
        if at.reference:
            progress(at.scored, at.networks)

    columns = {}
    for combination in combinations:
        if is_computed(combination) and not settings.compute:
            raise AbsentError(
                f"{combination.name} ranks among reference networks of {space.name}, which are not scored here; "
                f"compute them, or score {', '.join(combination.components)} instead"
            )
        scores, source = scores_on_demand(space, dataset, combination, settings, told=told)
        columns[combination.name] = ScoreColumn(
            proxy=combination, scores=scores(vectors), kind="ranked", dataset=dataset, source=source
        )
    return columns
