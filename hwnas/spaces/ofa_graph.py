"""The operators of a Once-for-All MobileNetV3 with their shapes; names follow the module's."""

from __future__ import annotations

from collections.abc import Sequence

from hwnas.graphs import Graph
from hwnas.spaces.mobile_blocks import Conv, InvertedResidual
from hwnas.spaces.mobile_graph import ChainBuilder
from hwnas.spaces.ofa_layers import CLASSES, Skeleton

Blocks = Sequence[tuple[InvertedResidual, str]]


def build_graph(blocks: Blocks, shape: Skeleton, *, resolution: int) -> Graph:
    """Graph of the whole network for one image; `blocks`: those that are used, with their activation function."""
    builder = ChainBuilder(resolution)
    add_conv_bn_act(builder, "first_conv", shape.stem_conv, "hard_swish")
    for number, (block, activation) in enumerate([(shape.first_block, "relu"), *blocks]):
        add_block(builder, f"blocks.{number}", block, activation)
    add_conv_bn_act(builder, "final_expand_layer", shape.expand_conv, "hard_swish")
    builder.pool("global_avg_pool")
    builder.conv("feature_mix_layer.conv", shape.mix_conv)
    builder.add("feature_mix_layer.act", "hard_swish")
    builder.linear("classifier.linear", CLASSES)
    return builder.graph()


def add_conv_bn_act(builder: ChainBuilder, name: str, conv: Conv, activation: str) -> None:
    """Append convolution, batch norm and activation."""
    builder.conv_bn((f"{name}.conv", f"{name}.bn"), conv)
    builder.add(f"{name}.act", activation)


def add_block(builder: ChainBuilder, name: str, block: InvertedResidual, activation: str) -> None:
    """Append a block, and the sum with its input where shapes agree."""
    source = builder.last
    *expand, depthwise, project = block.convs
    for conv in expand:
        add_conv_bn_act(builder, f"{name}.conv.inverted_bottleneck", conv, activation)
    add_conv_bn_act(builder, f"{name}.conv.depth_conv", depthwise, activation)
    if block.squeeze:
        builder.squeeze(f"{name}.conv.depth_conv.se", block.hidden, block.squeeze)
    output = builder.conv_bn((f"{name}.conv.point_linear.conv", f"{name}.conv.point_linear.bn"), project)
    if block.residual:
        builder.add(f"{name}.sum", "add", inputs=(output, source))
