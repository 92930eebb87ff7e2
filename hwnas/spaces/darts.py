"""DARTS (Liu et al. 2019, ICLR): a normal and a reduction cell of four nodes, each the sum of two operations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, final

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import UsageError
from hwnas.spaces.darts_cells import (
    CELL_CHOICES,
    INPUTS,
    NODES,
    OPERATIONS,
    cell_edges,
    cells_of_edges,
    depths,
    smallest_order,
)
from hwnas.spaces.space import CellGraphs, Space

if TYPE_CHECKING:
    from torch import nn

    from hwnas.graphs import Graph

# Names in the short form, in the order of `OPERATIONS`.
SHORT: Final = ("max3", "avg3", "skip", "sep3", "sep5", "dil3", "dil5")
_CELLS: Final = ("normal", "reduce")
_CONCAT: Final = r"(?:range\(2,6\)|\[2,3,4,5\])"
_LIST: Final = r"\[((?:\(['\"]\w+['\"],\d\),?)*)\]"
_GENOTYPE: Final = re.compile(
    r"(?:\w+=)?Genotype\(" + ",".join(f"{cell}={_LIST},{cell}_concat={_CONCAT}" for cell in _CELLS) + r",?\)"
)
_PUBLISHED_EDGE: Final = re.compile(r"\(['\"](\w+)['\"],(\d)\)")
_SHORT_EDGE: Final = re.compile(r"(\w+)@(\d)")
_EDGES: Final = 2 * NODES


@final
class DARTS(Space):
    """The 1.1e18 networks of DARTS (180 x 7^8 cells, squared); a vector holds 11 numbers of each of the two cells.

    Of a cell: two operations of the first node; of every other node which pair of inputs, and two operations.
    """

    name = "darts"
    aliases = ("darts-cnn",)
    title = "DARTS: normal and reduction cells of four nodes and seven operations"
    source = "Liu et al. 2019, arXiv:1806.09055"
    datasets = ("cifar10", "imagenet")
    choices = CELL_CHOICES * 2

    def strings(self, vectors: Integer[Array, "n v"]) -> list[str]:
        """`sep3@0+sep3@1-...-skip@0+dil3@2_max3@0+...`: nodes of the normal cell, `_`, those of the reduction cell."""
        return [
            "_".join(
                "-".join("+".join(f"{SHORT[operation]}@{source}" for operation, source in node) for node in cell)
                for cell in row
            )
            for row in self._edges(vectors).tolist()
        ]

    def genotypes(self, vectors: Integer[Array, "n v"]) -> list[str]:
        """The published form: `Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=[2, 3, 4, 5], reduce=...`."""
        return [
            "Genotype("
            + ", ".join(
                f"{name}={[(OPERATIONS[operation], source) for node in cell for operation, source in node]}, "
                f"{name}_concat={list(range(INPUTS, INPUTS + NODES))}"
                for name, cell in zip(_CELLS, row, strict=True)
            )
            + ")"
            for row in self._edges(vectors).tolist()
        ]

    def parse(self, strings: Sequence[str]) -> Integer[Array, "n v"]:
        """Vectors of short strings or of published genotypes; the order of the two inputs of a node does not matter."""
        edges = np.array([self._parse("".join(string.split())) for string in strings], dtype=np.int64)
        cells = cells_of_edges(edges.reshape(2 * len(strings), NODES, 2, 2))
        return cells.reshape(len(strings), len(self.choices))

    def _parse(self, text: str) -> list[list[tuple[int, int]]]:
        if match := _GENOTYPE.fullmatch(text):
            return [self._cell(_PUBLISHED_EDGE.findall(cell), OPERATIONS, text) for cell in match.groups()]
        cells = [re.split(r"[-+]", cell) for cell in text.split("_")]
        matches = [[_SHORT_EDGE.fullmatch(edge) for edge in cell] for cell in cells]
        if len(cells) != len(_CELLS) or None in (edge for cell in matches for edge in cell):
            raise self._refusal(text)
        return [self._cell([edge.groups() for edge in cell if edge], SHORT, text) for cell in matches]

    def _cell(self, edges: Sequence[Sequence[str]], names: Sequence[str], text: str) -> list[tuple[int, int]]:
        if len(edges) != _EDGES:
            raise self._refusal(text)
        for number, (operation, source) in enumerate(edges):
            if operation not in names:
                raise UsageError(f"operation {operation!r} is not known; expected one of {', '.join(names)}")
            node, other = number // 2, edges[number ^ 1][1]
            if int(source) >= node + INPUTS or source == other:
                raise UsageError(
                    f"node {node} of a cell of {self.name} has two different inputs from 0 to {node + INPUTS - 1}, "
                    f"got {other} and {source}"
                )
        return [(names.index(operation), int(source)) for operation, source in edges]

    def _refusal(self, text: str) -> UsageError:
        return UsageError(
            f"{text!r} is not an architecture of {self.name}; expected two cells of {_EDGES} operations with their "
            "inputs, 'sep3@0+sep3@1-...-..._...' or 'Genotype(normal=[('sep_conv_3x3', 0), ...], "
            "normal_concat=range(2, 6), reduce=[...], reduce_concat=range(2, 6))'"
        )

    def canonical(self, vectors: Integer[Array, "n v"]) -> Integer[Array, "n v"]:
        """Both cells with their nodes in the first possible order: only the order of channels differs."""
        self.check(vectors)
        cells = vectors.reshape(2 * len(vectors), len(CELL_CHOICES))
        return smallest_order(cells).reshape(vectors.shape)

    def network_id(self, vectors: Integer[Array, "n v"]) -> Integer[Array, " n"]:
        """Key of the canonical form; every node reaches the output."""
        return self.key(self.canonical(vectors))

    def counts(self, vectors: Integer[Array, "n v"], *, dataset: str) -> dict[str, Integer[Array, " n"]]:
        """`params`, `macs`, `flops`, without the auxiliary head that only training has; they add up over edges."""
        from hwnas.spaces.darts_graph import costs

        base, added = costs(self.dataset(dataset))
        edges = self._edges(vectors)
        cell = np.arange(len(_CELLS))[:, None, None]
        from_input = (edges[..., 1] < INPUTS).astype(np.int64)
        params, macs = (base + added[cell, from_input, edges[..., 0]].sum(axis=(1, 2, 3))).T
        return {"params": params, "macs": macs, "flops": 2 * macs}

    def features(self, vectors: Integer[Array, "n v"]) -> Float[Array, "n f"]:
        """Composition, then one-hot operation and input of each of the 16 edges; (n, 226) float32."""
        nodes = self._edge_features(vectors).reshape(len(vectors), 2 * _EDGES * (len(OPERATIONS) + INPUTS + NODES))
        return np.concatenate([self.composition(vectors), nodes], axis=1)

    def composition(self, vectors: Integer[Array, "n v"]) -> Float[Array, "n c"]:
        """Per cell how often each operation occurs, and the most convolutions before its nodes: maximum and mean."""
        edges = self._edges(vectors)
        taken = (edges[..., 0, None] == np.arange(len(OPERATIONS))).sum(axis=(2, 3))
        deep = depths(edges.reshape(2 * len(vectors), NODES, 2, 2)).reshape(len(vectors), 2, NODES)
        parts = [taken, deep.max(axis=2, keepdims=True), deep.mean(axis=2, keepdims=True)]
        return np.concatenate(parts, axis=2).reshape(len(vectors), 2 * (len(OPERATIONS) + 2)).astype(np.float32)

    def cell_graphs(self, vectors: Integer[Array, "n v"]) -> CellGraphs:
        """Operations as nodes, eight of each cell, and a global node; from each to all that may read it.

        Node features: one-hot operation, one-hot input, cell, number of the node that it leads to; global.
        """
        edges = self._edge_features(vectors)
        nodes = np.zeros((len(vectors), 2 * _EDGES + 1, edges.shape[2] + 3), dtype=np.float32)
        nodes[:, :-1, :-3] = edges
        cell, target = np.divmod(np.arange(2 * _EDGES) // 2, NODES)
        nodes[:, :-1, -3], nodes[:, :-1, -2], nodes[:, -1, -1] = cell, target / NODES, 1
        adjacency = np.zeros((2 * _EDGES + 1,) * 2, dtype=np.float32)
        adjacency[:-1, :-1] = (cell[:, None] == cell) & (target[:, None] < target)
        adjacency[:-1, -1] = 1
        return CellGraphs(nodes=nodes, adjacency=adjacency)

    def graph(self, vector: Integer[Array, " v"], *, dataset: str) -> Graph:
        """Operators of the whole network, stem to classifier."""
        from hwnas.spaces.darts_graph import build_graph

        self.check(vector[None])
        return build_graph(vector, self.dataset(dataset))

    def module(
        self,
        vector: Integer[Array, " v"],
        *,
        dataset: str,
        pruned: bool = False,  # noqa: ARG002 - part of the contract
    ) -> nn.Module:
        """The network that the paper trains; `pruned` changes nothing, since every operation reaches the output."""
        from hwnas.spaces.darts_graph import FORMS
        from hwnas.spaces.darts_module import Network

        self.check(vector[None])
        return Network(vector, form=FORMS[self.dataset(dataset)])

    def _edges(self, vectors: Integer[Array, "n v"]) -> Integer[Array, "n 2 4 2 2"]:
        """By cell, node and edge: operation and input."""
        self.check(vectors)
        cells = vectors.reshape(2 * len(vectors), len(CELL_CHOICES))
        return cell_edges(cells).reshape(len(vectors), 2, NODES, 2, 2)

    def _edge_features(self, vectors: Integer[Array, "n v"]) -> Float[Array, "n 16 13"]:
        edges = self._edges(vectors).reshape(len(vectors), 2 * _EDGES, 2)
        operations = np.eye(len(OPERATIONS), dtype=np.float32)[edges[..., 0]]
        return np.concatenate([operations, np.eye(INPUTS + NODES, dtype=np.float32)[edges[..., 1]]], axis=2)
