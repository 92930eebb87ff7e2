"""Eight proxies in the usual way, as a baseline for speed: each on its own, with a fresh deep copy and its own passes.

This is how public code computes them: a copy of the network for every proxy, contiguous tensors, a forward and a
backward pass each, hooks where activations are needed. Formulas are those of hwnas, so that scores agree.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

Weighted = (nn.Conv2d, nn.Linear)


def usual_scores(module: nn.Module, images: Tensor, labels: Tensor) -> dict[str, float]:
    """Score of each proxy, computed one after the other on copies of `module`."""
    return {name: compute(copy.deepcopy(module), images.clone(), labels) for name, compute in USUAL.items()}


def _layers(module: nn.Module) -> list[nn.Module]:
    return [layer for layer in module.modules() if isinstance(layer, Weighted)]


def _backward(module: nn.Module, images: Tensor, labels: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Weight and gradient of each layer after one backward pass of the loss."""
    module.train()
    module.zero_grad()
    nn.functional.cross_entropy(module(images), labels).backward()
    zero = torch.zeros(())
    return [
        (layer.weight.detach(), zero if layer.weight.grad is None else layer.weight.grad) for layer in _layers(module)
    ]


def _grad_norm(module: nn.Module, images: Tensor, labels: Tensor) -> float:
    return sum(gradient.double().norm().item() for _, gradient in _backward(module, images, labels))


def _snip(module: nn.Module, images: Tensor, labels: Tensor) -> float:
    return sum(
        (weight * gradient).abs().double().sum().item() for weight, gradient in _backward(module, images, labels)
    )


def _plain(module: nn.Module, images: Tensor, labels: Tensor) -> float:
    return sum((weight * gradient).double().sum().item() for weight, gradient in _backward(module, images, labels))


def _l2_norm(module: nn.Module, _images: Tensor, _labels: Tensor) -> float:
    return sum(layer.weight.double().norm().item() for layer in _layers(module))


def _fisher(module: nn.Module, images: Tensor, labels: Tensor) -> float:
    total = 0.0

    def keep(layer: nn.Module, _inputs: object, output: Tensor) -> None:
        def weigh(gradient: Tensor) -> None:
            nonlocal total
            product = (
                (output.detach() * gradient).flatten(2).sum(dim=2) if output.ndim == 4 else output.detach() * gradient
            )
            saliency = 0.5 * product.double().square().mean(dim=0)
            total += layer.weight[0].numel() * saliency.sum().item()

        if output.requires_grad:
            output.register_hook(weigh)

    for layer in _layers(module):
        layer.register_forward_hook(keep)
    _backward(module, images, labels)
    return total


def _synflow(module: nn.Module, images: Tensor, _labels: Tensor) -> float:
    module.double().eval()
    for norm in [layer for layer in module.modules() if isinstance(layer, nn.BatchNorm2d)]:
        norm.forward = lambda x: x  # type: ignore[method-assign]
    for parameter in module.parameters():
        parameter.data.abs_()
    output = module(torch.ones_like(images[:1], dtype=torch.float64)).sum()
    if output.requires_grad:
        output.backward()
    gradients = [(layer.weight, layer.weight.grad) for layer in _layers(module)]
    return sum(0.0 if gradient is None else (weight * gradient).abs().sum().item() for weight, gradient in gradients)


def _naswot(module: nn.Module, images: Tensor, _labels: Tensor) -> float:
    kernel = torch.zeros(len(images), len(images), dtype=torch.float64)

    def agree(_layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        x = (inputs[0] > 0).float().flatten(1)
        kernel.add_((x @ x.T + (1 - x) @ (1 - x).T).double())

    for layer in [layer for layer in module.modules() if isinstance(layer, nn.ReLU)]:
        layer.register_forward_pre_hook(agree)
    module.train()
    module(images)
    return float(kernel.slogdet().logabsdet)


def _jacob_cov(module: nn.Module, images: Tensor, _labels: Tensor) -> float:
    module.train()
    images.requires_grad_()
    output = module(images)
    if not output.requires_grad:
        return float("-inf")
    output.backward(torch.ones_like(output))
    if images.grad is None or not images.grad.any():
        return float("-inf")
    eigenvalues = torch.linalg.eigvalsh(torch.corrcoef(images.grad.flatten(1).double())).clamp(min=0) + 1e-5
    return -(eigenvalues.log() + 1 / eigenvalues).sum().item()


USUAL: dict[str, Callable[[nn.Module, Tensor, Tensor], float]] = {
    "grad_norm": _grad_norm,
    "snip": _snip,
    "fisher": _fisher,
    "plain": _plain,
    "l2_norm": _l2_norm,
    "synflow": _synflow,
    "naswot": _naswot,
    "jacob_cov": _jacob_cov,
}
