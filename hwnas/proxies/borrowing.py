"""A module that is somebody's own, and the state of the whole process, as they were: whatever the module does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from hwnas.proxies.randomness import seeded


@contextmanager
def borrowed(module: nn.Module, *, seed: int, device: torch.device) -> Iterator[None]:
    """Inside the block random numbers follow from `seed`, and gradients can be taken, whatever surrounds it.

    After the block the module has its own buffers with their contents, training flags, `requires_grad` and `.grad`, and
    the random generators of torch, NumPy and Python go on where they were. Parameters are not copied: a module that
    writes to its own weights is not undone.
    """
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        stack.enter_context(torch.autocast(device.type, enabled=False))
        stack.enter_context(seeded(seed, device))
        stack.enter_context(_state(module))
        yield


def ordinary(tensor: Tensor) -> Tensor:
    """The tensor, or the copy of one that was made in inference mode: only that can take part in gradients."""
    if not tensor.is_inference():
        return tensor
    with torch.inference_mode(False):
        return tensor.clone()


@contextmanager
def plain_attention() -> Iterator[None]:
    """Attention as matrix products, which the flop counter sees: it knows neither the fused kernels of a CPU nor those
    of `nn.MultiheadAttention` in evaluation mode, and would count them as nothing."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


@contextmanager
def _state(module: nn.Module) -> Iterator[None]:
    layers = list(module.modules())
    modes = [layer.training for layer in layers]
    buffers = [dict(layer._buffers) for layer in layers]
    contents = [(buffer, buffer.detach().clone()) for buffer in module.buffers()]
    parameters = [(p, p.requires_grad, p.grad) for p in module.parameters()]
    for parameter, _, _ in parameters:
        parameter.grad = None
    try:
        yield
    finally:
        for layer, mode, own in zip(layers, modes, buffers, strict=True):
            layer.training = mode
            layer._buffers.clear()
            layer._buffers.update(own)
        with torch.no_grad():
            for buffer, content in contents:
                _put_back(buffer, content)
        for parameter, required, gradient in parameters:
            parameter.requires_grad_(required)
            parameter.grad = gradient


def _put_back(buffer: Tensor, content: Tensor) -> None:
    if buffer.shape != content.shape or not torch.equal(buffer, content):
        buffer.data = content
