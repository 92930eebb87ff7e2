"""The torch module of a network of NATS-Bench's size space, layer by layer as the benchmark builds it.

Parameter names are the benchmark's, so its weights load.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor, nn

from hwnas.spaces.four_node_modules import Cell, Reduction, ReLUConvBN
from hwnas.spaces.nasbench201_graph import CLASSES


@final
class Projection(nn.Module):
    """A skip that changes the channels: 1x1 convolution and batch norm, without a ReLU."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, channels, 1, bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(b, in_channels, h, w) to (b, channels, h, w)."""
        return self.bn(self.conv(x))  # type: ignore[no-any-return]


def _cell(in_channels: int, channels: int) -> Cell:
    """3x3 convolutions on all edges but 0→3, which is a skip."""
    skip = nn.Identity() if in_channels == channels else Projection(in_channels, channels)
    first = [ReLUConvBN(width, channels, kernel=3) for width in (in_channels, in_channels, channels)]
    rest = [ReLUConvBN(channels, channels, kernel=3) for _ in range(2)]
    return Cell([*first, skip, *rest], skip_none=True)


@final
class Network(nn.Module):
    """Stem, cell, reduction, cell, reduction, cell, classifier; returns logits. channels: of the five layers."""

    def __init__(self, channels: Sequence[int], *, dataset: str) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, channels[0], 3, padding=1, bias=False), nn.BatchNorm2d(channels[0]))
        self.cells = nn.ModuleList()
        for number, (before, after) in enumerate(zip([channels[0], *channels], channels, strict=False)):
            self.cells.append(Reduction(before, after) if number % 2 else _cell(before, after))
        self.lastact = nn.Sequential(nn.BatchNorm2d(channels[-1]), nn.ReLU(inplace=True))
        self.global_pooling = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(channels[-1], CLASSES[dataset])

    @property
    def blocks(self) -> list[nn.Module]:
        """The modules whose outputs are the successive feature maps: three cells and two reductions."""
        return list(self.cells)

    def forward(self, x: Tensor) -> Tensor:
        """(b, 3, h, w) images to (b, classes) logits."""
        x = self.stem(x)
        for cell in self.cells:
            x = cell(x)
        return self.classifier(torch.flatten(self.global_pooling(self.lastact(x)), 1))  # type: ignore[no-any-return]
