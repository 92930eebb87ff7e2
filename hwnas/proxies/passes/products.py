"""Weight gradients of each image from a layer's input and the gradient of its output."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


def image_gradients(layer: nn.Module, x: Tensor, gradient: Tensor) -> Tensor:
    """(b, n) gradient of each image for the n weights of a convolution or linear layer, in the weight's order.

    x: (b, ...) input of the layer; gradient: (b, ...) of its output.
    """
    if type(layer) is nn.Linear:
        return torch.bmm(_rows(gradient).transpose(1, 2), _rows(x)).flatten(1)
    if type(layer) is nn.Conv2d and layer.padding_mode == "zeros" and not isinstance(layer.padding, str):
        return _convolution(layer, x, gradient)
    return torch.stack([_alone(layer, x[i : i + 1], gradient[i : i + 1]) for i in range(len(x))])


def working_numbers(layer: nn.Module, gradient: Tensor) -> int:
    """Numbers that `image_gradients` lays out for one image beside the result."""
    if not isinstance(layer, nn.Conv2d):
        return 0
    return gradient[0, 0].numel() * layer.in_channels * math.prod(layer.kernel_size)


def _rows(tensor: Tensor) -> Tensor:
    """(b, ..., n) as (b, positions, n)."""
    return tensor.reshape(len(tensor), -1, tensor.shape[-1])


def _convolution(layer: nn.Conv2d, x: Tensor, gradient: Tensor) -> Tensor:
    """One matrix product for each image and group: output gradients times the windows that each output saw."""
    images, groups = len(x), layer.groups
    windows = _windows(layer, x, gradient.shape[-2:])  # (b, positions, kernel, channels)
    positions, taps, channels = windows.shape[1:]
    windows = windows.reshape(images, positions, taps, groups, channels // groups).permute(0, 3, 1, 2, 4)
    arriving = gradient.permute(0, 2, 3, 1).reshape(images, positions, groups, -1).permute(0, 2, 3, 1)
    product = torch.bmm(arriving.flatten(0, 1), windows.reshape(images * groups, positions, -1))
    # From (out, kernel, in) to the weight's (out, in, kernel).
    return product.reshape(images, -1, taps, channels // groups).transpose(2, 3).reshape(images, -1)


def _windows(layer: nn.Conv2d, x: Tensor, outputs: torch.Size) -> Tensor:
    """(b, positions, kernel height x width, channels), a view where the kernel is 1x1."""
    vertical, horizontal = (int(p) for p in layer.padding)
    x = x.permute(0, 2, 3, 1)
    if vertical or horizontal:
        x = functional.pad(x, (0, 0, horizontal, horizontal, vertical, vertical))
    batch, row, column, channel = x.stride()
    (stride_y, stride_x), (dilation_y, dilation_x) = layer.stride, layer.dilation
    windows = x.as_strided(
        (len(x), *outputs, *layer.kernel_size, x.shape[3]),
        (batch, row * stride_y, column * stride_x, row * dilation_y, column * dilation_x, channel),
        x.storage_offset(),
    )
    return windows.reshape(len(x), outputs.numel(), -1, x.shape[3])


def _alone(layer: nn.Module, x: Tensor, gradient: Tensor) -> Tensor:
    """Any other layer: run it again on the image alone."""
    weight = layer.weight
    assert isinstance(weight, Tensor)
    with torch.enable_grad():
        (found,) = torch.autograd.grad(layer(x), weight, gradient)
    return found.flatten()
