"""How each kind of operator is written in ONNX, operator set 13: nodes and random weights, without the onnx library."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, final

import numpy as np

from hwnas.arrays import Array
from hwnas.errors import UsageError
from hwnas.graphs.graph import Operator


@final
@dataclass(frozen=True, kw_only=True)
class Node:
    """One ONNX node; it and its first output are called `output`."""

    kind: str
    inputs: tuple[str, ...]
    output: str
    attributes: dict[str, Any]
    more_outputs: tuple[str, ...] = ()


@final
@dataclass(kw_only=True)
class NodeBuilder:
    """Collects nodes and weights. An operator's output has the operator's name; shapes: of outputs so far.

    given: arrays by name that take the place of random ones.
    """

    rng: np.random.Generator
    batch_size: int
    nodes: list[Node] = field(default_factory=list)
    weights: dict[str, Array] = field(default_factory=dict)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    given: Mapping[str, Array] = field(default_factory=dict)

    def write(self, operator: Operator) -> None:
        """Add the nodes of one operator. Raises `KeyError` for a kind that is not in `WRITERS`."""
        self.shapes[operator.name] = operator.shape
        WRITERS[operator.kind](self, operator)

    def node(self, kind: str, inputs: Iterable[str], output: str, **attributes: Any) -> str:
        """Add a node; returns the name of its output."""
        self.nodes.append(Node(kind=kind, inputs=tuple(inputs), output=output, attributes=attributes))
        return output

    def weight(self, name: str, values: Any) -> str:
        """Add a float32 array, or the one that was given under this name; returns its name."""
        array = np.asarray(self.given.get(name, values), dtype=np.float32)
        if array.shape != np.shape(values):
            raise UsageError(f"expected an array of shape {np.shape(values)} for {name!r}, got {array.shape}")
        self.weights[name] = array
        return name

    def numbers(self, name: str, values: Iterable[int]) -> str:
        """Add whole numbers, which several operators take as inputs; returns their name."""
        self.weights[name] = np.array(list(values), dtype=np.int64)
        return name

    def random(self, name: str, shape: tuple[int, ...], *, fan_in: int) -> str:
        """Add normal weights of He's variance, 2 / fan_in; returns their name."""
        return self.weight(name, self.rng.normal(scale=np.sqrt(2 / fan_in), size=shape))


def _input(builder: NodeBuilder, operator: Operator) -> None:
    """The input of the graph has its name already."""


def _conv(builder: NodeBuilder, operator: Operator) -> None:
    a, channels = operator.attributes, operator.shape[1]
    kernel, group_channels = a["kernel"], a["in_channels"] // a["groups"]
    shape, fan_in = (channels, group_channels, kernel, kernel), group_channels * kernel**2
    inputs = [operator.inputs[0], builder.random(f"{operator.name}.weight", shape, fan_in=fan_in)]
    if a.get("bias", 0):
        inputs.append(builder.random(f"{operator.name}.bias", (channels,), fan_in=fan_in))
    window = _window(operator)
    if (dilation := a.get("dilation", 1)) > 1:
        window["dilations"] = [dilation] * 2
    builder.node("Conv", inputs, operator.name, group=a["groups"], **window)


def _window(operator: Operator) -> dict[str, list[int]]:
    a = operator.attributes
    return {"kernel_shape": [a["kernel"]] * 2, "strides": [a["stride"]] * 2, "pads": [a["padding"]] * 4}


def _batch_norm(builder: NodeBuilder, operator: Operator) -> None:
    def near(value: float) -> Array:
        return np.asarray(value + builder.rng.uniform(-0.1, 0.1, size=operator.shape[1]))

    centres = {"weight": 1.0, "bias": 0.0, "running_mean": 0.0, "running_var": 1.0}
    names = [builder.weight(f"{operator.name}.{part}", near(value)) for part, value in centres.items()]
    builder.node("BatchNormalization", [operator.inputs[0], *names], operator.name, epsilon=1e-5)


def _add(builder: NodeBuilder, operator: Operator) -> None:
    total, *others = operator.inputs
    for number, other in enumerate(others, start=1):  # from the left, as the modules add
        output = operator.name if number == len(others) else f"{operator.name}.{number}"
        total = builder.node("Add", [total, other], output)


def _pool(kind: str) -> Callable[[NodeBuilder, Operator], None]:
    """A pooling that counts no padding."""

    def write(builder: NodeBuilder, operator: Operator) -> None:
        builder.node(kind, operator.inputs, operator.name, **_window(operator))

    return write


def _global_avg_pool(builder: NodeBuilder, operator: Operator) -> None:
    flat = len(operator.shape) == 2
    pooled = builder.node("GlobalAveragePool", operator.inputs, f"{operator.name}.pooled" if flat else operator.name)
    if flat:
        builder.node("Flatten", [pooled], operator.name, axis=1)


