"""The pass of MeCo: how close to dependent the channels of each feature map of one random image are (Jiang 2023)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import torch
from torch import Tensor, nn

from hwnas.errors import ProxyError
from hwnas.proxies.batches import Batch
from hwnas.proxies.module_state import training_mode
from hwnas.proxies.passes.supervised import logits_of

_OF_BATCH_NORM: Final = "more than 1 value per channel"  # what torch says where it sees one number of each


def smallest_eigenvalues(module: nn.Module, batch: Batch, *, seed: int) -> list[float]:
    """Of the correlations between the channels of each feature map that a module returns for one Gaussian image.

    Each map counts once, however many modules pass it on; 0 where a channel is constant or there are no more positions
    than channels, NaN where a number is not finite. Batch norms use the statistics of the image, dropout is off.
    Raises `ProxyError` where no module returns a map of shape (1, channels, height, width).
    """
    generator = torch.Generator().manual_seed(seed)
    image = torch.randn(1, *batch.images.shape[1:], generator=generator).to(batch.images)
    values: list[float] = []
    with training_mode(module, statistics="batch", dropout=False), _observed(module, values), torch.no_grad():
        try:
            logits_of(module, image)
        except ValueError as error:
            if _OF_BATCH_NORM not in str(error):
                raise
            raise ProxyError(
                f"meco expected {type(module).__name__} to run on one image, got {error}; use another proxy"
            ) from error
    if not values:
        raise ProxyError(
            "meco expected feature maps of shape (images, channels, height, width), got none; use another proxy"
        )
    return values


@contextmanager
def _observed(module: nn.Module, values: list[float]) -> Iterator[None]:
    kept: dict[tuple[int, int], Tensor] = {}  # holds them, so that no other tensor takes their number

    def observe(_layer: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if not isinstance(output, Tensor) or output.ndim != 4 or _passed_on(inputs, output):
            return
        key = (id(output), output._version)  # written over in place it is another map
        if key not in kept:
            kept[key] = output
            values.append(_smallest_eigenvalue(output[0].flatten(1).double()))

    hooks = [layer.register_forward_hook(observe) for layer in module.modules()]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _passed_on(inputs: tuple[Any, ...], output: Tensor) -> bool:
    """Whether a layer copies its input, as dropout does that is off."""
    source = inputs[0] if inputs else None
    return isinstance(source, Tensor) and source is not output and torch.equal(source, output)


def _smallest_eigenvalue(channels: Tensor) -> float:
    """Of the correlations of (c, positions); a constant channel has none, not even with itself."""
    if not channels.isfinite().all():
        return math.nan
    count, positions = channels.shape
    if positions <= count:  # centred rows are then dependent
        return 0.0
    centred = channels - channels.mean(dim=1, keepdim=True)
    lengths = centred.norm(dim=1)
    if (lengths == 0).any():
        return 0.0
    unit = centred / lengths[:, None]
    return max(0.0, float(torch.linalg.eigvalsh(unit @ unit.T)[0]))
