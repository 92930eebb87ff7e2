"""What a kernel regressor reads of a kernel: names and their order depend on the kind alone.

| kinds | features before the common ones |
|---|---|
| conv, depthwise_conv, grouped_conv, conv_transpose, max_pool, avg_pool, lp_pool | `WINDOW` |
| linear, matmul, attention | `PRODUCT` |
| lstm, gru, rnn | `RECURRENT` |
| resize | `PLAIN` and `RESIZE` |
| all others | `PLAIN` |

The common ones come last (`COMMON`). Bytes are of the kernel's own type; a batch is part of `batch`, never of `height`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from hwnas.graphs.graph import RECURRENT_KINDS, Shape, axes

if TYPE_CHECKING:
    from hwnas.graphs.kernels import Kernel

# Sizes of the feature maps that come in and go out; one axis is read as a map of one column, three axes as depth x
# height rows. Kernel, stride and dilation along both axes; groups as the operator states them.
WINDOW: Final = (
    "batch", "in_channels", "out_channels", "in_height", "in_width", "out_height", "out_width",
    "kernel_height", "kernel_width", "stride_height", "stride_width", "dilation", "groups",
)  # fmt: skip
# `products` matrices of rows x inner times inner x columns.
PRODUCT: Final = ("products", "rows", "inner", "columns")
# batch: the first axis of the output. channels: its second axis, axis_length: its last one. rank: its axes.
# in_elements: of all inputs. inputs: how many of them. out_elements: of the first output.
PLAIN: Final = ("batch", "channels", "axis_length", "rank", "inputs", "in_elements", "out_elements")
# steps: one after the other, in `directions`. gate_rows: of the matrices of all gates of one direction; inner: numbers
# of input and state that meet one row.
RECURRENT: Final = ("batch", "steps", "directions", "gate_rows", "inner")
# Pixels that are read for one that is written.
RESIZE: Final = ("taps",)
# fused: operators behind the leading one. residual: 1 where a fused sum reads a second feature map.
# blocked: 1 where it works on blocks of channels.
COMMON: Final = ("macs", "bytes_read", "bytes_written", "weight_bytes", "fused", "residual", "blocked")

_POOLS: Final = ("max_pool", "avg_pool", "lp_pool")
_WINDOW_KINDS: Final = {
    "conv", "depthwise_conv", "grouped_conv", "conv_transpose", *_POOLS,
}  # fmt: skip
_PRODUCT_KINDS: Final = {"linear", "matmul", "attention"}


def feature_names(kind: str) -> tuple[str, ...]:
    """Names in order of the features of one kind of kernel."""
    if kind in _WINDOW_KINDS:
        return (*WINDOW, *COMMON)
    if kind in RECURRENT_KINDS:
        return (*RECURRENT, *COMMON)
    if kind == "resize":
        return (*PLAIN, *RESIZE, *COMMON)
    return (*(PRODUCT if kind in _PRODUCT_KINDS else PLAIN), *COMMON)


def kernel_features(kernel: Kernel) -> dict[str, float]:
    """Features of a kernel by name, in the order of `feature_names`; NaN where its shapes are not known."""
    if not kernel.known:
        return dict.fromkeys(feature_names(kernel.kind), math.nan)
    if kernel.kind in _WINDOW_KINDS:
        values = _window(kernel)
    elif kernel.kind in _PRODUCT_KINDS:
        values = _product(kernel)
    elif kernel.kind in RECURRENT_KINDS:
        values = _recurrent(kernel)
    elif kernel.kind == "resize":
        values = (*_plain(kernel), _taps(kernel))
    else:
        values = _plain(kernel)
    residual = float(len(kernel.in_shapes) > len(set(kernel.leading.inputs)))
    sizes = (kernel.macs, kernel.bytes_read, kernel.bytes_written, kernel.weight_bytes)
    common = (*sizes, len(kernel.fused), residual, kernel.layout == "blocked")
    return dict(zip(feature_names(kernel.kind), map(float, (*values, *common)), strict=True))


def _window(kernel: Kernel) -> tuple[int, ...]:
    a, source = kernel.leading.attributes, kernel.in_shapes[0] if kernel.in_shapes else ()
    out = kernel.leading.shape
    sides: tuple[int, ...] = (*_two(a.get("kernel", 1)), *_two(a.get("stride", 1)))
    if kernel.kind in _POOLS and source[2:]:  # what of a window lies outside of the map is never looked at
        sides = tuple(min(side, length) for side, length in zip(sides, 2 * _map(source), strict=True))
    dilation = max(axes(a.get("dilation", 1)))
    return (*out[:1], *source[1:2], *out[1:2], *_map(source), *_map(out), *sides, dilation, a.get("groups", 1))


def _product(kernel: Kernel) -> tuple[int, ...]:
    """A linear layer is one product whose rows are all but the last axis of its output."""
    a, out = kernel.leading.attributes, kernel.leading.shape
    if kernel.kind == "linear":
        return 1, math.prod(out[:-1]), a["in_features"], out[-1] if out else 0
    return math.prod(out[:-2]), math.prod(out[-2:-1]), a.get("inner", 0), out[-1] if out else 0


def _recurrent(kernel: Kernel) -> tuple[int, ...]:
    a = kernel.leading.attributes
    directions, batch = 2 if a.get("direction") == "bidirectional" else 1, a.get("batch", 1)
    return batch, a.get("vectors", 0) // max(batch, 1), directions, a.get("rows", 0) // directions, a.get("inner", 0)


def _taps(kernel: Kernel) -> int:
    along = {"nearest": 1, "linear": 2, "cubic": 4}.get(str(kernel.leading.attributes.get("mode", "nearest")), 2)
    source = kernel.in_shapes[0] if kernel.in_shapes else ()
    changed = sum(a != b for a, b in zip(source, kernel.leading.shape, strict=False))
    return int(along ** max(changed, 1))


def _plain(kernel: Kernel) -> tuple[int, ...]:
    out = kernel.shape
    read = sum(math.prod(shape) for shape in kernel.in_shapes)
    edges = (out[0] if out else 1, out[1] if len(out) > 1 else 1, out[-1] if out else 1)
    return (*edges, len(out), len(kernel.in_shapes), read, math.prod(out))


def _map(shape: Shape) -> tuple[int, int]:
    """Height and width; of three axes the first two are rows."""
    pixels = shape[2:]
    return (math.prod(pixels[:-1]), pixels[-1]) if len(pixels) != 1 else (pixels[0], 1)


def _two(value: int | tuple[int, ...]) -> tuple[int, int]:
    sides = axes(value)
    return (math.prod(sides[:-1]), sides[-1]) if len(sides) != 1 else (sides[0], 1)
