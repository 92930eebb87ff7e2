"""Counts of spaces in which each position of the vector adds its own parameters and multiply-accumulates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import final

import numpy as np

from hwnas.arrays import Array, Integer
from hwnas.graphs import Graph


@final
class AdditiveCounts:
    """Table of what each choice at each position adds to the network of all zeros, read from its graphs once.

    build: the graph of a vector. choices: number of choices at each position.
    """

    def __init__(self, build: Callable[[Sequence[int]], Graph], choices: Sequence[int]) -> None:
        self._base = _count(build([0] * len(choices)))
        self._added = np.zeros((len(choices), max(choices), 2), dtype=np.int64)
        for position, number in enumerate(choices):
            for choice in range(1, number):
                vector = [0] * len(choices)
                vector[position] = choice
                self._added[position, choice] = _count(build(vector)) - self._base

    def __call__(self, vectors: Integer[Array, "n v"]) -> dict[str, Integer[Array, " n"]]:
        """`params`, `macs` and `flops` (2 x macs) of each vector."""
        params, macs = (self._base + self._added[np.arange(vectors.shape[1]), vectors].sum(axis=1)).T
        return {"params": params, "macs": macs, "flops": 2 * macs}


def _count(graph: Graph) -> Integer[Array, " 2"]:
    return np.array([graph.params, graph.macs], dtype=np.int64)
