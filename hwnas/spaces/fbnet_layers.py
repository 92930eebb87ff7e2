"""FBNet's 22 layers and nine operations as facts: channels, strides, image sizes and costs (Wu 2019, tables 1 and 2).

ImageNet as in the paper; the CIFAR-100 variant is HW-NAS-Bench's (Li 2021): no stride in the stem and the first stage
of four layers, 1,504 channels in the head.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final, final

import numpy as np

from hwnas.arrays import Array, Integer
from hwnas.spaces.mobile_blocks import COSTS, Conv, InvertedResidual, block_costs, conv_costs, halved, linear_costs

OPERATIONS: Final = ("k3_e1", "k3_e1_g2", "k3_e3", "k3_e6", "k5_e1", "k5_e1_g2", "k5_e3", "k5_e6", "skip")
SKIP: Final = 8
KERNELS: Final = (3, 3, 3, 3, 5, 5, 5, 5, 0)
EXPANSIONS: Final = (1, 1, 3, 6, 1, 1, 3, 6, 0)
GROUPS: Final = (1, 2, 1, 1, 1, 2, 1, 1, 1)
STEM_CHANNELS: Final = 16
CHANNELS: Final = (16, 24, 32, 64, 112, 184, 352)
DEPTHS: Final = (1, 4, 4, 4, 4, 4, 1)
IMAGE_SIZE: Final = {"cifar100": 32, "imagenet": 224}
CLASSES: Final = {"cifar100": 100, "imagenet": 1000}
STEM_STRIDE: Final = {"cifar100": 1, "imagenet": 2}
STRIDES: Final = {"cifar100": (1, 1, 2, 2, 1, 2, 1), "imagenet": (1, 2, 2, 2, 1, 2, 1)}
HEAD_CHANNELS: Final = {"cifar100": 1504, "imagenet": 1984}


@final
@dataclass(frozen=True, kw_only=True)
class Place:
    """What is fixed of one of the 22 layers. size: height and width of its input."""

    in_channels: int
    channels: int
    stride: int
    size: int

    @property
    def keeps_shape(self) -> bool:
        """Whether the output has the shape of the input, so that `skip` is the identity."""
        return self.stride == 1 and self.in_channels == self.channels

    def layer(self, operation: int) -> InvertedResidual | Conv | None:
        """The layer with this operation; None is the identity.

        Where the shape changes `skip` is a pointwise convolution with batch norm and ReLU, as in HW-NAS-Bench's code.
        """
        if operation == SKIP:
            skip = Conv(in_channels=self.in_channels, channels=self.channels, stride=self.stride)
            return None if self.keeps_shape else skip
        return InvertedResidual(
            in_channels=self.in_channels,
            hidden=self.in_channels * EXPANSIONS[operation],
            channels=self.channels,
            kernel=KERNELS[operation],
            stride=self.stride,
            groups=GROUPS[operation],
        )


@cache
def places(dataset: str) -> tuple[Place, ...]:
    """The 22 layers from stem to head."""
    found, channels = [], STEM_CHANNELS
    size = IMAGE_SIZE[dataset] // STEM_STRIDE[dataset]
    for stage_channels, depth, stage_stride in zip(CHANNELS, DEPTHS, STRIDES[dataset], strict=True):
        for number in range(depth):
            stride = 1 if number else stage_stride
            found.append(Place(in_channels=channels, channels=stage_channels, stride=stride, size=size))
            channels, size = stage_channels, size // stride
    return tuple(found)


@cache
def layer_costs(dataset: str) -> Integer[Array, "22 9 5"]:
    """Costs (`COSTS`) of each operation in each layer."""
    table = np.zeros((len(places(dataset)), len(OPERATIONS), len(COSTS)), dtype=np.int64)
    for row, place in enumerate(places(dataset)):
        for operation in range(len(OPERATIONS)):
            layer, size = place.layer(operation), np.array([place.size])
            if layer is not None:
                costs = conv_costs(layer, size) if isinstance(layer, Conv) else block_costs(layer, size)
                table[row, operation] = costs[0]
    table.setflags(write=False)
    return table


@cache
def fixed_costs(dataset: str) -> Integer[Array, " 5"]:
    """Costs of what every network has: stem, head, pooling and classifier."""
    image, head = np.array([IMAGE_SIZE[dataset]]), HEAD_CHANNELS[dataset]
    last = halved(np.array([places(dataset)[-1].size]), places(dataset)[-1].stride)
    stem = Conv(in_channels=3, channels=STEM_CHANNELS, kernel=3, stride=STEM_STRIDE[dataset])
    top = conv_costs(Conv(in_channels=CHANNELS[-1], channels=head), last)[0]
    pool = np.array([0, 0, 0, head * (int(last[0]) ** 2 + 1), 1])
    return np.asarray(conv_costs(stem, image)[0] + top + pool + linear_costs(head, CLASSES[dataset]))
