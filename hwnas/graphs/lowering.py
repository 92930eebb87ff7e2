"""Operators of the search spaces in the words of runtimes: a `zero` is a product, a channel shuffle a transpose, ..."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Final

from hwnas.graphs.graph import Graph, Operator, Shape

# One operator for one operator: the kind alone changes.
_RENAMED: Final = {"crop": "slice", "class_token": "concat", "position_embedding": "add", "select": "gather"}


def lowered_graph(graph: Graph) -> Graph:
    """The same network without kinds that only search spaces have; as hwnas/graphs/onnx_nodes.py writes it."""
    shapes: dict[str, Shape] = {}
    operators: list[Operator] = []
    for operator in graph.operators:
        shapes |= operator.outputs
        if operator.kind in _LOWERED:
            operators += _LOWERED[operator.kind](operator, shapes)
        elif operator.kind in _RENAMED:
            operators.append(dataclasses.replace(operator, kind=_RENAMED[operator.kind]))
        else:
            operators.append(operator)
    return dataclasses.replace(graph, operators=tuple(operators), outputs=graph.output_names)


def _zero(operator: Operator, shapes: Mapping[str, Shape]) -> list[Operator]:
    """A product with 0, of every stride-th pixel, one channel of it spread over all where their number changes."""
    (source,), name, stride = operator.inputs, operator.name, operator.attributes.get("stride", 1)
    channels, steps = shapes[source][1], []
    shape = (operator.shape[0], channels, *operator.shape[2:])
    if stride > 1:
        steps.append(Operator(name=f"{name}.strided", kind="slice", inputs=(source,), shape=shape))
        source = f"{name}.strided"
    same = channels == operator.shape[1]
    product = name if same else f"{name}.zeros"
    zero = {"scalar": 0.0, "scalar_position": 1}
    steps.append(Operator(name=product, kind="mul", inputs=(source,), shape=shape, attributes=zero, constants={"": ()}))
    if not same:
        one = (shape[0], 1, *shape[2:])
        steps.append(Operator(name=f"{name}.channel", kind="gather", inputs=(product,), shape=one))
        steps.append(dataclasses.replace(operator, kind="expand", inputs=(f"{name}.channel",), attributes={}))
    return steps


def _channel_shuffle(operator: Operator, _: Mapping[str, Shape]) -> list[Operator]:
    batch, channels, height, width = operator.shape
    groups, name = operator.attributes["groups"], operator.name
    apart = (batch, groups, channels // groups, height, width)
    swapped = (batch, channels // groups, groups, height, width)
    perm = {"perm": (0, 2, 1, 3, 4)}
    return [
        Operator(name=f"{name}.split", kind="reshape", inputs=operator.inputs, shape=apart),
        Operator(name=f"{name}.swapped", kind="transpose", inputs=(f"{name}.split",), shape=swapped, attributes=perm),
        Operator(name=name, kind="reshape", inputs=(f"{name}.swapped",), shape=operator.shape),
    ]


def _add(operator: Operator, _: Mapping[str, Shape]) -> list[Operator]:
    """Two by two, from the left."""
    total, *others = operator.inputs
    sums = []
    for number, other in enumerate(others, start=1):
        name = operator.name if number == len(others) else f"{operator.name}.{number}"
        sums.append(dataclasses.replace(operator, name=name, inputs=(total, other)))
        total = name
    return sums or [operator]


def _global_avg_pool(operator: Operator, _: Mapping[str, Shape]) -> list[Operator]:
    if len(operator.shape) != 2:
        return [operator]
    pooled = dataclasses.replace(operator, name=f"{operator.name}.pooled", shape=(*operator.shape, 1, 1))
    return [pooled, Operator(name=operator.name, kind="reshape", inputs=(pooled.name,), shape=operator.shape)]


def _linear(operator: Operator, shapes: Mapping[str, Shape]) -> list[Operator]:
    """A feature map is read as a vector; what is added to the product may come from elsewhere."""
    source, *others = operator.inputs
    if len(shapes[source]) != 4 or len(operator.shape) != 2:
        return [operator]
    batch, *rest = shapes[source]
    flat = Operator(name=f"{operator.name}.flat", kind="reshape", inputs=(source,), shape=(batch, math.prod(rest)))
    return [flat, dataclasses.replace(operator, inputs=(flat.name, *others))]


_LOWERED: Final[Mapping[str, Callable[[Operator, Mapping[str, Shape]], list[Operator]]]] = {
    "zero": _zero,
    "add": _add,
    "global_avg_pool": _global_avg_pool,
    "linear": _linear,
    "channel_shuffle": _channel_shuffle,
}
