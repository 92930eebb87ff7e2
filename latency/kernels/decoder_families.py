"""Families of networks that make maps of maps: segmentation, detection, more pixels; and shuffled channels."""

from __future__ import annotations

from hwnas.latency.kernels.recipes import Draw, stem
from hwnas.latency.kernels.sketches import Sketch

_LARGEST = 512  # pixels of a side


def segmenting(s: Sketch, d: Draw, x: str) -> str:
    """Down by pooling, up by transposed convolutions or resizing, joined with what was on the way (U-Net)."""
    act, transposed, width = d.word("relu", "relu", "leaky_relu", "silu"), d.chance(0.6), d.log(8, 96, step=8)
    skips = []
    for _ in range(d.pick(2, 3, 4)):
        x = _twice(s, d, x, width, act)
        if min(s.shapes[x][2:]) < 4 or any(side % 2 for side in s.shapes[x][2:]):
            break
        skips.append(x)
        x, width = s.pool(x, kind="MaxPool", kernel=2, stride=2), min(2 * width, 512)
    x = _pyramid(s, d, x, width) if d.chance(0.3) else _twice(s, d, x, width, act)
    for skip in reversed(skips):
        x = _up(s, d, x, s.shapes[skip], transposed=transposed)
        x = _twice(s, d, s.concat([skip, x]) if d.chance(0.8) else x, s.shapes[skip][1], act)
    return s.activation(s.conv(x, d.pick(8, 19, 21, 32)), d.word("sigmoid", "relu"))


def detecting(s: Sketch, d: Draw, x: str) -> str:
    """Blocks whose channels are split, pooling at several reaches, maps of two sizes joined (YOLO)."""
    act = d.word("silu", "silu", "leaky_relu", "relu")
    x, width, maps = stem(s, d, x, act), d.log(16, 192, step=16), []
    for number in range(d.pick(2, 3)):
        if number and min(s.shapes[x][2:]) >= 6 and not any(side % 2 for side in s.shapes[x][2:]):
            x, width = s.activation(s.conv(x, 2 * width, kernel=3, stride=2), act), 2 * width
        x = _cross_stage(s, d, x, width, act)
        maps.append(x)
    y = s.activation(s.conv(x, width // 2), act)
    pooled = [y]
    for _ in range(3):
        pooled.append(s.pool(pooled[-1], kind="MaxPool", kernel=d.pick(5, 5, 3), stride=1))
    x = s.activation(s.conv(s.concat(pooled), width), act)
    for earlier in reversed(maps[:-1]):
        _, channels, height, breadth = s.shapes[earlier]
        if (height, breadth) != s.shapes[x][2:]:
            x = s.resize(x, height, breadth, mode="nearest", coordinates="asymmetric")
        x = _cross_stage(s, d, s.concat([x, earlier]), channels, act)
    return s.activation(s.conv(x, d.pick(64, 80, 144, 255)), d.word("sigmoid", act))


def upscaling(s: Sketch, d: Draw, x: str) -> str:
    """Convolutions at one size, then more pixels (ESPCN, FSRCNN, EDSR)."""
    act, width = d.word("relu", "prelu", "tanh", "leaky_relu"), d.log(16, 128, step=4)
    factor = d.pick(*[f for f in (2, 2, 3, 4) if f * max(s.shapes[x][2:]) <= _LARGEST] or [1])
    x = s.activation(s.conv(x, width, kernel=d.pick(3, 5)), act)
    for _ in range(d.pick(1, 2, 4)):
        y = s.conv(s.activation(s.conv(x, width, kernel=3), act), width, kernel=3)
        x = s.same("Add", x, s.same("Mul", y, s.constant(0.1)) if d.chance(0.3) else y)
    channels, way = d.pick(3, 8, 16, 32), d.pick(0, 0, 1, 2)
    if way == 0:
        return s.conv(s.depth_to_space(s.conv(x, channels * factor**2, kernel=3), factor), channels, kernel=3)
    if way == 1 and factor > 1:
        return s.conv_transpose(x, channels, kernel=d.pick(factor, 2 * factor, 9), stride=factor)
    return s.conv(_larger(s, d, x, factor), channels, kernel=3)


def shuffled(s: Sketch, d: Draw, x: str) -> str:
    """Half of the channels goes by, then halves are shuffled (ShuffleNetV2); cheap maps beside others (GhostNet)."""
    x = s.conv(stem(s, d, x, "relu"), d.log(24, 512, step=8))
    for _ in range(d.pick(2, 3, 4)):
        batch, channels, height, width = s.shapes[x]
        half = channels // 2
        if d.chance(0.3):
            y = s.activation(s.conv(x, half), "relu")
            x = s.concat([y, s.activation(s.conv(y, half, kernel=3, groups=half), "relu")])
            continue
        if d.chance(0.5):
            left, right = s.split(x, 2, axis=1)
        else:
            left, right = s.part(x, 1, 0, half), s.part(x, 1, half, channels)
        y = s.activation(s.conv(right, half), "relu")
        y = s.activation(s.conv(s.conv(y, half, kernel=3, groups=half), half), "relu")
        y = s.reshape(s.concat([left, y]), (batch, 2, half, height, width))
        x = s.reshape(s.transpose(y, 0, 2, 1, 3, 4), (batch, channels, height, width))
    return s.activation(s.conv(x, d.width(64, 512)), "relu")


def _twice(s: Sketch, d: Draw, x: str, width: int, act: str) -> str:
    for _ in range(d.pick(1, 2, 2)):
        x = s.activation(s.conv(x, width, kernel=3), act)
    return x


def _pyramid(s: Sketch, d: Draw, x: str, width: int) -> str:
    """Windows of several dilations beside each other, and the mean of the whole map (DeepLabV3)."""
    _, _, height, breadth = s.shapes[x]
    parts = [s.activation(s.conv(x, width), "relu")]
    for dilation in (2, 4, 6)[: d.pick(1, 2, 3)]:
        parts.append(s.activation(s.conv(x, width, kernel=3, dilation=d.pick(1, 2, 3) * dilation), "relu"))
    mean = s.activation(s.conv(s.pooled(x), width), "relu")
    parts.append(s.resize(mean, height, breadth, mode="linear", coordinates="half_pixel"))
    return s.activation(s.conv(s.concat(parts), width), "relu")


def _up(s: Sketch, d: Draw, x: str, like: tuple[int, ...], *, transposed: bool) -> str:
    if transposed:
        return s.conv_transpose(x, like[1], kernel=d.pick(2, 2, 3, 4), stride=2)
    return s.conv(_larger(s, d, x, 2), like[1], kernel=d.pick(1, 3))


def _larger(s: Sketch, d: Draw, x: str, factor: int) -> str:
    height, width = (factor * side for side in s.shapes[x][2:])
    mode = d.word("nearest", "linear", "linear")
    ways = ("asymmetric",) if mode == "nearest" else ("half_pixel", "half_pixel", "align_corners")
    return s.resize(x, height, width, mode=mode, coordinates=d.word(*ways))


def _cross_stage(s: Sketch, d: Draw, x: str, width: int, act: str) -> str:
    """Half of the channels goes through bottlenecks, all that was made is joined (C2f)."""
    first, second = s.split(s.activation(s.conv(x, width), act), 2, axis=1)
    parts = [first, second]
    for _ in range(d.pick(1, 2)):
        y = s.activation(s.conv(parts[-1], width // 2, kernel=3), act)
        y = s.activation(s.conv(y, width // 2, kernel=3), act)
        parts.append(s.same("Add", y, parts[-1]) if d.chance(0.6) else y)
    return s.activation(s.conv(s.concat(parts), width), act)
