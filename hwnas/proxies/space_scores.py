"""Scores of many architectures of a space: each distinct network once, over processes or a GPU, resumable."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import DataError, UsageError, WorkerError, tell_once
from hwnas.proxies.executors import Workers, get_executor, in_worker
from hwnas.proxies.lock import Waits, single_writer
from hwnas.proxies.own_score import OwnProxyError
from hwnas.proxies.proxy import Proxy
from hwnas.proxies.recipes import Recipe, score_networks
from hwnas.proxies.sent_code import Sent, own_of, sendable, take
from hwnas.proxies.table import ScoreTable, empty_table, load_scores
from hwnas.spaces import Space, get_space
from hwnas.threads import one_thread

NETWORKS_PER_TASK: Final = 2  # Ctrl-C waits for the tasks under way
CHECKPOINT_SECONDS: Final = 10.0
Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Networks:
    """What one task computes: canonical ids of networks, and an architecture of each."""

    ids: Integer[Array, " k"]
    vectors: Integer[Array, "k v"]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Work:
    """What all tasks share. own: the user's proxies and spaces that a worker is told of."""

    recipe: Recipe
    own: tuple[Sent, ...] = ()


_Scored = tuple[_Networks, Float[Array, "k p"]]
_Spread = Callable[[Recipe, Sequence[_Networks]], Generator[_Scored, None, None]]


def score_space(  # noqa: PLR0913 - what is scored, by whom, where it is kept, who is told
    recipe: Recipe,
    vectors: Integer[Array, "n v"],
    *,
    checkpoint: Path,
    workers: int | None = 1,
    executor: str = "process",
    progress: Progress = lambda _done, _total: None,
    waits: Waits | None = None,
) -> ScoreTable:
    """Score the networks of `vectors`, isomorphic ones once.

    executor: "process" or "ray". workers: how many; None: as many as it has cores for. waits: called now and then while
    another process writes the checkpoint; None: that is an error.

    `checkpoint` is written every few seconds and resumed from. What it has already stays in it: other networks, and
    other proxies of the same recipe. Ctrl-C saves what is done and raises `KeyboardInterrupt`. Raises `DataError` where
    the checkpoint is of another recipe, cannot be written, or is being written by another process, before anything is
    computed, and `WorkerError` where a worker died, after what is done was saved. Proxies and spaces that the script
    or notebook itself defines reach no process: their networks are scored in this one, which is told.
    """
    if in_worker():  # its parent has the lock, and waits for it
        raise UsageError(
            "expected modules that worker processes import to start no work, got one that asks for scores while it is "
            'imported; put that under `if __name__ == "__main__"`'
        )
    get_executor(executor)  # an unknown name is refused before anything is written
    spread = partial(_results, workers=workers, executor=executor)
    finished = _finished(recipe, vectors, checkpoint)
    if finished is not None:  # nothing is written, so that nobody who writes need be waited for
        total = _distinct(recipe, vectors)
        progress(total, total)
        return finished
    with single_writer(checkpoint, waits=waits):
        try:
            return _score_space(recipe, vectors, checkpoint, spread, progress)
        except WorkerError as error:
            raise WorkerError(f"{error}; what is done is saved in {checkpoint}, start again to go on") from error


def _distinct(recipe: Recipe, vectors: Integer[Array, "n v"]) -> int:
    """How many networks there are to score, isomorphic ones being one."""
    space = get_space(recipe.space)
    return len(np.unique(space.canonical_id(space.network_id(vectors))))


def _finished(recipe: Recipe, vectors: Integer[Array, "n v"], checkpoint: Path) -> ScoreTable | None:
    """The checkpoint's table where it has all that is asked for."""
    network_ids = get_space(recipe.space).network_id(vectors)
    if not checkpoint.exists():
        return None
    table = _resume(recipe, np.unique(network_ids), checkpoint)
    return table if not _parts(recipe, table, vectors, network_ids) else None


def _score_space(
    recipe: Recipe, vectors: Integer[Array, "n v"], checkpoint: Path, spread: _Spread, progress: Progress
) -> ScoreTable:
    space = get_space(recipe.space)
    network_ids = space.network_id(vectors)
    table = _resume(recipe, np.unique(network_ids), checkpoint)
    canonical = space.canonical_id(table.network_ids)
    parts = _parts(recipe, table, vectors, network_ids)
    total = _distinct(recipe, vectors)
    done, saved = total - sum(len(task.ids) for _, todo in parts for task in todo), time.monotonic()
    table.save(checkpoint)
    try:
        progress(done, total)
        for part, todo in parts:
            columns = [table.proxies.index(proxy) for proxy in part.proxies]
            with closing(spread(part, todo)) as results:  # on the way out workers end first, then the table is saved
                for task, scores in results:
                    for network, row in zip(task.ids, scores, strict=True):
                        table.enter(np.flatnonzero(canonical == network), columns, row)
                    done += len(task.ids)
                    progress(done, total)
                    if time.monotonic() - saved > CHECKPOINT_SECONDS:
                        table.save(checkpoint)
                        saved = time.monotonic()
    finally:
        if parts:
            table.save(checkpoint)
    return table


