"""The operators of a NAS-Bench-201 network with their shapes (Dong & Yang 2020, section 2.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from hwnas.graphs import Graph, Operator
from hwnas.spaces.nasbench201_cells import AVG_POOL, CONV_1X1, CONV_3X3, EDGES, NONE, SKIP

STEM_CHANNELS: Final = 16
CELLS_PER_STAGE: Final = 5
IMAGE_SIZE: Final = {"cifar10": 32, "cifar100": 32, "ImageNet16-120": 16}
CLASSES: Final = {"cifar10": 10, "cifar100": 100, "ImageNet16-120": 120}


@dataclass
class _Builder:
    """Appends operators; every method returns the name of the operator that it added."""

    operators: dict[str, Operator] = field(default_factory=dict)

    def add(self, name: str, kind: str, inputs: Sequence[str], shape: tuple[int, ...], **attributes: int) -> str:
        self.operators[name] = Operator(name=name, kind=kind, inputs=tuple(inputs), shape=shape, attributes=attributes)
        return name

    def same(self, name: str, kind: str, source: str, **attributes: int) -> str:
        """An operator that keeps the shape of its input."""
        return self.add(name, kind, [source], self.operators[source].shape, **attributes)

    def conv(self, name: str, source: str, channels: int, *, kernel: int, stride: int = 1) -> str:
        batch, in_channels, height, width = self.operators[source].shape
        return self.add(
            name,
            "conv",
            [source],
            (batch, channels, height // stride, width // stride),
            in_channels=in_channels,
            kernel=kernel,
            stride=stride,
            padding=kernel // 2,
            groups=1,
        )

    def relu_conv_bn(self, name: str, source: str, channels: int, *, kernel: int, stride: int = 1) -> str:
        active = self.same(f"{name}.op.0", "relu", source)
        convolved = self.conv(f"{name}.op.1", active, channels, kernel=kernel, stride=stride)
        return self.same(f"{name}.op.2", "batch_norm", convolved)

    def sum(self, name: str, sources: Sequence[str]) -> str:
        return self.add(name, "add", sources, self.operators[sources[0]].shape) if len(sources) > 1 else sources[0]

    def edge(self, name: str, operation: int, source: str, channels: int) -> str:
        if operation in (CONV_1X1, CONV_3X3):
            return self.relu_conv_bn(name, source, channels, kernel=1 if operation == CONV_1X1 else 3)
        if operation == AVG_POOL:
            return self.same(f"{name}.op", "avg_pool", source, kernel=3, stride=1, padding=1)
        return self.same(name, {NONE: "zero", SKIP: "identity"}[operation], source)

    def cell(self, name: str, vector: Sequence[int], source: str, channels: int) -> str:
        nodes = [source]
        for node in (1, 2, 3):
            incoming = [
                self.edge(f"{name}.layers.{number}", vector[number], nodes[start], channels)
                for number, (start, end) in enumerate(EDGES)
                if end == node
            ]
            nodes.append(self.sum(f"{name}.node{node}", incoming))
        return nodes[-1]

    def reduction(self, name: str, source: str, channels: int) -> str:
        """The residual block between stages: halves the image, doubles the channels."""
        first = self.relu_conv_bn(f"{name}.conv_a", source, channels, kernel=3, stride=2)
        basic = self.relu_conv_bn(f"{name}.conv_b", first, channels, kernel=3)
        batch, in_channels, height, width = self.operators[source].shape
        pooled_shape = (batch, in_channels, height // 2, width // 2)
        pooled = self.add(f"{name}.downsample.0", "avg_pool", [source], pooled_shape, kernel=2, stride=2, padding=0)
        shortcut = self.conv(f"{name}.downsample.1", pooled, channels, kernel=1)
        return self.sum(f"{name}.sum", [shortcut, basic])


def build_graph(vector: Sequence[int], dataset: str) -> Graph:
    """Graph of the whole network for one image of `dataset`; names follow the module's."""
    size, classes, channels = IMAGE_SIZE[dataset], CLASSES[dataset], STEM_CHANNELS
    builder = _Builder()
    image = builder.add("input", "input", [], (1, 3, size, size))
    tensor = builder.same("stem.1", "batch_norm", builder.conv("stem.0", image, channels, kernel=3))
    number = 0
    for stage in range(3):
        if stage:
            channels *= 2
            tensor = builder.reduction(f"cells.{number}", tensor, channels)
            number += 1
        for _ in range(CELLS_PER_STAGE):
            tensor = builder.cell(f"cells.{number}", vector, tensor, channels)
            number += 1
    tensor = builder.same("lastact.1", "relu", builder.same("lastact.0", "batch_norm", tensor))
    tensor = builder.add("global_pooling", "global_avg_pool", [tensor], (1, channels))
    builder.add("classifier", "linear", [tensor], (1, classes), in_features=channels, bias=1)
    return Graph(operators=tuple(builder.operators.values()))
