"""Cells of DARTS: four nodes, each the sum of two operations on two of the outputs before it."""

from __future__ import annotations

import itertools
import math
from typing import Final

import numpy as np

from hwnas.arrays import Array, Integer

OPERATIONS: Final = (
    "max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5",
)  # fmt: skip
MAX_POOL, AVG_POOL, SKIP = 0, 1, 2
# Kernel of each convolution; separable ones are applied twice, dilated ones once.
SEPARABLE: Final = {3: 3, 4: 5}
DILATED: Final = {5: 3, 6: 5}
# Inputs of a cell: the outputs of the last cell but one and of the last; node i is input i + 2 of later nodes.
INPUTS, NODES = 2, 4
# Which two inputs a node may have, in the order of their numbers in a vector; the first node has no choice.
PAIRS: Final = tuple(tuple(itertools.combinations(range(node + INPUTS), 2)) for node in range(NODES))
CELL_CHOICES: Final = tuple(
    choice for pairs in PAIRS for choice in (len(pairs), len(OPERATIONS), len(OPERATIONS)) if choice > 1
)
_WIDTH: Final = len(CELL_CHOICES)


def cell_edges(cells: Integer[Array, "m 11"]) -> Integer[Array, "m 4 2 2"]:
    """Operation and input of the two edges into each node, the smaller input first."""
    whole = np.insert(cells, 0, 0, axis=1).reshape(len(cells), NODES, 3)
    inputs = np.zeros((NODES, len(PAIRS[-1]), 2), dtype=cells.dtype)
    for node, pairs in enumerate(PAIRS):
        inputs[node, : len(pairs)] = pairs
    return np.stack([whole[:, :, 1:], inputs[np.arange(NODES), whole[:, :, 0]]], axis=3)


def cells_of_edges(edges: Integer[Array, "m 4 2 2"]) -> Integer[Array, "m 11"]:
    """Inverse of `cell_edges`, the edges of a node being in any order; its two inputs differ and come before it."""
    order = np.argsort(edges[:, :, :, 1], axis=2)
    edges = np.take_along_axis(edges, order[:, :, :, None], axis=2)
    numbers = np.zeros((NODES, NODES + INPUTS, NODES + INPUTS), dtype=np.int8)
    for node, pairs in enumerate(PAIRS):
        for number, pair in enumerate(pairs):
            numbers[node][pair] = number
    chosen = numbers[np.arange(NODES), edges[:, :, 0, 1], edges[:, :, 1, 1]]
    whole = np.concatenate([chosen[:, :, None], edges[:, :, :, 0]], axis=2)
    return whole.reshape(len(edges), NODES * 3)[:, 1:].astype(np.int8)


def smallest_order(cells: Integer[Array, "m 11"]) -> Integer[Array, "m 11"]:
    """The first of all cells that are this one with its nodes in another order.

    All nodes are outputs of the cell, so that an order changes that of the channels alone.
    """
    edges = cell_edges(cells)
    weights = np.array([math.prod(CELL_CHOICES[i + 1 :]) for i in range(_WIDTH)], dtype=np.int64)
    best, codes = cells.astype(np.int8), cells.astype(np.int64) @ weights
    for order in itertools.permutations(range(NODES)):
        moved = np.empty_like(edges)
        renamed = np.array([*range(INPUTS), *(place + INPUTS for place in order)])
        moved[:, list(order)] = np.stack([edges[..., 0], renamed[edges[..., 1]]], axis=3)
        allowed = (moved[..., 1] < np.arange(INPUTS, INPUTS + NODES)[:, None]).all(axis=(1, 2))
        others = cells_of_edges(moved)
        new = others.astype(np.int64) @ weights
        better = allowed & (new < codes)
        best[better], codes[better] = others[better], new[better]
    return best


def depths(edges: Integer[Array, "m 4 2 2"]) -> Integer[Array, "m 4"]:
    """The most convolutions between an input of the cell and each node, a separable one being two."""
    own = np.array([2 if op in SEPARABLE else int(op in DILATED) for op in range(len(OPERATIONS))])
    depth = np.zeros((len(edges), INPUTS + NODES), dtype=np.int64)
    for node in range(NODES):
        operations, inputs = edges[:, node, :, 0], edges[:, node, :, 1]
        depth[:, INPUTS + node] = (np.take_along_axis(depth, inputs.astype(np.int64), axis=1) + own[operations]).max(
            axis=1
        )
    return depth[:, INPUTS:]