def _parts(
    recipe: Recipe, table: ScoreTable, vectors: Integer[Array, "n v"], network_ids: Integer[Array, " n"]
) -> list[tuple[Recipe, list[_Networks]]]:
    """What is left to do: networks that lack the same proxies together, each with a recipe of those alone."""
    space = get_space(recipe.space)
    columns = [table.proxies.index(proxy) for proxy in recipe.proxies]
    lacking = table.unscored[:, columns]
    parts = []
    for pattern in np.unique(lacking[lacking.any(axis=1)], axis=0):
        alike = table.network_ids[(lacking == pattern).all(axis=1)]
        rows = np.flatnonzero(np.isin(network_ids, alike))
        if len(rows):
            proxies = tuple(proxy for proxy, lacks in zip(recipe.proxies, pattern, strict=True) if lacks)
            tasks = _tasks(space, vectors[rows], space.canonical_id(network_ids[rows]))
            parts.append((replace(recipe, proxies=proxies), tasks))
    return parts


def _tasks(space: Space, vectors: Integer[Array, "n v"], canonical: Integer[Array, " n"]) -> list[_Networks]:
    """Each distinct network once, a few to a task; in an enumerable space by the architecture of the canonical id."""
    ids, rows = np.unique(canonical, return_index=True)
    chosen = space.vector(ids) if space.enumerable else vectors[rows]
    starts = range(0, len(ids), NETWORKS_PER_TASK)
    return [_Networks(ids=ids[i : i + NETWORKS_PER_TASK], vectors=chosen[i : i + NETWORKS_PER_TASK]) for i in starts]


def _resume(recipe: Recipe, wanted: Integer[Array, " n"], checkpoint: Path) -> ScoreTable:
    """The checkpoint's table, with empty cells for what it lacks."""
    facts, constants, space = recipe.facts(), recipe.constants(), get_space(recipe.space)
    if not checkpoint.exists():
        return empty_table({**facts, "constants": constants}, recipe.proxies, wanted)
    earlier = load_scores(checkpoint)
    known = earlier.recipe.get("constants", {})
    shared = [name for name in constants if name in earlier.proxies]
    mine = {**facts, **{name: constants[name] for name in shared}}
    theirs = {**earlier.recipe, **{name: known.get(name, {}) for name in shared}}
    differing = [key for key in mine if theirs.get(key) != mine[key]]
    if differing:
        key = differing[0]
        raise DataError(
            f"expected a table with {key} {mine[key]!r} to go on with at {checkpoint}, "
            f"got one with {theirs.get(key)!r}; give another --out, or delete the file to start anew"
        )
    proxies = dict.fromkeys((*earlier.proxies, *recipe.proxies))
    recorded = {**earlier.recipe, "constants": {**known, **constants}}
    table = empty_table(recorded, tuple(proxies), np.union1d(earlier.network_ids, wanted))
    for column, proxy in enumerate(earlier.proxies):
        table.scores[:, column] = earlier.column(proxy, table.network_ids)
        undefined = space.canonical_id(earlier.network_ids[earlier.undefined[:, column]])
        table.undefined[np.isin(space.canonical_id(table.network_ids), undefined), column] = True
    return table


def _results(
    recipe: Recipe, todo: Sequence[_Networks], *, workers: int | None, executor: str
) -> Generator[_Scored, None, None]:
    """Scores as they come, from this process or from `workers` others."""
    sent = () if workers == 1 and executor == "process" else _sent(recipe, executor)
    if sent is None or (workers == 1 and executor == "process"):
        for task in todo:
            with one_thread():  # as in every other worker: the same scores to the bit
                scores = _score(_Work(recipe=recipe), task.vectors)
            yield task, scores
        return
    work = _Work(recipe=recipe, own=sent)
    run, vectors = get_executor(executor), [task.vectors for task in todo]
    needs = Workers(count=workers, gpu=recipe.device == "cuda")
    with closing(run(_score, work, vectors, needs)) as results:
        for number, scores in results:
            yield todo[number], scores


def _sent(recipe: Recipe, executor: str) -> tuple[Sent, ...] | None:
    """The user's own proxies and space, as workers are told of them; None, and a note, where they cannot be."""
    own = own_of(recipe.space, recipe.proxies)
    if executor != "process":  # Ray sends whatever it is, also to machines whose environment names nothing
        return tuple(own)
    sent = [(one, sendable(one)) for one in own]
    staying = [one for one, found in sent if found is None]
    for one in staying:
        what = f"{'proxy' if isinstance(one, Proxy) else 'space'} {one.name!r}"
        tell_once(
            f"note: worker processes cannot have {what}, which no module that they can import has, as where the script "
            "or notebook itself defines it: networks are scored in this process alone; to share the work, define it in "
            "a file of its own and import it from there"
        )
    return None if staying else tuple(found for _, found in sent if found is not None)


def _score(work: _Work, vectors: Integer[Array, "k v"]) -> Float[Array, "k p"]:
    """Scores of architectures, in whatever process. Raises `ProxyError`."""
    for own in work.own:
        take(own)
    rows = []
    for vector in vectors:
        try:
            rows.append(score_networks(work.recipe, vector[None]))
        except OwnProxyError as error:
            name = get_space(work.recipe.space).strings(vector[None])[0]
            raise OwnProxyError(f"{error}; the network is {name!r} of {work.recipe.space}") from error
    return np.concatenate(rows)
