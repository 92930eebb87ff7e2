"""The operators of an Accel-NASBench network with their shapes; names follow the module's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hwnas.graphs import Graph
from hwnas.spaces.accel_nasbench_layers import CLASSES, HEAD, IMAGE_SIZE, STEM
from hwnas.spaces.mobile_blocks import InvertedResidual
from hwnas.spaces.mobile_graph import ChainBuilder
from hwnas.spaces.ofa_graph import add_block, add_conv_bn_act

# The source names no activation function; MnasNet's is ReLU. Parameters and multiply-accumulates do not depend on it.
ACTIVATION: Final = "relu"


def build_graph(blocks: Sequence[InvertedResidual]) -> Graph:
    """Graph of the whole network for one image."""
    builder = ChainBuilder(IMAGE_SIZE)
    add_conv_bn_act(builder, "first_conv", STEM, ACTIVATION)
    for number, block in enumerate(blocks):
        add_block(builder, f"blocks.{number}", block, ACTIVATION)
    add_conv_bn_act(builder, "final_expand_layer", HEAD, ACTIVATION)
    builder.pool("global_avg_pool")
    builder.linear("classifier", CLASSES)
    return builder.graph()
