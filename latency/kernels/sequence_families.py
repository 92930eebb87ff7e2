"""Families of networks over sequences: recurrent layers, and convolutions along one axis."""

from __future__ import annotations

from hwnas.latency.kernels.recipes import Draw
from hwnas.latency.kernels.sketches import Sketch

_MOST_STEPS = 256  # a recurrent layer goes step by step: more take long and say nothing new


def recurrent(s: Sketch, d: Draw, x: str) -> str:
    """Layers of LSTM, GRU or RNN, one way or both, behind a linear layer or convolutions (speech, text in pictures)."""
    kind, hidden, directions = d.word("LSTM", "LSTM", "GRU", "GRU", "RNN"), d.log(16, 512, step=8), d.pick(1, 1, 2)
    x = s.part(x, 1, 0, min(s.shapes[x][1], _MOST_STEPS))
    if d.chance(0.5):
        x = s.activation(s.linear(x, d.log(16, 512, step=8)), "relu")
    for _ in range(d.pick(1, 2, 3)):
        x = s.recurrent(x, hidden, kind=kind, directions=directions)
    return s.linear(x, d.width(32, 512)) if d.chance(0.5) else x


def temporal(s: Sketch, d: Draw, x: str) -> str:
    """Convolutions along time, dilated or separable, with residuals (TCN, keyword spotting, audio codecs)."""
    act, width, separable = d.word("relu", "relu", "gelu", "prelu_row"), d.width(16, 384), d.chance(0.4)
    x = s.transpose(x, 0, 2, 1)
    x = _activation(s, s.conv(x, width, kernel=d.pick(1, 3, 5, 9), stride=d.pick(1, 1, 2)), act)
    for number in range(d.pick(2, 3, 4)):
        kernel, dilation = d.pick(3, 3, 5, 9), 2**number if d.chance(0.5) else 1
        y = s.conv(x, width, kernel=kernel, dilation=dilation, groups=width if separable else 1)
        y = _activation(s, s.conv(y, width) if separable else y, act)
        x = s.same("Add", x, y) if d.chance(0.6) else y
        if d.chance(0.3) and s.shapes[x][2] >= 8:
            x = s.pool(x, kind="MaxPool", kernel=d.pick(2, 3), stride=2)
        elif d.chance(0.15):
            stride = d.pick(2, 2, 4)
            x = s.conv_transpose(x, width, kernel=d.pick(1, 2) * stride, stride=stride)
    return s.transpose(x, 0, 2, 1)


def _activation(s: Sketch, x: str, kind: str) -> str:
    return s.same("PRelu", x, s.random((s.shapes[x][1], 1), fan_in=8)) if kind == "prelu_row" else s.activation(x, kind)
