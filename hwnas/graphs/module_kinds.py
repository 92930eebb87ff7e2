"""Which kind of operator a call of ATen is, and its attributes in the form of `Operator`."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, final

from hwnas.graphs.einsum import einsum_inner
from hwnas.graphs.graph import Operator, Shape

# Calls by the kind that they are; what stands in no line but in `_KEPT` is its own kind.
_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "conv": ("conv1d", "conv2d", "conv3d", "convolution"),
    "conv_transpose": ("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
    "matmul": ("mm", "bmm", "addmm", "baddbmm", "einsum"),
    "attention": ("scaled_dot_product_attention",),
    "batch_norm": ("_native_batch_norm_legit_no_training", "cudnn_batch_norm"),
    "layer_norm": ("native_layer_norm",),
    "group_norm": ("native_group_norm",),
    "max_pool": ("max_pool1d", "max_pool2d", "max_pool3d", "max_pool2d_with_indices"),
    "avg_pool": ("avg_pool1d", "avg_pool2d", "avg_pool3d"),
    "adaptive_avg_pool": ("adaptive_avg_pool1d", "adaptive_avg_pool2d", "_adaptive_avg_pool2d", "adaptive_avg_pool3d"),
    "reshape": ("view", "_unsafe_view", "flatten", "unflatten", "squeeze", "unsqueeze", "reshape_as", "view_as"),
    "transpose": ("permute", "t", "numpy_T", "swapaxes", "movedim"),
    "identity": ("clone", "contiguous", "alias", "detach", "lift_fresh_copy", "feature_dropout"),
    "concat": ("cat", "concat", "stack"),
    "split": ("split_with_sizes", "chunk", "unbind", "tensor_split"),
    "gather": ("select", "index", "index_select", "embedding"),
    "expand": ("expand_as", "broadcast_to"),
    "pad": ("constant_pad_nd", "reflection_pad2d", "replication_pad2d"),
    "softmax": ("_softmax",),
    "log_softmax": ("_log_softmax",),
    "clip": ("clamp", "clamp_min", "clamp_max", "hardtanh", "relu6"),
    "hard_swish": ("hardswish",),
    "hard_sigmoid": ("hardsigmoid",),
    "add": ("add",),
    "leaky_relu": ("leaky_relu",),
    "cast": ("_to_copy", "to"),
    "pow": ("pow", "square"),
    "reduce_l2": ("linalg_vector_norm", "norm"),
    "reduce_sum": ("sum",),
    "reduce_max": ("amax", "max"),
    "reduce_min": ("amin", "min"),
    "resize": ("upsample_nearest2d", "upsample_bilinear2d", "upsample_bicubic2d", "interpolate"),
    "lstm": ("lstm", "lstm_cell"),
    "gru": ("gru", "gru_cell"),
    "rnn": ("rnn_tanh", "rnn_relu", "rnn_tanh_cell", "rnn_relu_cell"),
    "depth_to_space": ("pixel_shuffle",),
    "space_to_depth": ("pixel_unshuffle",),
    "grid_sample": ("grid_sampler",),
    "is_na_n": ("isnan",),
    "tile": ("repeat",),
    "unfold": ("im2col",),
    "fold": ("col2im",),
}
_KEPT: Final = """
linear matmul batch_norm layer_norm group_norm instance_norm rms_norm relu gelu silu sigmoid tanh elu selu celu
prelu mish softplus erf exp log sqrt rsqrt reciprocal neg abs floor ceil round sign sin cos sub rsub mul div maximum
minimum softmax log_softmax where mean reshape transpose split slice gather expand pad dropout roll cumsum topk
argmax argmin sort scatter masked_fill channel_shuffle eq ne gt ge lt le logical_and
logical_or logical_not full_like zeros_like ones_like new_zeros new_ones logsumexp var prod flip
index_put copy fill zero tril triu
"""
_BY_CALL: Final = {call: kind for kind, calls in _KINDS.items() for call in calls} | {k: k for k in _KEPT.split()}
MODULE_KINDS: Final = frozenset({*_BY_CALL.values(), "global_avg_pool"})  # all that `kind_of` may say


@final
@dataclass(frozen=True, kw_only=True)
class Call:
    """A call of ATen: arguments by name, where "%x" is the result of node x. fixed: nodes that depend on no input."""

    target: str
    arguments: Mapping[str, Any]
    shapes: Mapping[str, Shape]
    fixed: frozenset[str]
    shape: Shape

    def read(self, *names: str) -> str | None:
        """The node that stands at the first of these arguments that there is."""
        for name in names:
            if name in self.arguments:
                value = self.arguments[name]
                return value[1:] if isinstance(value, str) and value.startswith("%") else None
        return None

    def shape_of(self, *names: str) -> Shape:
        """Shape of the tensor at an argument."""
        return self.shapes.get(self.read(*names) or "", ())


def kind_of(call: Call) -> str:
    """The kind of a call; a matrix product with a fixed matrix is "linear", a mean of all pixels a global pool."""
    kind = _BY_CALL.get(call.target, f"unknown:aten.{call.target}")
    if kind == "matmul" and call.target != "einsum":
        right = call.read("mat2", "other", "batch2")
        return "linear" if right in call.fixed and len(call.shape_of("mat2", "other", "batch2")) == 2 else kind
    if kind == "adaptive_avg_pool":
        return "global_avg_pool" if all(side == 1 for side in call.shape[2:]) else "avg_pool"
    return kind


def attributes_of(kind: str, call: Call) -> dict[str, Any]:
    """What counting and fusion need, under the names of `Operator`."""
    if (special := _SPECIAL.get(kind)) is not None:
        return special(call)
    plain = (int, float, str, bool)
    found = {
        name: value
        for name, value in call.arguments.items()
        if (isinstance(value, plain) and not str(value).startswith("%"))
        or (isinstance(value, tuple) and value and all(isinstance(item, int) for item in value))
    }
    if kind in ("add", "sub", "mul", "div", "pow"):
        position = next((i for i, name in enumerate(("self", "other", "exponent")) if name in found), None)
        if position is not None:
            value: Any = next(found[name] for name in ("other", "exponent", "self") if name in found)
            found |= {"scalar": float(value), "scalar_position": 1, "fixed_position": 1}
        elif call.read("self") in call.fixed or call.read("other") in call.fixed:
            found["fixed_position"] = 0 if call.read("self") in call.fixed else 1
    return found


def attention_parts(whole: Operator, call: Call) -> list[Operator]:
    """Scaled dot-product attention as two products around a softmax, the mask added to the scores."""
    query, key = call.shape_of("query"), call.shape_of("key")
    scores = (*whole.shape[:-1], key[-2])
    attended, rest = whole.inputs[:2], whole.inputs[2:]
    bare = dataclasses.replace(whole, weights={}, constants={}, shape=scores)
    product = dataclasses.replace(
        bare, name=f"{whole.name}.scores", kind="matmul", inputs=attended, attributes={"inner": query[-1]}
    )
    masked = product
    steps = [product]
    if call.read("attn_mask") is not None:
        reads = (product.name, *rest[1:])
        masked = dataclasses.replace(
            whole, name=f"{whole.name}.masked", kind="add", inputs=reads, shape=scores, attributes={}
        )
        steps.append(masked)
    softmax = dataclasses.replace(
        product, name=f"{whole.name}.softmax", kind="softmax", inputs=(masked.name,), attributes={"dim": -1}
    )
    last = dataclasses.replace(
        product, name=whole.name, inputs=(softmax.name, *rest[:1]), shape=whole.shape, attributes={"inner": key[-2]}
    )
    return [*steps, softmax, last]


def _conv(call: Call) -> dict[str, Any]:
    weight, source = call.shape_of("weight"), call.shape_of("input")
    kernel, rank = weight[2:], len(weight) - 2
    groups = int(call.arguments.get("groups", 1))
    stride, dilation = _axes(call, "stride", 1, rank), _axes(call, "dilation", 1, rank)
    known: dict[str, Any] = {"kernel": kernel, "stride": stride, "dilation": dilation, "groups": groups}
    known |= {"in_channels": source[1], "bias": int(call.read("bias") is not None)}
    if call.target.startswith("conv_transpose"):
        known["in_elements"] = math.prod(source)
    if call.arguments.get("padding") == "same":
        total = [apart * (side - 1) for apart, side in zip(dilation, kernel, strict=True)]
        known["padding"] = (*(t // 2 for t in total), *(t - t // 2 for t in total))
    elif call.arguments.get("padding") == "valid":
        known["padding"] = (0,) * (2 * rank)
    else:
        known["padding"] = _axes(call, "padding", 0, rank) * 2
    if call.read("weight") not in call.fixed:
        known["dynamic_weight"] = 1
    return known


def _pool(call: Call) -> dict[str, Any]:
    rank = len(call.shape) - 2
    if "kernel_size" not in call.arguments:  # adaptive: the output says how many windows there are
        source = call.shape_of("self")[2:]
        stride = tuple(length // max(out, 1) for length, out in zip(source, call.shape[2:], strict=True))
        return {"kernel": stride, "stride": stride, "padding": (0,) * (2 * rank), "dilation": (1,) * rank}
    kernel = _axes(call, "kernel_size", 1, rank)
    stride = _axes(call, "stride", 0, rank)
    return {
        "kernel": kernel,
        "stride": kernel if not any(stride) else stride,
        "padding": _axes(call, "padding", 0, rank) * 2,
        "dilation": _axes(call, "dilation", 1, rank),
        "ceil_mode": int(call.arguments.get("ceil_mode", False)),
        "count_pad": int(call.arguments.get("count_include_pad", False)),
    }


def _axes(call: Call, name: str, default: int, rank: int) -> Shape:
    value = call.arguments.get(name)
    numbers = value if isinstance(value, (tuple, list)) else (value,) if value is not None else ()
    return (tuple(numbers) or (default,)) * (rank if len(numbers) < 2 else 1)


def _linear(call: Call) -> dict[str, Any]:
    source = call.shape_of("mat1", "input", "self")
    if call.target == "addmm":
        source = call.shape_of("mat1")
    bias = call.read("bias") is not None or call.target == "addmm"
    return {"in_features": source[-1], "bias": int(bias)}


def _matmul(call: Call) -> dict[str, Any]:
    if call.target == "einsum":
        shapes = [call.shapes[name[1:]] for name in call.arguments["tensors"]]
        return {"inner": einsum_inner(str(call.arguments["equation"]), shapes)}
    return {"inner": call.shape_of("mat1", "batch1", "self")[-1]}


def _transpose(call: Call) -> dict[str, Any]:
    rank = len(call.shape)
    if "dims" in call.arguments:
        return {"perm": tuple(axis % rank for axis in call.arguments["dims"])}
    first, second = (int(call.arguments.get(name, i)) % rank for i, name in enumerate(("dim0", "dim1")))
    perm = list(range(rank))
    perm[first], perm[second] = perm[second], perm[first]
    return {"perm": tuple(perm)}


def _clip(call: Call) -> dict[str, Any]:
    if call.target == "relu6":
        return {"min": 0.0, "max": 6.0}
    names = {"min": "min", "max": "max", "min_val": "min", "max_val": "max"}
    numbers = {name: call.arguments.get(name) for name in names}
    return {names[name]: float(value) for name, value in numbers.items() if isinstance(value, (int, float))}


def _concat(call: Call) -> dict[str, Any]:
    return {"axis": int(call.arguments.get("dim", 0)) % max(len(call.shape), 1)}


def _pad(call: Call) -> dict[str, Any]:
    """ATen counts from the last axis, two numbers each; here all beginnings come first."""
    numbers, rank = tuple(call.arguments.get("pad", call.arguments.get("padding", ()))), len(call.shape)
    pairs = [numbers[i : i + 2] for i in range(0, len(numbers), 2)]
    full = [(0, 0)] * (rank - len(pairs)) + pairs[::-1]
    mode = call.arguments.get("mode", "constant")
    return {"pads": (*(a for a, _ in full), *(b for _, b in full)), "mode": mode}


def _slice(call: Call) -> dict[str, Any]:
    """As ONNX has it; the last element may lie far behind the end."""
    a = call.arguments
    start, end, step = a.get("start"), a.get("end"), a.get("step", 1)
    end = call.shape_of("self")[int(a.get("dim", 0))] if end is None else end
    return {"starts": (start or 0,), "ends": (end,), "axes": (int(a.get("dim", 0)),), "steps": (step,)}


def _resize(call: Call) -> dict[str, Any]:
    """The words of ONNX for what torch's exporter makes of it."""
    if "nearest" in call.target:
        return {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    corners = bool(call.arguments.get("align_corners"))
    mode = "cubic" if "cubic" in call.target else "linear"
    return {"mode": mode, "coordinate_transformation_mode": "align_corners" if corners else "half_pixel"}


_SPECIAL: Final[Mapping[str, Callable[[Call], dict[str, Any]]]] = {
    "conv": _conv,
    "conv_transpose": _conv,
    "linear": _linear,
    "matmul": _matmul,
    "transpose": _transpose,
    "clip": _clip,
    "concat": _concat,
    "pad": _pad,
    "slice": _slice,
    "resize": _resize,
    "max_pool": _pool,
    "avg_pool": _pool,
}
