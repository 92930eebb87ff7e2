"""Which networks a builder measures: blocks by the design rules of published families, at random sizes.

A recipe is a family and a seed, so that a run that was killed draws the same networks again. No network here is one of
anybody's: widths, depths, kernels, activations and sizes are drawn independently.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from hwnas.errors import HwnasError
from hwnas.latency.kernels.sketches import INPUT, Sketch

# Of what a recipe stands for: measurements of another version are of other networks.
VERSION: Final = 2
# Multiply-accumulates of one network: less is all overhead, more takes the time of many others. Sizes are drawn until
# they are within this factor of a number drawn first, else small networks, which more sizes give, would prevail.
LIMITS: Final = (4_000_000, 1_200_000_000)
_WITHIN: Final = 2.5
_MAX_WEIGHTS: Final = 20e6
_TRIES: Final = 400


@final
@dataclass(frozen=True, kw_only=True, order=True)
class Recipe:
    """One network to measure."""

    family: str
    seed: int

    @property
    def name(self) -> str:
        """As a file would be called."""
        return f"{self.family}-{self.seed}"


@final
class Draw:
    """Random sizes."""

    def __init__(self, *seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def log(self, low: int, high: int, *, step: int = 1) -> int:
        """A whole number, uniform in the logarithm, rounded to a multiple of `step`."""
        value = float(np.exp(self.rng.uniform(np.log(low), np.log(high))))
        return max(step, round(value / step) * step)

    def width(self, low: int = 16, high: int = 768) -> int:
        """Channels: mostly multiples of 8, now and then of 4 or of nothing."""
        return self.log(low, high, step=self.pick(8, 8, 8, 16, 16, 32, 4, 1))

    def pick(self, *choices: int) -> int:
        """One of them."""
        return choices[int(self.rng.integers(len(choices)))]

    def word(self, *choices: str) -> str:
        """One of them."""
        return choices[int(self.rng.integers(len(choices)))]

    def chance(self, share: float) -> bool:
        """True in this share of all cases."""
        return bool(self.rng.random() < share)


def write(recipe: Recipe) -> bytes:
    """The ONNX file of a recipe. Raises `KeyError` for an unknown family."""
    from hwnas.latency.kernels.families import FAMILIES

    build, number = FAMILIES[recipe.family], zlib.crc32(recipe.family.encode())
    wanted = Draw(number, recipe.seed).log(*LIMITS)
    for attempt in range(_TRIES):
        draw = Draw(number, recipe.seed, attempt)
        sketch = Sketch(_input_shape(draw, tokens=build.tokens), seed=attempt)
        output = head(sketch, draw, build.write(sketch, draw, INPUT))
        weights = sum(values.size for values in sketch.nodes.weights.values())
        # Of many tries the last ones take anything: some families have no network that is large enough.
        near = wanted / _WITHIN <= sketch.macs <= wanted * _WITHIN or attempt > _TRIES / 2
        near = near and sketch.macs <= LIMITS[1]
        if near and weights <= _MAX_WEIGHTS:
            return sketch.model(output)
    raise HwnasError(f"no network of the family {recipe.family!r} with about {wanted} multiply-accumulates was drawn")


@final
@dataclass(frozen=True, kw_only=True)
class Family:
    """A design. tokens: whether its input is rows of tokens, else feature maps."""

    write: Callable[[Sketch, Draw, str], str]
    tokens: bool = False


def _input_shape(draw: Draw, *, tokens: bool) -> tuple[int, ...]:
    """A picture of three channels, or what comes in the middle of a network."""
    if tokens:
        return 1, draw.log(16, 800), draw.log(64, 1024, step=64)
    if draw.chance(0.35):
        size = draw.log(32, 384, step=draw.pick(16, 16, 32))
        return 1, 3, size, size
    size = draw.log(4, 112)
    return 1, draw.width(), size, size


def stem(sketch: Sketch, draw: Draw, x: str, activation: str) -> str:
    """What makes feature maps of a picture; the middle of a network goes through."""
    if sketch.shapes[x][1] != 3:
        return x
    channels = draw.log(16, 128, step=8)
    if draw.chance(0.25):
        x = sketch.pad(x, before=draw.pick(0, 1, 3), after=draw.pick(1, 3))
    x = sketch.activation(
        sketch.conv(x, channels, kernel=draw.pick(3, 3, 7, 4, 16), stride=draw.pick(2, 2, 4)), activation
    )
    return sketch.pool(x, kind="MaxPool", kernel=3, stride=2) if draw.chance(0.3) else x


def head(sketch: Sketch, draw: Draw, x: str) -> str:
    """The average, and a linear layer."""
    shape = sketch.shapes[x]
    if len(shape) == 4:
        x = sketch.reshape(sketch.pooled(x, mean=draw.chance(0.3)), shape[:2])
    else:
        one = sketch.first(x) if draw.chance(0.5) else sketch.part(x, 1, 0, 1)
        x = one if len(sketch.shapes[one]) == 2 else sketch.reshape(one, (shape[0], shape[2]))
    return sketch.linear(x, draw.pick(10, 100, 1000))
