"""Cells of NAS-Bench-201 as labelled edges: operations, which edges matter, and which cells are the same graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from hwnas.arrays import Array, Bool, Integer

OPERATIONS: Final = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
NONE, SKIP, CONV_1X1, CONV_3X3, AVG_POOL = range(5)
EDGES: Final = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
# HW-NAS-Bench's tables and analog-nasbench number operations and edges in their own way.
TUPLE_CODES: Final = (SKIP, NONE, CONV_3X3, CONV_1X1, AVG_POOL)
_TUPLE_EDGES: Final = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))
TUPLE_POSITIONS: Final = tuple(_TUPLE_EDGES.index(edge) for edge in EDGES)


def live_edges(vectors: Integer[Array, "n 6"]) -> Bool[Array, "n 6"]:
    """Which edges carry something from the input of the cell to its output."""
    present = vectors != NONE
    e01, e02, e12, e03, e13, e23 = present.T
    from_input_1, from_input_2 = e01, e02 | (e01 & e12)
    to_output_2, to_output_1 = e23, e13 | (e12 & e23)
    return np.stack(
        [
            e01 & to_output_1,
            e02 & to_output_2,
            e12 & from_input_1 & to_output_2,
            e03,
            e13 & from_input_1,
            e23 & from_input_2,
        ],
        axis=1,
    )


def isomorphism_form(vector: Sequence[int]) -> tuple[tuple[int, int, int], ...]:
    """Edges (start, end, operation) that isomorphic cells share: skips contracted, inner nodes in the smaller order.

    A node whose only input is a skip holds what its source holds, so that its own edges may start at the source.
    """
    edges = [(start, end, op) for (start, end), op in zip(EDGES, vector, strict=True) if op != NONE]
    for node in (1, 2):
        incoming = [edge for edge in edges if edge[1] == node]
        if len(incoming) == 1 and incoming[0][2] == SKIP:
            edges.remove(incoming[0])
            edges = [(incoming[0][0] if start == node else start, end, op) for start, end, op in edges]
    names = ({0: 0, 1: 1, 2: 2, 3: 3}, {0: 0, 1: 2, 2: 1, 3: 3})
    return min(tuple(sorted((name[start], name[end], op) for start, end, op in edges)) for name in names)
