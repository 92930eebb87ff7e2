"""Scores of many architectures of a space: each distinct network once, over processes or a GPU, resumable."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import numpy as np
import torch

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import DataError
from hwnas.proxies.lock import single_writer
from hwnas.proxies.recipes import Recipe, score_networks
from hwnas.proxies.table import ScoreTable, empty_table, load_scores
from hwnas.spaces import get_space

NETWORKS_PER_TASK: Final = 2  # Ctrl-C waits for the tasks under way
CHECKPOINT_SECONDS: Final = 10.0
Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Scored:
    """What one task found out."""

    network_ids: Integer[Array, " k"]
    scores: Float[Array, "k p"]


def score_space(
    recipe: Recipe,
    vectors: Integer[Array, "n v"],
    *,
    checkpoint: Path,
    workers: int = 1,
    progress: Progress = lambda _done, _total: None,
) -> ScoreTable:
    """Score the networks among `vectors`, isomorphic ones once.

    `checkpoint` is written every few seconds and resumed from. What it has already stays in it: other networks, and
    other proxies of the same recipe. Ctrl-C saves what is done and raises `KeyboardInterrupt`. Raises `DataError` where
    the checkpoint is of another recipe, cannot be written, or is being written by another process, before anything is
    computed.
    """
    with single_writer(checkpoint):
        return _score_space(recipe, vectors, checkpoint, workers, progress)


def _score_space(
    recipe: Recipe, vectors: Integer[Array, "n v"], checkpoint: Path, workers: int, progress: Progress
) -> ScoreTable:
    space = get_space(recipe.space)
    wanted = np.unique(space.network_id(vectors))
    table = _resume(recipe, wanted, checkpoint)
    columns = [table.proxies.index(proxy) for proxy in recipe.proxies]
    canonical = space.canonical_id(table.network_ids)
    unscored = np.isnan(table.scores[:, columns]).any(axis=1) & np.isin(table.network_ids, wanted)
    ids = np.unique(canonical[unscored])
    todo = [ids[i : i + NETWORKS_PER_TASK] for i in range(0, len(ids), NETWORKS_PER_TASK)]
    done, total, saved = len(np.unique(canonical)) - len(ids), len(np.unique(canonical)), time.monotonic()
    table.save(checkpoint)
    try:
        progress(done, total)
        for scored in _results(recipe, todo, workers):
            for network, row in zip(scored.network_ids, scored.scores, strict=True):
                table.scores[np.ix_(canonical == network, columns)] = row
            done += len(scored.network_ids)
            progress(done, total)
            if time.monotonic() - saved > CHECKPOINT_SECONDS:
                table.save(checkpoint)
                saved = time.monotonic()
    finally:
        if todo:
            table.save(checkpoint)
    return table


def _resume(recipe: Recipe, wanted: Integer[Array, " n"], checkpoint: Path) -> ScoreTable:
    """The checkpoint's table, with empty cells for what it lacks."""
    facts = recipe.facts()
    if not checkpoint.exists():
        return empty_table(facts, recipe.proxies, wanted)
    earlier = load_scores(checkpoint)
    differing = [key for key in facts if earlier.recipe.get(key) != facts[key]]
    if differing:
        key = differing[0]
        raise DataError(
            f"expected a table with {key} {facts[key]!r} to go on with at {checkpoint}, "
            f"got one with {earlier.recipe.get(key)!r}; give another --out, or delete the file to start anew"
        )
    proxies = dict.fromkeys((*earlier.proxies, *recipe.proxies))
    table = empty_table(facts, tuple(proxies), np.union1d(earlier.network_ids, wanted))
    for column, proxy in enumerate(earlier.proxies):
        table.scores[:, column] = earlier.column(proxy, table.network_ids)
    return table


def _results(recipe: Recipe, todo: Sequence[Integer[Array, " _"]], workers: int) -> Iterator[_Scored]:
    """Scores as they come, from this process or from `workers` others."""
    if workers == 1:
        for ids in todo:
            yield _Scored(network_ids=ids, scores=score_networks(recipe, ids))
        return
    context = get_context("spawn")
    # One thread each: networks are independent, threads inside small convolutions are not.
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker, initargs=(recipe,))
    try:
        ids_of = {pool.submit(_score_in_worker, ids): ids for ids in todo}
        for future in as_completed(ids_of):
            yield _Scored(network_ids=ids_of[future], scores=future.result())
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_recipe: Recipe  # set once in each worker, so that images travel once and not with every task


def _start_worker(recipe: Recipe) -> None:
    global _recipe
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop, and saves
    torch.set_num_threads(1)
    _recipe = recipe


def _score_in_worker(network_ids: Integer[Array, " k"]) -> Float[Array, "k p"]:
    return score_networks(_recipe, network_ids)
