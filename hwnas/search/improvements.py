"""Which architectures to look at next: those that may add most to the hypervolume of what is known."""

from __future__ import annotations

from typing import Final

import numpy as np

from hwnas.arrays import Array, Float, Int
from hwnas.pareto import hypervolume, non_dominated
from hwnas.search.surrogate import Belief

_MOST: Final = 64  # points of a draw whose volume is measured: with five costs each takes milliseconds


def choose(
    belief: Belief, front: Float[Array, "f m"], reference: Float[Array, " m"], *, n: int, rng: np.random.Generator
) -> Int[Array, " k"]:
    """At most n rows, one for each draw of what they may cost: the row that adds most hypervolume in its draw.

    front: costs that are known; reference: the worst cost that counts on each axis. Draws in which no row adds anything
    choose nothing. Thompson sampling of the improvement (Bradford et al. 2018), each architecture drawn on its own: it
    may be better than all that is alike by the luck of its training.
    """
    within = front[(front < reference).all(axis=1)]
    low = np.minimum(belief.mean.min(axis=0), within.min(axis=0)) if len(within) else belief.mean.min(axis=0)
    scale = np.maximum(reference - low, 1e-300)
    front, one = (within - low) / scale, np.ones(len(reference))
    chosen: list[int] = []
    free = np.ones(len(belief.mean), dtype=np.bool_)
    for _ in range(n):
        points = (belief.draw(rng) - low) / scale
        rows = np.flatnonzero(free & (points < 1).all(axis=1))
        rows = rows[non_dominated(np.concatenate([front, points[rows]]))[len(front) :]]
        if len(rows) > _MOST:
            rows = rows[np.argsort(-np.prod(1 - points[rows], axis=1), kind="stable")[:_MOST]]
        if len(rows):
            volumes = [hypervolume(np.concatenate([front, points[[row]]]), one) for row in rows]
            chosen.append(int(rows[np.argmax(volumes)]))
            free[chosen[-1]] = False
    return np.array(chosen, dtype=np.int64)
