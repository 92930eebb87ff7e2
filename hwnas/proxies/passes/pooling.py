"""Which feature map a network pools before its classifier."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

_MEANS: Final = (torch.mean, Tensor.mean)


class PooledFeatures(TorchFunctionMode):
    """Inside the block, `last` is the feature map that was pooled last, for as long as no other map follows it.

    Average pooling to any fixed size, to one pixel, and a mean over height and width count. The gates of
    squeeze-and-excitation pool too, but feature maps follow them. ran: whether anything was pooled at all.
    """

    def __init__(self) -> None:
        super().__init__()
        self.last: Tensor | None = None
        self.ran = False

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        options = dict(kwargs or {})
        output = func(*args, **options)
        source = args[0] if args else options.get("input")
        if not isinstance(source, Tensor) or not isinstance(output, Tensor):
            return output
        if source.ndim == 4 and _pools(func, args, options, output):
            self.last, self.ran = source, True
        elif output.ndim == 4 and math.prod(output.shape[2:]) > 1 and output is not self.last:
            self.last = None
        return output


def _pools(func: Any, args: Sequence[Any], options: Mapping[str, Any], output: Tensor) -> bool:
    if func is functional.adaptive_avg_pool2d:
        return True
    if func is functional.avg_pool2d:
        return math.prod(output.shape[2:]) == 1
    if func not in _MEANS:
        return False
    axes = args[1] if len(args) > 1 else options.get("dim", options.get("axis"))
    return isinstance(axes, (tuple, list)) and {axis % 4 for axis in axes} == {2, 3}
