"""Ways to borrow a module: inside a block it is changed, after the block it is as before, whatever happened inside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm, _NormBase

from hwnas.errors import ProxyError
from hwnas.proxies.replaced_norms import replace_norm

WEIGHTED: Final = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
NORMS: Final = (_NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)
_ABSENT: Final = object()


def weighted_layers(module: nn.Module) -> list[nn.Module]:
    """Convolutions and linear layers, in the order of `modules()`."""
    return [layer for layer in module.modules() if isinstance(layer, WEIGHTED)]


def layer_weights(module: nn.Module) -> list[Tensor]:
    """Weights of convolutions, linear layers and attention (queries, keys, values); shared ones once."""
    names = [(layer, name) for layer in module.modules() for name in _weight_names(layer)]
    weights = [getattr(layer, name) for layer, name in names]
    return list({id(weight): weight for weight in weights if isinstance(weight, Tensor)}.values())


def _weight_names(layer: nn.Module) -> tuple[str, ...]:
    if isinstance(layer, nn.MultiheadAttention):  # it keeps them itself, and applies them without running a layer
        return ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight")
    return ("weight",) if isinstance(layer, WEIGHTED) else ()


@contextmanager
def training_mode(
    module: nn.Module, *, statistics: Literal["batch", "record", "identity", "image"], dropout: bool = True
) -> Iterator[None]:
    """Training mode, also for layers that were frozen; flags and buffers are as before afterwards.

    statistics: "batch" normalises by the batch, "record" does so and holds the batch's variance in `running_var`
    inside the block, "identity" makes every batch norm return its input, "image" normalises each image by itself, as
    if it were a batch of one.
    dropout: False puts all layers that are no norms in evaluation mode, where dropout and stochastic depth are off.
    """
    layers = list(module.modules())
    norms = [layer for layer in layers if isinstance(layer, _BatchNorm)]
    attributes = [{name: layer.__dict__.get(name, _ABSENT) for name in _CHANGED} for layer in layers]
    buffers = [dict(layer._buffers) for layer in layers]
    # Batch norms get other buffers below; those of all other layers are written to in place.
    contents = [(b, b.clone()) for layer in layers if not isinstance(layer, _BatchNorm) for b in _own_buffers(layer)]
    fast = torch.backends.mha.get_fastpath_enabled()
    try:
        if dropout:
            module.train()
        else:
            torch.backends.mha.set_fastpath_enabled(False)  # a kernel for evaluation mode that runs no layers
            for layer in layers:
                layer.training = isinstance(layer, _NormBase)
        for norm in norms:
            _use_statistics(norm, statistics)
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        for layer, values, kept in zip(layers, attributes, buffers, strict=True):
            layer._buffers.clear()
            layer._buffers.update(kept)
            _restore(layer, values)
        with torch.no_grad():
            for buffer, content in contents:
                buffer.copy_(content)


# `forward` is an attribute of the instance only where someone replaced it.
_CHANGED: Final = ("training", "momentum", "track_running_stats", "forward")


def _own_buffers(layer: nn.Module) -> list[Tensor]:
    return [buffer for buffer in layer._buffers.values() if buffer is not None]


def _use_statistics(norm: _BatchNorm, statistics: str) -> None:
    if statistics == "identity":
        replace_norm(norm, _identity)
        return
    if statistics == "image":
        replace_norm(norm, _by_image)
        return
    kept = norm.running_var if norm.weight is None else norm.weight
    norm.running_mean = norm.running_var = norm.num_batches_tracked = None
    if statistics == "record":
        like = torch.empty(0) if kept is None else kept
        norm.running_mean = torch.zeros(norm.num_features, dtype=like.dtype, device=like.device)
        norm.running_var = torch.ones(norm.num_features, dtype=like.dtype, device=like.device)
        norm.momentum, norm.training, norm.track_running_stats = 1.0, True, True


def _restore(layer: nn.Module, values: dict[str, Any]) -> None:
    for name, value in values.items():
        if value is _ABSENT:
            layer.__dict__.pop(name, None)
        else:
            layer.__dict__[name] = value


def _identity(x: Tensor, _scale: Tensor | None, _shift: Tensor | None, _epsilon: float) -> Tensor:
    return x


def _by_image(x: Tensor, scale: Tensor | None, shift: Tensor | None, epsilon: float) -> Tensor:
    """Batch norm of each image alone, all at once: group norm with a group for each channel."""
    if x.ndim < 3 or x[0, 0].numel() == 1:
        raise ProxyError(
            "grad_sign runs each image alone: expected a batch norm to see several values of each channel in an image, "
            f"got inputs of shape {tuple(x.shape)}; give larger images, or use another proxy"
        )
    return nn.functional.group_norm(x, x.shape[1], scale, shift, epsilon)


@contextmanager
def parameters_replaced(module: nn.Module, change: Callable[[str, Tensor], Tensor]) -> Iterator[None]:
    """Parameters set to `change(name, value)` inside the block, and the very same tensors put back after it."""
    kept = {name: parameter.data for name, parameter in module.named_parameters()}
    try:
        for name, parameter in module.named_parameters():
            parameter.data = change(name, kept[name])
        yield
    finally:
        for name, parameter in module.named_parameters():
            parameter.data = kept[name]


@contextmanager
def gradients_required(module: nn.Module) -> Iterator[None]:
    """Weights of weighted layers require gradients inside the block, also frozen ones."""
    frozen = [weight for weight in layer_weights(module) if weight.is_leaf and not weight.requires_grad]
    try:
        for weight in frozen:
            weight.requires_grad_(True)
        with torch.enable_grad():
            yield
    finally:
        for weight in frozen:
            weight.requires_grad_(False)
