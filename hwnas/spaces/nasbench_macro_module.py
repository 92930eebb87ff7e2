"""The torch module of a NAS-Bench-Macro network, layer by layer as the benchmark builds it, with its names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor, nn

from hwnas.spaces.nasbench_macro_graph import CLASSES, HEAD_CHANNELS, STEM_CHANNELS, Block, blocks_of


@final
class InvertedResidual(nn.Module):
    """Widening 1x1, depthwise and narrowing 1x1 convolution (MobileNetV2); added to its input where shapes allow."""

    def __init__(self, block: Block, *, kernel: int, expansion: int) -> None:
        super().__init__()
        hidden = block.in_channels * expansion
        self.adds_input = block.keeps_shape
        self.conv = nn.Sequential(
            nn.Conv2d(block.in_channels, hidden, 1, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, hidden, kernel, block.stride, padding=kernel // 2, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, block.channels, 1, bias=False),
            nn.BatchNorm2d(block.channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(b, in_channels, h, w) to (b, channels, h/stride, w/stride)."""
        return self.conv(x) + x if self.adds_input else self.conv(x)  # type: ignore[no-any-return]


@final
class Downsample(nn.Module):
    """The operation identity where the size changes: a strided 1x1 convolution and batch norm."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        conv = nn.Conv2d(block.in_channels, block.channels, 1, block.stride, bias=False)
        self.downsample = nn.Sequential(conv, nn.BatchNorm2d(block.channels))

    def forward(self, x: Tensor) -> Tensor:
        """(b, in_channels, h, w) to (b, channels, h/stride, w/stride)."""
        return self.downsample(x)  # type: ignore[no-any-return]


def _module(block: Block) -> nn.Module:
    if block.kernel is not None and block.expansion is not None:
        return InvertedResidual(block, kernel=block.kernel, expansion=block.expansion)
    return nn.Identity() if block.keeps_shape else Downsample(block)


@final
class Network(nn.Module):
    """Stem, eight blocks, 1x1 convolution to 1,280 channels, classifier; returns logits.

    skip_identity: leave out the blocks that do nothing.
    """

    def __init__(self, vector: Sequence[int], *, dataset: str, skip_identity: bool = False) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, STEM_CHANNELS, 3, padding=1, bias=False),
            nn.BatchNorm2d(STEM_CHANNELS),
            nn.ReLU(inplace=True),
        )
        blocks = list(blocks_of(vector))
        modules = [_module(block) for block in blocks]
        if skip_identity:
            modules = [module for module in modules if not isinstance(module, nn.Identity)]
        self.features = nn.Sequential(*modules)
        self.out = nn.Sequential(
            nn.Conv2d(blocks[-1].channels, HEAD_CHANNELS, 1, bias=False),
            nn.BatchNorm2d(HEAD_CHANNELS),
            nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool2d(1),
        )
        self.classifier = nn.Linear(HEAD_CHANNELS, CLASSES[dataset])

    @property
    def blocks(self) -> list[nn.Module]:
        """The modules whose outputs are the successive feature maps: the searched blocks."""
        return list(self.features)

    def forward(self, x: Tensor) -> Tensor:
        """(b, 3, h, w) images to (b, classes) logits."""
        return self.classifier(torch.flatten(self.out(self.features(self.stem(x))), 1))  # type: ignore[no-any-return]
