"""The layers of Once-for-All's MobileNetV3 as facts: channels, strides, image sizes and costs (Cai 2020, section 3)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final, final

import numpy as np

from hwnas.arrays import Array, Integer
from hwnas.spaces.mobile_blocks import COSTS, Conv, InvertedResidual, block_costs, conv_costs, halved, linear_costs

KERNELS: Final = (3, 5, 7)
EXPANSIONS: Final = (3, 4, 6)
DEPTHS: Final = (2, 3, 4)
RESOLUTIONS: Final = tuple(range(128, 225, 4))
STAGES: Final = 5
BLOCKS: Final = STAGES * DEPTHS[-1]
CLASSES: Final = 1000
# Stem, fixed first block, five searched stages, last two pointwise convolutions, all at width 1.0.
_STEM, _FIRST, _STAGES, _EXPAND, _MIX = 16, 16, (24, 40, 80, 112, 160), 960, 1280
STRIDES: Final = (2, 2, 2, 1, 2)
SQUEEZES: Final = (False, True, False, True, True)
ACTIVATIONS: Final = ("relu", "relu", "hard_swish", "hard_swish", "hard_swish")


def divisible(channels: int | float, divisor: int = 8) -> int:
    """Nearest multiple of `divisor` that takes away at most 10 % (MobileNetV2's rounding of scaled channels)."""
    nearest = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return nearest + divisor if nearest < 0.9 * channels else nearest


@final
@dataclass(frozen=True, kw_only=True)
class Skeleton:
    """Channels of a network at one width multiplier. `stages`: of the five searched stages."""

    stem: int
    first: int
    stages: tuple[int, ...]
    expand: int
    mix: int

    @property
    def stem_conv(self) -> Conv:
        """The first convolution."""
        return Conv(in_channels=3, channels=self.stem, kernel=3, stride=2)

    @property
    def first_block(self) -> InvertedResidual:
        """The block before the searched ones: depthwise and projection only."""
        return InvertedResidual(in_channels=self.stem, hidden=self.stem, channels=self.first, kernel=3, expand=False)

    @property
    def expand_conv(self) -> Conv:
        """The pointwise convolution after the last block."""
        return Conv(in_channels=self.stages[-1], channels=self.expand)

    @property
    def mix_conv(self) -> Conv:
        """The pointwise convolution on the pooled image; it has neither bias nor batch norm."""
        return Conv(in_channels=self.expand, channels=self.mix)

    def block(self, number: int, *, kernel: int, expansion: int) -> InvertedResidual:
        """Block `number` of 20, the first of each stage of four having the stage's stride."""
        stage, place = divmod(number, DEPTHS[-1])
        before = self.stages[stage - 1] if stage else self.first
        in_channels = self.stages[stage] if place else before
        hidden = divisible(in_channels * expansion)
        return InvertedResidual(
            in_channels=in_channels,
            hidden=hidden,
            channels=self.stages[stage],
            kernel=kernel,
            stride=1 if place else STRIDES[stage],
            squeeze=divisible(hidden // 4) if SQUEEZES[stage] else 0,
        )


@cache
def skeleton(width: float) -> Skeleton:
    """The skeleton at this width multiplier."""
    return Skeleton(
        stem=divisible(_STEM * width),
        first=divisible(_FIRST * width),
        stages=tuple(divisible(channels * width) for channels in _STAGES),
        expand=divisible(_EXPAND * width),
        mix=divisible(_MIX * width),
    )


@cache
def block_sizes() -> Integer[Array, "25 21"]:
    """Height and width of the input of each block at each resolution; last, those of the output of the last block."""
    columns = [halved(np.array(RESOLUTIONS), 2)]
    for number in range(BLOCKS):
        stage, place = divmod(number, DEPTHS[-1])
        columns.append(halved(columns[-1], 1 if place else STRIDES[stage]))
    return np.stack(columns, axis=1)


@cache
def layer_costs(width: float) -> Integer[Array, "20 3 3 25 5"]:
    """Costs (`COSTS`) of each block by number, choice of kernel, of expansion, and of resolution."""
    table = np.zeros((BLOCKS, len(KERNELS), len(EXPANSIONS), len(RESOLUTIONS), len(COSTS)), dtype=np.int64)
    for number in range(BLOCKS):
        for k, kernel in enumerate(KERNELS):
            for e, expansion in enumerate(EXPANSIONS):
                block = skeleton(width).block(number, kernel=kernel, expansion=expansion)
                table[number, k, e] = block_costs(block, block_sizes()[:, number])
    table.setflags(write=False)
    return table


@cache
def fixed_costs(width: float) -> Integer[Array, "25 5"]:
    """Costs at each resolution of what every network has: stem, first block, both last convolutions, classifier."""
    shape = skeleton(width)
    resolutions, sizes = np.array(RESOLUTIONS), block_sizes()
    total = conv_costs(shape.stem_conv, resolutions) + block_costs(shape.first_block, sizes[:, 0])
    total += conv_costs(shape.expand_conv, sizes[:, -1])
    mix = np.array([shape.mix_conv.weights, shape.mix_conv.weights, 0, shape.expand + shape.mix, 1])
    pool = np.zeros_like(total)
    pool[:, 3:] = np.stack([shape.expand * (sizes[:, -1] ** 2 + 1), np.ones_like(resolutions)], axis=1)
    return np.asarray(total + pool + mix + linear_costs(shape.mix, CLASSES))
