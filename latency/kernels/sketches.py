"""Networks written as ONNX nodes, as exporters write them, with shapes worked out on the way: what is measured."""

from __future__ import annotations

import math
from typing import Final, final

import numpy as np

from hwnas.graphs.onnx_file import nodes_model
from hwnas.graphs.onnx_nodes import Node, NodeBuilder

Shape = tuple[int, ...]
INPUT: Final = "input"
_DRAWN: Final = 8191


@final
class Sketch:
    """A network in the making: every method appends nodes and returns the name of their result."""

    def __init__(self, shape: Shape, *, seed: int) -> None:
        self.nodes = NodeBuilder(rng=np.random.default_rng(seed), batch_size=shape[0])
        self.shapes: dict[str, Shape] = {INPUT: shape}
        self.macs = 0
        self._count = 0
        self._draw = self.nodes.rng.normal(size=_DRAWN)

    def model(self, output: str) -> bytes:
        """The file, with random weights."""
        return nodes_model(self.nodes, {INPUT: self.shapes[INPUT], output: self.shapes[output]})

    def add(self, kind: str, inputs: list[str], shape: Shape, **attributes: object) -> str:
        """Any node."""
        self._count += 1
        name = f"{kind.lower()}_{self._count}"
        self.nodes.node(kind, inputs, name, **attributes)
        self.shapes[name] = shape
        return name

    def same(self, kind: str, *inputs: str, **attributes: object) -> str:
        """A node whose output has the shape of its first input."""
        return self.add(kind, list(inputs), self.shapes[inputs[0]], **attributes)

    def random(self, shape: Shape, *, fan_in: int) -> str:
        """Weights of He's variance: one draw over and over, as drawing took half of the time."""
        self._count += 1
        self.shapes[f"weight_{self._count}"] = shape
        return self.nodes.weight(f"weight_{self._count}", np.resize(self._draw, shape) * math.sqrt(2 / fan_in))

    def numbers(self, *values: int) -> str:
        """Whole numbers as an input."""
        self._count += 1
        return self.nodes.numbers(f"numbers_{self._count}", values)

    def constant(self, value: float) -> str:
        """One number as an input."""
        self._count += 1
        return self.nodes.weight(f"constant_{self._count}", value)

    def conv(
        self, x: str, channels: int, *, kernel: int = 1, stride: int = 1, groups: int = 1, dilation: int = 1
    ) -> str:
        """A convolution with bias, padded so that only the stride changes the size; batch norm is folded into it.

        Along each axis behind the channels: one of a sequence, two of a map.
        """
        batch, incoming, *sides = self.shapes[x]
        fan_in = incoming // groups * kernel ** len(sides)
        weights = self.random((channels, incoming // groups, *[kernel] * len(sides)), fan_in=fan_in)
        bias = self.random((channels,), fan_in=fan_in)
        window, size = _window(sides, kernel, stride, dilation)
        self.macs += batch * channels * math.prod(size) * fan_in
        return self.add("Conv", [x, weights, bias], (batch, channels, *size), group=groups, **window)

    def conv_transpose(self, x: str, channels: int, *, kernel: int, stride: int) -> str:
        """A transposed convolution with bias that makes every side longer by the factor `stride`."""
        batch, incoming, *sides = self.shapes[x]
        fan_in, count = incoming * kernel ** len(sides), len(sides)
        weights = self.random((incoming, channels, *[kernel] * count), fan_in=fan_in)
        bias = self.random((channels,), fan_in=fan_in)
        pad = max(kernel - stride + 1, 0) // 2
        window = {"kernel_shape": [kernel] * count, "strides": [stride] * count, "pads": [pad] * 2 * count}
        window["output_padding"] = [stride - kernel + 2 * pad] * count
        self.macs += batch * channels * math.prod(sides) * fan_in
        shape = (batch, channels, *(stride * side for side in sides))
        return self.add("ConvTranspose", [x, weights, bias], shape, **window)

    def resize(self, x: str, height: int, width: int, *, mode: str, coordinates: str) -> str:
        """A map at another size, by factors where these are whole numbers, else by sizes, as torch writes it."""
        batch, channels, *sides = self.shapes[x]
        shape = (batch, channels, height, width)
        kept = {"mode": mode, "coordinate_transformation_mode": coordinates}
        if mode == "nearest":
            kept["nearest_mode"] = "floor"
        if height % sides[0] == 0 and width % sides[1] == 0:
            self._count += 1
            factors = np.array([1, 1, height / sides[0], width / sides[1]])
            return self.add("Resize", [x, "", self.nodes.weight(f"factors_{self._count}", factors)], shape, **kept)
        return self.add("Resize", [x, "", "", self.numbers(*shape)], shape, **kept)

    def depth_to_space(self, x: str, block: int) -> str:
        """Channels as pixels (PixelShuffle)."""
        batch, channels, height, width = self.shapes[x]
        shape = (batch, channels // block**2, block * height, block * width)
        return self.add("DepthToSpace", [x], shape, blocksize=block, mode="CRD")

    def pool(self, x: str, *, kind: str, kernel: int, stride: int) -> str:
        """A MaxPool or AveragePool."""
        batch, channels, *sides = self.shapes[x]
        window, size = _window(sides, kernel, stride)
        return self.add(kind, [x], (batch, channels, *size), **window)

    def recurrent(self, x: str, hidden: int, *, kind: str, directions: int) -> str:
        """LSTM, GRU or RNN over tokens (1, n, width), with what turns the batch to the second axis and back."""
        batch, length, width = self.shapes[x]
        gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[kind]
        arrays = [(gates * hidden, width), (gates * hidden, hidden), (2 * gates * hidden,)]
        inputs = [self.random((directions, *shape), fan_in=width + hidden) for shape in arrays]
        state = self.random((directions, batch, hidden), fan_in=hidden)
        states = [state, state] if kind == "LSTM" else [state]
        way = "bidirectional" if directions == 2 else "forward"
        kept: dict[str, object] = {"hidden_size": hidden, "direction": way}
        if kind == "GRU":
            kept["linear_before_reset"] = 1
        steps = self.transpose(x, 1, 0, 2)
        self.macs += batch * length * directions * gates * hidden * (width + hidden)
        made = self.add(kind, [steps, *inputs, "", *states], (length, directions, batch, hidden), **kept)
        made = self.reshape(self.transpose(made, 0, 2, 1, 3), (length, batch, directions * hidden))
        return self.transpose(made, 1, 0, 2)

    def batch_norm(self, x: str) -> str:
        """A batch norm that no convolution takes in."""
        channels = self.shapes[x][1]
        ones = [self.nodes.weight(f"{x}.{part}", np.full(channels, 1.1)) for part in ("w", "b", "m", "v")]
        return self.same("BatchNormalization", x, *ones, epsilon=1e-5)

    def group_norm(self, x: str, groups: int) -> str:
        """A group norm as torch exports it: instance norm of groups, scale, shift."""
        shape = self.shapes[x]
        ones = [self.nodes.weight(f"{x}.g{part}", np.ones(groups)) for part in ("s", "b")]
        rows = self.reshape(x, (shape[0], groups, math.prod(shape[1:]) // groups))
        back = self.reshape(self.same("InstanceNormalization", rows, *ones, epsilon=1e-5), shape)
        scaled = self.same("Mul", back, self.random((shape[1], 1, 1), fan_in=1))
        return self.same("Add", scaled, self.random((shape[1], 1, 1), fan_in=1))

    def layer_norm(self, x: str) -> str:
        """Of the last axis."""
        width = self.shapes[x][-1]
        weights = [self.random((width,), fan_in=1) for _ in range(2)]
        return self.same("LayerNormalization", x, *weights, axis=-1, epsilon=1e-6)

    def linear(self, x: str, width: int, *, bias: bool = True) -> str:
        """A product with a matrix, and a bias: a Gemm for rows, else MatMul and Add."""
        *rows, inner = self.shapes[x]
        weights, shape = self.random((inner, width), fan_in=inner), (*rows, width)
        self.macs += math.prod(shape) * inner
        if bias and len(shape) == 2:
            return self.add("Gemm", [x, weights, self.random((width,), fan_in=inner)], shape)
        product = self.add("MatMul", [x, weights], shape)
        return self.same("Add", product, self.random((width,), fan_in=inner)) if bias else product

    def matmul(self, x: str, y: str) -> str:
        """A product of two results, batched."""
        self.macs += math.prod(self.shapes[x]) * self.shapes[y][-1]
        return self.add("MatMul", [x, y], (*self.shapes[x][:-1], self.shapes[y][-1]))

    def reshape(self, x: str, shape: Shape) -> str:
        """The same numbers in another shape."""
        return self.add("Reshape", [x, self.numbers(*shape)], shape)

    def transpose(self, x: str, *axes: int) -> str:
        """Axes in another order."""
        return self.add("Transpose", [x], tuple(self.shapes[x][axis] for axis in axes), perm=list(axes))

    def concat(self, inputs: list[str], axis: int = 1) -> str:
        """Side by side along an axis."""
        shape = list(self.shapes[inputs[0]])
        shape[axis] = sum(self.shapes[x][axis] for x in inputs)
        return self.add("Concat", inputs, tuple(shape), axis=axis)

    def part(self, x: str, axis: int, start: int, end: int) -> str:
        """A slice along one axis."""
        shape = list(self.shapes[x])
        shape[axis] = end - start
        inputs = [x, self.numbers(start), self.numbers(end), self.numbers(axis)]
        return self.add("Slice", inputs, tuple(shape))

    def split(self, x: str, count: int, axis: int = -1) -> list[str]:
        """Equal parts along an axis."""
        self._count += 1
        names = [f"split_{self._count}", *(f"split_{self._count}:{number}" for number in range(1, count))]
        shape = list(self.shapes[x])
        shape[axis] //= count
        inputs = (x, self.numbers(*[shape[axis]] * count))
        node = Node(
            kind="Split", inputs=inputs, output=names[0], attributes={"axis": axis}, more_outputs=tuple(names[1:])
        )
        self.nodes.nodes.append(node)
        self.shapes |= dict.fromkeys(names, tuple(shape))
        return names

    def first(self, x: str) -> str:
        """The first of the tokens."""
        self.nodes.weights["first_index"] = np.array(0, dtype=np.int64)
        return self.add("Gather", [x, "first_index"], (self.shapes[x][0], self.shapes[x][2]), axis=1)

    def pad(self, x: str, *, before: int, after: int, channels_last: bool = False) -> str:
        """Zeros around an image."""
        padded = (1, 2) if channels_last else (2, 3)
        starts, ends = ([size if axis in padded else 0 for axis in range(4)] for size in (before, after))
        shape = tuple(sum(sizes) for sizes in zip(self.shapes[x], starts, ends, strict=True))
        return self.add("Pad", [x, self.numbers(*starts, *ends)], shape)

    def pooled(self, x: str, *, mean: bool = False) -> str:
        """The average over all pixels, as GlobalAveragePool or as ReduceMean."""
        shape = (*self.shapes[x][:2], 1, 1)
        return (
            self.add("ReduceMean", [x, self.numbers(2, 3)], shape)
            if mean
            else self.add("GlobalAveragePool", [x], shape)
        )

    def activation(self, x: str, kind: str) -> str:
        """An activation as exporters write it."""
        if kind == "silu":
            return self.same("Mul", x, self.same("Sigmoid", x))
        if kind == "relu6":
            return self.same("Clip", x, self.constant(0.0), self.constant(6.0))
        if kind in ("gelu", "halved_gelu"):  # x (1 + erf) / 2 is one kernel of onnxruntime, (1 + erf) / 2 x is not
            erf = self.same("Erf", self.same("Div", x, self.constant(math.sqrt(2))))
            summed = self.same("Add", erf, self.constant(1.0))
            if kind == "gelu":
                return self.same("Mul", self.same("Mul", x, summed), self.constant(0.5))
            return self.same("Mul", x, self.add("Mul", [self.constant(0.5), summed], self.shapes[x]))
        if kind == "tanh_gelu":
            cubic = self.same("Mul", self.same("Pow", x, self.constant(3.0)), self.constant(0.044715))
            inner = self.same("Mul", self.same("Add", x, cubic), self.constant(math.sqrt(2 / math.pi)))
            summed = self.same("Add", self.same("Tanh", inner), self.constant(1.0))
            return self.same("Mul", self.same("Mul", x, self.constant(0.5)), summed)
        if kind in ("hard_sigmoid", "hard_swish"):
            gate = self.same("HardSigmoid", x, alpha=1 / 6, beta=0.5)
            return gate if kind == "hard_sigmoid" else self.same("Mul", x, gate)
        if kind == "leaky_relu":
            return self.same("LeakyRelu", x, alpha=0.1)
        if kind == "prelu":
            return self.same("PRelu", x, self.random((self.shapes[x][1], 1, 1), fan_in=8))
        return self.same({"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh"}[kind], x)

    def attention(self, x: str, heads: int, *, bias: bool, guarded: bool = False) -> str:
        """Self-attention of tokens (1, n, width), without its first norm and its residual.

        guarded: rows that a mask emptied are set to 0, as torch exports attention with one.
        """
        batch, tokens, width = self.shapes[x]
        apart = (batch, tokens, heads, width // heads)
        if bias:  # one product for all three, taken apart
            q, k, v = self.split(self.reshape(self.linear(x, 3 * width), (*apart[:3], 3 * apart[3])), 3)
        else:
            q, k, v = (self.reshape(self.linear(x, width), apart) for _ in range(3))
        keys = self.transpose(k, 0, 2, 3, 1)
        scale = self.constant((width // heads) ** -0.25)
        queries = self.same("Mul", self.transpose(q, 0, 2, 1, 3), scale)
        scores = self.matmul(queries, self.same("Mul", keys, scale))
        if bias:
            scores = self.same("Add", scores, self.random((1, heads, tokens, tokens), fan_in=1))
        shares = self.same("Softmax", scores, axis=-1)
        if guarded:
            shares = self.same("Where", self.same("IsNaN", shares), self.constant(0.0), shares)
        mixed = self.matmul(shares, self.transpose(v, 0, 2, 1, 3))
        joined = self.reshape(self.transpose(mixed, 0, 2, 1, 3), (batch, tokens, width))
        return self.linear(joined, width)


def _window(sides: list[int], kernel: int, stride: int, dilation: int = 1) -> tuple[dict[str, list[int]], list[int]]:
    """Attributes of a window that only its stride makes smaller, and the sizes that it leaves."""
    reach = dilation * (kernel - 1) + 1
    pad = (reach - 1) // 2
    count = len(sides)
    window = {"kernel_shape": [kernel] * count, "strides": [stride] * count, "pads": [pad] * 2 * count}
    if dilation > 1:
        window["dilations"] = [dilation] * count
    return window, [(side + 2 * pad - reach) // stride + 1 for side in sides]
