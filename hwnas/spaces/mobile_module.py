"""Torch layers of the facts in mobile_blocks.py."""

from __future__ import annotations

from torch import nn

from hwnas.spaces.mobile_blocks import Conv


def conv2d(conv: Conv, *, bias: bool = False) -> nn.Conv2d:
    """The convolution, padded so that only the stride changes the image size."""
    return nn.Conv2d(
        conv.in_channels,
        conv.channels,
        conv.kernel,
        stride=conv.stride,
        padding=conv.kernel // 2,
        groups=conv.groups,
        bias=bias,
    )
