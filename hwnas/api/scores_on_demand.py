"""Scores of whatever architectures a search comes to: counts, a table of the whole space, or computed then and kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final, final

import numpy as np

from hwnas.api.columns import AUTO, COUNTED, ScoreColumn, components_of
from hwnas.api.computing import cores, require_torch
from hwnas.api.recipes import make_recipe
from hwnas.api.score_forms import ScoreSettings
from hwnas.arrays import Array, Float, Integer
from hwnas.errors import ProxyError
from hwnas.folders import cache_folder
from hwnas.proxies import BASELINES, Proxy, get_proxy
from hwnas.proxies.combinations import Scorer, get_scorer
from hwnas.results import Role
from hwnas.spaces import Space
from hwnas.spaces.reference import reference_networks

Scores = Callable[[Integer[Array, "n v"]], Float[Array, " n"]]
REFERENCES: Final = 100  # networks that a combination ranks among


@final
@dataclass(frozen=True, kw_only=True)
class Scoring:
    """On the way to the next generation: how many networks are scored of those that it has, or, with `reference`, of
    those that a combination ranks among. waits_for: the process that scores networks of the same space until then."""

    scored: int
    networks: int
    reference: bool
    waits_for: int | None = None


Told = Callable[[Scoring], None]


def scorers_of(space: Space, dataset: str, names: Sequence[str] | None) -> tuple[list[tuple[Scorer, Role]], str]:
    """Proxies and combinations to search by, then the baselines, and a note where one stands in for another.

    Without names, counts alone: `auto` is the default where a table has its parts, here they take long to compute.
    Raises `UnknownNameError`.
    """
    note = ""
    if names is None:
        names = [COUNTED]
        note = (
            f"{COUNTED} stands in for {AUTO}, of whose parts {space.name} on {dataset} has no table; "
            f"asked for by its name, {AUTO} computes them for each network that the search comes to"
        )
    asked = {scorer.name: scorer for scorer in map(get_scorer, names)}
    proxies: list[tuple[Scorer, Role]] = [(scorer, "proxy") for scorer in asked.values()]
    return proxies + [(get_proxy(name), "baseline") for name in BASELINES if name not in asked], note


def is_computed(scorer: Scorer) -> bool:
    """Whether its scores need torch: it, or a part of it, is no count."""
    return any(not get_proxy(name).by_architecture for name in components_of(scorer))


def scores_on_demand(
    space: Space, dataset: str, scorer: Scorer, settings: ScoreSettings, *, told: Told = lambda _at: None
) -> tuple[Scores, str]:
    """Scores by one proxy or combination, and where they come from.

    A combination ranks each network, by its canonical form, among `REFERENCES` of the space, as if it were one more of
    them: so its score does not depend on what a search has seen. They are scored before the first network is.
    told: called while networks are scored, or while another process scores networks of the same space and images.
    What is computed is kept in the cache, by all that decides it: a search that is started again finds what it had.
    Raises `MissingExtraError` without torch where it is needed, and the scores `ProxyError` where less than half of the
    reference networks have one.
    """

    scores_by, made = _parts(space, dataset, [get_proxy(name) for name in components_of(scorer)], settings, told)
    if isinstance(scorer, Proxy):
        source = f"{scorer.source}; {made}" if is_computed(scorer) else made
        return lambda vectors: scores_by(vectors, False)[:, 0], source
    vectors = reference_networks(space, dataset=dataset, n=REFERENCES, seed=settings.seed)

    @cache
    def reference() -> Float[Array, "m p"]:
        scores = scores_by(vectors, True)
        known = scores[~np.isnan(scores).any(axis=1)]
        if 2 * len(known) < len(scores):
            raise ProxyError(
                f"expected most reference networks of {space.name} to have a score by each of "
                f"{', '.join(scorer.components)}, got {len(known)} of {len(scores)}; leave out what is undefined there"
            )
        return np.asarray(known)

    def ranked(vectors: Integer[Array, "n v"]) -> Float[Array, " n"]:
        among = reference()
        return scorer.score_among(scores_by(space.canonical(vectors), False), among)

    return (
        ranked,
        f"{scorer.made_of}, each network among at most {len(vectors)} reference networks of the space; {made}",
    )


def _parts(
    space: Space, dataset: str, proxies: Sequence[Proxy], settings: ScoreSettings, told: Told
) -> tuple[Callable[[Integer[Array, "n v"], bool], Float[Array, "n p"]], str]:
    """Scores by several proxies at once, of networks and whether others rank among them; and how they are made.

    Raises `MissingExtraError`.
    """
    computed = [proxy for proxy in proxies if not proxy.by_architecture]

    def counted(vectors: Integer[Array, "n v"]) -> dict[str, Float[Array, " n"]]:
        counts = space.counts(vectors, dataset=dataset)
        return {name: counts[name].astype(np.float64) for name in counts}

    if not computed:
        return (
            lambda vectors, _reference: np.stack([counted(vectors)[proxy.name] for proxy in proxies], axis=1),
            "counted from the architecture as written",
        )
    require_torch(f"scoring networks of {space.name} by {', '.join(proxy.name for proxy in computed)}")
    from hwnas.proxies.space_scores import score_space

    recipe = make_recipe(space, dataset, computed, settings)
    workers = settings.workers
    if settings.executor == "process":
        workers = workers or (1 if recipe.device == "cuda" else cores())
    path = _path(space, dataset, recipe.facts())

    def scores(vectors: Integer[Array, "n v"], reference: bool) -> Float[Array, "n p"]:
        def tell(scored: int, networks: int, waits_for: int | None = None) -> None:
            told(Scoring(scored=scored, networks=networks, reference=reference, waits_for=waits_for))

        table = score_space(
            recipe,
            vectors,
            checkpoint=path,
            workers=workers,
            executor=settings.executor,
            progress=tell,
            waits=lambda process: tell(0, len(vectors), process),
        )
        ids = space.network_id(vectors)
        columns = counted(vectors) | {proxy.name: table.column(proxy.name, ids) for proxy in computed}
        return np.stack([columns[proxy.name] for proxy in proxies], axis=1)

    return scores, f"computed by hwnas on {recipe.batch.source}, seed {recipe.seed}"


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
