"""Layers of mobile networks as facts: convolutions and inverted residual blocks, and what each of them costs. No torch.

Costs are closed forms over image sizes; operator graphs and torch modules are built apart from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

import numpy as np

from hwnas.arrays import Array, Integer

COSTS: Final = ("params", "dense_macs", "depthwise_macs", "activations", "operators")
"""What is counted of a layer, along the last axis of every array of costs.

params: trainable, batch norms included. dense_macs, depthwise_macs: multiply-accumulates for one image.
activations: numbers that convolutions, sums and squeeze-excitations read and write; batch norms and activation
functions are taken as fused into them. operators: how many of these are started one after the other.
"""


@final
@dataclass(frozen=True, kw_only=True)
class Conv:
    """A convolution without bias, padded so that only the stride changes the image size."""

    in_channels: int
    channels: int
    kernel: int = 1
    stride: int = 1
    groups: int = 1

    @property
    def depthwise(self) -> bool:
        """Whether every channel has a filter of its own."""
        return self.groups == self.in_channels == self.channels

    @property
    def weights(self) -> int:
        """Number of weights."""
        return self.channels * (self.in_channels // self.groups) * self.kernel**2


@final
@dataclass(frozen=True, kw_only=True)
class InvertedResidual:
    """Pointwise expansion, depthwise convolution, pointwise projection (MobileNetV2, Sandler 2018), sum if it fits.

    hidden: channels between the two pointwise convolutions; expand: whether there is the first of them.
    groups: of both, with a channel shuffle after the first where it is more than 1 (FBNet, Wu 2019, figure 3).
    squeeze: channels inside the squeeze-excitation after the depthwise convolution (MobileNetV3, Howard 2019); 0: none.
    """

    in_channels: int
    hidden: int
    channels: int
    kernel: int
    stride: int = 1
    groups: int = 1
    squeeze: int = 0
    expand: bool = True

    @property
    def residual(self) -> bool:
        """Whether the input is added to the output."""
        return self.stride == 1 and self.in_channels == self.channels

    @property
    def convs(self) -> tuple[Conv, ...]:
        """Its two or three convolutions, in order; those of the squeeze-excitation are not among them."""
        first = Conv(in_channels=self.in_channels, channels=self.hidden, groups=self.groups)
        middle = Conv(
            in_channels=self.hidden, channels=self.hidden, kernel=self.kernel, stride=self.stride, groups=self.hidden
        )
        last = Conv(in_channels=self.hidden, channels=self.channels, groups=self.groups)
        return (first, middle, last) if self.expand else (middle, last)


def halved(size: Integer[Array, " s"], stride: int) -> Integer[Array, " s"]:
    """Image size after a padded convolution with this stride."""
    return -(-size // stride)


def conv_costs(conv: Conv, size: Integer[Array, " s"]) -> Integer[Array, "s 5"]:
    """Costs of a convolution with its batch norm on images of these sizes (height = width)."""
    read, written = conv.in_channels * size**2, conv.channels * halved(size, conv.stride) ** 2
    macs = written * (conv.in_channels // conv.groups) * conv.kernel**2
    depthwise = conv.depthwise
    return _stack(
        size,
        params=conv.weights + 2 * conv.channels,
        dense_macs=macs * (not depthwise),
        depthwise_macs=macs * depthwise,
        activations=read + written,
        operators=1,
    )


def block_costs(block: InvertedResidual, size: Integer[Array, " s"]) -> Integer[Array, "s 5"]:
    """Costs of a whole block on images of these sizes."""
    total = np.zeros((len(size), len(COSTS)), dtype=np.int64)
    out = halved(size, block.stride)
    for conv, conv_size in zip(block.convs[::-1], (out, size, size), strict=False):
        total += conv_costs(conv, conv_size)
    if block.groups > 1:
        total += _stack(size, activations=2 * block.hidden * size**2, operators=1)
    if block.squeeze:
        total += _squeeze_costs(block, out)
    if block.residual:
        total += _stack(size, activations=3 * block.channels * out**2, operators=1)
    return total


def _squeeze_costs(block: InvertedResidual, size: Integer[Array, " s"]) -> Integer[Array, "s 5"]:
    """Global average, two pointwise convolutions with bias on one pixel, product with the input."""
    weights = 2 * block.hidden * block.squeeze
    return _stack(
        size,
        params=weights + block.hidden + block.squeeze,
        dense_macs=weights,
        activations=3 * block.hidden * size**2 + 4 * block.hidden + 2 * block.squeeze,
        operators=4,
    )


def linear_costs(in_features: int, features: int) -> Integer[Array, " 5"]:
    """Costs of a fully connected layer with bias on one image."""
    weights = in_features * features
    return np.array([weights + features, weights, 0, in_features + features, 1], dtype=np.int64)


def _stack(size: Integer[Array, " s"], **costs: int | Integer[Array, " s"]) -> Integer[Array, "s 5"]:
    """Costs by name, those not given being 0, as columns."""
    columns = [np.broadcast_to(np.asarray(costs.get(name, 0), dtype=np.int64), size.shape) for name in COSTS]
    return np.stack(columns, axis=1)
