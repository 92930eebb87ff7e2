"""Cells of four nodes whose six edges carry operations: which edges matter, which cells are the same graph.

NAS-Bench-201 and the micro space of TransNAS-Bench-101 number their edges, `none` and `skip_connect` in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from hwnas.arrays import Array, Bool, Float, Integer
from hwnas.spaces.space import CellGraphs

EDGES: Final = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
NONE, SKIP = 0, 1

Form = tuple[tuple[int, int, int], ...]


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


def isomorphism_form(vector: Sequence[int], *, input_skips: bool = True) -> Form:
    """Edges (start, end, operation) that isomorphic cells share: skips contracted, inner nodes in the smaller order.

    A node whose only input is a skip holds what its source holds, so that its own edges may start at the source.
    input_skips: whether a skip from the cell's input is the identity; where it changes the size it is an operation.
    """
    edges = [(start, end, op) for (start, end), op in zip(EDGES, vector, strict=True) if op != NONE]
    for node in (1, 2):
        incoming = [edge for edge in edges if edge[1] == node]
        if len(incoming) == 1 and incoming[0][2] == SKIP and (input_skips or incoming[0][0] != 0):
            edges.remove(incoming[0])
            edges = [(incoming[0][0] if start == node else start, end, op) for start, end, op in edges]
    names = ({0: 0, 1: 1, 2: 2, 3: 3}, {0: 0, 1: 2, 2: 1, 3: 3})
    return min(tuple(sorted((name[start], name[end], op) for start, end, op in edges)) for name in names)


def smallest_isomorphic(vectors: Integer[Array, "n 6"], *, input_skips: bool = True) -> Integer[Array, " n"]:
    """For each row i the smallest j such that row j is a network without dead edges and isomorphic to row i's.

    vectors: all cells of a space, so that each such network is among them.
    """
    smallest: dict[Form, int] = {}
    pruned = np.where(live_edges(vectors), vectors, NONE)
    forms = [isomorphism_form(row, input_skips=input_skips) for row in pruned.tolist()]
    for index, form in enumerate(forms):
        if (pruned[index] == vectors[index]).all():
            smallest.setdefault(form, index)
    return np.array([smallest[form] for form in forms], dtype=np.int64)


def edge_features(vectors: Integer[Array, "n 6"], operations: int) -> Float[Array, "n f"]:
    """Per edge: one-hot operation, whether the edge is live, one-hot operation where it is; float32."""
    one_hot = np.eye(operations, dtype=np.float32)[vectors]
    live = live_edges(vectors)[:, :, None].astype(np.float32)
    return np.concatenate([one_hot, live, one_hot * live], axis=2).reshape(len(vectors), -1)


def operation_graphs(vectors: Integer[Array, "n 6"], operations: int) -> CellGraphs:
    """Operations as nodes (BRP-NAS, Dudziak 2020, section 3.1): input, six edges, output, global node.

    Node features: one-hot of the operations, input, output, global; and whether the operation is live.
    """
    ends = [np.full((len(vectors), 1), operations + kind) for kind in range(3)]
    kinds = np.concatenate([ends[0], vectors, ends[1], ends[2]], axis=1)
    live = np.ones((len(vectors), 9, 1), dtype=np.float32)
    live[:, 1:7, 0] = live_edges(vectors)
    nodes = np.concatenate([np.eye(operations + 3, dtype=np.float32)[kinds], live], axis=2)
    return CellGraphs(nodes=nodes, adjacency=_operation_adjacency())


def _operation_adjacency() -> Float[Array, "9 9"]:
    """Which operation feeds which: node 0 is the cell's input, 1 to 6 its edges, 7 its output, 8 the global node."""
    adjacency = np.zeros((9, 9), dtype=np.float32)
    for number, (start, end) in enumerate(EDGES, start=1):
        adjacency[0, number] = start == 0
        adjacency[number, 7] = end == 3
        for other, (other_start, _) in enumerate(EDGES, start=1):
            adjacency[number, other] = end == other_start
    adjacency[:8, 8] = 1
    return adjacency
