"""Small ONNX files of one operator and of two in a row, with which it is measured whether a runtime fuses them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from hwnas.errors import UnknownNameError, UsageError
from hwnas.graphs.graph import Shape
from hwnas.graphs.onnx_file import nodes_model
from hwnas.graphs.onnx_nodes import NodeBuilder

Write = Callable[[NodeBuilder, str, str, Shape], str]


def pair_files(first: str, second: str, *, shape: Shape = (1, 8, 112, 112), repeats: int = 1) -> dict[str, bytes]:
    """Files `first`, `second`, `both` and `empty`, for feature maps of `shape`, which no operator here changes.

    Weights are random; everything stands `repeats` times in a row. `empty` copies its input: what it takes is the cost
    of a run as such.
    Raises `UnknownNameError` for an operator that is not in `WRITTEN`, `UsageError` for a shape without four axes.
    """
    for name in (first, second):
        if name not in WRITTEN:
            raise UnknownNameError("operator", name, WRITTEN)
    if len(shape) != 4 or min(shape) < 1:
        raise UsageError(f"expected a shape of four axes such as (1, 64, 56, 56), got {shape}")
    chains = {"first": (first,), "second": (second,), "both": (first, second), "empty": ()}
    return {name: _file(chain * repeats, shape) for name, chain in chains.items()}


def _file(chain: tuple[str, ...], shape: Shape) -> bytes:
    builder = NodeBuilder(rng=np.random.default_rng(0), batch_size=shape[0])
    last = "input"
    for number, name in enumerate(chain):
        last = WRITTEN[name](builder, last, f"{number}.{name}", shape)
    if not chain:
        last = builder.node("Identity", ["input"], "output")
    return nodes_model(builder, {"input": shape, last: shape})


def _conv(kernel: int, *, depthwise: bool = False) -> Write:
    def write(builder: NodeBuilder, source: str, name: str, shape: Shape) -> str:
        channels, inner = shape[1], 1 if depthwise else shape[1]
        weight = builder.random(f"{name}.weight", (channels, inner, kernel, kernel), fan_in=inner * kernel**2)
        inputs = [source, weight, builder.random(f"{name}.bias", (channels,), fan_in=channels)]
        window = {"kernel_shape": [kernel] * 2, "pads": [kernel // 2] * 4}
        return builder.node("Conv", inputs, name, group=channels if depthwise else 1, **window)

    return write


def _pool(kind: str) -> Write:
    return lambda builder, source, name, _: builder.node(kind, [source], name, kernel_shape=[3, 3], pads=[1] * 4)


def _plain(kind: str, **attributes: Any) -> Write:
    return lambda builder, source, name, _: builder.node(kind, [source], name, **attributes)


def _gated(kind: str, **attributes: Any) -> Write:
    """The input times an activation of it."""

    def write(builder: NodeBuilder, source: str, name: str, _: Shape) -> str:
        gate = builder.node(kind, [source], f"{name}.gate", **attributes)
        return builder.node("Mul", [source, gate], name)

    return write


def _clip(builder: NodeBuilder, source: str, name: str, _: Shape) -> str:
    bounds = [builder.weight(f"{name}.{end}", value) for end, value in (("min", 0.0), ("max", 6.0))]
    return builder.node("Clip", [source, *bounds], name)


def _gelu(builder: NodeBuilder, source: str, name: str, _: Shape) -> str:
    halves = {"root": math.sqrt(2), "one": 1.0, "half": 0.5}
    numbers = {part: builder.weight(f"{name}.{part}", value) for part, value in halves.items()}
    inner = builder.node("Erf", [builder.node("Div", [source, numbers["root"]], f"{name}.scaled")], f"{name}.erf")
    shifted = builder.node("Add", [inner, numbers["one"]], f"{name}.shifted")
    return builder.node("Mul", [builder.node("Mul", [source, shifted], f"{name}.product"), numbers["half"]], name)


def _batch_norm(builder: NodeBuilder, source: str, name: str, shape: Shape) -> str:
    parts = [builder.weight(f"{name}.{i}", builder.rng.uniform(0.9, 1.1, size=shape[1])) for i in range(4)]
    return builder.node("BatchNormalization", [source, *parts], name)


def _layer_norm(builder: NodeBuilder, source: str, name: str, shape: Shape) -> str:
    parts = [builder.weight(f"{name}.{i}", builder.rng.uniform(0.9, 1.1, size=shape[-1])) for i in range(2)]
    return builder.node("LayerNormalization", [source, *parts], name, axis=-1)


def _linear(builder: NodeBuilder, source: str, name: str, shape: Shape) -> str:
    """Over the last axis, with bias."""
    side = shape[-1]
    product = builder.node(
        "MatMul", [source, builder.random(f"{name}.weight", (side, side), fan_in=side)], f"{name}.product"
    )
    return builder.node("Add", [product, builder.random(f"{name}.bias", (side,), fan_in=side)], name)


def _residual(builder: NodeBuilder, source: str, name: str, _: Shape) -> str:
    """The sum with the network's own input."""
    return builder.node("Add", [source, "input"], name)


WRITTEN: Final[Mapping[str, Write]] = {
    "conv": _conv(3),
    "conv_1x1": _conv(1),
    "depthwise_conv": _conv(3, depthwise=True),
    "linear": _linear,
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "relu": _plain("Relu"),
    "clip": _clip,
    "sigmoid": _plain("Sigmoid"),
    "tanh": _plain("Tanh"),
    "hard_sigmoid": _plain("HardSigmoid", alpha=1 / 6, beta=0.5),
    "hard_swish": _gated("HardSigmoid", alpha=1 / 6, beta=0.5),
    "silu": _gated("Sigmoid"),
    "gelu": _gelu,
    "softmax": _plain("Softmax", axis=-1),
    "add": _residual,
    "max_pool": _pool("MaxPool"),
    "avg_pool": _pool("AveragePool"),
}
