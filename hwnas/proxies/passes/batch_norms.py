"""Batch norm whose second derivative is a second run of its backward kernel and one sum.

PyTorch's own takes some twenty passes over the activations: a double backward pass of a network of NAS-Bench-201 then
takes twice as long. With x' = (x - mean) r, r = 1 / deviation and P g = g - avg(g) - x' avg(g x'), the backward pass is
scale r P g. P is symmetric, so for a cotangent v the gradient for g is scale r P v, and that for x is
-scale r^2 (avg(g x') P v + avg(v x') P g + avg(v P g) x').
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def batch_norm(x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float) -> Tensor:
    """Batch norm by the statistics of the batch; its scale and shift count as constants in derivatives."""
    if x.numel() == x.shape[1]:  # a single value: torch says what is wrong
        return torch.nn.functional.batch_norm(x, None, None, weight, bias, training=True, eps=eps)
    y: Tensor = _Forward.apply(x, weight, bias, eps)  # type: ignore[no-untyped-call]
    return y


class _Forward(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float) -> Tensor:
        y, mean, inverse = torch.native_batch_norm(x, weight, bias, None, None, True, 0.0, eps)
        ctx.save_for_backward(x, weight, mean, inverse)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        by_x = _Backward.apply(gradients[0], *ctx.saved_tensors)  # type: ignore[no-untyped-call]
        return by_x, None, None, None


class _Backward(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gradient: Tensor, x: Tensor, weight: Tensor | None, mean: Tensor, inverse: Tensor) -> Tensor:
        result, by_input, plain = _kernel(gradient, x, weight, mean, inverse)
        ctx.save_for_backward(gradient, x, weight, mean, inverse, result, by_input, plain)
        return result

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor) -> tuple[Tensor | None, ...]:
        gradient, x, weight, mean, inverse, result, by_input, plain = ctx.saved_tensors
        moved, moved_by_input, moved_plain = _kernel(cotangents[0], x, weight, mean, inverse)
        count = x.numel() // x.shape[1]
        channels = [1, -1] + [1] * (x.ndim - 2)
        both = (cotangents[0] * gradient).sum(dim=[0, *range(2, x.ndim)])
        both = both - (moved_plain * plain + moved_by_input * by_input) / count
        steepness = -(inverse**3) * both / count
        if weight is not None:
            steepness = steepness * weight
        by_x = moved * (-inverse * by_input / count).view(channels)
        by_x.addcmul_(result, (-inverse * moved_by_input / count).view(channels))
        by_x.addcmul_(x, steepness.view(channels)).sub_((steepness * mean).view(channels))
        return moved, by_x, None, None, None


def _kernel(
    gradient: Tensor, x: Tensor, weight: Tensor | None, mean: Tensor, inverse: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """scale r P g; sums per channel of g x' and of g. The kernel takes r as it is, and reads no epsilon."""
    backward = torch.ops.aten.native_batch_norm_backward
    found: tuple[Tensor, Tensor, Tensor] = backward(
        gradient, x, weight, None, None, mean, inverse, True, 0.0, [True, True, True]
    )
    return found
