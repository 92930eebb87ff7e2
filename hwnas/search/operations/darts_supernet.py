"""The supernet of DARTS: 14 mixed edges in normal and in reduction cells; cells of a kind share the mixing weights."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, final

import numpy as np
import torch
from torch import Tensor, nn

from hwnas.arrays import Array, Int, Integer
from hwnas.search.operations.mixing import MixedEdge, added
from hwnas.spaces.darts_cells import CELL_CHOICES, INPUTS, NODES, OPERATIONS, cells_of_edges
from hwnas.spaces.darts_graph import FORMS, Place, places
from hwnas.spaces.darts_module import Cell, Network, build_operation

# Liu et al. 2019, section 3.1: the search runs on 8 cells of 16 channels, what it finds is trained larger.
CHANNELS, CELLS = 16, 8
# The edges of one cell, (source, node): every node reads both inputs of the cell and all nodes before it.
CELL_EDGES: Final = tuple((source, node) for node in range(NODES) for source in range(node + INPUTS))
_EDGES: Final = len(CELL_EDGES)


@final
class DARTSSupernet(nn.Module):
    """Stem, 8 mixed cells, classifier, as the networks of the space.

    mixing: (28, 7) weights of the operations on the edges of the normal cell, then of the reduction cell, as plain
    numbers: nothing is learned here. An edge whose weights are all 0 is not there.
    """

    choices = (len(OPERATIONS),) * (2 * _EDGES)
    joins = tuple(
        tuple(cell * _EDGES + edge for edge, (_, node) in enumerate(CELL_EDGES) if node == into)
        for cell in range(2)
        for into in range(NODES)
    )

    def __init__(self, *, dataset: str) -> None:
        super().__init__()
        self.mixing = [[1.0 / len(OPERATIONS)] * len(OPERATIONS) for _ in self.choices]
        form = replace(FORMS[dataset], channels=CHANNELS, cells=CELLS)
        # All that is no mixed edge is that of a network of the space, so that both stay the same.
        self.body = Network(np.zeros(2 * len(CELL_CHOICES), dtype=np.int8), form=form)
        kinds = list(places(form))
        self._reduces = [place.reduces for place in kinds]
        cells = [_MixedCell(cell, place) for cell, place in zip(self.body.cells, kinds, strict=True)]
        self.body.cells = nn.ModuleList(cells)

    @staticmethod
    def vector(chosen: Int[Array, " e"]) -> Integer[Array, " v"]:
        """The architecture of the operations that were chosen; -1 for all but two edges into each node."""
        kept = [
            [[chosen[cell * _EDGES + edge], source] for edge, (source, _) in enumerate(CELL_EDGES)
             if chosen[cell * _EDGES + edge] >= 0]
            for cell in range(2)
        ]  # fmt: skip
        edges = np.array(kept, dtype=np.int64).reshape(2, NODES, 2, 2)
        return cells_of_edges(edges).reshape(-1)

    @property
    def blocks(self) -> list[nn.Module]:
        """The modules whose outputs are the successive feature maps: the cells."""
        return self.body.blocks

    def forward(self, x: Tensor) -> Tensor:
        """(b, 3, h, w) images to (b, classes) logits."""
        for cell, reduces in zip(self.body.cells, self._reduces, strict=True):
            cell.mixing = self.mixing[_EDGES:] if reduces else self.mixing[:_EDGES]  # type: ignore[assignment]
        return self.body(x)  # type: ignore[no-any-return]


@final
class _MixedCell(nn.Module):
    """A cell that reads as one of the space. mixing: (14, 7) weights, set by the supernet before each pass."""

    def __init__(self, cell: nn.Module, place: Place) -> None:
        super().__init__()
        assert isinstance(cell, Cell)
        self.preprocess0, self.preprocess1 = cell.preprocess0, cell.preprocess1
        self.mixing: list[list[float]] = []
        strides = [2 if place.reduces and source < INPUTS else 1 for source, _ in CELL_EDGES]
        self.edges = nn.ModuleList(
            MixedEdge(
                (build_operation(operation, place.channels, stride) for operation in range(len(OPERATIONS))),
                stride=stride,
            )
            for stride in strides
        )

    def forward(self, before: Tensor, last: Tensor) -> Tensor:
        """Outputs of the two cells before to (b, 4 x channels, h/stride, w/stride)."""
        states = [self.preprocess0(before), self.preprocess1(last)]
        shared: list[dict[int, Tensor]] = [{} for _ in range(INPUTS + NODES)]
        numbered = iter(zip(self.edges, self.mixing, strict=True))
        for node in range(NODES):
            total: Tensor | None = None
            for source in range(node + INPUTS):
                edge, weights = next(numbered)
                total = added(total, edge(states[source], weights, shared[source]))
            assert total is not None
            states.append(total)
        return torch.cat(states[INPUTS:], dim=1)
