"""The operators of a NAS-Bench-201 network with their shapes (Dong & Yang 2020, section 2.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hwnas.graphs import Graph, GraphBuilder
from hwnas.spaces.four_node_cells import EDGES, NONE, SKIP
from hwnas.spaces.nasbench201_cells import AVG_POOL, CONV_1X1, CONV_3X3

STEM_CHANNELS: Final = 16
CELLS_PER_STAGE: Final = 5
IMAGE_SIZE: Final = {"cifar10": 32, "cifar100": 32, "ImageNet16-120": 16}
CLASSES: Final = {"cifar10": 10, "cifar100": 100, "ImageNet16-120": 120}


def build_graph(vector: Sequence[int], dataset: str, *, sums_of_one: bool = False) -> Graph:
    """Graph of the whole network for one image of `dataset`; names follow the module's.

    sums_of_one: whether a node with one input is an addition too, as where the networks were measured: there a node is
    Python's `sum`, which begins with 0.
    """
    builder, channels = GraphBuilder(), STEM_CHANNELS
    tensor = builder.conv("stem.0", builder.image(IMAGE_SIZE[dataset]), channels, kernel=3)
    tensor = builder.same("stem.1", "batch_norm", tensor)
    number = 0
    for stage in range(3):
        if stage:
            channels *= 2
            tensor = reduction(builder, f"cells.{number}", tensor, channels)
            number += 1
        for _ in range(CELLS_PER_STAGE):
            tensor = _cell(builder, f"cells.{number}", vector, tensor, sums_of_one=sums_of_one)
            number += 1
    return finish(builder, tensor, dataset)


def reduction(builder: GraphBuilder, name: str, source: str, channels: int) -> str:
    """The residual block between stages: halves the image, changes the channels."""
    first = builder.relu_conv_bn(f"{name}.conv_a.op", source, channels, kernel=3, stride=2)
    basic = builder.relu_conv_bn(f"{name}.conv_b.op", first, channels, kernel=3)
    batch, in_channels, height, width = builder.operators[source].shape
    pooled_shape = (batch, in_channels, height // 2, width // 2)
    pooled = builder.add(f"{name}.downsample.0", "avg_pool", [source], pooled_shape, kernel=2, stride=2, padding=0)
    shortcut = builder.conv(f"{name}.downsample.1", pooled, channels)
    return builder.sum(f"{name}.sum", [shortcut, basic])


def finish(builder: GraphBuilder, source: str, dataset: str) -> Graph:
    """Batch norm, ReLU and classifier behind the last cell."""
    active = builder.same("lastact.1", "relu", builder.same("lastact.0", "batch_norm", source))
    builder.classifier("classifier", active, CLASSES[dataset], pooling="global_pooling")
    return builder.graph()


def _cell(builder: GraphBuilder, name: str, vector: Sequence[int], source: str, *, sums_of_one: bool) -> str:
    nodes = [source]
    for node in (1, 2, 3):
        incoming = [
            _edge(builder, f"{name}.layers.{number}", vector[number], nodes[start])
            for number, (start, end) in enumerate(EDGES)
            if end == node
        ]
        if sums_of_one:
            nodes.append(builder.add(f"{name}.node{node}", "add", incoming, builder.operators[source].shape))
        else:
            nodes.append(builder.sum(f"{name}.node{node}", incoming))
    return nodes[-1]


def _edge(builder: GraphBuilder, name: str, operation: int, source: str) -> str:
    if operation in (CONV_1X1, CONV_3X3):
        channels = builder.operators[source].shape[1]
        return builder.relu_conv_bn(f"{name}.op", source, channels, kernel=1 if operation == CONV_1X1 else 3)
    if operation == AVG_POOL:
        return builder.same(f"{name}.op", "avg_pool", source, kernel=3, stride=1, padding=1)
    return builder.same(name, {NONE: "zero", SKIP: "identity"}[operation], source)
