"""The torch module of a Once-for-All MobileNetV3, layer by layer as the published code extracts it.

Parameter names are that code's (`blocks.3.conv.depth_conv.conv.weight`, ...), so that weights of its networks load.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, final

import torch
from torch import Tensor, nn

from hwnas.spaces.mobile_blocks import Conv, InvertedResidual
from hwnas.spaces.mobile_module import conv2d
from hwnas.spaces.ofa_graph import Blocks
from hwnas.spaces.ofa_layers import CLASSES, Skeleton

_ACTIVATIONS: Final = {"relu": nn.ReLU, "hard_swish": nn.Hardswish}


def conv_bn_act(conv: Conv, activation: str | None, *, bn: bool = True) -> nn.Sequential:
    """Convolution, batch norm and activation, each under its name."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(conv=conv2d(conv))
    if bn:
        layers["bn"] = nn.BatchNorm2d(conv.channels)
    if activation:
        layers["act"] = _ACTIVATIONS[activation]()
    return nn.Sequential(layers)


@final
class SqueezeExcitation(nn.Module):
    """Weights the channels by a small network that sees their means (Howard 2019, section 5.3)."""

    def __init__(self, channels: int, squeeze: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        layers: OrderedDict[str, nn.Module] = OrderedDict(
            reduce=conv2d(Conv(in_channels=channels, channels=squeeze), bias=True),
            relu=nn.ReLU(),
            expand=conv2d(Conv(in_channels=squeeze, channels=channels), bias=True),
            h_sigmoid=nn.Hardsigmoid(),
        )
        self.fc = nn.Sequential(layers)

    def forward(self, x: Tensor) -> Tensor:
        """Keeps the shape."""
        return x * self.fc(self.pool(x))  # type: ignore[no-any-return]


@final
class Block(nn.Module):
    """An inverted residual block, and the sum with the input where shapes agree."""

    def __init__(self, block: InvertedResidual, activation: str) -> None:
        super().__init__()
        *expand, depthwise, project = block.convs
        middle = conv_bn_act(depthwise, activation)
        if block.squeeze:
            middle.add_module("se", SqueezeExcitation(block.hidden, block.squeeze))
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for conv in expand:
            layers["inverted_bottleneck"] = conv_bn_act(conv, activation)
        layers |= {"depth_conv": middle, "point_linear": conv_bn_act(project, None)}
        self.conv = nn.Sequential(layers)
        self.residual = block.residual

    def forward(self, x: Tensor) -> Tensor:
        """(b, in_channels, h, w) to (b, channels, h/stride, w/stride)."""
        y = self.conv(x)
        return y + x if self.residual else y  # type: ignore[no-any-return]


@final
class Network(nn.Module):
    """Stem, blocks, last convolutions, classifier; returns logits. `blocks[0]` is fixed, the others are searched."""

    def __init__(self, blocks: Blocks, shape: Skeleton) -> None:
        super().__init__()
        self.first_conv = conv_bn_act(shape.stem_conv, "hard_swish")
        every = [(shape.first_block, "relu"), *blocks]
        self.blocks = nn.ModuleList(Block(block, activation) for block, activation in every)
        self.final_expand_layer = conv_bn_act(shape.expand_conv, "hard_swish")
        self.global_avg_pool = nn.AdaptiveAvgPool2d(1)
        self.feature_mix_layer = conv_bn_act(shape.mix_conv, "hard_swish", bn=False)
        self.classifier = nn.Sequential(OrderedDict(linear=nn.Linear(shape.mix, CLASSES)))

    def forward(self, x: Tensor) -> Tensor:
        """(b, 3, h, w) images to (b, classes) logits."""
        x = self.first_conv(x)
        for block in self.blocks:
            x = block(x)
        x = self.feature_mix_layer(self.global_avg_pool(self.final_expand_layer(x)))
        return self.classifier(torch.flatten(x, 1))  # type: ignore[no-any-return]
