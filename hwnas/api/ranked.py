"""Scores of single architectures by combinations: their ranks within the table of their space. No torch.

Where a space has no end, their ranks among reference networks, which are scored for it (needs torch).
"""

from __future__ import annotations

from collections.abc import Sequence

from hwnas.api.columns import find_tables, require_tables, table_names
from hwnas.api.combined import combined
from hwnas.api.score_forms import ScoreColumn, ScoreSettings
from hwnas.api.scores_on_demand import scores_on_demand
from hwnas.arrays import Array, Integer
from hwnas.errors import UsageError
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

    Raises `DataError` where a component has no table, `UsageError` for
    settings that are not those of the tables, as one network computed anew has no rank there, and for a space that
    cannot be enumerated where nothing must be computed.
    """
    if not space.enumerable:
        return {c.name: _among_references(space, dataset, c, vectors, settings) for c in combinations}
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


def _among_references(
    space: Space,
    dataset: str,
    combination: Combination,
    vectors: Integer[Array, "n v"],
    settings: ScoreSettings,
) -> ScoreColumn:
    if not settings.compute:
        raise UsageError(
            f"{combination.name} ranks within a table of the space, got {space.name}, which has no table of all; "
            f"score {', '.join(combination.components)} instead"
        )
    scores, source = scores_on_demand(
        space,
        dataset,
        combination,
        settings,
        told=lambda scored, networks, _reference: settings.progress(scored, networks),
    )
    return ScoreColumn(proxy=combination, scores=scores(vectors), kind="ranked", dataset=dataset, source=source)
