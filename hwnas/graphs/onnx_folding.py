"""Values of what does not depend on the input: arithmetic on shapes, axes and bounds, in numpy, on small arrays alone.

The shape inference of the library onnx follows some such chains, not those through ConstantOfShape, Cast or Where that
torch writes for paddings and expansions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from functools import reduce
from typing import Any, Final, cast

import numpy as np

from hwnas.arrays import Array
from hwnas.graphs.onnx_parsed import ParsedNode, Type

SMALL: Final = 4096  # elements of an array that may be a shape, an axis or a bound: its values are looked at
_NUMPY_TYPES: Final = {1: "float32", 6: "int32", 7: "int64", 9: "bool", 10: "float16", 11: "float64"}


def fold(nodes: Sequence[ParsedNode], values: MutableMapping[str, Array], types: Mapping[str, Type]) -> bool:
    """Add the values that can be known to `values`; whether there were new ones."""
    before = len(values)
    for node in nodes:
        if node.domain or node.kind not in _EVALUATED or all(name in values for name in node.outputs if name):
            continue
        if node.kind in ("Shape", "Size"):
            shape = types.get(node.inputs[0], (None, ""))[0]
            found = None if shape is None else _shape(node, shape)
        elif all(name in values for name in node.inputs if name):
            found = _evaluated(node, [values[name] if name else None for name in node.inputs])
        else:
            continue
        if found is not None and found.size <= SMALL:
            values[node.outputs[0]] = found
    return len(values) > before


def _shape(node: ParsedNode, shape: tuple[int, ...]) -> Array:
    if node.kind == "Size":
        return np.array(math.prod(shape), dtype=np.int64)
    return np.array(shape[node.attributes.get("start", 0) : node.attributes.get("end")], dtype=np.int64)


def _evaluated(node: ParsedNode, inputs: list[Any]) -> Array | None:
    """None for what does not fit together, which the checks of the shapes report."""
    try:
        with np.errstate(all="ignore"):
            found = _EVALUATED[node.kind](node.attributes, *inputs)
    except (ValueError, IndexError, TypeError, KeyError, ZeroDivisionError, OverflowError, MemoryError):
        return None
    return None if found is None else np.asarray(found)


def _constant(attributes: Mapping[str, Any]) -> Any:
    (value,) = attributes.values()
    if isinstance(value, (int, tuple)) and not isinstance(value, bool):
        return np.array(value, dtype=np.int64 if np.asarray(value).dtype.kind == "i" else np.float32)
    return np.asarray(value, dtype=np.float32) if isinstance(value, float) else value


def _filled(attributes: Mapping[str, Any], shape: Array) -> Array | None:
    value = np.asarray(attributes.get("value", np.zeros(1, dtype=np.float32))).ravel()[0]
    return np.full(tuple(shape), value) if math.prod(shape.tolist()) <= SMALL else None


def _slice(_: Mapping[str, Any], data: Array, starts: Array, ends: Array, *rest: Any) -> Array:
    axes = rest[0] if rest and rest[0] is not None else range(len(starts))
    steps = rest[1] if len(rest) > 1 and rest[1] is not None else [1] * len(starts)
    index: list[slice] = [slice(None)] * data.ndim
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        low = -(2**62)
        index[int(axis)] = slice(int(start), None if step < 0 and int(end) < low else int(end), int(step))
    return data[tuple(index)]


def _axes(attributes: Mapping[str, Any], given: Any) -> tuple[int, ...] | None:
    found = attributes.get("axes") if given is None else np.atleast_1d(given).tolist()
    return None if found is None else tuple(int(axis) for axis in found)


def _unsqueeze(attributes: Mapping[str, Any], data: Array, given: Any = None) -> Array:
    return np.expand_dims(data, _axes(attributes, given) or ())


def _squeeze(attributes: Mapping[str, Any], data: Array, given: Any = None) -> Array:
    return np.squeeze(data, _axes(attributes, given))


def _reshape(_: Mapping[str, Any], data: Array, shape: Array) -> Array:
    return data.reshape([data.shape[i] if length == 0 else int(length) for i, length in enumerate(shape)])


def _expand(_: Mapping[str, Any], data: Array, shape: Array) -> Array | None:
    full = np.broadcast_shapes(data.shape, tuple(int(length) for length in shape))
    return np.broadcast_to(data, full) if math.prod(full) <= SMALL else None


def _range(_: Mapping[str, Any], start: Array, end: Array, step: Array) -> Array | None:
    numbers = [np.asarray(value).ravel()[0] for value in (start, end, step)]
    return np.arange(*numbers) if (numbers[1] - numbers[0]) / numbers[2] <= SMALL else None


def _divided(_: Mapping[str, Any], a: Array, b: Array) -> Array:
    return a / b if a.dtype.kind == "f" else np.asarray(np.trunc(a / b), dtype=a.dtype)


def _product(attributes: Mapping[str, Any], data: Array, given: Any = None) -> Array:
    kept = bool(attributes.get("keepdims", 1))
    return np.asarray(np.prod(data, axis=_axes(attributes, given), keepdims=kept), dtype=data.dtype)


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda _, *inputs: function(*inputs)


_EVALUATED: Final[Mapping[str, Callable[..., Any]]] = {
    "Constant": _constant,
    "Shape": _plain(np.asarray),
    "Size": _plain(np.asarray),
    "Gather": lambda a, data, index: np.take(data, index, axis=a.get("axis", 0)),
    "Concat": lambda a, *parts: np.concatenate(parts, axis=a["axis"]),
    "Cast": lambda a, data: data.astype(_NUMPY_TYPES[a["to"]]),
    "Slice": _slice,
    "Reshape": _reshape,
    "Transpose": lambda a, data: np.transpose(data, a.get("perm")),
    "ConstantOfShape": _filled,
    "Unsqueeze": _unsqueeze,
    "Squeeze": _squeeze,
    "Expand": _expand,
    "Range": _range,
    "ReduceProd": _product,
    "Div": _divided,
    "Min": lambda _, *inputs: reduce(np.minimum, inputs),
    "Max": lambda _, *inputs: reduce(np.maximum, inputs),
    **{
        kind: _plain(cast("Callable[..., Any]", function))
        for kind, function in {
            "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Mod": np.mod, "Neg": np.negative, "Sqrt": np.sqrt,
            "Floor": np.floor, "Ceil": np.ceil, "Equal": np.equal, "Greater": np.greater, "Less": np.less,
            "GreaterOrEqual": np.greater_equal, "LessOrEqual": np.less_equal, "Not": np.logical_not,
            "And": np.logical_and, "Or": np.logical_or, "Where": np.where, "Identity": np.asarray,
        }.items()
    },
}  # fmt: skip
