"""The operators of an FBNet network with their shapes; names follow the module's."""

from __future__ import annotations

from collections.abc import Sequence

from hwnas.graphs import Graph
from hwnas.spaces.fbnet_layers import CHANNELS, CLASSES, HEAD_CHANNELS, IMAGE_SIZE, STEM_CHANNELS, STEM_STRIDE, places
from hwnas.spaces.mobile_blocks import Conv, InvertedResidual
from hwnas.spaces.mobile_graph import ChainBuilder


def build_graph(vector: Sequence[int], dataset: str) -> Graph:
    """Graph of the whole network for one image of `dataset`."""
    builder = ChainBuilder(IMAGE_SIZE[dataset])
    stem = Conv(in_channels=3, channels=STEM_CHANNELS, kernel=3, stride=STEM_STRIDE[dataset])
    _conv_bn_relu(builder, "stem", stem)
    for number, (operation, place) in enumerate(zip(vector, places(dataset), strict=True)):
        layer, name = place.layer(operation), f"cells.{number}"
        if layer is None:
            builder.add(name, "identity")
        elif isinstance(layer, Conv):
            _conv_bn_relu(builder, name, layer)
        else:
            _block(builder, name, layer)
    _conv_bn_relu(builder, "header", Conv(in_channels=CHANNELS[-1], channels=HEAD_CHANNELS[dataset]))
    builder.pool("avgpool")
    builder.linear("fc", CLASSES[dataset])
    return builder.graph()


def _conv_bn_relu(builder: ChainBuilder, name: str, conv: Conv) -> None:
    builder.conv_bn((f"{name}.conv", f"{name}.bn"), conv)
    builder.add(f"{name}.relu", "relu")


def _block(builder: ChainBuilder, name: str, block: InvertedResidual) -> None:
    source = builder.last
    expand, depthwise, project = block.convs
    builder.conv_bn((f"{name}.conv1", f"{name}.bn1"), expand)
    builder.add(f"{name}.nl1", "relu")
    if block.groups > 1:
        builder.add(f"{name}.shuffle", "channel_shuffle", groups=block.groups)
    builder.conv_bn((f"{name}.conv2", f"{name}.bn2"), depthwise)
    builder.add(f"{name}.nl2", "relu")
    output = builder.conv_bn((f"{name}.conv3", f"{name}.bn3"), project)
    if block.residual:
        builder.add(f"{name}.sum", "add", inputs=(output, source))
