"""The torch module of a network of TransNAS-Bench-101's micro space, layer by layer as the benchmark builds it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor, nn

from hwnas.spaces.four_node_cells import EDGES, NONE
from hwnas.spaces.four_node_modules import Cell, ReLUConvBN, Zero
from hwnas.spaces.transnas_micro_graph import CLASSES, KERNELS, STEM_CHANNELS, cell_shapes


@final
class FactorizedReduce(nn.Module):
    """A skip that halves the image: half of the channels from the even pixels, half from the odd ones."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.relu = nn.ReLU()
        self.convs = nn.ModuleList(nn.Conv2d(in_channels, channels // 2, 1, stride=2, bias=False) for _ in range(2))
        self.pad = nn.ConstantPad2d((0, 1, 0, 1), 0)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(b, in_channels, h, w) to (b, channels, h/2, w/2)."""
        x = self.relu(x)
        halves = [self.convs[0](x), self.convs[1](self.pad(x)[:, :, 1:, 1:])]
        return self.bn(torch.cat(halves, dim=1))  # type: ignore[no-any-return]


def _operation(operation: int, in_channels: int, channels: int, stride: int) -> nn.Module:
    if operation in KERNELS:
        return ReLUConvBN(in_channels, channels, kernel=KERNELS[operation], stride=stride)
    if operation == NONE:
        return Zero(channels=None if in_channels == channels else channels, stride=stride)
    return nn.Identity() if stride == 1 else FactorizedReduce(in_channels, channels)


@final
class Network(nn.Module):
    """Stem, ten cells, classifier; returns logits. Three cells, the 1st, 5th and 9th, halve the image."""

    def __init__(self, vector: Sequence[int], *, dataset: str, skip_none: bool = False) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, STEM_CHANNELS // 2, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(STEM_CHANNELS // 2),
            ReLUConvBN(STEM_CHANNELS // 2, STEM_CHANNELS, kernel=3, stride=2),
        )
        self.cells = nn.ModuleList()
        for in_channels, channels, stride in cell_shapes():
            layers = [
                _operation(operation, channels if start else in_channels, channels, 1 if start else stride)
                for operation, (start, _) in zip(vector, EDGES, strict=True)
            ]
            self.cells.append(Cell(layers, skip_none=skip_none))
        self.global_pooling = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(channels, CLASSES[dataset])

    @property
    def blocks(self) -> list[nn.Module]:
        """The modules whose outputs are the successive feature maps: the ten cells."""
        return list(self.cells)

    def forward(self, x: Tensor) -> Tensor:
        """(b, 3, h, w) images to (b, classes) logits."""
        x = self.stem(x)
        for cell in self.cells:
            x = cell(x)
        return self.classifier(torch.flatten(self.global_pooling(x), 1))  # type: ignore[no-any-return]
