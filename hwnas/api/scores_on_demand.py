"""Scores of whatever architectures a search comes to: counts, a table of the whole space, or computed then and kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from hwnas.api.columns import AUTO, COUNTED, ScoreColumn
from hwnas.api.computing import cores, require_torch
from hwnas.api.score import make_recipe
from hwnas.api.score_forms import ScoreSettings
from hwnas.arrays import Array, Float, Integer
from hwnas.errors import UsageError
from hwnas.folders import cache_folder
from hwnas.proxies import BASELINES, Proxy, get_proxy
from hwnas.proxies.combinations import Combination, Scorer, get_scorer
from hwnas.results import Role
from hwnas.spaces import Space

Scores = Callable[[Integer[Array, "n v"]], Float[Array, " n"]]


def scorers_of(space: Space, dataset: str, names: Sequence[str]) -> tuple[list[tuple[Scorer, Role]], str]:
    """Proxies to search by, then the baselines, and a note where one stands in for another.

    Raises `UsageError` for a combination, `UnknownNameError`.
    """
    asked = {scorer.name: scorer for scorer in map(get_scorer, names)}
    note = ""
    if AUTO in asked:
        note = f"{COUNTED} stands in for auto, which ranks within a table of the space: {space.name} has none"
        asked = {scorer.name: scorer for scorer in (get_scorer(COUNTED), *asked.values()) if scorer.name != AUTO}
    for scorer in asked.values():
        if isinstance(scorer, Combination):
            raise UsageError(
                f"{scorer.name} ranks within a table of the space, got {space.name} on {dataset}, which has none; "
                f"search by one of {', '.join(scorer.components)} instead"
            )
    proxies: list[tuple[Scorer, Role]] = [(scorer, "proxy") for scorer in asked.values()]
    return proxies + [(get_proxy(name), "baseline") for name in BASELINES if name not in asked], note


def scores_on_demand(space: Space, dataset: str, proxy: Proxy, settings: ScoreSettings) -> tuple[Scores, str]:
    """Scores by one proxy, and where they come from.

    Computed ones are kept in the cache, by all that decides them: a search that is started again finds what it had.
    Raises `MissingExtraError` without torch where one is needed.
    """
    if proxy.by_architecture:

        def counted(vectors: Integer[Array, "n v"]) -> Float[Array, " n"]:
            return space.counts(vectors, dataset=dataset)[proxy.name].astype(np.float64)

        return counted, "counted from the architecture as written"
    require_torch(f"scoring networks of {space.name} by {proxy.name}")
    from hwnas.proxies.space_scores import score_space

    recipe = make_recipe(space, dataset, [proxy], settings)
    workers = settings.workers
    if settings.executor == "process":
        workers = workers or (1 if recipe.device == "cuda" else cores())
    path = _path(space, dataset, recipe.facts())

    def computed(vectors: Integer[Array, "n v"]) -> Float[Array, " n"]:
        table = score_space(recipe, vectors, checkpoint=path, workers=workers, executor=settings.executor)
        return table.column(proxy.name, space.network_id(vectors))

    return computed, f"{proxy.source}; computed by hwnas on {recipe.batch.source}, seed {recipe.seed}"


def table_column(column: ScoreColumn, space: Space) -> Scores:
    """Scores of a column over all architectures of an enumerable space."""
    return lambda vectors: column.scores[space.index(vectors)]


def only_evaluated(column: ScoreColumn, rows: Integer[Array, " k"]) -> ScoreColumn:
    """The column with no score but in the rows that its search looked at."""
    scores = np.full(len(column.scores), np.nan)
    scores[rows] = column.scores[rows]
    return replace(column, scores=scores, evaluations=len(rows))


def _path(space: Space, dataset: str, facts: object) -> Path:
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]
    return cache_folder() / "searches" / f"{space.name}_{dataset}_{digest}.npz"
