"""The layers of Accel-NASBench's networks as facts: EfficientNet-B0's channels and strides, and what stages cost."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np

from hwnas.arrays import Array, Integer
from hwnas.spaces.mobile_blocks import COSTS, Conv, InvertedResidual, block_costs, conv_costs, halved, linear_costs

CHANNELS: Final = (16, 24, 40, 80, 112, 192, 320)
STRIDES: Final = (1, 2, 2, 2, 1, 2, 1)
STEM: Final = Conv(in_channels=3, channels=32, kernel=3, stride=2)
HEAD: Final = Conv(in_channels=CHANNELS[-1], channels=1280)
IMAGE_SIZE: Final = 224
CLASSES: Final = 1000
EXPANSIONS: Final = (1, 4, 6)
KERNELS: Final = (3, 5)
# Number of layers of each stage: up to three, but four in the sixth.
DEPTHS: Final = ((1, 2, 3),) * 5 + ((1, 2, 3, 4),) + ((1, 2, 3),)
_DEEPEST: Final = max(map(max, DEPTHS))
# Squeeze-excitations have a quarter of the channels that their block reads.
_SQUEEZE: Final = 4


def stage_blocks(stage: int, *, expansion: int, kernel: int, depth: int, squeeze: bool) -> list[InvertedResidual]:
    """The blocks of a stage; the first has the stage's stride and reads the channels of the stage before."""
    blocks = []
    for number in range(depth):
        in_channels = CHANNELS[stage] if number else (STEM.channels, *CHANNELS)[stage]
        blocks.append(
            InvertedResidual(
                in_channels=in_channels,
                hidden=expansion * in_channels,
                channels=CHANNELS[stage],
                kernel=kernel,
                stride=1 if number else STRIDES[stage],
                squeeze=in_channels // _SQUEEZE if squeeze else 0,
                expand=expansion > 1,
            )
        )
    return blocks


@cache
def stage_sizes() -> tuple[int, ...]:
    """Height and width of the input of each stage; last, those of the output of the last one."""
    sizes = [halved(np.array([IMAGE_SIZE]), STEM.stride)]
    for stride in STRIDES:
        sizes.append(halved(sizes[-1], stride))
    return tuple(int(size[0]) for size in sizes)


@cache
def stage_costs() -> Integer[Array, "7 3 2 4 2 5"]:
    """Costs (`COSTS`) of each stage by choice of expansion, kernel, depth (up to four everywhere), squeeze."""
    table = np.zeros((len(CHANNELS), len(EXPANSIONS), len(KERNELS), _DEEPEST, 2, len(COSTS)), dtype=np.int64)
    for stage, e, k, deep, squeeze in np.ndindex(table.shape[:-1]):
        blocks = stage_blocks(stage, expansion=EXPANSIONS[e], kernel=KERNELS[k], depth=deep + 1, squeeze=bool(squeeze))
        for number, block in enumerate(blocks):
            size = np.array([stage_sizes()[stage + (number > 0)]])
            table[stage, e, k, deep, squeeze] += block_costs(block, size)[0]
    table.setflags(write=False)
    return table


@cache
def fixed_costs() -> Integer[Array, " 5"]:
    """Costs of what every network has: stem, last convolution, average, classifier."""
    last = stage_sizes()[-1]
    total = conv_costs(STEM, np.array([IMAGE_SIZE]))[0] + conv_costs(HEAD, np.array([last]))[0]
    pool = np.array([0, 0, 0, HEAD.channels * (last**2 + 1), 1])
    return np.asarray(total + pool + linear_costs(HEAD.channels, CLASSES))
