"""Which nets to measure on a new device: ways to choose them, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from hwnas.arrays import Array, Integer
from hwnas.errors import DataError, UnknownNameError, UsageError
from hwnas.latency import fewshot
from hwnas.latency.known_devices import few_shot_model
from hwnas.spaces import Space

AUTO: Final = "auto"
CANDIDATES: Final = 5000  # `spread` looks at so many random nets of a space that it cannot enumerate


def method_for(space: Space, method: str) -> str:
    """The key of `CHOOSERS` that is meant: "auto" is `design` where known devices taught something, else `spread`."""
    if method != AUTO:
        return method
    try:
        few_shot_model(space)
    except DataError:
        return "spread"
    return "design"


def choose_nets(space: Space, n: int, *, method: str, seed: int) -> Integer[Array, "n v"]:
    """n different architectures by a method of `CHOOSERS`, in the order of their worth; same seed, same nets.

    Raises `UnknownNameError` for another method, `UsageError` where the space has fewer than n.
    """
    if method not in CHOOSERS:
        raise UnknownNameError("method of choosing nets", method, CHOOSERS)
    if n > space.size:
        raise UsageError(f"space {space.name!r} has {space.size} architectures, {n} were asked for")
    return CHOOSERS[method](space, n, seed)


def _random(space: Space, n: int, seed: int) -> Integer[Array, "n v"]:
    """Drawn uniformly from the space."""
    return space.sample(n, seed=seed) if space.enumerable else _distinct(space, n, seed)


def _spread(space: Space, n: int, seed: int) -> Integer[Array, "n v"]:
    """Cheapest and dearest of the space, then each the farthest from those before it (Gonzalez 1985) in its features.

    Cheap and dear are by MACs of the first data set: a model of these measurements has little below or above them to
    guess. Ties, of which features of choices have many, go to a seeded draw.
    """
    drawn = space.all_vectors() if space.enumerable else _distinct(space, max(n, CANDIDATES), seed)
    shuffled = np.random.default_rng(seed).permutation(drawn)  # the first of equals is a drawn one
    candidates = np.concatenate([_ends(space, shuffled), shuffled])
    candidates = candidates[np.sort(np.unique(space.key(candidates), return_index=True)[1])]
    features = space.features(candidates).astype(np.float64)
    chosen = [0]
    distance = np.full(len(candidates), np.inf)
    while len(chosen) < n:
        distance = np.minimum(distance, ((features - features[chosen[-1]]) ** 2).sum(axis=1))
        distance[chosen] = -1  # architectures with equal features are different all the same
        chosen.append(1 if len(chosen) == 1 else int(distance.argmax()))
    return candidates[chosen]


def _ends(space: Space, vectors: Integer[Array, "n v"]) -> Integer[Array, "2 v"]:
    """The cheapest and the dearest of these by MACs; in a large space what is reached from them by single changes."""
    ends = []
    for sign in (1, -1):
        macs = sign * _macs(space, vectors)
        end, least = vectors[macs.argmin()], macs.min()
        while not space.enumerable:
            near = space.neighbours(end)
            macs = sign * _macs(space, near)
            if macs.min() >= least:
                break
            end, least = near[macs.argmin()], macs.min()
        ends.append(end)
    return np.stack(ends)


def _macs(space: Space, vectors: Integer[Array, "n v"]) -> Integer[Array, " n"]:
    return np.asarray(space.counts(vectors, dataset=space.datasets[0])["macs"], dtype=np.int64)


def _distinct(space: Space, n: int, seed: int) -> Integer[Array, "n v"]:
    """n different random architectures of a space that is too large to draw without repeats."""
    drawn = np.unique(space.sample(2 * n, seed=seed), axis=0)
    if len(drawn) < n:
        raise UsageError(f"expected {n} different architectures of {space.name!r}, got {len(drawn)}; ask for fewer")
    return np.random.default_rng(seed).permutation(drawn)[:n]


def _design(space: Space, n: int, seed: int) -> Integer[Array, "n v"]:
    """Those that leave the least uncertainty about all others, by what known devices have in common."""
    return fewshot.plan(space, count=n, method="informative", seed=seed)


def _reference(space: Space, n: int, seed: int) -> Integer[Array, "n v"]:  # noqa: ARG001 - one list, no draw
    """The ten reference networks of HELP (Lee et al. 2021), or the first of them."""
    chosen = fewshot.plan(space, count=n, method="reference")
    if len(chosen) < n:
        raise UsageError(f"expected at most {len(chosen)} reference networks, got {n}; ask for fewer or use 'design'")
    return chosen


# Ways to choose the nets by name: (space, n, seed) to (n, v) vectors. The docstring goes into the manifest.
CHOOSERS: Final[dict[str, Callable[[Space, int, int], Integer[Array, "n v"]]]] = {
    "design": _design,
    "random": _random,
    "reference": _reference,
    "spread": _spread,
}
