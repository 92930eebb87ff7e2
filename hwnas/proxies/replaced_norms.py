"""Batch norms that compute something else for a while: only the normalisation goes, not what a subclass does around."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from torch import Tensor
from torch.nn import functional
from torch.nn.modules.batchnorm import SyncBatchNorm, _BatchNorm
from torch.overrides import TorchFunctionMode

# (input, scale, shift, epsilon) -> what stands in for the normalised input.
Normalise = Callable[[Tensor, Tensor | None, Tensor | None, float], Tensor]
_OF_TORCH: Final = (_BatchNorm.forward, SyncBatchNorm.forward)
_ARGUMENTS: Final = inspect.signature(functional.batch_norm)


def replace_norm(norm: _BatchNorm, normalise: Normalise) -> None:
    """Let `norm` compute `normalise`, until its attribute `forward` is removed (`training_mode` does so).

    A class with a `forward` of its own, such as a batch norm with its activation, runs it: only its calls of
    `torch.nn.functional.batch_norm` are replaced.
    """
    own = norm.forward
    if "forward" in norm.__dict__ or type(norm).forward not in _OF_TORCH:
        replaced = _Replaced(normalise)

        def around(*arguments: Any, **options: Any) -> Any:
            with replaced:
                return own(*arguments, **options)

        norm.forward = around  # type: ignore[method-assign]
        return
    norm.forward = lambda x: normalise(x, norm.weight, norm.bias, norm.eps)  # type: ignore[method-assign,assignment]


class _Replaced(TorchFunctionMode):
    """Inside the block, `normalise` in place of `torch.nn.functional.batch_norm`."""

    def __init__(self, normalise: Normalise) -> None:
        super().__init__()
        self._normalise = normalise

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        options = dict(kwargs or {})
        if func is functional.batch_norm:
            given = _ARGUMENTS.bind(*args, **options)
            given.apply_defaults()
            return self._normalise(*(given.arguments[name] for name in ("input", "weight", "bias", "eps")))
        return func(*args, **options)
