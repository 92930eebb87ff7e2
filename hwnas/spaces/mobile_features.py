"""Inputs of predictors for networks that are a chain of layers: what each layer is, and what it costs.

Latency is close to a sum over layers, each bound by arithmetic, by memory or by the start of its kernels; few-shot
models see these totals first (`standardised`), and the layers one by one beside them.
"""

from __future__ import annotations

import math

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.spaces.space import CellGraphs


def standardised(total: Integer[Array, "n 5"], table: Integer[Array, "l o 5"]) -> Float[Array, "n 5"]:
    """Total costs minus their mean over the space, in standard deviations.

    table: costs of every option of each layer; mean and deviation are those of layers drawn independently.
    """
    return np.asarray((total - table.mean(axis=1).sum(axis=0)) / np.sqrt(table.var(axis=1).sum(axis=0)))


def scaled(costs: Integer[Array, "n l 5"], table: Integer[Array, "l o 5"]) -> Float[Array, "n l 5"]:
    """Costs of layers as shares of the largest that any layer can have: they still add up over layers."""
    return np.asarray(costs / table.max(axis=(0, 1)))


def flat_features(*parts: Float[Array, "n ..."]) -> Float[Array, "n f"]:
    """All parts, flattened and side by side, float32."""
    return np.concatenate([part.reshape(len(part), math.prod(part.shape[1:])) for part in parts], axis=1).astype(
        np.float32
    )


def chain_graphs(layers: Float[Array, "n l c"], whole: Float[Array, "n 5"]) -> CellGraphs:
    """A chain of layers between input and global node; the global node carries the totals of the whole network.

    Node features: those of the layer, the totals, and which of input, layer and global the node is.
    """
    n, count, width = layers.shape
    nodes = np.zeros((n, count + 2, width + whole.shape[1] + 3), dtype=np.float32)
    nodes[:, 1:-1, :width] = layers
    nodes[:, -1, width:-3] = whole
    nodes[:, 0, -3] = nodes[:, 1:-1, -2] = nodes[:, -1, -1] = 1
    adjacency = np.eye(count + 2, k=1, dtype=np.float32)
    adjacency[:-1, -1] = 1
    return CellGraphs(nodes=nodes, adjacency=adjacency)
