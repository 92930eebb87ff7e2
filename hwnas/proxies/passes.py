"""The passes that proxies share. Each leaves parameters, buffers and flags of the module as it found them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from hwnas.errors import ProxyError
from hwnas.proxies.batches import Batch
from hwnas.proxies.evidence import Evidence, LayerPair
from hwnas.proxies.gaussian_pass import gaussian_response
from hwnas.proxies.module_state import gradients_required, layer_weights, parameters_replaced, training_mode
from hwnas.proxies.proxy import Need

if TYPE_CHECKING:
    from hwnas.graphs import Graph


def gather(
    module: nn.Module, batch: Batch, needs: Collection[Need], *, graph: Graph | None = None, seed: int = 0
) -> Evidence:
    """Run the passes that `needs` names on `module` and collect what they show."""
    gradients: list[LayerPair] = []
    agreement: Tensor | None = None
    if "gradients" in needs or "relu_agreement" in needs:
        gradients, agreement = _supervised(
            module, batch, backward="gradients" in needs, agreement="relu_agreement" in needs
        )
    return Evidence(
        batch_size=len(batch.images),
        graph=graph,
        gradients=gradients,
        relu_agreement=agreement,
        synflow=_linearised(module, batch) if "synflow" in needs else [],
        gaussian=gaussian_response(module, batch, seed=seed) if "gaussian" in needs else None,
    )


def logits_of(module: nn.Module, images: Tensor) -> Tensor:
    """Output of the module. Raises `ProxyError` unless it is one tensor of shape (batch, classes)."""
    output = module(images)
    if not isinstance(output, Tensor) or output.ndim != 2:
        got = f"a tensor of shape {tuple(output.shape)}" if isinstance(output, Tensor) else f"a {type(output).__name__}"
        raise ProxyError(
            f"expected {type(module).__name__} to return one tensor of logits of shape (batch, classes), got {got}; "
            "wrap it in a module that returns the logits alone"
        )
    return output


def _pairs(module: nn.Module, value: Tensor) -> list[LayerPair]:
    """Weights and their gradients of `value`; a layer that does not reach it has a gradient of zero."""
    weights = layer_weights(module)
    if not value.requires_grad:
        return [LayerPair(weight=w.detach(), gradient=torch.zeros_like(w)) for w in weights]
    gradients = torch.autograd.grad(value, weights, allow_unused=True)
    return [
        LayerPair(weight=w.detach(), gradient=torch.zeros_like(w) if g is None else g)
        for w, g in zip(weights, gradients, strict=True)
    ]


def _supervised(
    module: nn.Module, batch: Batch, *, backward: bool, agreement: bool
) -> tuple[list[LayerPair], Tensor | None]:
    """One forward pass in training mode with batch statistics, and one backward pass of the cross entropy."""
    size = len(batch.images)
    kernel = torch.zeros(size, size, dtype=torch.float64, device=batch.images.device)
    with ExitStack() as stack:
        stack.enter_context(training_mode(module, statistics="batch"))
        if agreement:
            stack.enter_context(_observe_relus(module, kernel))
        stack.enter_context(gradients_required(module) if backward else torch.no_grad())
        logits = logits_of(module, batch.images)
        pairs = _pairs(module, _loss(logits, batch.labels)) if backward else []
    return pairs, kernel if agreement else None


def _loss(logits: Tensor, labels: Tensor) -> Tensor:
    low, high, classes = int(labels.min()), int(labels.max()), logits.shape[1]
    if low < 0 or high >= classes:
        raise ProxyError(f"expected labels from 0 to {classes - 1} for {classes} logits, got {low} to {high}")
    return nn.functional.cross_entropy(logits, labels)


@contextmanager
def _observe_relus(module: nn.Module, kernel: Tensor) -> Iterator[None]:
    """Add to `kernel` the agreements of every ReLU that runs.

    With signs s in {-1, +1}, agreements are (units + s s^T) / 2: one matrix product where x x^T + (1-x)(1-x)^T takes
    two. ReLUs that read the same tensor share the product.
    """
    seen: dict[int, tuple[Tensor, int, Tensor]] = {}

    def observe(_layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        tensor = inputs[0]
        known = seen.get(id(tensor))
        # A tensor that was written to in place since has another version.
        if known is None or known[0] is not tensor or known[1] != tensor._version:
            signs = (tensor.detach() > 0).flatten(1).to(torch.float32).mul_(2).sub_(1)
            # Sums of ±1 are exact in float32 up to 2^24 units.
            known = (tensor, tensor._version, (signs @ signs.T).double().add_(signs.shape[1]).div_(2))
            seen[id(tensor)] = known
        kernel.add_(known[2])

    hooks = [layer.register_forward_pre_hook(observe) for layer in module.modules() if isinstance(layer, nn.ReLU)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _linearised(module: nn.Module, batch: Batch) -> list[LayerPair]:
    """Synaptic flow: absolute weights, batch norms removed, an image of ones, the sum of the logits, in float64."""
    image = torch.ones(1, *batch.images.shape[1:], dtype=torch.float64, device=batch.images.device)
    with (
        parameters_replaced(module, lambda _, value: value.double().abs()),
        training_mode(module, statistics="identity"),
        gradients_required(module),
    ):
        return _pairs(module, logits_of(module, image).sum())
