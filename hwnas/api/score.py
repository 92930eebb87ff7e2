"""Proxy scores: of single networks, from a table or computed on demand, and of a whole space as a table."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hwnas.api.score_forms import SavedTable, ScoreColumn, ScoreResult, ScoreSettings
from hwnas.arrays import Array, Integer
from hwnas.errors import MissingExtraError, UsageError
from hwnas.proxies import PROXIES, Proxy, get_proxy
from hwnas.proxies.table import find_scores, scores_path
from hwnas.spaces import Space, get_space

if TYPE_CHECKING:
    from hwnas.proxies.recipes import Recipe


def score(
    architectures: Sequence[str],
    *,
    space: str = "nasbench201",
    dataset: str | None = None,
    proxies: Sequence[str] | None = None,
    settings: ScoreSettings | None = None,
    fresh: bool = False,
) -> ScoreResult:
    """Scores of networks by each of `proxies` (None: all).

    architectures: in any string form of the space. fresh: compute also what a table has. Counts need nothing, scores
    in a table of the same seed and usual images are read from it, the rest is computed with torch. Without torch the
    table of another data set stands in, and the result says so. Raises `UsageError`, `MissingExtraError`,
    `ProxyError`.
    """
    found, settings = get_space(space), settings or ScoreSettings()
    if not architectures:
        raise UsageError("expected at least one architecture, got none; give one, or score the whole space (--all)")
    where, vectors = found.dataset(dataset), found.parse(architectures)
    network_ids = found.network_id(vectors)
    asked = _proxies(proxies)
    columns = _counted(found, where, asked, vectors)
    if not fresh:
        columns |= _tabled(found, where, _rest(asked, columns), network_ids, settings)
    columns |= _computed(found, where, _rest(asked, columns), vectors, settings)
    return ScoreResult(
        space=found.name,
        dataset=where,
        seed=settings.seed,
        architectures=tuple(found.strings(vectors)),
        index=tuple(found.index(vectors).tolist()) if found.enumerable else (None,) * len(vectors),
        network_id=tuple(network_ids.tolist()),
        columns=tuple(columns[proxy.name] for proxy in asked),
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
    """Score every distinct network of a space by `proxies` (None: all that are not counts) and save the table.

    out: file of the table; None: in the cache, where `score` and `hwnas pareto` find it. A file that is there already
    is gone on with: after an interruption, with further proxies, or with further networks. progress: called with the
    numbers of networks done and in all. Raises `UsageError`, `DataError`, `MissingExtraError`, `ProxyError`.
    """
    _require_torch()
    from hwnas.proxies.space_scores import score_space

    found, settings = get_space(space), settings or ScoreSettings()
    if proxies is None:
        proxies = [name for name, proxy in PROXIES.items() if not proxy.by_architecture]
    recipe = _recipe(found, found.dataset(dataset), _proxies(proxies), settings)
    for name in recipe.proxies:
        if PROXIES[name].by_architecture:
            raise UsageError(f"proxy {name!r} is counted from each architecture and needs no table; leave it out")
    path = out or scores_path(found.name, recipe.dataset)
    if out is None and not _is_usual(recipe, settings):
        raise UsageError(
            f"a table made on {recipe.batch.source} would stand in the cache for the usual one; "
            "give --out FILE, or `hwnas data pull images` first and the usual batch"
        )
    vectors = found.sample(settings.limit, seed=settings.seed) if settings.limit else found.all_vectors()
    workers = settings.workers or (1 if recipe.device == "cuda" else _cores())
    return SavedTable(
        path=path, table=score_space(recipe, vectors, checkpoint=path, workers=workers, progress=progress)
    )


def _proxies(names: Sequence[str] | None) -> list[Proxy]:
    asked = [get_proxy(name) for name in (PROXIES if names is None else names)]
    if not asked:
        raise UsageError("expected at least one proxy, got none; `hwnas proxies` lists them")
    return list({proxy.name: proxy for proxy in asked}.values())


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
    if settings.images is not None or settings.batch_size != ScoreSettings.batch_size or not space.enumerable:
        return columns
    for proxy in proxies:
        table = find_scores(space.name, dataset, proxies=[proxy.name])
        if table is None or table.recipe["seed"] != settings.seed:
            continue
        scored_on, stands_in = table.recipe["dataset"], ""
        if scored_on != dataset:
            if _has_torch():
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
    space: Space, dataset: str, proxies: Sequence[Proxy], vectors: Integer[Array, "n v"], settings: ScoreSettings
) -> dict[str, ScoreColumn]:
    if not proxies:
        return {}
    _require_torch()
    from hwnas.proxies.recipes import score_networks

    recipe, network_ids = _recipe(space, dataset, proxies, settings), space.network_id(vectors)
    distinct, first, rows = np.unique(space.canonical_id(network_ids), return_index=True, return_inverse=True)
    chosen = space.vector(distinct) if space.enumerable else vectors[first]
    scores, source = score_networks(recipe, chosen)[rows], f"computed now: {_how(recipe.facts())}"
    return {
        proxy.name: ScoreColumn(proxy=proxy, scores=scores[:, column], kind="computed", dataset=dataset, source=source)
        for column, proxy in enumerate(proxies)
    }


def _is_usual(recipe: Recipe, settings: ScoreSettings) -> bool:
    """Whether a table may be found by others: usual images, or noise where no table of real images would be hidden."""
    if settings.images is not None or settings.batch_size != ScoreSettings.batch_size:
        return False
    if recipe.batch.source.startswith("first"):
        return True
    table = find_scores(recipe.space, recipe.dataset)
    return table is None or table.recipe["dataset"] != recipe.dataset or table.recipe["images"] == recipe.batch.source


def _how(recipe: Any) -> str:
    return f"{recipe['images']}; seed {recipe['seed']}"


def _recipe(space: Space, dataset: str, proxies: Sequence[Proxy], settings: ScoreSettings) -> Recipe:
    import torch

    from hwnas.proxies.batches import load_batch
    from hwnas.proxies.recipes import Recipe, task_of

    device = settings.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    elif device == "cuda" and not torch.cuda.is_available():
        raise UsageError("expected a CUDA device that torch can use, got none; use device 'cpu' or 'auto'")
    batch = load_batch(task_of(space, dataset), images=settings.images, size=settings.batch_size, seed=settings.seed)
    names = tuple(proxy.name for proxy in proxies)
    return Recipe(space=space.name, dataset=dataset, proxies=names, batch=batch, seed=settings.seed, device=device)


def _has_torch() -> bool:
    return importlib.util.find_spec("torch") is not None


def _require_torch() -> None:
    if not _has_torch():
        raise MissingExtraError("scoring networks", "torch")


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