def _linear(builder: NodeBuilder, operator: Operator) -> None:
    (source,), outputs, fan_in = operator.inputs, operator.shape[-1], operator.attributes["in_features"]
    if len(builder.shapes[source]) > 2:
        source = builder.node("Flatten", [source], f"{operator.name}.flat", axis=1)
    inputs = [source, builder.random(f"{operator.name}.weight", (outputs, fan_in), fan_in=fan_in)]
    if operator.attributes.get("bias", 1):
        inputs.append(builder.random(f"{operator.name}.bias", (outputs,), fan_in=fan_in))
    builder.node("Gemm", inputs, operator.name, transB=1)


def _zero(builder: NodeBuilder, operator: Operator) -> None:
    """A product with 0, as the published networks have it; where the shape changes, of a part of the input."""
    (source,), name, stride = operator.inputs, operator.name, operator.attributes.get("stride", 1)
    if stride > 1:
        source = _slice(builder, source, f"{name}.strided", starts=(0, 0), steps=(stride, stride))
    same = builder.shapes[operator.inputs[0]][1] == operator.shape[1]
    zeros = builder.node("Mul", [source, builder.weight("zero", 0.0)], name if same else f"{name}.zeros")
    if not same:
        one = builder.numbers(f"{name}.first", [0])
        channel = builder.node("Gather", [zeros, one], f"{name}.channel", axis=1)
        shape = builder.numbers(f"{name}.shape", (builder.batch_size, *operator.shape[1:]))
        builder.node("Expand", [channel, shape], name)


def _hard_swish(builder: NodeBuilder, operator: Operator) -> None:
    (source,), gate = operator.inputs, f"{operator.name}.gate"  # HardSwish is younger than operator set 13
    builder.node("HardSigmoid", [source], gate, alpha=1 / 6, beta=0.5)
    builder.node("Mul", [source, gate], operator.name)


def _hard_sigmoid(builder: NodeBuilder, operator: Operator) -> None:
    builder.node("HardSigmoid", operator.inputs, operator.name, alpha=1 / 6, beta=0.5)


def _channel_shuffle(builder: NodeBuilder, operator: Operator) -> None:
    (source,), name, groups = operator.inputs, operator.name, operator.attributes["groups"]
    _, channels, height, width = operator.shape
    apart = builder.numbers(f"{name}.apart", (builder.batch_size, groups, channels // groups, height, width))
    joined = builder.numbers(f"{name}.joined", (builder.batch_size, channels, height, width))
    split = builder.node("Reshape", [source, apart], f"{name}.split")
    swapped = builder.node("Transpose", [split], f"{name}.swapped", perm=[0, 2, 1, 3, 4])
    builder.node("Reshape", [swapped, joined], name)


def _concat(builder: NodeBuilder, operator: Operator) -> None:
    builder.node("Concat", operator.inputs, operator.name, axis=1)


def _pad(builder: NodeBuilder, operator: Operator) -> None:
    """Zeros below and to the right."""
    _, _, height, width = builder.shapes[operator.inputs[0]]
    added = operator.shape[2] - height, operator.shape[3] - width
    builder.node("Pad", [*operator.inputs, builder.numbers(f"{operator.name}.pads", (0,) * 6 + added)], operator.name)


def _crop(builder: NodeBuilder, operator: Operator) -> None:
    """Leaves out the first rows and columns."""
    _, _, height, width = builder.shapes[operator.inputs[0]]
    starts = height - operator.shape[2], width - operator.shape[3]
    _slice(builder, operator.inputs[0], operator.name, starts=starts, steps=(1, 1))


def _slice(builder: NodeBuilder, source: str, name: str, *, starts: tuple[int, int], steps: tuple[int, int]) -> str:
    """Rows and columns from `starts` on, every `steps`-th."""
    ends, axes = (2**31 - 1,) * 2, (2, 3)
    parts = {"starts": starts, "ends": ends, "axes": axes, "steps": steps}
    inputs = [builder.numbers(f"{name}.{part}", values) for part, values in parts.items()]
    return builder.node("Slice", [source, *inputs], name)


def _plain(kind: str) -> Callable[[NodeBuilder, Operator], None]:
    """A node without weights or attributes."""

    def write(builder: NodeBuilder, operator: Operator) -> None:
        builder.node(kind, operator.inputs, operator.name)

    return write


# A new kind of operator is one line here.
WRITERS: Final[dict[str, Callable[[NodeBuilder, Operator], None]]] = {
    "input": _input,
    "conv": _conv,
    "linear": _linear,
    "batch_norm": _batch_norm,
    "relu": _plain("Relu"),
    "hard_swish": _hard_swish,
    "hard_sigmoid": _hard_sigmoid,
    "identity": _plain("Identity"),
    "zero": _zero,
    "add": _add,
    "mul": _plain("Mul"),
    "avg_pool": _pool("AveragePool"),
    "max_pool": _pool("MaxPool"),
    "global_avg_pool": _global_avg_pool,
    "channel_shuffle": _channel_shuffle,
    "concat": _concat,
    "pad": _pad,
    "crop": _crop,
}
