"""The micro space of TransNAS-Bench-101 (Duan et al. 2021, CVPR): a cell of four nodes, four operations on its edges.

The vector follows the benchmark's strings: edges 0→1, 0→2, 1→2, 0→3, 1→3, 2→3, operations by its codes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Final, final

import numpy as np

from hwnas.arrays import Array, Bool, Float, Integer
from hwnas.errors import UsageError
from hwnas.spaces.additive import AdditiveCounts
from hwnas.spaces.four_node_cells import (
    NONE,
    cell_composition,
    edge_features,
    live_edges,
    operation_graphs,
    smallest_isomorphic,
)
from hwnas.spaces.space import CellGraphs, Space

if TYPE_CHECKING:
    from torch import nn

    from hwnas.graphs import Graph

OPERATIONS: Final = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3")
# 64 channels; five modules of two cells, of which 4 marks those that halve the image and double the channels.
_MACRO: Final = "64-41414-"
_STRING = re.compile(rf"(?:{_MACRO})?([0-3])_([0-3])([0-3])_([0-3])([0-3])([0-3])")
_TUPLE = re.compile(r"\(\s*" + r"\s*,\s*".join(["([0-3])"] * 6) + r"\s*\)")


@final
class TransNASMicro(Space):
    """The 4,096 architectures of TransNAS-Bench-101's micro space, 2,128 distinct networks, for scene classification.

    Its data set `class_scene` has 47 classes of rooms in images of 256x256, as the benchmark trains on them.
    """

    name = "transnas-micro"
    aliases = ("transnas-bench-101-micro", "transnas101-micro", "tnb101-micro")
    title = "TransNAS-Bench-101 micro: 4,096 cells of four nodes and four operations"
    source = "Duan et al. 2021, arXiv:2105.11871"
    datasets = ("class_scene",)
    choices = (len(OPERATIONS),) * 6
    cell_operations = OPERATIONS

    def strings(self, vectors: Integer[Array, "n v"]) -> list[str]:
        """`64-41414-a_bc_def` of each row, as the benchmark writes it."""
        self.check(vectors)
        return [_MACRO + "{}_{}{}_{}{}{}".format(*row) for row in vectors.tolist()]

    def parse(self, strings: Sequence[str]) -> Integer[Array, "n v"]:
        """Vectors of benchmark strings (`64-41414-1_02_333` or `1_02_333`), tuples `(1, 0, 2, 3, 3, 3)` or indices."""
        return np.array([self._parse(string.strip()) for string in strings], dtype=np.int8).reshape(-1, 6)

    def _parse(self, text: str) -> list[int]:
        if match := _STRING.fullmatch(text) or _TUPLE.fullmatch(text):
            return [int(code) for code in match.groups()]
        if text.isascii() and text.isdigit() and len(text) < 10:
            return self.vector(np.array([int(text)]))[0].tolist()  # type: ignore[no-any-return]
        raise UsageError(
            f"{text!r} is not an architecture of {self.name}; expected '{_MACRO}a_bc_def' with codes from 0 to 3, "
            f"a tuple of six codes, or an index from 0 to {self.size - 1}"
        )

    def live(self, vectors: Integer[Array, "n 6"]) -> Bool[Array, "n 6"]:
        """Which edges carry something from the input of the cell to its output."""
        return live_edges(vectors)

    def network_id(self, vectors: Integer[Array, "n v"]) -> Integer[Array, " n"]:
        """Index of the architecture in which every edge that cannot matter is `none` (2,128 distinct values)."""
        self.check(vectors)
        return self.index(np.where(self.live(vectors), vectors, np.int8(NONE)))

    def canonical_id(self, network_ids: Integer[Array, " n"]) -> Integer[Array, " n"]:
        """Smallest id among isomorphic networks: 1,876 of the 2,128 differ by more than the order of their nodes.

        A skip from the cell's input is no identity here: it is an operation in the cells that halve the image.
        """
        return np.asarray(_canonical_ids()[network_ids])

    def counts(self, vectors: Integer[Array, "n v"], *, dataset: str) -> dict[str, Integer[Array, " n"]]:
        """`params`, `macs`, `flops` of the network as written."""
        self.check(vectors)
        return _counts(self.dataset(dataset))(vectors)

    def features(self, vectors: Integer[Array, "n v"]) -> Float[Array, "n f"]:
        """Per edge: one-hot operation, whether the edge is live, one-hot operation where it is; (n, 54) float32."""
        self.check(vectors)
        return edge_features(vectors, len(OPERATIONS))

    def composition(self, vectors: Integer[Array, "n v"]) -> Float[Array, "n c"]:
        """How often operations are live, number of paths, and the most 3x3 convolutions on one."""
        self.check(vectors)
        return cell_composition(vectors, len(OPERATIONS), OPERATIONS.index("nor_conv_3x3"))

    def cell_graphs(self, vectors: Integer[Array, "n v"]) -> CellGraphs:
        """The cell with its operations as nodes: input, six edges, output, global node."""
        self.check(vectors)
        return operation_graphs(vectors, len(OPERATIONS))

    def graph(self, vector: Integer[Array, " v"], *, dataset: str) -> Graph:
        """Operators of the whole network, stem to classifier, dead operations included."""
        from hwnas.spaces.transnas_micro_graph import build_graph

        self.check(vector[None])
        return build_graph(vector.tolist(), self.dataset(dataset))

    def module(self, vector: Integer[Array, " v"], *, dataset: str, pruned: bool = False) -> nn.Module:
        """The network as the benchmark builds it; it takes images of any size, such as smaller ones for proxies."""
        from hwnas.spaces.transnas_micro_module import Network

        self.check(vector[None])
        if pruned:
            vector = np.where(self.live(vector[None])[0], vector, np.int8(NONE))
        return Network(vector.tolist(), dataset=self.dataset(dataset), skip_none=pruned)


@cache
def _canonical_ids() -> Integer[Array, " n"]:
    return smallest_isomorphic(TransNASMicro().all_vectors(), len(OPERATIONS), input_skips=False)


@cache
def _counts(dataset: str) -> AdditiveCounts:
    from hwnas.spaces.transnas_micro_graph import build_graph

    return AdditiveCounts(lambda vector: build_graph(vector, dataset), TransNASMicro.choices)
