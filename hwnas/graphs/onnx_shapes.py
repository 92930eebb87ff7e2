"""Whether the shapes that the nodes of a model read fit together, which they may not for lengths that somebody chose.

The library onnx infers no shape behind such a node, and says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import numpy as np

from hwnas.errors import UsageError
from hwnas.graphs.graph import Shape
from hwnas.graphs.onnx_parsed import ParsedNode, Type


def check_shapes(nodes: Iterable[ParsedNode], types: Mapping[str, Type]) -> None:
    """Raise `UsageError` for the first node whose known inputs cannot be joined, added or multiplied."""
    for node in nodes:
        check = None if node.domain else _CHECKS.get(node.kind)
        if check is None:
            continue
        shapes = [types.get(name, (None, ""))[0] for name in node.inputs]
        known = [shape for shape in shapes if shape is not None]
        if len(known) == len(shapes) > 1 and not check(node, known):
            got = " and ".join("x".join(map(str, shape)) or "a number" for shape in known)
            raise UsageError(
                f"expected shapes that fit together at the {node.kind} {node.name or node.outputs[0]!r}, got {got}; "
                "give other lengths (--size), or export the model again for these"
            )


def _joined(node: ParsedNode, shapes: Sequence[Shape]) -> bool:
    """Equal but for the axis; what is empty joins anything."""
    axis, rank = node.attributes.get("axis"), len(shapes[0])
    if not isinstance(axis, int) or not -rank <= axis < rank or any(0 in shape for shape in shapes):
        return True
    axis %= rank
    return len({(len(shape), shape[:axis], shape[axis + 1 :]) for shape in shapes}) == 1


def _spread(_: ParsedNode, shapes: Sequence[Shape]) -> bool:
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        return False
    return True


def _product(_: ParsedNode, shapes: Sequence[Shape]) -> bool:
    first, second = shapes[:2]
    if not first or not second:
        return True
    inner = second[-2] if len(second) > 1 else second[0]
    return first[-1] == inner and _spread(_, [first[:-2], second[:-2]])


def _gemm(node: ParsedNode, shapes: Sequence[Shape]) -> bool:
    first, second = shapes[:2]
    if len(first) != 2 or len(second) != 2:
        return True
    return first[0 if node.attributes.get("transA") else 1] == second[1 if node.attributes.get("transB") else 0]


def _conv(node: ParsedNode, shapes: Sequence[Shape]) -> bool:
    source, weight = shapes[:2]
    return len(source) < 3 or len(weight) < 3 or source[1] == weight[1] * node.attributes.get("group", 1)


_CHECKS: Final[Mapping[str, Callable[[ParsedNode, Sequence[Shape]], bool]]] = {
    "Concat": _joined,
    "MatMul": _product,
    "Gemm": _gemm,
    "Conv": _conv,
    **dict.fromkeys(
        ("Add", "Sub", "Mul", "Div", "Pow", "Sum", "Mean", "Max", "Min", "Where", "And", "Or", "Xor", "Equal", "Less",
         "Greater", "LessOrEqual", "GreaterOrEqual"),
        _spread,
    ),
}  # fmt: skip
