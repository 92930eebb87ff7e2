"""One edge of a supernet: all its operations at once, mixed by weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import final

import torch
from torch import Tensor, nn


@final
class MixedEdge(nn.Module):
    """The weighted sum of operations on one input. stride: of every operation, in its first layer.

    Of an operation of weight 0 only the ReLUs run, on zeros: Xiang et al.'s code runs all of it on zeros, so that its
    ReLUs see the same of every image and its weights have no gradient.
    """

    def __init__(self, operations: Iterable[nn.Module], *, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.operations = nn.ModuleList(operations)

    def forward(self, x: Tensor, weights: list[float], shared: dict[int, Tensor]) -> Tensor | None:
        """(b, channels, h, w) to the sum of what the operations make of it; None where all weights are 0.

        shared: what operations without parameters made of the same input on another edge, by number; it is added to.
        """
        total: Tensor | None = None
        for number, (operation, weight) in enumerate(zip(self.operations, weights, strict=True)):
            if weight:
                value = _value(number, operation, x, shared)
                total = value * weight if total is None else torch.add(total, value, alpha=weight)
                continue
            zeros = torch.zeros_like(x)
            for layer in operation.modules():
                if isinstance(layer, nn.ReLU):
                    layer(zeros)
                    zeros = torch.zeros_like(x[:, :, :: self.stride, :: self.stride])  # behind the first layer
        return total


def added(total: Tensor | None, value: Tensor | None) -> Tensor | None:
    """The sum of what there is."""
    return value if total is None else total if value is None else total + value


def _value(number: int, operation: nn.Module, x: Tensor, shared: dict[int, Tensor]) -> Tensor:
    """What an operation makes of x. Pooling is 29 % of a pass, and half of the edges of a cell pool the same again."""
    if next(operation.parameters(), None) is not None:
        return operation(x)  # type: ignore[no-any-return]
    if number not in shared:
        shared[number] = operation(x)
    return shared[number]
