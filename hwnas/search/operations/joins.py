"""Which two edges into each node are kept, once all edges have their operation (DARTS; Xiang et al. 2023). Numpy only.

As in the published code an edge is worth what the supernet loses without it; nodes come in the order of the edges.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from hwnas.arrays import Array, Float, Int
from hwnas.search.operations.discretise import Plan, Score

KEPT: Final = 2


def keep_two(
    score: Score,
    decided: Int[Array, " e"],
    *,
    operations: int,
    joins: Sequence[Sequence[int]],
    plan: Plan,
    rng: np.random.Generator,
) -> Int[Array, " e"]:
    """The operation of each edge, -1 for edges that are not kept.

    joins: the edges into each node; edges in none of them stay. One node is decided after the other: in a random order
    with the order "random", else as they stand. An edge is scored by the supernet without it, and those with the lowest
    scores are kept; with `perturb` False by the supernet in which its node has nothing else, and those with the highest
    are. A score of NaN is the worst.
    """
    weights = np.zeros((len(decided), operations))
    weights[np.arange(len(decided)), decided] = 1.0
    kept = decided.copy()
    several = [np.array(edges) for edges in joins if len(edges) > KEPT]
    order = rng.permutation(len(several)) if plan.order == "random" else np.arange(len(several))
    for step, node in enumerate(order.tolist(), start=len(decided)):
        edges = several[node]
        worth = [_worth(score, weights, edges, edge, plan, step) for edge in edges.tolist()]
        dropped = edges[np.argsort(-np.array(worth), kind="stable")[KEPT:]]
        weights[dropped], kept[dropped] = 0.0, -1
    return kept


def _worth(
    score: Score, weights: Float[Array, "e o"], edges: Int[Array, " k"], edge: int, plan: Plan, step: int
) -> float:
    without = weights.copy()
    without[edge if plan.perturb else edges[edges != edge]] = 0.0
    value = score(without, step)
    return -np.inf if np.isnan(value) else -value if plan.perturb else value
