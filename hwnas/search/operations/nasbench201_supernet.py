"""The supernet of NAS-Bench-201: every edge of every cell mixes the five operations; cells share the mixing weights."""

from __future__ import annotations

from typing import final

import numpy as np
import torch
from torch import Tensor, nn

from hwnas.arrays import Array, Int, Integer
from hwnas.search.operations.mixing import MixedEdge, added
from hwnas.spaces.four_node_cells import EDGES
from hwnas.spaces.four_node_modules import Reduction
from hwnas.spaces.nasbench201_cells import CONV_3X3, OPERATIONS
from hwnas.spaces.nasbench201_module import Network, build_operation


@final
class NASBench201Supernet(nn.Module):
    """Stem, three stages of five mixed cells with a reduction between them, classifier, as the benchmark's networks.

    mixing: (6, 5) weights of the operations on `EDGES`, as plain numbers: nothing is learned here.
    """

    choices = (len(OPERATIONS),) * len(EDGES)
    joins = ()

    def __init__(self, *, dataset: str) -> None:
        super().__init__()
        self.mixing = [[1.0 / len(OPERATIONS)] * len(OPERATIONS) for _ in EDGES]
        # All that is no cell is taken from a network of the space, so that both stay the same.
        body = Network([CONV_3X3] * len(EDGES), dataset=dataset)
        channels = int(body.stem[0].out_channels)  # type: ignore[arg-type]
        self.stem, self.lastact = body.stem, body.lastact
        self.global_pooling, self.classifier = body.global_pooling, body.classifier
        self.cells = nn.ModuleList()
        for cell in body.cells:
            if isinstance(cell, Reduction):
                channels *= 2
                self.cells.append(cell)
            else:
                self.cells.append(_MixedCell(channels))

    @staticmethod
    def vector(chosen: Int[Array, " e"]) -> Integer[Array, " v"]:
        """The architecture of the operations that were chosen."""
        return chosen.astype(np.int8)

    @property
    def blocks(self) -> list[nn.Module]:
        """The modules whose outputs are the successive feature maps: 15 cells and 2 reductions."""
        return list(self.cells)

    def forward(self, x: Tensor) -> Tensor:
        """(b, 3, h, w) images to (b, classes) logits."""
        x = self.stem(x)
        for cell in self.cells:
            x = cell(x, self.mixing) if isinstance(cell, _MixedCell) else cell(x)
        return self.classifier(torch.flatten(self.global_pooling(self.lastact(x)), 1))  # type: ignore[no-any-return]


@final
class _MixedCell(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.edges = nn.ModuleList(
            MixedEdge(build_operation(operation, channels) for operation in range(len(OPERATIONS))) for _ in EDGES
        )

    def forward(self, x: Tensor, mixing: list[list[float]]) -> Tensor:
        nodes: list[Tensor | None] = [x, None, None, None]
        shared: list[dict[int, Tensor]] = [{}, {}, {}]
        for (start, end), edge, weights in zip(EDGES, self.edges, mixing, strict=True):
            nodes[end] = added(nodes[end], edge(nodes[start], weights, shared[start]))
        assert nodes[3] is not None
        return nodes[3]
