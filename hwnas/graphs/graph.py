"""One form for every network: operators in execution order, with shapes, parameters and multiply-accumulates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Operator:
    """One operator.

    name: unique in its graph. kind: "conv", "linear", "batch_norm", "relu", "add", "avg_pool", "global_avg_pool",
    "zero", "identity", "concat", "pad", "crop", "mul", "hard_swish", "hard_sigmoid", "channel_shuffle", "input"; of
    transformers, whose outputs have shape (1, tokens, width): "layer_norm", "gelu", "softmax", "matmul", "reshape",
    "class_token", "position_embedding", "select", "mean".
    inputs: names of the operators that it reads, in order. shape: output shape, batch first.
    attributes: integers by name; a conv has kernel, stride, padding, groups, in_channels; a matmul has inner, the
    length of the sums.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    shape: tuple[int, ...]
    attributes: Mapping[str, int] = field(default_factory=dict)

    @property
    def params(self) -> int:
        """Trainable parameters."""
        a = self.attributes
        if self.kind == "conv":
            return self.shape[1] * (a["in_channels"] // a["groups"] * a["kernel"] ** 2 + a.get("bias", 0))
        if self.kind == "linear":
            return self.shape[-1] * (a["in_features"] + a.get("bias", 1))
        if self.kind == "batch_norm":
            return 2 * self.shape[1] * a.get("affine", 1)
        if self.kind == "layer_norm":
            return 2 * self.shape[-1]
        if self.kind == "class_token":
            return self.shape[-1]
        if self.kind == "position_embedding":
            return math.prod(self.shape[1:])
        return 0

    @property
    def macs(self) -> int:
        """Multiply-accumulates of convolutions and matrix products; torch's flop counter reports twice this."""
        a = self.attributes
        if self.kind == "conv":
            return math.prod(self.shape) * (a["in_channels"] // a["groups"]) * a["kernel"] ** 2
        if self.kind == "linear":
            return math.prod(self.shape) * a["in_features"]
        if self.kind == "matmul":
            return math.prod(self.shape) * a["inner"]
        return 0


@dataclass(frozen=True, kw_only=True)
class Graph:
    """Operators in an order in which they can be executed; the last one is the output."""

    operators: tuple[Operator, ...]

    @property
    def params(self) -> int:
        """Trainable parameters of all operators."""
        return sum(operator.params for operator in self.operators)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all operators."""
        return sum(operator.macs for operator in self.operators)

    @property
    def flops(self) -> int:
        """Floating point operations as torch's flop counter counts them: two for each multiply-accumulate."""
        return 2 * self.macs
