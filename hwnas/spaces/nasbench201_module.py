"""The torch module of a NAS-Bench-201 network, layer by layer as the benchmark builds it.

Parameter names are the benchmark's (`stem.0.weight`, `cells.3.layers.5.op.1.weight`, ...), so its weights load.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor, nn

from hwnas.spaces.nasbench201_cells import AVG_POOL, CONV_1X1, CONV_3X3, EDGES, SKIP
from hwnas.spaces.nasbench201_graph import CELLS_PER_STAGE, CLASSES, STEM_CHANNELS


@final
class ReLUConvBN(nn.Module):
    """ReLU, convolution without bias, batch norm."""

    def __init__(self, in_channels: int, channels: int, *, kernel: int, stride: int = 1) -> None:
        super().__init__()
        conv = nn.Conv2d(in_channels, channels, kernel, stride=stride, padding=kernel // 2, bias=False)
        self.op = nn.Sequential(nn.ReLU(), conv, nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(b, in_channels, h, w) to (b, channels, h/stride, w/stride)."""
        return self.op(x)  # type: ignore[no-any-return]


@final
class Pooling(nn.Module):
    """3x3 average over the pixels that exist."""

    def __init__(self) -> None:
        super().__init__()
        self.op = nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)

    def forward(self, x: Tensor) -> Tensor:
        """Keeps the shape."""
        return self.op(x)  # type: ignore[no-any-return]


@final
class Zero(nn.Module):
    """The operation `none`."""

    def forward(self, x: Tensor) -> Tensor:
        """Zeros of the same shape."""
        return x.mul(0.0)


def _operation(operation: int, channels: int) -> nn.Module:
    if operation in (CONV_1X1, CONV_3X3):
        return ReLUConvBN(channels, channels, kernel=1 if operation == CONV_1X1 else 3)
    if operation == AVG_POOL:
        return Pooling()
    return nn.Identity() if operation == SKIP else Zero()


@final
class Cell(nn.Module):
    """Four nodes, each the sum of its incoming edges; node 0 is the input, node 3 the output."""

    def __init__(self, vector: Sequence[int], channels: int, *, skip_none: bool) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_operation(operation, channels) for operation in vector)
        self.skip_none = skip_none

    def forward(self, x: Tensor) -> Tensor:
        """Keeps the shape."""
        nodes: list[Tensor | None] = [x, None, None, None]
        for (start, end), layer in zip(EDGES, self.layers, strict=True):
            source = nodes[start]
            if self.skip_none and (source is None or isinstance(layer, Zero)):
                continue
            assert source is not None  # without skip_none every node has an input
            value, previous = layer(source), nodes[end]
            nodes[end] = value if previous is None else previous + value
        output = nodes[3]
        return x.mul(0.0) if output is None else output


@final
class Reduction(nn.Module):
    """The residual block between stages: halves the image, doubles the channels."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.conv_a = ReLUConvBN(in_channels, channels, kernel=3, stride=2)
        self.conv_b = ReLUConvBN(channels, channels, kernel=3)
        self.downsample = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(in_channels, channels, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """(b, in_channels, h, w) to (b, channels, h/2, w/2)."""
        return self.downsample(x) + self.conv_b(self.conv_a(x))  # type: ignore[no-any-return]


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
            self.cells.extend(Cell(vector, channels, skip_none=skip_none) for _ in range(CELLS_PER_STAGE))
        self.lastact = nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU(inplace=True))
        self.global_pooling = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(channels, CLASSES[dataset])

    def forward(self, x: Tensor) -> Tensor:
        """(b, 3, h, w) images to (b, classes) logits."""
        x = self.stem(x)
        for cell in self.cells:
            x = cell(x)
        return self.classifier(torch.flatten(self.global_pooling(self.lastact(x)), 1))  # type: ignore[no-any-return]
