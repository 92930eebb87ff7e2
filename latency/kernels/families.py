"""Families of networks for a builder to measure. A new one is a function and a line in `FAMILIES`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hwnas.latency.kernels.decoder_families import detecting, segmenting, shuffled, upscaling
from hwnas.latency.kernels.recipes import Draw, Family, stem
from hwnas.latency.kernels.sequence_families import recurrent, temporal
from hwnas.latency.kernels.sketches import Sketch


def _residual(s: Sketch, d: Draw, x: str) -> str:
    """Basic and bottleneck blocks, grouped or not, with or without squeeze and excitation (ResNet, ResNeXt, RegNet)."""
    act, groups, bottleneck, squeeze = "relu", d.pick(1, 1, 1, 2, 4, 8, 16, 32), d.chance(0.6), d.chance(0.25)
    x, width = stem(s, d, x, act), d.log(16, 512, step=32 if groups > 1 else 8)
    width = max(width // groups, 1) * groups
    channels = width * (d.pick(1, 2, 4) if bottleneck else 1)
    for number in range(d.pick(2, 3, 4)):
        stride = d.pick(1, 2) if number == 0 else 1
        if bottleneck:
            y = s.activation(s.conv(x, width), act)
            y = s.activation(s.conv(y, width, kernel=3, stride=stride, groups=groups), act)
            y = s.conv(_squeeze(s, d, y, "sigmoid") if squeeze else y, channels)
        else:
            y = s.activation(s.conv(x, width, kernel=3, stride=stride), act)
            y = s.conv(y, channels, kernel=3)
            y = _squeeze(s, d, y, "sigmoid") if squeeze else y
        same = s.shapes[x] == s.shapes[y]
        x = s.activation(s.same("Add", y, x if same else s.conv(x, channels, stride=stride)), act)
    return x


def _inverted(s: Sketch, d: Draw, x: str) -> str:
    """Inverted bottlenecks (MobileNetV2 and V3, MnasNet, EfficientNet)."""
    act, squeeze, padded = d.word("relu", "relu6", "silu", "silu", "hard_swish"), d.chance(0.5), d.chance(0.3)
    gate = "hard_sigmoid" if act == "hard_swish" else "sigmoid"
    x = stem(s, d, x, act)
    for _ in range(d.pick(2, 3)):
        channels = d.width(16, 256)
        for number in range(d.pick(1, 2, 3)):
            width, kernel, stride = (
                s.shapes[x][1] * d.pick(1, 3, 4, 6, 6),
                d.pick(3, 3, 5, 7),
                1 if number else d.pick(1, 2),
            )
            if min(s.shapes[x][2:]) <= kernel:
                kernel, stride = 3, 1
            y = s.activation(s.conv(x, width), act)
            if padded and stride == 2:
                y = s.pad(y, before=0, after=1)
            y = s.activation(s.conv(y, width, kernel=kernel, stride=stride, groups=width), act)
            y = s.conv(_squeeze(s, d, y, gate) if squeeze else y, channels)
            x = s.same("Add", y, x) if s.shapes[x] == s.shapes[y] else y
    return x


def _separable(s: Sketch, d: Draw, x: str) -> str:
    """Depthwise and pointwise convolutions in turn (MobileNetV1, Xception)."""
    act, padded = d.word("relu", "relu6"), d.chance(0.5)
    x = stem(s, d, x, act)
    for _ in range(d.pick(3, 4, 5)):
        channels, stride = s.shapes[x][1], d.pick(1, 1, 2) if min(s.shapes[x][2:]) > 6 else 1
        y = s.pad(x, before=d.pick(0, 1), after=1) if padded else x
        y = s.activation(s.conv(y, channels, kernel=3, stride=stride, groups=channels), act)
        x = s.activation(s.conv(y, d.width()), act)
    return x


def _plain(s: Sketch, d: Draw, x: str) -> str:
    """Convolutions one after the other (VGG), with kernels of all sizes."""
    act = d.word("relu", "relu", "relu6", "silu", "tanh")
    for _ in range(d.pick(2, 3)):
        width, kernel = d.width(16, 512), d.pick(1, 3, 3, 3, 5, 7)
        for _ in range(d.pick(1, 2)):
            x = s.activation(s.conv(x, width, kernel=kernel), act)
        if min(s.shapes[x][2:]) >= 4:
            x = s.pool(x, kind=d.word("MaxPool", "AveragePool"), kernel=d.pick(2, 3), stride=2)
    return x


def _dense(s: Sketch, d: Draw, x: str) -> str:
    """Every layer reads all before it; batch norms stand before convolutions and stay (DenseNet)."""
    growth, act = d.log(12, 64, step=4), "relu"
    x = stem(s, d, x, act)
    for _ in range(d.pick(3, 5, 7)):
        y = s.conv(s.activation(s.batch_norm(x), act), 4 * growth)
        y = s.conv(s.activation(s.batch_norm(y), act) if d.chance(0.3) else s.activation(y, act), growth, kernel=3)
        x = s.concat([x, y])
    x = s.conv(s.activation(s.batch_norm(x), act), max(8, s.shapes[x][1] // 2))
    return s.pool(x, kind="AveragePool", kernel=2, stride=2) if min(s.shapes[x][2:]) >= 4 else x


def _preactivated(s: Sketch, d: Draw, x: str) -> str:
    """Group norms before convolutions (BiT)."""
    x, width = stem(s, d, x, "relu"), d.log(32, 256, step=32)
    if d.chance(0.3):
        x = s.pool(s.pad(x, before=1, after=1), kind="MaxPool", kernel=3, stride=2)
    x = s.conv(x, 2 * width)
    for _ in range(d.pick(2, 3)):
        y = s.conv(s.activation(s.group_norm(x, 32 if s.shapes[x][1] % 32 == 0 else 1), "relu"), width)
        y = s.conv(s.activation(s.group_norm(y, 32), "relu"), width, kernel=3)
        y = s.conv(s.activation(s.group_norm(y, 32), "relu"), 2 * width)
        x = s.same("Add", y, x)
    return x


def _channels_last(s: Sketch, d: Draw, x: str) -> str:
    """Depthwise convolutions, then a perceptron over the last axis (ConvNeXt)."""
    x = stem(s, d, x, "gelu") if d.chance(0.5) else s.conv(x, d.width(32, 384), kernel=4, stride=d.pick(2, 4))
    width, normalised, gelu = s.shapes[x][1], d.chance(0.3), d.word("gelu", "halved_gelu")
    for _ in range(d.pick(2, 3)):
        y = s.conv(x, width, kernel=d.pick(7, 7, 5, 3), groups=width)
        y = s.layer_norm(s.transpose(y, 0, 2, 3, 1))
        hidden = s.activation(s.linear(y, 4 * width), gelu)
        y = s.linear(_responses(s, hidden) if normalised else hidden, width)
        y = s.transpose(s.same("Mul", y, s.random((width,), fan_in=1)), 0, 3, 1, 2)
        x = s.same("Add", x, y)
    return x


def _pooled_mixing(s: Sketch, d: Draw, x: str) -> str:
    """Average pooling mixes pixels, convolutions of one pixel the channels (PoolFormer)."""
    x = s.conv(x, d.width(32, 384), kernel=d.pick(3, 7), stride=d.pick(1, 2, 4))
    width, gelu = s.shapes[x][1], d.word("gelu", "halved_gelu")
    for _ in range(d.pick(2, 3)):
        y = s.group_norm(x, 1)
        y = s.same("Sub", s.pool(y, kind="AveragePool", kernel=3, stride=1), y)
        x = s.same("Add", x, s.same("Mul", y, s.random((width, 1, 1), fan_in=1)))
        y = s.conv(s.activation(s.conv(s.group_norm(x, 1), 4 * width), gelu), width)
        x = s.same("Add", x, s.same("Mul", y, s.random((width, 1, 1), fan_in=1)))
    return x


def _transformer(s: Sketch, d: Draw, x: str) -> str:
    """Attention and perceptron over tokens (ViT, DeiT)."""
    width = s.shapes[x][-1]
    heads, bias = d.pick(*[h for h in (1, 2, 3, 4, 6, 8, 12, 16) if width % h == 0]), d.chance(0.4)
    guarded, gelu = bias and d.chance(0.7), d.word("gelu", "gelu", "halved_gelu", "halved_gelu", "tanh_gelu")
    if d.chance(0.5):
        x = s.concat([s.random((1, 1, width), fan_in=1), x])
    for _ in range(d.pick(1, 2)):
        x = s.same("Add", x, s.attention(s.layer_norm(x), heads, bias=bias, guarded=guarded))
        x = _perceptron(s, d, x, gelu)
    return s.layer_norm(x)


def _windows(s: Sketch, d: Draw, x: str) -> str:
    """Attention within windows that are rolled, and merged patches (Swin)."""
    window, heads = d.pick(4, 7, 8), d.pick(2, 3, 4, 6, 8)
    side, width = window * d.pick(1, 2, 4), heads * d.pick(16, 32, 32)
    padded, gelu = d.pick(0, 0, 1, 2), d.word("gelu", "halved_gelu")
    x = _grid(s, x, side, width)
    for shifted in (False, True):
        y = s.layer_norm(x)
        if padded:  # to a whole number of windows
            inner = s.part(s.part(y, 1, 0, side - padded), 2, 0, side - padded)
            y = s.pad(inner, before=0, after=padded, channels_last=True)
        if shifted and side > window:
            y = s.concat([s.part(y, 1, 2, side), s.part(y, 1, 0, 2)], axis=1)
            y = s.concat([s.part(y, 2, 2, side), s.part(y, 2, 0, 2)], axis=2)
        count = side // window
        y = s.transpose(s.reshape(y, (1, count, window, count, window, width)), 0, 1, 3, 2, 4, 5)
        y = s.attention(s.reshape(y, (count * count, window * window, width)), heads, bias=True)
        y = s.transpose(s.reshape(y, (1, count, count, window, window, width)), 0, 1, 3, 2, 4, 5)
        x = s.same("Add", x, s.reshape(y, (1, side, side, width)))
        x = _perceptron(s, d, x, gelu)
    return s.reshape(x, (1, side * side, width))


def _hybrid(s: Sketch, d: Draw, x: str) -> str:
    """Convolutions, tokens of their pixels through transformers, and back (MobileViT, LeViT)."""
    act = d.word("silu", "hard_swish")
    x = stem(s, d, x, act)
    width, heads = d.log(64, 256, step=16), d.pick(1, 2, 4)
    x = s.activation(s.conv(x, width, kernel=3, stride=d.pick(1, 2)), act)
    _, _, height, breadth = s.shapes[x]
    tokens = s.transpose(s.reshape(x, (1, width, height * breadth)), 0, 2, 1)
    if height * breadth > 1024:
        return x
    for _ in range(d.pick(1, 2)):
        tokens = s.same("Add", tokens, s.attention(s.layer_norm(tokens), heads, bias=d.chance(0.5)))
        tokens = _perceptron(s, d, tokens, act)
    y = s.reshape(s.transpose(tokens, 0, 2, 1), (1, width, height, breadth))
    return s.activation(s.conv(s.concat([x, s.activation(s.conv(y, width), act)]), width, kernel=3), act)


def _perceptron(s: Sketch, d: Draw, x: str, act: str) -> str:
    width = s.shapes[x][-1]
    hidden = s.activation(s.linear(s.layer_norm(x), width * d.pick(2, 4, 4)), act)
    return s.same("Add", x, s.linear(hidden, width))


def _responses(s: Sketch, x: str) -> str:
    """Global response normalisation of the last axis (ConvNeXt V2)."""
    shape = s.shapes[x]
    norm = s.add("ReduceL2", [x, s.numbers(1, 2)], (1, 1, 1, shape[3]))
    mean = s.add("ReduceMean", [norm, s.numbers(3)], (1, 1, 1, 1))
    scaled = s.same("Mul", x, s.same("Div", norm, s.same("Add", mean, s.constant(1e-6))))
    weights = [s.random((1, 1, 1, shape[3]), fan_in=1) for _ in range(2)]
    return s.same("Add", s.same("Add", s.same("Mul", scaled, weights[0]), weights[1]), x)


def _grid(s: Sketch, x: str, side: int, width: int) -> str:
    """Tokens on a square: as many rows of the input as it takes, repeated."""
    rows = [x] * (-(-side * side // s.shapes[x][1]))
    joined = s.concat(rows, axis=1) if len(rows) > 1 else x
    return s.reshape(s.linear(s.part(joined, 1, 0, side * side), width), (1, side, side, width))


def _squeeze(s: Sketch, d: Draw, x: str, gate: str) -> str:
    """Squeeze and excitation."""
    channels = s.shapes[x][1]
    y = s.conv(s.pooled(x, mean=d.chance(0.4)), max(4, channels // d.pick(4, 8, 16)))
    y = s.conv(s.activation(y, d.word("relu", "silu")), channels)
    return s.same("Mul", x, s.activation(y, gate))


FAMILIES: Final[Mapping[str, Family]] = {
    "residual": Family(write=_residual),
    "inverted": Family(write=_inverted),
    "separable": Family(write=_separable),
    "plain": Family(write=_plain),
    "dense": Family(write=_dense),
    "preactivated": Family(write=_preactivated),
    "channels-last": Family(write=_channels_last),
    "pooled": Family(write=_pooled_mixing),
    "transformer": Family(write=_transformer, tokens=True),
    "windows": Family(write=_windows, tokens=True),
    "hybrid": Family(write=_hybrid),
    "segmenting": Family(write=segmenting),
    "detecting": Family(write=detecting),
    "upscaling": Family(write=upscaling),
    "shuffled": Family(write=shuffled),
    "recurrent": Family(write=recurrent, tokens=True),
    "temporal": Family(write=temporal, tokens=True),
}
