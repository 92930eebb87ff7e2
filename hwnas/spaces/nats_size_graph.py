"""The operators of a network of NATS-Bench's size space with their shapes, and their counts in closed form."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hwnas.arrays import Array, Integer
from hwnas.graphs import Graph, GraphBuilder
from hwnas.spaces.nasbench201_graph import CLASSES, IMAGE_SIZE, finish, reduction


def build_graph(channels: Sequence[int], dataset: str) -> Graph:
    """Graph of the whole network for one image of `dataset`; channels: of the five layers. Names are the module's."""
    builder = GraphBuilder()
    tensor = builder.conv("stem.0", builder.image(IMAGE_SIZE[dataset]), channels[0], kernel=3)
    tensor = builder.same("stem.1", "batch_norm", tensor)
    for number, width in enumerate(channels):
        layer = reduction if number % 2 else _cell
        tensor = layer(builder, f"cells.{number}", tensor, width)
    return finish(builder, tensor, dataset)


def _cell(builder: GraphBuilder, name: str, source: str, channels: int) -> str:
    def conv(number: int, start: str) -> str:
        return builder.relu_conv_bn(f"{name}.layers.{number}.op", start, channels, kernel=3)

    node1 = conv(0, source)
    node2 = builder.sum(f"{name}.node2", [conv(1, source), conv(2, node1)])
    skip = f"{name}.layers.3"
    if builder.operators[source].shape[1] == channels:
        skipped = builder.same(skip, "identity", source)
    else:
        skipped = builder.same(f"{skip}.bn", "batch_norm", builder.conv(f"{skip}.conv", source, channels))
    return builder.sum(f"{name}.node3", [skipped, conv(4, node1), conv(5, node2)])


def count(channels: Integer[Array, "n 5"], dataset: str) -> tuple[Integer[Array, " n"], Integer[Array, " n"]]:
    """(params, macs) of networks whose layers have these channels."""
    classes, size = CLASSES[dataset], IMAGE_SIZE[dataset]
    first, last = channels[:, 0], channels[:, -1]
    weights, pixels = 27 * first, size**2
    params = weights + 2 * first + 2 * last + classes * (last + 1)
    macs = weights * pixels + classes * last
    before = first
    for number, after in enumerate(channels.T):
        if number % 2:  # two 3x3 convolutions, a 1x1 convolution without batch norm
            pixels //= 4
            weights, batch_norms = 10 * before * after + 9 * after**2, np.full(len(channels), 2)
        else:  # five 3x3 convolutions, and a 1x1 convolution for the skip where channels change
            changes = (before != after).astype(np.int64)
            weights, batch_norms = (18 + changes) * before * after + 27 * after**2, 5 + changes
        params = params + weights + 2 * batch_norms * after
        macs = macs + weights * pixels
        before = after
    return params, macs
