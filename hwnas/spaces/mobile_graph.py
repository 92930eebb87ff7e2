"""Builds the operators of a mobile network one after the other, each reading the one before unless told otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from hwnas.graphs import Graph, GraphBuilder
from hwnas.spaces.mobile_blocks import Conv


@final
class ChainBuilder:
    """Appends operators; `last` is the name of the newest one, which the next one reads."""

    def __init__(self, image_size: int) -> None:
        self._builder = GraphBuilder()
        self.last = self._builder.image(image_size)

    def add(self, name: str, kind: str, *, inputs: Sequence[str] = (), **attributes: int) -> str:
        """Append an operator that reads `inputs` (by default the newest) and keeps the shape of the first of them."""
        inputs = tuple(inputs) or (self.last,)
        self.last = self._builder.add(name, kind, inputs, self._builder.operators[inputs[0]].shape, **attributes)
        return name

    def conv(self, name: str, conv: Conv, *, bias: int = 0) -> str:
        """Append a convolution."""
        self.last = self._builder.strided(
            name,
            "conv",
            self.last,
            conv.channels,
            stride=conv.stride,
            in_channels=conv.in_channels,
            kernel=conv.kernel,
            padding=conv.kernel // 2,
            groups=conv.groups,
            bias=bias,
        )
        return name

    def conv_bn(self, names: tuple[str, str], conv: Conv) -> str:
        """Append a convolution and its batch norm."""
        self.conv(names[0], conv)
        return self.add(names[1], "batch_norm")

    def pool(self, name: str) -> str:
        """Append the average over all pixels, as an image of one pixel."""
        channels = self._builder.operators[self.last].shape[1]
        self.last = self._builder.add(name, "global_avg_pool", [self.last], (1, channels, 1, 1))
        return name

    def squeeze(self, name: str, channels: int, squeezed: int) -> str:
        """Append a squeeze-excitation of `channels`, its layers named as Once-for-All names them."""
        source = self.last
        self.pool(f"{name}.pool")
        self.conv(f"{name}.fc.reduce", Conv(in_channels=channels, channels=squeezed), bias=1)
        self.add(f"{name}.fc.relu", "relu")
        self.conv(f"{name}.fc.expand", Conv(in_channels=squeezed, channels=channels), bias=1)
        weight = self.add(f"{name}.fc.h_sigmoid", "hard_sigmoid")
        return self.add(f"{name}.mul", "mul", inputs=(source, weight))

    def linear(self, name: str, features: int) -> str:
        """Append a fully connected layer with bias; an image of one pixel is read as a vector."""
        in_features = self._builder.operators[self.last].shape[1]
        self.last = self._builder.add(name, "linear", [self.last], (1, features), in_features=in_features, bias=1)
        return name

    def graph(self) -> Graph:
        """All operators in order."""
        return self._builder.graph()
