"""The double backward pass: the Hessian of the loss times its gradient (Wang 2020, section 4)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.modules.batchnorm import _BatchNorm

from hwnas.errors import ProxyError
from hwnas.proxies.batches import Batch
from hwnas.proxies.evidence import LayerPair
from hwnas.proxies.module_state import gradients_required, layer_weights, training_mode
from hwnas.proxies.passes.batch_norms import batch_norm
from hwnas.proxies.passes.supervised import gradients_of, logits_of, loss_of
from hwnas.proxies.replaced_norms import replace_norm


def hessian_gradient(module: nn.Module, batch: Batch) -> list[LayerPair]:
    """Weight of each weighted layer and H g, with g the gradient of the loss for these weights and H their Hessian.

    H g is the gradient of g'.g with g' held fixed. Raises `ProxyError` where an operation has no second derivative.
    """
    weights = layer_weights(module)
    with (
        training_mode(module, statistics="batch"),
        gradients_required(module),
        sdpa_kernel(SDPBackend.MATH),  # the fused attentions have no second derivative
    ):
        for norm in module.modules():
            if isinstance(norm, _BatchNorm):
                replace_norm(norm, batch_norm)
        loss = loss_of(logits_of(module, batch.images), batch.labels, batch.loss)
        if not loss.requires_grad:
            return [LayerPair(weight=weight.detach(), gradient=torch.zeros_like(weight)) for weight in weights]
        first = torch.autograd.grad(loss, weights, create_graph=True, allow_unused=True)
        squared = torch.stack([loss.new_zeros(()), *((g.detach() * g).sum() for g in first if g is not None)]).sum()
        _check_differentiable(module, squared)
        products = gradients_of(squared, weights)
    return [LayerPair(weight=w.detach(), gradient=g) for w, g in zip(weights, products, strict=True)]


def _check_differentiable(module: nn.Module, value: Tensor) -> None:
    """Raise `ProxyError` where the gradient of `value` would lack what passes through an operation without derivative.

    `torch.autograd.grad` passes over such an operation in silence, as no path leads on from it.
    """
    seen, waiting = set(), [value.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        if node.name().endswith("::Error") or "NotImplemented" in node.name():
            raise ProxyError(
                f"grasp expected {type(module).__name__} to be made of operations that can be differentiated twice, "
                "got one that can be once; use another proxy"
            )
        seen.add(node)
        waiting += [following for following, _ in node.next_functions]
