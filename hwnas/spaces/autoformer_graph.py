"""A network of the AutoFormer space as its choices, and its operators with their shapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

from hwnas.graphs import Graph, GraphBuilder
from hwnas.spaces.transformer_graph import linear, patches, to_tokens, transformer_layer

IMAGE_SIZE: Final = 224
PATCH: Final = 16
TOKENS: Final = (IMAGE_SIZE // PATCH) ** 2 + 1  # patches and the class token
CLASSES: Final = {"cifar100": 100, "flowers": 102, "chaoyang": 4, "imagenet": 1000}


@final
@dataclass(frozen=True, kw_only=True)
class AutoFormerNet:
    """Width of the tokens; heads and hidden units of the MLP of each layer."""

    width: int
    heads: tuple[int, ...]
    hidden: tuple[int, ...]


def build_graph(net: AutoFormerNet, classes: int) -> Graph:
    """Graph of the whole network for one image; names follow the module's."""
    builder = GraphBuilder()
    image = builder.image(IMAGE_SIZE)
    embedded = patches(builder, "patch_embed", image, net.width, kernel=PATCH, stride=PATCH)
    tensor = to_tokens(builder, "tokens", embedded)
    tensor = builder.add("class_token", "class_token", [tensor], (1, TOKENS, net.width))
    tensor = builder.same("position_embedding", "position_embedding", tensor)
    for number, (heads, hidden) in enumerate(zip(net.heads, net.hidden, strict=True)):
        tensor = transformer_layer(builder, f"layers.{number}", tensor, heads=heads, hidden=hidden)
    tensor = builder.same("norm", "layer_norm", tensor)
    linear(builder, "head", builder.add("mean", "mean", [tensor], (1, net.width)), classes)
    return builder.graph()
