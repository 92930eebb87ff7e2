"""Cells of four nodes whose six edges carry operations: which edges matter, which cells are the same graph.

NAS-Bench-201 and the micro space of TransNAS-Bench-101 number their edges, `none` and `skip_connect` in the same way.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from hwnas.arrays import Array, Bool, Float, Integer
from hwnas.spaces.space import CellGraphs

EDGES: Final = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
NONE, SKIP = 0, 1
# Edges of each way from the input, node 0, to the output, node 3.
PATHS: Final = ([3], [0, 4], [1, 5], [0, 2, 5])


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


def isomorphism_key(
    vectors: Integer[Array, "n 6"], operations: int, *, input_skips: bool = True
) -> Integer[Array, " n"]:
    """A number that two cells share if and only if they are isomorphic once their skips are contracted.

    A node whose only input is a skip holds what its source holds, so that its own edges may start at the source. Inner
    nodes may then swap their names: of the two keys the smaller one counts. Edges without a meaning must be `none`.
    input_skips: whether a skip from the cell's input is the identity; where it changes the size it is an operation.
    """
    # How many edges lead from a node to a node with an operation: at most three, as contraction makes parallel ones.
    edges = np.zeros((len(vectors), 3, 4, operations), dtype=np.int64)
    for number, (start, end) in enumerate(EDGES):
        edges[np.arange(len(vectors)), start, end, vectors[:, number]] = 1
    edges[..., NONE] = 0
    for node in (1, 2):
        skips = edges[:, :, node, SKIP]
        source = skips.argmax(axis=1)
        rows = np.flatnonzero(
            (edges[:, :, node].sum(axis=(1, 2)) == 1) & skips.any(axis=1) & (input_skips | (source > 0))
        )
        edges[rows, source[rows], node, SKIP] = 0
        edges[rows, source[rows]] += edges[rows, node]
        edges[rows, node] = 0
    swapped = edges[:, (0, 2, 1)][:, :, (0, 2, 1, 3)]
    return np.asarray(np.minimum(_packed(edges), _packed(swapped)))


def _packed(edges: Integer[Array, "n 3 4 o"]) -> Integer[Array, " n"]:
    """The counts as digits of a number in base 4: seven pairs of nodes times up to four operations are 56 bits."""
    pairs = [(start, end) for start in range(3) for end in range(1, 4) if start != end]
    digits = np.concatenate([edges[:, start, end, NONE + 1 :] for start, end in pairs], axis=1)
    packed: Integer[Array, " n"] = digits @ (4 ** np.arange(digits.shape[1], dtype=np.int64))
    return packed


def smallest_isomorphic(
    vectors: Integer[Array, "n 6"], operations: int, *, input_skips: bool = True
) -> Integer[Array, " n"]:
    """For each row i the smallest j such that row j is a network without dead edges and isomorphic to row i's.

    vectors: all cells of a space, so that each such network is among them.
    """
    pruned = np.where(live_edges(vectors), vectors, NONE)
    keys = isomorphism_key(pruned, operations, input_skips=input_skips)
    whole = np.flatnonzero((pruned == vectors).all(axis=1))
    known, first = np.unique(keys[whole], return_index=True)
    return np.asarray(whole[first][np.searchsorted(known, keys)])


def edge_features(vectors: Integer[Array, "n 6"], operations: int) -> Float[Array, "n f"]:
    """Per edge: one-hot operation, whether the edge is live, one-hot operation where it is; float32."""
    one_hot = np.eye(operations, dtype=np.float32)[vectors]
    live = live_edges(vectors)[:, :, None].astype(np.float32)
    return np.concatenate([one_hot, live, one_hot * live], axis=2).reshape(len(vectors), -1)


def cell_composition(vectors: Integer[Array, "n 6"], operations: int, convolution: int) -> Float[Array, "n c"]:
    """What a cell is made of: how often each operation but `none` is live, paths from input to output, and its depth.

    Depth is the most `convolution`, the one that sees neighbours, on one path. All are among the graph features of
    Kadlecova et al. 2024.
    """
    live = live_edges(vectors)[:, :, None]
    counts = ((vectors[:, :, None] == np.arange(1, operations)) & live).sum(axis=1)
    whole = np.stack([(vectors[:, path] != NONE).all(axis=1) for path in PATHS], axis=1)
    deep = np.stack([(vectors[:, path] == convolution).sum(axis=1) for path in PATHS], axis=1)
    depth = (deep * whole).max(axis=1)
    return np.column_stack([counts, whole.sum(axis=1), depth]).astype(np.float32)


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
