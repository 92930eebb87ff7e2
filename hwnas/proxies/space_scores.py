"""Scores of many architectures of a space: each distinct network once, over processes or a GPU, resumable."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import numpy as np
import torch

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import DataError
from hwnas.proxies.recipes import Recipe, score_networks
from hwnas.proxies.table import ScoreTable, empty_table, load_scores
from hwnas.spaces import get_space

NETWORKS_PER_TASK: Final = 8
CHECKPOINT_SECONDS: Final = 10.0
Progress = Callable[[int, int], None]


def score_space(
    recipe: Recipe,
    vectors: Integer[Array, "n v"],
    *,
    checkpoint: Path,
    workers: int = 1,
    progress: Progress = lambda _done, _total: None,
) -> ScoreTable:
    """Score the distinct networks among `vectors`; `checkpoint` is written every few seconds and resumed from.

    What the checkpoint has already stays in it: other networks, and other proxies of the same recipe. Ctrl-C saves
    what is done and raises `KeyboardInterrupt`. Raises `DataError` where the checkpoint is of another recipe or
    cannot be written, before anything is computed.
    """
    wanted = np.unique(get_space(recipe.space).network_id(vectors))
    table = _resume(recipe, wanted, checkpoint)
    columns = [table.proxies.index(proxy) for proxy in recipe.proxies]
    unscored = np.isnan(table.scores[:, columns]).any(axis=1) & np.isin(table.network_ids, wanted)
    rows_todo = np.flatnonzero(unscored)
    todo = [rows_todo[i : i + NETWORKS_PER_TASK] for i in range(0, len(rows_todo), NETWORKS_PER_TASK)]
    done, saved = len(wanted) - len(rows_todo), time.monotonic()
    table.save(checkpoint)
    try:
        progress(done, len(wanted))
        for rows, scores in _results(recipe, table.network_ids, todo, workers):
            table.scores[rows[:, None], columns] = scores
            done += len(rows)
            progress(done, len(wanted))
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


def _results(
    recipe: Recipe, network_ids: Integer[Array, " n"], todo: Sequence[Integer[Array, " k"]], workers: int
) -> Iterator[tuple[Integer[Array, " k"], Float[Array, "k p"]]]:
    """Rows and their scores as they come, from this process or from `workers` others."""
    if workers == 1:
        for rows in todo:
            yield rows, score_networks(recipe, network_ids[rows])
        return
    context = get_context("spawn")
    # One thread each: two processes of one thread score 1.6 times as many networks as one process of two.
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker, initargs=(recipe,))
    try:
        rows_of = {pool.submit(_score_in_worker, network_ids[rows]): rows for rows in todo}
        for future in as_completed(rows_of):
            yield rows_of[future], future.result()
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
