"""The torch module of an FBNet network, layer by layer as HW-NAS-Bench builds it.

Parameter names are that code's (`stem.conv.weight`, `cells.3.conv1.weight`, ...), so that its weights load.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor, nn

from hwnas.spaces.fbnet_layers import CHANNELS, CLASSES, HEAD_CHANNELS, STEM_CHANNELS, STEM_STRIDE, places
from hwnas.spaces.mobile_blocks import Conv, InvertedResidual
from hwnas.spaces.mobile_module import conv2d


@final
class ConvNorm(nn.Module):
    """Convolution without bias, batch norm, ReLU; with a pointwise convolution also `skip` where the shape changes."""

    def __init__(self, conv: Conv) -> None:
        super().__init__()
        self.conv = conv2d(conv)
        self.bn = nn.BatchNorm2d(conv.channels)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """(b, in_channels, h, w) to (b, channels, h/stride, w/stride)."""
        return self.relu(self.bn(self.conv(x)))  # type: ignore[no-any-return]


@final
class Block(nn.Module):
    """Expansion, depthwise convolution, projection, and the sum with the input where shapes agree."""

    def __init__(self, block: InvertedResidual) -> None:
        super().__init__()
        expand, depthwise, project = block.convs
        self.shuffle = nn.ChannelShuffle(block.groups) if block.groups > 1 else None
        self.conv1, self.bn1, self.nl1 = conv2d(expand), nn.BatchNorm2d(block.hidden), nn.ReLU()
        self.conv2, self.bn2, self.nl2 = conv2d(depthwise), nn.BatchNorm2d(block.hidden), nn.ReLU()
        self.conv3, self.bn3 = conv2d(project), nn.BatchNorm2d(block.channels)
        self.residual = block.residual

    def forward(self, x: Tensor) -> Tensor:
        """(b, in_channels, h, w) to (b, channels, h/stride, w/stride)."""
        y = self.nl1(self.bn1(self.conv1(x)))
        if self.shuffle is not None:
            y = self.shuffle(y)
        y = self.bn3(self.conv3(self.nl2(self.bn2(self.conv2(y)))))
        return y + x if self.residual else y  # type: ignore[no-any-return]


def _layer(layer: InvertedResidual | Conv | None) -> nn.Module:
    if layer is None:
        return nn.Identity()
    return ConvNorm(layer) if isinstance(layer, Conv) else Block(layer)


@final
class Network(nn.Module):
    """Stem, 22 searched layers, head, classifier; returns logits."""

    def __init__(self, vector: Sequence[int], *, dataset: str) -> None:
        super().__init__()
        head = HEAD_CHANNELS[dataset]
        self.stem = ConvNorm(Conv(in_channels=3, channels=STEM_CHANNELS, kernel=3, stride=STEM_STRIDE[dataset]))
        chosen = zip(vector, places(dataset), strict=True)
        self.cells = nn.ModuleList(_layer(place.layer(operation)) for operation, place in chosen)
        self.header = ConvNorm(Conv(in_channels=CHANNELS[-1], channels=head))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(head, CLASSES[dataset])

    @property
    def blocks(self) -> list[nn.Module]:
        """The 22 searched layers, in order."""
        return list(self.cells)

    def forward(self, x: Tensor) -> Tensor:
        """(b, 3, h, w) images to (b, classes) logits."""
        x = self.stem(x)
        for cell in self.cells:
            x = cell(x)
        return self.fc(torch.flatten(self.avgpool(self.header(x)), 1))  # type: ignore[no-any-return]
