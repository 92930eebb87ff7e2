"""Scores of many architectures of a space: each distinct network once, over processes or a GPU, resumable."""

from __future__ import annotations

import hashlib
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import DataError
from hwnas.proxies.batches import Batch
from hwnas.proxies.engine import score_module
from hwnas.proxies.evidence import ZEN_BATCH, ZEN_MIXUP, ZEN_REPEATS
from hwnas.proxies.registry import get_proxy
from hwnas.proxies.table import ScoreTable, empty_table, load_scores
from hwnas.spaces import get_space

NETWORKS_PER_TASK: Final = 8
CHECKPOINT_SECONDS: Final = 10.0
Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True, eq=False)
class Recipe:
    """All that decides the scores of a space.

    space, dataset: names. proxies: names in the order of the columns. batch: images and labels.
    seed: of every network's initial weights and of random inputs. device: "cpu" or "cuda".
    """

    space: str
    dataset: str
    proxies: tuple[str, ...]
    batch: Batch
    seed: int = 0
    device: str = "cpu"

    def facts(self) -> dict[str, Any]:
        """The recipe as plain values; two tables with equal facts may be merged."""
        images = self.batch.images.numpy().tobytes() + self.batch.labels.numpy().tobytes()
        return {
            "space": self.space,
            "dataset": self.dataset,
            "seed": self.seed,
            "images": self.batch.source,
            "images_sha256": hashlib.sha256(images).hexdigest(),
            "initialisation": "torch's defaults, per network from the seed",
            "zen": {"repeats": ZEN_REPEATS, "batch": ZEN_BATCH, "mixup": ZEN_MIXUP},
        }


def score_space(
    recipe: Recipe,
    vectors: Integer[Array, "n v"],
    *,
    checkpoint: Path,
    workers: int = 1,
    progress: Progress = lambda done, total: None,
) -> ScoreTable:
    """Score the distinct networks among `vectors`; `checkpoint` is written every few seconds and resumed from.

    Ctrl-C saves what is done and raises `KeyboardInterrupt`. Raises `DataError` where the checkpoint is of another
    recipe.
    """
    table = _resume(recipe, get_space(recipe.space).network_id(vectors), checkpoint)
    todo = [table.missing[i : i + NETWORKS_PER_TASK] for i in range(0, len(table.missing), NETWORKS_PER_TASK)]
    done, total, saved = len(table.scores) - len(table.missing), len(table.scores), time.monotonic()
    progress(done, total)
    try:
        for rows, scores in _results(recipe, table.network_ids, todo, workers):
            table.scores[rows] = scores
            done += len(rows)
            progress(done, total)
            if time.monotonic() - saved > CHECKPOINT_SECONDS:
                table.save(checkpoint)
                saved = time.monotonic()
    finally:
        table.save(checkpoint)
    return table


def _resume(recipe: Recipe, network_ids: Integer[Array, " n"], checkpoint: Path) -> ScoreTable:
    table = empty_table(recipe.facts(), recipe.proxies, network_ids)
    if not checkpoint.exists():
        return table
    earlier = load_scores(checkpoint)
    if earlier.recipe != table.recipe or earlier.proxies != table.proxies:
        differing = [key for key in table.recipe if earlier.recipe.get(key) != table.recipe[key]] or ["proxies"]
        raise DataError(
            f"{checkpoint} was made with another {differing[0]}; give another --out, or delete the file to start anew"
        )
    columns = [earlier.column(proxy, table.network_ids) for proxy in recipe.proxies]
    table.scores[:] = np.stack(columns, axis=1)
    return table


def _results(
    recipe: Recipe, network_ids: Integer[Array, " n"], todo: Sequence[Integer[Array, " k"]], workers: int
) -> Iterator[tuple[Integer[Array, " k"], Float[Array, "k p"]]]:
    """Rows and their scores as they come, from this process or from `workers` others."""
    if workers == 1:
        _start(recipe, torch.get_num_threads(), ignore_interrupt=False)
        for rows in todo:
            yield rows, _score_networks(network_ids[rows])
        return
    context = get_context("spawn")
    # One thread each: two processes of one thread score 1.6 times as many networks as one process of two.
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start, initargs=(recipe, 1))
    try:
        rows_of = {pool.submit(_score_networks, network_ids[rows]): rows for rows in todo}
        for future in as_completed(rows_of):
            yield rows_of[future], future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_recipe: Recipe  # set once in each worker, so that images travel once and not with every task


def _start(recipe: Recipe, threads: int, *, ignore_interrupt: bool = True) -> None:
    global _recipe
    if ignore_interrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop, and saves
    torch.set_num_threads(threads)
    _recipe = recipe


def _score_networks(network_ids: Integer[Array, " k"]) -> Float[Array, "k p"]:
    """Scores of networks, in the order of the recipe's proxies."""
    space, proxies = get_space(_recipe.space), [get_proxy(name) for name in _recipe.proxies]
    images = _recipe.batch.images.to(_recipe.device, memory_format=torch.channels_last)
    batch = Batch(images=images, labels=_recipe.batch.labels.to(_recipe.device), source=_recipe.batch.source)
    rows = []
    for vector in space.vector(network_ids):
        with torch.random.fork_rng():
            torch.manual_seed(_recipe.seed)
            module = space.module(vector, dataset=_recipe.dataset, pruned=True)
        # Channels last: 0.29 s instead of 0.55 s for forward and backward of 64 images on one core.
        module = module.to(_recipe.device, memory_format=torch.channels_last)
        graph = space.graph(vector, dataset=_recipe.dataset)
        scores = score_module(module, batch, proxies, graph=graph, seed=_recipe.seed)
        rows.append([scores[proxy.name] for proxy in proxies])
    return np.array(rows, dtype=np.float64)
