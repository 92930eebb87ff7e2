"""The operators of a NAS-Bench-Macro network with their shapes (Su et al. 2021, appendix)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, final

from hwnas.graphs import Graph, GraphBuilder
from hwnas.spaces.nasbench_macro import IDENTITY, STAGES

STEM_CHANNELS: Final = 32
HEAD_CHANNELS: Final = 1280
IMAGE_SIZE: Final = {"cifar10": 32}
CLASSES: Final = {"cifar10": 10}
# Kernel size and expansion ratio of the inverted residual blocks.
_SHAPES: Final = {1: (3, 3), 2: (5, 6)}


@final
@dataclass(frozen=True, kw_only=True)
class Block:
    """One searched block. kernel, expansion: of its inverted residual; None where it is an identity."""

    in_channels: int
    channels: int
    stride: int
    kernel: int | None
    expansion: int | None

    @property
    def keeps_shape(self) -> bool:
        """Whether its output has the shape of its input."""
        return self.stride == 1 and self.in_channels == self.channels


def blocks_of(vector: Sequence[int]) -> Iterator[Block]:
    """The eight blocks of an architecture, in order."""
    channels, operations = STEM_CHANNELS, iter(vector)
    for blocks in STAGES:
        for number in range(blocks):
            operation, stride = next(operations), 2 if number == 0 else 1
            kernel, expansion = (None, None) if operation == IDENTITY else _SHAPES[operation]
            yield Block(
                in_channels=channels, channels=channels * stride, stride=stride, kernel=kernel, expansion=expansion
            )
            channels *= stride


def build_graph(vector: Sequence[int], dataset: str) -> Graph:
    """Graph of the whole network for one image of `dataset`; names follow the module's."""
    builder = GraphBuilder()
    image = builder.image(IMAGE_SIZE[dataset])
    tensor = _conv_bn(builder, ("stem.0", "stem.1"), image, STEM_CHANNELS, kernel=3)
    tensor = builder.same("stem.2", "relu", tensor)
    for number, block in enumerate(blocks_of(vector)):
        tensor = _block(builder, f"features.{number}", tensor, block)
    tensor = builder.same("out.2", "relu", _conv_bn(builder, ("out.0", "out.1"), tensor, HEAD_CHANNELS))
    builder.classifier("classifier", tensor, CLASSES[dataset], pooling="out.3")
    return builder.graph()


def _block(builder: GraphBuilder, name: str, source: str, block: Block) -> str:
    if block.kernel is None or block.expansion is None:
        if block.keeps_shape:
            return builder.same(name, "identity", source)
        names = f"{name}.downsample.0", f"{name}.downsample.1"
        return _conv_bn(builder, names, source, block.channels, stride=block.stride)
    layers, hidden = [f"{name}.conv.{number}" for number in range(8)], block.in_channels * block.expansion
    wide = builder.same(layers[2], "relu", _conv_bn(builder, (layers[0], layers[1]), source, hidden))
    deep = builder.conv(layers[3], wide, hidden, kernel=block.kernel, stride=block.stride, depthwise=True)
    deep = builder.same(layers[5], "relu", builder.same(layers[4], "batch_norm", deep))
    narrow = _conv_bn(builder, (layers[6], layers[7]), deep, block.channels)
    return builder.sum(f"{name}.sum", [narrow, source]) if block.keeps_shape else narrow


def _conv_bn(
    builder: GraphBuilder, names: tuple[str, str], source: str, channels: int, *, kernel: int = 1, stride: int = 1
) -> str:
    """A convolution and a batch norm, called by `names`."""
    return builder.same(names[1], "batch_norm", builder.conv(names[0], source, channels, kernel=kernel, stride=stride))
