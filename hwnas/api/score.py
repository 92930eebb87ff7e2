"""Proxy scores: of single networks, from a table or computed on demand, and of a whole space as a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hwnas.api.accuracy import networks_to_score
from hwnas.api.computing import cores, has_torch, require_torch
from hwnas.api.given import Architecture, architecture_strings
from hwnas.api.ranked import columns_among_references, ranked_columns
from hwnas.api.recipes import make_recipe
from hwnas.api.score_forms import SavedTable, ScoreColumn, ScoreResult, ScoreSettings
from hwnas.api.table_checks import scorers_named, table_proxies
from hwnas.arrays import Array, Integer
from hwnas.errors import AbsentError, ProxyError, UsageError
from hwnas.proxies import COUNTS, Proxy, get_proxy, usual_proxies
from hwnas.proxies.combinations import Combination
from hwnas.proxies.table import find_scores, scores_path
from hwnas.spaces import Space, get_space
from hwnas.spaces.own_methods import is_own

if TYPE_CHECKING:
    from hwnas.proxies.recipes import Recipe


def score(  # noqa: PLR0913 - the options of the command, all optional
    architectures: Sequence[Architecture],
    *,
    space: str = "nasbench201",
    dataset: str | None = None,
    proxies: Sequence[str] | None = None,
    settings: ScoreSettings | None = None,
    fresh: bool = False,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> ScoreResult:
    """Scores of networks by each of `proxies`, combinations among them (None: counts and `usual_proxies`, of which
    those that cannot score the networks are left out, which the result notes).

    architectures: strings, tuples of codes or indices, as the space reads them. fresh: compute also what a table has.
    Counts need nothing, scores in a table of the same seed and usual images are read from it, the rest is computed with
    torch. Without torch the table of another data set stands in, and the result says so. Combinations rank among the
    networks of the table of the space, or, where it cannot be enumerated, among reference networks, which are scored
    for it: progress is called with how many are, and of how many. Raises `UsageError`, `DataError`,
    `MissingExtraError`, `ProxyError`, and `AbsentError` for what must not be computed.
    """
    found, settings = get_space(space), settings or ScoreSettings()
    given = architecture_strings(architectures)
    if not given:
        raise UsageError("expected at least one architecture, got none; give one, or score the whole space (--all)")
    where, vectors = found.dataset(dataset), found.parse(given)
    network_ids = found.network_id(vectors)
    scorers = scorers_named((*COUNTS, *usual_proxies(found)) if proxies is None else proxies)
    asked = [scorer for scorer in scorers if isinstance(scorer, Proxy)]
    combinations = [scorer for scorer in scorers if isinstance(scorer, Combination)]
    columns = (
        ranked_columns(found, where, combinations, vectors=vectors, network_ids=network_ids, settings=settings)
        if found.enumerable
        else columns_among_references(found, where, combinations, vectors, settings, progress)
    ) | _counted(found, where, asked, vectors)
    if not fresh:
        columns |= _tabled(found, where, _rest(asked, columns), network_ids, settings)
    rest = _rest(asked, columns)
    new, reasons = _computed(found, where, rest, vectors, settings, usual=proxies is None)
    columns |= new
    return ScoreResult(
        space=found.name,
        dataset=where,
        seed=settings.seed,
        architectures=tuple(found.strings(vectors)),
        index=tuple(found.index(vectors).tolist()) if found.enumerable else (None,) * len(vectors),
        network_id=tuple(network_ids.tolist()),
        columns=tuple(columns[scorer.name] for scorer in scorers if scorer.name not in reasons),
        notes=_left_out(found, reasons),
    )


def score_table(
    *,
    space: str = "nasbench201",
    dataset: str | None = None,
    proxies: Sequence[str] | None = None,
    settings: ScoreSettings | None = None,
    out: Path | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> SavedTable:
    """Score every distinct network of a space by `proxies` (None: `usual_proxies`) and save the table.

    Of the usual ones those that cannot score the first network of a space of one's own are left out and noted.
    A combination stands for those of its components that are not counts.

    out: file of the table; None: in the cache, where `score` and `hwnas pareto` find it. A file that is there already
    is gone on with: after an interruption, with further proxies, or with further networks. progress: called with the
    numbers of networks done and in all. Raises `UsageError`, `DataError`, `MissingExtraError`, `ProxyError`.
    """
    found, settings = get_space(space), settings or ScoreSettings()
    where = found.dataset(dataset)
    asked = table_proxies(found, where, proxies, limit=settings.limit, executor=settings.executor)
    require_torch()
    from hwnas.proxies.executors import get_executor
    from hwnas.proxies.recipes import without_impossible
    from hwnas.proxies.space_scores import score_space

    get_executor(settings.executor)
    recipe = make_recipe(found, where, asked, settings)
    path = out or scores_path(found.name, recipe.dataset)
    if out is None and not _is_usual(recipe, settings):
        raise UsageError(
            f"a table made on {recipe.batch.source} would stand in the cache for the usual one; "
            "give --out FILE, or `hwnas data pull images` first and the usual batch"
        )
    vectors = networks_to_score(found, recipe.dataset, limit=settings.limit, seed=settings.seed)
    reasons: dict[str, str] = {}
    if proxies is None and is_own(type(found)):
        recipe, reasons = without_impossible(recipe, vectors[:1])
    workers = settings.workers
    if settings.executor == "process":
        workers = workers or (1 if recipe.device == "cuda" else cores())
    table = score_space(
        recipe, vectors, checkpoint=path, workers=workers, executor=settings.executor, progress=progress
    )
    return SavedTable(path=path, table=table, notes=_left_out(found, reasons))


def _rest(asked: Sequence[Proxy], columns: dict[str, ScoreColumn]) -> list[Proxy]:
    return [proxy for proxy in asked if proxy.name not in columns]


def _counted(
    space: Space, dataset: str, proxies: Sequence[Proxy], vectors: Integer[Array, "n v"]
) -> dict[str, ScoreColumn]:
    counts = space.counts(vectors, dataset=dataset)
    return {
        proxy.name: ScoreColumn(
            proxy=proxy,
            scores=counts[proxy.name].astype(np.float64),
            kind="counted",
            dataset=dataset,
            source="counted from the architecture as written",
        )
        for proxy in proxies
        if proxy.name in counts
    }


def _tabled(
    space: Space, dataset: str, proxies: Sequence[Proxy], network_ids: Integer[Array, " n"], settings: ScoreSettings
) -> dict[str, ScoreColumn]:
    """Columns that a table has for the same seed and the usual images; of another data set only without torch."""
    columns: dict[str, ScoreColumn] = {}
    if not settings.usual_images or not space.enumerable:
        return columns
    for proxy in proxies:
        table = find_scores(space.name, dataset, proxies=[proxy.name])
        if table is None or table.recipe["seed"] != settings.seed:
            continue
        scored_on, stands_in = table.recipe["dataset"], ""
        if scored_on != dataset:
            if has_torch():
                continue
            stands_in = f", standing in for {dataset}: computing it needs torch"
        columns[proxy.name] = ScoreColumn(
            proxy=proxy,
            scores=table.column(proxy.name, network_ids),
            kind="table",
            dataset=scored_on,
            source=f"table of {space.name} on {scored_on}: {_how(table.recipe)}{stands_in}",
        )
    return columns


def _computed(
    space: Space,
    dataset: str,
    proxies: Sequence[Proxy],
    vectors: Integer[Array, "n v"],
    settings: ScoreSettings,
    *,
    usual: bool,
) -> tuple[dict[str, ScoreColumn], dict[str, str]]:
    """Columns that are computed now; with `usual` proxies also why some cannot score these networks, by name."""
    if not proxies:
        return {}, {}
    if not settings.compute:
        names = ", ".join(proxy.name for proxy in proxies)
        raise AbsentError(f"expected scores that a table has, got {names} of {space.name} on {dataset}; compute them")
    require_torch()
    from hwnas.proxies.recipes import score_networks, without_impossible

    recipe, network_ids = make_recipe(space, dataset, proxies, settings), space.network_id(vectors)
    distinct, first, rows = np.unique(space.canonical_id(network_ids), return_index=True, return_inverse=True)
    chosen = space.vector(distinct) if space.enumerable else vectors[first]
    reasons: dict[str, str] = {}
    try:
        found = score_networks(recipe, chosen)
    except ProxyError:
        if not usual:
            raise
        recipe, reasons = without_impossible(recipe, chosen)
        found = score_networks(recipe, chosen)
    scores, source = found[rows], f"computed now: {_how(recipe.facts())}"
    can = [proxy for proxy in proxies if proxy.name not in reasons]
    return {
        proxy.name: ScoreColumn(proxy=proxy, scores=scores[:, column], kind="computed", dataset=dataset, source=source)
        for column, proxy in enumerate(can)
    }, reasons


def _left_out(space: Space, reasons: Mapping[str, str]) -> tuple[str, ...]:
    """A line for each of the usual proxies that cannot score the networks, and how to leave them out for good."""
    lines = [f"{name} is left out: {reason.removeprefix(f'{name} ')}" for name, reason in reasons.items()]
    if lines:
        needs = sorted(set[str]().union(*(get_proxy(name).needs for name in reasons)))
        lines.append(
            f"what networks of {space.name} cannot give ({', '.join(needs)}) may stand in `lacks` of the space, "
            "which leaves out the proxies that read it"
        )
    return tuple(lines)


def _is_usual(recipe: Recipe, settings: ScoreSettings) -> bool:
    """Whether a table may be found by others: usual images, or noise where no table of real images would be hidden."""
    if not settings.usual_images:
        return False
    if recipe.batch.source.startswith("first"):
        return True
    table = find_scores(recipe.space, recipe.dataset)
    return table is None or table.recipe["dataset"] != recipe.dataset or table.recipe["images"] == recipe.batch.source


def _how(recipe: Any) -> str:
    return f"{recipe['images']}; seed {recipe['seed']}"
