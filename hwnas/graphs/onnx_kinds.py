"""Which kind of operator an ONNX node is, and its attributes in the form of `Operator`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np

from hwnas.graphs.einsum import einsum_inner
from hwnas.graphs.graph import CONV_KINDS, MATMUL_KINDS, RECURRENT_KINDS, Shape
from hwnas.graphs.onnx_parsed import ParsedNode

# Types whose kind is another word than their own name in lower case with underscores.
RENAMED: Final[Mapping[str, str]] = {
    "AveragePool": "avg_pool", "GlobalAveragePool": "global_avg_pool", "BatchNormalization": "batch_norm",
    "LayerNormalization": "layer_norm", "InstanceNormalization": "instance_norm", "GroupNormalization": "group_norm",
    "RMSNormalization": "rms_norm", "ReduceMean": "mean", "Flatten": "reshape", "Squeeze": "reshape",
    "Unsqueeze": "reshape", "Sum": "add", "Swish": "silu", "Upsample": "resize", "LRN": "local_response_norm",
    "Col2Im": "fold", "LSTM": "lstm", "GRU": "gru", "RNN": "rnn",
    "Gemm": "linear", "MatMul": "matmul", "Einsum": "matmul", "MatMulInteger": "matmul_integer",
    "QLinearMatMul": "qlinear_matmul",
}  # fmt: skip
# Types that keep their name: `MaxPool` is "max_pool".
_KEPT: Final = """
Conv ConvTranspose MaxPool LpPool GlobalMaxPool GlobalLpPool Relu LeakyRelu PRelu Elu Selu Celu ThresholdedRelu
Sigmoid HardSigmoid HardSwish Tanh Softplus Softsign Erf Gelu Mish Clip Exp Log Sqrt Reciprocal Neg Abs Floor Ceil
Round Sign Not Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh IsNaN IsInf Add Sub Mul Div Pow Min Max Mod
Mean Equal Greater Less GreaterOrEqual LessOrEqual And Or Xor Where ReduceSum ReduceMax ReduceMin ReduceProd
ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceSumSquare ArgMax ArgMin Reshape Transpose Concat Split Slice
Gather GatherND GatherElements Scatter ScatterND ScatterElements Expand Tile Pad Resize DepthToSpace SpaceToDepth
Identity Dropout Cast CastLike Softmax LogSoftmax Hardmax TopK CumSum Range ConstantOfShape NonZero OneHot Trilu
EyeLike LpNormalization MeanVarianceNormalization GridSample RoiAlign MaxRoiPool QuantizeLinear DequantizeLinear Det
DynamicQuantizeLinear ConvInteger QLinearConv Bernoulli RandomNormal RandomUniform NonMaxSuppression
ReverseSequence Unique BitShift Compress
"""
PLAIN: Final = frozenset(_KEPT.split())
# Where products on integers read what is multiplied, then what is added; their other inputs are scales and zero points.
INTEGER_OPERANDS: Final[Mapping[str, tuple[int, ...]]] = {
    "ConvInteger": (0, 1), "MatMulInteger": (0, 1), "QLinearConv": (0, 3, 8), "QLinearMatMul": (0, 3),
}  # fmt: skip
_GATES: Final[Mapping[str, int]] = {"LSTM": 4, "GRU": 3, "RNN": 1}
_POOLS: Final = ("max_pool", "avg_pool", "lp_pool")
_NUMBERS: Final = (int, float, str, tuple)


@final
@dataclass(frozen=True, kw_only=True)
class Reading:
    """A node with what is known around it.

    in_shapes: None for an input that is left out or whose shape is not known. values: small fixed inputs by position;
    fixed: positions of all fixed inputs. shape: of the first output.
    """

    node: ParsedNode
    in_shapes: tuple[Shape | None, ...]
    values: Mapping[int, Any]
    fixed: frozenset[int]
    shape: Shape | None

    def numbers(self, position: int) -> tuple[int, ...] | None:
        """A small fixed input as whole numbers."""
        value = self.values.get(position)
        return None if value is None else tuple(int(number) for number in np.atleast_1d(value).ravel())


def kind_of(reading: Reading) -> str:
    """The kind of a node. Matrix products with a fixed matrix are "linear"; others, and those of vectors, "matmul"."""
    node = reading.node
    if node.domain or node.kind not in RENAMED.keys() | PLAIN:
        return f"unknown:{node.domain or 'ai.onnx'}.{node.kind}"
    if node.kind in ("Gemm", "MatMul"):
        matrix = 1 in reading.fixed and len(reading.in_shapes[1] or ()) == 2 and 0 not in reading.fixed
        return "linear" if matrix else "matmul"
    return RENAMED.get(node.kind, _snake(node.kind))


def attributes_of(kind: str, reading: Reading) -> dict[str, Any]:
    """Attributes in the form of `Operator`: what counting and fusion need under one name, the others as they are."""
    rest = {name: value for name, value in reading.node.attributes.items() if isinstance(value, _NUMBERS)}
    if (special := _SPECIAL.get(kind)) is not None:
        return special(reading)
    if reading.node.kind in _POSITIONS:
        for position, name in enumerate(_POSITIONS[reading.node.kind]):
            if name and (numbers := reading.numbers(position)) is not None:
                rest[name] = numbers
    scalars = {position: value for position, value in reading.values.items() if np.size(value) == 1}
    if scalars and kind in ("add", "sub", "mul", "div", "pow", "max", "min"):
        (position, value), *_ = scalars.items()
        rest |= {"scalar": float(np.asarray(value).ravel()[0]), "scalar_position": position}
    if reading.fixed and kind in ("add", "mul"):
        rest["fixed_position"] = min(reading.fixed)
    return rest


# Inputs that are attributes in all but name, by position.
_POSITIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "Pad": ("", "pads", "", "axes"),
    "Slice": ("", "starts", "ends", "axes", "steps"),
    "Unsqueeze": ("", "axes"),
    "Squeeze": ("", "axes"),
    "Reshape": ("", "shape"),
    "Split": ("", "split"),
    "Tile": ("", "repeats"),
    **dict.fromkeys(
        ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2"), ("", "axes")
    ),
}


def _conv(reading: Reading) -> dict[str, Any]:
    """Of one on integers, and of a transposed one, whose output channels stand second in its weight."""
    first, second, *rest = INTEGER_OPERANDS.get(reading.node.kind, (0, 1, 2))
    a, weight, source = reading.node.attributes, reading.in_shapes[second], reading.in_shapes[first]
    kernel = a.get("kernel_shape") or (weight or ())[2:]
    groups = int(a.get("group", 1))
    bias = any(place < len(reading.in_shapes) and reading.in_shapes[place] is not None for place in rest)
    in_channels = source[1] if source else (weight or (0, 0))[1] * groups
    known = {**_window(reading, kernel), "groups": groups, "in_channels": in_channels, "bias": int(bias)}
    if reading.node.kind == "ConvTranspose":
        known["in_elements"] = math.prod(source or ())
    if second not in reading.fixed:
        known["dynamic_weight"] = 1
    return known


def _pool(reading: Reading) -> dict[str, Any]:
    known = _window(reading, reading.node.attributes["kernel_shape"])
    return {**known, "count_pad": int(reading.node.attributes.get("count_include_pad", 0))}


def _window(reading: Reading, kernel: Shape) -> dict[str, Any]:
    """Kernel, stride, padding and dilation, one number per axis (of a padding two)."""
    a, rank = reading.node.attributes, len(kernel)
    stride, dilation = a.get("strides") or (1,) * rank, a.get("dilations") or (1,) * rank
    padding = tuple(a.get("pads") or (0,) * (2 * rank))
    side, source, shape = a.get("auto_pad", "NOTSET"), reading.in_shapes[0], reading.shape
    if side.startswith("SAME") and source and shape:
        missing = [
            max((out - 1) * step + (size - 1) * apart + 1 - length, 0)
            for out, step, size, apart, length in zip(shape[2:], stride, kernel, dilation, source[2:], strict=True)
        ]
        small, large = tuple(m // 2 for m in missing), tuple(m - m // 2 for m in missing)
        padding = small + large if side == "SAME_UPPER" else large + small
    return {"kernel": tuple(kernel), "stride": tuple(stride), "padding": padding, "dilation": tuple(dilation)}


def _linear(reading: Reading) -> dict[str, Any]:
    weight = reading.in_shapes[1]
    turned = reading.node.attributes.get("transB", 0)
    inner = (weight or (0, 0))[1 if turned else 0]
    bias = len(reading.in_shapes) > 2 and reading.in_shapes[2] is not None
    return {"in_features": inner, "bias": int(bias)}


def _matmul(reading: Reading) -> dict[str, Any]:
    if reading.node.kind == "Einsum":
        equation = reading.node.attributes.get("equation", "")
        return {"inner": einsum_inner(equation, reading.in_shapes), "equation": equation}
    first = reading.in_shapes[0] or (0,)
    return {"inner": first[-2] if reading.node.attributes.get("transA", 0) else first[-1]}


def _clip(reading: Reading) -> dict[str, Any]:
    """Bounds are attributes up to operator set 10, inputs since; one that is left out is no bound."""
    found: dict[str, Any] = {}
    for position, name in ((1, "min"), (2, "max")):
        value = reading.values.get(position, reading.node.attributes.get(name))
        if value is not None:
            found[name] = float(np.asarray(value).ravel()[0])
    return found


def _recurrent(reading: Reading) -> dict[str, Any]:
    """Beside the attributes what `Operator.macs` counts: input vectors, rows of all matrices, the length of a row."""
    node, source = reading.node, reading.in_shapes[0]
    known = {name: value for name, value in node.attributes.items() if isinstance(value, _NUMBERS)}
    hidden = node.attributes.get("hidden_size") or (reading.in_shapes[2] or (0,))[-1]
    directions = 2 if node.attributes.get("direction") == "bidirectional" else 1
    if source is not None:
        rows = directions * _GATES[node.kind] * hidden
        known |= {"vectors": math.prod(source[:-1]), "rows": rows, "inner": source[-1] + hidden}
        known["batch"] = source[0 if node.attributes.get("layout") else 1] if len(source) == 3 else 1
    return known


_SPECIAL: Final[Mapping[str, Callable[[Reading], dict[str, Any]]]] = {
    "conv_transpose": _conv,
    "linear": _linear,
    "clip": _clip,
    **dict.fromkeys(CONV_KINDS, _conv),
    **dict.fromkeys(MATMUL_KINDS, _matmul),
    **dict.fromkeys(RECURRENT_KINDS, _recurrent),
    **dict.fromkeys(_POOLS, _pool),
}


def _snake(name: str) -> str:
    """`MaxPool` as "max_pool", `PRelu` as "prelu", `ReduceL2` as "reduce_l2"."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


ONNX_KINDS: Final = frozenset({*RENAMED.values(), *map(_snake, PLAIN)})  # all that `kind_of` may say
