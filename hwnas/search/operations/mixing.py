"""One edge of a supernet: all its operations at once, mixed by weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import final

import torch
from torch import Tensor, nn


@final
class MixedEdge(nn.Module):
    """The weighted sum of operations on one input.

    Of an operation of weight 0 only the ReLUs run, on zeros: Xiang et al.'s code runs all of it on zeros, so that its
    ReLUs see the same of every image and its weights have no gradient.
    """

    def __init__(self, operations: Iterable[nn.Module]) -> None:
        super().__init__()
        self.operations = nn.ModuleList(operations)

    def forward(self, x: Tensor, weights: list[float], shared: dict[int, Tensor]) -> Tensor:
        """(b, channels, h, w) to the sum of what the operations make of it; one weight has to be above 0.

        shared: what operations without parameters made of the same input on another edge, by number; it is added to.
        """
        total: Tensor | None = None
        for number, (operation, weight) in enumerate(zip(self.operations, weights, strict=True)):
            if weight:
                value = _value(number, operation, x, shared)
                total = value * weight if total is None else torch.add(total, value, alpha=weight)
                continue
            for layer in operation.modules():
                if isinstance(layer, nn.ReLU):
                    layer(torch.zeros_like(x))
        assert total is not None
        return total


def _value(number: int, operation: nn.Module, x: Tensor, shared: dict[int, Tensor]) -> Tensor:
    """What an operation makes of x. Pooling is 29 % of a pass, and half of the edges of a cell pool the same again."""
    if next(operation.parameters(), None) is not None:
        return operation(x)  # type: ignore[no-any-return]
    if number not in shared:
        shared[number] = operation(x)
    return shared[number]
