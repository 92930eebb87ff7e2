"""Searches for accuracy alone that train one network after the other, with what a proxy knows (Abdelfattah 2021).

Each is a generator: it yields an architecture and is sent its accuracy. `start` are architectures to train first, as
`warm_up` gives them; `move` chooses a neighbour, as `propose_move` does, and by default any neighbour is as good.
An accuracy of NaN raises `UsageError` with the architecture where something would be learned from it; minus infinity is
worse than any.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from itertools import islice
from typing import Any, Final

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import UsageError
from hwnas.search.reinforce import Reinforce
from hwnas.spaces import Space

Training = Generator[Any, float, None]
Move = Callable[[Any], Any]
# Scores of candidates, by a model that is fitted to trained architectures and their accuracies.
Fit = Callable[[Integer[Array, "t v"], Float[Array, " t"]], Float[Array, " n"]]
POPULATION: Final = 64
TOURNAMENT: Final = 10


def trained(search: Training, accuracy: Callable[[Any], float], *, nets: int) -> Float[Array, " t"]:
    """Accuracies in the order in which `nets` networks were trained; fewer where the search ends."""
    found: list[float] = []
    vector = next(search, None)
    while vector is not None and len(found) < nets:
        found.append(accuracy(vector))
        try:
            vector = search.send(found[-1])
        except StopIteration:
            break
    return np.array(found, dtype=np.float64)


def random_training(space: Space, *, rng: np.random.Generator, start: Integer[Array, "s v"] | None = None) -> Training:
    """The start, then architectures by chance, without end."""
    yield from _rows(start)
    while True:
        yield space.sample(1, seed=int(rng.integers(2**32)))[0]


def evolution_training(
    space: Space,
    *,
    rng: np.random.Generator,
    start: Integer[Array, "s v"] | None = None,
    move: Move | None = None,
    population: int = POPULATION,
) -> Training:
    """Ageing evolution (Real et al. 2019): the best of ten of the population has a child, the oldest dies.

    The population starts with the first architectures of `start`, else by chance.
    """
    alive: deque[tuple[float, Any]] = deque(maxlen=population)
    first: Iterable[Any] = islice(random_training(space, rng=rng, start=start), population)
    for vector in first:
        alive.append((_known((yield vector), vector), vector))
    while True:
        drawn = rng.choice(len(alive), size=min(TOURNAMENT, len(alive)), replace=False)
        parent = max((alive[row] for row in drawn), key=lambda one: one[0])[1]
        child = _moved(space, parent, move, rng)
        alive.append((_known((yield child), child), child))


def reinforce_training(
    space: Space,
    *,
    seed: int,
    start: Integer[Array, "s v"] | None = None,
    move: Move | None = None,
    first: int = POPULATION,
) -> Training:
    """A policy that learns from every network: from at most `first` of the start, then from what it draws itself.

    With `move` a drawn architecture is replaced by the neighbour that is proposed.
    """
    policy = Reinforce(space, seed=seed)
    for vector in islice(_rows(start), first):
        policy.learn(vector, (yield vector))
    while True:
        vector = policy.sample()
        vector = vector if move is None else move(vector)
        policy.learn(vector, (yield vector))


def predictor_training(
    candidates: Integer[Array, "n v"],
    fit: Fit,
    *,
    rng: np.random.Generator,
    start: Integer[Array, "s v"] | None = None,
    first: int = 20,
    batch: int = 10,
) -> Training:
    """Iterative training of a predictor (BRP-NAS, Dudziak et al. 2020, section 4): train, fit, train the best of it.

    `first` networks of the start (or by chance), then rounds of `batch`: the best predicted that were not trained. Ends
    when every candidate is trained, whether or not the start has others. Raises `UsageError` for less than two networks
    at first.
    """
    if first < 2 or batch < 1:
        raise UsageError(f"expected at least two networks at first and one a round, got {first} and {batch}")
    known: dict[tuple[int, ...], float] = {}
    vectors: list[Any] = []
    order = rng.permutation(candidates) if start is None else np.concatenate([start, rng.permutation(candidates)])
    every = {tuple(vector) for vector in candidates.tolist()}
    while not every <= known.keys():
        wanted = len(known) + (batch if known else first)
        for vector in order:
            if len(known) == wanted:
                break
            choices = tuple(vector.tolist())
            if choices not in known:
                known[choices] = _known((yield vector), vector)
                vectors.append(vector)
        scores = fit(np.stack(vectors), np.array(list(known.values())))
        order = candidates[np.argsort(-scores, kind="stable")]


def _known(accuracy: float, vector: Any) -> float:
    if np.isnan(accuracy):
        raise UsageError(
            f"expected an accuracy of the architecture {vector.tolist()}, got NaN; give minus infinity where its "
            "training failed"
        )
    return accuracy


def _rows(start: Integer[Array, "s v"] | None) -> Generator[Any, float, None]:
    for vector in () if start is None else start:  # noqa: UP028 - an array's iterator cannot be sent an accuracy
        yield vector


def _moved(space: Space, vector: Any, move: Move | None, rng: np.random.Generator) -> Any:
    return rng.permutation(space.neighbours(vector))[0] if move is None else move(vector)
