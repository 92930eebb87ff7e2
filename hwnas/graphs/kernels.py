"""Kernels: what a runtime executes as one piece, an operator and those that are fused into it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, final

from hwnas.graphs.features import kernel_features
from hwnas.graphs.fusion import Rules, get_runtime
from hwnas.graphs.fusion.engine import Group, group_operators
from hwnas.graphs.fusion.layout import with_reorders
from hwnas.graphs.graph import RECURRENT_KINDS, Graph, Operator, Shape, array_bytes
from hwnas.graphs.lowering import lowered_graph

# Kinds that read another type than they write: quantisation, and products on whole numbers.
_OF_TWO_TYPES: Final = (
    "quantize_linear", "dequantize_linear", "dynamic_quantize_linear", "conv_integer", "matmul_integer", "qlinear_conv",
    "qlinear_matmul",
)  # fmt: skip
_LAYER: Final = re.compile(r"(?:weight|bias)_(?:ih|hh|hr)_l(\d+)(?:_reverse)?")  # what torch calls arrays of a layer


@final
@dataclass(frozen=True, kw_only=True)
class Kernel:
    """One piece of work of a device.

    name: of its leading operator. kind: the family that one regressor is fitted for: the leading operator's kind
    ("linear", "matmul", "max_pool", "add", "relu", "softmax", "layer_norm", "transpose", ...), where a convolution is
    one of "conv", "depthwise_conv" and "grouped_conv". operators: the leading one first, fused ones after, in order.
    layout: "blocked" where it works on blocks of channels (hwnas/graphs/fusion/layout.py), else "plain".
    in_shapes: of what it reads from other kernels, fixed arrays left out; in_types: types of these, where they are not
    all `dtype`. shape, dtype: of what it writes.
    known: whether all shapes are; of a kernel without shapes the work is not known, and is not 0.
    """

    name: str
    kind: str
    operators: tuple[Operator, ...]
    in_shapes: tuple[Shape, ...]
    shape: Shape
    dtype: str = "float32"
    layout: str = "plain"
    in_types: tuple[str, ...] = ()
    known: bool = True

    @property
    def leading(self) -> Operator:
        """The operator that names it."""
        return self.operators[0]

    @property
    def module(self) -> str:
        """Path of the module whose trained arrays it reads, "layer1.0" of "layer1.0.weight"; "" if names say none.

        Of a recurrent module of several layers, each of which is a kernel, the later ones say which they are, from 0.
        """
        for name in self.leading.weights:
            path, _, array = name.rpartition(".")
            if path:
                layer = _LAYER.fullmatch(array) if self.leading.kind in RECURRENT_KINDS else None
                return path if layer is None or layer[1] == "0" else f"{path}, layer {layer[1]}"
        return ""

    @property
    def fused(self) -> tuple[str, ...]:
        """Kinds of the operators behind the leading one."""
        return tuple(operator.kind for operator in self.operators[1:])

    @property
    def params(self) -> int:
        """Trainable parameters."""
        return sum(operator.params for operator in self.operators)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of convolutions and matrix products."""
        return sum(operator.macs for operator in self.operators)

    @property
    def flops(self) -> int:
        """Two for each multiply-accumulate, as torch's flop counter counts."""
        return 2 * self.macs

    @property
    def weight_bytes(self) -> int:
        """Bytes of weights and other fixed arrays."""
        return sum(operator.weight_bytes for operator in self.operators)

    @property
    def bytes_read(self) -> int:
        """Bytes of what comes from other kernels, and of weights and other fixed arrays."""
        types = self.in_types or (self.dtype,) * len(self.in_shapes)
        return sum(map(array_bytes, self.in_shapes, types)) + self.weight_bytes

    @property
    def bytes_written(self) -> int:
        """Bytes of its outputs."""
        shapes = (*((self.shape,) if self.known else ()), *self.leading.more_outputs.values())
        return sum(array_bytes(shape, self.dtype) for shape in shapes)

    def features(self) -> Mapping[str, float]:
        """What a regressor of its family reads, named and in a fixed order for each kind (hwnas/graphs/features.py)."""
        return kernel_features(self)


def kernels_of(graph: Graph, runtime: str | Rules = "onnxruntime") -> tuple[Kernel, ...]:
    """The kernels that `runtime` makes of a network, in order of execution, by the rules in hwnas/graphs/fusion.

    Operators that the runtime drops or computes once for all are in none; one that it adds, the change of a feature
    map's layout, has the kind "reorder". runtime: a name, or rules of one's own.
    Raises `UnknownNameError` for a runtime without rules.
    """
    rules = get_runtime(runtime) if isinstance(runtime, str) else runtime
    lowered = lowered_graph(graph)
    groups = group_operators(lowered, rules, kernel_kind)
    if rules.blocked is not None:
        groups = with_reorders(groups, lowered, rules.blocked)
    outputs = {name: (shape, op.known, op.dtype) for op in lowered.operators for name, shape in op.outputs.items()}
    return tuple(_kernel(group, outputs) for group in groups)


def kernel_kind(operator: Operator) -> str:
    """The family of kernels that an operator leads."""
    if operator.kind != "conv":
        return operator.kind
    groups, channels = operator.attributes["groups"], operator.attributes["in_channels"]
    if groups == 1:
        return "conv"
    return "depthwise_conv" if groups == channels else "grouped_conv"


def _kernel(group: Group, outputs: Mapping[str, tuple[Shape, bool, str]]) -> Kernel:
    """The kernel of operators in order; what they hand to one another is not read from outside."""
    ops = tuple(group.operators)
    inner = {name for operator in ops for name in operator.outputs}
    read = dict.fromkeys(name for operator in ops for name in operator.inputs if name not in inner)
    return Kernel(
        name=ops[0].name,
        kind=group.kind,
        operators=ops,
        in_shapes=tuple(outputs[name][0] for name in read),
        shape=group.last.shape,
        dtype=ops[0].dtype,
        layout="blocked" if group.blocked else "plain",
        in_types=tuple(outputs[name][2] for name in read) if ops[0].kind in _OF_TWO_TYPES else (),
        known=all(operator.known for operator in ops) and all(outputs[name][1] for name in read),
    )
