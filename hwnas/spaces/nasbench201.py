"""NAS-Bench-201 (Dong & Yang 2020): a cell of four nodes whose six edges each carry one of five operations.

The vector follows the benchmark: edges 0→1, 0→2, 1→2, 0→3, 1→3, 2→3, operations in its own order.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, final

import numpy as np

from hwnas.arrays import Array, Bool, Float, Integer
from hwnas.errors import UsageError
from hwnas.spaces.four_node_cells import (
    NONE,
    cell_composition,
    edge_features,
    live_edges,
    operation_graphs,
    smallest_isomorphic,
)
from hwnas.spaces.nasbench201_cells import CONV_3X3, OPERATIONS, TUPLE_CODES, TUPLE_POSITIONS
from hwnas.spaces.space import CellGraphs, Space

if TYPE_CHECKING:
    from torch import nn

    from hwnas.graphs import Graph

_STRING = re.compile(r"\|(\w+)~0\|\+\|(\w+)~0\|(\w+)~1\|\+\|(\w+)~0\|(\w+)~1\|(\w+)~2\|")
_TUPLE = re.compile(r"\(?\s*(\d)\s*,\s*(\d)\s*,\s*(\d)\s*,\s*(\d)\s*,\s*(\d)\s*,\s*(\d)\s*\)?")


@final
class NASBench201(Space):
    """The 15,625 architectures of NAS-Bench-201 (topology search space of NATS-Bench), 9,445 distinct networks."""

    name = "nasbench201"
    aliases = ("nas-bench-201", "nb201", "nats-bench-tss")
    title = "NAS-Bench-201: 15,625 cells of four nodes and five operations"
    source = "Dong & Yang 2020, arXiv:2001.00326"
    datasets = ("cifar10", "cifar100", "ImageNet16-120")
    choices = (5, 5, 5, 5, 5, 5)
    cell_operations = OPERATIONS

    def strings(self, vectors: Integer[Array, "n v"]) -> list[str]:
        """`|op~0|+|op~0|op~1|+|op~0|op~1|op~2|` of each row, as the benchmark writes it."""
        self.check(vectors)
        form = "|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|"
        return [form.format(*(OPERATIONS[op] for op in row)) for row in vectors.tolist()]

    def parse(self, strings: Sequence[str]) -> Integer[Array, "n v"]:
        """Vectors of benchmark strings, of tuples such as `(4, 3, 3, 0, 0, 0)`, or of indices such as `1462`."""
        return np.array([self._parse(string) for string in strings], dtype=np.int8).reshape(-1, 6)

    def _parse(self, string: str) -> list[int]:
        text = string.strip()
        if match := _STRING.fullmatch(text):
            unknown = [op for op in match.groups() if op not in OPERATIONS]
            if unknown:
                raise UsageError(f"operation {unknown[0]!r} is not known; expected one of {', '.join(OPERATIONS)}")
            return [OPERATIONS.index(op) for op in match.groups()]
        if match := _TUPLE.fullmatch(text):
            codes = np.array([[int(code) for code in match.groups()]])
            return self.from_tuples(codes)[0].tolist()  # type: ignore[no-any-return]
        if text.isascii() and text.isdigit() and len(text) < 10:
            return self.vector(np.array([int(text)]))[0].tolist()  # type: ignore[no-any-return]
        raise UsageError(
            f"{string!r} is not an architecture of {self.name}; expected '|op~0|+|op~0|op~1|+|op~0|op~1|op~2|', "
            f"a tuple of six operation codes, or an index from 0 to {self.size - 1}"
        )

    def from_tuples(self, tuples: Integer[Array, "n 6"]) -> Integer[Array, "n 6"]:
        """Vectors from the tuple form of HW-NAS-Bench's tables and analog-nasbench.

        Codes there: 0 skip_connect, 1 none, 2 nor_conv_3x3, 3 nor_conv_1x1, 4 avg_pool_3x3, on the edges
        0→1, 0→2, 0→3, 1→2, 1→3, 2→3.
        """
        if ((tuples < 0) | (tuples > 4)).any():
            raise UsageError(f"operation codes of the tuple form are 0 to 4, got {tuples.min()} to {tuples.max()}")
        return np.take(np.asarray(TUPLE_CODES, dtype=np.int8), tuples[:, TUPLE_POSITIONS])

    def to_tuples(self, vectors: Integer[Array, "n 6"]) -> Integer[Array, "n 6"]:
        """Inverse of `from_tuples`."""
        self.check(vectors)
        tuples = np.empty(vectors.shape, dtype=np.int8)
        tuples[:, TUPLE_POSITIONS] = np.argsort(TUPLE_CODES).astype(np.int8)[vectors]
        return tuples

    def live(self, vectors: Integer[Array, "n 6"]) -> Bool[Array, "n 6"]:
        """Which edges carry something from the input of the cell to its output."""
        return live_edges(vectors)

    def network_id(self, vectors: Integer[Array, "n v"]) -> Integer[Array, " n"]:
        """Index of the architecture in which every edge that cannot matter is `none` (9,445 distinct values)."""
        return self.index(self.canonical(vectors))

    def canonical(self, vectors: Integer[Array, "n v"]) -> Integer[Array, "n v"]:
        """The same network with `none` on every edge that cannot matter."""
        self.check(vectors)
        return np.where(self.live(vectors), vectors, np.int8(NONE))

    def canonical_id(self, network_ids: Integer[Array, " n"]) -> Integer[Array, " n"]:
        """Smallest id among isomorphic networks: 7,055 of the 9,445 differ by more than the order of their nodes."""
        return np.asarray(_canonical_ids()[network_ids])

    def counts(self, vectors: Integer[Array, "n v"], *, dataset: str) -> dict[str, Integer[Array, " n"]]:
        """`params`, `macs`, `flops` as written; they add up over edges, so one row per operation is enough."""
        self.check(vectors)
        base, per_operation = _additive_counts(self.dataset(dataset))
        params, macs = (base + per_operation[vectors].sum(axis=1)).T
        return {"params": params, "macs": macs, "flops": 2 * macs}

    def features(self, vectors: Integer[Array, "n v"]) -> Float[Array, "n f"]:
        """Per edge: one-hot operation, whether the edge is live, one-hot operation where it is; (n, 66) float32."""
        self.check(vectors)
        return edge_features(vectors, len(OPERATIONS))

    def composition(self, vectors: Integer[Array, "n v"]) -> Float[Array, "n c"]:
        """How often operations are live, number of paths, and the most 3x3 convolutions on one."""
        self.check(vectors)
        return cell_composition(vectors, len(OPERATIONS), CONV_3X3)

    def cell_graphs(self, vectors: Integer[Array, "n v"]) -> CellGraphs:
        """The cell with its operations as nodes: input, six edges, output, global node."""
        self.check(vectors)
        return operation_graphs(vectors, len(OPERATIONS))

    def graph(self, vector: Integer[Array, " v"], *, dataset: str) -> Graph:
        """Operators of the whole network, stem to classifier, dead operations included."""
        from hwnas.spaces.nasbench201_graph import build_graph

        self.check(vector[None])
        return build_graph(vector.tolist(), self.dataset(dataset))

    def module(self, vector: Integer[Array, " v"], *, dataset: str, pruned: bool = False) -> nn.Module:
        """The network as the benchmark builds it: 16 channels, 5 cells a stage, three stages."""
        from hwnas.spaces.nasbench201_module import Network

        self.check(vector[None])
        if pruned:
            vector = np.where(self.live(vector[None])[0], vector, np.int8(NONE))
        return Network(vector.tolist(), dataset=self.dataset(dataset), skip_none=pruned)


@cache
def _canonical_ids() -> Integer[Array, " n"]:
    """For the index of each network the smallest index of a network that is isomorphic to it."""
    return smallest_isomorphic(NASBench201().all_vectors(), len(OPERATIONS))


@cache
def _additive_counts(dataset: str) -> tuple[Integer[Array, " 2"], Integer[Array, "5 2"]]:
    """(params, macs) of the network whose cells are empty, and what each operation on one edge adds."""
    from hwnas.spaces.nasbench201_graph import build_graph

    def count(vector: list[int]) -> Integer[Array, " 2"]:
        graph = build_graph(vector, dataset)
        return np.array([graph.params, graph.macs], dtype=np.int64)

    base = count([NONE] * 6)
    return base, np.stack([count([op] + [NONE] * 5) - base for op in range(len(OPERATIONS))])
