"""The operators of a network of TransNAS-Bench-101's micro space with their shapes (Duan et al. 2021, section 3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from hwnas.graphs import Graph, GraphBuilder
from hwnas.spaces.four_node_cells import EDGES, NONE

STEM_CHANNELS: Final = 64
IMAGE_SIZE: Final = {"class_scene": 256}
CLASSES: Final = {"class_scene": 47}
KERNELS: Final = {2: 1, 3: 3}
CELLS_PER_MODULE: Final = 2
# Whether each of the five modules of cells halves the image and doubles the channels.
_HALVES: Final = (True, False, True, False, True)


def cell_shapes() -> Iterator[tuple[int, int, int]]:
    """Input channels, channels and stride of each of the ten cells."""
    channels = STEM_CHANNELS
    for halves in _HALVES:
        stride = 2 if halves else 1
        yield channels, channels * stride, stride
        channels *= stride
        yield from [(channels, channels, 1)] * (CELLS_PER_MODULE - 1)


def build_graph(vector: Sequence[int], dataset: str) -> Graph:
    """Graph of the whole network for one image of `dataset`; names follow the module's."""
    builder = GraphBuilder()
    tensor = builder.conv("stem.0", builder.image(IMAGE_SIZE[dataset]), STEM_CHANNELS // 2, kernel=3, stride=2)
    tensor = builder.same("stem.1", "batch_norm", tensor)
    tensor = builder.relu_conv_bn("stem.2.op", tensor, STEM_CHANNELS, kernel=3, stride=2)
    for number, (_, channels, stride) in enumerate(cell_shapes()):
        tensor = _cell(builder, f"cells.{number}", vector, tensor, channels, stride)
    builder.classifier("classifier", tensor, CLASSES[dataset], pooling="global_pooling")
    return builder.graph()


def _cell(builder: GraphBuilder, name: str, vector: Sequence[int], source: str, channels: int, stride: int) -> str:
    nodes = [source]
    for node in (1, 2, 3):
        incoming = [
            _edge(builder, f"{name}.layers.{number}", vector[number], nodes[start], channels, 1 if start else stride)
            for number, (start, end) in enumerate(EDGES)
            if end == node
        ]
        nodes.append(builder.sum(f"{name}.node{node}", incoming))
    return nodes[-1]


def _edge(builder: GraphBuilder, name: str, operation: int, source: str, channels: int, stride: int) -> str:
    if operation in KERNELS:
        return builder.relu_conv_bn(f"{name}.op", source, channels, kernel=KERNELS[operation], stride=stride)
    if operation == NONE:
        return builder.strided(name, "zero", source, channels, stride=stride)
    return (
        builder.same(name, "identity", source) if stride == 1 else _factorized_reduce(builder, name, source, channels)
    )


def _factorized_reduce(builder: GraphBuilder, name: str, source: str, channels: int) -> str:
    """A skip that halves the image: half of the channels from the even pixels, half from the odd ones."""
    active = builder.same(f"{name}.relu", "relu", source)
    even = builder.conv(f"{name}.convs.0", active, channels // 2, stride=2)
    batch, in_channels, height, width = builder.operators[active].shape
    padded = builder.add(f"{name}.pad", "pad", [active], (batch, in_channels, height + 1, width + 1))
    shifted = builder.add(f"{name}.crop", "crop", [padded], (batch, in_channels, height, width))
    odd = builder.conv(f"{name}.convs.1", shifted, channels // 2, stride=2)
    _, _, height, width = builder.operators[even].shape
    both = builder.add(f"{name}.concat", "concat", [even, odd], (batch, channels, height, width))
    return builder.same(f"{name}.bn", "batch_norm", both)
