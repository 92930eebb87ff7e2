"""Builds graphs of convolutional networks, operator by operator, shapes being worked out on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import final

from hwnas.graphs.graph import Graph, Operator


@final
@dataclass
class GraphBuilder:
    """Appends operators; every method but `graph` returns the name of the operator that holds its result."""

    operators: dict[str, Operator] = field(default_factory=dict)

    def graph(self) -> Graph:
        """All operators so far; the last one added is the output."""
        return Graph(operators=tuple(self.operators.values()))

    def add(self, name: str, kind: str, inputs: Sequence[str], shape: tuple[int, ...], **attributes: int) -> str:
        """Any operator."""
        self.operators[name] = Operator(name=name, kind=kind, inputs=tuple(inputs), shape=shape, attributes=attributes)
        return name

    def image(self, size: int) -> str:
        """The input: one image of 3 x size x size."""
        return self.add("input", "input", [], (1, 3, size, size))

    def same(self, name: str, kind: str, source: str, **attributes: int) -> str:
        """An operator that keeps the shape of its input."""
        return self.add(name, kind, [source], self.operators[source].shape, **attributes)

    def strided(self, name: str, kind: str, source: str, channels: int, *, stride: int, **attributes: int) -> str:
        """An operator that gives `channels` at every `stride`-th pixel, the first included."""
        batch, _, height, width = self.operators[source].shape
        shape = (batch, channels, (height - 1) // stride + 1, (width - 1) // stride + 1)
        return self.add(name, kind, [source], shape, stride=stride, **attributes)

    def conv(
        self, name: str, source: str, channels: int, *, kernel: int = 1, stride: int = 1, depthwise: bool = False
    ) -> str:
        """A convolution without bias, of an odd kernel, padded so that only the stride changes the size."""
        in_channels = self.operators[source].shape[1]
        return self.strided(
            name,
            "conv",
            source,
            channels,
            stride=stride,
            in_channels=in_channels,
            kernel=kernel,
            padding=kernel // 2,
            groups=in_channels if depthwise else 1,
        )

    def relu_conv_bn(self, name: str, source: str, channels: int, *, kernel: int, stride: int = 1) -> str:
        """ReLU, convolution, batch norm, numbered 0, 1 and 2 after `name`."""
        active = self.same(f"{name}.0", "relu", source)
        convolved = self.conv(f"{name}.1", active, channels, kernel=kernel, stride=stride)
        return self.same(f"{name}.2", "batch_norm", convolved)

    def sum(self, name: str, sources: Sequence[str]) -> str:
        """The sum of its sources, or the one that there is."""
        return self.add(name, "add", sources, self.operators[sources[0]].shape) if len(sources) > 1 else sources[0]

    def classifier(self, name: str, source: str, classes: int, *, pooling: str) -> str:
        """Average over all pixels, called `pooling`, and a linear layer with bias."""
        channels = self.operators[source].shape[1]
        pooled = self.add(pooling, "global_avg_pool", [source], (1, channels))
        return self.add(name, "linear", [pooled], (1, classes), in_features=channels, bias=1)
