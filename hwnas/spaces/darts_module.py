"""The torch module of a DARTS network without its auxiliary head; names of its parameters are the published ones."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn

from hwnas.arrays import Array, Integer
from hwnas.spaces.darts_cells import CELL_CHOICES, DILATED, INPUTS, MAX_POOL, NODES, SEPARABLE, SKIP, cell_edges
from hwnas.spaces.darts_graph import STEM_MULTIPLIER, Form, Place, places
from hwnas.spaces.four_node_modules import ReLUConvBN


@final
class FactorizedReduce(nn.Module):
    """A skip that halves the image: half of the channels from the even pixels, half from the odd ones.

    Images have an even size, as in the published code, which pads nothing.
    """

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.relu = nn.ReLU()
        self.conv_1 = nn.Conv2d(in_channels, channels // 2, 1, stride=2, bias=False)
        self.conv_2 = nn.Conv2d(in_channels, channels // 2, 1, stride=2, bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(b, in_channels, h, w) to (b, channels, h/2, w/2)."""
        x = self.relu(x)
        return self.bn(torch.cat([self.conv_1(x), self.conv_2(x[:, :, 1:, 1:])], dim=1))  # type: ignore[no-any-return]


@final
class DepthwiseConv(nn.Module):
    """ReLU, depthwise convolution, 1x1 convolution, batch norm; of two strides twice."""

    def __init__(self, channels: int, kernel: int, *, strides: tuple[int, ...], dilation: int = 1) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        padding = dilation * (kernel // 2)
        for stride in strides:
            depthwise = nn.Conv2d(
                channels, channels, kernel, stride, padding, dilation=dilation, groups=channels, bias=False
            )
            pointwise = nn.Conv2d(channels, channels, 1, bias=False)
            layers += [nn.ReLU(), depthwise, pointwise, nn.BatchNorm2d(channels)]
        self.op = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """(b, channels, h, w) to (b, channels, h/stride, w/stride)."""
        return self.op(x)  # type: ignore[no-any-return]


def build_operation(operation: int, channels: int, stride: int) -> nn.Module:
    """The module of one of `OPERATIONS`, by its number."""
    if operation in SEPARABLE:
        return DepthwiseConv(channels, SEPARABLE[operation], strides=(stride, 1))
    if operation in DILATED:
        return DepthwiseConv(channels, DILATED[operation], strides=(stride,), dilation=2)
    if operation == SKIP:
        return nn.Identity() if stride == 1 else FactorizedReduce(channels, channels)
    if operation == MAX_POOL:
        return nn.MaxPool2d(3, stride=stride, padding=1)
    return nn.AvgPool2d(3, stride=stride, padding=1, count_include_pad=False)


@final
class Cell(nn.Module):
    """Four nodes, each the sum of two operations; all are concatenated."""

    def __init__(self, edges: list[list[list[int]]], place: Place) -> None:
        super().__init__()
        first, channels = place.sources[0], place.channels
        self.preprocess0 = FactorizedReduce(first, channels) if place.shrinks else ReLUConvBN(first, channels, kernel=1)
        self.preprocess1 = ReLUConvBN(place.sources[1], channels, kernel=1)
        flat = [edge for node in edges for edge in node]
        self._inputs = [source for _, source in flat]
        self._ops = nn.ModuleList(
            build_operation(operation, channels, 2 if place.reduces and source < INPUTS else 1)
            for operation, source in flat
        )

    def forward(self, before: Tensor, last: Tensor) -> Tensor:
        """Outputs of the two cells before to (b, 4 x channels, h/stride, w/stride)."""
        states = [self.preprocess0(before), self.preprocess1(last)]
        for node in range(NODES):
            one, other = 2 * node, 2 * node + 1
            terms = (self._ops[one](states[self._inputs[one]]), self._ops[other](states[self._inputs[other]]))
            states.append(terms[0] + terms[1])
        return torch.cat(states[INPUTS:], dim=1)


@final
class Network(nn.Module):
    """Stem, cells, classifier; returns logits."""

    def __init__(self, vector: Integer[Array, " v"], *, form: Form) -> None:
        super().__init__()
        if form.small_images:
            self.stem = _conv_bn(3, STEM_MULTIPLIER * form.channels, stride=1)
        else:
            half = form.channels // 2
            second = _conv_bn(half, form.channels, stride=2)
            self.stem0 = nn.Sequential(*_conv_bn(3, half, stride=2), nn.ReLU(), *second)
            self.stem1 = nn.Sequential(nn.ReLU(), *_conv_bn(form.channels, form.channels, stride=2))
        self._small = form.small_images
        normal, reduction = cell_edges(vector.reshape(2, len(CELL_CHOICES))).tolist()
        self.cells = nn.ModuleList(Cell(reduction if place.reduces else normal, place) for place in places(form))
        self.global_pooling = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(NODES * max(place.channels for place in places(form)), form.classes)

    @property
    def blocks(self) -> list[nn.Module]:
        """The modules whose outputs are the successive feature maps: the cells."""
        return list(self.cells)

    def forward(self, x: Tensor) -> Tensor:
        """(b, 3, h, w) images to (b, classes) logits."""
        before = self.stem(x) if self._small else self.stem0(x)
        last = before if self._small else self.stem1(before)
        for cell in self.cells:
            before, last = last, cell(before, last)
        return self.classifier(torch.flatten(self.global_pooling(last), 1))  # type: ignore[no-any-return]


def _conv_bn(in_channels: int, channels: int, *, stride: int) -> nn.Sequential:
    conv = nn.Conv2d(in_channels, channels, 3, stride=stride, padding=1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(channels))
