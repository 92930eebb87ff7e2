"""The torch module of a NAS-Bench-201 network, layer by layer as the benchmark builds it.

Parameter names are the benchmark's (`stem.0.weight`, `cells.3.layers.5.op.1.weight`, ...), so its weights load.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor, nn

from hwnas.spaces.four_node_cells import SKIP
from hwnas.spaces.four_node_modules import Cell, Reduction, ReLUConvBN, Zero
from hwnas.spaces.nasbench201_cells import AVG_POOL, CONV_1X1, CONV_3X3
from hwnas.spaces.nasbench201_graph import CELLS_PER_STAGE, CLASSES, STEM_CHANNELS


@final
class Pooling(nn.Module):
    """3x3 average over the pixels that exist."""

    def __init__(self) -> None:
        super().__init__()
        self.op = nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)

    def forward(self, x: Tensor) -> Tensor:
        """Keeps the shape."""
        return self.op(x)  # type: ignore[no-any-return]


def build_operation(operation: int, channels: int) -> nn.Module:
    """The module of an operation on an edge, by its number in `OPERATIONS`."""
    if operation in (CONV_1X1, CONV_3X3):
        return ReLUConvBN(channels, channels, kernel=1 if operation == CONV_1X1 else 3)
    if operation == AVG_POOL:
        return Pooling()
    return nn.Identity() if operation == SKIP else Zero()


@final
class Network(nn.Module):
    """Stem, three stages of five cells with a reduction between them, classifier; returns logits."""

    def __init__(self, vector: Sequence[int], *, dataset: str, skip_none: bool = False) -> None:
        super().__init__()
        channels = STEM_CHANNELS
        self.stem = nn.Sequential(nn.Conv2d(3, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))
        self.cells = nn.ModuleList()
        for stage in range(3):
            if stage:
                self.cells.append(Reduction(channels, 2 * channels))
                channels *= 2
            for _ in range(CELLS_PER_STAGE):
                layers = [build_operation(operation, channels) for operation in vector]
                self.cells.append(Cell(layers, skip_none=skip_none))
        self.lastact = nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU(inplace=True))
        self.global_pooling = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(channels, CLASSES[dataset])

    @property
    def blocks(self) -> list[nn.Module]:
        """The modules whose outputs are the successive feature maps: 15 cells and 2 reductions."""
        return list(self.cells)

    def forward(self, x: Tensor) -> Tensor:
        """(b, 3, h, w) images to (b, classes) logits."""
        x = self.stem(x)
        for cell in self.cells:
            x = cell(x)
        return self.classifier(torch.flatten(self.global_pooling(self.lastact(x)), 1))  # type: ignore[no-any-return]
