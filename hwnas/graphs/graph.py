"""One form for every network: operators in execution order, with shapes, parameters and multiply-accumulates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, final

Shape = tuple[int, ...]
# Kinds whose parameters follow from their attributes.
TRAINED_KINDS: Final = ("conv", "linear", "batch_norm", "layer_norm")
RECURRENT_KINDS: Final = ("lstm", "gru", "rnn")
# What is counted as a convolution or a matrix product; on integers no model of the float kinds holds for them.
CONV_KINDS: Final = ("conv", "conv_integer", "qlinear_conv")
MATMUL_KINDS: Final = ("matmul", "matmul_integer", "qlinear_matmul")
# Bytes of one element, by the name that numpy gives the type.
ITEM_BYTES: Final[Mapping[str, int]] = {
    "float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "float8": 1, "complex64": 8, "complex128": 16,
    "int64": 8, "int32": 4, "int16": 2, "int8": 1, "uint64": 8, "uint32": 4, "uint16": 2, "uint8": 1, "bool": 1,
}  # fmt: skip
_HALF_BYTES: Final = ("int4", "uint4", "float4")  # two to a byte


@final
@dataclass(frozen=True, kw_only=True)
class Operator:
    """One operator.

    name: unique in its graph; it is also the name of the operator's first output.
    kind: a word of `KINDS` in hwnas/graphs/kinds.py ("conv", "linear", "relu", "add", ...), or "unknown:domain.Type".
    inputs: names of the outputs that it reads, in order. shape: of the first output, batch first;
    more_outputs: shapes of further outputs by name. known: whether the shapes are; where not, `shape` is empty.
    attributes: numbers by name; a conv has kernel, stride, padding, dilation, groups, in_channels, bias, those of
    the window being one number for all axes or a tuple with one per axis (of a padding: all beginnings, then all ends);
    a matmul has inner, the length of the sums; a recurrent layer vectors, rows and inner, whose product are its macs.
    dtype: of the first output, as numpy calls it.
    weights: shapes of the trained arrays that it reads, by name; constants: of other fixed arrays; array_types: types
    of those of them that are not of `dtype`. An operator of a space has none: its parameters follow from kind and
    attributes. One that was read from elsewhere without trained arrays, but is of a kind that may have them, has the
    attribute "untrained".
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    shape: Shape
    attributes: Mapping[str, Any] = field(default_factory=dict)
    dtype: str = "float32"
    more_outputs: Mapping[str, Shape] = field(default_factory=dict)
    weights: Mapping[str, Shape] = field(default_factory=dict)
    constants: Mapping[str, Shape] = field(default_factory=dict)
    array_types: Mapping[str, str] = field(default_factory=dict)
    known: bool = True

    @property
    def outputs(self) -> dict[str, Shape]:
        """Shapes of all outputs by name."""
        return {self.name: self.shape, **self.more_outputs}

    @property
    def params(self) -> int:
        """Trainable parameters."""
        if self.weights:
            return sum(math.prod(shape) for shape in self.weights.values())
        a = self.attributes
        if a.get("untrained") or not self.known:
            return 0
        if self.kind == "conv":
            return self.shape[1] * int(a["in_channels"] // a["groups"] * window(a["kernel"]) + a.get("bias", 0))
        if self.kind == "linear":
            return self.shape[-1] * int(a["in_features"] + a.get("bias", 1))
        if self.kind == "batch_norm":
            return 2 * self.shape[1] * int(a.get("affine", 1))
        if self.kind == "layer_norm":
            return 2 * self.shape[-1]
        if self.kind == "class_token":
            return self.shape[-1]
        if self.kind == "position_embedding":
            return math.prod(self.shape[1:])
        return 0

    @property
    def macs(self) -> int:
        """Multiply-accumulates of convolutions and matrix products; torch's flop counter reports twice this.

        Of a recurrent layer sequence x batch x directions x gates x hidden x (input + hidden): the products with W and
        R in the equations of ONNX's LSTM, GRU and RNN, of 4, 3 and 1 gates; a sequence counts at its full length.
        0 where the shapes are not known, which `known` says.
        """
        a = self.attributes
        if not self.known:
            return 0
        if self.kind in CONV_KINDS:
            return math.prod(self.shape) * int(a["in_channels"] // a["groups"]) * window(a["kernel"])
        if self.kind == "conv_transpose":  # every element of the input meets the kernel of every output channel
            return int(a["in_elements"]) * int(self.shape[1] // a["groups"]) * window(a["kernel"])
        if self.kind == "linear":
            return math.prod(self.shape) * int(a["in_features"])
        if self.kind in MATMUL_KINDS:
            return math.prod(self.shape) * int(a["inner"])
        if self.kind in RECURRENT_KINDS:
            return int(a.get("vectors", 0) * a.get("rows", 0) * a.get("inner", 0))
        return 0

    @property
    def output_bytes(self) -> int:
        """Bytes of all outputs."""
        return self.known * sum(array_bytes(shape, self.dtype) for shape in self.outputs.values())

    @property
    def weight_bytes(self) -> int:
        """Bytes of the fixed arrays that it reads."""
        if self.weights or self.constants:
            arrays = (*self.weights.items(), *self.constants.items())
            return sum(array_bytes(shape, self.array_types.get(name, self.dtype)) for name, shape in arrays)
        statistics = 2 * self.shape[1] if self.kind == "batch_norm" and self.known else 0
        return ITEM_BYTES.get(self.dtype, 4) * (self.params + statistics)


@final
@dataclass(frozen=True, kw_only=True)
class Graph:
    """Operators in an order in which they can be executed.

    outputs: names of the results, where there are others than the last operator.
    """

    operators: tuple[Operator, ...]
    outputs: tuple[str, ...] = ()

    @property
    def output_names(self) -> tuple[str, ...]:
        """What the network returns."""
        return self.outputs or (self.operators[-1].name,)

    @property
    def params(self) -> int:
        """Trainable parameters of all operators; an array that several read counts once."""
        shared: dict[str, Shape] = {}
        for operator in self.operators:
            shared |= operator.weights
        free = sum(operator.params for operator in self.operators if not operator.weights)
        return free + sum(math.prod(shape) for shape in shared.values())

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all operators."""
        return sum(operator.macs for operator in self.operators)

    @property
    def flops(self) -> int:
        """Floating point operations as torch's flop counter counts them: two for each multiply-accumulate."""
        return 2 * self.macs

    @property
    def activation_bytes(self) -> int:
        """Bytes of the outputs of all operators but the inputs: what a runtime without any fusion would write."""
        return sum(operator.output_bytes for operator in self.operators if operator.kind != "input")


def array_bytes(shape: Shape, dtype: str) -> int:
    """Bytes of an array; `dtype` as numpy calls it, such as "float8_e4m3fn"."""
    elements, name = math.prod(shape), dtype.partition("_")[0]
    return -(-elements // 2) if name in _HALF_BYTES else ITEM_BYTES.get(name, 4) * elements


def axes(value: int | tuple[int, ...], rank: int = 2) -> tuple[int, ...]:
    """One number per axis from an attribute that is one for all or a tuple."""
    return tuple(value) if isinstance(value, tuple) else (value,) * rank


def window(kernel: int | tuple[int, ...]) -> int:
    """Elements of a kernel; a single number is the side of a square."""
    return math.prod(axes(kernel))
