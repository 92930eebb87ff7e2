"""A network of the PiT space as its choices, and its operators with their shapes (Heo et al. 2021, section 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

from hwnas.graphs import Graph, GraphBuilder
from hwnas.spaces.transformer_graph import linear, patches, to_tokens, transformer_layer

IMAGE_SIZE: Final = 224
PATCH: Final = 16
STRIDE: Final = 8
TOKENS: Final = (
    27 * 27 + 1,
    14 * 14 + 1,
    7 * 7 + 1,
)  # of each stage: the map, halved between stages, and the class token
CLASSES: Final = {"cifar100": 100, "flowers": 102, "chaoyang": 4}


@final
@dataclass(frozen=True, kw_only=True)
class PiTNet:
    """Width of one head, MLP ratio; layers and heads of each of the three stages."""

    head_width: int
    ratio: int
    depths: tuple[int, int, int]
    heads: tuple[int, int, int]

    @property
    def widths(self) -> tuple[int, ...]:
        """Width of the tokens of each stage."""
        return tuple(self.head_width * heads for heads in self.heads)


def build_graph(net: PiTNet, classes: int) -> Graph:
    """Graph of the whole network for one image; names follow the module's."""
    builder = GraphBuilder()
    image = builder.image(IMAGE_SIZE)
    feature_map = patches(builder, "patch_embed", image, net.widths[0], kernel=PATCH, stride=STRIDE)
    feature_map = builder.same("position_embedding", "position_embedding", feature_map)
    tensor = to_tokens(builder, "stages.0.tokens", feature_map)
    tensor = builder.add("class_token", "class_token", [tensor], _with_class_token(builder, tensor))
    for stage, (depth, heads, width) in enumerate(zip(net.depths, net.heads, net.widths, strict=True)):
        if stage:
            tensor = _pool(builder, stage - 1, tensor, width)
        for layer in range(depth):
            name = f"stages.{stage}.{layer}"
            tensor = transformer_layer(builder, name, tensor, heads=heads, hidden=width * net.ratio)
    class_token = _class_token(builder, "class_token.out", tensor)
    linear(builder, "head", builder.same("norm", "layer_norm", class_token), classes)
    return builder.graph()


def _pool(builder: GraphBuilder, number: int, source: str, width: int) -> str:
    """Halves the map of tokens by a depthwise convolution; a linear layer maps the class token beside it."""
    _, tokens, in_width = builder.operators[source].shape
    size = round((tokens - 1) ** 0.5)
    name = f"pools.{number}"
    feature_map = builder.add(f"{name}.map", "reshape", [source], (1, in_width, size, size))
    halved = (size - 1) // 2 + 1
    attributes = {"in_channels": in_width, "kernel": 3, "stride": 2, "padding": 1, "groups": in_width, "bias": 1}
    pooled = builder.add(f"{name}.conv", "conv", [feature_map], (1, width, halved, halved), **attributes)
    class_token = linear(builder, f"{name}.fc", _class_token(builder, f"{name}.class_token", source), width)
    tensor = to_tokens(builder, f"{name}.tokens", pooled)
    return builder.add(f"{name}.joined", "concat", [class_token, tensor], _with_class_token(builder, tensor))


def _class_token(builder: GraphBuilder, name: str, source: str) -> str:
    return builder.add(name, "select", [source], (1, builder.operators[source].shape[-1]))


def _with_class_token(builder: GraphBuilder, source: str) -> tuple[int, int, int]:
    _, tokens, width = builder.operators[source].shape
    return 1, tokens + 1, width
