"""Operators of vision transformers: patches, tokens, attention and MLP, with the names of the torch modules."""

from __future__ import annotations

from functools import cache

from hwnas.graphs import GraphBuilder


def patches(builder: GraphBuilder, name: str, source: str, width: int, *, kernel: int, stride: int) -> str:
    """Overlapping or touching patches of an image, each mapped to `width` numbers; convolution without padding."""
    _, in_channels, height, columns = builder.operators[source].shape
    shape = (1, width, (height - kernel) // stride + 1, (columns - kernel) // stride + 1)
    attributes = {"in_channels": in_channels, "kernel": kernel, "stride": stride, "padding": 0, "groups": 1, "bias": 1}
    return builder.add(name, "conv", [source], shape, **attributes)


def to_tokens(builder: GraphBuilder, name: str, source: str) -> str:
    """A feature map (1, width, h, w) as h x w tokens."""
    _, width, height, columns = builder.operators[source].shape
    return builder.add(name, "reshape", [source], (1, height * columns, width))


def linear(builder: GraphBuilder, name: str, source: str, features: int) -> str:
    """A linear layer with bias over the last axis."""
    shape = builder.operators[source].shape
    return builder.add(name, "linear", [source], (*shape[:-1], features), in_features=shape[-1], bias=1)


def attention(builder: GraphBuilder, name: str, source: str, heads: int) -> str:
    """Multi-head self-attention whose heads share the width of the tokens."""
    _, tokens, width = builder.operators[source].shape
    qkv = linear(builder, f"{name}.qkv", source, 3 * width)
    scores = builder.add(f"{name}.scores", "matmul", [qkv, qkv], (1, heads, tokens, tokens), inner=width // heads)
    weights = builder.same(f"{name}.softmax", "softmax", scores)
    mixed = builder.add(f"{name}.mixed", "matmul", [weights, qkv], (1, heads, tokens, width // heads), inner=tokens)
    joined = builder.add(f"{name}.joined", "reshape", [mixed], (1, tokens, width))
    return linear(builder, f"{name}.proj", joined, width)


def transformer_layer(builder: GraphBuilder, name: str, source: str, *, heads: int, hidden: int) -> str:
    """Attention and an MLP of `hidden` units, each behind a layer norm and beside a shortcut."""
    width = builder.operators[source].shape[-1]
    mixed = attention(builder, f"{name}.attn", builder.same(f"{name}.norm1", "layer_norm", source), heads)
    between = builder.sum(f"{name}.sum1", [source, mixed])
    expanded = linear(builder, f"{name}.mlp.fc1", builder.same(f"{name}.norm2", "layer_norm", between), hidden)
    active = builder.same(f"{name}.mlp.act", "gelu", expanded)
    return builder.sum(f"{name}.sum2", [between, linear(builder, f"{name}.mlp.fc2", active, width)])


@cache
def layer_counts(*, tokens: int, width: int, hidden: int) -> tuple[int, int]:
    """Parameters and multiply-accumulates of one transformer layer, whatever its heads."""
    builder = GraphBuilder()
    source = builder.add("input", "input", [], (1, tokens, width))
    transformer_layer(builder, "layer", source, heads=1, hidden=hidden)
    graph = builder.graph()
    return graph.params, graph.macs
